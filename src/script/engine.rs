//! The embedded engine (QuickJS), one for each thread.
//!
//! A thread keeps one realm in which everything that scripts share is frozen: strict code that runs there
//! leaves no trace, so that it is compiled once and called for every answer. Code that does not get along
//! with a frozen world (it throws there) runs again, in a realm of its own that is thrown away.

mod realm;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rquickjs::{CatchResultExt, CaughtError, Ctx, Error, Function, Persistent, Value};

use super::code::Body;
use super::trouble::{ScriptError, Trouble};
use crate::content::Digest;
use crate::env::Clock;
use realm::Realm;

/// So many compiled functions are kept by a thread; then it begins anew.
const KEPT: usize = 512;
/// So many jobs that a script leaves behind are done for it.
const JOBS: usize = 1000;

/// An argument of a script.
#[derive(Debug, Clone, Copy)]
pub enum Arg<'a> {
    /// A text.
    Text(&'a str),
    /// A value, as JSON.
    Json(&'a str),
    /// Nothing: the script does not read it.
    Nothing,
}

impl Arg<'_> {
    /// Whether one step over it is a short one.
    pub(super) fn is_small(&self) -> bool {
        const SMALL: usize = 256 << 10;
        match self {
            Self::Text(text) | Self::Json(text) => text.len() <= SMALL,
            Self::Nothing => true,
        }
    }
}

/// How long a script may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// So short that other work may wait for it; to be run again when it needs longer.
    Brief,
    /// As long as scripts are given.
    Patient,
}

/// What a script returned.
#[derive(Debug, Clone, PartialEq)]
pub enum Returned {
    /// `undefined`.
    Nothing,
    /// A number, NaN and the infinities included.
    Number(f64),
    /// Anything else that JSON has words for.
    Value(serde_json::Value),
}

/// The moment at which a script is interrupted.
#[derive(Clone, Default)]
struct Alarm(Rc<Cell<Option<Instant>>>);

impl Alarm {
    fn rang(&self) -> bool {
        self.0.get().is_some_and(|at| Clock::real().instant() >= at)
    }
}

/// A thread's engine.
struct Engine {
    // Functions go before the realm that they live in.
    functions: HashMap<Digest, Persistent<Function<'static>>>,
    realm: Realm,
    /// Whether a script left work behind that would run in the time of others.
    haunted: bool,
}

thread_local! {
    static ENGINE: RefCell<Option<Engine>> = const { RefCell::new(None) };
    #[cfg(test)]
    pub(super) static COMPILED: Cell<usize> = const { Cell::new(0) };
}

/// Whether the engine can read a script.
pub(super) fn check(body: &Body) -> Result<(), ScriptError> {
    with_engine(|engine| {
        engine.realm.with(|ctx| {
            compile(&ctx, body, &body.text, body.strict)?;
            // A body that closes its own function would be two.
            compile(&ctx, body, &format!("{{{}\n}}", body.text), body.strict).map(drop)
        })
    })
}

/// Runs a script within a time limit.
pub(super) fn run(body: &Body, args: &[Arg<'_>], limit: Duration) -> Result<Returned, ScriptError> {
    let until = Clock::real().instant() + limit;
    if body.strict {
        let result = with_engine(|engine| engine.run(body, args, until));
        if !matches!(&result, Err(error) if error.trouble == Trouble::Thrown) {
            return result;
        }
    }
    // The world of a script that throws in the shared realm, or needs sloppy mode, is its own.
    let realm = Realm::open()?;
    realm.alarm.0.set(Some(until));
    let result = realm.with(|ctx| {
        let function = compile(&ctx, body, &body.text, false)?;
        call(&ctx, &function, args)
    });
    realm.judged(result)
}

fn with_engine<T>(work: impl FnOnce(&mut Engine) -> Result<T, ScriptError>) -> Result<T, ScriptError> {
    ENGINE.with_borrow_mut(|slot| {
        let mut engine = match slot.take() {
            Some(engine) => engine,
            None => Engine { functions: HashMap::new(), realm: Realm::frozen()?, haunted: false },
        };
        let result = work(&mut engine);
        // After it ran out of memory or time an engine may hold anything: the next one is new.
        let spoilt = matches!(&result, Err(e) if matches!(e.trouble, Trouble::TimedOut | Trouble::TooLarge));
        if !spoilt && !engine.haunted && engine.functions.len() <= KEPT {
            *slot = Some(engine);
        }
        result
    })
}

impl Engine {
    fn run(&mut self, body: &Body, args: &[Arg<'_>], until: Instant) -> Result<Returned, ScriptError> {
        let Self { functions, realm, haunted } = self;
        realm.alarm.0.set(Some(until));
        let result = realm.with(|ctx| {
            let function = if let Some(kept) = functions.get(&body.id) {
                kept.clone().restore(&ctx).map_err(|error| thrown(&ctx, error))?
            } else {
                let function = compile(&ctx, body, &body.text, true)?;
                functions.insert(body.id, Persistent::save(&ctx, function.clone()));
                function
            };
            let result = call(&ctx, &function, args);
            // What it left undone belongs to its own time.
            let mut jobs = 0;
            while jobs < JOBS && ctx.execute_pending_job() {
                jobs += 1;
            }
            *haunted = jobs == JOBS;
            result
        });
        let result = realm.judged(result);
        realm.alarm.0.set(None);
        result
    }
}

/// The function of a script.
fn compile<'js>(ctx: &Ctx<'js>, body: &Body, text: &str, strict: bool) -> Result<Function<'js>, ScriptError> {
    #[cfg(test)]
    COMPILED.set(COMPILED.get() + 1);
    let make: Function<'js> = ctx.globals().get("Function").map_err(|error| thrown(ctx, error))?;
    let text = format!("{}{text}", if strict { "'use strict';" } else { "" });
    let mut args = rquickjs::function::Args::new(ctx.clone(), body.parameters.len() + 1);
    let pushed = args.push_args(body.parameters.iter().copied()).and_then(|()| args.push_arg(text));
    pushed.and_then(|()| args.apply(&make)).map_err(|error| {
        let error = thrown(ctx, error);
        let lines = u32::try_from(body.text.trim_end().lines().count()).unwrap_or(u32::MAX);
        // What is missing at the end is missed behind it.
        if error.line.is_some_and(|line| line > lines) {
            return ScriptError::new(Trouble::Syntax, "it ends in the middle, or a bracket is closed once too often");
        }
        let message = error.message.strip_prefix("SyntaxError: ").unwrap_or(&error.message);
        ScriptError { line: error.line.filter(|_| lines > 1), ..ScriptError::new(Trouble::Syntax, message) }
    })
}

fn call<'js>(ctx: &Ctx<'js>, function: &Function<'js>, args: &[Arg<'_>]) -> Result<Returned, ScriptError> {
    let result = prepare(ctx, args).and_then(|args| args.apply::<Value<'js>>(function));
    let value = result.map_err(|error| thrown(ctx, error))?;
    let value = match value.as_promise() {
        Some(promise) => promise.finish::<Value<'js>>().map_err(|error| thrown(ctx, error))?,
        None => value,
    };
    returned(ctx, value)
}

fn prepare<'js>(ctx: &Ctx<'js>, args: &[Arg<'_>]) -> Result<rquickjs::function::Args<'js>, Error> {
    let mut list = rquickjs::function::Args::new(ctx.clone(), args.len());
    for arg in args {
        match arg {
            Arg::Text(text) => list.push_arg(*text)?,
            Arg::Json(json) => list.push_arg(ctx.json_parse(*json)?)?,
            Arg::Nothing => list.push_arg(rquickjs::Undefined)?,
        }
    }
    Ok(list)
}

fn returned<'js>(ctx: &Ctx<'js>, value: Value<'js>) -> Result<Returned, ScriptError> {
    if let Some(number) = value.as_number() {
        return Ok(Returned::Number(number));
    }
    if let Some(truth) = value.as_bool() {
        return Ok(Returned::Value(truth.into()));
    }
    if value.is_undefined() {
        return Ok(Returned::Nothing);
    }
    let what = value.type_name();
    let text = ctx.json_stringify(value).map_err(|error| thrown(ctx, error))?;
    let Some(text) = text else {
        return Err(ScriptError::new(Trouble::NoResult, format!("the script returned a {what}")));
    };
    let text = text.to_string().map_err(|error| thrown(ctx, error))?;
    let value = serde_json::from_str(&text);
    value.map(Returned::Value).map_err(|error| {
        ScriptError::new(Trouble::NoResult, format!("what the script returned is no proper JSON: {error}"))
    })
}

/// An engine's error in words.
fn thrown(ctx: &Ctx<'_>, error: Error) -> ScriptError {
    let caught = Err::<(), _>(error).catch(ctx);
    match caught {
        Ok(()) | Err(CaughtError::Error(Error::WouldBlock)) => {
            ScriptError::new(Trouble::Pending, "the script waits for a promise that nothing resolves")
        }
        Err(CaughtError::Error(Error::Allocation)) => too_large(),
        Err(CaughtError::Error(error)) => ScriptError::new(Trouble::Thrown, error.to_string()),
        Err(CaughtError::Exception(exception)) => exception_of(ctx, &exception),
        Err(CaughtError::Value(value)) => {
            let text = ctx.json_stringify(value.clone()).ok().flatten().and_then(|text| text.to_string().ok());
            let text = text.unwrap_or_else(|| value.type_name().to_owned());
            ScriptError::new(Trouble::Thrown, format!("the script threw {}", brief(&text)))
        }
    }
}

fn exception_of(_ctx: &Ctx<'_>, exception: &rquickjs::Exception<'_>) -> ScriptError {
    let message = exception.message().unwrap_or_default();
    let name: String = exception.as_object().get("name").unwrap_or_else(|_| "Error".to_owned());
    match (name.as_str(), message.as_str()) {
        ("InternalError", "out of memory") => return too_large(),
        ("InternalError", "interrupted") => return ScriptError::new(Trouble::TimedOut, "interrupted"),
        ("RangeError" | "InternalError", "Maximum call stack size exceeded" | "stack overflow") => {
            return ScriptError::new(Trouble::Thrown, "the script goes too deep: its calls never return");
        }
        _ => {}
    }
    let line = exception.stack().as_deref().and_then(line_of);
    let hint = missing(&message).map(|what| format!("; {what}")).unwrap_or_default();
    ScriptError { line, ..ScriptError::new(Trouble::Thrown, format!("{name}: {}{hint}", brief(&message))) }
}

/// What the embedded engine has not, and where it can be had.
fn missing(message: &str) -> Option<&'static str> {
    let name = message.strip_suffix(" is not defined")?.trim_matches('\'');
    let outside = ["require", "process", "fetch", "Buffer", "setTimeout", "setInterval", "module", "exports", "URL"];
    outside.contains(&name).then_some(
        "inline scripts have no modules, files, network or timers: put the code into a file:// script, which node runs",
    )
}

/// The line of the first frame that belongs to the script: `Function` puts two lines before the body.
fn line_of(stack: &str) -> Option<u32> {
    let frame = stack.lines().find(|line| line.contains("<input>:"))?;
    let place = frame.split("<input>:").nth(1)?;
    let line: u32 = place.split([':', ')']).next()?.parse().ok()?;
    // A script of one line needs no line.
    line.checked_sub(2).filter(|line| *line > 1)
}

fn too_large() -> ScriptError {
    ScriptError::new(Trouble::TooLarge, "the script needs more memory than scripts are given")
}

fn brief(text: &str) -> String {
    const MOST: usize = 300;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Code;
    use super::*;

    const PARAMETERS: &[&str] = &["output", "context"];

    fn run(text: &str) -> Result<Returned, ScriptError> {
        Code::new(text, PARAMETERS).unwrap().run(&[Arg::Text("abc"), Arg::Nothing], Pace::Brief)
    }

    #[test]
    fn a_script_is_compiled_once_for_all_its_runs() {
        let code = Code::new("output.length > 2 // once", PARAMETERS).unwrap();
        let before = COMPILED.get();
        for _ in 0..1000 {
            code.run(&[Arg::Text("abc"), Arg::Nothing], Pace::Brief).unwrap();
        }
        assert_eq!(COMPILED.get() - before, 1);
    }

    /// Each of these tries to leave something behind; what follows must not find it.
    #[test]
    fn nothing_leaks_from_one_run_to_the_next() {
        let leaks = [
            ("leaked = 1", "typeof leaked"),
            ("globalThis.leaked = 1", "typeof leaked"),
            ("this.leaked = 1", "typeof leaked"),
            ("var leaked = 1", "typeof leaked"),
            ("Function('leaked = 1')()", "typeof leaked"),
            ("(0, eval)('let leaked = 1')", "typeof leaked"),
            ("(0, eval)('var leaked = 1')", "typeof leaked"),
            ("(() => { try { Object.prototype.leaked = 1 } catch {} })()", "typeof ({}).leaked"),
            ("Object.prototype.leaked = 1", "typeof ({}).leaked"),
            ("({}).__proto__.leaked = 1", "typeof ({}).leaked"),
            ("({}).constructor.leaked = 1", "typeof Object.leaked"),
            ("Array.prototype.push = () => 'mine'", "typeof [].push(1) === 'number' ? 'undefined' : 'leaked'"),
            ("JSON.parse = () => 'mine'", "JSON.parse('1') === 1 ? 'undefined' : 'leaked'"),
            ("String.prototype.leaked = 1", "typeof ''.leaked"),
            ("(function* () {}).__proto__.leaked = 1", "typeof (function* () {}).leaked"),
            ("(async () => {}).__proto__.leaked = 1", "typeof (async () => {}).leaked"),
            ("[][Symbol.iterator]().__proto__.leaked = 1", "typeof [][Symbol.iterator]().leaked"),
            ("/a/.__proto__.leaked = 1", "typeof /a/.leaked"),
            ("Object.defineProperty(globalThis, 'leaked', {value: 1})", "typeof leaked"),
            ("Object.setPrototypeOf(globalThis, {leaked: 1})", "typeof leaked"),
            ("console.leaked = 1", "typeof console.leaked"),
            ("Math.leaked = 1", "typeof Math.leaked"),
            ("(t => (t.leaked = 1, t))((x => x)`a`)", "typeof ((x => x)`a`).leaked"),
            ("delete globalThis.JSON", "typeof JSON === 'object' ? 'undefined' : 'leaked'"),
            ("Promise.resolve().then(() => { Promise.prototype.leaked = 1 })", "typeof Promise.prototype.leaked"),
        ];
        for (leak, look) in leaks {
            let _ = run(leak);
            assert_eq!(run(look), Ok(Returned::Value("undefined".into())), "{leak}");
        }
    }

    /// The worst that scripts do, and what they get. Brief limits keep it short.
    #[test]
    fn hostile_scripts_cost_their_own_verdict() {
        use Trouble::{NoResult, Pending, Syntax, Thrown, TimedOut, TooLarge};
        let table: &[(&str, &[Trouble])] = &[
            ("while (true) {}", &[TimedOut]),
            ("for (;;) { try { while (1) {} } catch {} finally { continue } }", &[TimedOut]),
            ("(function f() { return f() })()", &[Thrown]),
            ("let a = 'x'; while (1) a += a;", &[TooLarge, TimedOut, Thrown]),
            ("const a = []; while (1) a.push(new Array(1000).fill(a.length));", &[TooLarge, TimedOut]),
            ("Array(1e9).fill(1)", &[TooLarge, TimedOut]),
            ("new Uint8Array(1e9)", &[TooLarge, Thrown]),
            ("'x'.repeat(1e9)", &[TooLarge, Thrown]),
            ("({get pass() { throw new Error('no') }})", &[Thrown]),
            ("({get pass() { while (1) {} }})", &[TimedOut]),
            ("({toJSON() { throw 1 }})", &[Thrown]),
            ("new Proxy({}, {ownKeys() { throw new Error('trap') }})", &[Thrown]),
            ("new Proxy({}, {ownKeys() { while (1) {} }})", &[TimedOut]),
            ("const o = {}; o.o = o; return o", &[Thrown]),
            ("new Promise(() => {})", &[Pending]),
            ("(async () => { while (1) await null })()", &[TimedOut]),
            ("Promise.reject(new Error('no'))", &[Thrown]),
            ("({then(f) { f(1) }})", &[]),
            ("throw 'text'", &[Thrown]),
            ("throw undefined", &[Thrown]),
            ("throw {get message() { while (1) {} }}", &[Thrown, TimedOut]),
            ("throw Object.assign(new Error('x'), {get stack() { while (1) {} }})", &[Thrown, TimedOut]),
            (
                "const e = new Error('x'); Object.defineProperty(e, 'message', {get() { while (1) {} }}); throw e",
                &[Thrown, TimedOut],
            ),
            ("Symbol('a')", &[NoResult]),
            ("() => 1", &[NoResult]),
            ("10n", &[NoResult, Thrown]),
            ("require('fs')", &[Thrown]),
            ("process.exit(1)", &[Thrown]),
            ("import('fs')", &[Thrown, Pending]),
            ("'\\ud800'", &[NoResult]),
            ("/(a+)+$/.test('a'.repeat(60) + 'b')", &[TimedOut]),
            ("JSON.parse('['.repeat(1e6))", &[Thrown, TimedOut, TooLarge]),
            ("let a = []; for (let i = 0; i < 1e6; i++) a = [a]; return a", &[Thrown, TimedOut, TooLarge]),
            ("'a'.repeat(1e7).split('').reverse().join('').length", &[TimedOut, TooLarge]),
            ("new (class { constructor() { return this.x() } x() { return new this.constructor() } })()", &[Thrown]),
        ];
        for (text, expected) in table {
            let started = Clock::real().instant();
            let got = match Code::new(text, PARAMETERS) {
                Ok(code) => code.run(&[Arg::Text("abc"), Arg::Nothing], Pace::Brief),
                Err(error) => Err(error),
            };
            let took = Clock::real().instant() - started;
            match &got {
                Ok(_) => assert!(expected.is_empty(), "{text}: {got:?}"),
                Err(error) => {
                    assert!(expected.contains(&error.trouble) && error.trouble != Syntax, "{text}: {error:?}");
                }
            }
            assert!(took < Duration::from_secs(3), "{text} took {took:?}");
            assert_eq!(run("output"), Ok(Returned::Value("abc".into())), "after {text}");
        }
    }

    #[test]
    fn ten_megabytes_go_in_and_out() {
        let text = "é".repeat(5 << 20);
        let code = Code::new("output + '!'", PARAMETERS).unwrap();
        let result = code.run(&[Arg::Text(&text), Arg::Nothing], Pace::Patient).unwrap();
        assert_eq!(result, Returned::Value(format!("{text}!").into()));
    }

    #[test]
    fn errors_say_what_and_where() {
        let said = |text: &str| run(text).unwrap_err().to_string();
        insta::assert_snapshot!(said("output.foo.bar"), @"TypeError: cannot read property 'bar' of undefined");
        insta::assert_snapshot!(said("const a = 1;\n\nreturn a.b.c;"), @"TypeError: cannot read property 'c' of undefined (line 3 of the script)");
        insta::assert_snapshot!(said("require('fs')"), @"ReferenceError: require is not defined; inline scripts have no modules, files, network or timers: put the code into a file:// script, which node runs");
        insta::assert_snapshot!(said("throw new Error('boom')"), @"Error: boom");
        insta::assert_snapshot!(said("throw 'boom'"), @r#"the script threw "boom""#);
        insta::assert_snapshot!(said("(function f() { return f() })()"), @"the script goes too deep: its calls never return");
        insta::assert_snapshot!(said("while (1) {}"), @"the script took too long and was stopped");
        insta::assert_snapshot!(Code::new("output.(", PARAMETERS).unwrap_err().message, @"expecting field name");
    }
}

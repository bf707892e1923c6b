//! JavaScript as it stands in a config.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::engine::{self, Arg, Pace, Returned};
use super::trouble::{ScriptError, Trouble};
use crate::content::{ContentId, Digest};

/// After so many time-outs a script is not run again: the run would only wait.
const PATIENCE: u32 = 3;

/// A script that has been checked: the body of a function with named parameters.
#[derive(Clone)]
pub struct Code {
    body: Arc<Body>,
}

/// What the engine compiles.
pub(super) struct Body {
    pub(super) text: String,
    pub(super) parameters: &'static [&'static str],
    pub(super) id: Digest,
    /// Whether it can run in strict mode, and so beside others.
    pub(super) strict: bool,
    /// Whether it has no means to make something large.
    light: bool,
    timeouts: AtomicU32,
    slow: AtomicBool,
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Code").field(&self.body.text).finish()
    }
}

impl Code {
    /// Reads a script. One line is an expression whose value counts, with declarations before it if need
    /// be; several lines are the body of a function and need a `return`, as in promptfoo.
    ///
    /// # Errors
    /// When it is no JavaScript.
    pub fn new(text: &str, parameters: &'static [&'static str]) -> Result<Self, ScriptError> {
        let mut first = None;
        for text in forms(text) {
            match Self::body(text, parameters) {
                Ok(body) => return Ok(Self { body: Arc::new(body) }),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(|| ScriptError::new(Trouble::Syntax, "the script is empty")))
    }

    fn body(text: String, parameters: &'static [&'static str]) -> Result<Body, ScriptError> {
        let id = parameters.iter().fold(ContentId::of(&text), |id, name| id.with(name)).digest();
        let strict = !sloppy(&text);
        let light = light(&text);
        let mut body =
            Body { text, parameters, id, strict, light, timeouts: AtomicU32::new(0), slow: AtomicBool::new(false) };
        if !strict || engine::check(&body).is_err() {
            body.strict = false;
            engine::check(&body)?;
        }
        Ok(body)
    }

    pub(super) fn id(&self) -> Digest {
        self.body.id
    }

    /// Whether a parameter may be read at all; what is surely not read need not be made.
    pub fn may_read(&self, name: &str) -> bool {
        ["arguments", "eval", "Function", "\\u", name].iter().any(|word| self.body.text.contains(word))
    }

    /// Whether it comes to nothing whatever it is given: several lines without a `return`.
    pub fn returns_nothing(&self) -> bool {
        !words(&self.body.text).any(|word| matches!(word, "return" | "throw" | "eval"))
    }

    /// Whether it is a function that nothing calls: `(output) => …` and nothing around it.
    pub fn is_uncalled(&self) -> bool {
        let text = self.body.text.trim_start();
        let text = text.strip_prefix("return ").unwrap_or(text).trim_start();
        let text = text.strip_prefix("async ").unwrap_or(text).trim_start();
        let head = match text.strip_prefix('(') {
            Some(rest) => rest.split_once(')').filter(|(names, _)| !names.contains('(')).map(|(_, rest)| rest),
            None => Some(text.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_' || c == '$')),
        };
        head.is_some_and(|rest| rest.len() < text.len() && rest.trim_start().starts_with("=>"))
    }

    /// Whether no step of it can take long: it never did, and it has no means to make something large.
    pub(super) fn is_light(&self) -> bool {
        self.body.light && !self.body.slow.load(Ordering::Relaxed)
    }

    /// Never runs it again.
    pub(super) fn give_up(&self) {
        self.body.timeouts.store(PATIENCE, Ordering::Relaxed);
    }

    /// Runs it. Nothing that an earlier run did can be seen.
    ///
    /// # Errors
    /// When it throws, takes too long or too much, or never comes to an end.
    pub fn run(&self, args: &[Arg<'_>], pace: Pace) -> Result<Returned, ScriptError> {
        if self.body.timeouts.load(Ordering::Relaxed) >= PATIENCE {
            let message = format!("this script took too long {PATIENCE} times and is not run again");
            return Err(ScriptError::new(Trouble::TimedOut, message));
        }
        let result = engine::run(&self.body, args, pace.limit());
        let late = matches!(&result, Err(error) if error.trouble == Trouble::TimedOut);
        match pace {
            Pace::Brief if late => self.body.slow.store(true, Ordering::Relaxed),
            Pace::Patient if late => drop(self.body.timeouts.fetch_add(1, Ordering::Relaxed)),
            Pace::Patient if result.is_ok() => self.body.timeouts.store(0, Ordering::Relaxed),
            _ => {}
        }
        result
    }
}

impl Pace {
    pub(super) fn limit(self) -> Duration {
        match self {
            Self::Brief => Duration::from_millis(20),
            Self::Patient => Duration::from_secs(5),
        }
    }
}

/// Whether a script has no means to make something so large that one step over it takes long: no loops, no
/// calls that are told a size by a number.
fn light(text: &str) -> bool {
    const GROWS: [&str; 10] =
        ["while", "for", "do", "function", "repeat", "padStart", "padEnd", "concat", "fill", "BigInt"];
    let grows = words(text).any(|word| GROWS.contains(&word) || word.ends_with("Array"));
    let behind_length = || text.split("length").skip(1).map(str::trim_start);
    let sets_length = behind_length().any(|rest| rest.starts_with('=') && !rest.starts_with("=="));
    !(grows || sets_length || text.contains("**") || text.contains("\\u"))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
}

/// Words whose meaning differs between strict and sloppy code without an error that would tell.
fn sloppy(text: &str) -> bool {
    words(text).any(|word| matches!(word, "this" | "arguments" | "eval" | "Function" | "globalThis" | "caller"))
}

/// The bodies that a text may stand for, the likeliest first.
fn forms(text: &str) -> Vec<String> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Vec::new();
    }
    if text.trim_end().contains(['\n', '\r']) {
        return vec![text.to_owned()];
    }
    let body = || text.to_owned();
    let declares = ["const", "let", "var"]
        .iter()
        .any(|word| trimmed.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '\t', '{', '['])));
    if !declares {
        return vec![format!("return {trimmed}\n"), body()];
    }
    // The last statement is the one behind the last semicolon that is neither in a text nor in a block:
    // the engine's own parser tells which.
    let code = trimmed.trim_end_matches([';', ' ', '\t']);
    let splits = code.rmatch_indices(';').map(|(at, _)| {
        let (head, tail) = code.split_at(at);
        format!("{head};return ({}\n)", &tail[1..])
    });
    splits.chain([body()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const PARAMETERS: &[&str] = &["output", "context"];

    fn run(text: &str, output: &str) -> Result<Returned, ScriptError> {
        Code::new(text, PARAMETERS)?.run(&[Arg::Text(output), Arg::Json("{\"vars\":{\"n\":1}}")], Pace::Patient)
    }

    fn value(text: &str) -> Value {
        match run(text, "abc").unwrap() {
            Returned::Nothing => json!("nothing"),
            Returned::Number(n) => json!(n),
            Returned::Value(value) => value,
        }
    }

    #[test]
    fn one_line_is_an_expression_and_several_are_a_body() {
        for (text, expected) in [
            ("output === 'abc'", json!(true)),
            ("output === 'abc';;  ", json!(true)),
            ("output === 'abc'\n", json!(true)),
            ("\noutput === 'abc'", json!("nothing")),
            ("  return output === 'abc'", json!(true)),
            ("return { pass: true };\n", json!({"pass": true})),
            ("{pass: true, score: 1}", json!({"pass": true, "score": 1})),
            ("const s = 'a;b'; s === 'a;b'", json!(true)),
            ("const s = output.length; return s > 2", json!(true)),
            ("let x = 1; let y = 2; x + y", json!(3.0)),
            ("const {length} = output; length", json!(3.0)),
            ("const x = 1", json!("nothing")),
            ("x = 1; x === 1", json!(1.0)),
            ("/* c */ output === 'abc' // d", json!(true)),
            ("// check\nreturn output === 'abc'", json!(true)),
            ("const f = (a) => {\n return a;\n};\nreturn f(`${output}!`)", json!("abc!")),
            ("(() => output.match(/B/i)[0])()", json!("b")),
            ("context.vars.n", json!(1.0)),
            ("Promise.resolve(output)", json!("abc")),
            ("(async () => { await null; return 7 })()", json!(7.0)),
            ("[1, undefined, NaN]", json!([1, null, null])),
            ("if (output) return 1; else return 2", json!(1.0)),
            ("console.log(output) || true", json!(true)),
            ("undefined", json!("nothing")),
            ("null", json!(null)),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn functions_that_nothing_calls_are_known() {
        let uncalled = |text: &str| Code::new(text, PARAMETERS).unwrap().is_uncalled();
        for text in ["(output) => output", "output => true", "async (o, c) => {\n return true;\n}", "() => 1"] {
            assert!(uncalled(text), "{text}");
        }
        for text in
            ["((o) => o)(output)", "output >= 2", "[1].map((x) => x)", "const f = (o) => o; f(output)", "(output)"]
        {
            assert!(!uncalled(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_javascript_is_found_at_once() {
        for text in ["output.(", "return true; }", "}, function(){", "", "const = 1", "output ===\n", "\"\\u{110000}\""]
        {
            assert_eq!(Code::new(text, PARAMETERS).unwrap_err().trouble, Trouble::Syntax, "{text}");
        }
    }

    #[test]
    fn the_frozen_world_is_not_felt() {
        for (text, expected) in [
            (
                "class Bad extends Error { constructor(m) { super(m); this.name = 'Bad' } }\ntry { throw new Bad('x') } catch (e) { return e instanceof Bad && e.name === 'Bad' }",
                json!(true),
            ),
            (
                "const seen = {};\ntry { seen['constructor'] = 1; seen.toString = 2 } catch { return 'threw' }\nreturn seen.constructor + seen.toString",
                json!(3.0),
            ),
            (
                "function F() {}\ntry { F.prototype.toString = () => 'mine' } catch { return 'threw' }\nreturn `${new F()}`",
                json!("mine"),
            ),
            ("arguments[0] = 'x'; return output", json!("x")),
            ("(function () { return this === undefined })()", json!(false)),
            ("typeof eval", json!("function")),
            ("Object.keys({a: 1}).concat(Object.entries({}).length)", json!(["a", 0])),
            ("[3, 1, 2].sort().map((x) => x * 2).join()", json!("2,4,6")),
            ("[...new Set(output)].length + [...output.matchAll(/./g)].length", json!(6.0)),
            ("let n = 0;\nfor (const k in {a: 1}) n++;\nfor (const k in []) n++;\nreturn n", json!(1.0)),
            ("JSON.stringify({a: [1, 'x', null]})", json!("{\"a\":[1,\"x\",null]}")),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn sloppy_code_runs_as_it_does_elsewhere() {
        assert_eq!(value("x = 3; return x"), json!(3.0));
        assert_eq!(value("with (context.vars) { return n }"), json!(1.0));
        assert_eq!(
            value("String.prototype.shout = function () { return this + '!' };\nreturn output.shout()"),
            json!("abc!")
        );
        assert_eq!(value("eval('1 + 1')"), json!(2.0));
        assert_eq!(value("const e = {}; e.toString = () => 'mine'; return `${e}`"), json!("mine"));
    }
}

//! A world for scripts.

use rquickjs::{CatchResultExt, Context, Ctx, Runtime};

use super::Alarm;
use crate::script::trouble::{ScriptError, Trouble};

/// Bytes that a realm may hold.
const MEMORY: usize = 128 << 20;
/// Bytes of stack; every thread that may run scripts has several times as many.
const STACK: usize = 512 << 10;
const FREEZE: &str = include_str!("freeze.js");
/// Scripts were written where `console` is at hand; here it is silent.
const CONSOLE: &str = "globalThis.console = Object.fromEntries(
    ['log', 'info', 'warn', 'error', 'debug', 'trace', 'table', 'assert'].map((name) => [name, () => {}]));";

/// An engine with its globals.
pub(super) struct Realm {
    // The context goes before its runtime.
    context: Context,
    _runtime: Runtime,
    pub(super) alarm: Alarm,
}

impl Realm {
    /// One as scripts expect it.
    pub(super) fn open() -> Result<Self, ScriptError> {
        Self::make(&[CONSOLE])
    }

    /// One in which nothing shared can be changed.
    pub(super) fn frozen() -> Result<Self, ScriptError> {
        Self::make(&[CONSOLE, FREEZE])
    }

    fn make(preludes: &[&str]) -> Result<Self, ScriptError> {
        let broken = |error: String| ScriptError::new(Trouble::TooLarge, format!("the engine does not start: {error}"));
        let runtime = Runtime::new().map_err(|error| broken(error.to_string()))?;
        runtime.set_memory_limit(MEMORY);
        runtime.set_max_stack_size(STACK);
        let alarm = Alarm::default();
        let bell = alarm.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || bell.rang())));
        let context = Context::full(&runtime).map_err(|error| broken(error.to_string()))?;
        let realm = Self { context, _runtime: runtime, alarm };
        realm.with(|ctx| {
            let prepare = |text: &&str| ctx.eval::<(), _>(*text).catch(&ctx).map_err(|error| broken(error.to_string()));
            preludes.iter().try_for_each(prepare)
        })?;
        Ok(realm)
    }

    pub(super) fn with<T>(&self, work: impl FnOnce(Ctx<'_>) -> T) -> T {
        self.context.with(work)
    }

    /// What a result means once the time is known: whatever an interrupted script says, it was interrupted.
    pub(super) fn judged<T>(&self, result: Result<T, ScriptError>) -> Result<T, ScriptError> {
        match result {
            Err(error) if error.trouble != Trouble::Syntax && self.alarm.rang() => {
                Err(ScriptError::new(Trouble::TimedOut, "the script took too long and was stopped"))
            }
            other => other,
        }
    }
}

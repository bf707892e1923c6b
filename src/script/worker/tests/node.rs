//! JavaScript and TypeScript in files.

use super::*;

#[tokio::test]
async fn node_runs_modules() {
    let Some(scene) = Scene::new(&NODE) else { return };
    for (file, text, function, expected) in [
        ("a.mjs", "export default (output) => output.length", None, Ok(json!(5))),
        ("b.mjs", "export async function rule(_, context) { return context.vars }", Some("rule"), Ok(json!({"n": 1}))),
        (
            "c.cjs",
            "module.exports = (output) => ({ pass: true, reason: output })",
            None,
            Ok(json!({"pass": true, "reason": "hello"})),
        ),
        ("d.cjs", "exports.rule = () => 1", Some("rule"), Ok(json!(1))),
        ("e.js", "let n = 0; module.exports = { rule: () => ++n }", Some("rule"), Ok(json!(1))),
        ("e.js", "let n = 0; module.exports = { rule: () => ++n }", Some("rule"), Ok(json!(2))),
        ("f.mjs", "export const get_assert = () => undefined", None, Ok(Value::Null)),
        (
            "g.mjs",
            "console.log('to nobody'); export default () => { console.log('x'.repeat(1 << 20)); return 1 }",
            None,
            Ok(json!(1)),
        ),
        ("h.mjs", "import fs from 'fs'; export default () => fs.readFileSync(0, 'utf8')", None, Ok(json!(""))),
        ("i.mjs", "export default () => { Promise.reject(new Error('left behind')); return 1 }", None, Ok(json!(1))),
        ("j.mjs", "export default () => new Promise((done) => setTimeout(done, 1, 'late'))", None, Ok(json!("late"))),
    ] {
        let result = scene.workers.call(&scene.file(file, text, function), OUTPUT, AMPLE).await;
        assert_expected(file, &result, &expected);
    }
}

#[tokio::test]
async fn node_survives_what_scripts_do() {
    let Some(scene) = Scene::new(&NODE) else { return };
    for (file, text, trouble, words) in [
        ("k.mjs", "export const other = 1", Trouble::Missing, "no default export that is a function (it has other)"),
        ("l.mjs", "\nexport default () => { throw new TypeError('no') }", Trouble::Thrown, "TypeError: no (l.mjs:2)"),
        ("m.mjs", "export default () => { throw 'a text' }", Trouble::Thrown, "it threw \"a text\""),
        ("n.mjs", "export default () => 0 / 0", Trouble::NoResult, "NaN is no JSON"),
        ("o.mjs", "export default () => ({ all: new Set([1]) })", Trouble::NoResult, "a Set is no JSON"),
        ("p.mjs", "export default () => 10n", Trouble::NoResult, "BigInt"),
        ("q.mjs", "const x = {}; x.x = x; export default () => x", Trouble::NoResult, "circular"),
        ("r.mjs", "export default () => 'x'.repeat(50 << 20)", Trouble::TooLarge, "1048576 are the most"),
        (
            "s.mjs",
            "export default () => { console.log('bye'); process.exit(3) }",
            Trouble::Died,
            "(exit code 3) (s.mjs); it printed: bye",
        ),
        ("t.mjs", "export default (", Trouble::Syntax, "SyntaxError"),
        ("u.cjs", "\nrequire('not-there-at-all')", Trouble::Thrown, "Cannot find module 'not-there-at-all'"),
        ("v.mjs", "export default () => '\\ud800'", Trouble::NoResult, "it returned what cannot be read"),
    ] {
        let result = scene.workers.call(&scene.file(file, text, None), OUTPUT, AMPLE).await;
        assert_expected(file, &result, &Err((trouble, words)));
    }
    let endless = scene.file("endless.mjs", "export default () => { for (;;) {} }", None);
    let result = scene.workers.call(&endless, OUTPUT, SHORT).await;
    assert_expected("endless", &result, &Err((Trouble::TimedOut, "(endless.mjs)")));
}

#[tokio::test]
async fn typescript_runs_where_node_reads_it() {
    let Some(scene) = Scene::new(&NODE) else { return };
    let script = scene.file("a.ts", "export default (output: string): number => output.length", None);
    match scene.workers.call(&script, OUTPUT, AMPLE).await {
        Ok(value) => assert_eq!(value, 5),
        Err(error) => assert!(error.message.contains("cannot read TypeScript: node 22.18 or newer can"), "{error}"),
    }
}

//! Ruby.

use super::*;

#[tokio::test]
async fn ruby_runs_lines_bodies_and_files() {
    let Some(scene) = Scene::new(&RUBY) else { return };
    for (text, expected) in [
        ("output == 'hello'", Ok(json!(true))),
        ("x = output.length\nreturn x if x > 3\n0", Ok(json!(5))),
        ("{pass: true, 'score' => context['vars']['n']}", Ok(json!({"pass": true, "score": 1}))),
        ("@seen = @seen.to_i + 1", Ok(json!(1))),
        ("@seen = @seen.to_i + 1", Ok(json!(1))),
        ("puts 'to nobody'", Ok(Value::Null)),
        ("$stdin.read", Ok(json!(""))),
        ("'\u{e4}\u{1f600}'", Ok(json!("\u{e4}\u{1f600}"))),
        ("x = 1\nraise ArgumentError, 'no'", Err((Trouble::Thrown, "ArgumentError: no (line 2 of the assertion)"))),
        ("puts 'seen'\nnil.upcase", Err((Trouble::Thrown, "it printed: seen"))),
        ("output.(", Err((Trouble::Syntax, "(the assertion)"))),
        ("0.0 / 0", Err((Trouble::NoResult, "JSON"))),
        ("Object.new", Err((Trouble::NoResult, "a `Object` is no JSON"))),
        ("'x' * (50 << 20)", Err((Trouble::TooLarge, "1048576 are the most"))),
        ("exit(3)", Err((Trouble::Died, "(exit code 3)"))),
        ("exit!(4)", Err((Trouble::Died, "(exit code 4)"))),
        ("throw :nothing", Err((Trouble::Thrown, "UncaughtThrowError"))),
    ] {
        assert_expected(text, &scene.run(text).await, &expected);
    }
    scene.write("beside.rb", "TWO = 2\n");
    let text = "require_relative 'beside'\nrequire 'set'\nclass Judge\n  def rule = TWO\nend\n\
        def get_assert(output, context)\n  [output, Judge.new.rule]\nend\n\
        def fails(output, context)\n  output.fetch\nend\n";
    for (function, expected) in [
        (None, Ok(json!(["hello", 2]))),
        (Some("fails"), Err((Trouble::Thrown, "(checks.rb:10)"))),
        (Some("open"), Err((Trouble::Missing, "there is no function open (it has get_assert, fails)"))),
    ] {
        let result = scene.workers.call(&scene.file("checks.rb", text, function), OUTPUT, AMPLE).await;
        assert_expected(function.unwrap_or("-"), &result, &expected);
    }
    let result = scene.workers.call(&scene.inline("loop {}"), OUTPUT, SHORT).await;
    assert_expected("loop {}", &result, &Err((Trouble::TimedOut, "was stopped")));
    let checked =
        scene.workers.check(&[scene.inline("1"), scene.inline("1 +"), scene.file("x.rb", "def (", None)]).await;
    assert_eq!(checked.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false], "{checked:?}");
}

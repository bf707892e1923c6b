//! What it costs to check a large dataset, and to walk through its cells.

#![expect(clippy::unwrap_used, reason = "a bench may stop where it fails")]

mod harness;

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::Path;

use prompteval::env::{Clock, Env};
use prompteval::suite::{Options, Suite, load};

const CASES: usize = 100_000;

/// Two prompts, so that a case is two cells.
const CONFIG: &str = r"
prompts: ['Answer: {{question}}', 'Answer in one word: {{question}}']
providers: [echo]
defaultTest:
  assert: [{type: contains, value: '{{number}}'}]
tests: file://cases.jsonl
";

fn main() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("evalconfig.yaml"), CONFIG).unwrap();
    fs::write(folder.path().join("cases.jsonl"), cases()).unwrap();
    let nanos = harness::each(2 * CASES, || drop(black_box(suite(folder.path()))));
    harness::row("check a suite of 100,000 cases", nanos, "cell");
    let plan = suite(folder.path()).plan;
    let nanos = harness::each(2 * CASES, || {
        let count = plan.iter().inspect(|cell| assert!(black_box(cell).is_ok())).count();
        assert_eq!(count, 2 * CASES);
    });
    harness::row("walk through its cells", nanos, "cell");
    let nanos = harness::each(2 * CASES, || {
        for cell in plan.iter() {
            black_box(cell.unwrap().request(&plan).unwrap());
        }
    });
    harness::row("walk through them and render", nanos, "cell");
}

fn cases() -> String {
    let mut text = String::new();
    for n in 0..CASES {
        let line = r#"{"vars": {"question": "where is my order, and when will it come?", "number": "#;
        writeln!(text, "{line}{n}}}}}").unwrap();
    }
    text
}

fn suite(folder: &Path) -> Suite {
    let env = Env::new([].into(), Clock::fixed(0));
    let options = Options { cwd: folder.to_owned(), ..Options::default() };
    load(&options, &env).unwrap_or_else(|problems| {
        panic!("the suite does not load: {:?}", problems.iter().map(|p| &p.message).collect::<Vec<_>>())
    })
}

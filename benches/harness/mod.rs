//! What the benches share: a timing loop and a table.

/// How often a measurement is repeated; its median counts, so that one interruption does not.
const ROUNDS: usize = 5;

/// Nanoseconds that one of `times` pieces takes when `work` does all of them.
#[expect(clippy::disallowed_methods, reason = "a bench is about the real clock")]
#[expect(clippy::cast_precision_loss, reason = "nanoseconds for people")]
pub fn each(times: usize, mut work: impl FnMut()) -> f64 {
    work();
    let mut rounds = [(); ROUNDS].map(|()| {
        let start = std::time::Instant::now();
        work();
        start.elapsed().as_nanos() as f64 / times as f64
    });
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

/// Prints a line of the table.
#[expect(clippy::print_stdout, reason = "a bench prints what it found")]
pub fn row(what: &str, nanos: f64, of: &str) {
    println!("{what:<44} {nanos:>12.0} ns a {of}");
}

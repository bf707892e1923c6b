//! A comparison in sentences.

use super::{Better, Comparison, Estimate, MetricResult};

/// A number with commas.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 case`, `200 cases`.
pub fn cases(n: u64) -> String {
    format!("{} case{}", thousands(n), if n == 1 { "" } else { "s" })
}

/// A share in percent, without digits that say nothing: `5`, `2.5`.
pub fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A share in percentage points, with one digit. Zero has no sign.
pub fn points(share: f64) -> String {
    unsigned_zero(format!("{:.1}", share * 100.0))
}

/// A score with three digits. Zero has no sign.
pub fn amount(score: f64) -> String {
    unsigned_zero(format!("{score:.3}"))
}

fn unsigned_zero(text: String) -> String {
    let zero = text.starts_with('-') && text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.'));
    if zero { text[1..].to_owned() } else { text }
}

/// The same with a plus sign, unless it is zero.
pub fn signed(text: &str) -> String {
    let zero = text.bytes().all(|b| matches!(b, b'0' | b'.'));
    if zero || text.starts_with('-') { text.to_owned() } else { format!("+{text}") }
}

/// A p-value: two digits where they suffice.
pub fn p_value(p: f64) -> String {
    match p {
        p if p < 0.001 => "p < 0.001".into(),
        p if p < 0.1 => format!("p = {p:.3}"),
        p => format!("p = {p:.2}"),
    }
}

/// What a metric says, in sentences.
pub fn metric(result: &MetricResult, of: &Comparison) -> String {
    if let Some(status) = result.status {
        return format!("{}: {}.", result.name, status.words());
    }
    let text = match (&*result.name, result.scale) {
        ("pass", _) => passes(result, of),
        (_, Some(_)) => scores(result, of),
        (_, None) => return relative(result, of),
    };
    let few = if result.few { " Too few cases to carry much." } else { "" };
    format!("{text} {}{few}", verdict(result, of))
}

fn passes(result: &MetricResult, of: &Comparison) -> String {
    let side = |estimate: &Estimate, first: bool| {
        let (mean, [low, high]) = (estimate.mean.unwrap_or(0.0), estimate.ci.unwrap_or_default());
        #[expect(clippy::cast_precision_loss, reason = "a count of cases")]
        let passed = mean * result.n as f64;
        // With repeats a case may have passed in part.
        let whole = (passed - passed.round()).abs() < 1e-6;
        let passed = if whole { format!("{passed:.0}") } else { format!("{passed:.1}") };
        let word = if first { " passed" } else { "" };
        let label = if first { format!("{} % CI ", percent(of.confidence)) } else { String::new() };
        format!("{passed}/{}{word} ({} %, {label}{}-{})", result.n, points(mean), points(low), points(high))
    };
    format!(
        "candidate {}, baseline {}. {} Difference {} pp, {} % CI {}, {}.",
        side(&result.candidate, true),
        side(&result.baseline, false),
        changes(result, "fixed", "broken"),
        signed(&points(result.difference.unwrap_or(0.0))),
        percent(of.confidence),
        interval(result, points),
        p(result),
    )
}

fn scores(result: &MetricResult, of: &Comparison) -> String {
    let side = |estimate: &Estimate| {
        let (mean, [low, high]) = (estimate.mean.unwrap_or(0.0), estimate.ci.unwrap_or_default());
        format!("{} ({}-{})", amount(mean), amount(low), amount(high))
    };
    format!(
        "{}: candidate {}, baseline {}. {} Difference {}, {} % CI {}, {}.",
        result.name,
        side(&result.candidate),
        side(&result.baseline),
        changes(result, "better", "worse"),
        signed(&amount(result.difference.unwrap_or(0.0))),
        percent(of.confidence),
        interval(result, amount),
        p(result),
    )
}

/// Metrics without a scale: how much more or less.
fn relative(result: &MetricResult, of: &Comparison) -> String {
    let value = |estimate: &Estimate| estimate.mean.map_or_else(|| "?".into(), |mean| quantity(mean, result.unit));
    let more = result.difference.unwrap_or(0.0) > 0.0;
    let word = match (&*result.name, more) {
        ("latency", true) => " slower",
        ("latency", false) => " faster",
        (_, true) => " more",
        (_, false) => " less",
    };
    let ends = result.ci.unwrap_or_default().map(|end| format!("{} %", signed(&points(end))));
    format!(
        "{}: candidate {}, baseline {}. {} %{word}, {} % CI [{}, {}], {}. {}",
        result.name,
        value(&result.candidate),
        value(&result.baseline),
        signed(&points(result.difference.unwrap_or(0.0))),
        percent(of.confidence),
        ends[0],
        ends[1],
        p(result),
        verdict(result, of),
    )
}

/// A value with its unit.
pub fn quantity(value: f64, unit: &str) -> String {
    match unit {
        "USD" => format!("${value:.6}"),
        "" => amount(value),
        _ => format!("{value:.0} {unit}"),
    }
}

fn changes(result: &MetricResult, up: &str, down: &str) -> String {
    let count = |n: usize| thousands(n as u64);
    format!(
        "On the same {}: {} {up}, {} {down}, {} unchanged.",
        cases(result.n),
        count(result.fixed.len()),
        count(result.broken.len()),
        thousands(result.unchanged),
    )
}

fn interval(result: &MetricResult, text: fn(f64) -> String) -> String {
    let [low, high] = result.ci.unwrap_or_default().map(|end| signed(&text(end)));
    format!("[{low}, {high}]")
}

fn p(result: &MetricResult) -> String {
    let (plain, adjusted) = (result.p.unwrap_or(1.0), result.p_adjusted.unwrap_or(1.0));
    let text = p_value(plain);
    // Where the correction changes the answer it is said.
    if plain < 0.05 && adjusted >= 0.05 { format!("{text} ({adjusted:.2} corrected)") } else { text }
}

fn verdict(result: &MetricResult, of: &Comparison) -> String {
    match result.verdict {
        Better::Better => "Better.".into(),
        Better::Worse => "Worse.".into(),
        Better::NoClearDifference => match result.cases_needed {
            Some(needed) => format!(
                "No clear difference. At this rate of change about {} cases would show a {} {} difference ({} % power).",
                thousands(needed),
                percent(of.detect),
                if &*result.name == "pass" { "pp" } else { "%" },
                percent(of.power),
            ),
            None => "No clear difference.".into(),
        },
    }
}

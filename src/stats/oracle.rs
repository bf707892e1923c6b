//! Every formula against what scipy, statsmodels, gbstats and others say.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;

/// The file of the oracles: another one can be named.
fn file() -> PathBuf {
    let named = std::env::var_os("PROMPTEVAL_STATS_ORACLES").map(PathBuf::from);
    named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/stats/oracles.json"))
}

#[test]
fn every_oracle_agrees() {
    let path = file();
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(!cases.is_empty(), "{} has no cases", path.display());
    let wrong: Vec<String> = cases.iter().filter_map(disagreement).collect();
    assert!(wrong.is_empty(), "{} of {} disagree:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn disagreement(case: &Value) -> Option<String> {
    let (id, method) = (&case["id"], case["method"].as_str().unwrap_or_default());
    let Some((_, answer)) = METHODS.iter().find(|(name, _)| *name == method) else {
        return Some(format!("{id}: nobody knows the method `{method}`"));
    };
    let found = answer(&case["input"]);
    let (expected, tolerance) = (&case["expected"], case["tolerance"].as_f64().unwrap());
    (!agrees(&found, expected, tolerance)).then(|| format!("{id} {}: {found}, not {expected}", case["input"]))
}

/// Whether what was found has all that was expected.
fn agrees(found: &Value, expected: &Value, tolerance: f64) -> bool {
    match expected {
        Value::Number(n) => {
            let expected = n.as_f64().unwrap();
            let allowed = tolerance * expected.abs().max(1.0);
            found.as_f64().is_some_and(|found| (found - expected).abs() <= allowed)
        }
        Value::Object(map) => {
            let says_more = map.contains_key("status") != found.get("status").is_some();
            !says_more && map.iter().all(|(key, value)| agrees(&found[key], value, tolerance))
        }
        Value::Array(list) => {
            let found = found.as_array().map(Vec::as_slice).unwrap_or_default();
            found.len() == list.len() && list.iter().zip(found).all(|(e, f)| agrees(f, e, tolerance))
        }
        other => found == other,
    }
}

type Answer = fn(&Value) -> Value;

const METHODS: &[(&str, Answer)] = &[
    ("norm_ppf", |i| json!(norm_ppf(f(&i["p"])))),
    ("norm_sf", |i| json!(norm_sf(f(&i["x"])))),
    ("t_ppf", |i| json!(t_ppf(f(&i["p"]), f(&i["df"])))),
    ("chi2_sf", |i| json!(chi2_sf(f(&i["x"]), f(&i["df"])))),
    ("binom_cdf", |i| json!(binom_cdf(n(&i["k"]), n(&i["n"]), f(&i["p"])))),
    ("wilson", |i| pair(wilson_at(n(&i["passes"]), n(&i["n"]), f(&i["confidence"])))),
    ("zero_failure_upper", |i| known(zero_failure_upper(n(&i["n"]), f(&i["confidence"])))),
    ("mcnemar", |i| {
        let p = mcnemar(n(&i["b_candidate_only"]), n(&i["c_baseline_only"]));
        json!({"p_exact": p.exact, "p_midp": p.mid, "p_score": p.score})
    }),
    ("newcombe_independent", |i| {
        let groups = ((n(&i["a_passes"]), n(&i["a_n"])), (n(&i["b_passes"]), n(&i["b_n"])));
        let found = newcombe(groups.0, groups.1, f(&i["confidence"]));
        known(found.map(|(diff, lo, hi)| json!({"diff": diff, "lo": lo, "hi": hi})))
    }),
    ("paired_passfail_ci", |i| interval(&pass_fail(i), 1.0, i, "diff")),
    ("paired_bounded_ci", |i| interval(&sample(&i["d"], &Value::Null), f(&i["range"]), i, "mean")),
    ("paired_bounded_clustered_ci", |i| interval(&sample(&i["d"], &i["clusters"]), f(&i["range"]), i, "mean")),
    ("noninferiority_passfail", |i| noninferior(&pass_fail(i), 1.0, i)),
    ("noninferiority_bounded", |i| noninferior(&sample(&i["d"], &i["clusters"]), f(&i["range"]), i)),
    ("clustered_stderr", |i| stated(sample(&i["d"], &i["clusters"]).clustered_error())),
    ("paired_log_ratio_t", log_ratio),
    ("holm", |i| {
        let adjusted = holm(&list(&i["p"]));
        let reject: Vec<bool> = adjusted.iter().map(|p| *p <= f(&i["alpha"])).collect();
        json!({"adjusted": adjusted, "reject": reject})
    }),
    ("min_cases_for_margin", |i| {
        let width = i["range"].as_f64().unwrap_or(1.0);
        known(min_cases_for_margin(f(&i["margin"]), f(&i["confidence"]), width))
    }),
    ("cases_for_gate", |i| {
        let aim = Aim { margin: f(&i["margin"]), confidence: f(&i["confidence"]), power: f(&i["power"]) };
        known(cases_for_gate(f(&i["p_candidate_only"]), f(&i["p_baseline_only"]), &aim))
    }),
    ("cases_to_detect", |i| {
        known(cases_to_detect(f(&i["var_d"]), f(&i["delta"]), f(&i["confidence_two_sided"]), f(&i["power"])))
    }),
    ("pass_at_k", |i| stated(pass_at(n(&i["n"]), n(&i["c"]), n(&i["k"])))),
    ("pass_hat_k", |i| stated(pass_hat(n(&i["n"]), n(&i["c"]), n(&i["k"])))),
    ("flakiness", |i| {
        let mut repeats = Repeats::default();
        for passed in list(&i["passes_per_case"]) {
            repeats.add(n(&i["repeats"]), whole(passed));
        }
        match (repeats.flaky_share(), repeats.run_variance()) {
            (Ok(share), Ok(variance)) => json!({"flaky_share": share, "mean_run_variance": variance}),
            (Err(status), _) | (_, Err(status)) => json!({"status": status}),
        }
    }),
    ("srm", |i| {
        let counts: Vec<u64> = list(&i["counts"]).into_iter().map(whole).collect();
        match sample_ratio(&counts, &list(&i["weights"])) {
            Ok(split) => json!({"chi2": split.chi2, "p_value": split.p, "srm": split.alarm}),
            Err(status) => json!({"status": status}),
        }
    }),
    ("srm_exact_small", |i| {
        let (c, w) = (list(&i["counts"]), list(&i["weights"]));
        match sample_ratio_exact([whole(c[0]), whole(c[1])], [w[0], w[1]]) {
            Ok(p) => json!({"p_value": p}),
            Err(status) => json!({"status": status}),
        }
    }),
    ("welch", |i| match welch(&arm(i, "a"), &arm(i, "b"), f(&i["confidence"])) {
        Ok(w) => {
            json!({"diff": w.difference, "lo": w.interval.0, "hi": w.interval.1, "df": w.df, "p_value": w.p})
        }
        Err(status) => json!({"status": status}),
    }),
    ("sequential_ci", |i| {
        let arm = |v: &Value| Spread::of_sums(f(&v["n"]), f(&v["sum"]), f(&v["sum_squares"]));
        let scale = Scale { low: f(&i["scale"][0]), high: f(&i["scale"][1]) };
        match sequential(&arm(&i["a"]), &arm(&i["b"]), Some(scale), f(&i["alpha"]), f(&i["planned_total"])) {
            Ok(s) => json!({"diff_raw": s.difference, "center": s.center, "se": s.error, "lo": s.interval.0,
                "hi": s.interval.1, "p_value": s.p}),
            Err(status) => json!({"status": status}),
        }
    }),
    ("normal_mixture_boundary", |i| json!(mixture_boundary(f(&i["v"]), f(&i["alpha"]), f(&i["v_opt"])))),
];

fn f(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn n(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| whole(f(value)))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of a test")]
fn whole(value: f64) -> u64 {
    value as u64
}

fn list(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(f).collect()
}

fn known<T: Into<Value>>(value: Option<T>) -> Value {
    value.map_or(json!({"status": Status::NoData}), Into::into)
}

fn stated(value: Result<f64, Status>) -> Value {
    value.map_or_else(|status| json!({"status": status}), Value::from)
}

fn pair(value: Option<(f64, f64)>) -> Value {
    known(value.map(|(lo, hi)| json!({"lo": lo, "hi": hi})))
}

/// An arm by its values or by their summary.
fn arm(i: &Value, name: &str) -> Spread {
    match i.get(format!("{name}_summary")) {
        Some(summary) => Spread::of(f(&summary["n"]), f(&summary["mean"]), f(&summary["var"])),
        None => spread(&i[name]),
    }
}

fn spread(values: &Value) -> Spread {
    let mut spread = Spread::default();
    for x in list(values) {
        spread.add(x);
    }
    spread
}

fn pass_fail(i: &Value) -> Units {
    Units::of_pairs(n(&i["b_candidate_only"]), n(&i["c_baseline_only"]), n(&i["n_pairs"]))
}

fn sample(values: &Value, clusters: &Value) -> Units {
    let mut sample = Sample::default();
    for (at, value) in list(values).into_iter().enumerate() {
        let cluster = clusters.get(at).map(|name| name.as_str().map_or_else(|| name.to_string(), str::to_owned).into());
        sample.add(value, cluster.as_ref());
    }
    sample.units()
}

fn interval(units: &Units, width: f64, i: &Value, name: &str) -> Value {
    let Some(mean) = units.mean() else { return json!({"status": Status::NoData}) };
    let z = norm_ppf(0.5 + 0.5 * f(&i["confidence"]));
    let (lo, hi) = Bounded::new(units, Scale { low: -width, high: width }).interval(z);
    json!({name: mean, "lo": lo, "hi": hi})
}

fn noninferior(units: &Units, width: f64, i: &Value) -> Value {
    if units.mean().is_none() {
        return json!({"status": Status::NoData});
    }
    let test = Bounded::new(units, Scale { low: -width, high: width });
    let (z, t) = (norm_ppf(f(&i["confidence"])), test.statistic(-f(&i["margin"])));
    let (pass, upper) = (t > z, test.upper(z));
    let verdict = match (pass, upper < 0.0) {
        (true, _) => "pass",
        (false, true) => "regression",
        (false, false) => "inconclusive",
    };
    json!({"T": t, "p_value": norm_sf(t), "pass": pass, "lower_bound": test.lower(z), "upper_bound": upper,
        "verdict": verdict})
}

fn log_ratio(i: &Value) -> Value {
    let mut ratios = Ratios::default();
    for (a, b) in list(&i["a"]).into_iter().zip(list(&i["b"])) {
        ratios.add(a, b);
    }
    match ratios.test(f(&i["confidence"])) {
        Ok(r) => json!({"ratio": r.ratio, "lo": r.interval.0, "hi": r.interval.1, "p_value": r.p}),
        Err(Status::NoVariation) => json!({"status": Status::NoVariation, "ratio": ratios.mean().ok()}),
        Err(status) => json!({"status": status}),
    }
}

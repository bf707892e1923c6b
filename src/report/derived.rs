//! Metrics that are reckoned from others: `derivedMetrics`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::script::Formula;

/// The derived metrics of a config, in its order; one may read those before it.
#[derive(Debug, Default)]
pub struct Derived {
    formulas: Vec<(String, Formula)>,
}

impl Derived {
    /// Those of a run's config. What cannot be read was refused when the config was.
    pub fn of(config: &Value) -> Self {
        let list = config.get("derivedMetrics").and_then(Value::as_array);
        let one = |entry: &Value| {
            let formula = Formula::new(entry.get("value")?.as_str()?).ok()?;
            Some((entry.get("name")?.as_str()?.to_owned(), formula))
        };
        Self { formulas: list.into_iter().flatten().filter_map(one).collect() }
    }

    /// Their values for a column: the `sums` of its metrics, and how many cells it has. What cannot be
    /// reckoned (no cell had the metric, a division by zero) has no value.
    pub fn values(&self, sums: &BTreeMap<String, f64>, cells: u64) -> Vec<(String, f64)> {
        let mut known = sums.clone();
        #[expect(clippy::cast_precision_loss, reason = "no column has 2^53 cells")]
        known.insert("__count".to_owned(), cells as f64);
        let mut values = Vec::new();
        for (name, formula) in &self.formulas {
            if let Ok(value) = formula.value(&known) {
                known.insert(name.clone(), value);
                values.push((name.clone(), value));
            }
        }
        values
    }
}

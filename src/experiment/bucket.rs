//! The shares of an experiment's arms.

/// Half-open ranges of shares, one for each arm: who stands in `low..high` belongs to it.
pub type Ranges = Vec<(f64, f64)>;

/// The ranges of arms with these weights, each cut to `coverage` from its beginning, with the SDK's own steps
/// in floating point, so that every edge is the same to the last bit.
///
/// Weights that are not as many as the arms, or do not sum up to about 1, are replaced by equal ones, as the
/// SDK does; a [`Plan`](super::Plan) refuses them.
pub fn ranges(arms: usize, coverage: f64, weights: Option<&[f64]>) -> Ranges {
    let coverage = coverage.clamp(0.0, 1.0);
    let count = f64::from(u32::try_from(arms).unwrap_or(u32::MAX));
    let equal = || vec![1.0 / count; arms];
    let weights = match weights {
        Some(given) if given.len() == arms && (0.99..=1.01).contains(&given.iter().sum::<f64>()) => given.to_vec(),
        _ => equal(),
    };
    let mut sum = 0.0;
    weights
        .into_iter()
        .map(|weight| {
            let start = sum;
            sum += weight;
            (start, start + coverage * weight)
        })
        .collect()
}

/// The arm whose range holds a share.
pub fn choose(share: f64, ranges: &[(f64, f64)]) -> Option<usize> {
    ranges.iter().position(|(low, high)| share >= *low && share < *high)
}

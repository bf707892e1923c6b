//! Many metrics at once.

/// Holm's adjusted p-values (1979), in the order given: the smallest is multiplied by their number, the
/// next by one less, and none falls below the one before.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut least = 0.0_f64;
    for (rank, index) in order.into_iter().enumerate() {
        let factor = super::float((p.len() - rank) as u64);
        least = least.max((p[index] * factor).min(1.0));
        adjusted[index] = least;
    }
    adjusted
}

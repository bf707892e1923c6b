//! Where a falling function crosses zero.

/// The root of `f` between `low` and `high`, where `f(low) ≥ 0 ≥ f(high)`. Chandrupatla's method (1997):
/// inverse quadratic steps where they are safe, halving elsewhere.
pub fn root(low: f64, high: f64, mut f: impl FnMut(f64) -> f64) -> f64 {
    let (mut b, mut a) = (low, high);
    let (mut fb, mut fa) = (f(b), f(a));
    if fb <= 0.0 {
        return b;
    }
    if fa >= 0.0 {
        return a;
    }
    let (mut c, mut fc);
    let mut t = 0.5;
    for _ in 0..200 {
        let x = a + t * (b - a);
        let fx = f(x);
        if (fx >= 0.0) == (fa >= 0.0) {
            (c, fc) = (a, fa);
        } else {
            (c, fc, b, fb) = (b, fb, a, fa);
        }
        (a, fa) = (x, fx);
        let (best, fbest) = if fa.abs() < fb.abs() { (a, fa) } else { (b, fb) };
        let step = 4.0 * f64::EPSILON * best.abs() + 1e-16;
        let share = step / (b - c).abs().max(f64::MIN_POSITIVE);
        if fbest == 0.0 || (b - a).abs() <= step || share > 0.5 {
            return best;
        }
        let (xi, phi) = ((a - b) / (c - b), (fa - fb) / (fc - fb));
        let safe = phi * phi < xi && (1.0 - phi).powi(2) < 1.0 - xi;
        t = if safe {
            fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        } else {
            0.5
        };
        t = t.clamp(share, 1.0 - share);
        if !t.is_finite() {
            t = 0.5;
        }
    }
    0.5 * (a + b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_roots_of_steep_and_flat_functions() {
        for target in [1e-9, 0.3, 0.999] {
            assert!((root(0.0, 1.0, |x| target - x) - target).abs() < 1e-15);
            assert!((root(0.0, 1.0, |x| target.powi(3) - x.powi(3)) - target).abs() < 1e-12);
            assert!((root(-5.0, 9.0, |x| (target - x) / (x * x + 0.01)) - target).abs() < 1e-14);
        }
        assert!((root(0.0, 1.0, |_| -1.0) - 0.0).abs() < 1e-15);
    }
}

//! Where a falling function crosses zero.

/// A place and the function's value there.
#[derive(Debug, Clone, Copy)]
struct Point {
    at: f64,
    value: f64,
}

/// The root of `f` between `low` and `high`, where `f(low) ≥ 0 ≥ f(high)`. Chandrupatla's method (1997):
/// inverse quadratic steps where they are safe, halving elsewhere.
pub fn root(low: f64, high: f64, mut f: impl FnMut(f64) -> f64) -> f64 {
    let mut point = |at| Point { at, value: f(at) };
    let (mut far, mut near) = (point(low), point(high));
    if far.value <= 0.0 {
        return low;
    }
    if near.value >= 0.0 {
        return high;
    }
    let mut share = 0.5;
    for _ in 0..200 {
        let new = point(near.at + share * (far.at - near.at));
        let mut old = near;
        if (new.value >= 0.0) != (near.value >= 0.0) {
            (old, far) = (far, near);
        }
        near = new;
        let best = if near.value.abs() < far.value.abs() { near } else { far };
        let step = 4.0 * f64::EPSILON * best.at.abs() + 1e-16;
        let least = step / (far.at - old.at).abs().max(f64::MIN_POSITIVE);
        if best.value == 0.0 || (far.at - near.at).abs() <= step || least > 0.5 {
            return best.at;
        }
        share = next(near, far, old).clamp(least, 1.0 - least);
    }
    0.5 * (near.at + far.at)
}

/// How far to go from the near point to the far one.
fn next(near: Point, far: Point, old: Point) -> f64 {
    let xi = (near.at - far.at) / (old.at - far.at);
    let phi = (near.value - far.value) / (old.value - far.value);
    if !(phi * phi < xi && (1.0 - phi).powi(2) < 1.0 - xi) {
        return 0.5;
    }
    let straight = near.value / (far.value - near.value) * old.value / (far.value - old.value);
    let bent = (old.at - near.at) / (far.at - near.at) * near.value / (old.value - near.value) * far.value
        / (old.value - far.value);
    let share = straight + bent;
    if share.is_finite() { share } else { 0.5 }
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

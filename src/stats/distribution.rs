//! Probabilities and quantiles, over the special functions of libm and statrs.

use statrs::function::{beta, erf, gamma};

/// P(Z > x) of the standard normal distribution.
pub fn norm_sf(x: f64) -> f64 {
    0.5 * libm::erfc(x / std::f64::consts::SQRT_2)
}

/// The point below which a share `p` of the standard normal distribution lies; infinite at 0 and 1.
pub fn norm_ppf(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    if p > 0.5 {
        return -norm_ppf(1.0 - p);
    }
    let x = -std::f64::consts::SQRT_2 * erf::erfc_inv(2.0 * p);
    // One step of Newton takes the inverse's last digits in.
    let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if density > 0.0 { x - (norm_sf(-x) - p) / density } else { x }
}

/// P(|T| > |t|) of Student's distribution with `df` degrees of freedom.
pub fn t_two_sided(t: f64, df: f64) -> f64 {
    if !t.is_finite() {
        return 0.0;
    }
    beta::checked_beta_reg(0.5 * df, 0.5, df / (df + t * t)).unwrap_or(1.0)
}

/// The point below which a share `p` of Student's distribution lies.
pub fn t_ppf(p: f64, df: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    if p < 0.5 {
        return -t_ppf(1.0 - p, df);
    }
    // The tail falls in t: bracket it, then halve. Quantiles are asked for a few times a report.
    let tail = 2.0 * (1.0 - p);
    let (mut low, mut high) = (0.0, 2.0);
    while t_two_sided(high, df) > tail && high < 1e300 {
        (low, high) = (high, high * 2.0);
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        (low, high) = if t_two_sided(middle, df) > tail { (middle, high) } else { (low, middle) };
    }
    0.5 * (low + high)
}

/// P(X > x) of the chi-square distribution with `df` degrees of freedom.
pub fn chi2_sf(x: f64, df: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    gamma::checked_gamma_ur(0.5 * df, 0.5 * x).unwrap_or(0.0)
}

/// P(X ≤ k) of the binomial distribution of `n` trials with probability `p`.
pub fn binom_cdf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n || p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return 0.0;
    }
    beta::checked_beta_reg(float(n - k), float(k + 1), 1.0 - p).unwrap_or(1.0)
}

/// P(X = k) of the binomial distribution of `n` trials with probability `p`.
pub fn binom_pmf(k: u64, n: u64, p: f64) -> f64 {
    if k > n {
        return 0.0;
    }
    if p <= 0.0 || p >= 1.0 {
        let sure = if p <= 0.0 { 0 } else { n };
        return f64::from(u8::from(k == sure));
    }
    let (n, k) = (float(n), float(k));
    let choose = gamma::ln_gamma(n + 1.0) - gamma::ln_gamma(k + 1.0) - gamma::ln_gamma(n - k + 1.0);
    (choose + k * p.ln() + (n - k) * (-p).ln_1p()).exp()
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub fn float(n: u64) -> f64 {
    n as f64
}

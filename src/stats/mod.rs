//! Pure numbers from outcomes.
//!
//! Closed formulas only, and no randomness: the same outcomes make the same digits. Where a number
//! does not exist a [`Status`] says why.

mod bounded;
mod comparison;
mod distribution;
pub mod flaky;
pub mod gate;
mod groups;
mod holm;
mod needed;
mod pairs;
mod quantile;
mod rates;
mod ratio;
mod repeats;
mod root;
mod rounds;
mod sheet;
mod side;
mod status;
mod tally;
pub mod trend;
mod units;
mod versus;
pub mod words;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

pub use bounded::Bounded;
pub use comparison::{Better, Comparison, Estimate, MetricResult, Party, Question};
pub use distribution::{binom_cdf, chi2_sf, float, norm_ppf, norm_sf, t_ppf};
pub use groups::{
    BURN_IN, Sequential, Split, Welch, mixture_boundary, sample_ratio, sample_ratio_exact, sequential, split, welch,
};
pub use holm::holm;
pub use needed::{Aim, cases_for_gate, cases_if_equal, cases_to_detect, min_cases_for_margin};
pub use pairs::{Dropped, OnError, Pairs, Setup};
pub use quantile::quantile;
pub use rates::{McNemar, mcnemar, mcnemar_improved, newcombe, wilson, wilson_at, zero_failure_upper};
pub use ratio::{Ratio, Ratios, Spread};
pub use repeats::{Repeats, pass_at, pass_hat};
pub use rounds::{Flaky, Rounds};
pub use sheet::Sheet;
pub use side::{BUILT_IN, Metric, Names, Side};
pub use status::Status;
pub use tally::{Tally, Total};
pub use units::{Sample, Scale, Unit, Units};
pub use versus::{Base, Changed, Versus};

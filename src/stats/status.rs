//! Words for figures that are not there.

use serde::Serialize;

/// Why a figure is not there. Said instead of NaN, infinity or an interval of zero width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing was measured.
    NoData,
    /// Too little was measured for this figure.
    InsufficientData,
    /// All values are equal, so that nothing is known of their spread.
    NoVariation,
    /// A value is zero or negative where only ratios make sense.
    NotPositive,
    /// A value lies outside its scale.
    OffScale,
    /// A value is no finite number.
    NotFinite,
    /// Too few users yet for an interval that may be looked at again and again.
    Collecting,
}

impl Status {
    /// The same for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::NoData => "no data",
            Self::InsufficientData => "too little data",
            Self::NoVariation => "no variation",
            Self::NotPositive => "some values are not positive",
            Self::OffScale => "some values lie outside the scale",
            Self::NotFinite => "some values are no numbers",
            Self::Collecting => "still collecting",
        }
    }
}

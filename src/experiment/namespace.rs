//! Spaces that experiments share.

use serde::{Deserialize, Serialize};

use super::hash::{PLACES, share, thousandth};

/// A part of a space that experiments share: users from one place up to another, in basis points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// The space.
    pub name: String,
    /// The first place.
    pub from: u32,
    /// The place behind the last.
    pub to: u32,
}

impl Namespace {
    /// How much of its space it is, from 0 to 1.
    pub fn part(&self) -> f64 {
        share(self.to.saturating_sub(self.from))
    }

    /// How many of all users stand in one part and not in the other, from 0 to 1.
    pub fn without(own: Option<&Self>, out: Option<&Self>) -> f64 {
        let (own_part, out_part) = (own.map_or(1.0, Self::part), out.map_or(0.0, Self::part));
        match own.zip(out).filter(|(own, out)| own.name == out.name) {
            // Users stand at one place of a space.
            Some((own, out)) => {
                let both = own.to.min(out.to).saturating_sub(own.from.max(out.from));
                share((own.to - own.from.min(own.to)).saturating_sub(both))
            }
            None => own_part * (1.0 - out_part),
        }
    }

    /// Whether a user stands in this part, by GrowthBook's rule for namespaces.
    pub fn holds(&self, user: &str) -> bool {
        let place = thousandth(&format!("__{}", self.name), user) * (PLACES / 1000);
        (self.from..self.to).contains(&place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_as_large_as_the_users_in_it() {
        let space = |name: &str, from, to| Namespace { name: name.into(), from, to };
        let (half, tenth) = (space("a", 0, 5000), space("a", 4500, 5500));
        for (own, out, expected) in [
            (None, None, 1.0),
            (Some(&half), None, 0.5),
            (None, Some(&tenth), 0.9),
            (Some(&half), Some(&tenth), 0.45),
            (Some(&half), Some(&space("b", 0, 2000)), 0.4),
            (Some(&tenth), Some(&space("a", 0, 10_000)), 0.0),
        ] {
            let told = Namespace::without(own, out);
            let inside = |n: &u32| {
                let user = format!("user-{n}");
                own.is_none_or(|own| own.holds(&user)) && !out.is_some_and(|out| out.holds(&user))
            };
            let found = f64::from(u32::try_from((0..20_000).filter(inside).count()).unwrap()) / 20_000.0;
            assert!((told - expected).abs() < 1e-9 && (found - expected).abs() < 0.02, "{own:?} {out:?}: {found}");
        }
    }
}

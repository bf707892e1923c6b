//! Which of the ten thousand places belong to which arm.

use serde::{Deserialize, Serialize};

use super::bucket::{choose, ranges};
use super::hash::{PLACES, share};

/// Places from the first up to, but without, the second.
pub type Slice = (u32, u32);

/// The places of each arm, in ascending order. Places that no arm has are outside the experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Allocation(Vec<Vec<Slice>>);

impl Allocation {
    /// The places as GrowthBook's SDK deals them out: in the order of the arms, each arm cut to `coverage`
    /// from its beginning. Weights and coverage are in basis points.
    pub fn new(weights: &[u32], coverage: u32) -> Self {
        let fractions: Vec<f64> = weights.iter().map(|weight| share(*weight)).collect();
        let ranges = ranges(weights.len(), share(coverage), Some(&fractions));
        Self::of(weights.len(), |place| choose(share(place), &ranges))
    }

    /// The places after weights or coverage have changed. An arm keeps what it has as far as it may: what it
    /// has too much it gives up from the upper end, and what it lacks it takes from what is free, from the
    /// lower end. So nobody leaves an arm that grows, and nobody changes arms who need not.
    #[must_use]
    pub fn ramped(&self, weights: &[u32], coverage: u32) -> Self {
        let mut owners = self.owners();
        let target = |arm: usize| u64::from(weights[arm]) * u64::from(coverage) / u64::from(PLACES);
        let mut held = vec![0_u64; weights.len()];
        for owner in &mut owners {
            let Some(arm) = *owner else { continue };
            if arm >= weights.len() || held[arm] >= target(arm) {
                *owner = None;
            } else {
                held[arm] += 1;
            }
        }
        let mut lacking = (0..weights.len()).filter(|arm| held[*arm] < target(*arm)).collect::<Vec<_>>().into_iter();
        let mut next = lacking.next();
        for owner in owners.iter_mut().filter(|owner| owner.is_none()) {
            let Some(arm) = next else { break };
            *owner = Some(arm);
            held[arm] += 1;
            if held[arm] >= target(arm) {
                next = lacking.next();
            }
        }
        Self::of(weights.len(), |place| owners[place as usize])
    }

    /// Whose a place is.
    pub fn arm(&self, place: u32) -> Option<usize> {
        self.0.iter().position(|slices| slices.iter().any(|(low, high)| (*low..*high).contains(&place)))
    }

    /// The places of an arm.
    pub fn slices(&self, arm: usize) -> &[Slice] {
        self.0.get(arm).map_or(&[], Vec::as_slice)
    }

    /// How many places an arm has.
    pub fn size(&self, arm: usize) -> u32 {
        self.slices(arm).iter().map(|(low, high)| high - low).sum()
    }

    fn owners(&self) -> Vec<Option<usize>> {
        (0..PLACES).map(|place| self.arm(place)).collect()
    }

    fn of(arms: usize, owner: impl Fn(u32) -> Option<usize>) -> Self {
        let mut slices = vec![Vec::<Slice>::new(); arms];
        for place in 0..PLACES {
            let Some(arm) = owner(place) else { continue };
            match slices[arm].last_mut() {
                Some((_, high)) if *high == place => *high += 1,
                _ => slices[arm].push((place, place + 1)),
            }
        }
        Self(slices)
    }
}

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

    /// The places after weights or coverage have changed, each arm with as many as [`Allocation::new`] would
    /// give it. An arm that grows keeps all it has, and one that shrinks gives up only what it has too much:
    /// nobody moves who need not. What an arm lacks comes first from places that nobody had, and only then
    /// from what others gave up, since users there have seen another version.
    ///
    /// Where that leaves a choice, places go as the SDK would deal them out anew. So from the SDK's own places
    /// come the SDK's own while only the coverage changes, or while two arms share everybody. With three
    /// arms, or where weights change under a partial coverage, its ranges would slide and move users
    /// between arms: there the places are others than the SDK's.
    #[must_use]
    pub fn ramped(&self, weights: &[u32], coverage: u32) -> Self {
        let dealt = Self::new(weights, coverage);
        let (before, anew) = (self.owners(), dealt.owners());
        let mut deal =
            Deal { owners: vec![None; before.len()], lacking: (0..weights.len()).map(|arm| dealt.size(arm)).collect() };
        deal.give(|place| before[place].filter(|arm| anew[place] == Some(*arm)));
        deal.give(|place| before[place]);
        for fresh in [true, false] {
            let open = |place: usize| !fresh || before[place].is_none();
            deal.give(|place| anew[place].filter(|_| open(place)));
            deal.fill(open);
        }
        Self::of(weights.len(), |place| deal.owners[place as usize])
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
        self.slices(arm).iter().map(|(low, high)| high.saturating_sub(*low)).sum()
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

/// Places that are dealt out one after the other.
struct Deal {
    owners: Vec<Option<usize>>,
    /// How many places each arm is still to get.
    lacking: Vec<u32>,
}

impl Deal {
    /// Gives free places to the arms named for them, as long as those lack some.
    fn give(&mut self, named: impl Fn(usize) -> Option<usize>) {
        for (place, owner) in self.owners.iter_mut().enumerate().filter(|(_, owner)| owner.is_none()) {
            let Some(arm) = named(place) else { continue };
            if let Some(lacking) = self.lacking.get_mut(arm).filter(|lacking| **lacking > 0) {
                *lacking -= 1;
                *owner = Some(arm);
            }
        }
    }

    /// Gives free places that are open to whichever arm lacks some, the first arm first.
    fn fill(&mut self, open: impl Fn(usize) -> bool) {
        let mut arm = 0;
        for (_, owner) in self.owners.iter_mut().enumerate().filter(|(at, owner)| owner.is_none() && open(*at)) {
            while self.lacking.get(arm) == Some(&0) {
                arm += 1;
            }
            let Some(lacking) = self.lacking.get_mut(arm) else { return };
            *lacking -= 1;
            *owner = Some(arm);
        }
    }
}

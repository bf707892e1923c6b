//! Plan order out of the order in which answers come.

use std::collections::BTreeMap;

/// Holds what came too early.
#[derive(Debug)]
pub(super) struct Reorder<T> {
    next: u64,
    early: BTreeMap<u64, (T, usize)>,
    weight: usize,
}

impl<T> Default for Reorder<T> {
    fn default() -> Self {
        Self { next: 0, early: BTreeMap::new(), weight: 0 }
    }
}

impl<T> Reorder<T> {
    /// Takes number `index` in, which weighs so many bytes.
    pub(super) fn put(&mut self, index: u64, item: T, weight: usize) {
        self.weight += weight;
        self.early.insert(index, (item, weight));
    }

    /// Hands out the next in order, when it is there.
    pub(super) fn take(&mut self) -> Option<T> {
        let (item, weight) = self.early.remove(&self.next)?;
        self.next += 1;
        self.weight -= weight;
        Some(item)
    }

    /// Hands out everything that is left, in order, gaps or not.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> + use<T> {
        self.weight = 0;
        std::mem::take(&mut self.early).into_values().map(|(item, _)| item)
    }

    /// What waits, in bytes.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_order_comes_out_sorted(order in Just((0u64..40).collect::<Vec<_>>()).prop_shuffle()) {
            let mut reorder = Reorder::default();
            let mut out = Vec::new();
            for index in order {
                reorder.put(index, index, 3);
                while let Some(item) = reorder.take() {
                    out.push(item);
                }
            }
            prop_assert_eq!(out, (0..40).collect::<Vec<_>>());
            prop_assert_eq!(reorder.weight(), 0);
        }
    }
}

//! Counting what two texts share: runs of `n` words, each as often as both have it.

use std::collections::HashMap;

/// Words by number, so that long texts are compared without comparing words.
#[derive(Default)]
pub struct Vocabulary<'a>(HashMap<&'a str, usize>);

impl<'a> Vocabulary<'a> {
    /// The numbers of a text's words.
    pub fn numbers(&mut self, words: impl IntoIterator<Item = &'a str>) -> Vec<usize> {
        let number = |word| {
            let next = self.0.len();
            *self.0.entry(word).or_insert(next)
        };
        words.into_iter().map(number).collect()
    }
}

/// How many runs of `n` words a text of `length` words has.
pub fn runs(length: usize, n: usize) -> usize {
    (length + 1).saturating_sub(n)
}

/// How many runs of `n` words (1 or more) the texts share. A run counts as often as it stands in both; the
/// time is linear in their length.
pub fn shared(a: &[usize], b: &[usize], n: usize) -> usize {
    let mut left: HashMap<&[usize], usize> = HashMap::with_capacity(a.len());
    for run in a.windows(n) {
        *left.entry(run).or_default() += 1;
    }
    let mut shared = 0;
    for run in b.windows(n) {
        if let Some(count) = left.get_mut(run).filter(|count| **count > 0) {
            *count -= 1;
            shared += 1;
        }
    }
    shared
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_clipped() {
        let mut vocabulary = Vocabulary::default();
        let a = vocabulary.numbers("the the the cat".split(' '));
        let b = vocabulary.numbers("the cat sat on the mat".split(' '));
        assert_eq!([1, 2, 3].map(|n| shared(&a, &b, n)), [3, 1, 0]);
        assert_eq!([1, 4, 5].map(|n| runs(a.len(), n)), [4, 1, 0]);
    }

    proptest! {
        #[test]
        fn sharing_is_mutual_and_whole_with_itself(
            a in prop::collection::vec(0..4_usize, 0..20), b in prop::collection::vec(0..4_usize, 0..20), n in 1..5_usize
        ) {
            prop_assert_eq!(shared(&a, &b, n), shared(&b, &a, n));
            prop_assert_eq!(shared(&a, &a, n), runs(a.len(), n));
            prop_assert!(shared(&a, &b, n) <= runs(a.len(), n).min(runs(b.len(), n)));
        }
    }
}

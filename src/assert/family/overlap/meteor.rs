//! METEOR: how many words two texts share, and in how many pieces (S. Banerjee and A. Lavie, "METEOR: an
//! automatic metric for MT evaluation", 2005; weights as in A. Lavie and A. Agarwal, 2007).

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::porter::stem;
use super::words;
use crate::assert::family::measure::as_float;

/// How its parts weigh.
#[derive(Debug, Clone, Copy)]
pub struct Weights {
    /// The weight of precision against recall, from 0 to 1.
    pub alpha: f64,
    /// How fast the penalty grows with the number of pieces, from 0 up.
    pub beta: f64,
    /// The highest penalty, from 0 to 1.
    pub gamma: f64,
}

/// The score with the best reference, from 0 to 1, in any case. Words match when they are the same or have
/// the same stem; synonyms do not.
///
/// # Errors
/// When the output is empty.
pub fn meteor(output: &str, references: &[&str], weights: Weights) -> Result<f64, String> {
    if output.is_empty() {
        return Err("the output is empty: `meteor` says nothing about it".into());
    }
    let output = output.to_lowercase();
    let score = |reference: &&str| single(&output, &reference.to_lowercase(), weights);
    Ok(references.iter().map(score).fold(0.0, f64::max))
}

fn single(output: &str, reference: &str, weights: Weights) -> f64 {
    let mut output: Vec<_> = words::split(output).enumerate().collect();
    let mut reference: Vec<_> = words::split(reference).enumerate().collect();
    let (long, wanted) = (as_float(output.len()), as_float(reference.len()));
    let mut matches = align(&output, &reference);
    let (taken, found): (HashSet<usize>, HashSet<usize>) = matches.iter().copied().unzip();
    output.retain(|(at, _)| !taken.contains(at));
    reference.retain(|(at, _)| !found.contains(at));
    matches.extend(align(&stems(&output), &stems(&reference)));
    if matches.is_empty() {
        return 0.0;
    }
    matches.sort_unstable();
    let count = as_float(matches.len());
    let (precision, recall) = (count / long, count / wanted);
    let mean = precision * recall / (weights.alpha * precision + (1.0 - weights.alpha) * recall);
    let penalty = weights.gamma * (as_float(chunks(&matches)) / count).powf(weights.beta);
    (1.0 - penalty) * mean
}

fn stems(words: &[(usize, &str)]) -> Vec<(usize, Vec<u16>)> {
    words.iter().map(|(at, word)| (*at, stem(word))).collect()
}

/// The places of equal words in both texts: from the end, each with the last of its like that is left. That is
/// how NLTK and promptfoo align, here in linear time; it does not always give the fewest pieces.
fn align<T: Eq + Hash>(output: &[(usize, T)], reference: &[(usize, T)]) -> Vec<(usize, usize)> {
    let mut places: HashMap<&T, Vec<usize>> = HashMap::new();
    for (at, word) in reference {
        places.entry(word).or_default().push(*at);
    }
    let mut matches = Vec::new();
    for (at, word) in output.iter().rev() {
        matches.extend(places.get_mut(word).and_then(Vec::pop).map(|place| (*at, place)));
    }
    matches
}

/// In how many runs the matches follow each other in both texts. They are sorted, and there is one at least.
fn chunks(matches: &[(usize, usize)]) -> usize {
    1 + matches.windows(2).filter(|pair| pair[1] != (pair[0].0 + 1, pair[0].1 + 1)).count()
}

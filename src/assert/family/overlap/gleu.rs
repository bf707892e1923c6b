//! GLEU: how many runs of one to four words two texts share (Y. Wu et al., "Google's neural machine
//! translation system", 2016).

use super::ngrams::{Vocabulary, runs, shared};
use super::words;
use crate::assert::family::measure::as_float;

/// The longest run that counts.
const LONGEST: usize = 4;

/// The lesser of precision and recall with the best reference, from 0 to 1, in any case.
///
/// # Errors
/// When the output is empty.
pub fn gleu(output: &str, references: &[&str]) -> Result<f64, String> {
    if output.is_empty() {
        return Err("the output is empty: `gleu` says nothing about it".into());
    }
    let output = output.to_lowercase();
    let references: Vec<_> = references.iter().map(|text| text.to_lowercase()).collect();
    let mut vocabulary = Vocabulary::default();
    let output = vocabulary.numbers(words::trimmed(&output));
    let references: Vec<_> = references.iter().map(|text| vocabulary.numbers(words::trimmed(text))).collect();
    let score = |reference: &Vec<usize>| {
        let shared: usize = (1..=LONGEST).map(|n| shared(&output, reference, n)).sum();
        as_float(shared) / as_float(all(output.len()).max(all(reference.len())))
    };
    Ok(references.iter().map(score).fold(0.0, f64::max))
}

/// How many runs of all lengths a text has.
fn all(length: usize) -> usize {
    (1..=LONGEST).map(|n| runs(length, n)).sum()
}

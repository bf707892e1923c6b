//! ROUGE-1: how many words two texts share (C.-Y. Lin, "ROUGE: a package for automatic evaluation of
//! summaries", 2004).

use super::ngrams::{Vocabulary, shared};
use super::treebank::Treebank;
use crate::assert::family::measure::as_float;

/// The F1 of shared words, from 0 to 1, in any case; 0 when one text has no words.
pub fn rouge_1(output: &str, reference: &str) -> f64 {
    let (output, reference) = (output.to_lowercase(), reference.to_lowercase());
    let (output, reference) = (Treebank::new(&output), Treebank::new(&reference));
    let mut vocabulary = Vocabulary::default();
    let output = vocabulary.numbers(output.words());
    let reference = vocabulary.numbers(reference.words());
    let shared = shared(&output, &reference, 1);
    if shared == 0 {
        return 0.0;
    }
    2.0 * as_float(shared) / as_float(output.len() + reference.len())
}

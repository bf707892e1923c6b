//! BLEU: how many runs of one to four words an output shares with its references (K. Papineni et al.,
//! "BLEU: a method for automatic evaluation of machine translation", 2002), for a single text as promptfoo
//! has it.

use super::ngrams::{Vocabulary, runs, shared};
use crate::assert::family::measure::as_float;
use crate::assert::matcher::commas::is_space;

/// The longest run that counts.
const LONGEST: usize = 4;
/// What stands for a precision of 0, whose logarithm would forget all others.
const NEXT_TO_NOTHING: f64 = 1e-7;

/// From 0 to 1; 0 for a blank output. Words are what white space separates, in any case. Of each length of
/// run the best reference counts; lengths that exceed the output's are left out, and the others weigh equally.
pub fn bleu(output: &str, references: &[&str]) -> f64 {
    let output = output.to_lowercase();
    let references: Vec<_> = references.iter().map(|text| text.to_lowercase()).collect();
    let mut vocabulary = Vocabulary::default();
    let output = vocabulary.numbers(words(&output));
    if output.is_empty() {
        return 0.0;
    }
    let references: Vec<_> = references.iter().map(|text| vocabulary.numbers(words(text))).collect();
    let orders = LONGEST.min(output.len());
    let logs = (1..=orders).map(|n| precision(&output, &references, n).ln() / as_float(orders));
    brevity(output.len(), &references) * logs.sum::<f64>().exp()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

fn precision(output: &[usize], references: &[Vec<usize>], n: usize) -> f64 {
    let best = references.iter().map(|reference| shared(reference, output, n)).max().unwrap_or(0);
    if best == 0 { NEXT_TO_NOTHING } else { as_float(best) / as_float(runs(output.len(), n)) }
}

/// The penalty for an output that is shorter than the reference nearest in length; of two, the shorter.
fn brevity(length: usize, references: &[Vec<usize>]) -> f64 {
    // An empty reference is one empty word to promptfoo.
    let lengths = references.iter().map(|reference| reference.len().max(1));
    let nearest = lengths.min_by_key(|reference| (reference.abs_diff(length), *reference)).unwrap_or(1);
    if length > nearest { 1.0 } else { (1.0 - as_float(nearest) / as_float(length)).exp() }
}

//! Vectors of texts by their words alone: texts with common words are near each other.

/// How many numbers a vector has.
const DIMENSIONS: usize = 64;

/// A bag of words, hashed: each word counts in a dimension of its own choice, and the whole has length 1.
/// The same on every machine, for ever.
pub(super) fn of(text: &str) -> Vec<f64> {
    let lower = text.to_lowercase();
    let mut counts = vec![0.0_f64; DIMENSIONS];
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).peekable();
    // A text without words is a word, so that no vector is without a direction.
    let whole = words.peek().is_none().then_some(lower.trim());
    for word in words.chain(whole) {
        counts[dimension(word)] += 1.0;
    }
    let length = counts.iter().map(|count| count * count).sum::<f64>().sqrt();
    counts.into_iter().map(|count| count / length).collect()
}

/// By FNV-1a of 64 bits, <http://www.isthe.com/chongo/tech/comp/fnv/>, folded to a byte.
fn dimension(word: &str) -> usize {
    let mix = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
    let folded = hash.to_le_bytes().into_iter().fold(0, |folded, byte| folded ^ byte);
    usize::from(folded) % DIMENSIONS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearness(a: &str, b: &str) -> f64 {
        of(a).iter().zip(of(b)).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn every_text_has_a_vector_of_length_one() {
        let long = "word ".repeat(100_000);
        for text in ["", "  \n", "…", "?!", "a", "Grüße aus Köln", "\0\u{1}", &long] {
            assert!((nearness(text, text) - 1.0).abs() < 1e-12, "{text:.20}");
            assert_eq!(of(text).len(), 64);
        }
    }

    #[test]
    fn common_words_bring_texts_near() {
        let refund = nearness("please refund my order", "refund the order, please");
        let capital = nearness("please refund my order", "what is the capital of France");
        assert!((nearness("Refund my ORDER!", "order: my refund") - 1.0).abs() < 1e-12);
        assert!(refund > 0.7 && capital < 0.3, "{refund} {capital}");
    }

    #[test]
    fn vectors_never_change() {
        let digest: String = of("Paris is the capital").iter().map(|x| if *x > 0.0 { '#' } else { '.' }).collect();
        insta::assert_snapshot!(digest, @"....#...........................#..........#...................#");
    }
}

//! What changed from one text to another, word by word.

use similar::{Algorithm, ChangeTag, DiffableStr, capture_diff_slices};

use super::redact::cut;

/// Longer texts are cut before they are compared. The bound is one of size, not of time: the same texts
/// always make the same pieces.
const LONGEST: usize = 64 * 1024;

/// A piece of two texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// In both.
    Same(String),
    /// Only in the first.
    Removed(String),
    /// Only in the second.
    Added(String),
}

/// The pieces of two texts in order: no two neighbours are of one kind, and what was removed stands
/// before what came in its place.
pub fn words(before: &str, after: &str) -> Vec<Piece> {
    let (before, after) = (cut(before, LONGEST), cut(after, LONGEST));
    let (old, new) = (before.tokenize_words(), after.tokenize_words());
    let mut strands = Strands::default();
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        for change in op.iter_changes(&old, &new) {
            strands.add(change.tag(), change.value());
        }
    }
    strands.pieces()
}

/// A change and the text after it that is the same.
#[derive(Default)]
struct Strand {
    removed: String,
    added: String,
    same: String,
}

impl Strand {
    fn replaces(&self) -> bool {
        !self.removed.is_empty() && !self.added.is_empty()
    }
}

#[derive(Default)]
struct Strands(Vec<Strand>);

impl Strands {
    fn add(&mut self, tag: ChangeTag, text: &str) {
        let begins = self.0.last().is_none_or(|last| tag != ChangeTag::Equal && !last.same.is_empty());
        if begins {
            self.0.push(Strand::default());
        }
        let Some(last) = self.0.last_mut() else { return };
        match tag {
            ChangeTag::Equal => last.same.push_str(text),
            ChangeTag::Delete => last.removed.push_str(text),
            ChangeTag::Insert => last.added.push_str(text),
        }
    }

    /// Replaced words with nothing but blanks between them are one replaced phrase.
    fn joined(self) -> Vec<Strand> {
        let mut all: Vec<Strand> = Vec::new();
        for next in self.0 {
            match all.last_mut() {
                Some(last) if last.replaces() && next.replaces() && last.same.trim().is_empty() => {
                    let blank = std::mem::replace(&mut last.same, next.same);
                    last.removed += &format!("{blank}{}", next.removed);
                    last.added += &format!("{blank}{}", next.added);
                }
                _ => all.push(next),
            }
        }
        all
    }

    fn pieces(self) -> Vec<Piece> {
        let pieces = self
            .joined()
            .into_iter()
            .flat_map(|strand| [Piece::Removed(strand.removed), Piece::Added(strand.added), Piece::Same(strand.same)]);
        pieces.filter(|piece| !piece.text().is_empty()).collect()
    }
}

impl Piece {
    /// Its text.
    pub fn text(&self) -> &str {
        match self {
            Self::Same(text) | Self::Removed(text) | Self::Added(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Piece::{Added, Removed, Same};
    use super::*;

    fn same(text: &str) -> Piece {
        Same(text.into())
    }

    fn removed(text: &str) -> Piece {
        Removed(text.into())
    }

    fn added(text: &str) -> Piece {
        Added(text.into())
    }

    #[test]
    fn words_that_changed_stand_between_those_that_did_not() {
        assert_eq!(
            words("We refund within 14 days.", "We refund within 30 days."),
            [same("We refund within "), removed("14"), added("30"), same(" days.")]
        );
        assert_eq!(words("", "new"), [added("new")]);
        assert_eq!(words("a\nb", "a\nb"), [same("a\nb")]);
        assert_eq!(words("", ""), []);
    }

    #[test]
    fn a_phrase_that_was_replaced_is_one_piece() {
        assert_eq!(
            words("say yes please now", "say no thanks now"),
            [same("say "), removed("yes please"), added("no thanks"), same(" now")]
        );
    }

    #[test]
    fn long_texts_are_cut_and_say_so() {
        let text = |word: &str| (0..60_000).map(|n| format!("{word}{} ", n % 977)).collect::<String>();
        let pieces = words(&text("a"), &text("b"));
        let all: String = pieces.iter().map(Piece::text).collect();
        assert!(all.len() < 3 * LONGEST && all.contains("…[truncated "), "{}", all.len());
    }

    proptest! {
        #[test]
        fn both_texts_can_be_put_together_again(before in "[ab \n]{0,40}", after in "[ab \n]{0,40}") {
            let pieces = words(&before, &after);
            let side = |skip: fn(&Piece) -> bool| -> String {
                pieces.iter().filter(|piece| !skip(piece)).map(Piece::text).collect()
            };
            prop_assert_eq!(side(|piece| matches!(piece, Added(_))), before);
            prop_assert_eq!(side(|piece| matches!(piece, Removed(_))), after);
            let kind = std::mem::discriminant::<Piece>;
            prop_assert!(pieces.windows(2).all(|pair| kind(&pair[0]) != kind(&pair[1])));
        }
    }
}

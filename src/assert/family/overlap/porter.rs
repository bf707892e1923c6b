//! Stems of English words (M. Porter, "An algorithm for suffix stripping", 1980), with the two changes that
//! its author made later (`bli`, `logi`).
//!
//! Where the npm package `natural` reads the paper in its own way, its way is taken, as promptfoo's stems are:
//! letters are UTF-16 units, an `y` after an `y` is a consonant, the vowels of `ya` are two groups, and where
//! a long ending may not go a shorter one may.

/// An ending and what takes its place.
type Rule = (&'static str, &'static str);

const STEP_2: [Rule; 22] = [
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("abli", "able"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
    ("logi", "log"),
];
const STEP_3: [Rule; 7] =
    [("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")];
/// Longer endings before those that they end in.
const STEP_4: [&str; 18] = [
    "ement", "ment", "ent", "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ou", "ism", "ate", "iti", "ous",
    "ive", "ize",
];

/// The stem of a word in lower case, as UTF-16 units. Words of one or two units are their own stem.
pub fn stem(word: &str) -> Vec<u16> {
    let mut word = Word(word.encode_utf16().collect());
    if word.0.len() > 2 {
        word.plural();
        word.past();
        word.final_y();
        word.exchange(&STEP_2);
        word.exchange(&STEP_3);
        word.strip();
        word.final_e();
        word.final_l();
    }
    word.0
}

struct Word(Vec<u16>);

impl Word {
    /// What stands before an ending.
    fn before(&self, ending: &str) -> Option<&[u16]> {
        let at = self.0.len().checked_sub(ending.len())?;
        let (stem, end) = self.0.split_at(at);
        end.iter().copied().eq(ending.encode_utf16()).then_some(stem)
    }

    fn ends(&self, ending: &str) -> bool {
        self.before(ending).is_some()
    }

    fn drop_last(&mut self, units: usize) {
        self.0.truncate(self.0.len().saturating_sub(units));
    }

    fn push(&mut self, letters: &str) {
        self.0.extend(letters.encode_utf16());
    }

    /// Step 1a.
    fn plural(&mut self) {
        if self.ends("sses") || self.ends("ies") {
            self.drop_last(2);
        } else if self.ends("s") && !self.ends("ss") {
            self.drop_last(1);
        }
    }

    /// Step 1b.
    fn past(&mut self) {
        if let Some(stem) = self.before("eed") {
            let enough = measure(stem) > 0;
            self.drop_last(usize::from(enough));
            return;
        }
        let Some(stem) = self.before("ed").or_else(|| self.before("ing")) else { return };
        if !has_vowel(stem) {
            return;
        }
        self.0.truncate(stem.len());
        if ["at", "bl", "iz"].iter().any(|end| self.ends(end)) {
            self.push("e");
        } else if self.is_doubled() {
            self.drop_last(1);
        } else if measure(&self.0) == ONE && is_short(&self.0) {
            self.push("e");
        }
    }

    /// Whether it ends in two equal consonants that one can stand for.
    fn is_doubled(&self) -> bool {
        let kept = ["a", "e", "i", "o", "u", "l", "s", "z"].iter().any(|end| self.ends(end));
        matches!(self.0.as_slice(), [.., a, b] if a == b) && !kept
    }

    /// Step 1c.
    fn final_y(&mut self) {
        if self.before("y").is_some_and(has_vowel) {
            self.drop_last(1);
            self.push("i");
        }
    }

    /// Steps 2 and 3: the first ending that may go is exchanged.
    fn exchange(&mut self, rules: &[Rule]) {
        let fits = |rule: &&Rule| self.before(rule.0).is_some_and(|stem| measure(stem) > 0);
        if let Some((ending, other)) = rules.iter().find(fits) {
            self.drop_last(ending.len());
            self.push(other);
        }
    }

    /// Step 4.
    fn strip(&mut self) {
        let ending = STEP_4.iter().find(|ending| self.ends(ending)).copied();
        let ending = ending.or_else(|| (self.ends("sion") || self.ends("tion")).then_some("ion"));
        let stem = ending.and_then(|ending| self.before(ending)).filter(|stem| measure(stem) > ONE);
        if let Some(length) = stem.map(<[u16]>::len) {
            self.0.truncate(length);
        }
    }

    /// Step 5a.
    fn final_e(&mut self) {
        let drops = |stem: &[u16]| measure(stem) > ONE || (measure(stem) == ONE && !is_short(stem));
        if self.before("e").is_some_and(drops) {
            self.drop_last(1);
        }
    }

    /// Step 5b.
    fn final_l(&mut self) {
        if self.ends("ll") && measure(&self.0) > ONE {
            self.drop_last(1);
        }
    }
}

/// The paper's measure of 1, in the units of [`measure`].
const ONE: usize = 2;

/// How often a vowel and a consonant follow each other, counted in halves: the groups of letters without
/// consonants at the start and vowels at the end.
fn measure(word: &[u16]) -> usize {
    let starts = |at: &usize| {
        let after_y = *at > 0 && word[at - 1] == u16::from(b'y');
        *at == 0 || is_vowel(word, *at) != is_vowel(word, at - 1) || (after_y && is_vowel(word, *at))
    };
    let groups = (0..word.len()).filter(starts).count();
    let idle = [word.first().map(|_| !is_vowel(word, 0)), word.len().checked_sub(1).map(|last| is_vowel(word, last))];
    groups.saturating_sub(idle.iter().filter(|end| **end == Some(true)).count())
}

fn is_vowel(word: &[u16], at: usize) -> bool {
    is_one_of(word[at], "aeiou")
        || (is_one_of(word[at], "y") && at.checked_sub(1).is_some_and(|before| !is_one_of(word[before], "aeiouy")))
}

fn has_vowel(word: &[u16]) -> bool {
    (0..word.len()).any(|at| is_vowel(word, at))
}

/// Whether it ends in consonant, vowel, consonant, and not in w, x or y.
fn is_short(word: &[u16]) -> bool {
    let Some(at) = word.len().checked_sub(3) else { return false };
    let pattern = [at, at + 1, at + 2].map(|at| is_vowel(word, at));
    pattern == [false, true, false] && !is_one_of(word[at + 2], "wxy")
}

fn is_one_of(unit: u16, letters: &str) -> bool {
    letters.bytes().any(|letter| u16::from(letter) == unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_as_natural_does() {
        for (word, expected) in [
            ("caresses", "caress"),
            ("ponies", "poni"),
            ("cats", "cat"),
            ("is", "is"),
            ("feed", "feed"),
            ("agreed", "agre"),
            ("plastered", "plaster"),
            ("bled", "bled"),
            ("motoring", "motor"),
            ("sing", "sing"),
            ("conflated", "conflat"),
            ("hopping", "hop"),
            ("falling", "fall"),
            ("filing", "file"),
            ("happy", "happi"),
            ("sky", "sky"),
            ("say", "sai"),
            ("relational", "relat"),
            ("conditional", "condit"),
            ("rational", "ration"),
            ("digitizer", "digit"),
            ("possibly", "possibl"),
            ("apology", "apolog"),
            ("triplicate", "triplic"),
            ("hopefulness", "hope"),
            ("replacement", "replac"),
            ("adoption", "adopt"),
            ("probate", "probat"),
            ("rate", "rate"),
            ("cease", "ceas"),
            ("controlling", "control"),
            ("roll", "roll"),
            ("ing", "ing"),
            ("café", "café"),
            ("😀s", "😀"),
        ] {
            assert_eq!(String::from_utf16_lossy(&stem(word)), expected, "{word}");
        }
    }
}

//! Names that the registry takes, made from names that it may not.

use std::collections::BTreeMap;

use crate::prompts::registry::prompt_name;

/// Room is left for a number behind it.
const LONGEST: usize = 80;

/// A legal name of a prompt that is as near to the words as it can be.
pub fn slug(words: &str) -> String {
    let mut name = String::new();
    for c in words.to_lowercase().chars() {
        let legal = c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        match (legal, name.ends_with('_')) {
            (true, _) => name.push(c),
            (false, false) => name.push('_'),
            (false, true) => {}
        }
    }
    // All characters are ASCII by now.
    let start = name.trim_start_matches(['.', '_', '-']);
    let name = start[..start.len().min(LONGEST)].trim_end_matches(['.', '_', '-']);
    match name {
        "" => "prompt".to_owned(),
        name if prompt_name(name).is_err() => format!("prompt_{name}"),
        name => name.to_owned(),
    }
}

/// The names that were given so far: two things never get the same one.
#[derive(Debug, Default)]
pub struct Names {
    owners: BTreeMap<String, String>,
}

impl Names {
    /// The name of a thing: always the same for the same thing, with a number where another one has it.
    pub fn of(&mut self, thing: &str, words: &str) -> String {
        let name = slug(words);
        let numbered = (2..).map(|number: usize| format!("{name}_{number}"));
        let free = |candidate: &String| self.owners.get(candidate).is_none_or(|owner| owner == thing);
        let found = std::iter::once(name.clone()).chain(numbered).find(free).unwrap_or(name);
        self.owners.insert(found.clone(), thing.to_owned());
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_stay_as_near_as_they_can() {
        for (words, expected) in [
            ("customer_support", "customer_support"),
            ("Customer Support (EU)", "customer_support_eu"),
            ("-.a.b-c.", "a.b-c"),
            ("Grüße!", "gr_e"),
            ("labels", "prompt_labels"),
            ("日本", "prompt"),
            ("", "prompt"),
        ] {
            assert_eq!(slug(words), expected, "{words}");
        }
    }

    #[test]
    fn two_things_have_two_names() {
        let mut names = Names::default();
        assert_eq!(names.of("A b", "A b"), "a_b");
        assert_eq!(names.of("a b", "a b"), "a_b_2");
        assert_eq!(names.of("A b", "A b"), "a_b");
        assert_eq!(names.of("a b", "a b"), "a_b_2");
    }

    proptest! {
        #[test]
        fn every_slug_is_legal(words in any::<String>()) {
            prop_assert!(prompt_name(&slug(&words)).is_ok());
        }
    }
}

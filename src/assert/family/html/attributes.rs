//! How many attributes a tag may have, before any parser has to look at them.
//!
//! `html5ever` compares each attribute of a tag with all before it. That is quick for tags that people
//! write, and takes hours for one with a million attributes.

/// An upper bound for the comparisons that reading the tags of a text takes: the attributes of the
/// largest tag times all attributes.
pub fn comparisons(text: &str) -> u64 {
    let separators = text.bytes().filter(|byte| separates(*byte) || matches!(byte, b'"' | b'\'')).count();
    let (separators, most) = (u64::try_from(separators), u64::try_from(most(text)));
    separators.unwrap_or(u64::MAX).saturating_mul(most.unwrap_or(u64::MAX))
}

/// How many attributes are still to come until the tag ends, for each state a tokenizer may be in.
#[derive(Debug, Clone, Copy, Default)]
struct ToCome {
    name: usize,
    before_key: usize,
    key: usize,
    after_key: usize,
    before_value: usize,
    double: usize,
    single: usize,
    bare: usize,
}

/// The most attributes of any tag, wherever a tag may begin: which `<` does depends on comments and scripts,
/// so that all are tried. Read backwards, one step follows from the step behind it.
fn most(text: &str) -> usize {
    let mut next = ToCome::default();
    let mut most = 0;
    for byte in text.bytes().rev() {
        if byte == b'<' {
            most = most.max(next.name);
        }
        next = next.with(byte);
    }
    most
}

impl ToCome {
    fn with(self, byte: u8) -> Self {
        if separates(byte) {
            let slash = byte == b'/';
            return Self {
                name: self.before_key,
                before_key: self.before_key,
                key: if slash { self.before_key } else { self.after_key },
                after_key: if slash { self.before_key } else { self.after_key },
                before_value: if slash { self.bare } else { self.before_value },
                bare: if slash { self.bare } else { self.before_key },
                ..self
            };
        }
        let start = 1 + self.key;
        match byte {
            b'>' => Self { double: self.double, single: self.single, ..Self::default() },
            b'=' => Self {
                before_key: start,
                key: self.before_value,
                after_key: self.before_value,
                before_value: self.bare,
                ..self
            },
            _ => Self {
                before_key: start,
                after_key: start,
                before_value: match byte {
                    b'"' => self.double,
                    b'\'' => self.single,
                    _ => self.bare,
                },
                double: if byte == b'"' { self.before_key } else { self.double },
                single: if byte == b'\'' { self.before_key } else { self.single },
                ..self
            },
        }
    }
}

fn separates(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_counted_as_browsers_see_them() {
        for (text, expected) in [
            ("<a>", 0),
            ("<a b c>", 2),
            ("<a b = 'x > y z' c>d e f", 2),
            ("<a b=\"x'y\"c='>' d=e/f>", 3),
            ("<a/b/c>", 2),
            ("<a =b>", 1),
            ("</a b>", 2),
            ("<a '<b x y z>' c>", 4),
            ("x <y and so on", 3),
            ("", 0),
        ] {
            assert_eq!(most(text), expected, "{text}");
        }
    }
}

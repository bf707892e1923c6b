//! A text that is one XML document, from its first character to its last.

use super::markup::{self, Entities, Form, SPACE, Tag};
use super::tree::Tree;
use crate::assert::matcher::commas::is_space;

/// Where and why a text is no XML.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// The place, in bytes.
    pub at: usize,
    /// The rule that is broken.
    pub what: &'static str,
}

/// The node above the outermost element.
pub const ROOT: usize = 0;

/// Reads a whole document, without recursion and in one pass.
///
/// # Errors
/// The first rule that it breaks.
pub fn read(text: &str) -> Result<Tree<'_>, Fault> {
    let mut reader = Reader::default();
    reader.tree.add(Tag::default());
    reader.open.push(ROOT);
    let start = usize::from(text.starts_with('\u{feff}')) * '\u{feff}'.len_utf8();
    let mut at = start;
    while let Some(mark) = text[at..].find('<').map(|i| at + i) {
        reader.words(&text[at..mark]).map_err(|what| Fault { at, what })?;
        let fault = |what| Fault { at: mark, what };
        let piece = markup::read(text, mark, reader.entities).ok_or(fault("a `<` that begins no tag"))?;
        if let Some(what) = piece.fault {
            return Err(fault(what));
        }
        reader.take(piece.form, mark == start).map_err(fault)?;
        at = piece.end;
    }
    reader.words(&text[at..]).map_err(|what| Fault { at, what })?;
    reader.finish().map_err(|what| Fault { at: text.len(), what })
}

struct Reader<'t> {
    tree: Tree<'t>,
    open: Vec<usize>,
    entities: Entities,
    standalone: bool,
    doctype: bool,
    element: bool,
}

impl Default for Reader<'_> {
    fn default() -> Self {
        Self {
            tree: Tree::default(),
            open: Vec::new(),
            entities: Entities::Predefined,
            standalone: false,
            doctype: false,
            element: false,
        }
    }
}

impl<'t> Reader<'t> {
    fn top(&self) -> usize {
        self.open.last().copied().unwrap_or(ROOT)
    }

    fn words(&mut self, text: &str) -> Result<(), &'static str> {
        if self.open.len() == 1 {
            let blank = text.trim_matches(SPACE).is_empty();
            return if blank { Ok(()) } else { Err("text outside the outermost element") };
        }
        markup::content(text, self.entities)?;
        if !text.trim_matches(is_space).is_empty() {
            self.tree.note_words(self.top());
        }
        Ok(())
    }

    fn take(&mut self, form: Form<'t>, first: bool) -> Result<(), &'static str> {
        match form {
            Form::Open { tag, empty } => self.open(tag, empty),
            Form::Close(name) => self.close(name),
            Form::Section(_) if self.open.len() == 1 => Err("text outside the outermost element"),
            Form::Section(body) => {
                if !body.trim_matches(is_space).is_empty() {
                    self.tree.note_words(self.top());
                }
                Ok(())
            }
            Form::Instruction { tag, body } => self.instruction(tag, body, first),
            Form::Doctype { external } => self.doctype(external),
            Form::Comment => Ok(()),
            Form::Unknown => Err("markup of no known kind"),
        }
    }

    fn open(&mut self, tag: Tag<'t>, empty: bool) -> Result<(), &'static str> {
        if self.open.len() == 1 && self.element {
            return Err("a second outermost element");
        }
        self.element = true;
        let node = self.tree.add(tag);
        self.tree.attach(self.top(), node);
        if !empty {
            self.open.push(node);
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), &'static str> {
        if self.open.len() == 1 || self.tree.name(self.top()) != name {
            return Err("a closing tag that closes nothing");
        }
        self.open.pop();
        Ok(())
    }

    fn instruction(&mut self, tag: Tag<'t>, body: &str, first: bool) -> Result<(), &'static str> {
        if tag.name == "?xml" && first {
            self.standalone = declaration(body)?;
        } else if tag.name.eq_ignore_ascii_case("?xml") {
            return Err("an XML declaration that does not stand at the very beginning");
        }
        let node = self.tree.add(tag);
        self.tree.attach(self.top(), node);
        Ok(())
    }

    fn doctype(&mut self, external: bool) -> Result<(), &'static str> {
        if self.doctype || self.element {
            return Err("a DOCTYPE in the wrong place");
        }
        self.doctype = true;
        if external && !self.standalone {
            self.entities = Entities::Any;
        }
        Ok(())
    }

    fn finish(self) -> Result<Tree<'t>, &'static str> {
        match (self.open.len(), self.element) {
            (1, true) => Ok(self.tree),
            (1, false) => Err("no element"),
            _ => Err("an element that is not closed"),
        }
    }
}

/// Checks an XML declaration; tells whether it says `standalone="yes"`.
fn declaration(body: &str) -> Result<bool, &'static str> {
    const BROKEN: &str = "a broken XML declaration";
    let mut pairs = markup::attributes(body, Entities::Predefined).map_err(|_| BROKEN)?.into_iter().peekable();
    let version = pairs.next_if(|(key, _)| *key == "version").map(|(_, value)| value);
    let encoding = pairs.next_if(|(key, _)| *key == "encoding").map(|(_, value)| value);
    let standalone = pairs.next_if(|(key, _)| *key == "standalone").map(|(_, value)| value);
    let minor = version.and_then(|version| version.strip_prefix("1."));
    let sound = minor.is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit()))
        && encoding.is_none_or(names_encoding)
        && standalone.is_none_or(|word| matches!(word, "yes" | "no"))
        && pairs.next().is_none();
    if sound { Ok(standalone == Some("yes")) } else { Err(BROKEN) }
}

fn names_encoding(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

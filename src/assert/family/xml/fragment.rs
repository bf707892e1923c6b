//! Elements inside other text: answers that talk, then show XML.
//!
//! Promptfoo looks for tags that close each other and reads what they enclose with a parser that forgives
//! nearly everything. Here what is found must be well-formed, because whoever reads the answer next will use
//! a real parser. One thing is taken on trust: an entity may be declared in a document we do not see.

use super::markup::{self, Entities, Form, Tag};
use super::tree::Tree;
use crate::assert::matcher::commas::is_space;

/// The elements of a text: those side by side are children of one node.
#[derive(Debug)]
pub struct Fragments<'t> {
    /// All elements.
    pub tree: Tree<'t>,
    /// Nodes whose children stand side by side, in well-formed elements of their own.
    pub groups: Vec<usize>,
}

/// Finds the well-formed elements of a text, in one pass.
pub fn find(text: &str) -> Fragments<'_> {
    let mut finder = Finder::new();
    let (mut done, mut at) = (0, 0);
    while let Some(mark) = text[at..].find('<').map(|i| at + i) {
        if let Some(piece) = markup::read(text, mark, Entities::Any) {
            finder.words(&text[done..mark]);
            finder.take(piece.form, piece.fault.is_some());
            (done, at) = (piece.end, piece.end);
        } else {
            finder.spoil();
            at = mark + 1;
        }
    }
    finder.clear();
    let Finder { tree, mut groups, .. } = finder;
    groups.retain(|group| tree.has_children(*group));
    Fragments { tree, groups }
}

struct Finder<'t> {
    tree: Tree<'t>,
    groups: Vec<usize>,
    /// Open elements, below them a node for those outside all elements.
    open: Vec<usize>,
    /// How many of them, from the bottom, hold something that is not well-formed.
    spoiled: usize,
}

impl<'t> Finder<'t> {
    fn new() -> Self {
        let mut tree = Tree::default();
        let outside = tree.add(Tag::default());
        Self { tree, groups: Vec::new(), open: vec![outside], spoiled: 0 }
    }

    fn is_outside(&self) -> bool {
        self.open.len() == 1
    }

    fn spoil(&mut self) {
        self.spoiled = self.open.len();
    }

    fn words(&mut self, text: &str) {
        if self.is_outside() {
            return;
        }
        if markup::content(text, Entities::Any).is_err() {
            self.spoil();
        }
        self.note_words(text);
    }

    fn note_words(&mut self, text: &str) {
        if let Some(top) = self.open.last().filter(|_| !text.trim_matches(is_space).is_empty()) {
            self.tree.note_words(*top);
        }
    }

    fn take(&mut self, form: Form<'t>, faulty: bool) {
        match form {
            Form::Open { tag, empty } => {
                let node = self.tree.add(tag);
                self.open.push(node);
                if faulty {
                    self.spoil();
                }
                if empty {
                    self.close();
                }
            }
            Form::Close(name) => {
                if faulty {
                    self.spoil();
                }
                let fits = self.open.last().is_some_and(|top| self.tree.name(*top) == name);
                if fits { self.close() } else { self.clear() }
            }
            Form::Section(body) if !faulty => self.note_words(body),
            Form::Instruction { tag, .. } if !faulty && !tag.name.eq_ignore_ascii_case("?xml") => self.instruction(tag),
            Form::Comment if !faulty => {}
            _ => self.spoil(),
        }
    }

    fn instruction(&mut self, tag: Tag<'t>) {
        if let Some(top) = self.open.last().copied().filter(|_| !self.is_outside()) {
            let node = self.tree.add(tag);
            self.tree.attach(top, node);
        }
    }

    /// Closes the innermost element. One that is spoiled still hands on the whole ones inside it.
    fn close(&mut self) {
        let Some(node) = self.open.pop() else { return };
        let whole = self.spoiled <= self.open.len();
        self.spoiled = self.spoiled.min(self.open.len());
        match self.open.last() {
            Some(parent) if whole => self.tree.attach(*parent, node),
            _ => self.groups.push(node),
        }
    }

    /// Gives up what is open: a closing tag came that belongs to none of it, or the end.
    fn clear(&mut self) {
        self.groups.append(&mut self.open);
        self.open.push(self.tree.add(Tag::default()));
        self.spoiled = 0;
    }
}

//! The tree that `html5ever` builds, as far as the verdict needs it: which elements there are, which of them
//! the text itself names, and which texts stand directly in the body.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::{Attribute, ExpandedName, LocalName, Namespace, QualName};

use super::elements;
use crate::assert::matcher::commas::is_space;

/// Collects nodes.
#[derive(Debug)]
pub struct Sink {
    nodes: RefCell<Vec<Node>>,
    nameless: Rc<QualName>,
    /// The start tag that is being read.
    pub tag: RefCell<Option<LocalName>>,
    /// How many nodes were moved.
    pub moves: Cell<u64>,
}

/// A node, and its name where it is an element.
#[derive(Debug, Clone)]
pub struct Handle {
    id: usize,
    name: Rc<QualName>,
}

#[derive(Debug, Default)]
struct Node {
    sort: Sort,
    parent: Option<usize>,
    /// Those that were put here once; who has moved on has another parent.
    children: Vec<usize>,
}

#[derive(Debug, Default)]
enum Sort {
    /// Text with more than white space.
    Words,
    /// An element, and whether its tag stands in the text.
    Element { name: Rc<QualName>, written: bool },
    /// Anything else.
    #[default]
    Other,
}

/// What a text turned out to be.
#[derive(Debug, Clone, Copy, Default)]
pub struct Page {
    /// Whether text stands directly in a body that has no tag.
    pub has_bare_text: bool,
    /// Whether the text has an element of HTML.
    pub has_element: bool,
}

const DOCUMENT: usize = 0;

impl Sink {
    /// An empty document.
    pub fn new() -> Self {
        let nameless = QualName::new(None, Namespace::from(""), LocalName::from(""));
        Self {
            nodes: RefCell::new(vec![Node::default()]),
            nameless: Rc::new(nameless),
            tag: RefCell::new(None),
            moves: Cell::new(0),
        }
    }

    fn add(&self, sort: Sort) -> usize {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node { sort, ..Node::default() });
        nodes.len() - 1
    }

    fn nameless(&self, id: usize) -> Handle {
        Handle { id, name: Rc::clone(&self.nameless) }
    }

    fn place(&self, parent: usize, child: NodeOrText<Handle>) {
        let child = match child {
            NodeOrText::AppendNode(node) => node.id,
            NodeOrText::AppendText(text) if text.trim_matches(is_space).is_empty() => return,
            NodeOrText::AppendText(_) => self.add(Sort::Words),
        };
        let mut nodes = self.nodes.borrow_mut();
        nodes[child].parent = Some(parent);
        nodes[parent].children.push(child);
    }

    fn parent(&self, node: &Handle) -> Option<usize> {
        self.nodes.borrow()[node.id].parent
    }
}

impl TreeSink for Sink {
    type Handle = Handle;
    type Output = Page;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Page {
        let nodes = self.nodes.into_inner();
        let mut page = Page::default();
        let mut seen = vec![false; nodes.len()];
        let mut waiting = vec![DOCUMENT];
        while let Some(id) = waiting.pop() {
            if std::mem::replace(&mut seen[id], true) {
                continue;
            }
            let node = &nodes[id];
            let children = || node.children.iter().filter(|child| nodes[**child].parent == Some(id));
            if let Sort::Element { name, written } = &node.sort {
                let name: &str = &name.local;
                let implied = matches!(name, "html" | "head" | "body") && !written;
                page.has_element |= !implied && elements::is_known(name);
                page.has_bare_text |=
                    name == "body" && implied && children().any(|child| matches!(nodes[*child].sort, Sort::Words));
            }
            waiting.extend(children());
        }
        page
    }

    fn get_document(&self) -> Handle {
        self.nameless(DOCUMENT)
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        target.name.expanded()
    }

    fn create_element(&self, name: QualName, _: Vec<Attribute>, _: ElementFlags) -> Handle {
        let written = self.tag.borrow().as_ref() == Some(&name.local);
        let name = Rc::new(name);
        let id = self.add(Sort::Element { name: Rc::clone(&name), written });
        Handle { id, name }
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        self.nameless(self.add(Sort::Other))
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        self.nameless(self.add(Sort::Other))
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.place(parent.id, child);
    }

    fn append_based_on_parent_node(&self, element: &Handle, before: &Handle, child: NodeOrText<Handle>) {
        self.place(self.parent(element).unwrap_or(before.id), child);
    }

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        if let Some(parent) = self.parent(sibling) {
            self.place(parent, child);
        }
    }

    /// What a template holds is no part of the page.
    fn get_template_contents(&self, _: &Handle) -> Handle {
        self.nameless(self.add(Sort::Other))
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        one.id == other.id
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.nodes.borrow_mut()[target.id].parent = None;
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        let mut nodes = self.nodes.borrow_mut();
        let children = std::mem::take(&mut nodes[node.id].children);
        self.moves.set(self.moves.get() + u64::try_from(children.len()).unwrap_or(u64::MAX));
        for child in children.iter().filter(|child| nodes[**child].parent == Some(node.id)).copied().collect::<Vec<_>>()
        {
            nodes[child].parent = Some(new_parent.id);
            nodes[new_parent.id].children.push(child);
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}
    fn parse_error(&self, _: Cow<'static, str>) {}
    fn set_quirks_mode(&self, _: QuirksMode) {}
    fn add_attrs_if_missing(&self, _: &Handle, _: Vec<Attribute>) {}
}

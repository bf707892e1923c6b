//! Elements and their names, as paths see them.

use super::markup::Tag;

/// A forest in one piece of memory; dropping it needs no recursion.
#[derive(Debug, Default)]
pub struct Tree<'t> {
    nodes: Vec<Node<'t>>,
}

#[derive(Debug, Default)]
struct Node<'t> {
    tag: Tag<'t>,
    /// Whether there is more than white space between its children.
    words: bool,
    first: Option<usize>,
    last: Option<usize>,
    next: Option<usize>,
}

/// Where a path has led to.
enum Place<'t> {
    Node(usize),
    /// Several children of this name: an index must follow.
    Several(usize, &'t str),
    /// An attribute or a text.
    End,
}

impl<'t> Tree<'t> {
    /// Adds a node that is not yet anyone's child.
    pub fn add(&mut self, tag: Tag<'t>) -> usize {
        self.nodes.push(Node { tag, ..Node::default() });
        self.nodes.len() - 1
    }

    /// The name of a node.
    pub fn name(&self, node: usize) -> &'t str {
        self.nodes[node].tag.name
    }

    /// Makes a node the last child of another.
    pub fn attach(&mut self, parent: usize, child: usize) {
        match self.nodes[parent].last.replace(child) {
            Some(last) => self.nodes[last].next = Some(child),
            None => self.nodes[parent].first = Some(child),
        }
    }

    /// Notes that a node has text.
    pub fn note_words(&mut self, node: usize) {
        self.nodes[node].words = true;
    }

    /// Whether a node has children.
    pub fn has_children(&self, node: usize) -> bool {
        self.nodes[node].first.is_some()
    }

    fn children(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.nodes[node].first, |child| self.nodes[*child].next)
    }

    /// Whether a dotted path leads somewhere, from above the outermost elements. The steps are those of
    /// fast-xml-parser, which promptfoo reads with: a name; a number among several of the same name;
    /// `@_name` for an attribute; `#text` for text beside attributes or children; `?xml` for the declaration.
    pub fn leads(&self, from: usize, path: &str) -> bool {
        let mut place = Place::Node(from);
        for step in path.split('.') {
            let Some(next) = self.step(&place, step) else { return false };
            place = next;
        }
        true
    }

    fn step<'p>(&self, place: &Place<'p>, step: &'p str) -> Option<Place<'p>> {
        match place {
            Place::End => None,
            Place::Several(parent, name) => {
                let index: usize = step.parse().ok()?;
                // `+1` and `01` are no indexes.
                let mut same = self.children(*parent).filter(|child| self.name(*child) == *name);
                same.nth(index).filter(|_| index.to_string() == step).map(Place::Node)
            }
            Place::Node(node) => self.inside(*node, step),
        }
    }

    fn inside<'p>(&self, node: usize, step: &'p str) -> Option<Place<'p>> {
        let Node { tag, words, first, .. } = &self.nodes[node];
        if let Some(key) = step.strip_prefix("@_") {
            return tag.attributes.contains(&key).then_some(Place::End);
        }
        if step == "#text" {
            let beside = first.is_some() || !tag.attributes.is_empty();
            return (*words && beside).then_some(Place::End);
        }
        let mut same = self.children(node).filter(|child| self.name(*child) == step);
        let first = same.next()?;
        Some(if same.next().is_some() { Place::Several(node, step) } else { Place::Node(first) })
    }
}

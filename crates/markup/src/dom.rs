//! A parsed piece of HTML as a flat arena of nodes, built by `html5ever` within fixed bounds.
//!
//! Deep nesting never becomes deep recursion: nodes are numbers in a vector. This module must not
//! know what any element means.

mod bounded;
mod sink;
mod strict;

use html5ever::Attribute;
use html5ever::QualName;

pub(crate) use bounded::parse;

/// The number of a node in its [`Dom`].
pub(crate) type NodeId = u32;

/// What a node is.
#[derive(Debug)]
pub(crate) enum Data {
    /// The document, a fragment root or a template's contents.
    Root,
    /// An element with its attributes in source order.
    Element {
        name: QualName,
        attributes: Vec<Attribute>,
    },
    /// Text with entities already resolved.
    Text(String),
    /// A comment or processing instruction: carries nothing.
    Ignored,
}

/// A node and its links to its neighbours.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) data: Data,
    pub(crate) parent: Option<NodeId>,
    pub(crate) previous: Option<NodeId>,
    pub(crate) next: Option<NodeId>,
    pub(crate) first: Option<NodeId>,
    pub(crate) last: Option<NodeId>,
}

/// A parsed HTML fragment.
#[derive(Debug)]
pub(crate) struct Dom {
    pub(crate) nodes: Vec<Node>,
    pub(crate) root: NodeId,
    /// Whether a bound was hit, so that the tree is not the whole of the input's structure.
    pub(crate) overflow: Overflow,
}

/// Which bound a parse ran into.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overflow {
    #[default]
    /// None: the tree is complete.
    No,
    /// Some tags were left out because elements were nested too deeply; all text is there.
    Depth,
    /// There were more nodes than we take; only the text of the body should be used.
    Nodes,
}

impl Dom {
    /// The node with this number; the root for a number that is not ours.
    pub(crate) fn data(&self, id: NodeId) -> &Data {
        self.get(id).map_or(&Data::Ignored, |node| &node.data)
    }

    /// The local name of an HTML element, or of a foreign one; empty for other nodes.
    pub(crate) fn name(&self, id: NodeId) -> &str {
        match self.data(id) {
            Data::Element { name, .. } => &name.local,
            _ => "",
        }
    }

    /// The value of an attribute of an element.
    pub(crate) fn attribute(&self, id: NodeId, wanted: &str) -> Option<&str> {
        match self.data(id) {
            Data::Element { attributes, .. } => attributes
                .iter()
                .find(|attribute| &*attribute.name.local == wanted)
                .map(|attribute| &*attribute.value),
            _ => None,
        }
    }

    /// Whether an element has this class.
    pub(crate) fn has_class(&self, id: NodeId, wanted: &str) -> bool {
        self.attribute(id, "class")
            .is_some_and(|class| class.split_ascii_whitespace().any(|one| one == wanted))
    }

    /// The children of a node, in order.
    pub(crate) fn children(&self, id: NodeId) -> Children<'_> {
        Children {
            dom: self,
            next: self.get(id).and_then(|node| node.first),
        }
    }

    /// All text below a node, without the contents of scripts and styles.
    pub(crate) fn text(&self, id: NodeId) -> String {
        let mut text = String::new();
        self.walk(id, &mut |inner| {
            if let Data::Text(part) = self.data(inner) {
                text.push_str(part);
            }
            !is_silent(self.name(inner))
        });
        text
    }

    /// Visits a node and everything below it in document order; `visit` says whether to go down.
    pub(crate) fn walk(&self, start: NodeId, visit: &mut dyn FnMut(NodeId) -> bool) {
        let mut at = Some(start);
        while let Some(id) = at {
            let down = visit(id);
            at = match self.get(id) {
                Some(node) if down && node.first.is_some() => node.first,
                _ => self.after(id, start),
            };
        }
    }

    fn after(&self, from: NodeId, stop: NodeId) -> Option<NodeId> {
        let mut id = from;
        while id != stop {
            let node = self.get(id)?;
            if node.next.is_some() {
                return node.next;
            }
            id = node.parent?;
        }
        None
    }

    pub(crate) fn get(&self, id: NodeId) -> Option<&Node> {
        usize::try_from(id)
            .ok()
            .and_then(|index| self.nodes.get(index))
    }
}

/// Whether the text inside an element of this name is never shown to readers.
pub(crate) fn is_silent(name: &str) -> bool {
    matches!(
        name,
        "script" | "style" | "template" | "head" | "title" | "noscript" | "link" | "meta"
    )
}

/// Iterator over the children of a node.
pub(crate) struct Children<'a> {
    dom: &'a Dom,
    next: Option<NodeId>,
}

impl Iterator for Children<'_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        let id = self.next?;
        self.next = self.dom.get(id).and_then(|node| node.next);
        Some(id)
    }
}

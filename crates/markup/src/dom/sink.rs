//! The sink that `html5ever` builds its tree into: an arena of linked nodes.
//!
//! Every operation takes constant time, whatever the shape of the tree.

use super::{Data, Dom, Node, NodeId, Overflow};
use html5ever::interface::{ElemName, ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::{Attribute, LocalName, Namespace, QualName};
use std::borrow::Cow;
use std::cell::RefCell;

const DOCUMENT: NodeId = 0;

/// An arena under construction.
pub(crate) struct Sink {
    nodes: RefCell<Vec<Node>>,
}

/// An element's name, owned, because the arena may grow while the parser looks at it.
#[derive(Debug)]
pub(crate) struct OwnedName(QualName);

impl ElemName for OwnedName {
    fn ns(&self) -> &Namespace {
        &self.0.ns
    }

    fn local_name(&self) -> &LocalName {
        &self.0.local
    }
}

impl Sink {
    /// A sink that holds only the document node.
    pub(crate) fn new() -> Self {
        let sink = Sink {
            nodes: RefCell::new(Vec::with_capacity(64)),
        };
        sink.create(Data::Root);
        sink
    }

    /// How many nodes there are so far.
    pub(crate) fn len(&self) -> usize {
        self.nodes.borrow().len()
    }

    fn create(&self, data: Data) -> NodeId {
        let mut nodes = self.nodes.borrow_mut();
        let id = NodeId::try_from(nodes.len()).unwrap_or(NodeId::MAX);
        let (parent, previous, next, first, last) = (None, None, None, None, None);
        nodes.push(Node {
            data,
            parent,
            previous,
            next,
            first,
            last,
        });
        id
    }

    fn with<T>(&self, id: NodeId, change: impl FnOnce(&mut Node) -> T) -> Option<T> {
        let index = usize::try_from(id).ok()?;
        self.nodes.borrow_mut().get_mut(index).map(change)
    }

    fn detach(&self, id: NodeId) {
        let links = self.with(id, |node| {
            (node.parent.take(), node.previous.take(), node.next.take())
        });
        let Some((Some(parent), previous, next)) = links else {
            return;
        };
        match previous {
            Some(before) => self.with(before, |node| node.next = next),
            None => self.with(parent, |node| node.first = next),
        };
        match next {
            Some(after) => self.with(after, |node| node.previous = previous),
            None => self.with(parent, |node| node.last = previous),
        };
    }

    fn insert(&self, parent: NodeId, child: NodeId, before: Option<NodeId>) {
        self.detach(child);
        let previous = match before {
            Some(sibling) => self
                .with(sibling, |node| node.previous.replace(child))
                .flatten(),
            None => self.with(parent, |node| node.last.replace(child)).flatten(),
        };
        match previous {
            Some(id) => self.with(id, |node| node.next = Some(child)),
            None => self.with(parent, |node| node.first = Some(child)),
        };
        self.with(child, |node| {
            node.parent = Some(parent);
            node.previous = previous;
            node.next = before;
        });
    }

    fn push_text(&self, onto: Option<NodeId>, text: &str) -> bool {
        let added = onto.and_then(|id| {
            self.with(id, |node| match &mut node.data {
                Data::Text(existing) => {
                    existing.push_str(text);
                    true
                }
                _ => false,
            })
        });
        added == Some(true)
    }

    fn place(&self, parent: NodeId, child: NodeOrText<NodeId>, before: Option<NodeId>) {
        match child {
            NodeOrText::AppendNode(id) => self.insert(parent, id, before),
            NodeOrText::AppendText(text) => {
                let previous = match before {
                    Some(sibling) => self.with(sibling, |node| node.previous).flatten(),
                    None => self.with(parent, |node| node.last).flatten(),
                };
                if !self.push_text(previous, &text) {
                    let id = self.create(Data::Text(text.to_string()));
                    self.insert(parent, id, before);
                }
            }
        }
    }

    fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.with(id, |node| node.parent).flatten()
    }
}

impl TreeSink for Sink {
    type Handle = NodeId;
    type Output = Dom;
    type ElemName<'a> = OwnedName;

    fn finish(self) -> Dom {
        Dom {
            nodes: self.nodes.into_inner(),
            root: DOCUMENT,
            overflow: Overflow::No,
        }
    }

    fn parse_error(&self, _message: Cow<'static, str>) {}

    fn get_document(&self) -> NodeId {
        DOCUMENT
    }

    fn elem_name<'a>(&'a self, target: &'a NodeId) -> OwnedName {
        let name = self.with(*target, |node| match &node.data {
            Data::Element { name, .. } => Some(name.clone()),
            _ => None,
        });
        OwnedName(
            name.flatten()
                .unwrap_or_else(|| QualName::new(None, html5ever::ns!(html), LocalName::from(""))),
        )
    }

    fn create_element(
        &self,
        name: QualName,
        attributes: Vec<Attribute>,
        _flags: ElementFlags,
    ) -> NodeId {
        self.create(Data::Element { name, attributes })
    }

    fn create_comment(&self, _text: StrTendril) -> NodeId {
        self.create(Data::Ignored)
    }

    fn create_pi(&self, _target: StrTendril, _data: StrTendril) -> NodeId {
        self.create(Data::Ignored)
    }

    fn append(&self, parent: &NodeId, child: NodeOrText<NodeId>) {
        self.place(*parent, child, None);
    }

    fn append_based_on_parent_node(
        &self,
        element: &NodeId,
        previous: &NodeId,
        child: NodeOrText<NodeId>,
    ) {
        if self.parent(*element).is_some() {
            self.append_before_sibling(element, child);
        } else {
            self.append(previous, child);
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &NodeId) -> NodeId {
        *target
    }

    fn same_node(&self, x: &NodeId, y: &NodeId) -> bool {
        x == y
    }

    fn set_quirks_mode(&self, _mode: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &NodeId, child: NodeOrText<NodeId>) {
        if let Some(parent) = self.parent(*sibling) {
            self.place(parent, child, Some(*sibling));
        }
    }

    fn add_attrs_if_missing(&self, _target: &NodeId, _attributes: Vec<Attribute>) {}

    fn remove_from_parent(&self, target: &NodeId) {
        self.detach(*target);
    }

    fn reparent_children(&self, node: &NodeId, new_parent: &NodeId) {
        while let Some(child) = self.with(*node, |node| node.first).flatten() {
            self.insert(*new_parent, child, None);
        }
    }
}

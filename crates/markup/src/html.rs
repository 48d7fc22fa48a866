//! Canvas HTML: reading it into the tree, writing it from the tree, and cleaning it as Canvas does.

pub(crate) mod css;
pub(crate) mod escape;
pub(crate) mod read;
pub(crate) mod sanitise;
pub(crate) mod write;

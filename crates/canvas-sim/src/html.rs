//! What Canvas does to HTML: the stored form and the read form (contract canvas §11).
//! Works on text alone; files are looked up through closures.

pub(crate) mod incoming;
pub(crate) mod outgoing;
pub(crate) mod sanitise;
mod style;
pub(crate) mod tag;

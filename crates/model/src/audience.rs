//! Who can read what stands in a course or its category.
//!
//! People are named by the stable key that both systems share. Must not know how a system was asked.

use std::collections::BTreeSet;

/// The readers of one container on one system, the platform's own staff left out: they read everything on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audience {
    /// Anybody can read it, or anybody with an account.
    pub is_open: bool,
    /// It may be that anybody can read it. Counts where a write would go, never where it comes from.
    pub may_be_open: bool,
    /// People who take part in it and can read it.
    pub members: BTreeSet<String>,
    /// People who can read it and do not take part: observers.
    pub observers: BTreeSet<String>,
    /// People who may still be able to read it. Count where a write would go, never where it comes from.
    pub former: BTreeSet<String>,
    /// How many more can read it without a key that the other side knows.
    pub unnamed: u64,
    /// It is over and only read any more: a concluded course.
    pub is_concluded: bool,
    /// Of the people who were asked for: those whom this system keeps from nothing, because they have no account on it
    /// or are its staff.
    pub not_kept_out: BTreeSet<String>,
}

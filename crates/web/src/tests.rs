//! Tests of the whole crate over its router: who may do what, forged forms, sessions, hostile words.

mod read;
mod safety;
mod work;
mod world;

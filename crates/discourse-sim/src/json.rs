//! The shapes of the forum's objects in JSON, one module per noun.
//!
//! Reads the state only. Field lists follow the recordings of 3.1; `Switches::newer_fields` adds
//! what the API description of 2026 has besides.

pub mod category;
pub mod group;
pub mod hook;
pub mod list;
pub mod post;
pub mod review;
pub mod revision;
pub mod tag;
pub mod topic;
pub mod upload;
pub mod user;
pub mod web_hook;

use serde_json::{Map, Value};

use crate::clock::iso;

/// A time or null.
fn time(ms: Option<i64>) -> Value {
    ms.map_or(Value::Null, |ms| Value::String(iso(ms)))
}

/// Adds the fields of one object to another.
fn extend(target: &mut Value, more: Value) {
    if let (Some(target), Value::Object(more)) = (target.as_object_mut(), more) {
        target.extend(more);
    }
}

/// Sets one field.
fn set(target: &mut Value, name: &str, value: Value) {
    if let Some(target) = target.as_object_mut() {
        target.insert(name.to_owned(), value);
    }
}

/// Removes fields.
fn remove(target: &mut Value, names: &[&str]) {
    if let Some(target) = target.as_object_mut() {
        for name in names {
            target.remove(*name);
        }
    }
}

/// A count as JSON number.
fn count(number: usize) -> Value {
    Value::from(number)
}

/// An empty object.
fn nothing() -> Value {
    Value::Object(Map::new())
}

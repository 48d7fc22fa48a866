//! Our own value type and the reading of rows: null, integer and text, nothing else (design section 11, rule 1).
//!
//! Knows no engine; the backends translate to and from it.

use std::collections::BTreeSet;

use model::{Failure, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// One parameter or column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Value {
    #[default]
    Null,
    Integer(i64),
    Text(String),
}

impl From<&str> for Value {
    /// Takes over a text; a NUL, which PostgreSQL cannot store, becomes U+FFFD.
    fn from(text: &str) -> Self {
        if text.contains('\0') {
            Self::Text(text.replace('\0', "\u{fffd}"))
        } else {
            Self::Text(text.to_owned())
        }
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(i64::from(number))
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Integer(time.0)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! from_id {
    ($($id:ty),*) => {$(
        impl From<&$id> for Value {
            fn from(id: &$id) -> Self {
                Self::from(id.as_str())
            }
        }
    )*};
}

from_id!(
    model::EntityId,
    model::OperationId,
    model::IntentId,
    model::RemoteId,
    model::CreateKey,
    model::Digest
);

/// A count as a parameter, for `LIMIT`.
pub(crate) fn count(number: usize) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A value as JSON text.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_string(value)
        .map(Value::Text)
        .map_err(|error| Error::Bug(format!("a value cannot be written as JSON: {error}")))
}

/// A value as JSON text, or null.
pub(crate) fn json_or_null<T: Serialize>(value: Option<&T>) -> Result<Value> {
    value.map_or(Ok(Value::Null), json)
}

/// One row, read column by column in the order of the statement.
pub(crate) struct Row {
    table: &'static str,
    values: Vec<Value>,
    next: usize,
    name: String,
}

impl Row {
    pub(crate) fn new(table: &'static str, values: Vec<Value>) -> Self {
        Self {
            table,
            values,
            next: 0,
            name: String::new(),
        }
    }

    /// All its values as they are.
    pub(crate) fn into_values(self) -> Vec<Value> {
        self.values
    }

    /// Takes the next value out; the first one is kept to name the row in errors.
    fn take(&mut self) -> Option<Value> {
        let value = self.values.get_mut(self.next).map(std::mem::take);
        if self.next == 0 {
            match &value {
                Some(Value::Text(text)) => self.name.clone_from(text),
                Some(Value::Integer(number)) => self.name = number.to_string(),
                Some(Value::Null) | None => {}
            }
        }
        self.next += 1;
        value
    }

    /// The error of a value that does not read back.
    pub(crate) fn corrupt(&self, column: &'static str) -> Error {
        Error::Corrupt {
            table: self.table,
            column,
            row: self.name.clone(),
        }
    }

    pub(crate) fn optional_text(&mut self, column: &'static str) -> Result<Option<String>> {
        match self.take() {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            Some(Value::Integer(_)) | None => Err(self.corrupt(column)),
        }
    }

    pub(crate) fn text(&mut self, column: &'static str) -> Result<String> {
        self.optional_text(column)?
            .ok_or_else(|| self.corrupt(column))
    }

    pub(crate) fn optional_integer(&mut self, column: &'static str) -> Result<Option<i64>> {
        match self.take() {
            Some(Value::Integer(number)) => Ok(Some(number)),
            Some(Value::Null) => Ok(None),
            Some(Value::Text(_)) | None => Err(self.corrupt(column)),
        }
    }

    pub(crate) fn integer(&mut self, column: &'static str) -> Result<i64> {
        self.optional_integer(column)?
            .ok_or_else(|| self.corrupt(column))
    }

    /// A count or a small number that is never negative.
    pub(crate) fn number<T: TryFrom<i64>>(&mut self, column: &'static str) -> Result<T> {
        let number = self.integer(column)?;
        T::try_from(number).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn time(&mut self, column: &'static str) -> Result<Timestamp> {
        self.integer(column).map(Timestamp)
    }

    pub(crate) fn optional_time(&mut self, column: &'static str) -> Result<Option<Timestamp>> {
        Ok(self.optional_integer(column)?.map(Timestamp))
    }

    /// A name of a fixed set, read by the type's own `parse`.
    pub(crate) fn name<T>(
        &mut self,
        column: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        let text = self.text(column)?;
        parse(&text).ok_or_else(|| self.corrupt(column))
    }

    pub(crate) fn optional_name<T>(
        &mut self,
        column: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        match self.optional_text(column)? {
            None => Ok(None),
            Some(text) => parse(&text).map(Some).ok_or_else(|| self.corrupt(column)),
        }
    }

    pub(crate) fn json<T: DeserializeOwned>(&mut self, column: &'static str) -> Result<T> {
        let text = self.text(column)?;
        serde_json::from_str(&text).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn optional_json<T: DeserializeOwned>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<T>> {
        match self.optional_text(column)? {
            None => Ok(None),
            Some(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|_| self.corrupt(column)),
        }
    }

    pub(crate) fn failure(&mut self) -> Result<Option<Failure>> {
        self.optional_json("failure")
    }
}

/// How many ids a statement with a list of ids takes.
pub(crate) const LIST: usize = 50;

/// The distinct texts in lists of exactly [`LIST`]; the last is filled up by repeating its last text.
pub(crate) fn lists<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Vec<Value>> {
    let distinct: Vec<&str> = texts.collect::<BTreeSet<_>>().into_iter().collect();
    distinct
        .chunks(LIST)
        .map(|chunk| {
            let mut list: Vec<Value> = chunk.iter().map(|text| Value::from(*text)).collect();
            if let Some(last) = list.last().cloned() {
                list.resize(LIST, last);
            }
            list
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_one_length_and_no_duplicates() {
        let many: Vec<String> = (0..=LIST).map(|n| format!("{n:03}")).collect();
        let twice = many.iter().chain(&many).map(String::as_str);
        let lists = lists(twice);
        assert_eq!(lists.len(), 2);
        assert!(lists.iter().all(|list| list.len() == LIST));
        assert_eq!(lists[1][0], lists[1][LIST - 1]);
        assert_eq!(super::lists(std::iter::empty()).len(), 0);
    }

    #[test]
    fn a_value_of_the_wrong_kind_names_table_column_and_row() {
        let mut row = Row::new(
            "entity",
            vec![
                Value::from("e1"),
                Value::from("nonsense"),
                Value::from("{"),
                Value::from(-1_i64),
            ],
        );
        assert_eq!(row.text("id"), Ok("e1".to_owned()));
        let corrupt = |column| Error::Corrupt {
            table: "entity",
            column,
            row: "e1".to_owned(),
        };
        let kind = row.name("kind", model::Kind::parse);
        assert_eq!(kind, Err(corrupt("kind")));
        let shadow = row.json::<model::Record>("shadow");
        assert_eq!(shadow, Err(corrupt("shadow")));
        let generation = row.number::<u32>("generation");
        assert_eq!(generation, Err(corrupt("generation")));
        assert_eq!(row.text("past the end"), Err(corrupt("past the end")));
    }

    #[test]
    fn a_nul_is_replaced() {
        assert_eq!(Value::from("a\0b"), Value::Text("a\u{fffd}b".to_owned()));
    }
}

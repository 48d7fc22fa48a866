//! The fields of a sent form. Knows no page.

use crate::problem::Problem;

/// A form's fields in the order in which they were sent; one name may stand several times.
#[derive(Debug)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body of the type that browsers send.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Problem> {
        serde_urlencoded::from_bytes(body)
            .map(Self)
            .map_err(|_| Problem::invalid("The form cannot be read."))
    }

    /// The first value of a name that is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter();
        found
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// All fields.
    pub(crate) fn fields(&self) -> &[(String, String)] {
        &self.0
    }
}

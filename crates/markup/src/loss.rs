//! What a conversion could not say in the other dialect, by name.

use serde::{Deserialize, Serialize};

/// Something of the source that the result does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// A stable name, such as `style` or `media`.
    pub name: String,
    /// An example of what was lost, shortened.
    pub example: String,
    /// How often it happened.
    pub count: u32,
}

const EXAMPLE_CHARS: usize = 80;

/// Collects losses, each name once.
#[derive(Debug, Default)]
pub(crate) struct Losses(Vec<Loss>);

impl Losses {
    /// Notes one loss.
    pub(crate) fn add(&mut self, name: &str, example: &str) {
        if let Some(known) = self.0.iter_mut().find(|loss| loss.name == name) {
            known.count = known.count.saturating_add(1);
            return;
        }
        let example = example.trim().chars().take(EXAMPLE_CHARS).collect();
        self.0.push(Loss {
            name: name.to_owned(),
            example,
            count: 1,
        });
    }

    /// The losses in the order of their first occurrence.
    pub(crate) fn into_vec(self) -> Vec<Loss> {
        self.0
    }
}

//! Ids as newtypes, and the one way to make new ones.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The id's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// Our own id of an entity: 26 characters, lower case, time-ordered.
    EntityId
);
text_id!(
    /// Our own id of an operation of the sync queue.
    OperationId
);
text_id!(
    /// Our own id of an intent.
    IntentId
);
text_id!(
    /// A remote system's name for an item; opaque to everyone but its connector.
    RemoteId
);
text_id!(
    /// The key by which a created item can be found again: at most 50 characters of `[a-z0-9_-]`
    /// (contract discourse §10: the format of `external_id`).
    CreateKey
);

/// Makes ids from a time and 80 random bits: Crockford base 32, so they sort by time and fit every remote's key
/// format.
#[derive(Debug, Clone, Copy)]
pub struct IdSource;

impl IdSource {
    const ALPHABET: &'static [u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

    /// A 26-character id: 48 bits of Unix milliseconds, then 80 of the given random bits.
    pub fn text(now: Timestamp, random: u128) -> String {
        let time = u128::from(now.0.max(0).unsigned_abs());
        let bits = ((time & 0xffff_ffff_ffff) << 80) | (random & 0xffff_ffff_ffff_ffff_ffff);
        (0..26u32)
            .rev()
            .map(|position| {
                let digit = usize::try_from((bits >> (position * 5)) & 31).unwrap_or(0);
                Self::ALPHABET.get(digit).copied().map_or('0', char::from)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_have_one_length() {
        let early = IdSource::text(Timestamp(1_000), u128::MAX);
        let late = IdSource::text(Timestamp(1_001), 0);
        assert!(early < late);
        assert_eq!(early.len(), 26);
        assert!(
            early
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
        );
    }

    #[test]
    fn a_time_before_1970_is_taken_as_zero() {
        assert_eq!(IdSource::text(Timestamp(-5), 0), "0".repeat(26));
    }
}

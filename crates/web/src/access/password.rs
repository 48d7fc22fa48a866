//! Passwords: argon2id with the library's recommended parameters.

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};

/// The shortest password that is taken, in characters.
pub const PASSWORD_MIN: usize = 12;
/// The longest, in bytes: more would only keep us busy.
const PASSWORD_MAX: usize = 1_024;

/// The hash of a password to store, or why it is not taken.
pub(crate) fn hash(password: &str, salt: &[u8]) -> Result<String, String> {
    if password.chars().count() < PASSWORD_MIN {
        return Err(format!(
            "The password needs at least {PASSWORD_MIN} characters."
        ));
    }
    if password.len() > PASSWORD_MAX {
        return Err(format!("The password is longer than {PASSWORD_MAX} bytes."));
    }
    let hashed: Result<argon2::PasswordHash, _> =
        Argon2::default().hash_password_with_salt(password.as_bytes(), salt);
    hashed
        .map(|hash| hash.to_string())
        .map_err(|error| format!("The password cannot be hashed: {error}."))
}

/// Whether a password fits a stored hash. Without a hash the same work is done for nothing, so that the time does not
/// tell whether a name exists.
pub(crate) fn is_right(password: &str, stored: Option<&str>) -> bool {
    if password.len() > PASSWORD_MAX {
        return false;
    }
    let Some(stored) = stored else {
        let mut sink = [0_u8; 32];
        let work =
            Argon2::default().hash_password_into(password.as_bytes(), b"no such name", &mut sink);
        if work.is_err() {
            tracing::debug!("the empty work failed");
        }
        return false;
    };
    Argon2::default()
        .verify_password(password.as_bytes(), stored)
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_fits() {
        let stored = hash("correct horse battery", &[7; 16]).unwrap();
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert!(is_right("correct horse battery", Some(&stored)));
        assert!(!is_right("correct horse batterx", Some(&stored)));
        assert!(!is_right("correct horse battery", Some("nonsense")));
        assert!(!is_right("correct horse battery", None));
        assert!(hash("short", &[7; 16]).is_err());
        assert!(hash(&"x".repeat(2_000), &[7; 16]).is_err());
    }
}

//! Ids in paths and parameters: local, global, `1~5`, and the SIS forms (contract canvas §1).

use crate::state::person::User;
use crate::state::{Data, SHARD};

/// Reads `46`, `1~46` or `10000000000046` as a local id.
pub(crate) fn local(text: &str) -> Option<u64> {
    if let Some((shard, id)) = text.split_once('~') {
        return (shard == "1").then(|| id.parse().ok()).flatten();
    }
    let id: u64 = text.parse().ok()?;
    let top = SHARD.checked_mul(2)?;
    if id > SHARD && id < top {
        id.checked_sub(SHARD)
    } else {
        Some(id)
    }
}

/// The global form as text.
pub(crate) fn global(id: u64) -> String {
    SHARD.saturating_add(id).to_string()
}

fn unhex(text: &str) -> Option<String> {
    let digits: Vec<char> = text.chars().collect();
    let bytes: Option<Vec<u8>> = digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok())
        .collect();
    String::from_utf8(bytes?).ok()
}

/// Splits `sis_user_id:X` (or its `hex:` form) into column and value.
fn column(text: &str) -> Option<(String, String)> {
    if let Some(rest) = text.strip_prefix("hex:") {
        let (name, value) = rest.split_once(':')?;
        return Some((name.to_owned(), unhex(value)?));
    }
    text.split_once(':')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// Finds a user by id, `self` or a SIS form; deleted users included only by number.
pub(crate) fn user(data: &Data, text: &str, caller: Option<u64>) -> Option<u64> {
    if text == "self" {
        return caller;
    }
    let Some((name, value)) = column(text) else {
        return local(text).filter(|id| data.users.contains_key(id));
    };
    let same = |field: &Option<String>| field.as_deref() == Some(value.as_str());
    let matches = |u: &User| match name.as_str() {
        "sis_user_id" => same(&u.sis_user_id),
        "sis_login_id" => u.login.eq_ignore_ascii_case(&value),
        "sis_integration_id" => same(&u.integration_id),
        "uuid" => u.uuid == value,
        _ => false,
    };
    data.user_by(matches)
}

/// Finds a course that is not deleted.
pub(crate) fn course(data: &Data, text: &str) -> Option<u64> {
    let id = match column(text) {
        None => local(text)?,
        Some((name, value)) if name == "sis_course_id" => {
            data.courses
                .values()
                .find(|c| c.sis_course_id.as_deref() == Some(&value))?
                .id
        }
        Some((name, value)) if name == "uuid" => {
            data.courses.values().find(|c| c.uuid == value)?.id
        }
        Some(_) => return None,
    };
    data.courses
        .get(&id)
        .filter(|c| c.state != "deleted")
        .map(|c| c.id)
}

/// Finds a group that is not deleted.
pub(crate) fn group(data: &Data, text: &str) -> Option<u64> {
    let id = local(text)?;
    data.groups.get(&id).filter(|g| !g.is_deleted).map(|g| g.id)
}

/// Finds a section that is not deleted.
pub(crate) fn section(data: &Data, text: &str) -> Option<u64> {
    let id = match column(text) {
        None => local(text)?,
        Some((name, value)) if name == "sis_section_id" => {
            data.sections
                .values()
                .find(|s| s.sis_section_id.as_deref() == Some(&value))?
                .id
        }
        Some(_) => return None,
    };
    data.sections
        .get(&id)
        .filter(|s| !s.is_deleted)
        .map(|s| s.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_an_id() {
        assert_eq!(local("46"), Some(46));
        assert_eq!(local("1~46"), Some(46));
        assert_eq!(local("10000000000046"), Some(46));
        assert_eq!(local("2~46"), None);
        assert_eq!(local("abc"), None);
        assert_eq!(local("99999999999999999999"), None);
        assert_eq!(
            column("hex:sis_user_id:5349532d41"),
            Some(("sis_user_id".into(), "SIS-A".into()))
        );
        assert_eq!(unhex("zz"), None);
    }
}

//! How people are followed: the section `[people]`.

use model::GroupKind;
use runner::PeopleSettings;

use super::Invalid;
use super::check::duration;
use super::file::{People, Provision};

/// The least time between two looks at a course's people, in milliseconds.
const INTERVAL_MS: i64 = 200;

/// Checks the section; accounts can only be made with the secret of DiscourseConnect.
pub(super) fn check(section: People, has_secret: bool) -> Result<PeopleSettings, Invalid> {
    let defaults = PeopleSettings::default();
    let groups = section.groups.iter().map(|name| {
        GroupKind::parse(name).ok_or_else(|| {
            let known = GroupKind::ALL.map(GroupKind::as_str).join(", ");
            Invalid(format!(
                "people.groups: there is no kind of group `{name}`; use {known}."
            ))
        })
    });
    let groups = groups.collect::<Result<std::collections::BTreeSet<_>, _>>()?;
    let is_provisioned = section.provision == Provision::Enrolled;
    if is_provisioned && !has_secret {
        return Err(Invalid(
            "people.provision: accounts are made through DiscourseConnect; give discourse.connect_secret or \
             discourse.connect_secret_file."
                .to_owned(),
        ));
    }
    if section.category_access && !groups.contains(&GroupKind::Course) {
        return Err(Invalid(
            "people.category_access: it is the group `course` that gets in; name it in people.groups.".to_owned(),
        ));
    }
    if is_provisioned && groups.is_empty() {
        return Err(Invalid(
            "people.provision: name at least one kind in people.groups.".to_owned(),
        ));
    }
    let interval_ms = duration("people.interval", section.interval, defaults.interval_ms)?;
    Ok(PeopleSettings {
        groups,
        is_provisioned,
        has_access: section.category_access,
        interval_ms: interval_ms.max(INTERVAL_MS),
        grace_ms: duration("people.drop_grace", section.drop_grace, defaults.grace_ms)?,
    })
}

/// The kinds of groups, for people to read.
pub(super) fn names(people: &PeopleSettings) -> String {
    if people.groups.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<&str> = people.groups.iter().map(|kind| kind.as_str()).collect();
    names.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> People {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn nobody_is_followed_unless_it_is_said() {
        let settings = check(section(""), false).unwrap();
        assert!(settings.groups.is_empty() && !settings.is_provisioned && !settings.has_access);
        assert_eq!(settings.grace_ms, 7 * 86_400_000);
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for text in [
            "groups = [\"courses\"]",
            "groups = [\"section\"]\ncategory_access = true",
            "groups = [\"course\"]\nprovision = \"enrolled\"",
        ] {
            assert!(check(section(text), false).is_err(), "{text}");
        }
        let text =
            "groups = [\"course\", \"section\"]\nprovision = \"enrolled\"\ndrop_grace = \"3d\"";
        let settings = check(section(text), true).unwrap();
        assert_eq!(settings.groups.len(), 2);
        assert_eq!(settings.grace_ms, 3 * 86_400_000);
    }
}

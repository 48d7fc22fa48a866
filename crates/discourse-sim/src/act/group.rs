//! Groups and their members (contract section 8.2).

use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::auth::Actor;
use crate::hook::emit;
use crate::param::{Params, scalar};
use crate::state::World;
use crate::state::group::{Group, Member};

/// Makes a group; returns its id.
pub fn create(world: &mut World, actor: Actor, fields: &Map<String, Value>) -> Result<i64, Answer> {
    actor.require_admin()?;
    let name = text(fields, "name").unwrap_or_default();
    check_name(world, &name, None)?;
    // Ids below 41 belong to the automatic groups and to plugins.
    world.ids.reserve("group", 40);
    let id = world.ids.next("group");
    world.groups.insert(id, Group::new(id, &name));
    apply(world, id, fields);
    emit::group(world, "group_created", id);
    let named = text(fields, "usernames").unwrap_or_default();
    let ids: Vec<i64> = named
        .split(',')
        .filter_map(|name| world.user_by_name(name.trim()))
        .map(|user| user.id)
        .collect();
    for user_id in ids {
        add(world, id, user_id);
    }
    let owners = text(fields, "owner_usernames").unwrap_or_default();
    let owners: Vec<i64> = owners
        .split(',')
        .filter_map(|name| world.user_by_name(name.trim()))
        .map(|user| user.id)
        .collect();
    for user_id in owners {
        add(world, id, user_id);
        if let Some(member) = world
            .groups
            .get_mut(&id)
            .and_then(|group| group.members.get_mut(&user_id))
        {
            member.owner = true;
        }
    }
    Ok(id)
}

/// Changes a group.
pub fn update(
    world: &mut World,
    actor: Actor,
    id: i64,
    fields: &Map<String, Value>,
) -> Result<(), Answer> {
    let group = world
        .groups
        .get(&id)
        .ok_or_else(|| Answer::framework(404))?;
    if group.automatic || !actor.staff {
        return Err(Answer::forbidden());
    }
    if let Some(name) = text(fields, "name").filter(|name| *name != group.name) {
        check_name(world, &name, Some(id))?;
        if let Some(group) = world.groups.get_mut(&id) {
            group.name = name;
        }
    }
    apply(world, id, fields);
    emit::group(world, "group_updated", id);
    Ok(())
}

/// Deletes a group.
pub fn destroy(world: &mut World, actor: Actor, id: i64) -> Result<(), Answer> {
    actor.require_admin()?;
    let group = world.groups.get(&id).ok_or_else(Answer::not_found)?;
    if group.automatic {
        return Err(Answer::forbidden());
    }
    emit::group(world, "group_destroyed", id);
    world.groups.remove(&id);
    for category in world.categories.values_mut() {
        category.permissions.retain(|(group, _)| *group != id);
    }
    Ok(())
}

fn apply(world: &mut World, id: i64, fields: &Map<String, Value>) {
    let Some(group) = world.groups.get_mut(&id) else {
        return;
    };
    for (name, field) in [
        ("visibility_level", &mut group.visibility_level),
        (
            "members_visibility_level",
            &mut group.members_visibility_level,
        ),
        ("mentionable_level", &mut group.mentionable_level),
        ("messageable_level", &mut group.messageable_level),
    ] {
        if let Some(number) = text(fields, name).and_then(|text| text.parse().ok()) {
            *field = number;
        }
    }
    for (name, field) in [
        ("public_admission", &mut group.public_admission),
        ("public_exit", &mut group.public_exit),
        (
            "allow_membership_requests",
            &mut group.allow_membership_requests,
        ),
    ] {
        if let Some(flag) = text(fields, name) {
            *field = flag == "true";
        }
    }
    for (name, field) in [
        ("full_name", &mut group.full_name),
        ("bio_raw", &mut group.bio),
        ("title", &mut group.title),
    ] {
        if let Some(words) = text(fields, name) {
            *field = Some(words);
        }
    }
}

fn check_name(world: &World, name: &str, except: Option<i64>) -> Result<(), Answer> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
    let length = name.chars().count();
    let taken = world
        .group_by_name(name)
        .is_some_and(|group| Some(group.id) != except)
        || world.user_by_name(name).is_some();
    let error = if length == 0 {
        "Name can't be blank".to_owned()
    } else if !name.chars().all(fits) {
        "Name must only include numbers, letters, dashes, dots, and underscores".to_owned()
    } else if length > world.settings.len("max_username_length") {
        format!(
            "Name must be no more than {} characters",
            world.settings.int("max_username_length")
        )
    } else if length < world.settings.len("min_username_length") {
        format!(
            "Name must be at least {} characters",
            world.settings.int("min_username_length")
        )
    } else if taken {
        "Name has already been taken".to_owned()
    } else {
        return Ok(());
    };
    Err(Answer::invalid_one(&error))
}

/// Users named in a request in any of the ways the endpoints take.
struct Named {
    ids: Vec<i64>,
    given: bool,
    field: &'static str,
}

fn named(world: &World, params: &Params) -> Named {
    let mut found = Named {
        ids: Vec::new(),
        given: false,
        field: "usernames",
    };
    let names = params.comma_list("usernames");
    let numbers: Vec<String> = params
        .comma_list("user_ids")
        .into_iter()
        .chain(params.comma_list("user_id"))
        .collect();
    let emails: Vec<String> = params
        .comma_list("user_emails")
        .into_iter()
        .chain(params.comma_list("emails"))
        .collect();
    found.given = !(names.is_empty() && numbers.is_empty() && emails.is_empty());
    if names.is_empty() && !numbers.is_empty() {
        found.field = "user_ids";
    }
    let by_name = names.iter().filter_map(|name| world.user_by_name(name));
    let by_id = numbers
        .iter()
        .filter_map(|id| world.users.get(&id.parse().ok()?));
    let by_email = emails.iter().filter_map(|email| world.user_by_email(email));
    for user in by_name.chain(by_id).chain(by_email) {
        if !found.ids.contains(&user.id) {
            found.ids.push(user.id);
        }
    }
    found
}

fn check_manageable(world: &World, actor: Actor, id: i64) -> Result<(), Answer> {
    let group = world
        .groups
        .get(&id)
        .ok_or_else(|| Answer::framework(404))?;
    let owner = actor
        .id
        .is_some_and(|user| group.members.get(&user).is_some_and(|member| member.owner));
    if group.automatic || !(actor.staff || owner) {
        Err(Answer::forbidden())
    } else {
        Ok(())
    }
}

/// Adds members; the names of all known users of the call come back.
pub fn add_members(
    world: &mut World,
    actor: Actor,
    id: i64,
    params: &Params,
) -> Result<Vec<String>, Answer> {
    check_manageable(world, actor, id)?;
    let found = named(world, params);
    if !found.given {
        return Err(Answer::bad_parameter("Usernames or emails must be present"));
    }
    if found.ids.is_empty() {
        return Err(Answer::bad_parameter(found.field));
    }
    if found.ids.len() > 1_000 {
        return Err(Answer::invalid_one(
            "You can only add up to 1000 users at once.",
        ));
    }
    let present = |user: &i64| {
        world
            .groups
            .get(&id)
            .is_some_and(|group| group.members.contains_key(user))
    };
    if found.ids.iter().all(present) {
        let names = usernames(world, &found.ids);
        let text = match names.as_slice() {
            [one] => format!("'{one}' is already a member of this group."),
            many => format!(
                "The following users are already members of this group: {}",
                many.join(", ")
            ),
        };
        return Err(Answer::invalid_one(&text));
    }
    for user in &found.ids {
        add(world, id, *user);
    }
    Ok(usernames(world, &found.ids))
}

/// Removes members; who was none is skipped.
pub fn remove_members(
    world: &mut World,
    actor: Actor,
    id: i64,
    params: &Params,
) -> Result<(Vec<String>, Vec<String>), Answer> {
    check_manageable(world, actor, id)?;
    let found = named(world, params);
    if !found.given {
        return Err(Answer::bad_parameter(
            "user_ids or usernames or user_emails must be present",
        ));
    }
    if found.ids.is_empty() {
        return Err(Answer::bad_parameter(found.field));
    }
    let (removed, skipped): (Vec<i64>, Vec<i64>) = found.ids.iter().partition(|user| {
        world
            .groups
            .get(&id)
            .is_some_and(|group| group.members.contains_key(user))
    });
    for user in &removed {
        if let Some(member) = world
            .groups
            .get_mut(&id)
            .and_then(|group| group.members.remove(user))
        {
            emit::group_user(world, "user_removed_from_group", id, *user, &member);
        }
    }
    Ok((usernames(world, &removed), usernames(world, &skipped)))
}

fn usernames(world: &World, ids: &[i64]) -> Vec<String> {
    ids.iter()
        .filter_map(|id| world.users.get(id))
        .map(|user| user.username.clone())
        .collect()
}

/// Adds one member, once.
pub fn add(world: &mut World, group_id: i64, user_id: i64) {
    let now = world.now();
    let row_id = world.ids.next("group_user");
    let member = Member {
        row_id,
        added_at: now,
        owner: false,
    };
    let Some(group) = world.groups.get_mut(&group_id) else {
        return;
    };
    if group.members.contains_key(&user_id) {
        return;
    }
    group.members.insert(user_id, member.clone());
    emit::group_user(world, "user_added_to_group", group_id, user_id, &member);
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name).and_then(scalar)
}

#[cfg(test)]
mod tests {
    use super::{add_members, create, remove_members};
    use crate::option::Profile;
    use crate::param::Params;
    use crate::seed::testing::forum;
    use serde_json::json;

    fn params(value: serde_json::Value) -> Params {
        let mut params = Params::default();
        params.add_json(value);
        params
    }

    /// Recordings 570 to 597.
    #[test]
    fn names_and_members_follow_the_recordings() {
        let mut forum = forum(Profile::Current);
        let (admin, bob) = (forum.actor("admin1"), forum.actor("bob"));
        let group = |name: &str| json!({ "name": name }).as_object().unwrap().clone();
        create(&mut forum.world, admin, &group("course")).unwrap();
        for bad in ["Course", "alice", "a b/c", "ggggggggggggggggggggg", ""] {
            assert_eq!(
                create(&mut forum.world, admin, &group(bad))
                    .unwrap_err()
                    .status,
                422,
                "{bad}"
            );
        }
        assert_eq!(
            create(&mut forum.world, bob, &group("other"))
                .unwrap_err()
                .status,
            404
        );
    }

    #[test]
    fn memberships_follow_the_recordings() {
        let mut forum = forum(Profile::Current);
        let (admin, bob) = (forum.actor("admin1"), forum.actor("bob"));
        let group = json!({ "name": "course" }).as_object().unwrap().clone();
        let id = create(&mut forum.world, admin, &group).unwrap();
        let world = &mut forum.world;
        let some = json!({"usernames": "alice,nobody"});
        assert_eq!(
            add_members(world, admin, id, &params(some.clone())),
            Ok(vec!["alice".to_owned()])
        );
        assert_eq!(
            add_members(world, admin, id, &params(some))
                .unwrap_err()
                .status,
            422
        );
        let mix = json!({"usernames": "alice,bob"});
        assert_eq!(
            add_members(world, admin, id, &params(mix)).unwrap().len(),
            2
        );
        let unknown = json!({"usernames": "nobody"});
        assert_eq!(
            add_members(world, admin, id, &params(unknown.clone()))
                .unwrap_err()
                .status,
            400
        );
        assert_eq!(
            add_members(world, admin, id, &params(json!({})))
                .unwrap_err()
                .status,
            400
        );
        assert_eq!(
            add_members(world, bob, id, &params(json!({"usernames": "bob"})))
                .unwrap_err()
                .status,
            403
        );
        assert_eq!(
            add_members(world, admin, 3, &params(json!({"usernames": "bob"})))
                .unwrap_err()
                .status,
            403
        );
        assert_eq!(
            add_members(world, admin, 999, &params(json!({})))
                .unwrap_err()
                .status,
            404
        );
        let (removed, skipped) = remove_members(
            world,
            admin,
            id,
            &params(json!({"usernames": "alice,tina"})),
        )
        .unwrap();
        assert_eq!((removed.len(), skipped.len()), (1, 1));
        assert_eq!(
            remove_members(world, admin, id, &params(unknown))
                .unwrap_err()
                .status,
            400
        );
    }
}

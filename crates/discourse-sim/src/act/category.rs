//! Making, changing and deleting categories (contract section 8.1).

use serde_json::{Map, Value};

use crate::act::insert;
use crate::answer::Answer;
use crate::auth::Actor;
use crate::hook::emit;
use crate::param::{scalar, texts};
use crate::state::World;
use crate::state::category::{Category, Permission};
use crate::text::title;

/// Makes a category with its About topic; returns its id.
pub fn create(world: &mut World, actor: Actor, fields: &Map<String, Value>) -> Result<i64, Answer> {
    let user_id = actor.require_staff()?;
    let name = text(fields, "name").unwrap_or_default();
    let parent_id = int(fields, "parent_category_id");
    check_name(world, &name, parent_id, None)?;
    let permissions = permissions(world, fields)?.unwrap_or_default();
    let slug = match text(fields, "slug").filter(|slug| !slug.is_empty()) {
        Some(slug) if world.category_by_ref(&slug).is_some() => {
            return Err(Answer::invalid_one("Category Slug is already in use"));
        }
        Some(slug) => slug,
        None => free_slug(world, &name),
    };
    let id = world.ids.next("category");
    let category = Category {
        id,
        name: name.clone(),
        slug,
        color: text(fields, "color").unwrap_or_else(|| "0088CC".to_owned()),
        text_color: text(fields, "text_color").unwrap_or_else(|| "FFFFFF".to_owned()),
        parent_id,
        position: id,
        description: None,
        about_topic_id: None,
        permissions,
        custom_fields: Map::new(),
        require_topic_approval: false,
        require_reply_approval: false,
        approval_set: false,
        allowed_tags: Vec::new(),
        topic_count: 0,
        post_count: 0,
        all_topics_wiki: false,
    };
    world.categories.insert(id, category);
    apply_details(world, id, fields);
    insert::about_topic(world, id, &name, user_id);
    emit::category(world, "category_created", id);
    Ok(id)
}

/// Changes a category; `permissions` replaces the whole set.
pub fn update(
    world: &mut World,
    actor: Actor,
    id: i64,
    fields: &Map<String, Value>,
) -> Result<(), Answer> {
    let old = world.categories.get(&id).ok_or_else(Answer::not_found)?;
    let (old_name, parent) = (old.name.clone(), old.parent_id);
    actor.require_staff()?;
    let parent_id = if fields.contains_key("parent_category_id") {
        int(fields, "parent_category_id")
    } else {
        parent
    };
    let name = text(fields, "name").unwrap_or_else(|| old_name.clone());
    check_name(world, &name, parent_id, Some(id))?;
    let permissions = permissions(world, fields)?;
    let slug = text(fields, "slug").filter(|slug| !slug.is_empty());
    if let Some(category) = world.categories.get_mut(&id) {
        category.name.clone_from(&name);
        category.parent_id = parent_id;
        if let Some(color) = text(fields, "color") {
            category.color = color;
        }
        if let Some(color) = text(fields, "text_color") {
            category.text_color = color;
        }
        if let Some(slug) = slug {
            category.slug = slug;
        }
        if let Some(permissions) = permissions {
            category.permissions = permissions;
        }
    }
    if name != old_name {
        rename_about(world, id, &name);
    }
    apply_details(world, id, fields);
    emit::category(world, "category_updated", id);
    Ok(())
}

/// Deletes an empty category with its About topic.
pub fn destroy(world: &mut World, actor: Actor, id: i64) -> Result<(), Answer> {
    let user_id = actor.require_staff()?;
    if delete_obstacle(world, id).is_some() {
        return Err(Answer::forbidden());
    }
    emit::category(world, "category_destroyed", id);
    if let Some(topic) = world
        .categories
        .get(&id)
        .and_then(|category| category.about_topic_id)
    {
        if let Some(topic) = world.topics.get_mut(&topic) {
            topic.is_about = false;
        }
        crate::act::destroy::delete_topic(world, user_id, topic);
    }
    world.categories.remove(&id);
    Ok(())
}

/// Why a category cannot be deleted.
pub fn delete_obstacle(world: &World, id: i64) -> Option<String> {
    if world
        .categories
        .values()
        .any(|category| category.parent_id == Some(id))
    {
        return Some("Can't delete this category because it has sub-categories.".to_owned());
    }
    let count = world
        .topics
        .values()
        .filter(|topic| {
            topic.category_id == Some(id) && topic.deleted_at.is_none() && !topic.is_about
        })
        .count();
    let noun = if count == 1 { "topic" } else { "topics" };
    (count > 0).then(|| format!("Can't delete this category because it has {count} {noun}."))
}

fn check_name(
    world: &World,
    name: &str,
    parent_id: Option<i64>,
    except: Option<i64>,
) -> Result<(), Answer> {
    let taken = world.categories.values().any(|category| {
        Some(category.id) != except
            && category.parent_id == parent_id
            && category.name.eq_ignore_ascii_case(name)
    });
    let error = if name.trim().is_empty() {
        "Category Name can't be blank"
    } else if name.chars().count() > 50 {
        "Category Name is too long (maximum is 50 characters)"
    } else if taken {
        "Category Name has already been taken"
    } else if parent_id.is_some_and(|id| !world.categories.contains_key(&id)) {
        "Parent category does not exist"
    } else {
        return Ok(());
    };
    Err(Answer::invalid_one(error))
}

fn free_slug(world: &World, name: &str) -> String {
    let base = title::slug(name);
    let base = if base == "topic" {
        format!("{}-category", world.categories.len() + 2)
    } else {
        base
    };
    let mut slug = base.clone();
    let mut number = 1;
    while world
        .categories
        .values()
        .any(|category| category.slug == slug)
    {
        number += 1;
        slug = format!("{base}-{number}");
    }
    slug
}

/// The `permissions` of a request: group names and numbers; unknown groups are refused.
fn permissions(
    world: &World,
    fields: &Map<String, Value>,
) -> Result<Option<Vec<(i64, Permission)>>, Answer> {
    let Some(given) = fields.get("permissions").and_then(Value::as_object) else {
        return Ok(None);
    };
    let mut list = Vec::new();
    for (name, value) in given {
        let group = world
            .group_by_name(name)
            .ok_or_else(|| Answer::invalid_one("unknown group"))?;
        let number = scalar(value).and_then(|text| text.parse().ok());
        let permission = number.and_then(Permission::from_number);
        list.push((
            group.id,
            permission.ok_or_else(|| Answer::bad_parameter("permissions"))?,
        ));
    }
    Ok(Some(list))
}

fn apply_details(world: &mut World, id: i64, fields: &Map<String, Value>) {
    let Some(category) = world.categories.get_mut(&id) else {
        return;
    };
    if let Some(custom) = fields.get("custom_fields").and_then(Value::as_object) {
        for (name, value) in custom {
            // Flags are stored as flags (recording 775).
            let value = match value.as_str() {
                Some(text) if name.starts_with("require_") => Value::Bool(text == "true"),
                _ => value.clone(),
            };
            category.custom_fields.insert(name.clone(), value);
        }
    }
    if let Some(tags) = fields.get("allowed_tags").and_then(texts) {
        category.allowed_tags = tags;
    }
    if let Some(wiki) = text(fields, "all_topics_wiki") {
        category.all_topics_wiki = wiki == "true";
    }
    for name in [
        "category_setting_attributes",
        "custom_fields",
        "category_setting",
    ] {
        let Some(settings) = fields.get(name).and_then(Value::as_object) else {
            continue;
        };
        if let Some(flag) = text(settings, "require_topic_approval") {
            category.require_topic_approval = flag == "true";
            category.approval_set = true;
        }
        if let Some(flag) = text(settings, "require_reply_approval") {
            category.require_reply_approval = flag == "true";
            category.approval_set = true;
        }
    }
}

fn rename_about(world: &mut World, id: i64, name: &str) {
    let Some(topic_id) = world
        .categories
        .get(&id)
        .and_then(|category| category.about_topic_id)
    else {
        return;
    };
    let new = format!("About the {name} category");
    let old = world.topics.get(&topic_id).map(|topic| topic.title.clone());
    world.index_title(topic_id, old.as_deref(), &new);
    if let Some(topic) = world.topics.get_mut(&topic_id) {
        topic.slug = title::slug(&new);
        topic.title = new;
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name).and_then(scalar)
}

fn int(fields: &Map<String, Value>, name: &str) -> Option<i64> {
    text(fields, name).and_then(|text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{create, destroy, update};
    use crate::option::Profile;
    use crate::seed::testing::forum;
    use serde_json::{Map, Value, json};

    fn fields(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn categories_have_an_about_topic_and_unique_names() {
        let mut forum = forum(Profile::Current);
        let admin = forum.actor("admin1");
        let id = create(
            &mut forum.world,
            admin,
            &fields(&json!({"name": "Course Bio"})),
        )
        .unwrap();
        let category = forum.world.categories[&id].clone();
        assert_eq!(
            (category.slug.as_str(), category.color.as_str()),
            ("course-bio", "0088CC")
        );
        let about = &forum.world.topics[&category.about_topic_id.unwrap()];
        assert_eq!(about.title, "About the Course Bio category");
        assert_eq!(about.last_posted_at, None);
        let again = create(
            &mut forum.world,
            admin,
            &fields(&json!({"name": "course bio"})),
        );
        assert_eq!(again.unwrap_err().status, 422);
        let child = json!({"name": "Course Bio", "parent_category_id": id});
        let child = create(&mut forum.world, admin, &fields(&child)).unwrap();
        assert_eq!(forum.world.categories[&child].slug, "course-bio-2");
        assert_eq!(
            destroy(&mut forum.world, admin, id).unwrap_err().status,
            403
        );
        destroy(&mut forum.world, admin, child).unwrap();
        destroy(&mut forum.world, admin, id).unwrap();
    }

    #[test]
    fn permissions_replace_the_set() {
        let mut forum = forum(Profile::Current);
        let (admin, bob) = (forum.actor("admin1"), forum.actor("bob"));
        let staff = json!({"name": "Staff", "permissions": {"staff": 1}});
        let id = create(&mut forum.world, admin, &fields(&staff)).unwrap();
        assert!(!forum.world.can_see_category(bob, id));
        assert!(forum.world.can_see_category(admin, id));
        let open = json!({"permissions": {"everyone": "2"}});
        update(&mut forum.world, admin, id, &fields(&open)).unwrap();
        assert!(forum.world.can_see_category(bob, id));
        assert!(!forum.world.can_create_topic(bob, id));
        let unknown = json!({"permissions": {"nogroup": 1}});
        let refused = update(&mut forum.world, admin, id, &fields(&unknown)).unwrap_err();
        assert_eq!(refused.value().unwrap()["errors"][0], "unknown group");
    }
}

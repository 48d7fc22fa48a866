//! Title, category and tags of a topic (contract section 7.3).

use crate::act::check;
use crate::act::insert;
use crate::act::revise::{self, Also, Edit};
use crate::answer::Answer;
use crate::auth::Actor;
use crate::hook::emit;
use crate::state::World;
use crate::text::title;

/// What is to change.
#[derive(Debug, Clone, Default)]
pub struct TopicEdit {
    /// The new title as sent.
    pub title: Option<String>,
    /// The new category.
    pub category_id: Option<i64>,
    /// The whole new set of tag names.
    pub tags: Option<Vec<String>>,
    /// The new link; an empty text removes it.
    pub featured_link: Option<String>,
    /// A new text of the first post in the same call.
    pub raw: Option<String>,
    /// The reason given with it.
    pub edit_reason: Option<String>,
    /// Do not bump.
    pub bypass_bump: bool,
}

/// Applies the changes as one revision of the first post; says whether anything changed.
pub fn apply(
    world: &mut World,
    actor: Actor,
    topic_id: i64,
    edit: &TopicEdit,
) -> Result<bool, Answer> {
    let also = plan(world, actor, topic_id, edit)?;
    let link_changed = set_link(world, topic_id, edit.featured_link.as_deref());
    if !also.is_some() && edit.raw.is_none() {
        return Ok(link_changed);
    }
    let Some(first) = world.first_post(topic_id).map(|post| post.id) else {
        return Err(Answer::not_found());
    };
    let topic_changed = also.is_some();
    let post_edit = Edit {
        raw: edit.raw.clone(),
        edit_reason: edit.edit_reason.clone(),
        unchecked: edit.raw.is_none(),
        bypass_bump: edit.bypass_bump,
        silent: topic_changed,
        with: also.clone(),
        ..Edit::default()
    };
    let changed = revise::revise(world, actor, first, &post_edit)?;
    write(world, topic_id, also);
    if topic_changed {
        // One call that changes both announces the topic only (contract section 1.22).
        emit::topic(world, "topic_edited", topic_id);
    }
    Ok(changed || link_changed)
}

/// Works out what differs from the stored state, and checks it.
fn plan(world: &mut World, actor: Actor, topic_id: i64, edit: &TopicEdit) -> Result<Also, Answer> {
    let topic = world.topics.get(&topic_id).ok_or_else(Answer::not_found)?;
    let mut also = Also::default();
    if let Some(sent) = &edit.title {
        let clean = title::clean(sent, world.settings.flag("title_prettify"));
        if clean != topic.title && *sent != topic.title {
            let owner = world
                .users
                .get(&topic.user_id)
                .map_or(Actor::ANONYMOUS, |user| Actor::of(user, false));
            let errors =
                check::title_errors(world, &clean, owner, Some(topic_id), topic.is_private);
            if !errors.is_empty() {
                return Err(Answer::invalid(&errors));
            }
            also.title = Some((topic.title.clone(), clean));
        }
    }
    if let Some(id) = edit.category_id
        && topic.category_id != Some(id)
    {
        check_category(world, actor, id)?;
        also.category = Some((topic.category_id, Some(id)));
    }
    if let Some(names) = &edit.tags {
        let most = world.settings.len("max_tags_per_topic");
        if names.len() > most && !actor.staff {
            return Err(Answer::invalid_one(&format!(
                "You can only have up to {most} tags"
            )));
        }
        let old: Vec<String> = tag_names(world, topic_id);
        let mut new: Vec<String> = names
            .iter()
            .map(|name| crate::state::topic::clean_tag(name))
            .filter(|name| !name.is_empty())
            .collect();
        new.dedup();
        if sorted(&old) != sorted(&new) {
            also.tags = Some((old, new));
        }
    }
    Ok(also)
}

fn sorted(names: &[String]) -> Vec<&String> {
    let mut names: Vec<&String> = names.iter().collect();
    names.sort();
    names
}

/// The names of a topic's tags.
pub fn tag_names(world: &World, topic_id: i64) -> Vec<String> {
    world.topics.get(&topic_id).map_or_else(Vec::new, |topic| {
        topic
            .tags
            .iter()
            .filter_map(|id| world.tags.get(id))
            .map(|tag| tag.name.clone())
            .collect()
    })
}

fn check_category(world: &World, actor: Actor, id: i64) -> Result<(), Answer> {
    if id == crate::state::UNCATEGORIZED && !world.settings.flag("allow_uncategorized_topics") {
        return Err(Answer::invalid_one(
            "There was an error updating that topic.",
        ));
    }
    if !world.categories.contains_key(&id) {
        return Err(Answer::invalid_one("Category not found!"));
    }
    if world.can_create_topic(actor, id) {
        Ok(())
    } else {
        Err(Answer::forbidden())
    }
}

fn set_link(world: &mut World, topic_id: i64, link: Option<&str>) -> bool {
    let (Some(link), Some(topic)) = (link, world.topics.get_mut(&topic_id)) else {
        return false;
    };
    let new = (!link.is_empty()).then(|| link.to_owned());
    let changed = topic.featured_link != new;
    topic.featured_link = new;
    changed
}

fn write(world: &mut World, topic_id: i64, also: Also) {
    let now = world.now();
    if let Some((old, new)) = also.title {
        world.index_title(topic_id, Some(&old), &new);
        if let Some(topic) = world.topics.get_mut(&topic_id) {
            topic.slug = title::slug(&new);
            topic.title = new;
        }
    }
    if let Some((_, names)) = also.tags {
        let ids = insert::tag_ids(world, &names);
        if let Some(topic) = world.topics.get_mut(&topic_id) {
            topic.tags = ids;
        }
    }
    if let Some(topic) = world.topics.get_mut(&topic_id) {
        topic.updated_at = now;
    }
    if let Some((old, new)) = also.category {
        if let Some(topic) = world.topics.get_mut(&topic_id) {
            topic.category_id = new;
        }
        for id in [old, new].into_iter().flatten() {
            insert::recount_category(world, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{TopicEdit, apply};
    use crate::option::Profile;
    use crate::seed::testing::forum;

    #[test]
    fn equal_values_change_nothing_and_titles_are_cleaned() {
        let mut forum = forum(Profile::Current);
        let admin = forum.actor("admin1");
        let (id, title) = (forum.topic, forum.topic().title.clone());
        let edit = |title: &str| TopicEdit {
            title: Some(title.to_owned()),
            ..TopicEdit::default()
        };
        assert!(!apply(&mut forum.world, admin, id, &edit(&title)).unwrap());
        assert!(apply(&mut forum.world, admin, id, &edit("a much better title...")).unwrap());
        assert_eq!(forum.topic().title, "A much better title");
        assert_eq!(forum.topic().slug, "a-much-better-title");
        assert!(!apply(&mut forum.world, admin, id, &edit("a much better title")).unwrap());
        assert_eq!(
            apply(&mut forum.world, admin, id, &edit("Ho"))
                .unwrap_err()
                .status,
            422
        );
    }

    #[test]
    fn tags_are_a_set() {
        let mut forum = forum(Profile::Current);
        let admin = forum.actor("admin1");
        let id = forum.topic;
        let edit = |names: &[&str]| TopicEdit {
            tags: Some(names.iter().map(ToString::to_string).collect()),
            ..TopicEdit::default()
        };
        assert!(apply(&mut forum.world, admin, id, &edit(&["week 1", "bio"])).unwrap());
        assert!(!apply(&mut forum.world, admin, id, &edit(&["bio", "week-1"])).unwrap());
        assert!(apply(&mut forum.world, admin, id, &edit(&[])).unwrap());
        assert!(forum.topic().tags.is_empty());
    }

    #[test]
    fn unknown_categories_are_refused() {
        let mut forum = forum(Profile::Current);
        let admin = forum.actor("admin1");
        let id = forum.topic;
        let edit = |id| TopicEdit {
            category_id: Some(id),
            ..TopicEdit::default()
        };
        let unknown = apply(&mut forum.world, admin, id, &edit(98_765)).unwrap_err();
        assert_eq!(unknown.value().unwrap()["errors"][0], "Category not found!");
        assert_eq!(
            apply(&mut forum.world, admin, id, &edit(1))
                .unwrap_err()
                .status,
            422
        );
    }
}

//! Moving posts and merging topics, with the id rules of contract section 15.

use crate::act::insert::{self, PostRow};
use crate::act::status::{self, StatusChange};
use crate::answer::Answer;
use crate::auth::Actor;
use crate::hook::emit;
use crate::state::World;
use crate::state::post::{Post, PostKind};
use crate::text::{cook::cook, title};

/// A move that is asked for.
#[derive(Debug, Clone, Default)]
pub struct Move {
    /// Posts to move; all of the topic when merging.
    pub post_ids: Vec<i64>,
    /// The title of a new topic.
    pub title: Option<String>,
    /// The topic to move to.
    pub destination: Option<i64>,
    /// The category of a new topic.
    pub category_id: Option<i64>,
    /// Interleave by time instead of appending.
    pub chronological: bool,
    /// Copy instead of moving (2025).
    pub freeze_original: bool,
}

/// Moves posts; returns the destination's id.
pub fn move_posts(
    world: &mut World,
    actor: Actor,
    source: i64,
    wanted: &Move,
) -> Result<i64, Answer> {
    let topic = world
        .topics
        .get(&source)
        .filter(|topic| world.can_see_topic(actor, topic));
    let topic = topic.ok_or_else(Answer::not_found)?;
    let user_id = actor.require_staff()?;
    let mut ids: Vec<i64> = topic
        .posts
        .iter()
        .copied()
        .filter(|id| wanted.post_ids.contains(id))
        .collect();
    if ids.is_empty() || ids.len() < wanted.post_ids.len() {
        return Err(Answer::bad_parameter("post_ids"));
    }
    ids.retain(|id| world.posts.get(id).is_some_and(Post::is_live));
    let destination = match (wanted.destination, &wanted.title) {
        // An unknown destination is a fault of the framework in 3.1 (recording 538).
        (Some(id), _) if !world.topics.contains_key(&id) => return Err(Answer::framework(500)),
        (Some(id), _) => Destination { id, is_new: false },
        (None, Some(title)) => new_topic(world, actor, source, title, wanted.category_id)?,
        (None, None) => return Err(Answer::missing_parameter("title")),
    };
    let moving = Moving {
        by: user_id,
        source,
        ids: &ids,
        wanted,
    };
    run(world, &moving, &destination);
    Ok(destination.id)
}

/// Moves all posts of a topic into another; returns the destination's id.
pub fn merge(world: &mut World, actor: Actor, source: i64, wanted: &Move) -> Result<i64, Answer> {
    let topic = world.topics.get(&source).ok_or_else(Answer::not_found)?;
    let post_ids = world
        .posts_of(topic)
        .filter(|post| post.is_live() && post.kind != PostKind::SmallAction)
        .map(|post| post.id)
        .collect();
    move_posts(
        world,
        actor,
        source,
        &Move {
            post_ids,
            ..wanted.clone()
        },
    )
}

/// A move that was found permissible.
struct Moving<'a> {
    by: i64,
    source: i64,
    ids: &'a [i64],
    wanted: &'a Move,
}

struct Destination {
    id: i64,
    is_new: bool,
}

fn new_topic(
    world: &mut World,
    actor: Actor,
    source: i64,
    sent: &str,
    category_id: Option<i64>,
) -> Result<Destination, Answer> {
    let clean = title::clean(sent, world.settings.flag("title_prettify"));
    let errors = crate::act::check::title_errors(world, &clean, actor, None, false);
    if !errors.is_empty() {
        return Err(Answer::invalid(&errors));
    }
    let category_id = category_id.or_else(|| world.topics.get(&source).and_then(|t| t.category_id));
    let id = world.ids.next("topic");
    let mut topic = crate::state::topic::Topic::new(id, &clean, 0, world.now());
    topic.category_id = category_id;
    world.index_title(id, None, &clean);
    world.topics.insert(id, topic);
    Ok(Destination { id, is_new: true })
}

fn run(world: &mut World, moving: &Moving<'_>, to: &Destination) {
    let Moving {
        by,
        source,
        ids,
        wanted,
    } = *moving;
    let now = world.now();
    let first_number = ids
        .first()
        .and_then(|id| world.posts.get(id))
        .map_or(1, |post| post.number);
    let moved = renumber(world, source, ids, to, wanted);
    rewrite_quotes(world, source, to.id, &moved);
    if wanted.chronological {
        interleave(world, to.id);
    }
    if to.is_new {
        let author = world.first_post(to.id).map_or(by, |post| post.user_id);
        let created = world.first_post(to.id).map_or(now, |post| post.created_at);
        if let Some(topic) = world.topics.get_mut(&to.id) {
            topic.user_id = author;
            topic.created_at = created;
        }
    }
    for id in [source, to.id] {
        insert::recount(world, id);
    }
    if let Some(topic) = world.topics.get_mut(&to.id) {
        topic.bumped_at = now;
    }
    for copy in moved.iter().filter(|step| step.new_id != step.old_id) {
        emit::post(world, "post_created", copy.new_id);
    }
    // A link into an existing topic names the first moved post, unless that is a copy (recordings
    // 522 and 532).
    let place = moved
        .first()
        .filter(|step| !to.is_new && step.new_id == step.old_id);
    let note = Note {
        count: ids.len(),
        number: first_number,
        place: place.map(|step| step.new_number),
    };
    leave_note(world, by, source, to, &note);
    for id in [source, to.id] {
        if let Some(category) = world.topics.get(&id).and_then(|topic| topic.category_id) {
            insert::recount_category(world, category);
        }
    }
}

/// Where a post went.
struct Step {
    old_id: i64,
    new_id: i64,
    old_number: i64,
    new_number: i64,
}

fn renumber(
    world: &mut World,
    source: i64,
    ids: &[i64],
    to: &Destination,
    wanted: &Move,
) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let now = world.now();
    for id in ids {
        let Some(post) = world.posts.get(id).cloned() else {
            continue;
        };
        let next = world
            .topics
            .get(&to.id)
            .map_or(1, |topic| topic.last_number + 1);
        let copied = post.is_first() || wanted.freeze_original;
        let new_id = if copied {
            world.ids.next("post")
        } else {
            post.id
        };
        let parent = post.reply_to.and_then(|number| {
            steps
                .iter()
                .find(|step| step.old_number == number)
                .map(|step| step.new_number)
        });
        let old_number = post.number;
        let row = Post {
            id: new_id,
            topic_id: to.id,
            number: next,
            reply_to: parent,
            updated_at: now,
            reply_count: 0,
            ..post
        };
        if !copied && let Some(topic) = world.topics.get_mut(&source) {
            topic.posts.retain(|other| other != id);
        }
        insert::add_row(world, row);
        let parent_id = parent
            .and_then(|number| world.post_by_number(to.id, number))
            .map(|p| p.id);
        if let Some(parent_id) = parent_id {
            insert::change_reply_count(world, parent_id, 1);
        }
        steps.push(Step {
            old_id: *id,
            new_id,
            old_number,
            new_number: next,
        });
    }
    steps
}

/// Quotes elsewhere follow: their raw changes without version, event or `updated_at`.
fn rewrite_quotes(world: &mut World, source: i64, to: i64, moved: &[Step]) {
    let marks: Vec<(String, String)> = moved
        .iter()
        .map(|step| {
            (
                format!("post:{}, topic:{source}", step.old_number),
                format!("post:{}, topic:{to}", step.new_number),
            )
        })
        .collect();
    for post in world
        .posts
        .values_mut()
        .filter(|post| post.raw.contains("[quote="))
    {
        for (old, new) in &marks {
            for end in ["\"", ","] {
                post.raw = post
                    .raw
                    .replace(&format!("{old}{end}"), &format!("{new}{end}"));
            }
        }
    }
}

/// Orders a topic by time and gives new numbers, also to the posts that were there before.
fn interleave(world: &mut World, topic_id: i64) {
    let Some(topic) = world.topics.get(&topic_id) else {
        return;
    };
    let mut order: Vec<(bool, i64, i64, i64)> = world
        .posts_of(topic)
        .map(|post| (post.number != 1, post.created_at, post.number, post.id))
        .collect();
    order.sort_unstable();
    let numbers: Vec<(i64, i64)> = order
        .iter()
        .zip(1_i64..)
        .map(|((_, _, old, _), new)| (*old, new))
        .collect();
    let renamed = |old: i64| {
        numbers
            .iter()
            .find(|(from, _)| *from == old)
            .map(|(_, to)| *to)
    };
    for (_, _, old, id) in &order {
        if let Some(post) = world.posts.get_mut(id) {
            post.number = renamed(*old).unwrap_or(*old);
            post.reply_to = post
                .reply_to
                .map(|parent| renamed(parent).unwrap_or(parent));
        }
    }
    if let Some(topic) = world.topics.get_mut(&topic_id) {
        topic.posts = order.iter().map(|(_, _, _, id)| *id).collect();
        topic.last_number = numbers.last().map_or(0, |(_, new)| *new);
    }
}

/// What the note of a move says.
struct Note {
    count: usize,
    number: i64,
    place: Option<i64>,
}

/// The `split_topic` note at the place of the first moved post, and the end of an emptied topic.
fn leave_note(world: &mut World, by: i64, source: i64, to: &Destination, about: &Note) {
    let (name, path) = world
        .topics
        .get(&to.id)
        .map(|topic| (topic.title.clone(), topic.path()))
        .unwrap_or_default();
    let (count, number) = (about.count, about.number);
    let path = about
        .place
        .map_or(path.clone(), |place| format!("{path}/{place}"));
    let posts = if count == 1 {
        "A post was".to_owned()
    } else {
        format!("{count} posts were")
    };
    let how = if to.is_new {
        "split to a new topic"
    } else {
        "merged into an existing topic"
    };
    let raw = format!("{posts} {how}: [{name}]({path})");
    let note = insert::post(
        world,
        &PostRow::small_action(source, by, "split_topic", &raw),
    );
    let emptied = world.topics.get(&source).is_some_and(|topic| {
        !world
            .posts_of(topic)
            .any(|post| post.is_live() && post.kind != PostKind::SmallAction && !post.is_first())
    }) && number == 1;
    // The event names the number at the end; the note then takes the place of the first moved post.
    let place = if number == 1 { 2 } else { number };
    settle(world, source, note, place);
    insert::recount(world, source);
    if emptied {
        let change = StatusChange {
            status: "closed".to_owned(),
            enabled: true,
            until: None,
        };
        status::apply(world, by, source, &change);
        status::plan_stub_deletion(world, by, source);
    }
}

/// Moves a note to a number, if that number is free.
fn settle(world: &mut World, topic_id: i64, note: i64, number: i64) {
    let taken = world.post_by_number(topic_id, number).is_some();
    let Some(post) = world
        .posts
        .get_mut(&note)
        .filter(|post| !taken && post.number != number)
    else {
        return;
    };
    post.number = number;
    let order: Vec<(i64, i64)> = world.topics.get(&topic_id).map_or_else(Vec::new, |topic| {
        world
            .posts_of(topic)
            .map(|post| (post.number, post.id))
            .collect()
    });
    let mut order = order;
    order.sort_unstable();
    if let Some(topic) = world.topics.get_mut(&topic_id) {
        topic.posts = order.iter().map(|(_, id)| *id).collect();
        topic.last_number = order.last().map_or(0, |(number, _)| *number);
    }
}

/// Renders a post again.
pub fn recook(world: &mut World, post_id: i64) {
    let Some(raw) = world.posts.get(&post_id).map(|post| post.raw.clone()) else {
        return;
    };
    let cooked = cook(&raw, world);
    if let Some(post) = world.posts.get_mut(&post_id) {
        post.cooked = cooked;
    }
}

/// Turns a topic into a private message or back.
pub fn convert(
    world: &mut World,
    actor: Actor,
    topic_id: i64,
    to_private: bool,
) -> Result<(), Answer> {
    let user_id = actor.require_staff()?;
    let first_category = world
        .categories
        .values()
        .map(|category| category.id)
        .find(|id| *id != crate::state::UNCATEGORIZED);
    let Some(topic) = world.topics.get(&topic_id) else {
        return Err(Answer::not_found());
    };
    let mut people: Vec<i64> = world.posts_of(topic).map(|post| post.user_id).collect();
    people.sort_unstable();
    people.dedup();
    let old = topic.category_id;
    if let Some(topic) = world.topics.get_mut(&topic_id) {
        topic.is_private = to_private;
        topic.category_id = if to_private { None } else { first_category };
        topic.allowed_users = if to_private { people } else { Vec::new() };
    }
    let code = if to_private {
        "private_topic"
    } else {
        "public_topic"
    };
    insert::post(world, &PostRow::small_action(topic_id, user_id, code, ""));
    for category in [old, first_category].into_iter().flatten() {
        insert::recount_category(world, category);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Move, merge, move_posts};
    use crate::option::Profile;
    use crate::seed::testing::forum;
    use crate::state::post::PostKind;

    #[test]
    fn replies_keep_their_id_and_first_posts_do_not() {
        let mut forum = forum(Profile::Current);
        let two = forum.reply_by("bob", "Reply two, the parent of three");
        let three = forum.answer_by("alice", "Reply three, answers two", 2);
        let admin = forum.actor("admin1");
        let source = forum.topic;
        let first = forum.world.first_post(source).unwrap().id;
        let wanted = Move {
            post_ids: vec![first, two, three],
            title: Some("New topic made by a move".to_owned()),
            ..Move::default()
        };
        let to = move_posts(&mut forum.world, admin, source, &wanted).unwrap();
        let world = &forum.world;
        assert_eq!(world.posts[&two].topic_id, to);
        assert_eq!(world.posts[&three].reply_to, Some(2));
        assert_eq!(
            world.posts[&first].topic_id, source,
            "the old first post stays"
        );
        let copy = world.first_post(to).unwrap();
        assert!(copy.id > three);
        assert_eq!(copy.raw, world.posts[&first].raw);
        let old = &world.topics[&source];
        assert!(old.closed && old.timer.is_some());
        let codes: Vec<_> = world
            .posts_of(old)
            .filter_map(|post| post.action_code.clone())
            .collect();
        assert_eq!(codes, ["split_topic", "closed.enabled"]);
    }

    #[test]
    fn the_note_takes_the_place_of_the_first_moved_post() {
        let mut forum = forum(Profile::Current);
        forum.reply_by("bob", "Reply two stays where it was");
        let three = forum.answer_by("alice", "Reply three answers two and moves", 2);
        let four = forum.reply_by("bob", "Reply four stays as well");
        let admin = forum.actor("admin1");
        let source = forum.topic;
        let other = forum.topic_by("alice", "The destination of the move");
        let wanted = Move {
            post_ids: vec![three],
            destination: Some(other),
            ..Move::default()
        };
        move_posts(&mut forum.world, admin, source, &wanted).unwrap();
        let world = &forum.world;
        assert_eq!(world.posts[&three].number, 2);
        assert_eq!(
            world.posts[&three].reply_to, None,
            "its parent did not move"
        );
        let topic = &world.topics[&source];
        let kinds: Vec<_> = world
            .posts_of(topic)
            .map(|post| (post.number, post.kind))
            .collect();
        assert_eq!(kinds[2], (3, PostKind::SmallAction));
        assert_eq!(kinds[3].0, world.posts[&four].number);
        assert!(!topic.closed);
    }

    #[test]
    fn a_merge_closes_the_source_and_keeps_its_key() {
        let mut forum = forum(Profile::Current);
        forum.reply_by("bob", "A reply that is merged along");
        let admin = forum.actor("admin1");
        let source = forum.topic;
        let other = forum.topic_by("alice", "The destination of the merge");
        let wanted = Move {
            destination: Some(other),
            ..Move::default()
        };
        assert_eq!(merge(&mut forum.world, admin, source, &wanted), Ok(other));
        assert_eq!(forum.world.topics[&source].posts_count, 3);
        assert!(forum.world.topics[&source].closed);
        assert_eq!(forum.world.topics[&other].posts_count, 3);
    }

    #[test]
    fn chronological_moves_shift_numbers() {
        let mut forum = forum(Profile::Current);
        forum.pass(10);
        let early = forum.reply_by("bob", "An early reply that moves later");
        forum.pass(10);
        let other = forum.topic_by("alice", "The destination of the move");
        forum.world.posts.get_mut(&early).unwrap().created_at += 15_000;
        let source = forum.topic;
        forum.pass(10);
        forum.topic = other;
        let late = forum.reply_by("bob", "A late reply that was there before");
        let admin = forum.actor("admin1");
        let wanted = Move {
            post_ids: vec![early],
            destination: Some(other),
            chronological: true,
            ..Move::default()
        };
        move_posts(&mut forum.world, admin, source, &wanted).unwrap();
        assert_eq!(forum.world.posts[&early].number, 2);
        assert_eq!(forum.world.posts[&late].number, 3);
        assert_eq!(
            forum.topic().posts,
            [forum.world.first_post(other).unwrap().id, early, late]
        );
    }

    #[test]
    fn bad_moves_are_refused() {
        let mut forum = forum(Profile::V3_1);
        let two = forum.reply_by("bob", "Reply two that does not move");
        let (admin, bob) = (forum.actor("admin1"), forum.actor("bob"));
        let source = forum.topic;
        let wanted = |ids: &[i64], to| Move {
            post_ids: ids.to_vec(),
            destination: Some(to),
            ..Move::default()
        };
        let mut run = |who, wanted: Move| {
            move_posts(&mut forum.world, who, source, &wanted)
                .unwrap_err()
                .status
        };
        assert_eq!(run(admin, wanted(&[99_999], 1)), 400);
        assert_eq!(run(admin, wanted(&[two], 99_999)), 500);
        assert_eq!(run(bob, wanted(&[two], 1)), 403);
    }
}

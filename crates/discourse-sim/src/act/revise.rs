//! Edits: when they make a version, what they bump, what they announce (contract section 6.3).

use crate::act::check::{self, BodyOf};
use crate::answer::Answer;
use crate::auth::Actor;
use crate::clock::{DAY, SECOND};
use crate::hook::emit;
use crate::state::World;
use crate::state::post::{Post, Revision};
use crate::text::{cook::cook, diff, normalise};

/// An edit of a post's text.
#[expect(
    clippy::struct_excessive_bools,
    clippy::struct_field_names,
    reason = "the options of the forum's own reviser, by their names"
)]
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// The new text; `None` keeps it.
    pub raw: Option<String>,
    /// The reason given.
    pub edit_reason: Option<String>,
    /// Another parent, where the server knows that.
    pub parent: Parent,
    /// Skip the checks of the body.
    pub unchecked: bool,
    /// Make a version whatever the rules say.
    pub force_version: bool,
    /// Do not bump.
    pub bypass_bump: bool,
    /// Announce nothing: the caller does.
    pub silent: bool,
    /// What else changes in the same revision.
    pub with: Also,
}

/// What becomes of the post answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Parent {
    /// It stays.
    #[default]
    Kept,
    /// It becomes this number, or none.
    Set(Option<i64>),
}

/// Changes that share a post's revision.
#[derive(Debug, Clone, Default)]
pub struct Also {
    /// Title before and after.
    pub title: Option<(String, String)>,
    /// Category before and after.
    pub category: Option<(Option<i64>, Option<i64>)>,
    /// Tag names before and after.
    pub tags: Option<(Vec<String>, Vec<String>)>,
    /// Owner before and after.
    pub owner: Option<(i64, i64)>,
}

impl Also {
    /// Whether anything changes besides the text.
    pub fn is_some(&self) -> bool {
        self.title.is_some()
            || self.category.is_some()
            || self.tags.is_some()
            || self.owner.is_some()
    }
}

/// Applies an edit; says whether anything changed. Permissions are the caller's business.
pub fn revise(world: &mut World, actor: Actor, post_id: i64, edit: &Edit) -> Result<bool, Answer> {
    let Some(post) = world.posts.get(&post_id) else {
        return Err(Answer::not_found());
    };
    let raw = edit
        .raw
        .as_deref()
        .map_or_else(|| post.raw.clone(), normalise);
    let text_changed = raw != post.raw;
    let reason = edit.edit_reason.clone().filter(|reason| !reason.is_empty());
    let new_reason = reason.is_some() && reason != post.edit_reason;
    let parent_changed = matches!(edit.parent, Parent::Set(parent) if parent != post.reply_to);
    if !(text_changed || new_reason || parent_changed || edit.with.is_some()) {
        return Ok(false);
    }
    if !edit.unchecked {
        let errors = text_errors(world, actor, post, &raw);
        if !errors.is_empty() {
            return Err(Answer::invalid(&errors));
        }
    }
    let editor_id = actor.require()?;
    let versioned = edit.force_version || new_reason || makes_version(world, actor, post, &raw);
    if versioned {
        count_edit(world, actor, editor_id)?;
    }
    apply(
        world,
        post_id,
        editor_id,
        Applied {
            raw,
            reason,
            versioned,
            edit,
        },
    );
    bump(
        world,
        post_id,
        versioned && edit.raw.is_some(),
        edit.bypass_bump,
    );
    if !edit.silent {
        emit::post(world, "post_edited", post_id);
    }
    Ok(true)
}

fn text_errors(world: &World, actor: Actor, post: &Post, raw: &str) -> Vec<String> {
    let is_private = world
        .topics
        .get(&post.topic_id)
        .is_some_and(|topic| topic.is_private);
    let of = match (is_private, post.is_first()) {
        (true, _) => BodyOf::Message,
        (false, true) => BodyOf::FirstPost,
        (false, false) => BodyOf::Reply,
    };
    let mut errors = check::labelled(check::body_errors(world, raw, of));
    let own_words = raw == post.raw;
    if errors.is_empty() && !own_words && check::is_repeated(world, actor, raw) {
        errors.push("Body is too similar to what you recently posted".to_owned());
    }
    errors
}

/// The rules for a new version, the reason apart.
fn makes_version(world: &World, actor: Actor, post: &Post, raw: &str) -> bool {
    if actor.id != Some(post.last_editor_id) || post.hidden {
        return true;
    }
    let grace = world.settings.int("editing_grace_period") * SECOND;
    if world.now().saturating_sub(post.last_version_at) > grace {
        return true;
    }
    let name = if actor.staff || actor.trust_level >= 2 {
        "editing_grace_period_max_diff_high_trust"
    } else {
        "editing_grace_period_max_diff"
    };
    diff::exceeds(&post.raw, raw, world.settings.len(name))
}

/// `max_edits_per_day`, counted for new versions only.
fn count_edit(world: &mut World, actor: Actor, editor_id: i64) -> Result<(), Answer> {
    if actor.staff {
        return Ok(());
    }
    let base = world.settings.int("max_edits_per_day");
    let most = match actor.trust_level {
        ..=1 => base,
        2 => base * 3 / 2,
        3 => base * 2,
        _ => base * 3,
    };
    let now = world.now();
    world.limits.pass(&format!("edits:{editor_id}"), most, DAY, now).map_err(|wait_s| {
        let text = "You\u{2019}ve reached the maximum number of edits per day. Please wait {left} \
                    before trying again.";
        Answer::limited(text, wait_s, None)
    })
}

struct Applied<'a> {
    raw: String,
    reason: Option<String>,
    versioned: bool,
    edit: &'a Edit,
}

fn apply(world: &mut World, post_id: i64, editor_id: i64, applied: Applied<'_>) {
    let now = world.now();
    let cooked = cook(&applied.raw, world);
    let also = applied.edit.with.clone();
    let Some(post) = world.posts.get_mut(&post_id) else {
        return;
    };
    let former = match post.original.take() {
        Some(original) if applied.versioned => original,
        kept => {
            if !applied.versioned && post.revisions.is_empty() {
                post.original = kept.or_else(|| Some((post.raw.clone(), post.cooked.clone())));
            }
            (post.raw.clone(), post.cooked.clone())
        }
    };
    if applied.versioned {
        post.version += 1;
        post.public_version += 1;
        post.last_version_at = now;
        post.revisions.push(Revision {
            number: post.version,
            user_id: editor_id,
            created_at: now,
            edit_reason: applied.reason.clone(),
            raw: (former.0, applied.raw.clone()),
            cooked: (former.1, cooked.clone()),
            title: also.title,
            owner: also.owner,
            category: also.category,
            tags: also.tags,
        });
    } else if let Some(last) = post.revisions.last_mut() {
        // A grace edit is merged into the newest revision (section 6.5).
        last.raw.1.clone_from(&applied.raw);
        last.cooked.1.clone_from(&cooked);
    }
    // A new version by somebody else forgets the old reason, one by the same editor keeps it
    // (recordings 472 and 473).
    if applied.reason.is_some() || (applied.versioned && post.last_editor_id != editor_id) {
        post.edit_reason = applied.reason;
    }
    post.raw = applied.raw;
    post.cooked = cooked;
    post.updated_at = now;
    post.last_editor_id = editor_id;
    if let Parent::Set(parent) = applied.edit.parent {
        post.reply_to = parent;
    }
    if post.hidden && editor_id == post.user_id {
        post.hidden = false;
        post.hidden_reason_id = None;
    }
}

fn bump(world: &mut World, post_id: i64, versioned: bool, bypass: bool) {
    let now = world.now();
    let old_rule = world.switches.edit_bumps_last_post;
    let Some(post) = world.posts.get(&post_id) else {
        return;
    };
    let (number, wiki, topic_id) = (post.number, post.wiki, post.topic_id);
    let last_number = world
        .topics
        .get(&topic_id)
        .and_then(|topic| world.posts_of(topic).filter(|post| post.is_live()).last())
        .map_or(0, |post| post.number);
    let bumps = if old_rule {
        versioned && number == last_number
    } else {
        versioned && number == 1 && wiki
    };
    if let Some(topic) = world.topics.get_mut(&topic_id) {
        topic.updated_at = now;
        if bumps && !bypass {
            topic.bumped_at = now;
        }
    }
    update_description(world, topic_id, number);
}

/// The first paragraph of an About topic is the category's description.
fn update_description(world: &mut World, topic_id: i64, number: i64) {
    let category = world
        .topics
        .get(&topic_id)
        .filter(|t| t.is_about)
        .and_then(|t| t.category_id);
    let Some(category) = category.filter(|_| number == 1) else {
        return;
    };
    let cooked = world
        .first_post(topic_id)
        .map(|post| post.cooked.clone())
        .unwrap_or_default();
    let first = cooked
        .split("</p>")
        .next()
        .unwrap_or("")
        .trim_start_matches("<p>")
        .to_owned();
    if let Some(category) = world.categories.get_mut(&category) {
        category.description = Some(first);
    }
}

#[cfg(test)]
mod tests {
    use super::{Edit, revise};
    use crate::auth::Actor;
    use crate::option::Profile;
    use crate::seed::testing::{Forum, forum};

    fn edit(raw: &str, reason: Option<&str>) -> Edit {
        Edit {
            raw: Some(raw.to_owned()),
            edit_reason: reason.map(ToOwned::to_owned),
            ..Edit::default()
        }
    }

    fn version(forum: &Forum) -> (i64, Option<String>) {
        let post = &forum.world.posts[&forum.reply];
        (post.version, post.edit_reason.clone())
    }

    /// The steps of recordings 466 to 478.
    #[test]
    fn versions_follow_the_grace_rules() {
        let mut forum = forum(Profile::V3_1);
        let (bob, system) = (forum.actor("bob"), forum.actor("system"));
        let base = "A reply whose edits are counted, the original text";
        let id = forum.reply_by("bob", base);
        forum.reply = id;
        let run = |forum: &mut Forum, who: Actor, edit: Edit| {
            let changed = revise(&mut forum.world, who, id, &edit).unwrap();
            (changed, version(forum))
        };
        let with = |n: &str| format!("{base}{n}");
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            run(&mut forum, bob, edit(&with("."), None)),
            (true, (1, None))
        );
        assert_eq!(
            run(&mut forum, bob, edit(&with(".\n"), None)),
            (false, (1, None))
        );
        assert_eq!(
            run(&mut forum, bob, edit(&with(".."), Some("s1"))),
            (true, (2, some("s1")))
        );
        assert_eq!(
            run(&mut forum, bob, edit(&with("..."), Some("s1"))),
            (true, (2, some("s1")))
        );
        assert_eq!(
            run(&mut forum, bob, edit(&with("..."), Some("s2"))),
            (true, (3, some("s2")))
        );
        let long = "lorem ipsum dolor ".repeat(40);
        assert_eq!(
            run(&mut forum, bob, edit(&long, None)),
            (true, (4, some("s2")))
        );
        let by_system = "Now written by the system user for the study";
        assert_eq!(
            run(&mut forum, system, edit(by_system, None)),
            (true, (5, None))
        );
        assert_eq!(
            run(&mut forum, system, edit(&format!("{by_system}."), None)),
            (true, (5, None))
        );
        forum.pass(301);
        assert_eq!(
            run(&mut forum, system, edit(by_system, None)),
            (true, (6, None))
        );
        assert_eq!(forum.world.posts[&id].at_version(1).unwrap().0, base);
        assert_eq!(
            forum.world.posts[&id].at_version(5).unwrap().0,
            format!("{by_system}.")
        );
    }

    #[test]
    fn only_old_servers_bump_the_last_post() {
        for (profile, bumps) in [(Profile::V3_1, true), (Profile::Current, false)] {
            let mut forum = forum(profile);
            let id = forum.reply_by("bob", "The last reply of the topic, long enough");
            let before = forum.topic().bumped_at;
            forum.pass(10);
            let bob = forum.actor("bob");
            revise(
                &mut forum.world,
                bob,
                id,
                &edit("The last reply, edited and long", None),
            )
            .unwrap();
            assert_eq!(
                forum.topic().bumped_at,
                before,
                "a grace edit bumps nothing"
            );
            revise(
                &mut forum.world,
                bob,
                id,
                &edit("The last reply, edited once more", Some("r")),
            )
            .unwrap();
            assert_eq!(forum.topic().bumped_at > before, bumps);
        }
    }

    #[test]
    fn bodies_are_validated_for_everybody() {
        let mut forum = forum(Profile::Current);
        let id = forum.reply_by("alice", "A body that is long enough");
        let system = forum.actor("system");
        let refused = revise(&mut forum.world, system, id, &edit("Nah", None)).unwrap_err();
        assert_eq!(refused.status, 422);
        assert_eq!(forum.world.posts[&id].version, 1);
    }

    #[test]
    fn an_author_unhides_by_editing() {
        let mut forum = forum(Profile::Current);
        let id = forum.reply_by("bob", "A post that is hidden by flags");
        forum.world.posts.get_mut(&id).unwrap().hidden = true;
        let (bob, system) = (forum.actor("bob"), forum.actor("system"));
        revise(
            &mut forum.world,
            system,
            id,
            &edit("A post that staff has edited", None),
        )
        .unwrap();
        assert!(forum.world.posts[&id].hidden);
        revise(
            &mut forum.world,
            bob,
            id,
            &edit("A post that bob has edited", None),
        )
        .unwrap();
        assert!(!forum.world.posts[&id].hidden);
    }
}

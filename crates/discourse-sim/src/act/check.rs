//! Validation of titles and bodies (contract section 12).

use crate::auth::Actor;
use crate::clock::MINUTE;
use crate::state::World;
use crate::state::topic::Topic;
use crate::text::{emoji, sentinel};

/// What kind of text a body is, which decides its minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyOf {
    /// The first post of a topic.
    FirstPost,
    /// A reply.
    Reply,
    /// A private message, first post or reply.
    Message,
}

/// A shortcoming of a body without its label, such as `is too short (minimum is 20 characters)`.
pub fn body_errors(world: &World, raw: &str, of: BodyOf) -> Vec<String> {
    let settings = &world.settings;
    let minimum = settings.len(match of {
        BodyOf::FirstPost => "min_first_post_length",
        BodyOf::Reply => "min_post_length",
        BodyOf::Message => "min_personal_message_post_length",
    });
    let maximum = settings.len("max_post_length");
    let length = raw.chars().count();
    let mut errors = Vec::new();
    if sentinel::stripped_length(raw) < minimum {
        errors.push(format!("is too short (minimum is {minimum} characters)"));
    }
    if length > maximum {
        errors.push(format!(
            "is limited to {maximum} characters; you entered {length}."
        ));
    }
    let entropy = settings.len("body_min_entropy");
    let shouted = !settings.flag("allow_uppercase_posts") && sentinel::is_shouted(raw);
    if sentinel::entropy(raw) < entropy || shouted || (entropy > 0 && !sentinel::has_words(raw)) {
        errors.push("seems unclear, is it a complete sentence?".to_owned());
    }
    errors
}

/// The same with the label `Body`.
pub fn labelled(errors: Vec<String>) -> Vec<String> {
    errors
        .into_iter()
        .map(|error| format!("Body {error}"))
        .collect()
}

/// Why a title is refused; `except` is the topic that has it already, `owner` the topic's author.
pub fn title_errors(
    world: &World,
    title: &str,
    owner: Actor,
    except: Option<i64>,
    is_private: bool,
) -> Vec<String> {
    let settings = &world.settings;
    if title.trim().is_empty() {
        return vec!["Title can't be blank".to_owned()];
    }
    let mut errors = Vec::new();
    let minimum = if owner.admin {
        1
    } else if is_private {
        settings.len("min_personal_message_title_length")
    } else {
        settings.len("min_topic_title_length")
    };
    let maximum = settings.len("max_topic_title_length");
    let length = title.chars().count();
    if sentinel::stripped_length(title) < minimum {
        errors.push(format!(
            "Title is too short (minimum is {minimum} characters)"
        ));
    }
    if length > maximum {
        errors.push(format!(
            "Title is too long (maximum is {maximum} characters)"
        ));
    }
    if let Some(error) = title_quality(world, title, is_private) {
        errors.push(error);
    }
    let emoji_limit = settings.len("max_emojis_in_title");
    if emoji::count(title) > emoji_limit {
        errors.push(format!("Title can't have more than {emoji_limit} emoji"));
    }
    if !is_private
        && !settings.flag("allow_duplicate_topic_titles")
        && world.title_taken(title, except)
    {
        errors.push("Title has already been used".to_owned());
    }
    errors
}

fn title_quality(world: &World, title: &str, is_private: bool) -> Option<String> {
    let settings = &world.settings;
    let wanted = settings.len("title_min_entropy");
    if !is_private && sentinel::entropy(title) < wanted {
        let text = "Title seems unclear, most of the words contain the same letters over and over?";
        return Some(text.to_owned());
    }
    if sentinel::longest_word(title) > settings.len("title_max_word_length") {
        return Some("Title seems unclear, one or more words is very long?".to_owned());
    }
    if wanted > 0 && !settings.flag("allow_uppercase_posts") && sentinel::is_shouted(title) {
        return Some("Title seems unclear, did you mean to enter it in ALL CAPS?".to_owned());
    }
    None
}

/// Whether an author sent the same text within `unique_posts_mins`; staff may.
pub fn is_repeated(world: &World, actor: Actor, raw: &str) -> bool {
    let minutes = world.settings.int("unique_posts_mins");
    let Some(id) = actor.id.filter(|_| !actor.staff && minutes > 0) else {
        return false;
    };
    world
        .recent_texts
        .get(&(id, raw.to_owned()))
        .is_some_and(|at| world.now().saturating_sub(*at) < minutes * MINUTE)
}

/// Refusals that concern new users and monologues.
pub fn habit_errors(world: &World, actor: Actor, raw: &str, topic: Option<&Topic>) -> Vec<String> {
    let settings = &world.settings;
    let mut errors = Vec::new();
    let Some(id) = actor.id else { return errors };
    let mentions = raw
        .split_whitespace()
        .filter(|word| word.starts_with('@'))
        .count();
    let newcomer = actor.trust_level == 0 && !actor.staff;
    let limit = settings.len(if newcomer {
        "newuser_max_mentions_per_post"
    } else {
        "max_mentions_per_post"
    });
    if mentions > limit {
        errors.push(format!(
            "Sorry, you can only mention {limit} users in a post."
        ));
    }
    if newcomer && raw.matches("://").count() > settings.len("newuser_max_links") {
        errors.push(format!(
            "Sorry, new users can only put {} links in a post.",
            settings.len("newuser_max_links")
        ));
    }
    let Some(topic) =
        topic.filter(|topic| topic.user_id != id && !actor.staff && !topic.is_private)
    else {
        return errors;
    };
    let own = world
        .posts_of(topic)
        .filter(|post| post.user_id == id && post.is_live())
        .count();
    if newcomer && own >= settings.len("newuser_max_replies_per_topic") {
        errors.push(format!(
            "New users are temporarily limited to {} replies in the same topic.",
            settings.len("newuser_max_replies_per_topic")
        ));
    }
    let most = settings.len("max_consecutive_replies");
    let row = topic
        .posts
        .iter()
        .rev()
        .filter_map(|id| world.posts.get(id));
    let row = row
        .filter(|post| post.is_live())
        .take_while(|post| post.user_id == id)
        .count();
    if most > 0 && row >= most {
        errors.push(format!(
            "No more than {most} consecutive replies are allowed. Please edit your previous reply, \
             or wait for someone to reply to you."
        ));
    }
    errors
}

/// Why an `external_id` is refused (contract section 10).
pub fn external_id_errors(world: &World, external_id: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if world
        .external_topics
        .contains_key(&external_id.to_lowercase())
    {
        errors.push("External has already been taken".to_owned());
    }
    if external_id.chars().count() > 50 {
        errors.push("External is too long (maximum is 50 characters)".to_owned());
    }
    if !external_id
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    {
        errors.push("External is invalid".to_owned());
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::{BodyOf, body_errors, external_id_errors, title_errors};
    use crate::auth::Actor;
    use crate::option::Options;
    use crate::state::World;

    fn body(raw: &str) -> Vec<String> {
        body_errors(&World::new(&Options::default()), raw, BodyOf::Reply)
    }

    #[test]
    fn bodies_have_limits() {
        let short = "is too short (minimum is 20 characters)";
        let unclear = "seems unclear, is it a complete sentence?";
        assert_eq!(body("ok"), [short, unclear]);
        assert_eq!(body(""), [short, unclear]);
        assert_eq!(body("<!-- only a comment in the body 3 -->"), [short]);
        assert_eq!(body("ALL CAPITALS IN THIS BODY OF THE STUDY"), [unclear]);
        assert_eq!(body("a body that is long enough"), Vec::<String>::new());
        let long = "abcdefghij ".repeat(3_000);
        let long = long.trim_end();
        assert_eq!(
            body(long),
            ["is limited to 32000 characters; you entered 32999."]
        );
        let exact: String = "abcdefgh ".chars().cycle().take(32_000).collect();
        assert_eq!(body(&exact), Vec::<String>::new());
    }

    #[test]
    fn titles_have_limits() {
        let world = World::new(&Options::default());
        let admin = Actor {
            id: Some(1),
            admin: true,
            staff: true,
            trust_level: 4,
            is_api: true,
        };
        let plain = Actor {
            admin: false,
            staff: false,
            ..admin
        };
        let unclear =
            "Title seems unclear, most of the words contain the same letters over and over?";
        assert_eq!(title_errors(&world, "short", admin, None, false), [unclear]);
        assert_eq!(
            title_errors(&world, "Ho", plain, None, false),
            ["Title is too short (minimum is 15 characters)", unclear]
        );
        assert_eq!(
            title_errors(&world, " ", plain, None, false),
            ["Title can't be blank"]
        );
        assert!(title_errors(&world, "A perfectly good title", plain, None, false).is_empty());
        let two = title_errors(
            &world,
            "Title with 2 :smile: :heart: emojis",
            admin,
            None,
            false,
        );
        assert_eq!(two, ["Title can't have more than 1 emoji"]);
    }

    #[test]
    fn external_ids_have_a_form() {
        let world = World::new(&Options::default());
        assert!(external_id_errors(&world, "canvas-101_a").is_empty());
        assert_eq!(
            external_id_errors(&world, "canvas:101/3"),
            ["External is invalid"]
        );
        let long = "x".repeat(51);
        assert_eq!(
            external_id_errors(&world, &long),
            ["External is too long (maximum is 50 characters)"]
        );
    }
}

//! `POST /posts`: topics, replies and private messages (contract sections 6.1 and 10).

use crate::act::check::{self, BodyOf};
use crate::act::insert::{self, PostRow, TopicRow};
use crate::answer::Answer;
use crate::auth::Actor;
use crate::clock::{DAY, SECOND};
use crate::state::post::PostKind;
use crate::state::review::{QueuedPost, ReviewStatus};
use crate::state::{Embed, Job, World};
use crate::text::{normalise, title};

/// What is to be made.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the parameters of the endpoint"
)]
#[derive(Debug, Clone, Default)]
pub struct NewPost {
    /// The text as sent.
    pub raw: String,
    /// For topics and messages.
    pub title: Option<String>,
    /// For replies.
    pub topic_id: Option<i64>,
    /// For topics.
    pub category_id: Option<i64>,
    /// For replies.
    pub reply_to: Option<i64>,
    /// Tag names.
    pub tags: Vec<String>,
    /// Names of users and groups; makes a private message.
    pub recipients: Option<Vec<String>>,
    /// Unix milliseconds.
    pub created_at: Option<i64>,
    /// The topic's durable key.
    pub external_id: Option<String>,
    /// The post's durable key.
    pub embed_url: Option<String>,
    /// Waive validations and the user's limits.
    pub skip_validations: bool,
    /// Send no events.
    pub import_mode: bool,
    /// Leave the topic's place in lists.
    pub no_bump: bool,
    /// Seen by staff only.
    pub whisper: bool,
    /// Not listed.
    pub unlisted: bool,
    /// Do not count or check the user's limits (the control API's people are not slowed down).
    pub unlimited: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// A post of this id.
    Post(i64),
    /// A queued post of this reviewable id.
    Queued(i64),
}

const GONE: &str = "Something has gone wrong. Perhaps this topic was closed or deleted while you \
                    were looking at it?";

/// Makes a post, or says why not.
pub fn create(world: &mut World, actor: Actor, mut new: NewPost) -> Result<Created, Answer> {
    let user_id = actor.require()?;
    new.raw = normalise(&new.raw);
    if let Some(url) = &new.embed_url {
        check_embed_form(url)?;
    }
    check_place(world, actor, &mut new)?;
    if let Some(words) = blocked_words(world, &new) {
        let text = format!("Your post contains a word that's not allowed: {words}");
        return Err(Answer::json_status(
            422,
            serde_json::json!({ "action": "created_post", "errors": [text] }),
        ));
    }
    if needs_approval(world, actor, &new) {
        return enqueue(world, user_id, new).map(Created::Queued);
    }
    let staged = world.users.get(&user_id).is_some_and(|user| user.staged);
    check_keys(world, &new)?;
    if !new.skip_validations {
        check_texts(world, actor, &new, staged)?;
        if !new.unlimited && !actor.staff {
            check_rates(world, actor, user_id, &new)?;
        }
    }
    if let Some(url) = &new.embed_url {
        claim_embed(world, url, new.topic_id.is_none())?;
    }
    let post_id = write(world, actor, user_id, &new)?;
    after(world, actor, user_id, &new, post_id);
    Ok(Created::Post(post_id))
}

fn check_embed_form(url: &str) -> Result<(), Answer> {
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        return Err(Answer::bad_parameter("embed_url"));
    }
    if url.chars().count() > 1_000 {
        Err(Answer::framework(500))
    } else {
        Ok(())
    }
}

/// Whether the topic or category takes this actor's post.
fn check_place(world: &World, actor: Actor, new: &mut NewPost) -> Result<(), Answer> {
    let gone = || Answer::create_failed(&[GONE.to_owned()]);
    if let Some(id) = new.topic_id {
        let topic = world.topics.get(&id).ok_or_else(gone)?;
        if !world.can_reply(actor, topic) {
            return Err(gone());
        }
        let parent = new
            .reply_to
            .and_then(|number| world.post_by_number(id, number));
        if parent.is_some_and(|post| post.kind == PostKind::Whisper) {
            new.whisper = true;
        }
        return Ok(());
    }
    new.reply_to = None;
    if new.recipients.is_some() {
        return Ok(());
    }
    match new.category_id {
        Some(id) if !world.categories.contains_key(&id) => Err(Answer::bad_parameter("category")),
        Some(id) if !world.can_create_topic(actor, id) => Err(Answer::forbidden()),
        Some(_) => Ok(()),
        None if world.settings.flag("allow_uncategorized_topics") => {
            new.category_id = Some(crate::state::UNCATEGORIZED);
            Ok(())
        }
        None if new.skip_validations => Ok(()),
        None => Err(Answer::create_failed(&[
            "Category can't be blank".to_owned()
        ])),
    }
}

fn blocked_words(world: &World, new: &NewPost) -> Option<String> {
    watched(world.settings.text("watched_words_block"), new)
}

fn watched(list: &str, new: &NewPost) -> Option<String> {
    let text = format!("{} {}", new.title.as_deref().unwrap_or(""), new.raw).to_lowercase();
    list.split('|')
        .map(str::trim)
        .find(|word| !word.is_empty() && text.contains(&word.to_lowercase()))
        .map(ToOwned::to_owned)
}

fn needs_approval(world: &World, actor: Actor, new: &NewPost) -> bool {
    let is_private = new.recipients.is_some()
        || new
            .topic_id
            .and_then(|id| world.topics.get(&id))
            .is_some_and(|topic| topic.is_private);
    if actor.staff || is_private {
        return false;
    }
    if watched(world.settings.text("watched_words_require_approval"), new).is_some() {
        return true;
    }
    let category_id = match new.topic_id {
        Some(id) => world.topics.get(&id).and_then(|topic| topic.category_id),
        None => new.category_id,
    };
    category_id
        .and_then(|id| world.categories.get(&id))
        .is_some_and(|category| {
            if new.topic_id.is_some() {
                category.require_reply_approval
            } else {
                category.require_topic_approval
            }
        })
}

/// Queues a post; the queue checks the text itself, `skip_validations` or not (recording 778).
fn enqueue(world: &mut World, user_id: i64, new: NewPost) -> Result<i64, Answer> {
    let of = if new.topic_id.is_some() {
        BodyOf::Reply
    } else {
        BodyOf::FirstPost
    };
    let errors = check::body_errors(world, &new.raw, of);
    if !errors.is_empty() {
        return Err(Answer::json_status(
            422,
            serde_json::json!({ "action": "created_post", "errors": [errors] }),
        ));
    }
    let id = world.ids.next("reviewable");
    let category_id = match new.topic_id {
        Some(topic) => world.topics.get(&topic).and_then(|topic| topic.category_id),
        None => new.category_id,
    };
    let row = QueuedPost {
        id,
        user_id,
        raw: new.raw,
        title: new.title.filter(|_| new.topic_id.is_none()),
        topic_id: new.topic_id,
        reply_to: new.reply_to,
        category_id,
        tags: new.tags,
        external_id: new.external_id,
        embed_url: new.embed_url,
        created_at_asked: new.created_at,
        created_at: world.now(),
        version: 0,
        status: ReviewStatus::Pending,
    };
    world.queue.insert(id, row);
    crate::hook::emit::reviewable(world, "reviewable_created", id);
    Ok(id)
}

/// Durable keys: clean refusals, or the database's 500 when validations are skipped.
fn check_keys(world: &World, new: &NewPost) -> Result<(), Answer> {
    let Some(key) = new
        .external_id
        .as_deref()
        .filter(|_| new.topic_id.is_none())
    else {
        return Ok(());
    };
    let errors = check::external_id_errors(world, key);
    let taken = world.external_topics.contains_key(&key.to_lowercase());
    if new.skip_validations {
        let fatal = taken || key.chars().count() > 50;
        return if fatal {
            Err(Answer::framework(500))
        } else {
            Ok(())
        };
    }
    if taken && world.switches.external_id_taken_is_500 {
        return Err(Answer::framework(500));
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Answer::create_failed(&errors))
    }
}

fn check_texts(world: &World, actor: Actor, new: &NewPost, staged: bool) -> Result<(), Answer> {
    let topic = new.topic_id.and_then(|id| world.topics.get(&id));
    let is_private = topic.is_some_and(|topic| topic.is_private) || new.recipients.is_some();
    if new.topic_id.is_none() {
        let title = new.title.as_deref().unwrap_or("");
        let title = title::clean(title, world.settings.flag("title_prettify"));
        let mut errors = check::title_errors(world, &title, actor, None, is_private);
        if new.tags.len() > world.settings.len("max_tags_per_topic") && !actor.staff {
            let most = world.settings.len("max_tags_per_topic");
            errors.push(format!("You can only have up to {most} tags"));
        }
        if !errors.is_empty() {
            return Err(Answer::create_failed(&errors));
        }
    }
    let of = match (is_private, new.topic_id) {
        (true, _) => BodyOf::Message,
        (false, None) => BodyOf::FirstPost,
        (false, Some(_)) => BodyOf::Reply,
    };
    let mut errors = Vec::new();
    if !staged {
        errors = check::labelled(check::body_errors(world, &new.raw, of));
        errors.extend(check::habit_errors(world, actor, &new.raw, topic));
    }
    if errors.is_empty() && check::is_repeated(world, actor, &new.raw) {
        errors.push("Body is too similar to what you recently posted".to_owned());
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Answer::create_failed(&errors))
    }
}

/// The acting user's own limits; staff have none (contract section 3).
fn check_rates(world: &mut World, actor: Actor, user_id: i64, new: &NewPost) -> Result<(), Answer> {
    let now = world.now();
    let newcomer = actor.trust_level == 0;
    let fresh = world
        .users
        .get(&user_id)
        .is_some_and(|user| now - user.created_at < DAY);
    let mut limits: Vec<(String, i64, i64, &str)> = Vec::new();
    let often = "You\u{2019}re replying a bit too quickly. Please wait {left} before trying again.";
    let post_gap = if newcomer {
        "rate_limit_new_user_create_post"
    } else {
        "rate_limit_create_post"
    };
    let gap = world.settings.int(post_gap);
    if gap > 0 {
        limits.push((format!("post:{user_id}"), 1, gap * SECOND, often));
    }
    if new.topic_id.is_none() {
        let gap = world.settings.int("rate_limit_create_topic");
        let text = "You\u{2019}re creating topics a bit too quickly. Please wait {left} before trying again.";
        if gap > 0 {
            limits.push((format!("topic:{user_id}"), 1, gap * SECOND, text));
        }
        let text = "You\u{2019}ve reached the maximum new topics allowed per day. You can create \
                    more new topics in {left}.";
        limits.push((
            format!("topics:{user_id}"),
            world.settings.int("max_topics_per_day"),
            DAY,
            text,
        ));
        if fresh && newcomer {
            let most = world.settings.int("max_topics_in_first_day");
            limits.push((format!("first-topics:{user_id}"), most, DAY, text));
        }
    } else if fresh && newcomer {
        let text = "You\u{2019}ve reached the maximum number of replies a new user can create on \
                    their first day. Please wait {left} before trying again.";
        let most = world.settings.int("max_replies_in_first_day");
        limits.push((format!("first-replies:{user_id}"), most, DAY, text));
    }
    for (key, most, window, text) in &limits {
        world
            .limits
            .check(key, *most, *window, now)
            .map_err(|wait_s| Answer::limited(text, wait_s, None))?;
    }
    for (key, most, window, _) in &limits {
        // Checked just above; counting cannot be refused now.
        world
            .limits
            .pass(key, *most, *window, now)
            .unwrap_or_default();
    }
    Ok(())
}

/// Refuses an `embed_url` in use; a deleted topic's own key is free again (contract section 10).
fn claim_embed(world: &mut World, url: &str, for_topic: bool) -> Result<(), Answer> {
    let Some(embed) = world.embeds.get(url).copied() else {
        return Ok(());
    };
    let topic_deleted = world
        .topics
        .get(&embed.topic_id)
        .is_none_or(|t| t.deleted_at.is_some());
    let of_topic = world
        .posts
        .get(&embed.post_id)
        .is_none_or(super::super::state::post::Post::is_first);
    if topic_deleted && of_topic {
        return Ok(());
    }
    // The row is made after the post, in one transaction: the refused post's id is used up.
    world.ids.next("post");
    if for_topic {
        world.ids.next("topic");
    }
    Err(Answer::create_failed(&[
        "Embed url has already been taken".to_owned()
    ]))
}

fn write(world: &mut World, actor: Actor, user_id: i64, new: &NewPost) -> Result<i64, Answer> {
    if new.whisper && !(actor.staff && world.settings.flag("whispers_enabled")) {
        let text =
            "Either whispers are not enabled or you do not have access to create whisper posts";
        return Err(Answer::errors(
            403,
            &[text.to_owned()],
            Some("invalid_access"),
        ));
    }
    let mut row = PostRow::new(new.topic_id.unwrap_or(0), user_id, &new.raw);
    row.kind = if new.whisper {
        PostKind::Whisper
    } else {
        PostKind::Regular
    };
    row.reply_to = new.reply_to;
    row.created_at = new.created_at;
    row.bump = !new.no_bump;
    row.announce = !new.import_mode;
    if new.topic_id.is_some() {
        return Ok(insert::post(world, &row));
    }
    let prettify = world.settings.flag("title_prettify");
    let title = title::clean(new.title.as_deref().unwrap_or(""), prettify);
    let (allowed_users, allowed_groups) = recipients(world, user_id, new)?;
    let category_id = match &new.recipients {
        Some(_) => None,
        None => new.category_id.or(Some(crate::state::UNCATEGORIZED)),
    };
    let embed_hidden = new.embed_url.is_some() && world.settings.flag("embed_unlisted");
    let wiki = category_id
        .and_then(|id| world.categories.get(&id))
        .is_some_and(|category| category.all_topics_wiki);
    let topic = TopicRow {
        title,
        category_id,
        tags: new.tags.clone(),
        external_id: new.external_id.clone(),
        visible: !(embed_hidden || (new.unlisted && actor.staff)),
        allowed_users,
        allowed_groups,
        first: row,
    };
    let post_id = insert::topic(world, topic);
    if let Some(post) = world.posts.get_mut(&post_id) {
        post.wiki = wiki;
    }
    Ok(post_id)
}

fn recipients(world: &World, user_id: i64, new: &NewPost) -> Result<(Vec<i64>, Vec<i64>), Answer> {
    let Some(names) = &new.recipients else {
        return Ok((Vec::new(), Vec::new()));
    };
    let mut users = vec![user_id];
    let mut groups = Vec::new();
    for name in names {
        let user = world
            .user_by_name(name)
            .or_else(|| world.user_by_email(name));
        if let Some(user) = user {
            users.push(user.id);
        } else if let Some(group) = world.group_by_name(name) {
            groups.push(group.id);
        } else {
            let text = "Sorry, one of the users you are sending this to could not be found.";
            return Err(Answer::create_failed(&[text.to_owned()]));
        }
    }
    if users.len() == 1 && groups.is_empty() {
        return Err(Answer::create_failed(&[
            "You must select a valid user.".to_owned()
        ]));
    }
    users.dedup();
    Ok((users, groups))
}

fn after(world: &mut World, actor: Actor, user_id: i64, new: &NewPost, post_id: i64) {
    let now = world.now();
    let topic_id = world.posts.get(&post_id).map_or(0, |post| post.topic_id);
    if let Some(url) = &new.embed_url {
        world
            .embeds
            .insert(url.clone(), Embed { topic_id, post_id });
        if let Some(topic) = world.topics.get_mut(&topic_id) {
            topic.is_embedded = true;
        }
    }
    if !actor.staff {
        world.recent_texts.insert((user_id, new.raw.clone()), now);
        if world.recent_texts.len() > 20_000 {
            world.recent_texts.retain(|_, at| now - *at < DAY);
        }
    }
    let quotes = world.settings.flag("remove_full_quote") && new.raw.starts_with("[quote=");
    if quotes && new.topic_id.is_some() && !new.import_mode {
        world.plan(now + 240, Job::RemoveFullQuote(post_id));
    }
}

//! Webhook deliveries: what each says about where to look (contract discourse §14).
//!
//! Makes no calls. A delivery is a hint: it may be late, doubled, out of order, or older than what we know.

use connector::{Hint, RawEvent};
use hmac::{Hmac, KeyInit, Mac};
use model::RemoteItem;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

use crate::failure::{self, Trouble};
use crate::memory::{People, Place, Places};
use crate::translate::{Reader, id};
use crate::wire::person::UserEvent;
use crate::wire::post::{Post, PostType};
use crate::wire::topic::Topic;

#[derive(Deserialize)]
struct PostEvent {
    post: Post,
}

#[derive(Deserialize)]
struct TopicEvent {
    topic: Topic,
}

/// Reads a delivery. What it teaches about users and places is remembered.
pub(crate) fn interpret(
    event: RawEvent<'_>,
    reader: &Reader<'_>,
    people: &People,
    places: &Places,
) -> Result<Option<Hint>, Trouble> {
    match event.name {
        "post_created" | "post_edited" | "post_destroyed" | "post_recovered" => {
            let body: PostEvent = parse(event)?;
            Ok(of_post(&body.post, reader, places))
        }
        name if name.starts_with("topic_") => {
            let body: TopicEvent = parse(event)?;
            Ok(of_topic(&body.topic))
        }
        "user_created" | "user_updated" => {
            let user = parse::<UserEvent>(event)?.user;
            // A payload without a key is no proof that there is none.
            if let Some(key) = user.key() {
                people.learn(user.id, Some(&key));
            }
            Ok(None)
        }
        _ => Ok(None),
    }
}

fn parse<T: DeserializeOwned>(event: RawEvent<'_>) -> Result<T, Trouble> {
    serde_json::from_slice(event.body)
        .map_err(|error| failure::unreadable_event(event.name, &error.to_string()).into())
}

fn of_post(post: &Post, reader: &Reader<'_>, places: &Places) -> Option<Hint> {
    let is_public = match post.topic_archetype.as_deref() {
        Some(archetype) => archetype != "private_message",
        // Payloads before 2.9 do not name it; private messages have no category.
        None => post.category_id.is_some(),
    };
    if !is_public || post.kind() == PostType::Whisper {
        return None;
    }
    let topic = post.topic_id?;
    let item = match post.kind() {
        PostType::Words if !post.is_first() => item(post, topic, reader, places),
        _ => None,
    };
    if let (Some(number), Some(_)) = (post.post_number, &item) {
        places.learn(post.id, Place { topic, number });
    }
    Some(Hint {
        topic: id(topic),
        course: post.category_id.map(id),
        item,
    })
}

/// The post as an item, where it is known which post it answers.
fn item(post: &Post, topic: i64, reader: &Reader<'_>, places: &Places) -> Option<RemoteItem> {
    let answered = post.reply_to_post_number.filter(|number| *number > 1);
    let parent = answered.map(|number| places.post_at(Place { topic, number }));
    match parent {
        Some(None) => None,
        known => reader.post(post, topic, known.flatten()),
    }
}

fn of_topic(topic: &Topic) -> Option<Hint> {
    if topic.is_private() {
        return None;
    }
    Some(Hint {
        topic: id(topic.id),
        course: topic.category_id.map(id),
        item: None,
    })
}

/// Whether `header` (`X-Discourse-Event-Signature`) is the signature of `body`: `sha256=` and the hex HMAC-SHA256
/// (contract discourse §14.2). Takes the same time wherever the two differ.
pub fn signature_is_valid(secret: &[u8], body: &[u8], header: &str) -> bool {
    let Some(signature) = header.trim().strip_prefix("sha256=").and_then(unhex) else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return false;
    };
    mac.update(body);
    mac.verify_slice(&signature).is_ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|value| u8::try_from(value).ok())
        })
        .collect();
    Some(
        digits?
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |sum, digit| (sum << 4) | digit))
            .collect(),
    )
}

#[cfg(test)]
mod tests;

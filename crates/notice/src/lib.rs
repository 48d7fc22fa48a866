//! Tells people by e-mail, webhook and chat that something needs them, one message at a time.
//!
//! It knows how a message looks in each channel and how it is sent; it must not know when to send what, and never gets
//! words that people or remote systems wrote.
#![warn(missing_docs)]

mod chat;
mod email;
mod webhook;
mod words;

use model::{Notice, Timestamp};

pub use email::{Email, Encryption};
pub use webhook::Webhook;

/// A way to tell people.
#[derive(Debug, Clone)]
pub struct Channel {
    /// What the configuration calls it.
    pub name: String,
    /// How it is sent.
    pub way: Way,
}

/// How a message is sent.
#[derive(Debug, Clone)]
pub enum Way {
    /// By e-mail.
    Email(Email),
    /// As signed JSON.
    Webhook(Webhook),
    /// As a line of chat: JSON that Slack and Mattermost take.
    Chat(api_client::Hook),
}

impl Way {
    /// The word for it: `email`, `webhook` or `chat`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Webhook(_) => "webhook",
            Self::Chat(_) => "chat",
        }
    }
}

/// One message on its way.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The idempotency key: the same when the message is sent again.
    pub id: &'a str,
    /// What it says.
    pub notice: &'a Notice,
    /// The address of our pages, for links.
    pub site: Option<&'a str>,
    /// Now.
    pub now: Timestamp,
}

impl Channel {
    /// Sends a message; the error says why it was not taken, without secrets.
    pub async fn send(&self, message: Message<'_>) -> Result<(), String> {
        match &self.way {
            Way::Email(email) => email::send(email, message).await,
            Way::Webhook(webhook) => webhook::send(webhook, message).await,
            Way::Chat(hook) => chat::send(hook, message).await,
        }
    }
}

/// A target for posts; with `is_private_allowed` it may lie in our own network.
pub fn hook(url: &str, is_private_allowed: bool) -> Result<api_client::Hook, String> {
    api_client::Hook::new(api_client::Secret::new(url), is_private_allowed)
        .map_err(|error| error.to_string())
}

/// What a status says about a message.
fn taken(status: u16) -> Result<(), String> {
    match status {
        200..300 => Ok(()),
        300..400 => Err(format!("answered {status}: redirects are not followed")),
        _ => Err(format!("answered {status}")),
    }
}

#[cfg(test)]
mod tests;

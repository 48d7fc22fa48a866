//! What the attribute of a Discourse quotation says about the quoted post (contract markup §3).

use crate::context::Context;
use crate::url;

/// Whose words a quotation has, and where they stand.
pub(super) struct Quoted {
    /// The name to show.
    pub name: String,
    /// The page of the quoted post in Discourse, where the attribute says which it is.
    pub page: Option<String>,
}

impl Quoted {
    /// Reads an attribute such as `ann, post:3, topic:7`; `None` when it names nobody. A name may hold commas.
    pub(super) fn read(source: &str, ctx: &Context) -> Option<Self> {
        let mut parts = source.split(',').map(str::trim).peekable();
        let mut names = Vec::new();
        while let Some(part) = parts.next_if(|part| !is_detail(part)) {
            names.push(part);
        }
        let name = names.join(", ");
        let (mut post, mut topic, mut username) = (None, None, None);
        for part in parts {
            match part.split_once(':') {
                Some(("post", value)) => post = number(value),
                Some(("topic", value)) => topic = number(value),
                Some(("username", value)) => username = Some(value),
                _ => {}
            }
        }
        if name.is_empty() || name.contains(':') {
            return None;
        }
        // Without a name of its own the attribute begins with the username.
        let person = if username.is_none() {
            ctx.user_by_username(&name)
        } else {
            None
        };
        let known = person.map(|(_, user)| user.name.as_str());
        Some(Quoted {
            page: topic
                .zip(post)
                .map(|(topic, post)| url::post_page(topic, post)),
            name: known
                .filter(|name| !name.is_empty())
                .map_or(name, str::to_owned),
        })
    }
}

fn is_detail(part: &str) -> bool {
    ["post:", "topic:", "full:", "username:"]
        .iter()
        .any(|start| part.starts_with(start))
}

fn number(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_number =
        !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some(text)
}

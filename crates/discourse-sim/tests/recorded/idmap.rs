//! Ids of the recorded server and ours.

use serde_json::Value;
use std::collections::HashMap;

/// Recorded ids with ours, by kind of object.
#[derive(Default)]
pub struct IdMap {
    map: HashMap<(&'static str, i64), i64>,
    /// `upload://` names.
    pub names: HashMap<String, String>,
}

impl IdMap {
    pub fn learn(&mut self, kind: &'static str, recorded: Option<i64>, ours: Option<i64>) {
        if let (Some(recorded), Some(ours)) = (recorded, ours) {
            self.map.insert((kind, recorded), ours);
        }
    }

    pub fn knows(&self, kind: &'static str, recorded: i64) -> bool {
        self.map.contains_key(&(kind, recorded))
    }

    /// Our id; huge and unknown ones are never given out here.
    pub fn ours(&self, kind: &'static str, recorded: i64) -> i64 {
        let unknown = if recorded > 100_000 {
            recorded
        } else {
            7_000_000 + recorded
        };
        self.map.get(&(kind, recorded)).copied().unwrap_or(unknown)
    }

    /// Learns from a pair of answers.
    pub fn compare(&mut self, path: &str, recorded: &Value, ours: &Value) {
        let int = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_i64);
        let both = |pointer: &str| (int(recorded, pointer), int(ours, pointer));
        if recorded.get("post_number").is_some() {
            let (a, b) = both("/id");
            self.learn("post", a, b);
            let (a, b) = both("/topic_id");
            self.learn("topic", a, b);
        }
        for (kind, pointer) in [
            ("category", "/category/id"),
            ("group", "/basic_group/id"),
            ("hook", "/web_hook/id"),
            ("user", "/user_id"),
            ("review", "/pending_post/id"),
            ("post", "/reviewable_perform_result/created_post_id"),
            ("topic", "/reviewable_perform_result/created_post_topic_id"),
        ] {
            let (a, b) = both(pointer);
            self.learn(kind, a, b);
        }
        if path.starts_with("/admin/users/sync_sso") {
            let (a, b) = both("/id");
            self.learn("user", a, b);
        }
        if let (Some(a), Some(b)) = (recorded.get("short_url"), ours.get("short_url")) {
            self.names.insert(text(a), text(b));
        }
        if let (Some(a), Some(b)) = (recorded.get("url"), ours.get("url")) {
            let last = |value: &Value| {
                text(value)
                    .rsplit('/')
                    .next()
                    .and_then(|id| id.parse().ok())
            };
            self.learn("topic", last(a), last(b));
        }
        self.streams(recorded, ours);
    }

    /// Streams of equal length tell the ids of posts that were made on the way.
    fn streams(&mut self, recorded: &Value, ours: &Value) {
        let list = |value: &Value| -> Vec<i64> {
            let stream = value
                .pointer("/post_stream/stream")
                .and_then(Value::as_array)
                .cloned();
            stream
                .unwrap_or_default()
                .iter()
                .filter_map(Value::as_i64)
                .collect()
        };
        let (a, b) = (list(recorded), list(ours));
        if a.len() != b.len() {
            return;
        }
        for (recorded, ours) in a.into_iter().zip(b) {
            if !self.knows("post", recorded) {
                self.learn("post", Some(recorded), Some(ours));
            }
        }
    }

    /// A request's path with our ids.
    pub fn path(&self, path: &str) -> String {
        let (plain, query) = path.split_once('?').unwrap_or((path, ""));
        let plain = self.short(plain);
        let mut parts: Vec<String> = plain.split('/').map(ToOwned::to_owned).collect();
        let kind = |at: usize, parts: &[String]| -> Option<&'static str> {
            let before = |back: usize| {
                at.checked_sub(back)
                    .and_then(|at| parts.get(at))
                    .map_or("", String::as_str)
            };
            match (before(1), before(2)) {
                ("posts" | "post_actions", "") => Some("post"),
                ("t" | "raw", "") | ("-", "t") | ("by_number", "posts") => Some("topic"),
                ("c" | "categories", "") | (_, "c") => Some("category"),
                ("groups", "") => Some("group"),
                ("web_hooks" | "web_hook_events", "api") => Some("hook"),
                ("users", "admin") => Some("user"),
                ("review", "") => Some("review"),
                _ => None,
            }
        };
        for at in 0..parts.len() {
            let Some(kind) = kind(at, &parts) else {
                continue;
            };
            let (id, tail) = parts[at]
                .split_once('.')
                .map_or((parts[at].as_str(), ""), |(id, _)| (id, ".json"));
            if let Ok(id) = id.parse::<i64>() {
                // Automatic groups have the same ids everywhere.
                let ours = if kind == "group" && id < 40 {
                    id
                } else {
                    self.ours(kind, id)
                };
                parts[at] = format!("{ours}{tail}");
            }
        }
        let query: Vec<String> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| match pair.split_once("post_ids[]=") {
                Some((_, id)) => format!("post_ids[]={}", self.ours("post", id.parse().unwrap())),
                None if pair.starts_with("id=") => {
                    format!("id={}", self.ours("post", pair[3..].parse().unwrap()))
                }
                None => match pair.split_once("before=") {
                    Some((_, id)) if self.knows("post", id.parse().unwrap()) => {
                        format!("before={}", self.ours("post", id.parse().unwrap()))
                    }
                    _ => pair.to_owned(),
                },
            })
            .collect();
        let path = parts.join("/");
        if query.is_empty() {
            path
        } else {
            format!("{path}?{}", query.join("&"))
        }
    }

    /// A path whose last part may be the short name of an upload.
    fn short(&self, path: &str) -> String {
        let mut path = path.to_owned();
        for (recorded, ours) in &self.names {
            path = path.replace(&recorded["upload://".len()..], &ours["upload://".len()..]);
        }
        path
    }

    /// A recorded answer with our ids in its texts.
    pub fn answer(&self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(raw) if name == "raw" => *raw = self.links(&self.text(raw)),
                        Value::Object(gaps) if name == "before" || name == "after" => {
                            *gaps = self.gaps(gaps);
                        }
                        other => self.answer(other),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.answer(item)),
            _ => {}
        }
    }

    /// Gaps of a stream: their keys are post ids.
    fn gaps(&self, gaps: &serde_json::Map<String, Value>) -> serde_json::Map<String, Value> {
        let ours = |id: &str| self.ours("post", id.parse().unwrap()).to_string();
        gaps.iter()
            .map(|(id, list)| (ours(id), list.clone()))
            .collect()
    }

    /// Links to topics, `(/t/slug/12)` or `(/t/slug/12/3)`.
    fn links(&self, raw: &str) -> String {
        let Some((before, rest)) = raw.split_once("](/t/") else {
            return raw.to_owned();
        };
        let (slug, rest) = rest.split_once('/').unwrap();
        let end = rest.find([')', '/']).unwrap();
        let ours = self.ours("topic", rest[..end].parse().unwrap());
        format!("{before}](/t/{slug}/{ours}{}", &rest[end..])
    }

    /// A request's body with our ids.
    pub fn body(&self, path: &str, body: &mut Value) {
        let Some(fields) = body.as_object_mut() else {
            return;
        };
        for (name, kind) in [
            ("topic_id", "topic"),
            ("destination_topic_id", "topic"),
            ("category", "category"),
            ("category_id", "category"),
            ("parent_category_id", "category"),
        ] {
            if let Some(value) = fields.get_mut(name)
                && let Some(id) = value.as_i64()
                && id != 1
            {
                *value = self.ours(kind, id).into();
            }
        }
        if path.starts_with("/post_actions")
            && let Some(id) = fields.get("id").and_then(Value::as_i64)
        {
            fields.insert("id".to_owned(), self.ours("post", id).into());
        }
        if let Some(Value::Array(ids)) = fields.get_mut("post_ids") {
            for id in ids {
                *id = self.ours("post", id.as_i64().unwrap()).into();
            }
        }
        for name in ["raw"] {
            if let Some(Value::String(raw)) = fields.get_mut(name) {
                *raw = self.text(raw);
            }
        }
        if let Some(Value::Array(urls)) = fields.get_mut("short_urls") {
            for url in urls {
                *url = self.text(url.as_str().unwrap()).into();
            }
        }
    }

    /// Quotes and uploads in a text, with our ids.
    pub fn text(&self, raw: &str) -> String {
        let mut raw = raw.to_owned();
        for (recorded, ours) in &self.names {
            raw = raw.replace(recorded, ours);
        }
        for ((kind, recorded), ours) in &self.map {
            if *kind == "topic" {
                raw = raw.replace(&format!("topic:{recorded},"), &format!("topic:~{ours},"));
                raw = raw.replace(&format!("topic:{recorded}\""), &format!("topic:~{ours}\""));
            }
        }
        raw.replace("topic:~", "topic:")
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

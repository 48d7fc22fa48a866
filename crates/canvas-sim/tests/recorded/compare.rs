//! Comparing a recorded answer with ours: same keys, same types, same values except those that
//! cannot be equal (times, secrets, counters of the other machine).

use crate::replay::Answer;
use html5ever::tendril::TendrilSink as _;
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use serde_json::Value;
use std::collections::BTreeSet;

/// Values that depend on the other machine; only their type is compared.
const FREE: &[&str] = &[
    "uuid",
    "verifier",
    "folder_id",
    "error_report_id",
    "total_activity_time",
    "avatar_image_url",
    "secure_params",
    "Policy",
    "Signature",
    "key",
    "upload_url",
    "ics",
    "thumbnail_url",
    "filename",
];
/// Values that may be null on one side.
const OPTIONAL: &[&str] = &["last_activity_at", "start_at"];

fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 20 && bytes[4] == b'-' && bytes[10] == b'T' && bytes[13] == b':'
}

/// The form of a time: digits replaced.
fn form(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect()
}

/// Replaces 40-letter secrets.
fn without_secrets(text: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_alphanumeric() {
            run.push(c);
            continue;
        }
        out.push_str(if run.len() == 40 { "SECRET" } else { &run });
        run.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    out
}

fn squeeze(text: &str) -> String {
    text.split(|c: char| c.is_ascii_whitespace())
        .filter(|w| !w.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn walk(node: &Handle, out: &mut Vec<String>) {
    match &node.data {
        NodeData::Text { contents } => {
            let text = squeeze(&contents.borrow());
            if !text.is_empty() {
                match out.last_mut() {
                    Some(last) if last.starts_with("T:") => {
                        last.push(' ');
                        last.push_str(&text);
                    }
                    _ => out.push(format!("T:{text}")),
                }
            }
        }
        NodeData::Element { name, attrs, .. } => {
            let attributes: BTreeSet<String> = attrs
                .borrow()
                .iter()
                .map(|a| format!("{}={:?}", a.name.local, without_secrets(&a.value)))
                .collect();
            out.push(format!(
                "<{} {}>",
                name.local,
                attributes.into_iter().collect::<Vec<_>>().join(" ")
            ));
            for child in node.children.borrow().iter() {
                walk(child, out);
            }
            out.push(format!("</{}>", name.local));
        }
        _ => {
            for child in node.children.borrow().iter() {
                walk(child, out);
            }
        }
    }
}

/// HTML as a list of tags and texts after parsing; blank text between them does not count.
pub fn meaning(html: &str) -> Vec<String> {
    let dom = html5ever::parse_document(RcDom::default(), html5ever::ParseOpts::default())
        .one(format!("<body>{html}"));
    let mut out = Vec::new();
    walk(&dom.document, &mut out);
    out
}

/// `<65535 x>` and `<100000 chars>`: a long text that the recording shortens.
fn is_abridged(theirs: &str, ours: &str) -> bool {
    let inner = theirs.strip_prefix('<').and_then(|t| t.strip_suffix('>'));
    let Some((count, what)) = inner.and_then(|t| t.split_once(' ')) else {
        return false;
    };
    let Ok(count) = count.parse::<usize>() else {
        return false;
    };
    ours.chars().count() == count && (what == "chars" || ours.chars().all(|c| what.starts_with(c)))
}

fn strings(key: &str, theirs: &str, ours: &str) -> bool {
    if is_abridged(theirs, ours) {
        return true;
    }
    // An error page of the framework is as good as any other.
    if theirs.starts_with("<!DOCTYPE") && ours.starts_with("<!DOCTYPE") {
        return true;
    }
    if FREE.contains(&key) {
        return true;
    }
    if is_time(theirs) && is_time(ours) {
        return form(theirs) == form(ours);
    }
    if matches!(key, "message" | "description") {
        return meaning(theirs) == meaning(ours);
    }
    without_secrets(theirs) == without_secrets(ours)
}

fn values(path: &str, key: &str, theirs: &Value, ours: &Value, out: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let path = format!("{path}.{key}");
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => values(&path, key, a, b, out),
                    (Some(a), None) => out.push(format!("{path}: missing, there {}", short(a))),
                    (None, Some(b)) => out.push(format!("{path}: too much, {}", short(b))),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                out.push(format!("{path}: {} rows there, {} here", a.len(), b.len()));
            }
            for (n, (a, b)) in a.iter().zip(b).enumerate() {
                values(&format!("{path}[{n}]"), key, a, b, out);
            }
        }
        (Value::String(a), Value::String(b)) if strings(key, a, b) => {}
        (Value::Number(_), Value::Number(_)) if FREE.contains(&key) => {}
        (a, b) if a == b => {}
        (a, b) if OPTIONAL.contains(&key) && (a.is_null() || b.is_null()) => {}
        (a, b) => out.push(format!("{path}: {} there, {} here", short(a), short(b))),
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(160).collect()
}

/// All differences of two answers.
pub fn answers(theirs: &Value, ours: &Answer) -> Vec<String> {
    let mut out = Vec::new();
    if theirs["status"] != ours.status {
        out.push(format!(
            "status: {} there, {} here {}",
            theirs["status"],
            ours.status,
            short(&ours.body)
        ));
        return out;
    }
    for name in [
        "Link",
        "WWW-Authenticate",
        "X-Canvas-User-Id",
        "X-Canvas-Real-User-Id",
        "Location",
    ] {
        let a = theirs["headers"][name].as_str().map(without_secrets);
        let b = ours
            .headers
            .get(&name.to_lowercase())
            .map(|v| without_secrets(v));
        // Later recordings keep fewer headers.
        let is_kept = a.is_some() || !name.starts_with("X-");
        if a != b && is_kept {
            out.push(format!("{name}: {a:?} there, {b:?} here"));
        }
    }
    values("", "", &theirs["body"], &ours.body, &mut out);
    out
}

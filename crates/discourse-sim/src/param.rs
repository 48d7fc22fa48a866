//! Parameters of a request: query, form, JSON and multipart in one nested value.
//!
//! Forms nest the way Rails reads them: `post[raw]=…`, `post_ids[]=1` (contract section 2).

use bytes::Bytes;
use serde_json::{Map, Value};

/// A file of a multipart body.
#[derive(Debug, Clone)]
pub struct FilePart {
    /// The file's own name.
    pub name: String,
    /// The bytes.
    pub data: Bytes,
}

/// All parameters of one request.
#[derive(Debug, Clone, Default)]
pub struct Params {
    root: Map<String, Value>,
    /// Uploaded files.
    pub files: Vec<FilePart>,
}

impl Params {
    /// Adds the pairs of a query string or a form body.
    pub fn add_form(&mut self, text: &str) {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(text).unwrap_or_default();
        for (name, value) in pairs {
            self.add_pair(&name, value);
        }
    }

    /// Adds one pair whose name may nest.
    pub fn add_pair(&mut self, name: &str, value: String) {
        let path = split_name(name);
        insert(&mut self.root, &path, Value::String(value));
    }

    /// Adds the fields of a JSON body; anything but an object is kept under `_json`, as Rails does.
    pub fn add_json(&mut self, value: Value) {
        match value {
            Value::Object(fields) => self.root.extend(fields),
            other => {
                self.root.insert("_json".to_owned(), other);
            }
        }
    }

    /// One parameter as it came.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.root.get(name)
    }

    /// A nested object, such as `post`.
    pub fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.root.get(name).and_then(Value::as_object)
    }

    /// All parameters as one object.
    pub fn all(&self) -> &Map<String, Value> {
        &self.root
    }

    /// A parameter as text; numbers and booleans are written out, null counts as absent.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(scalar)
    }

    /// A parameter as a whole number.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.text(name).and_then(|text| text.trim().parse().ok())
    }

    /// Whether a parameter is `true` or `"true"`.
    pub fn truthy(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|text| text == "true" || text == "1" || text == "t")
    }

    /// Whether a parameter has any non-empty value (`include_raw=1`, contract section 7.1).
    pub fn present(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| !text.is_empty())
    }

    /// A list of texts, or one text as a list of one.
    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        self.get(name).and_then(texts)
    }

    /// A list of whole numbers; entries that are none are left out.
    pub fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.list(name).map(|list| {
            list.iter()
                .filter_map(|text| text.trim().parse().ok())
                .collect()
        })
    }

    /// A comma-separated list, also given as an array.
    pub fn comma_list(&self, name: &str) -> Vec<String> {
        self.list(name)
            .unwrap_or_default()
            .iter()
            .flat_map(|text| text.split(','))
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(ToOwned::to_owned)
            .collect()
    }
}

/// A scalar as text; `None` for null, lists and objects.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A list of scalars as texts; a scalar is a list of one.
pub fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => Some(items.iter().filter_map(scalar).collect()),
        other => scalar(other).map(|text| vec![text]),
    }
}

/// A canonical text of all parameters in which JSON and form spellings agree
/// (contract section 1.5: the replay cache does not tell them apart).
pub fn canonical(fields: &Map<String, Value>) -> String {
    let mut text = String::new();
    write_canonical(&Value::Object(fields.clone()), &mut text);
    text
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            out.push('{');
            let mut names: Vec<_> = fields.iter().collect();
            names.sort_by(|a, b| a.0.cmp(b.0));
            for (name, value) in names {
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write_canonical(value, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write_canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        other => out.push_str(&Value::from(scalar(other)).to_string()),
    }
}

fn split_name(name: &str) -> Vec<String> {
    let Some((head, rest)) = name.split_once('[') else {
        return vec![name.to_owned()];
    };
    let mut path = vec![head.to_owned()];
    path.extend(
        rest.split('[')
            .map(|part| part.trim_end_matches(']').to_owned()),
    );
    path
}

fn insert(map: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((head, rest)) = path.split_first() else {
        return;
    };
    match rest.split_first() {
        None => {
            map.insert(head.clone(), value);
        }
        Some((next, tail)) if next.is_empty() => {
            let slot = map
                .entry(head.clone())
                .or_insert_with(|| Value::Array(Vec::new()));
            if !slot.is_array() {
                *slot = Value::Array(Vec::new());
            }
            if let Value::Array(items) = slot {
                push_item(items, tail, value);
            }
        }
        Some(_) => {
            let slot = map
                .entry(head.clone())
                .or_insert_with(|| Value::Object(Map::new()));
            if !slot.is_object() {
                *slot = Value::Object(Map::new());
            }
            if let Value::Object(inner) = slot {
                insert(inner, rest, value);
            }
        }
    }
}

/// `tags[][name]=a`: a new object starts when its field is already taken.
fn push_item(items: &mut Vec<Value>, tail: &[String], value: Value) {
    let Some(field) = tail.first() else {
        items.push(value);
        return;
    };
    let fits = items
        .last()
        .and_then(Value::as_object)
        .is_some_and(|last| !last.contains_key(field));
    if !fits {
        items.push(Value::Object(Map::new()));
    }
    if let Some(Value::Object(last)) = items.last_mut() {
        insert(last, tail, value);
    }
}

#[cfg(test)]
mod tests {
    use super::{Params, canonical};
    use serde_json::{Value, json};

    fn form(text: &str) -> Value {
        let mut params = Params::default();
        params.add_form(text);
        Value::Object(params.all().clone())
    }

    #[test]
    fn forms_nest() {
        assert_eq!(
            form("post%5Braw%5D=a%2Bb&post[edit_reason]=r&title=t"),
            json!({"post": {"raw": "a+b", "edit_reason": "r"}, "title": "t"})
        );
        assert_eq!(
            form("post_ids[]=1&post_ids[]=2"),
            json!({"post_ids": ["1", "2"]})
        );
        assert_eq!(
            form("tags[][name]=a&tags[][name]=b"),
            json!({"tags": [{"name": "a"}, {"name": "b"}]})
        );
        assert_eq!(form("a=1&a[b]=2"), json!({"a": {"b": "2"}}));
        assert_eq!(form("a[=1"), json!({"a": ["1"]}));
    }

    #[test]
    fn values_are_read_by_type() {
        let mut params = Params::default();
        params.add_json(json!({"n": 5, "flag": true, "ids": [1, "2", "x"], "names": "a, b,,c"}));
        assert_eq!(params.int("n"), Some(5));
        assert!(params.truthy("flag"));
        assert_eq!(params.ints("ids"), Some(vec![1, 2]));
        assert_eq!(params.comma_list("names"), ["a", "b", "c"]);
        assert_eq!(params.text("absent"), None);
    }

    #[test]
    fn json_and_form_spell_the_same() {
        let mut a = Params::default();
        a.add_json(json!({"topic_id": 57, "raw": "x", "ok": true}));
        let mut b = Params::default();
        b.add_form("ok=true&raw=x&topic_id=57");
        assert_eq!(canonical(a.all()), canonical(b.all()));
        b.add_form("more=1");
        assert_ne!(canonical(a.all()), canonical(b.all()));
    }
}

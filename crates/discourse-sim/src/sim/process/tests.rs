//! Every endpoint with odd input.

use super::{Asked, Read, process};
use crate::option::{ADMIN_KEY, Content, Options};
use crate::param::Params;
use crate::route;
use crate::seed;
use crate::state::World;
use http::HeaderMap;
use serde_json::{Value, json};

const VARS: [&str; 11] = [
    "1",
    "2",
    "7",
    "-1",
    "0",
    "9223372036854775807",
    "abc",
    "alice",
    "intro-bio",
    "%00",
    "\u{e9}",
];

const NAMES: &str = "raw title topic_id category category_id reply_to_post_number page per_page before \
    limit offset post_ids post tags username usernames timestamp status enabled until time \
    status_type destination_topic_id id post_action_type_id name permissions group web_hook version \
    level suspend_until reason external_id embed_url created_at sso new_username short_urls q filter \
    post_number best user_ids upload_type min_post_length";

/// Endpoints that real servers answer with 500 for some bad input (recordings 407, 538).
const FRAGILE: [&str; 2] = ["/t/{id:n}/move-posts", "/t/{id:n}/merge-topic"];

fn ask(world: &mut World, who: &str, method: &str, path: String, body: &Value) -> u16 {
    let mut headers = HeaderMap::new();
    headers.insert("api-key", ADMIN_KEY.parse().unwrap());
    headers.insert("api-username", who.parse().unwrap());
    let mut params = Params::default();
    params.add_json(body.clone());
    let asked = Asked {
        method: method.to_owned(),
        path,
        query: String::new(),
        headers,
        ip: "127.0.0.1".to_owned(),
        read: Read {
            params,
            get_with_body: false,
        },
    };
    process(world, &asked).answer.status
}

/// A path of a template, its variables taken in turn from the odd ones.
fn path(template: &str, mut turn: usize) -> String {
    let mut path = String::new();
    for part in template.split('/').filter(|part| !part.is_empty()) {
        path.push('/');
        if part.starts_with('{') {
            turn += 1;
            path.push_str(VARS[turn % VARS.len()]);
        } else {
            path.push_str(part);
        }
    }
    path
}

/// Refusals, never a panic, and 500 only where real servers have it.
#[test]
fn odd_input_is_refused_everywhere() {
    let options = Options {
        content: Content::Term,
        ..Options::default()
    };
    let odd = [
        json!("x"),
        json!(-1),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(true),
        json!([1, -5]),
        json!({"a": [{}]}),
        json!(null),
        json!(""),
    ];
    let mut count = 0_usize;
    for route in route::all() {
        let mut world = World::new(&options);
        seed::fill(&mut world, &options);
        for (at, value) in odd.iter().enumerate() {
            let body: Value = NAMES
                .split_whitespace()
                .map(|name| (name.to_owned(), value.clone()))
                .collect();
            for turn in 0..VARS.len() {
                let path = path(route.template, turn);
                let who = ["system", "alice", "admin1"][(at + turn) % 3];
                let status = ask(&mut world, who, route.method, path.clone(), &body);
                let fine = status < 500 || FRAGILE.contains(&route.template);
                assert!(fine, "{} {path} {value}: {status}", route.method);
                count += 1;
            }
        }
    }
    assert!(count > 5_000, "{count}");
}

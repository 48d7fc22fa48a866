//! The content a forum starts with: people, categories, threads.

mod term;
#[cfg(test)]
pub mod testing;

use serde_json::{Map, json};

use crate::act::category;
use crate::auth::{Actor, ApiKey};
use crate::clock::DAY;
use crate::hook::WebHook;
use crate::hook::event::{EVENTS, NOUNS};
use crate::option::{ADMIN_KEY, Content, Options};
use crate::state::user::{SsoRecord, User};
use crate::state::{SYSTEM, UNCATEGORIZED, World};

/// Username, name and external id (the id of the same person in Canvas); user ids differ from
/// those on purpose, so that nobody mistakes one for the other.
const PEOPLE: &[(&str, &str, &str)] = &[
    ("tina", "Tina Teacher", "2"),
    ("alice", "Alice Lee", "3"),
    ("bob", "Bob Stone", "4"),
    ("carol", "Carol Diaz", "5"),
    ("dave", "Dave Okafor", "6"),
    ("erin", "Erin Walsh", "7"),
    ("frank", "Frank Novak", "8"),
    ("grace", "Grace Kim", "9"),
    ("heidi", "Heidi Brandt", "10"),
    ("ivan", "Ivan Petrov", "11"),
];

/// The first id of a plain user.
const FIRST_USER: i64 = 100;

/// Fills a new forum.
pub fn fill(world: &mut World, options: &Options) {
    let key = ApiKey {
        key: ADMIN_KEY.to_owned(),
        user_id: None,
        scopes: None,
        revoked: false,
    };
    world.keys.insert(ADMIN_KEY.to_owned(), key);
    world.ids.reserve("category", UNCATEGORIZED);
    people(world, options.content);
    let names: &[&str] = match options.content {
        Content::Empty => &["Introduction to Biology"],
        Content::Term => &["Introduction to Biology", "World History", "Calculus I"],
    };
    for name in names {
        make_category(world, name);
    }
    if options.content == Content::Term {
        term::threads(world);
    }
    if let Some(target) = &options.webhook_target {
        let known = if world.switches.event_type_per_event {
            EVENTS
        } else {
            NOUNS
        };
        let id = world.ids.next("web_hook");
        let hook = WebHook {
            id,
            url: target.url.clone(),
            content_type: 1,
            secret: target.secret.clone(),
            wildcard: false,
            verify_certificate: false,
            active: true,
            types: known.iter().map(|(id, _)| *id).collect(),
            category_ids: Vec::new(),
            group_ids: Vec::new(),
            tag_names: Vec::new(),
            last_delivery_status: 1,
        };
        world.hooks.hooks.insert(id, hook);
    }
}

fn people(world: &mut World, content: Content) {
    let long_ago = world.now() - 400 * DAY;
    let mut system = User::new(SYSTEM, "system", "system", long_ago);
    system.admin = true;
    system.moderator = true;
    system.trust_level = 4;
    world.add_user(system);
    let mut admin = User::new(1, "admin1", "Admin One", long_ago);
    admin.admin = true;
    admin.trust_level = 4;
    world.add_user(admin);
    set_external(world, 1, "1");
    world.ids.reserve("user", FIRST_USER);
    let count = if content == Content::Empty {
        3
    } else {
        PEOPLE.len()
    };
    for (username, name, external_id) in PEOPLE.iter().take(count) {
        let id = world.ids.next("user");
        let mut user = User::new(id, username, name, long_ago);
        // Trust level 2, so that the limits of new users do not get in the way.
        user.trust_level = 2;
        world.add_user(user);
        set_external(world, id, external_id);
    }
}

fn set_external(world: &mut World, id: i64, external_id: &str) {
    let now = world.now();
    let (username, name) = world
        .users
        .get(&id)
        .map(|user| (user.username.clone(), user.name.clone().unwrap_or_default()))
        .unwrap_or_default();
    let record = SsoRecord {
        external_id: external_id.to_owned(),
        external_username: username,
        external_name: name,
        created_at: now,
        updated_at: now,
    };
    world.set_sso(id, record);
}

fn make_category(world: &mut World, name: &str) {
    let Some(system) = world.users.get(&SYSTEM).map(|user| Actor::of(user, true)) else {
        return;
    };
    let mut fields = Map::new();
    fields.insert("name".to_owned(), json!(name));
    if name == "Introduction to Biology" {
        fields.insert("slug".to_owned(), json!("intro-bio"));
    } else if name == "Calculus I" {
        fields.insert("slug".to_owned(), json!("calculus-1"));
    }
    // The names are fixed and differ; there is nothing to refuse.
    category::create(world, system, &fields).unwrap_or_default();
}

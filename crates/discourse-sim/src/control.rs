//! The control API under `/_sim/`: people, clock, faults, log, state (docs/sandbox-discourse.md).

mod dump;
pub mod person;

use std::time::Duration;

use serde_json::{Value, json};

use crate::act::reap;
use crate::answer::{Answer, Outcome};
use crate::auth::ApiKey;
use crate::clock;
use crate::fault::Rule;
use crate::hook::HookFaults;
use crate::import;
use crate::param::Params;
use crate::setting::SettingError;
use crate::sim::Sim;
use crate::state::World;

/// Serves one request of the control API.
pub async fn handle(sim: &Sim, method: &str, path: &str, params: &Params) -> Answer {
    let rest = path.strip_prefix("/_sim/").unwrap_or("");
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    let outcome = match (method, parts.as_slice()) {
        ("POST", ["webhooks", "wait"]) => wait(sim, params).await,
        ("POST", ["reset"]) => match sim.reset() {
            Ok(()) => Ok(Answer::ok()),
            Err(error) => Err(refuse(&error.to_string())),
        },
        ("GET", ["hello"]) => Ok(Answer::json(sim.hello())),
        _ => sim.with(|world| {
            reap::run(world);
            run(world, method, &parts, params)
        }),
    };
    match outcome {
        Ok(answer) | Err(answer) => answer,
    }
}

/// 400 with what is wrong.
fn refuse(text: &str) -> Answer {
    Answer::errors(400, &[text.to_owned()], Some("sim"))
}

fn run(world: &mut World, method: &str, parts: &[&str], params: &Params) -> Outcome {
    match (method, parts) {
        ("GET", ["clock"]) => Ok(show_clock(world)),
        ("PUT" | "POST", ["clock"]) => set_clock(world, params),
        ("GET", ["settings"]) => Ok(Answer::json(json!(world.settings.all()))),
        ("PUT" | "POST", ["settings"]) => set_settings(world, params),
        ("GET", ["switches"]) => Ok(Answer::json(json!(world.switches))),
        ("PUT" | "POST", ["switches"]) => set_switches(world, params),
        ("GET", ["limits"]) => Ok(show_limits(world)),
        ("PUT" | "POST", ["limits"]) => set_limits(world, params),
        ("GET", ["faults"]) => Ok(Answer::json(json!({
            "rules": world.faults.rules(), "read_only": world.faults.read_only,
            "webhooks": world.hooks.faults,
        }))),
        ("POST", ["faults"]) => add_fault(world, params),
        ("DELETE", ["faults"]) => {
            world.faults.clear(None);
            world.faults.read_only = false;
            world.hooks.faults = HookFaults::default();
            Ok(Answer::ok())
        }
        ("DELETE", ["faults", id]) => {
            world
                .faults
                .clear(Some(id.parse().map_err(|_| refuse("the id is a number"))?));
            Ok(Answer::ok())
        }
        ("PUT" | "POST", ["read_only"]) => {
            world.faults.read_only = params.truthy("enabled");
            Ok(Answer::ok())
        }
        ("PUT" | "POST", ["webhooks", "faults"]) => set_hook_faults(world, params),
        ("POST", ["webhooks", "flush"]) => {
            let now = world.now();
            world.hooks.flush(now);
            Ok(Answer::ok())
        }
        ("GET", ["webhooks"]) => Ok(dump::deliveries(world)),
        ("POST", ["keys"]) => add_key(world, params),
        ("GET", ["log"]) => Ok(dump::log(world, params)),
        ("DELETE", ["log"]) => {
            world.log.clear();
            Ok(Answer::ok())
        }
        ("GET", ["counters"]) => Ok(Answer::json(json!(world.log.counters()))),
        ("GET", ["state"]) => Ok(dump::state(world)),
        ("GET", ["topics", id]) => dump::topic(world, id),
        ("POST", ["import"]) => load(world, params),
        ("POST", ["as", name, action]) => person::act(world, name, action, params),
        ("PUT" | "POST", ["users", name]) => set_user(world, name, params),
        ("PUT" | "POST", ["posts", id, "hidden"]) => set_hidden(world, id, params),
        _ => Err(Answer::not_found()),
    }
}

fn show_clock(world: &World) -> Answer {
    let now = world.now();
    Answer::json(
        json!({ "now_ms": now, "now": clock::iso(now), "frozen": world.clock.is_frozen() }),
    )
}

/// `now_ms` or `now` sets, `advance_ms` or `advance_s` adds, `frozen` stops; then jobs run.
fn set_clock(world: &mut World, params: &Params) -> Outcome {
    if let Some(frozen) = params.text("frozen") {
        world.clock.freeze(frozen == "true");
    }
    if let Some(ms) = params.int("now_ms") {
        world.clock.set(ms);
    }
    if let Some(text) = params.text("now") {
        world
            .clock
            .set(clock::parse(&text).ok_or_else(|| refuse("`now` is no time"))?);
    }
    let advance = params.int("advance_ms").unwrap_or(0).saturating_add(
        params
            .int("advance_s")
            .unwrap_or(0)
            .saturating_mul(clock::SECOND),
    );
    if advance != 0 {
        let to = world.now().saturating_add(advance);
        world.clock.set(to);
    }
    reap::run(world);
    Ok(show_clock(world))
}

fn set_settings(world: &mut World, params: &Params) -> Outcome {
    let mut changed = world.settings.clone();
    for (name, value) in params.all() {
        changed.set(name, value).map_err(|error| match error {
            SettingError::Unknown => refuse(&format!("no such setting: {name}")),
            SettingError::WrongType(wanted) => refuse(&format!("{name} must be {wanted}")),
        })?;
    }
    world.settings = changed;
    Ok(Answer::ok())
}

fn set_switches(world: &mut World, params: &Params) -> Outcome {
    let mut value = json!(world.switches);
    if let Some(fields) = value.as_object_mut() {
        for (name, new) in params.all() {
            let flag = match new {
                Value::String(text) => json!(text == "true"),
                other => other.clone(),
            };
            fields.insert(name.clone(), flag);
        }
    }
    world.switches = serde_json::from_value(value).map_err(|error| refuse(&error.to_string()))?;
    Ok(Answer::json(json!(world.switches)))
}

fn show_limits(world: &World) -> Answer {
    Answer::json(json!({
        "admin_limit_per_minute": world.admin_limit_per_minute, "ip_limits": world.ip_limits,
    }))
}

fn set_limits(world: &mut World, params: &Params) -> Outcome {
    if let Some(value) = params.get("admin_limit_per_minute") {
        world.admin_limit_per_minute = if value == &Value::Null {
            None
        } else {
            let number = params
                .int("admin_limit_per_minute")
                .and_then(|n| u32::try_from(n).ok());
            Some(number.ok_or_else(|| refuse("admin_limit_per_minute is a number or null"))?)
        };
    }
    if let Some(flag) = params.text("ip_limits") {
        world.ip_limits = flag == "true";
    }
    Ok(show_limits(world))
}

fn add_fault(world: &mut World, params: &Params) -> Outcome {
    let value = Value::Object(params.all().clone());
    let rule: Rule = serde_json::from_value(value).map_err(|error| refuse(&error.to_string()))?;
    if rule
        .probability
        .is_some_and(|chance| !(0.0..=1.0).contains(&chance))
        || rule.times == 0
    {
        return Err(refuse(
            "`times` is at least 1, `probability` between 0 and 1",
        ));
    }
    Ok(Answer::json(json!({ "id": world.faults.add(rule) })))
}

fn set_hook_faults(world: &mut World, params: &Params) -> Outcome {
    let value = Value::Object(params.all().clone());
    world.hooks.faults =
        serde_json::from_value(value).map_err(|error| refuse(&error.to_string()))?;
    Ok(Answer::json(json!(world.hooks.faults)))
}

fn add_key(world: &mut World, params: &Params) -> Outcome {
    let value = Value::Object(params.all().clone());
    let key: ApiKey = serde_json::from_value(value).map_err(|error| refuse(&error.to_string()))?;
    world.keys.insert(key.key.clone(), key);
    Ok(Answer::ok())
}

fn load(world: &mut World, params: &Params) -> Outcome {
    let path = params
        .text("path")
        .ok_or_else(|| refuse("`path` is missing"))?;
    let loaded = import::load(world, std::path::Path::new(&path))
        .map_err(|error| refuse(&error.to_string()))?;
    Ok(Answer::json(json!({
        "topics": loaded.topics, "posts": loaded.posts,
        "posts_from_cooked": loaded.posts_from_cooked,
    })))
}

/// Changes a user without asking: suspension, activity, trust level, rights, name.
fn set_user(world: &mut World, name: &str, params: &Params) -> Outcome {
    let id = world
        .user_by_name(name)
        .map(|user| user.id)
        .ok_or_else(Answer::not_found)?;
    let now = world.now();
    if let Some(new) = params.text("username") {
        let admin = crate::auth::Actor {
            id: Some(-1),
            admin: true,
            staff: true,
            trust_level: 4,
            is_api: true,
        };
        crate::act::user::rename(world, admin, id, &new)?;
    }
    let user = world.users.get_mut(&id).ok_or_else(Answer::not_found)?;
    let flag = |name: &str| params.text(name).map(|text| text == "true");
    if let Some(suspended) = flag("suspended") {
        user.suspended_at = suspended.then_some(now);
        user.suspended_till = suspended.then_some(i64::MAX);
        user.suspend_reason = suspended.then(|| "sandbox".to_owned());
    }
    for (name, field) in [
        ("active", &mut user.active),
        ("staged", &mut user.staged),
        ("admin", &mut user.admin),
        ("moderator", &mut user.moderator),
    ] {
        if let Some(value) = flag(name) {
            *field = value;
        }
    }
    if let Some(level) = params.int("trust_level") {
        user.trust_level = level.clamp(0, 4);
    }
    if let Some(days) = params.int("age_days") {
        user.created_at = now.saturating_sub(days.saturating_mul(clock::DAY));
    }
    let shown = json!(user);
    Ok(Answer::json(shown))
}

fn set_hidden(world: &mut World, id: &str, params: &Params) -> Outcome {
    let id: i64 = id.parse().map_err(|_| refuse("the id is a number"))?;
    world.posts.get(&id).ok_or_else(Answer::not_found)?;
    crate::act::owner::set_hidden(world, id, params.truthy("enabled"));
    Ok(Answer::ok())
}

/// Waits until nothing that is due is left to be sent, at most `timeout_ms`.
async fn wait(sim: &Sim, params: &Params) -> Outcome {
    let limit = u64::try_from(params.int("timeout_ms").unwrap_or(10_000)).unwrap_or(0);
    sim.kick();
    let empty = async {
        loop {
            let woken = sim.delivered().notified();
            tokio::pin!(woken);
            // Registered before the look, so that no wake-up is missed.
            woken.as_mut().enable();
            if sim.with(|world| world.hooks.waiting(world.now())) == 0 {
                return;
            }
            woken.await;
        }
    };
    let done = tokio::time::timeout(Duration::from_millis(limit), empty)
        .await
        .is_ok();
    let waiting = sim.with(|world| world.hooks.queue.len() + world.hooks.in_flight);
    let status = if done { 200 } else { 408 };
    Ok(Answer::json_status(
        status,
        json!({ "delivered": done, "waiting": waiting }),
    ))
}

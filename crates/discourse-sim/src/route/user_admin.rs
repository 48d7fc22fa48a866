//! Administration of users and DiscourseConnect (contract section 8.3).

use serde_json::{Value, json};

use super::{Call, Route};
use crate::act::user as act;
use crate::answer::{Answer, Outcome};
use crate::clock;
use crate::json::user;
use crate::param::scalar;

pub const ROUTES: &[Route] = &[
    Route {
        method: "POST",
        template: "/admin/users/sync_sso",
        run: sync_sso,
    },
    Route {
        method: "GET",
        template: "/admin/users/list/{flag}",
        run: list,
    },
    Route {
        method: "GET",
        template: "/admin/users",
        run: list,
    },
    Route {
        method: "GET",
        template: "/admin/users/{id}",
        run: show,
    },
    Route {
        method: "GET",
        template: "/admin/users/{id}/{username}",
        run: show,
    },
    Route {
        method: "PUT",
        template: "/admin/users/{id}/suspend",
        run: suspend,
    },
    Route {
        method: "PUT",
        template: "/admin/users/{id}/unsuspend",
        run: unsuspend,
    },
    Route {
        method: "PUT",
        template: "/admin/users/{id}/activate",
        run: activate,
    },
    Route {
        method: "PUT",
        template: "/admin/users/{id}/deactivate",
        run: deactivate,
    },
    Route {
        method: "PUT",
        template: "/admin/users/{id}/trust_level",
        run: trust_level,
    },
    Route {
        method: "POST",
        template: "/admin/users/{id}/log_out",
        run: log_out,
    },
    Route {
        method: "GET",
        template: "/admin/site_settings",
        run: settings,
    },
    Route {
        method: "PUT",
        template: "/admin/site_settings/{name}",
        run: set_setting,
    },
];

fn sync_sso(call: &mut Call<'_>) -> Outcome {
    let id = act::sync_sso(call.world, call.actor, call.params)?;
    detail(call, id)
}

fn detail(call: &Call<'_>, id: i64) -> Outcome {
    let row = call.world.users.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(user::admin(call.world, row)))
}

fn show(call: &mut Call<'_>) -> Outcome {
    call.actor.require_admin()?;
    let id = call.id(0)?;
    detail(call, id)
}

fn list(call: &mut Call<'_>) -> Outcome {
    call.actor.require_admin()?;
    let filter = call
        .params
        .text("filter")
        .or_else(|| call.params.text("email"));
    let filter = filter.unwrap_or_default().to_lowercase();
    let emails = call.params.truthy("show_emails");
    let flag = call.var(0);
    let now = call.world.now();
    let page = usize::try_from(call.params.int("page").unwrap_or(1).max(1)).unwrap_or(1);
    let rows: Vec<Value> = call
        .world
        .users
        .values()
        .filter(|row| row.id > 0)
        .filter(|row| match flag {
            "staff" => row.is_staff(),
            "suspended" => row.is_suspended(now),
            "staged" => row.staged,
            "new" | "active" => row.active && !row.staged,
            _ => true,
        })
        .filter(|row| {
            row.username.to_lowercase().contains(&filter)
                || row.email.to_lowercase().contains(&filter)
        })
        .skip((page - 1).saturating_mul(100))
        .take(100)
        .map(|row| user::admin_row(call.world, row, emails))
        .collect();
    Ok(Answer::json(json!(rows)))
}

fn suspend(call: &mut Call<'_>) -> Outcome {
    let by = call.actor.require_admin()?;
    let id = call.id(0)?;
    let until = clock::parse(&call.need("suspend_until")?);
    let until = until.ok_or_else(|| Answer::bad_parameter("suspend_until"))?;
    let reason = call.need("reason")?;
    act::suspend(call.world, call.actor, id, until, &reason)?;
    let row = call.world.users.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::json(json!({
        "suspension": {
            "suspend_reason": reason, "full_suspend_reason": reason,
            "suspended_till": clock::iso(until),
            "suspended_at": row.suspended_at.map(clock::iso),
            "suspended_by": user::basic(call.world, by),
        }
    })))
}

fn unsuspend(call: &mut Call<'_>) -> Outcome {
    let id = call.id(0)?;
    act::unsuspend(call.world, call.actor, id)?;
    Ok(Answer::json(
        json!({ "suspension": { "suspended_till": null, "suspended_at": null } }),
    ))
}

fn set_active(call: &mut Call<'_>, active: bool) -> Outcome {
    call.actor.require_admin()?;
    let id = call.id(0)?;
    let row = call
        .world
        .users
        .get_mut(&id)
        .ok_or_else(Answer::not_found)?;
    row.active = active;
    Ok(Answer::ok())
}

fn activate(call: &mut Call<'_>) -> Outcome {
    set_active(call, true)
}

fn deactivate(call: &mut Call<'_>) -> Outcome {
    set_active(call, false)
}

fn trust_level(call: &mut Call<'_>) -> Outcome {
    call.actor.require_admin()?;
    let id = call.id(0)?;
    let level = call
        .params
        .int("level")
        .filter(|level| (0..=4).contains(level));
    let level = level.ok_or_else(|| Answer::bad_parameter("level"))?;
    let row = call
        .world
        .users
        .get_mut(&id)
        .ok_or_else(Answer::not_found)?;
    row.trust_level = level;
    detail(call, id)
}

fn log_out(call: &mut Call<'_>) -> Outcome {
    call.actor.require_admin()?;
    let id = call.id(0)?;
    call.world.users.get(&id).ok_or_else(Answer::not_found)?;
    Ok(Answer::ok())
}

fn settings(call: &mut Call<'_>) -> Outcome {
    call.actor.require_admin()?;
    let rows: Vec<Value> = call
        .world
        .settings
        .all()
        .iter()
        .map(|(name, value)| json!({ "setting": name, "value": scalar(value), "category": "sandbox" }))
        .collect();
    Ok(Answer::json(json!({ "site_settings": rows })))
}

/// `PUT /admin/site_settings/{name}` with the value under the setting's own name.
fn set_setting(call: &mut Call<'_>) -> Outcome {
    call.actor.require_admin()?;
    let name = call.var(0).to_owned();
    let value = call
        .params
        .get(&name)
        .cloned()
        .ok_or_else(|| Answer::missing_parameter(&name))?;
    match call.world.settings.set(&name, &value) {
        Ok(()) => Ok(Answer::empty()),
        Err(crate::setting::SettingError::Unknown) => Err(Answer::not_found()),
        Err(crate::setting::SettingError::WrongType(wanted)) => {
            Err(Answer::invalid_one(&format!("{name}: must be {wanted}")))
        }
    }
}

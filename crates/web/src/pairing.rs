//! What people say about items that may be the same, from the admin API and the command line alike.

use model::{Entity, EntityId, Kind, OperationId, Status, System};
use serde_json::{Value, json};
use store::{
    Change, DeskChange, HistoryEntry, Match, MatchState, NewOperation, OperationKind, Pairing,
};

use crate::access::Caller;
use crate::change::ChangeError;
use crate::state::State;

/// Which two items of a match are meant; needed where it names more than two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pick {
    /// The entity in Canvas.
    pub canvas: Option<EntityId>,
    /// The entity in Discourse.
    pub discourse: Option<EntityId>,
}

/// The courses that we know.
async fn courses(state: &State) -> Result<Vec<EntityId>, store::Error> {
    let found = state.store.courses().await?;
    Ok(found.into_iter().map(|course| course.id).collect())
}

/// The matches of one course or of all, what waits for a person first.
pub async fn matches(state: &State, course: Option<&EntityId>) -> Result<Vec<Match>, store::Error> {
    let courses = match course {
        Some(course) => vec![course.clone()],
        None => courses(state).await?,
    };
    let mut found = Vec::new();
    for course in courses {
        found.extend(state.store.matches(&course).await?);
    }
    found.sort_by_key(|one| !one.is_open());
    Ok(found)
}

/// A match as programs read it: with the ids that its items have in the two systems.
pub async fn match_json(state: &State, found: &Match) -> Result<Value, store::Error> {
    let mut sides = Vec::new();
    for (system, ids) in [
        (System::Canvas, &found.canvas),
        (System::Discourse, &found.discourse),
    ] {
        let mut items = Vec::new();
        for id in ids {
            let entity = state.store.entity(id).await?;
            let remote = entity
                .and_then(|entity| entity.replica(system).map(|replica| replica.remote.clone()));
            items.push(json!({ "entity": id, "id": remote }));
        }
        sides.push(items);
    }
    let discourse = sides.pop();
    let canvas = sides.pop();
    Ok(json!({
        "id": found.id, "course": found.course, "kind": found.kind, "state": found.state,
        "evidence": found.evidence, "title": found.title, "posts": found.posts,
        "canvas": canvas, "discourse": discourse,
    }))
}

async fn open(state: &State, id: &str) -> Result<Match, ChangeError> {
    let all = matches(state, None).await?;
    let found = all.into_iter().find(|one| one.id == id);
    let found = found.ok_or_else(|| ChangeError::NotFound(format!("match {id}")))?;
    if found.is_open() {
        Ok(found)
    } else {
        Err(ChangeError::Refused(format!(
            "Match {id} is {} already; `match undo` starts the course's matching again until the first write.",
            found.state
        )))
    }
}

fn picked(
    ids: &[EntityId],
    given: Option<EntityId>,
    system: System,
) -> Result<EntityId, ChangeError> {
    match (ids, given) {
        (ids, Some(given)) if ids.contains(&given) => Ok(given),
        ([only], None) => Ok(only.clone()),
        (ids, _) => {
            let names: Vec<&str> = ids.iter().map(EntityId::as_str).collect();
            Err(ChangeError::Refused(format!(
                "Say which item in {}: {}.",
                system.title(),
                names.join(", ")
            )))
        }
    }
}

async fn entity(state: &State, id: &EntityId) -> Result<Entity, ChangeError> {
    let found = state.store.entity(id).await?;
    found.ok_or_else(|| ChangeError::NotFound(format!("entity {id}")))
}

/// Makes one item of the two of a match, or of two that are picked from it; what is left over and has no counterpart goes
/// its own way.
pub async fn accept_match(
    state: &State,
    caller: &Caller,
    id: &str,
    (pick, why): (Pick, &str),
) -> Result<Match, ChangeError> {
    let found = open(state, id).await?;
    let canvas = picked(&found.canvas, pick.canvas, System::Canvas)?;
    let discourse = picked(&found.discourse, pick.discourse, System::Discourse)?;
    let (one, other) = (
        entity(state, &canvas).await?,
        entity(state, &discourse).await?,
    );
    let now = state.stamp.now();
    let kept = engine::matching::link(one, &other, now);
    let mut changes = vec![
        Change::Join {
            kept: Box::new(kept.clone()),
            gone: other.id.clone(),
            at: now,
        },
        look_at(state, &kept),
        note(
            state,
            &kept,
            "matched",
            "Linked by a person with what stood on the other side already.",
        ),
    ];
    if kept.kind == Kind::Topic {
        changes.push(Pairing::compare_posts(&found.course, &kept.id, true));
    }
    let rest = Match {
        canvas: found
            .canvas
            .iter()
            .filter(|id| **id != canvas)
            .cloned()
            .collect(),
        discourse: found
            .discourse
            .iter()
            .filter(|id| **id != discourse)
            .cloned()
            .collect(),
        id: state.stamp.id(),
        ..found.clone()
    };
    if rest.canvas.is_empty() || rest.discourse.is_empty() {
        for id in rest.canvas.iter().chain(&rest.discourse) {
            changes.extend(release(state, id).await?);
        }
    } else {
        changes.extend(rest.save()?);
    }
    let done = Match {
        state: MatchState::Accepted.as_str().to_owned(),
        canvas: vec![canvas.clone()],
        discourse: vec![canvas],
        ..found
    };
    commit(state, caller, ("match accept", &done, why), changes).await?;
    Ok(done)
}

/// Says that the items of a match are different: each goes its own way.
pub async fn reject_match(
    state: &State,
    caller: &Caller,
    id: &str,
    why: &str,
) -> Result<Match, ChangeError> {
    let found = open(state, id).await?;
    let mut changes = Vec::new();
    for id in found.canvas.iter().chain(&found.discourse) {
        changes.extend(release(state, id).await?);
    }
    let done = Match {
        state: MatchState::Rejected.as_str().to_owned(),
        ..found
    };
    commit(state, caller, ("match reject", &done, why), changes).await?;
    Ok(done)
}

/// Forgets what was matched in a course, so that it is matched anew; refused once anything was written.
pub async fn undo_matches(
    state: &State,
    caller: &Caller,
    course: &EntityId,
    why: &str,
) -> Result<usize, ChangeError> {
    let known = entity(state, course).await?;
    if known.kind != Kind::Course {
        return Err(ChangeError::NotFound(format!("course {course}")));
    }
    if state.store.is_written(course).await? {
        return Err(ChangeError::Refused(
            "Something was written for this course already; its matches can no longer be undone."
                .to_owned(),
        ));
    }
    let found = state.store.matches(course).await?;
    let pairing = state.store.pairing(course).await?;
    let now = state.stamp.now();
    let mut changes = vec![Change::ForgetItems {
        course: course.clone(),
        at: now,
    }];
    changes.extend(found.iter().flat_map(Match::remove));
    for topic in &pairing.topics {
        changes.push(Pairing::compare_posts(course, topic, false));
    }
    changes.extend(Pairing::begin(course));
    let entry = caller.audit(state, "match undo", course.as_str(), why);
    changes.push(Change::Desk(DeskChange::Audit(entry)));
    state.store.commit(changes).await?;
    Ok(found.len())
}

async fn commit(
    state: &State,
    caller: &Caller,
    (act, done, why): (&str, &Match, &str),
    mut changes: Vec<Change>,
) -> Result<(), ChangeError> {
    changes.extend(done.save()?);
    let entry = caller.audit(state, act, &done.id, why);
    changes.push(Change::Desk(DeskChange::Audit(entry)));
    Ok(state.store.commit(changes).await?)
}

/// The changes by which an item goes its own way.
async fn release(state: &State, id: &EntityId) -> Result<Vec<Change>, ChangeError> {
    let mut entity = entity(state, id).await?;
    entity.status = Status::Pending;
    entity.reason = None;
    entity.updated_at = state.stamp.now();
    Ok(vec![
        look_at(state, &entity),
        note(
            state,
            &entity,
            "unmatched",
            "It is the same as nothing on the other side, a person says.",
        ),
        Change::SaveEntity(entity),
    ])
}

fn note(state: &State, entity: &Entity, action: &str, text: &str) -> Change {
    Change::Log(HistoryEntry {
        id: state.stamp.id(),
        at: state.stamp.now(),
        entity: Some(entity.id.clone()),
        course: Some(entity.course.clone()),
        system: None,
        action: action.to_owned(),
        operation: None,
        text: text.to_owned(),
        failure: None,
    })
}

fn look_at(state: &State, entity: &Entity) -> Change {
    let topic = entity.topic();
    let (id, key) = (OperationId(state.stamp.id()), engine::thread_key(topic));
    Change::Enqueue(NewOperation {
        entity: Some(topic.clone()),
        course: Some(entity.course.clone()),
        reason: "matched".to_owned(),
        ..NewOperation::due(id, OperationKind::Thread, key, state.stamp.now())
    })
}

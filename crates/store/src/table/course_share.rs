//! Table `course_share`: the places in the order of claims that courses have taken, so that one course's thousand
//! operations do not stand before another's first.

use crate::error::Result;
use crate::operation::{NewOperation, Priority};
use crate::session::Session;
use crate::sql::statements;
use crate::value::Value;

statements! { "course_share";
    TAKE = "INSERT INTO course_share (course_id, priority, rank_ms) VALUES ($1, $2, $3)
        ON CONFLICT (course_id, priority) DO UPDATE SET rank_ms = CASE
            WHEN course_share.rank_ms > $4 THEN $5
            WHEN course_share.rank_ms + $6 > $3 THEN course_share.rank_ms + $6
            ELSE $3 END
        RETURNING rank_ms",
}

/// A course is never put further back than this by what it queued before, in milliseconds.
const DRIFT_MAX_MS: i64 = 86_400_000;

/// The distance between two operations of one course and priority, in milliseconds. It bounds how much work that has
/// waited can pass other courses' newer work: one operation in this time.
fn step_ms(priority: Priority) -> i64 {
    match priority {
        Priority::Critical => 0,
        Priority::Interactive => 100,
        Priority::Normal => 500,
        Priority::Bulk | Priority::Background => 5_000,
    }
}

/// Takes places for new operations of one course and priority, which would all stand at `rank_ms`; returns the first
/// place and the distance to the next.
pub(crate) async fn take(
    session: &mut Session,
    new: &NewOperation,
    rank_ms: i64,
    count: usize,
) -> Result<(i64, i64)> {
    let step = step_ms(new.priority);
    let Some(course) = new.course.as_ref().filter(|_| step > 0) else {
        return Ok((rank_ms, 0));
    };
    let more = i64::try_from(count.saturating_sub(1)).unwrap_or(0);
    let length = more.saturating_mul(step);
    let latest = rank_ms.saturating_add(DRIFT_MAX_MS);
    let values = [
        Value::from(course),
        Value::from(new.priority.level()),
        Value::from(rank_ms.saturating_add(length)),
        Value::from(latest),
        Value::from(latest.saturating_add(length)),
        Value::from(length.saturating_add(step)),
    ];
    match session.first(&TAKE, &values).await? {
        Some(mut row) => Ok((row.integer("rank_ms")?.saturating_sub(length), step)),
        None => Ok((rank_ms, 0)),
    }
}

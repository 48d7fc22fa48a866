//! Submissions of graded discussions: a student's post submits, deleting the last one un-submits
//! (contract canvas §15.14).

use crate::state::next;
use crate::state::thread::Submission;
use crate::world::World;

fn assignment_of(world: &World, topic_id: u64) -> Option<u64> {
    let topic = world.topic(topic_id)?;
    topic
        .assignment_id
        .or_else(|| world.topic(topic.root_topic_id?)?.assignment_id)
}

fn slot(world: &mut World, assignment_id: u64, user_id: u64) -> Option<&mut Submission> {
    let found = world
        .data
        .submissions
        .values()
        .find(|s| s.assignment_id == assignment_id && s.user_id == user_id)
        .map(|s| s.id);
    let id = found.unwrap_or_else(|| {
        let id = next(&mut world.data.last.submission);
        let submission = Submission {
            id,
            assignment_id,
            user_id,
            submitted_at: None,
            attempt: None,
        };
        world.data.submissions.insert(id, submission);
        id
    });
    world.data.submissions.get_mut(&id)
}

/// Makes the empty submissions of a new assignment, one per active student.
pub(crate) fn prepare(world: &mut World, assignment_id: u64, course_id: u64) {
    let students: Vec<u64> = world
        .data
        .enrollments_in(course_id)
        .filter(|e| e.kind == "StudentEnrollment" && e.state == "active")
        .map(|e| e.user_id)
        .collect();
    for user_id in students.into_iter().rev() {
        slot(world, assignment_id, user_id);
    }
}

/// After a post by a student.
pub(crate) fn after_post(world: &mut World, topic_id: u64, user_id: u64) {
    let now = world.now();
    let Some(assignment_id) = assignment_of(world, topic_id) else {
        return;
    };
    let is_student = world.topic(topic_id).is_some_and(|topic| {
        world
            .data
            .enrollments_of(user_id, topic.course_id)
            .any(|e| e.kind == "StudentEnrollment" && e.state == "active")
    });
    if !is_student {
        return;
    }
    if let Some(submission) = slot(world, assignment_id, user_id)
        && submission.submitted_at.is_none()
    {
        submission.submitted_at = Some(now);
        submission.attempt = Some(submission.attempt.unwrap_or(0).max(1));
    }
}

/// After an entry was deleted.
pub(crate) fn after_delete(world: &mut World, topic_id: u64, user_id: u64) {
    let Some(assignment_id) = assignment_of(world, topic_id) else {
        return;
    };
    let has_more = world.topic(topic_id).is_some_and(|topic| {
        world
            .data
            .entries_in(topic)
            .any(|e| !e.is_deleted() && e.user_id == user_id)
    });
    if !has_more && let Some(submission) = slot(world, assignment_id, user_id) {
        submission.submitted_at = None;
    }
}

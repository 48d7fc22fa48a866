//! Assignments and submissions of graded discussions: only what topics need.

use super::{Reader, entry, time};
use crate::state::thread::{Assignment, Submission};
use serde_json::{Value, json};

/// The assignment inside a topic.
pub(crate) fn assignment(reader: &Reader<'_>, a: &Assignment, with_description: bool) -> Value {
    let topic = reader.world.topic(a.topic_id);
    let published = topic.is_some_and(|t| t.state.name() != "unpublished");
    let submitted = reader
        .world
        .data
        .submissions
        .values()
        .filter(|s| s.assignment_id == a.id && s.submitted_at.is_some())
        .count();
    let url = format!(
        "{}/courses/{}/assignments/{}",
        reader.base, a.course_id, a.id
    );
    let mut out = json!({
        "id": a.id, "due_at": time(a.due_at), "unlock_at": null, "lock_at": null,
        "points_possible": a.points_possible, "grading_type": a.grading_type,
        "assignment_group_id": 1, "grading_standard_id": null,
        "created_at": time(Some(a.created_at)), "updated_at": time(Some(a.updated_at)),
        "peer_reviews": false, "automatic_peer_reviews": false, "position": 1,
        "grade_group_students_individually": false, "anonymous_peer_reviews": false,
        "group_category_id": null, "post_to_sis": false, "moderated_grading": false,
        "omit_from_final_grade": false, "intra_group_peer_reviews": false,
        "anonymous_instructor_annotations": false, "anonymous_grading": false,
        "graders_anonymous_to_graders": false, "grader_count": 0,
        "grader_comments_visible_to_graders": true, "final_grader_id": null,
        "grader_names_visible_to_final_grader": true, "allowed_attempts": -1,
        "secure_params": "opaque",
    });
    let more = json!({
        "course_id": a.course_id, "name": a.name,
        "submission_types": ["discussion_topic"], "has_submitted_submissions": submitted > 0,
        "due_date_required": false, "max_name_length": 255, "in_closed_grading_period": false,
        "is_quiz_assignment": false, "can_duplicate": true, "original_course_id": null,
        "original_assignment_id": null, "original_assignment_name": null,
        "workflow_state": if published { "published" } else { "unpublished" }, "muted": false,
        "html_url": url, "has_overrides": false, "needs_grading_count": submitted,
        "integration_id": null, "integration_data": {}, "published": published,
        "unpublishable": submitted == 0, "only_visible_to_overrides": false, "locked_for_user": false,
        "submissions_download_url": format!("{url}/submissions?zip=1"), "anonymize_students": false,
    });
    super::put(&mut out, more);
    if with_description && let Some(topic) = topic {
        super::set(
            &mut out,
            "description",
            reader.html(topic.home, topic.message.as_deref()),
        );
    }
    out
}

/// One submission.
pub(crate) fn submission(reader: &Reader<'_>, a: &Assignment, s: &Submission) -> Value {
    let is_in = s.submitted_at.is_some();
    let url = format!(
        "{}/courses/{}/assignments/{}",
        reader.base, a.course_id, a.id
    );
    let entries: Vec<Value> = reader
        .world
        .topic(a.topic_id)
        .map_or_else(Vec::new, |topic| {
            reader
                .world
                .data
                .entries_in(topic)
                .filter(|e| e.user_id == s.user_id && !e.is_deleted())
                .map(|e| entry::entry(reader, e, topic, entry::Form::Full))
                .collect()
        });
    json!({
        "id": s.id, "body": null, "url": null, "grade": null, "score": null,
        "submitted_at": time(s.submitted_at), "assignment_id": a.id, "user_id": s.user_id,
        "submission_type": is_in.then_some("discussion_topic"),
        "workflow_state": if is_in { "submitted" } else { "unsubmitted" },
        "grade_matches_current_submission": true, "graded_at": null, "grader_id": null,
        "attempt": s.attempt, "cached_due_date": time(a.due_at), "excused": null,
        "late_policy_status": null, "points_deducted": null, "grading_period_id": null,
        "extra_attempts": null, "late": false, "missing": false, "seconds_late": 0,
        "entered_grade": null, "entered_score": null,
        "preview_url": format!("{url}/submissions/{}?preview=1&version={}", s.user_id,
            s.attempt.unwrap_or(0)),
        "discussion_entries": entries,
    })
}

//! Whether this Canvas is set up as it should be (`D3xx`): reads only, a few calls for each course.

use ::connector::{Examination, Finding, Verdict};
use api_client::Request;

use crate::address::TopicId;
use crate::failure::{Reason, Trouble};
use crate::port::Canvas;
use crate::time;
use crate::wire::{Course, User};

/// Fewer units left in the bucket than this, and calls are refused soon (contract canvas §4: it holds 600 to 700).
const QUOTA_LOW: f64 = 100.0;
/// What cannot be checked when the token is refused.
const NEEDS_TOKEN: [&str; 5] = ["D303", "D304", "D305", "D306", "D307"];

impl Canvas {
    pub(crate) async fn find_faults(&self, wish: &Examination) -> Vec<Finding> {
        let request = Request::get("user.self", "/api/v1/users/self");
        let answer = match self.api.send(request).await {
            Ok(answer) => answer,
            Err(trouble) => return refused(&trouble),
        };
        let mut found = vec![
            Finding::new("D301", Verdict::Ok, "it answers"),
            Finding::of_clock("D104", time::of_answer(&answer), wish.now),
            quota(answer.header("X-Rate-Limit-Remaining")),
        ];
        match answer.json::<User>() {
            Ok(user) if user.id.is_some() => {
                found.push(Finding::new("D302", Verdict::Ok, "the token is accepted"));
            }
            _ => {
                let text = "the answer does not say whose token this is: is this a Canvas?";
                found.push(Finding::new("D302", Verdict::Fail, text));
                found.extend(Finding::skipped(
                    &["D303", "D304", "D306", "D307"],
                    "no Canvas",
                ));
                return found;
            }
        }
        found.push(self.feed().await);
        found.extend(self.courses(&wish.courses).await);
        found
    }

    /// Whether changes are found without reading every thread.
    async fn feed(&self) -> Finding {
        match self.find_out().await {
            Err(trouble) => Finding::new("D307", Verdict::Fail, trouble.failure.message),
            Ok(probed) => {
                let capabilities = probed.capabilities();
                let cause = capabilities.version;
                Finding::when("D307", capabilities.has_feed, Verdict::Warn, cause)
            }
        }
    }

    async fn courses(&self, names: &[String]) -> Vec<Finding> {
        let mut found = Vec::new();
        let (mut hidden, mut unread, mut as_student) = (Vec::new(), Vec::new(), Vec::new());
        for name in names {
            let item = match self.find_course(name).await {
                Ok(Some(item)) => item,
                Ok(None) => {
                    hidden.push(name.clone());
                    continue;
                }
                Err(trouble) => {
                    hidden.push(format!("{name} ({})", trouble.failure.code));
                    continue;
                }
            };
            let course = item.remote.as_str();
            match self.is_student(course).await {
                Ok(true) => as_student.push(name.clone()),
                Ok(false) => {}
                Err(trouble) => unread.push(format!("{name} ({})", trouble.failure.code)),
            }
            if let Err(trouble) = self.is_readable(course).await {
                unread.push(format!("{name} ({})", trouble.failure.code));
            }
        }
        let looked = names.len() - hidden.len();
        found.push(listed("D303", names.len(), &hidden));
        found.push(listed("D304", looked, &unread));
        found.push(listed("D306", looked, &as_student));
        found
    }

    /// Whether the token's owner is a student of the course: then it sees what students see, and no more.
    async fn is_student(&self, course: &str) -> Result<bool, Trouble> {
        let request = Request::get("course.show", format!("/api/v1/courses/{course}"));
        let shown: Course = self.api.ask(request).await?.value;
        let own = shown.enrollments.unwrap_or_default();
        let is_student = |kind: &str| kind.to_lowercase().contains("student");
        Ok(own
            .iter()
            .any(|row| row.kind.as_deref().is_some_and(is_student)))
    }

    /// Whether topics can be listed and the replies of one of them read.
    async fn is_readable(&self, course: &str) -> Result<(), Trouble> {
        let topics = self.api.topics(course).await?;
        let first = topics.iter().find_map(|topic| topic.id.as_ref());
        if let Some(id) = first {
            let topic = TopicId {
                course: course.to_owned(),
                topic: id.0.clone(),
            };
            match self.api.view(&topic).await {
                // A view that is being built is read a little later.
                Err(trouble) if trouble.reason == Reason::NotReady => {}
                other => drop(other?),
            }
        }
        Ok(())
    }
}

/// No answer, or an answer that refuses the token.
fn refused(trouble: &Trouble) -> Vec<Finding> {
    if trouble.reason == Reason::Throttled {
        let mut found = vec![
            Finding::new("D301", Verdict::Ok, "it answers"),
            Finding::new("D305", Verdict::Fail, trouble.failure.message.clone()),
        ];
        let others = ["D104", "D302", "D303", "D304", "D306", "D307"];
        found.extend(Finding::skipped(
            &others,
            "Canvas refuses more calls for now",
        ));
        return found;
    }
    let is_token = matches!(
        trouble.reason,
        Reason::Token | Reason::Scope | Reason::NotPermitted
    );
    let cause = trouble.failure.message.clone();
    let mut found = if is_token {
        vec![
            Finding::new("D301", Verdict::Ok, "it answers"),
            Finding::new("D302", Verdict::Fail, cause),
        ]
    } else {
        let mut found = vec![Finding::new("D301", Verdict::Fail, cause)];
        found.extend(Finding::skipped(&["D302"], "Canvas does not answer"));
        found
    };
    let why = "Canvas does not let us in";
    found.extend(Finding::skipped(&["D104"], why));
    found.extend(Finding::skipped(&NEEDS_TOKEN, why));
    found
}

fn quota(header: Option<&str>) -> Finding {
    match header.and_then(|text| text.trim().parse::<f64>().ok()) {
        None => Finding::new(
            "D305",
            Verdict::Warn,
            "answers do not say what is left of the quota",
        ),
        Some(left) => {
            let cause = format!("{left:.0} units are left");
            Finding::when("D305", left >= QUOTA_LOW, Verdict::Warn, cause)
        }
    }
}

/// One finding about all courses: those that are not well are named.
fn listed(code: &'static str, looked: usize, bad: &[String]) -> Finding {
    if bad.is_empty() {
        return Finding::new(code, Verdict::Ok, format!("{looked} courses"));
    }
    Finding::new(code, Verdict::Fail, format!("courses {}", bad.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nearly_empty_bucket_is_a_warning() {
        let verdict = |text| quota(text).verdict;
        assert_eq!(verdict(Some("600.0")), Verdict::Ok);
        assert_eq!(verdict(Some("12.5")), Verdict::Warn);
        assert_eq!(verdict(Some("-3")), Verdict::Warn);
        assert_eq!(verdict(Some("many")), Verdict::Warn);
        assert_eq!(verdict(None), Verdict::Warn);
    }
}

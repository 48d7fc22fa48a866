//! The words of a message: type and origin, cause, count, since when, what to do, where to look.

use model::{Notice, NoticeKind, Origin};

use crate::Message;

/// `transient, Canvas` or `action needed, our side`.
pub(crate) fn nature(notice: &Notice) -> String {
    let kind = if notice.class.is_retried() {
        "transient"
    } else {
        "action needed"
    };
    let origin = match notice.cause.origin(notice.class) {
        Origin::Ours => "our side",
        Origin::Canvas => "Canvas",
        Origin::Discourse => "Discourse",
        Origin::Network => "the network",
    };
    format!("{kind}, {origin}")
}

/// One line.
pub(crate) fn subject(notice: &Notice) -> String {
    let cause = &notice.cause;
    match notice.kind {
        NoticeKind::Opened => format!("{cause}: {} times ({})", notice.count, nature(notice)),
        NoticeKind::Updated => format!(
            "{cause} goes on: {} times ({})",
            notice.count,
            nature(notice)
        ),
        NoticeKind::Resolved => format!("{cause} is over after {} times", notice.count),
        NoticeKind::Test => "a test message".to_owned(),
    }
}

/// Where the cause is shown.
pub(crate) fn link(message: Message<'_>) -> Option<String> {
    message.site.map(|site| format!("{site}/errors"))
}

/// The whole text.
pub(crate) fn text(message: Message<'_>) -> String {
    let notice = message.notice;
    let mut lines = match notice.kind {
        NoticeKind::Test => vec![
            "Somebody tries whether messages of Antiphon arrive here. Nothing happened.".to_owned(),
        ],
        _ => vec![
            format!("Cause:      {}", notice.cause),
            format!("Class:      {} ({})", notice.class.as_str(), nature(notice)),
            format!("Seen:       {} times", notice.count),
            format!("First seen: {}", iso(notice.first_at.0)),
            format!("Last seen:  {}", iso(notice.last_at.0)),
        ],
    };
    lines.push(String::new());
    match notice.kind {
        NoticeKind::Opened | NoticeKind::Updated if notice.class.is_retried() => {
            lines.push(
                "It is tried again by itself. Nothing is lost; you are told when it is over."
                    .to_owned(),
            );
        }
        NoticeKind::Opened | NoticeKind::Updated => {
            lines.push(format!(
                "Somebody must act: docs/errors/{}.md says what helps.",
                notice.cause.code
            ));
        }
        NoticeKind::Resolved => {
            lines.push("It was settled, or has not been seen for a while.".to_owned());
        }
        NoticeKind::Test => {}
    }
    if let Some(link) = link(message) {
        lines.push(link);
    }
    lines.push(String::new());
    lines.join("\n")
}

/// A time as RFC 3339 text in UTC.
pub(crate) fn iso(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| time.to_string())
}

//! The frame around every page, and the small pieces that pages are made of.

use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use model::Timestamp;
use store::Role;

use crate::access::Caller;
use crate::endpoint::Need;

const LINKS: &[(&str, &str, Need)] = &[
    ("/", "Status", Need::Own),
    ("/history", "History", Need::Own),
    ("/queue", "Queue", Need::View),
    ("/conflicts", "Conflicts", Need::Own),
    ("/errors", "Errors", Need::View),
    ("/performance", "Performance", Need::View),
    ("/maintenance", "Maintenance", Need::View),
    ("/audit", "Audit", Need::View),
    ("/setup", "Setup", Need::View),
];

fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Antiphon" }
                link rel="stylesheet" href="/style.css";
                link rel="icon" href="data:,";
                script src="/script.js" defer {}
            }
            body { (body) }
        }
    }
}

/// A page without navigation.
pub(crate) fn bare(title: &str, body: &Markup) -> Markup {
    document(title, body)
}

/// A page for somebody who is signed in; `here` is the address in the navigation.
pub(crate) fn page(caller: &Caller, title: &str, here: &str, body: &Markup) -> Markup {
    let body = html! {
        a.skip href="#main" { "Skip to the content" }
        header.top {
            a.brand href="/" { "Antiphon" }
            nav aria-label="Pages" {
                @for (address, name, need) in LINKS {
                    @if caller.may(*need) {
                        a href=(address) aria-current=[(*address == here).then_some("page")] { (name) }
                    }
                }
            }
            form.who method="post" action="/sign-out" {
                span { (caller.who) " · " (caller.role) }
                (csrf(caller))
                button.quiet { "Sign out" }
            }
        }
        main id="main" { (body) }
        p.quiet id="live-note" role="status" {}
    };
    document(title, &body)
}

/// A page as an answer.
pub(crate) fn answer(caller: &Caller, title: &str, here: &str, body: &Markup) -> Response {
    page(caller, title, here, body).into_response()
}

/// The hidden field that proves that a form is ours.
pub(crate) fn csrf(caller: &Caller) -> Markup {
    html! {
        @if let Some(csrf) = &caller.csrf { input type="hidden" name="csrf" value=(csrf); }
    }
}

/// A time: UTC as text, which the script makes local with the zone on hover.
pub(crate) fn time(at: Timestamp) -> Markup {
    html! { time datetime=(iso(at)) { (words(at)) } }
}

/// A time as RFC 3339 text.
pub(crate) fn iso(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| at.0.to_string(), |time| time.to_string())
}

fn words(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(
        |_| at.0.to_string(),
        |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// A length of time in the two largest units.
pub(crate) fn span(ms: i64) -> String {
    let seconds = ms.max(0) / 1_000;
    match seconds {
        0 if ms > 0 => format!("{ms} ms"),
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// A number with its noun.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// A state as a word with a colour and a sign.
pub(crate) fn badge(word: &str) -> Markup {
    let (class, sign) = match word {
        "in_sync" | "completed" | "resolved" | "done" | "healthy" | "present" => ("good", "✓"),
        "failed" | "bug" | "permission" | "configuration" | "refused" | "unhealthy" => ("bad", "✕"),
        "conflict" | "held" | "open" | "attention" | "guard" | "paused" => ("warn", "!"),
        "in_progress" | "pending" | "transient" | "throttled" => ("busy", "…"),
        _ => ("plain", "·"),
    };
    html! { span class={ "badge " (class) } { span aria-hidden="true" { (sign) " " } (word.replace('_', " ")) } }
}

/// Whether buttons that act on the queue are shown.
pub(crate) fn is_operator(caller: &Caller) -> bool {
    caller.may(Need::Operate)
}

/// Whether buttons that decide conflicts are shown.
pub(crate) fn may_decide(caller: &Caller) -> bool {
    caller.role != Role::Viewer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units() {
        assert_eq!(span(900), "900 ms");
        assert_eq!(span(-5), "0 s");
        assert_eq!(span(61_000), "1 min 1 s");
        assert_eq!(span(90_000_000), "1 d 1 h");
    }

    #[test]
    fn times_are_told_in_utc() {
        assert_eq!(words(Timestamp(0)), "1970-01-01 00:00:00 UTC");
        assert_eq!(iso(Timestamp(1_500)), "1970-01-01T00:00:01.5Z");
    }
}

//! The classes of answers by example.

use model::Class;

use super::Answer;

fn answer(status: u16, body: &str) -> Answer<'_> {
    Answer {
        call: "test",
        is_write: false,
        status,
        body: body.as_bytes(),
        retry_after: None,
        has_user: true,
        names_users: true,
    }
}

fn check(answer: Answer<'_>, code: &str, class: Class) {
    let failure = answer.trouble().failure;
    assert_eq!(
        (failure.code.as_str(), failure.class),
        (code, class),
        "{failure}"
    );
}

const FORBIDDEN: &str = r#"{"errors":["You are not permitted to view the requested resource."],"error_type":"invalid_access"}"#;

#[test]
fn one_status_403_has_three_meanings() {
    let bad_key =
        r#"{"errors":["… The API username or key is invalid."],"error_type":"invalid_access"}"#;
    check(answer(403, bad_key), "SYNC-2301", Class::Configuration);
    check(answer(403, FORBIDDEN), "SYNC-2303", Class::Permission);
    // A suspended acting user gets the general text; only the missing name tells.
    check(
        Answer {
            has_user: false,
            ..answer(403, FORBIDDEN)
        },
        "SYNC-2301",
        Class::Configuration,
    );
    check(
        Answer {
            has_user: false,
            names_users: false,
            ..answer(403, FORBIDDEN)
        },
        "SYNC-2303",
        Class::Permission,
    );
}

#[test]
fn a_proxy_page_with_404_is_no_proof_of_absence() {
    check(
        answer(404, "<html>nginx</html>"),
        "SYNC-2310",
        Class::Transient,
    );
    check(
        answer(404, r#"{"errors":["…"],"error_type":"not_found"}"#),
        "SYNC-2305",
        Class::NotFound,
    );
}

#[test]
fn both_forms_of_429_tell_the_wait() {
    let json = r#"{"errors":["…"],"error_type":"rate_limit","extras":{"wait_seconds":24}}"#;
    assert_eq!(
        answer(429, json).trouble().failure.retry_after_ms,
        Some(24_000)
    );
    let by_header = Answer {
        retry_after: Some("7"),
        ..answer(429, "Slow down")
    };
    assert_eq!(by_header.trouble().failure.retry_after_ms, Some(7_000));
    let zero = Answer {
        retry_after: Some("0"),
        ..answer(429, "Slow down")
    };
    assert_eq!(zero.trouble().failure.retry_after_ms, Some(1_000));
    assert_eq!(
        answer(429, "").trouble().failure.retry_after_ms,
        Some(10_000)
    );
    check(answer(429, json), "SYNC-2304", Class::Throttled);
}

#[test]
fn a_write_that_ends_in_5xx_may_have_happened() {
    let page = "<html>Bad Gateway</html>";
    check(answer(502, page), "SYNC-2307", Class::Transient);
    check(
        Answer {
            is_write: true,
            ..answer(502, page)
        },
        "SYNC-2307",
        Class::UnknownOutcome,
    );
    let read_only = r#"{"errors":["The site is in read only mode."],"error_type":"read_only"}"#;
    check(
        Answer {
            is_write: true,
            ..answer(503, read_only)
        },
        "SYNC-2314",
        Class::Transient,
    );
    check(
        Answer {
            is_write: true,
            ..answer(503, "")
        },
        "SYNC-2307",
        Class::UnknownOutcome,
    );
}

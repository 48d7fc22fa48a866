//! Every form of a refusal, and what becomes of it.

use api_client::{Bytes, HeaderMap};

use super::*;

fn answer(status: u16, body: &str, headers: &[(&'static str, &'static str)]) -> Response {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, value.parse().unwrap());
    }
    Response {
        status,
        headers: map,
        body: Bytes::from(body.to_owned()),
    }
}

fn check(response: &Response, code: &str, read: Class, write: Class) {
    let failure = of_answer("c", false, response).failure;
    assert_eq!((failure.code.as_str(), failure.class), (code, read));
    assert_eq!(of_answer("c", true, response).failure.class, write);
}

#[test]
fn bodies_decide_about_401_and_403() {
    let bearer: &[(&str, &str)] = &[("www-authenticate", "Bearer realm=\"canvas-lms\"")];
    let expired = r#"{"errors":[{"message":"Expired access token.","expired_at":"x"}]}"#;
    let token = Class::Configuration;
    check(&answer(401, expired, bearer), "SYNC-2101", token, token);
    let scopes = r#"{"errors":[{"message":"Insufficient scopes on access token."}]}"#;
    check(&answer(401, scopes, &[]), "SYNC-2102", token, token);
    let denied = r#"{"status":"unauthorized","errors":[{"message":"user not authorized to perform that action"}]}"#;
    for status in [401, 403] {
        let permission = Class::Permission;
        check(
            &answer(status, denied, &[]),
            "SYNC-2103",
            permission,
            permission,
        );
    }
    let limit = answer(403, "403 Forbidden (Rate Limit Exceeded)\n", &[]);
    check(&limit, "SYNC-2104", Class::Throttled, Class::Throttled);
    let refused = answer(
        401,
        r#"{"errors":"Invalid as_user_id","merged_into_user_id":4}"#,
        &[],
    );
    assert_eq!(of_answer("c", true, &refused).reason, Reason::NoActingAs);
    let first = answer(403, "require_initial_post", &[]);
    assert_eq!(of_answer("c", false, &first).reason, Reason::InitialPost);
}

#[test]
fn what_a_broken_server_answers_a_write_may_have_been_done() {
    let transient = Class::Transient;
    for (status, body) in [
        (500, "{}"),
        (502, "<html>bad gateway</html>"),
        (503, ""),
        (504, "x"),
    ] {
        let response = answer(status, body, &[]);
        check(&response, "SYNC-2107", transient, Class::UnknownOutcome);
    }
    assert_eq!(
        of_answer("c", false, &answer(503, "", &[])).reason,
        Reason::NotReady
    );
    let moved = answer(301, "", &[]);
    check(&moved, "SYNC-2110", transient, Class::UnknownOutcome);
}

#[test]
fn the_wait_is_what_the_bucket_needs() {
    let wait = |remaining: &'static str| {
        let response = answer(429, "", &[("x-rate-limit-remaining", remaining)]);
        of_answer("c", false, &response).failure.retry_after_ms
    };
    assert_eq!(wait("-150.0"), Some(20_000));
    assert_eq!(wait("0.0"), Some(5_000));
    assert_eq!(wait("49.9"), Some(1_000));
    assert_eq!(wait("600"), Some(1_000));
    assert_eq!(wait("-1e300"), Some(600_000));
    assert_eq!(wait("NaN"), Some(5_000));
    let budget = api_client::Error::BudgetWait { name: "t", ms: 77 };
    let trouble = of_error(true, &budget);
    assert_eq!(trouble.failure.class, Class::Throttled);
    assert_eq!(trouble.failure.retry_after_ms, Some(77));
}

#[test]
fn words_of_every_form_are_told_short_and_without_secrets() {
    let told = |body: &str| words(&answer(400, body, &[]));
    assert_eq!(told(r#"{"errors":{"message":"too bad"}}"#), "too bad");
    assert_eq!(
        told(
            r#"{"errors":{"base":[{"attribute":"base","type":"x","message":"Maximum entry depth reached"}]}}"#
        ),
        "base: Maximum entry depth reached"
    );
    assert_eq!(
        told(r#"{"errors":[{"field":"a","message":"one"},{"message":"two"}]}"#),
        "one; two"
    );
    assert_eq!(
        told(r#"{"message":"file already exists"}"#),
        "file already exists"
    );
    assert_eq!(told(r#"{"errors":"Bearer abc"}"#), "Bearer ****");
    assert_eq!(told("<html>x</html>"), "");
    assert_eq!(told(""), "");
    assert!(
        told(&format!(r#"{{"message":"{}"}}"#, "x".repeat(900)))
            .chars()
            .count()
            <= 201
    );
}

#[test]
fn a_call_without_an_answer() {
    let sent = api_client::Error::NoAnswer {
        name: "t",
        reason: "r".to_owned(),
    };
    assert_eq!(of_error(true, &sent).failure.class, Class::UnknownOutcome);
    assert_eq!(of_error(false, &sent).failure.class, Class::Transient);
    let unsent = api_client::Error::NotSent {
        name: "t",
        reason: "r".to_owned(),
    };
    assert_eq!(of_error(true, &unsent).failure.class, Class::Transient);
}

//! Uploads and attachments.

use crate::client::{ALICE, BOB, Client, TINA, at};
use axum::body::Body;
use canvas_sim::{Content, Profile};
use http::Request;
use serde_json::{Value, json};

fn multipart(
    path: &str,
    method: &str,
    token: &str,
    fields: &[(&str, &str)],
    file: (&str, &str),
) -> Request<Body> {
    let mut parts: Vec<String> = fields
        .iter()
        .map(|(name, value)| {
            format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}")
        })
        .collect();
    let (name, content) = file;
    parts.push(format!(
        "Content-Disposition: form-data; name=\"{name}\"; filename=\"a.txt\"\r\n\
         Content-Type: text/plain\r\n\r\n{content}"
    ));
    let body = format!("--B\r\n{}\r\n--B--\r\n", parts.join("\r\n--B\r\n"));
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "multipart/form-data; boundary=B");
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(Body::from(body)).unwrap()
}

/// Steps one to three; gives the finished file.
async fn upload(c: &Client, duplicate: &str) -> Value {
    let body = json!({"name": "a.txt", "size": 4, "content_type": "text/plain", "on_duplicate": duplicate});
    let start = c
        .call("POST", "/api/v1/courses/1/files", TINA, body)
        .await
        .body;
    let url = start["upload_url"]
        .as_str()
        .unwrap()
        .replace("http://canvas.test", "");
    let params = start["upload_params"].as_object().unwrap();
    let fields: Vec<(&str, &str)> = params
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str().unwrap()))
        .collect();
    let sent = c
        .raw(multipart(
            &url,
            "POST",
            "",
            &fields,
            (start["file_param"].as_str().unwrap(), "data"),
        ))
        .await;
    assert_eq!(sent.status, 302, "{sent:?}");
    let location = sent.headers["location"].replace("http://canvas.test", "");
    let done = c.get(&location, "").await;
    assert_eq!(done.status, 200, "{done:?}");
    let again = c.get(&location, "").await;
    assert_eq!((again.status, again.body.as_str()), (400, Some("")));
    done.body
}

#[tokio::test]
async fn three_steps_and_a_download() {
    let c = Client::empty();
    let file = upload(&c, "rename").await;
    assert_eq!(
        (&file["size"], &file["display_name"]),
        (&json!(4), &json!("a.txt"))
    );
    assert_eq!(upload(&c, "rename").await["display_name"], "a-1.txt");
    let url = file["url"]
        .as_str()
        .unwrap()
        .replace("http://canvas.test", "");
    assert_eq!(c.get(&url, "").await.body, "data");
    let bare = url.split("&verifier").next().unwrap();
    assert_eq!(c.get(bare, "").await.status, 401);
    assert_eq!(c.get(bare, ALICE).await.status, 200);
    let taken = json!({"name": "a.txt", "size": 4, "on_duplicate": "error"});
    assert_eq!(
        c.call("POST", "/api/v1/courses/1/files", TINA, taken)
            .await
            .status,
        409
    );
    let newer = upload(&c, "overwrite").await;
    let old = c
        .get(&format!("/api/v1/files/{}", file["id"]), TINA)
        .await
        .body;
    assert_eq!(old["id"], newer["id"], "the old id leads to the new file");
    let big = json!({"name": "b", "size": 100_000_000});
    assert_eq!(
        c.call("POST", "/api/v1/users/self/files", ALICE, big)
            .await
            .body["message"],
        "file size exceeds quota"
    );
}

#[tokio::test]
async fn step_two_needs_policy_and_time() {
    let c = Client::empty();
    let start = c
        .call(
            "POST",
            "/api/v1/users/self/files",
            ALICE,
            json!({"name": "a.txt", "size": 1}),
        )
        .await
        .body;
    let params = &start["upload_params"];
    let fields = [
        ("Policy", params["Policy"].as_str().unwrap()),
        ("Signature", "forged"),
    ];
    assert_eq!(
        c.raw(multipart("/files_api", "POST", "", &fields, ("file", "x")))
            .await
            .status,
        400
    );
    let fields = [
        ("Policy", params["Policy"].as_str().unwrap()),
        ("Signature", params["Signature"].as_str().unwrap()),
    ];
    c.pass(31 * 60_000).await;
    assert_eq!(
        c.raw(multipart("/files_api", "POST", "", &fields, ("file", "x")))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn a_put_without_the_file_part_drops_the_file() {
    let c = Client::empty();
    let id = c.topic(json!({})).await;
    let path = format!("{}/entries", at(id));
    let posted = c
        .raw(multipart(
            &path,
            "POST",
            ALICE,
            &[("message", "m")],
            ("attachment", "data"),
        ))
        .await
        .body;
    assert_eq!(posted["attachment"]["display_name"], "a.txt", "{posted}");
    let entry = posted["id"].as_u64().unwrap();
    let own = format!("{path}/{entry}");
    let graphql = format!(
        "mutation {{updateDiscussionEntry(input: {{discussionEntryId: {entry}, message: \"g\"}}) {{discussionEntry {{attachment {{_id}}}} errors {{message}}}} }}"
    );
    let kept = c.graphql(&graphql, ALICE).await;
    assert!(
        kept["data"]["updateDiscussionEntry"]["discussionEntry"]["attachment"].is_object(),
        "GraphQL keeps it"
    );
    assert!(
        c.call("PUT", &own, ALICE, json!({"message": "n"}))
            .await
            .body
            .get("attachment")
            .is_none()
    );
    let put = c
        .raw(multipart(
            &own,
            "PUT",
            ALICE,
            &[("message", "o")],
            ("attachment[uploaded_data]", "data"),
        ))
        .await
        .body;
    assert_eq!(put["attachment"]["display_name"], "a.txt");
    assert_eq!(
        c.raw(multipart(&own, "PUT", ALICE, &[], ("attachment", "data")))
            .await
            .status,
        500
    );
    c.switch(json!({"put_drops_attachment": false})).await;
    assert!(
        c.call("PUT", &own, ALICE, json!({"message": "p"}))
            .await
            .body
            .get("attachment")
            .is_some()
    );
}

#[tokio::test]
async fn an_attachment_as_text_is_500_after_the_entry_is_stored() {
    let c = Client::new(Profile::Current, Content::Empty);
    let id = c.topic(json!({})).await;
    let path = format!("{}/entries", at(id));
    let object = c
        .call(
            "POST",
            &path,
            BOB,
            json!({"message": "m", "attachment": {"id": 1}}),
        )
        .await;
    assert_eq!(object.status, 500);
    assert_eq!(c.get(&path, BOB).await.body, json!([]));
    let text = c
        .call(
            "POST",
            &path,
            BOB,
            json!({"message": "m", "attachment": "text"}),
        )
        .await;
    assert_eq!(text.status, 500);
    assert_eq!(c.get(&path, BOB).await.body.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn verifiers_can_be_refused_today() {
    let c = Client::empty();
    let id = c.topic(json!({})).await;
    let file = upload(&c, "rename").await["id"].clone();
    let html = format!("<a href=\"/courses/1/files/{file}/download\">f</a>");
    c.post(id, None, ALICE, &html).await;
    let read = |tail: &'static str| {
        let c = &c;
        async move {
            c.get(&format!("{}/entries{tail}", at(id)), BOB).await.body[0]["message"].to_string()
        }
    };
    assert!(read("").await.contains("verifier="));
    assert!(!read("?no_verifiers=1").await.contains("verifier="));
    let view = c.get(&format!("{}/view", at(id)), BOB).await.body["view"][0]["message"].to_string();
    assert!(
        !view.contains("verifier="),
        "the view never has one: {view}"
    );
}

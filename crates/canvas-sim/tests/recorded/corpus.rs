//! The HTML corpus and the marker forms: what is stored, and what the create answers.

use crate::compare::meaning;
use crate::replay::Stage;
use crate::{fixture, known, setup};
use serde_json::{Value, json};

/// Plays everything up to the uploads, so that the files of the corpus exist.
async fn stage_with_files() -> Option<Stage> {
    let recordings = fixture::recordings()?;
    let mut stage = Stage::new().await;
    for recording in recordings.iter().filter(|r| r.number < 250) {
        setup::before(&stage, recording.number).await;
        stage.send(recording).await;
    }
    let body = json!({"title": "Corpus", "message": "x", "discussion_type": "threaded", "published": true});
    let path = "/api/v1/courses/1/discussion_topics";
    let answer = stage.json("POST", path, "teacher", &body).await;
    assert_eq!(answer.status, 200);
    stage
        .control("/switches", json!({"view_frozen": false}))
        .await;
    Some(stage)
}

async fn corpus_topic(stage: &Stage) -> u64 {
    let list = stage
        .json(
            "GET",
            "/api/v1/courses/1/discussion_topics?search_term=Corpus",
            "teacher",
            &Value::Null,
        )
        .await;
    list.body[0]["id"].as_u64().unwrap()
}

async fn stored(stage: &Stage, topic: u64, entry: u64) -> String {
    let dump = stage
        .json("GET", &format!("/_sim/topics/{topic}"), "", &Value::Null)
        .await;
    let rows = dump.body["entries"].as_array().unwrap();
    let row = rows.iter().find(|e| e["id"] == entry).unwrap();
    row["message"].as_str().unwrap_or_default().to_owned()
}

/// Sorts found differences into unexpected and healed ones, by the table of known ones.
fn judge(found: &[(String, String)], listed: &[(&str, &str)]) {
    let unexpected: Vec<String> = found
        .iter()
        .filter(|(what, _)| !listed.iter().any(|(known, _)| known == what))
        .map(|(what, how)| format!("{what}\n{how}"))
        .collect();
    let healed: Vec<&str> = listed
        .iter()
        .filter(|(known, _)| !found.iter().any(|(what, _)| what == known))
        .map(|(known, _)| *known)
        .collect();
    assert!(
        unexpected.is_empty(),
        "unlisted ({}):\n{}",
        unexpected.len(),
        unexpected.join("\n")
    );
    assert!(healed.is_empty(), "listed, but alike now: {healed:?}");
}

fn difference(theirs: &str, ours: &str) -> Option<String> {
    let (a, b) = (meaning(theirs), meaning(ours));
    (a != b).then(|| format!("    there {theirs}\n    here  {ours}"))
}

#[tokio::test]
async fn the_corpus_is_stored_alike() {
    let Some(corpus) = fixture::file("entry-corpus.json") else {
        return;
    };
    let stage = stage_with_files().await.unwrap();
    let topic = corpus_topic(&stage).await;
    let path = format!("/api/v1/courses/1/discussion_topics/{topic}/entries");
    let mut in_store = Vec::new();
    let mut in_answer = Vec::new();
    let mut compared = 0;
    for row in corpus["rows"].as_array().unwrap() {
        let what = row["what"].as_str().unwrap().to_owned();
        let sent = stage.exchange(row["sent"].as_str().unwrap());
        let answer = stage
            .json("POST", &path, "alice", &json!({"message": sent}))
            .await;
        if row["status"] != 201 {
            if row["status"] != answer.status {
                in_store.push((
                    what,
                    format!("    status {} there, {} here", row["status"], answer.status),
                ));
            }
            continue;
        }
        assert_eq!(answer.status, 201, "{what}");
        let ours = stored(&stage, topic, answer.body["id"].as_u64().unwrap()).await;
        let theirs = row["stored"].as_str().unwrap();
        compared += 1;
        if let Some(how) = difference(theirs, &ours) {
            in_store.push((what, how));
            continue;
        }
        let theirs = row["create_answer"].as_str().unwrap_or(theirs);
        if let Some(how) = difference(theirs, answer.body["message"].as_str().unwrap_or_default()) {
            in_answer.push((what, how));
        }
    }
    println!(
        "{compared} constructs, {} stored and {} read differently",
        in_store.len(),
        in_answer.len()
    );
    assert!(compared > 60);
    judge(&in_store, known::CORPUS);
    judge(&in_answer, known::READ_FORMS);
}

#[tokio::test]
async fn markers_come_back_as_recorded() {
    let Some(forms) = fixture::file("marker-forms.json") else {
        return;
    };
    let stage = stage_with_files().await.unwrap();
    let topic = corpus_topic(&stage).await;
    let path = format!("/api/v1/courses/1/discussion_topics/{topic}/entries");
    let mut compared = 0;
    for row in forms["rows"].as_array().unwrap() {
        let (Some(sent), Some(theirs)) = (row["sent"].as_str(), row["stored"].as_str()) else {
            continue;
        };
        let answer = stage
            .json("POST", &path, "alice", &json!({"message": sent}))
            .await;
        let ours = stored(&stage, topic, answer.body["id"].as_u64().unwrap()).await;
        assert_eq!(meaning(theirs), meaning(&ours), "{}", row["what"]);
        // A marker is only a marker if it survives byte for byte.
        if row["same_everywhere"] == true {
            assert_eq!(
                theirs.replace('\'', "\""),
                ours.replace("&quot;", "\"").replace('\'', "\""),
                "{}",
                row["what"]
            );
        }
        assert_eq!(
            meaning(row["create_answer"].as_str().unwrap_or(theirs)),
            meaning(answer.body["message"].as_str().unwrap()),
            "{}",
            row["what"]
        );
        compared += 1;
    }
    assert!(compared >= 10, "{compared}");
}

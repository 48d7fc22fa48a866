//! What each strategy makes of the same small examples.

use model::{Body, Dialect, Timestamp};

use super::*;

fn body(text: &str) -> Value {
    Value::Body(Body {
        dialect: Dialect::DiscourseMarkdown,
        source: text.to_owned(),
        canonical: text.to_owned(),
    })
}

fn record(title: &str, text: &str, edited_ms: i64) -> Record {
    Record {
        edited_at: Some(Timestamp(edited_ms)),
        ..Record::default()
    }
    .with(Field::Title, Value::Text(title.to_owned()))
    .with(Field::Body, body(text))
}

fn heads(canvas: Record, discourse: Record) -> Vec<Head> {
    let base = Some(record("T", "base", 0));
    vec![
        Head {
            system: System::Canvas,
            record: canvas,
            base: base.clone(),
        },
        Head {
            system: System::Discourse,
            record: discourse,
            base,
        },
    ]
}

fn policy(strategy: Strategy) -> Policy {
    Policy {
        strategy,
        ..Policy::default()
    }
}

fn result(strategy: Strategy, canvas: &Record, discourse: &Record) -> String {
    let agreed = record("T", "base", 0);
    let merged = merge(
        &agreed,
        &heads(canvas.clone(), discourse.clone()),
        &policy(strategy),
    );
    match merged.record {
        None => "undecided".to_owned(),
        Some(record) if record.deleted => "deleted".to_owned(),
        Some(record) => format!(
            "{}/{}",
            record.text(Field::Title).unwrap_or("-"),
            record.body().map_or("-", |body| &body.source)
        ),
    }
}

fn check(canvas: &Record, discourse: &Record, expected: [&str; 6]) {
    for (strategy, expected) in Strategy::ALL.into_iter().zip(expected) {
        assert_eq!(
            result(strategy, canvas, discourse),
            expected,
            "{}",
            strategy.as_str()
        );
    }
}

// The order of the expectations: prefer_canvas, prefer_discourse, prefer_most_recent, merge_prefer_canvas,
// merge_prefer_discourse, manual.

#[test]
fn changes_of_different_fields_need_no_strategy() {
    let canvas = record("C", "base", 1_000);
    let discourse = record("T", "d", 9_000);
    check(&canvas, &discourse, ["C/d"; 6]);
}

#[test]
fn an_overlap_is_decided_by_the_strategy() {
    let canvas = record("C", "c", 1_000);
    let discourse = record("T", "d", 9_000);
    check(
        &canvas,
        &discourse,
        ["C/c", "T/d", "T/d", "C/c", "C/d", "undecided"],
    );
}

#[test]
fn times_inside_the_margin_are_not_told_apart() {
    let canvas = record("T", "c", 8_000);
    let discourse = record("T", "d", 9_000);
    check(
        &canvas,
        &discourse,
        ["T/c", "T/d", "undecided", "T/c", "T/d", "undecided"],
    );
}

#[test]
fn under_merge_an_edit_outlives_a_delete() {
    let canvas = Record {
        deleted: true,
        ..record("T", "base", 0)
    };
    let discourse = record("T", "d", 9_000);
    check(
        &canvas,
        &discourse,
        ["deleted", "T/d", "undecided", "T/d", "T/d", "undecided"],
    );
}

#[test]
fn the_same_change_on_both_sides_is_no_conflict() {
    let both = record("S", "s", 5);
    check(&both, &both, ["S/s"; 6]);
}

#[test]
fn sets_take_all_adds_and_all_removes() {
    let names = |names: &[&str]| Value::Set(names.iter().map(|name| (*name).to_owned()).collect());
    let base = Record::default().with(Field::Tags, names(&["a", "b"]));
    let head = |system, tags: &[&str]| Head {
        system,
        record: Record::default().with(Field::Tags, names(tags)),
        base: Some(base.clone()),
    };
    let heads = [
        head(System::Canvas, &["a", "c"]),
        head(System::Discourse, &["a", "b", "d"]),
    ];
    let merged = merge(&base, &heads, &policy(Strategy::Manual));
    assert_eq!(
        merged.record.unwrap().fields[&Field::Tags],
        names(&["a", "c", "d"])
    );
}

const POEM: [&str; 3] = ["The sun rises.", "The moon waits.", "The tide turns."];

/// A text of three paragraphs as a system stores it, with one of them replaced.
fn poem(system: System, place: usize, words: &str) -> Record {
    let mut lines = POEM;
    if let Some(line) = lines.get_mut(place) {
        *line = words;
    }
    let (dialect, source) = if system == System::Canvas {
        let lines: Vec<String> = lines.iter().map(|line| format!("<p>{line}</p>")).collect();
        (Dialect::CanvasHtml, lines.join("\n"))
    } else {
        (Dialect::DiscourseMarkdown, lines.join("\n\n"))
    };
    let value = Value::Body(Body {
        dialect,
        source,
        canonical: lines.join("\n\n"),
    });
    record("T", "", 9_000).with(Field::Body, value)
}

fn poems(canvas: (usize, &str), discourse: (usize, &str), strategy: Strategy) -> (Merged, String) {
    let head = |system, (place, words): (usize, &str)| Head {
        system,
        record: poem(system, place, words),
        base: Some(poem(system, 9, "")),
    };
    let heads = [
        head(System::Canvas, canvas),
        head(System::Discourse, discourse),
    ];
    let agreed = poem(System::Discourse, 9, "");
    let merged = merge(&agreed, &heads, &policy(strategy));
    let text = merged.record.as_ref().and_then(Record::body);
    let text = text.map_or(String::new(), |body| body.source.clone());
    (merged, text)
}

#[test]
fn edits_of_different_paragraphs_are_put_together_under_every_strategy() {
    for strategy in Strategy::ALL {
        let (merged, text) = poems((0, "The sun sets."), (2, "The tide is out."), strategy);
        assert!(!merged.is_conflict(), "{}", strategy.as_str());
        assert_eq!(text, "The sun sets.\n\nThe moon waits.\n\nThe tide is out.");
    }
}

#[test]
fn edits_of_different_words_of_a_paragraph_are_put_together() {
    let (merged, text) = poems(
        (1, "The old moon waits."),
        (1, "The moon waits long."),
        Strategy::Manual,
    );
    assert!(!merged.is_conflict());
    assert_eq!(
        text,
        "The sun rises.\n\nThe old moon waits long.\n\nThe tide turns."
    );
}

#[test]
fn where_edits_meet_only_that_place_goes_to_the_preferred_side() {
    let canvas = "The sun is up. Canvas was here.";
    for (strategy, expected) in [
        (Strategy::MergePreferCanvas, "canvas"),
        (Strategy::MergePreferDiscourse, "discourse"),
    ] {
        let mut heads = Vec::new();
        for (system, word) in [(System::Canvas, "canvas"), (System::Discourse, "discourse")] {
            let both = |first: &str, own: usize, words: &str| {
                let mut edited = poem(system, 1, first);
                let Some(Value::Body(body)) = edited.fields.get_mut(&Field::Body) else {
                    unreachable!("a poem has a text")
                };
                for text in [&mut body.source, &mut body.canonical] {
                    *text = text.replace(POEM[own], words);
                }
                edited
            };
            let (own, words) = if system == System::Canvas {
                (0, canvas)
            } else {
                (2, "The tide is out.")
            };
            heads.push(Head {
                system,
                record: both(&format!("The {word} waits."), own, words),
                base: Some(poem(system, 9, "")),
            });
        }
        let agreed = poem(System::Discourse, 9, "");
        let merged = merge(&agreed, &heads, &policy(strategy));
        assert!(merged.overlaps.contains(&Field::Body), "it is a conflict");
        let record = merged.record.unwrap();
        assert_eq!(
            record.body().unwrap().source,
            format!("{canvas}\n\nThe {expected} waits.\n\nThe tide is out.")
        );
    }
}

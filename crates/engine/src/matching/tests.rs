//! Cases and properties of matching; what is stored afterwards is tested with the store.

use super::*;

use crate::receipt::Place;
use model::{
    Body, CreateKey, Dialect, Entity, EntityId, Kind, Policy, Status, Strategy as Rule, Timestamp,
    Value,
};
use proptest::prelude::*;

fn item(
    kind: Kind,
    id: &str,
    parent: Option<&str>,
    (text, who, at): (&str, &str, i64),
) -> RemoteItem {
    let body = Body {
        dialect: Dialect::DiscourseMarkdown,
        source: text.to_owned(),
        canonical: text.to_owned(),
    };
    let record = Record {
        author: (!who.is_empty()).then(|| Author {
            key: Some(who.to_owned()),
            remote: None,
            name: who.to_owned(),
        }),
        created_at: Some(Timestamp(at)),
        ..Record::default()
    };
    RemoteItem {
        kind,
        remote: RemoteId::from(id),
        container: None,
        parent: parent.map(RemoteId::from),
        key: None,
        mark: None,
        sighting: Sighting::Present(record.with(Field::Body, Value::Body(body))),
    }
}

fn post(id: &str, parent: Option<&str>, text: &str, who: &str) -> RemoteItem {
    item(Kind::Post, id, parent, (text, who, 0))
}

fn topic(id: &str, title: &str, text: &str, who: &str) -> RemoteItem {
    let mut item = item(Kind::Topic, id, None, (text, who, 0));
    if let Sighting::Present(record) = &mut item.sighting {
        *record = record
            .clone()
            .with(Field::Title, Value::Text(title.to_owned()));
    }
    item
}

fn found(matching: &Matching) -> Vec<(&str, &str, bool)> {
    let pairs = matching.pairs.iter();
    pairs
        .map(|pair| (pair.canvas.as_str(), pair.discourse.as_str(), pair.is_sure))
        .collect()
}

const LONG: &str = "The moon pulls the water towards it.";

#[test]
fn the_same_title_and_text_are_sure() {
    let matching = match_topics(
        &[topic("c", "Tides ", LONG, "")],
        &[topic("d", "tides", LONG, "7")],
    );
    assert_eq!(found(&matching), [("c", "d", true)]);
    assert_eq!(
        matching.pairs.first().map(|pair| pair.evidence.clone()),
        Some(BTreeSet::from([Text, Title, Time]))
    );
}

#[test]
fn a_title_with_another_text_is_likely_by_the_author_and_unclear_without() {
    let canvas = [topic("c", "Tides", LONG, "7")];
    let mut other = topic("d", "Tides", "Another text altogether.", "7");
    assert_eq!(
        found(&match_topics(&canvas, std::slice::from_ref(&other))),
        [("c", "d", false)]
    );
    if let Sighting::Present(record) = &mut other.sighting {
        record.author = None;
        record.created_at = Some(Timestamp(9_000_000));
    }
    let matching = match_topics(&canvas, &[other]);
    assert!(matching.pairs.is_empty());
    assert_eq!(matching.unclear.len(), 1);
}

#[test]
fn a_key_that_is_not_unique_names_its_duplicates() {
    let canvas = [
        topic("c1", "Tides", LONG, "7"),
        topic("c2", "Tides", LONG, "7"),
    ];
    let matching = match_topics(&canvas, &[topic("d", "Tides", LONG, "7")]);
    assert!(matching.pairs.is_empty() && matching.unmatched.is_empty());
    let group = matching.unclear.first().unwrap();
    assert_eq!((group.canvas.len(), group.discourse.len()), (2, 1));
}

#[test]
fn the_time_tells_two_equal_texts_of_one_person_apart() {
    let at = |id, minute| item(Kind::Post, id, None, ("I agree", "7", minute * MINUTE_MS));
    let matching = match_posts(
        &[at("c1", 1), at("c2", 5)],
        &[at("d1", 5), at("d2", 1)],
        &[],
    );
    assert_eq!(found(&matching), [("c1", "d2", true), ("c2", "d1", true)]);
}

#[test]
fn a_short_text_of_an_unknown_author_is_unclear() {
    let matching = match_posts(
        &[post("c", None, "Yes", "7")],
        &[post("d", None, "Yes", "")],
        &[],
    );
    assert!(matching.pairs.is_empty());
    assert_eq!(matching.unclear.len(), 1);
}

#[test]
fn an_answer_is_found_under_the_pair_of_its_parent() {
    let side = |id: &str| {
        let (one, two) = (format!("{id}1"), format!("{id}2"));
        vec![
            post(&one, None, "The sun pulls as well, but less.", "3"),
            post(&two, None, "High water comes later than that.", "4"),
            post(&format!("{id}3"), Some(&one), "Yes", "7"),
            post(&format!("{id}4"), Some(&two), "Yes", "7"),
        ]
    };
    let matching = match_posts(&side("c"), &side("d"), &[]);
    let wanted = [
        ("c1", "d1", true),
        ("c2", "d2", true),
        ("c3", "d3", true),
        ("c4", "d4", true),
    ];
    assert_eq!(found(&matching), wanted);
    assert!(
        matching
            .pairs
            .iter()
            .all(|pair| pair.evidence.contains(&Evidence::Parent))
    );
}

#[test]
fn our_own_marker_is_sure() {
    let mut one = topic("c", "One", "One text of the two.", "");
    let mut other = topic("d", "Other", "The other text of the two.", "");
    one.key = Some(CreateKey::from("ap-1"));
    other.key = one.key.clone();
    assert_eq!(found(&match_topics(&[one], &[other])), [("c", "d", true)]);
}

fn place() -> Place {
    Place {
        course: EntityId::from("course"),
        container: EntityId::from("course"),
        parent: None,
    }
}

fn link_of(canvas: &RemoteItem, discourse: &RemoteItem) -> Entity {
    linked(
        EntityId::from("e"),
        (canvas, discourse),
        place(),
        Timestamp(5),
    )
    .unwrap()
}

#[test]
fn what_says_the_same_is_in_step_and_owes_nothing() {
    let entity = link_of(
        &topic("c", "Tides", LONG, "7"),
        &topic("d", "Tides", LONG, "7"),
    );
    assert_eq!(entity.status, Status::InSync);
    assert!(crate::owed_writes(&entity).is_empty());
}

#[test]
fn what_differs_is_a_conflict_of_two_changes() {
    let entity = link_of(
        &topic("c", "Tides", LONG, "7"),
        &topic("d", "Tides", "Something else.", "7"),
    );
    let decide = |strategy| {
        let policy = Policy {
            strategy,
            ..Policy::default()
        };
        crate::reconcile(&crate::Input {
            entity: &entity,
            intents: &[],
            observations: &[],
            policy: &policy,
            open_conflict: None,
            is_asked: false,
            now: Timestamp(9),
        })
    };
    let waits = decide(Rule::Manual);
    assert_eq!(waits.entity.status, Status::Conflict);
    assert!(waits.conflict.is_some());
    let decided = decide(Rule::PreferDiscourse);
    assert!(decided.conflict.is_some(), "the losing text is kept");
    let writes = crate::owed_writes(&decided.entity);
    assert_eq!(
        writes.iter().map(|write| write.system).collect::<Vec<_>>(),
        [System::Canvas]
    );
}

#[test]
fn ten_thousand_posts_take_about_ten_times_as_long_as_a_thousand() {
    // One chain of answers and many equal short texts: what would be slow if anything were compared with everything.
    let side = |id: &str, count: usize| -> Vec<RemoteItem> {
        (0..count)
            .map(|number| {
                let parent = (number % 2 == 1).then(|| format!("{id}{}", number - 1));
                let text = if number % 3 == 0 {
                    "I agree".to_owned()
                } else {
                    format!("Thought number {number}.")
                };
                post(
                    &format!("{id}{number}"),
                    parent.as_deref(),
                    &text,
                    &(number % 50).to_string(),
                )
            })
            .collect()
    };
    let matching = match_posts(&side("c", 10_000), &side("d", 10_000), &[]);
    let paired = matching.pairs.len();
    let grouped: usize = matching
        .unclear
        .iter()
        .map(|group| group.canvas.len())
        .sum();
    assert!(paired > 6_000, "{paired}");
    assert_eq!(paired + grouped + matching.unmatched.len() / 2, 10_000);
}

/// A few posts with few texts and authors, each answering an earlier one or the topic.
fn posts(prefix: &'static str) -> impl Strategy<Value = Vec<RemoteItem>> {
    let one = (
        0..6_usize,
        0..4_usize,
        0..3_i64,
        proptest::option::of(0..12_usize),
    );
    proptest::collection::vec(one, 0..14).prop_map(move |rows| {
        let texts = [
            "Yes",
            "No",
            LONG,
            "High water comes later than that.",
            "",
            "I agree with all of this.",
        ];
        let people = ["3", "4", "7", ""];
        rows.into_iter()
            .enumerate()
            .map(|(number, (text, who, minute, parent))| {
                let parent = parent
                    .filter(|parent| *parent < number)
                    .map(|at| format!("{prefix}{at}"));
                let said = (texts[text], people[who], minute * MINUTE_MS);
                item(
                    Kind::Post,
                    &format!("{prefix}{number}"),
                    parent.as_deref(),
                    said,
                )
            })
            .collect()
    })
}

fn places(matching: &Matching) -> Vec<RemoteId> {
    let mut all: Vec<RemoteId> = Vec::new();
    for pair in &matching.pairs {
        all.extend([pair.canvas.clone(), pair.discourse.clone()]);
    }
    for group in &matching.unclear {
        all.extend(group.canvas.iter().chain(&group.discourse).cloned());
    }
    all.extend(matching.unmatched.iter().map(|(_, id)| id.clone()));
    all.sort();
    all
}

proptest! {
    #[test]
    fn every_item_stands_in_one_place(canvas in posts("c"), discourse in posts("d")) {
        let mut wanted: Vec<RemoteId> = canvas.iter().chain(&discourse).map(|item| item.remote.clone()).collect();
        wanted.sort();
        prop_assert_eq!(places(&match_posts(&canvas, &discourse, &[])), wanted.clone());
        prop_assert_eq!(places(&match_topics(&canvas, &discourse)), wanted);
    }

    #[test]
    fn the_order_of_the_lists_does_not_matter(canvas in posts("c"), discourse in posts("d")) {
        let back = |items: &[RemoteItem]| items.iter().rev().cloned().collect::<Vec<_>>();
        prop_assert_eq!(
            match_posts(&canvas, &discourse, &[]),
            match_posts(&back(&canvas), &back(&discourse), &[])
        );
    }

    #[test]
    fn a_sure_pair_says_the_same(canvas in posts("c"), discourse in posts("d")) {
        for pair in match_posts(&canvas, &discourse, &[]).pairs {
            if pair.is_sure {
                prop_assert!(pair.evidence.contains(&Text) && pair.evidence.contains(&By), "{:?}", pair);
            }
        }
    }

    #[test]
    fn a_copy_with_other_ids_is_found_whole(canvas in posts("c")) {
        // Each post says something of its own: then nothing is left over.
        let mut canvas = canvas;
        for (number, post) in canvas.iter_mut().enumerate() {
            if let Sighting::Present(record) = &mut post.sighting {
                let said = format!("What only post {number} says, in so many words.");
                let body = Body { dialect: Dialect::CanvasHtml, source: said.clone(), canonical: said };
                *record = record.clone().with(Field::Body, Value::Body(body));
            }
        }
        let renamed = |id: &RemoteId| RemoteId(id.as_str().replacen('c', "d", 1));
        let mut copy = canvas.clone();
        for post in &mut copy {
            post.remote = renamed(&post.remote);
            post.parent = post.parent.as_ref().map(renamed);
        }
        let matching = match_posts(&canvas, &copy, &[]);
        prop_assert_eq!(matching.pairs.len(), canvas.len());
        prop_assert!(matching.pairs.iter().all(|pair| renamed(&pair.canvas) == pair.discourse));
        prop_assert!(matching.unclear.is_empty() && matching.unmatched.is_empty());
    }
}

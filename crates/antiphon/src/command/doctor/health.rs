//! `D5xx` and `D6xx`: the mapping, and how the sync fares, from the database.

use std::collections::BTreeSet;

use connector::{Finding, Verdict};
use model::{Entity, Status, System};
use store::{OperationState, Store};

use crate::config::Config;
use crate::wiring;

/// What waits longer than this is late.
const LATE_MS: i64 = 900_000;
/// How many open conflicts are too many to be looked at one by one.
const CONFLICTS_MANY: u64 = 20;
/// A full comparison older than this says little.
const COMPARED_MS: i64 = 172_800_000;
/// What needs the database.
const STORED: [&str; 10] = [
    "D503", "D504", "D601", "D602", "D603", "D604", "D605", "D606", "D607", "D608",
];

pub(crate) async fn examine(config: &Config, store: Option<&Store>) -> Vec<Finding> {
    let mut found = mapping(config);
    let Some(store) = store else {
        found.extend(Finding::skipped(&STORED, "the database is not open"));
        return found;
    };
    match stored(config, store).await {
        Ok(more) => found.extend(more),
        Err(error) => {
            let why = error.failure().message;
            found.push(Finding::new("D201", Verdict::Fail, why.clone()));
            found.extend(Finding::skipped(&STORED, &why));
        }
    }
    found
}

fn mapping(config: &Config) -> Vec<Finding> {
    let courses = &config.settings.courses;
    let cause = format!("{} courses", courses.len());
    let mut doubled = Vec::new();
    let (mut canvas, mut discourse) = (BTreeSet::new(), BTreeSet::new());
    for course in courses {
        if !canvas.insert(&course.canvas) {
            doubled.push(format!("Canvas {}", course.canvas));
        }
        if !discourse.insert(&course.discourse) {
            doubled.push(format!("Discourse {}", course.discourse));
        }
    }
    let twice = if doubled.is_empty() {
        "none".to_owned()
    } else {
        doubled.join(", ")
    };
    vec![
        Finding::when("D501", !courses.is_empty(), Verdict::Warn, cause),
        Finding::when("D502", doubled.is_empty(), Verdict::Fail, twice),
    ]
}

async fn stored(config: &Config, store: &Store) -> store::Result<Vec<Finding>> {
    let courses = store.courses().await?;
    let mut found = vec![
        readers(config, store, &courses).await,
        left(config, &courses),
    ];
    found.extend(queue(store).await?);
    found.extend(items(store).await?);
    let pauses = store.pauses().await?;
    let scopes: Vec<&str> = pauses.iter().map(|pause| pause.scope.as_str()).collect();
    let cause = if scopes.is_empty() {
        "nothing".to_owned()
    } else {
        scopes.join(", ")
    };
    found.push(Finding::when(
        "D607",
        pauses.is_empty(),
        Verdict::Warn,
        cause,
    ));
    found.push(match store.check_audit().await? {
        store::ChainCheck::Whole(lines) => {
            Finding::new("D608", Verdict::Ok, format!("{lines} lines, unchanged"))
        }
        store::ChainCheck::Broken(line) => {
            Finding::new("D608", Verdict::Fail, format!("line {line} was changed"))
        }
    });
    Ok(found)
}

/// Whether more people can read one side of a mapped course than the other.
async fn readers(config: &Config, store: &Store, courses: &[Entity]) -> Finding {
    let Ok(world) = wiring::assemble(config, store.clone()) else {
        return Finding::new("D503", Verdict::Skipped, "no connection");
    };
    let (mut looked, mut wider, mut unknown) = (0_usize, Vec::new(), Vec::new());
    for settings in &config.settings.courses {
        let Some(course) = courses.iter().find(|course| is_of(course, settings)) else {
            continue;
        };
        if settings.accepted_audience.is_some() || settings.is_read_only {
            continue;
        }
        looked += 1;
        match runner::is_wider(&world, course).await {
            Ok(false) => {}
            Ok(true) => wider.push(settings.canvas.clone()),
            Err(failure) => unknown.push(format!("{} ({})", settings.canvas, failure.code)),
        }
    }
    if !wider.is_empty() {
        return Finding::new(
            "D503",
            Verdict::Fail,
            format!("more can read one side of {}", wider.join(", ")),
        );
    }
    let cause = format!("{looked} courses compared");
    if unknown.is_empty() {
        return Finding::new("D503", Verdict::Ok, cause);
    }
    Finding::new(
        "D503",
        Verdict::Warn,
        format!("not known for {}", unknown.join(", ")),
    )
}

fn is_of(course: &Entity, settings: &runner::CourseSettings) -> bool {
    let mark = |system| {
        let replica = course.replica(system);
        replica.and_then(|replica| replica.mark.as_deref())
    };
    mark(System::Canvas) == Some(&settings.canvas)
        && mark(System::Discourse) == Some(&settings.discourse)
}

fn left(config: &Config, courses: &[Entity]) -> Finding {
    let is_configured = |course: &&Entity| {
        let mut settings = config.settings.courses.iter();
        settings.any(|settings| is_of(course, settings))
    };
    let many = courses
        .iter()
        .filter(|course| !is_configured(course))
        .count();
    Finding::when("D504", many == 0, Verdict::Warn, format!("{many} courses"))
}

async fn queue(store: &Store) -> store::Result<Vec<Finding>> {
    let counts = store.queue_counts().await?;
    let now = wiring::now();
    let waiting = counts
        .iter()
        .filter(|count| count.state == OperationState::Pending);
    let oldest = waiting.map(|count| now.since_ms(count.oldest)).max();
    let late = match oldest {
        None => Finding::new("D601", Verdict::Ok, "nothing waits"),
        Some(age_ms) => {
            let cause = format!("{} minutes", age_ms.max(0) / 60_000);
            Finding::when("D601", age_ms < LATE_MS, Verdict::Warn, cause)
        }
    };
    let held: u64 = counts
        .iter()
        .filter(|count| count.state == OperationState::Held)
        .map(|count| count.count)
        .sum();
    let held = Finding::when(
        "D602",
        held == 0,
        Verdict::Warn,
        format!("{held} operations"),
    );
    Ok(vec![late, held])
}

async fn items(store: &Store) -> store::Result<Vec<Finding>> {
    let open: u64 = store
        .open_conflict_counts()
        .await?
        .iter()
        .map(|(_, count)| count)
        .sum();
    let verdict = if open >= CONFLICTS_MANY {
        Verdict::Fail
    } else {
        Verdict::Warn
    };
    let mut found = vec![Finding::when(
        "D603",
        open == 0,
        verdict,
        format!("{open} open"),
    )];
    let drifts = store.drifts().await?;
    let oldest = drifts.iter().map(|drift| drift.at_ms).min();
    found.push(match oldest {
        None => Finding::new("D604", Verdict::Warn, "no course was compared yet"),
        Some(at_ms) => {
            let age_ms = wiring::now().since_ms(model::Timestamp(at_ms)).max(0);
            let cause = format!("{} hours ago", age_ms / 3_600_000);
            Finding::when("D604", age_ms < COMPARED_MS, Verdict::Warn, cause)
        }
    });
    let drifting: u64 = drifts.iter().map(|drift| drift.drifting).sum();
    let cause = format!("{drifting} items differ without a known reason");
    found.push(Finding::when("D605", drifting == 0, Verdict::Fail, cause));
    let failed: u64 = store
        .entity_status_counts()
        .await?
        .iter()
        .filter(|count| count.status == Status::Failed)
        .map(|count| count.count)
        .sum();
    found.push(Finding::when(
        "D606",
        failed == 0,
        Verdict::Warn,
        format!("{failed} items"),
    ));
    Ok(found)
}

//! `plan` and `apply`: what would be written, and writing it if nothing has moved since.

mod file;
mod show;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use model::{Entity, EntityId, System};
use runner::World;
use runner::preview::{self, Preview};
use runner::worker;

use crate::arguments::{Apply, Plan};
use crate::config::{self, Config};
use crate::exit::{REFUSED, Usage};
use crate::show::{line, object};
use crate::wiring::{self, stored};
use file::{CoursePlan, PlanFile};

/// So many moved items are named.
const NAMED: usize = 50;

pub(crate) async fn plan(path: &Path, options: Plan) -> anyhow::Result<ExitCode> {
    let config = config::load(path)?;
    let world = wiring::world(&config, wiring::open(&config).await?).await?;
    let courses = runner::course::ensure(&world)
        .await
        .map_err(super::sync::course_error)?;
    let courses = wanted(&world, courses, options.course.as_deref()).await?;
    let began = wiring::now();
    let mut plans = Vec::new();
    for course in &courses {
        let pairing = runner::pairing::again(&world, course).await;
        let pairing = pairing.map_err(super::sync::course_error)?;
        let seen = preview::preview(&world, course)
            .await
            .map_err(super::sync::course_error)?;
        let people = people(&world, course, &seen).await?;
        plans.push(CoursePlan::of(
            course,
            &seen,
            (!pairing.is_unaccepted, pairing.open.len()),
            people,
        ));
    }
    let took_ms = wiring::now().since_ms(began);
    let budget = config.discourse_calls_per_minute.unwrap_or(60);
    let made = PlanFile::new(&config, plans, (wiring::now(), took_ms, budget));
    if let Some(out) = &options.output_file {
        write(out, &made)?;
    }
    if options.output.json {
        object(&serde_json::to_value(&made)?);
    } else {
        show::plan(&made);
        if let Some(out) = &options.output_file {
            let name = out.display();
            line("Nothing was written to Canvas or Discourse. Choose:");
            line(&format!(
                "    antiphon apply {name}                      all of it"
            ));
            line(&format!(
                "    antiphon apply {name} --course canvas:ID   one course as a pilot"
            ));
            line(&format!(
                "    antiphon apply {name} --without-deletes    deletions are held for approval"
            ));
        } else {
            line(
                "Nothing was written to Canvas or Discourse. To apply it, make a file: antiphon plan -o plan.json",
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn write(path: &PathBuf, made: &PlanFile) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(made)?;
    std::fs::write(path, text + "\n")
        .with_context(|| format!("{} cannot be written", path.display()))
}

async fn wanted(
    world: &World,
    courses: Vec<Entity>,
    name: Option<&str>,
) -> anyhow::Result<Vec<Entity>> {
    let Some(name) = name else {
        return Ok(courses);
    };
    let id = super::pairing::find(&world.store, name).await?;
    let found: Vec<Entity> = courses
        .into_iter()
        .filter(|course| course.id == id)
        .collect();
    if found.is_empty() {
        return Err(Usage(format!(
            "The course `{name}` does not stand in the configuration."
        ))
        .into());
    }
    Ok(found)
}

/// How many people could be told by each side of what is created there: at most everybody who can read it.
async fn people(
    world: &World,
    course: &Entity,
    seen: &Preview,
) -> anyhow::Result<BTreeMap<System, Option<u64>>> {
    let mut people = BTreeMap::new();
    for system in System::REMOTE {
        let creates = seen
            .writes
            .iter()
            .any(|one| one.system == system && one.write.action == model::Action::Create);
        let (Some(connector), Some(replica)) = (world.connector(system), course.replica(system))
        else {
            continue;
        };
        if !creates {
            people.insert(system, Some(0));
            continue;
        }
        let audience = connector
            .audience(&replica.remote, &std::collections::BTreeSet::new())
            .await;
        // Whoever does not say, or is open to everybody, has no number.
        let count = audience
            .ok()
            .filter(|audience| !audience.is_open)
            .map(|audience| {
                let named = audience.members.len() + audience.observers.len();
                u64::try_from(named)
                    .unwrap_or(u64::MAX)
                    .saturating_add(audience.unnamed)
            });
        people.insert(system, count);
    }
    Ok(people)
}

pub(crate) async fn apply(path: &Path, options: Apply) -> anyhow::Result<ExitCode> {
    let mut config = config::load(path)?;
    let made = file::read(&options.file)?;
    made.fits(&config)?;
    let lock = wiring::lock(&config)?;
    if lock.is_none() && options.without_deletes {
        return Err(Usage(
            "The service runs and would delete. Stop it, apply, and start it again.".to_owned(),
        )
        .into());
    }
    let store = wiring::open(&config).await?;
    if lock.is_some() {
        wiring::recover(&store).await?;
    }
    let chosen = match &options.course {
        Some(name) => vec![super::pairing::find(&store, name).await?],
        None => made
            .courses
            .iter()
            .map(|plan| EntityId::from(plan.course.as_str()))
            .collect(),
    };
    let plans: Vec<&CoursePlan> = made
        .courses
        .iter()
        .filter(|plan| chosen.iter().any(|id| id.as_str() == plan.course))
        .collect();
    if plans.is_empty() {
        return Err(Usage("The plan has no such course.".to_owned()).into());
    }
    restrict(&mut config, &plans, options.without_deletes);
    let world = wiring::world(&config, store).await?;
    let courses = runner::course::ensure(&world)
        .await
        .map_err(super::sync::course_error)?;
    let moved = moved(&world, &courses, &plans).await?;
    if !moved.is_empty() {
        return Ok(refuse(&moved, options.output.json));
    }
    for course in &courses {
        let changes = runner::pairing::accept(&world, course, "the command line");
        world.store.commit(changes).await.map_err(stored)?;
    }
    if lock.is_none() {
        line("Accepted. The running service writes now.");
        return Ok(ExitCode::SUCCESS);
    }
    let progress = Arc::new(|_: worker::Progress| {});
    let done = worker::until_quiet(&world, i64::from(options.patience) * 1_000, progress).await;
    let done = done.map_err(super::sync::course_error)?;
    super::sync::report(&world, done, options.output.json).await
}

/// Leaves only the courses that are applied, and no deletion if none is wanted.
fn restrict(config: &mut Config, plans: &[&CoursePlan], without_deletes: bool) {
    let is_chosen = |course: &runner::CourseSettings| {
        plans
            .iter()
            .any(|plan| plan.canvas == course.canvas && plan.discourse == course.discourse)
    };
    config.settings.courses.retain(is_chosen);
    for course in &mut config.settings.courses {
        if without_deletes {
            course.limits.deletes_min = 0;
            course.limits.deletes_percent = 0;
        }
    }
}

/// What is not as it was when the plan was made.
async fn moved(
    world: &World,
    courses: &[Entity],
    plans: &[&CoursePlan],
) -> anyhow::Result<Vec<String>> {
    let mut moved = Vec::new();
    for plan in plans {
        let Some(course) = courses
            .iter()
            .find(|course| course.id.as_str() == plan.course)
        else {
            moved.push(format!(
                "{}: the pair does not stand in the configuration any more",
                plan.title
            ));
            continue;
        };
        if preview::local(world, course)
            .await
            .map_err(super::sync::course_error)?
            != plan.local
        {
            moved.push(format!(
                "{}: the local database knows more or something else",
                plan.title
            ));
        }
        for system in System::REMOTE {
            let known = plan.threads.get(&system).cloned().unwrap_or_default();
            let now = preview::threads(world, course, system, &known)
                .await
                .map_err(super::sync::course_error)?;
            for (topic, digest) in &now {
                match known.get(topic) {
                    None => moved.push(format!("{}: topic {topic} is new", system.title())),
                    Some(before) if before != digest => {
                        moved.push(format!("{}: topic {topic} has changed", system.title()));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    Ok(moved)
}

fn refuse(moved: &[String], is_json: bool) -> ExitCode {
    if is_json {
        object(&serde_json::json!({ "refused": "moved", "moved": moved }));
    } else {
        line("Nothing was written: something has moved since the plan was made.");
        for one in moved.iter().take(NAMED) {
            line(&format!("    {one}"));
        }
        if moved.len() > NAMED {
            line(&format!("    and {} more", moved.len() - NAMED));
        }
        line("Make a new plan: antiphon plan -o FILE");
    }
    ExitCode::from(REFUSED)
}

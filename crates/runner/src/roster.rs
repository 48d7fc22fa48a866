//! A course's people and groups, kept in step from Canvas to Discourse: one operation for each course, again and again.
//!
//! What is remembered is one text in the database. It names every member before the call that puts them in, so that a
//! run that is killed anywhere is repeated without harm. What to change is the engine's to decide.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Directory, Group, MEMBERS_MAX, MemberChange, Registry};
use engine::roster::{self, MemberStep, Rules, Turn, Wanted};
use model::{
    Class, Entity, Failure, GroupKind, OperationId, RemoteId, Roster, RosterGroup, RosterPerson,
    RosterState, System, Timestamp,
};
use store::{Change, HistoryEntry, NewOperation, Operation, OperationKind, Outcome};

use crate::audience;
use crate::step::{after, finish};
use crate::world::{CourseSettings, World};

/// How many people are asked for in one run; the rest follows in the next, which is queued at once.
const ASKS: usize = 500;
/// After so many answers the run is stored.
const ASKS_STORED: usize = 25;

/// How people are followed, in all courses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleSettings {
    /// The groups that are made; with none, nobody is followed.
    pub groups: BTreeSet<GroupKind>,
    /// Whether accounts are made for those who are enrolled and have none.
    pub is_provisioned: bool,
    /// Whether the course's group may read and write in the course's category when that is not open.
    pub has_access: bool,
    /// How often a course's people are read, in milliseconds.
    pub interval_ms: i64,
    /// How long somebody who left stays in the groups, in milliseconds.
    pub grace_ms: i64,
}

impl Default for PeopleSettings {
    fn default() -> Self {
        Self {
            groups: BTreeSet::new(),
            is_provisioned: false,
            has_access: false,
            interval_ms: 3_600_000,
            grace_ms: 7 * 86_400_000,
        }
    }
}

/// The operation that looks at a course's people.
fn look_at(world: &World, course: &Entity, reason: &str) -> Change {
    let (id, subject) = (OperationId(world.id()), roster::key(&course.id));
    Change::Enqueue(NewOperation {
        entity: Some(course.id.clone()),
        course: Some(course.id.clone()),
        system: Some(System::Canvas),
        reason: reason.to_owned(),
        ..NewOperation::due(id, OperationKind::Roster, subject, world.now())
    })
}

/// What is remembered of a course's people.
pub(crate) async fn load(world: &World, course: &Entity) -> Result<RosterState, store::Error> {
    let stored = world.store.cursor(&roster::key(&course.id)).await?;
    Ok(stored
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default())
}

/// Queues the courses whose people were not read for the interval.
pub(crate) async fn queue_due(world: &World, courses: &[Entity]) -> Result<(), store::Error> {
    let people = &world.settings.people;
    if people.groups.is_empty() {
        return Ok(());
    }
    for course in courses {
        let name = format!("roster-queued:{}", course.id);
        let last = world.store.cursor(&name).await?;
        let last = last.and_then(|text| text.parse::<i64>().ok());
        let is_due = last.is_none_or(|at| {
            let age_ms = world.now().since_ms(Timestamp(at));
            !(0..people.interval_ms).contains(&age_ms)
        });
        // A newly connected course changes nothing before its plan is accepted.
        if is_due && !world.store.pairing(&course.id).await?.is_unaccepted {
            let at = world.now();
            let value = at.0.to_string();
            let changes = vec![
                look_at(world, course, "interval"),
                Change::SetCursor { name, value, at },
            ];
            world.store.commit(changes).await?;
        }
    }
    Ok(())
}

/// One run for one course.
struct Run<'a> {
    world: &'a World,
    course: Entity,
    operation: Operation,
    registry: &'a dyn Registry,
    directory: &'a dyn Directory,
    canvas: RemoteId,
    category: RemoteId,
    rules: Rules,
    state: RosterState,
    notes: Vec<String>,
}

/// Runs the operations of one course; they are all the same wish.
pub(crate) async fn run(
    world: &World,
    owner: &str,
    operations: Vec<Operation>,
) -> Result<(), store::Error> {
    let Some(operation) = operations.first().cloned() else {
        return Ok(());
    };
    let outcome = match begin(world, operation).await? {
        Err(outcome) => (outcome, Vec::new()),
        Ok(mut run) => {
            let done = run.follow().await?;
            let outcome = match &done {
                Ok(()) => Outcome::Completed,
                Err(failure) => after(world, run.operation.attempt_count, failure),
            };
            let changes = run.report(&outcome, done.err());
            (outcome, changes)
        }
    };
    let (outcome, mut changes) = outcome;
    changes.extend(
        operations
            .iter()
            .map(|operation| finish(world, owner, &operation.id, outcome.clone())),
    );
    world.store.commit(changes).await
}

/// What a run needs; otherwise how it ends at once.
async fn begin(
    world: &World,
    operation: Operation,
) -> Result<Result<Run<'_>, Outcome>, store::Error> {
    let cancelled = |why: &str| {
        Ok(Err(Outcome::Cancelled {
            reason: why.to_owned(),
        }))
    };
    let course = match &operation.course {
        Some(id) => world.store.entity(id).await?,
        None => None,
    };
    let Some(course) = course else {
        return cancelled("there is no such course");
    };
    let replica = |system| course.replica(system);
    let (Some(canvas), Some(discourse)) = (replica(System::Canvas), replica(System::Discourse))
    else {
        return cancelled("the course is not mapped");
    };
    let settings = world.course_settings(canvas.mark.as_deref());
    let is_read_only = settings.is_some_and(|course| course.is_read_only);
    if world.settings.policy.is_read_only || is_read_only {
        return cancelled("nothing is written for this course");
    }
    if world.store.pairing(&course.id).await?.is_unaccepted {
        return cancelled("its plan is not accepted yet");
    }
    let people = &world.settings.people;
    if people.groups.is_empty() {
        return cancelled("the configuration follows no people");
    }
    let (Some(registry), Some(directory)) = (world.canvas.registry(), world.discourse.directory())
    else {
        return cancelled("the systems have no people");
    };
    let (canvas, category) = (canvas.remote.clone(), discourse.remote.clone());
    Ok(Ok(Run {
        world,
        registry,
        directory,
        canvas,
        category,
        rules: rules(world, settings, &operation),
        state: load(world, &course).await?,
        course,
        operation,
        notes: Vec::new(),
    }))
}

fn rules(world: &World, settings: Option<&CourseSettings>, operation: &Operation) -> Rules {
    let people = &world.settings.people;
    Rules {
        kinds: people.groups.clone(),
        grace_ms: people.grace_ms,
        batch_max: MEMBERS_MAX,
        limits: settings
            .map(|course| course.limits.clone())
            .unwrap_or_default(),
        is_approved: operation.reason.contains("released"),
    }
}

/// The database fails outside, the remotes inside.
type Done<T> = Result<Result<T, Failure>, store::Error>;

macro_rules! remote {
    ($call:expr) => {
        match $call.await {
            Ok(value) => value,
            Err(connector::Error(failure)) => return Ok(Err(failure)),
        }
    };
}

macro_rules! done {
    ($call:expr) => {
        match $call.await? {
            Ok(value) => value,
            Err(failure) => return Ok(Err(failure)),
        }
    };
}

impl Run<'_> {
    async fn follow(&mut self) -> Done<()> {
        let roster: Roster = remote!(self.registry.roster(&self.canvas));
        if roster.is_concluded {
            self.notes
                .push("The course is concluded in Canvas: its groups stay as they are.".to_owned());
            return Ok(Ok(()));
        }
        let wanted = roster::wanted(&self.canvas.0, &roster, &self.rules.kinds);
        self.state.read_ms = Some(self.world.now().0);
        self.state.active = roster::active(&roster).len();
        done!(self.make_groups(&wanted));
        done!(self.grant());
        let is_more = done!(self.ask_people(&wanted));
        done!(self.change_groups(&wanted));
        if is_more {
            let queued = look_at(self.world, &self.course, "more people");
            self.world.store.commit(vec![queued]).await?;
        }
        Ok(Ok(()))
    }

    async fn keep(&self) -> Result<(), store::Error> {
        self.world.store.commit(vec![self.saved()]).await
    }

    fn saved(&self) -> Change {
        Change::SetCursor {
            name: roster::key(&self.course.id),
            value: serde_json::to_string(&self.state).unwrap_or_default(),
            at: self.world.now(),
        }
    }

    /// Finds or makes the groups that are not known yet. Looked for before each is made: a lost answer makes no second.
    async fn make_groups(&mut self, wanted: &BTreeMap<String, Wanted>) -> Done<()> {
        for (key, group) in wanted {
            if self.state.groups.contains_key(key) || group.members.is_empty() {
                continue;
            }
            let mark = format!("{}:{key}", self.canvas);
            let found = match remote!(self.directory.group(&group.name)) {
                Some(found) if found.mark.as_deref() == Some(&mark) => found,
                Some(_) => return Ok(Err(taken(&group.name))),
                None => {
                    let made = remote!(self.directory.create_group(
                        &group.name,
                        &group.title,
                        &mark
                    ));
                    self.notes.push(format!("Group {} was made.", group.name));
                    made
                }
            };
            let group = RosterGroup {
                remote: found.remote,
                name: found.name,
                title: group.title.clone(),
                ..RosterGroup::default()
            };
            self.state.groups.insert(key.clone(), group);
            self.keep().await?;
        }
        Ok(Ok(()))
    }

    async fn grant(&mut self) -> Done<()> {
        let group = self
            .state
            .groups
            .get("course")
            .map(|group| group.name.clone());
        let Some(group) = group.filter(|_| self.world.settings.people.has_access) else {
            return Ok(Ok(()));
        };
        let name = format!("roster-granted:{}", self.course.id);
        let mark = format!("{} {group}", self.category);
        if self.world.store.cursor(&name).await?.as_ref() == Some(&mark) {
            return Ok(Ok(()));
        }
        if remote!(self.directory.grant(&self.category, &group)) {
            self.notes.push(format!(
                "Group {group} may read and write in category {}.",
                self.category
            ));
        }
        let at = self.world.now();
        let granted = Change::SetCursor {
            name,
            value: mark,
            at,
        };
        self.world.store.commit(vec![granted]).await?;
        Ok(Ok(()))
    }

    /// Finds the accounts of people who are not known or not lately; whether some are left for the next run.
    async fn ask_people(&mut self, wanted: &BTreeMap<String, Wanted>) -> Done<bool> {
        let asked = roster::to_ask(&self.state, wanted, (self.world.now(), ASKS));
        let mut strangers = BTreeSet::new();
        for (count, key) in asked.iter().enumerate() {
            let account = remote!(self.directory.account(key));
            if account.is_none() {
                strangers.insert(key.clone());
            }
            self.learn(key, account, None);
            if count % ASKS_STORED == ASKS_STORED - 1 {
                self.keep().await?;
            }
        }
        self.keep().await?;
        if self.world.settings.people.is_provisioned && !strangers.is_empty() {
            done!(self.provision(&strangers));
        }
        Ok(Ok(asked.len() == ASKS))
    }

    fn learn(&mut self, key: &str, account: Option<String>, refusal: Option<String>) {
        let person = RosterPerson {
            account,
            asked_ms: self.world.now().0,
            refusal,
        };
        self.state.people.insert(key.to_owned(), person);
    }

    /// Makes accounts; a person for whom none may be made is no reason to stop.
    async fn provision(&mut self, strangers: &BTreeSet<String>) -> Done<()> {
        let profiles = remote!(self.registry.profiles(&self.canvas, strangers));
        let (mut made, mut refused) = (0_usize, Vec::new());
        for profile in &profiles {
            match self.directory.provision(profile).await {
                Ok(account) => {
                    made += 1;
                    self.learn(&profile.key, Some(account), None);
                }
                Err(connector::Error(failure))
                    if failure.class == Class::Permission && failure.code != "SYNC-2303" =>
                {
                    self.learn(&profile.key, None, Some(failure.code.clone()));
                    refused.push(failure);
                }
                Err(connector::Error(failure)) => return Ok(Err(failure)),
            }
            self.keep().await?;
        }
        if made > 0 {
            self.notes
                .push(format!("{made} accounts were made in Discourse."));
        }
        let lines = refused
            .iter()
            .map(|failure| self.line("refused", failure.to_string(), Some(failure.clone())));
        let lines: Vec<Change> = lines.collect();
        self.world.store.commit(lines).await?;
        Ok(Ok(()))
    }

    async fn change_groups(&mut self, wanted: &BTreeMap<String, Wanted>) -> Done<()> {
        let mut seen = BTreeMap::new();
        for key in roster::to_read(&self.state, wanted, self.world.now()) {
            if let Some(group) = self.group(&key) {
                seen.insert(key, remote!(self.directory.members(&group)));
            }
        }
        let at = (&self.rules, self.world.now());
        let plan = roster::plan_roster(&self.state, wanted, &seen, at);
        // The intent: whoever is put in is ours from here on, whether or not we live to see it.
        self.state = plan.state;
        self.keep().await?;
        for step in &plan.steps {
            done!(self.change_members(step));
        }
        self.state = roster::settle_roster(&self.state, &plan.steps);
        Ok(plan.failure.map_or(Ok(()), Err))
    }

    async fn change_members(&mut self, step: &MemberStep) -> Done<()> {
        let Some(group) = self.group(&step.group) else {
            return Ok(Ok(()));
        };
        let is_add = step.turn == Turn::Add;
        let change = MemberChange {
            group: &group,
            accounts: &step.accounts,
            is_add,
        };
        remote!(self.directory.change_members(&change));
        let (count, name) = (step.accounts.len(), &group.name);
        let did = if is_add { "put into" } else { "taken out of" };
        self.notes
            .push(format!("{count} people were {did} group {name}."));
        Ok(Ok(()))
    }

    fn group(&self, key: &str) -> Option<Group> {
        let group = self.state.groups.get(key)?;
        Some(Group {
            remote: group.remote.clone(),
            name: group.name.clone(),
            mark: None,
        })
    }

    fn line(&self, action: &str, text: String, failure: Option<Failure>) -> Change {
        Change::Log(HistoryEntry {
            id: self.world.id(),
            at: self.world.now(),
            entity: Some(self.course.id.clone()),
            course: Some(self.course.id.clone()),
            system: Some(System::Discourse),
            action: action.to_owned(),
            operation: Some(self.operation.id.clone()),
            text,
            failure,
        })
    }

    /// What the run leaves behind: its state, a line for each thing that it did, and its failure.
    fn report(&mut self, outcome: &Outcome, failure: Option<Failure>) -> Vec<Change> {
        self.state.failure.clone_from(&failure);
        let mut changes = vec![self.saved()];
        let notes = std::mem::take(&mut self.notes);
        if !notes.is_empty() {
            changes.push(audience::forget(self.world, &self.course));
        }
        changes.extend(
            notes
                .into_iter()
                .map(|note| self.line("roster", note, None)),
        );
        if let Some(failure) = failure {
            let action = match outcome {
                Outcome::Held(_) => "held",
                Outcome::Retry { .. } => "retry",
                Outcome::Failed(_) | Outcome::Completed | Outcome::Cancelled { .. } => "failed",
            };
            changes.push(self.line(action, failure.to_string(), Some(failure)));
        }
        changes
    }
}

/// SYNC-2330: the name belongs to somebody else.
fn taken(name: &str) -> Failure {
    Failure::new(
        "SYNC-2330",
        Class::Permission,
        format!(
            "Discourse has a group {name} that was not made for this course; it is left alone."
        ),
        "Rename that group in Discourse, then retry the operation.",
    )
}

//! What can be typed.
// tidy: long because everything that can be typed stands in one place.

mod entity;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use entity::{Entity, EntityAct, EntityEdit, EntityFilter, EntityList, Side};

/// Keeps Canvas discussions, Discourse forums and a local database in step.
#[derive(Debug, Parser)]
#[command(name = "antiphon", version, about)]
pub(crate) struct Arguments {
    /// The configuration file.
    #[arg(
        long,
        global = true,
        default_value = "antiphon.toml",
        value_name = "FILE"
    )]
    pub(crate) config: PathBuf,
    /// Tell more in the log.
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything against built-in Canvas and Discourse servers: no accounts, no network.
    Demo(Demo),
    /// Run the service: workers, feeds, webhooks and the status page.
    Serve(Serve),
    /// Run workers alone beside a service; any number of these on one PostgreSQL.
    Worker,
    /// List the processes that run workers.
    Node {
        #[command(subcommand)]
        verb: Node,
    },
    /// Run a built-in Canvas or Discourse on its own.
    Sandbox {
        #[command(subcommand)]
        which: Sandbox,
    },
    /// Look at every thread once and write what is owed.
    Sync(Sync),
    /// Show how things stand.
    Status(Output),
    /// Look whether everything is set up as it should be; changes nothing.
    Doctor(Doctor),
    /// List, show, edit or recover the things that are kept in step.
    Entity {
        #[command(subcommand)]
        verb: Entity,
    },
    /// Tell the life of one item: what was seen, decided and written, and what happens next.
    Explain(Explain),
    /// List the operations of the sync queue.
    Operation {
        #[command(subcommand)]
        verb: Operation,
    },
    /// List, show or decide conflicts.
    Conflict {
        #[command(subcommand)]
        verb: Conflict,
    },
    /// Show or sync the groups of a course's people.
    Roster {
        #[command(subcommand)]
        verb: Roster,
    },
    /// Compare what stands on both sides, list what may be the same, and decide about it.
    Match {
        #[command(subcommand)]
        verb: MatchVerb,
    },
    /// Say what would be written to both sides, and write nothing.
    Plan(Plan),
    /// Write what a plan says, if nothing has moved since it was made.
    Apply(Apply),
    /// List or run the maintenance jobs.
    Maintenance {
        #[command(subcommand)]
        verb: Maintenance,
    },
    /// Make, check or restore a copy of the database.
    Backup {
        #[command(subcommand)]
        verb: Backup,
    },
    /// Make, list or remove the accounts of people who may sign in.
    User {
        #[command(subcommand)]
        verb: User,
    },
    /// Make, list or revoke the tokens of programs that call the admin API.
    Token {
        #[command(subcommand)]
        verb: Token,
    },
    /// Print the signed addresses of a course's widgets.
    Widget {
        #[command(subcommand)]
        verb: Widget,
    },
    /// Try the channels by which people are told of failures, or list what was told.
    Notify {
        #[command(subcommand)]
        verb: Notify,
    },
    /// Translate a body between Canvas HTML and Discourse Markdown: standard input to standard output.
    Convert(Convert),
    /// Measure the program against the built-in servers.
    #[command(hide = true)]
    Bench {
        #[command(subcommand)]
        which: Bench,
    },
    /// Check the configuration file.
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Print JSON, one object per line for lists.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Also send a test message through each channel.
    #[arg(long)]
    pub(crate) test_notify: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Synchronise until nothing is left to do, print a report and end.
    #[arg(long)]
    pub(crate) once: bool,
    /// Where the status page listens.
    #[arg(long, default_value = "127.0.0.1:7070", value_name = "ADDRESS")]
    pub(crate) listen: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen, instead of what the configuration says.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Write to newly connected courses at once, without a plan that somebody accepted.
    #[arg(long)]
    pub(crate) accept_plan: bool,
}

/// What to do with processes.
#[derive(Debug, Subcommand)]
pub(crate) enum Node {
    /// List them, oldest first.
    List(Output),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sandbox {
    /// A built-in Canvas; its first line of output says how to reach it.
    Canvas(SandboxOptions),
    /// A built-in Discourse; its first line of output says how to reach it.
    Discourse(SandboxOptions),
}

#[derive(Debug, Args)]
pub(crate) struct SandboxOptions {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Decides every random choice.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Load recorded content from a file or folder.
    #[arg(long, value_name = "PATH")]
    pub(crate) import: Vec<PathBuf>,
    /// Start with one course, one category, a teacher and two students, and nothing else.
    #[arg(long)]
    pub(crate) empty: bool,
    /// Which server to be: canvas-2019, canvas-current, discourse-3.1 or discourse-current.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Send web hooks there from the start (Discourse only).
    #[arg(long, value_name = "URL")]
    pub(crate) webhook: Option<String>,
    /// Sign the web hooks with this secret.
    #[arg(long, value_name = "SECRET")]
    pub(crate) webhook_secret: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// End when nothing is left to do; without it the service keeps running as `serve` does, without its pages.
    #[arg(long)]
    pub(crate) once: bool,
    /// How long to wait for operations that back off, in seconds.
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    pub(crate) patience: u32,
    /// Write to newly connected courses at once, without a plan that somebody accepted.
    #[arg(long)]
    pub(crate) accept_plan: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Our id, `canvas:ID`, `discourse:ID`, or the address of a topic or post.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Operation {
    /// List operations, the newest first.
    List(OperationList),
    /// Show one operation with its attempts.
    Show(OperationId),
    /// Try a failed or waiting operation again now.
    Retry(OperationId),
    /// Let a held operation run.
    Release(OperationId),
    /// Stop an operation until somebody releases it.
    Hold(OperationId),
    /// Take an operation out of the queue.
    Cancel(OperationId),
}

#[derive(Debug, Args)]
pub(crate) struct OperationList {
    /// Only this state: pending, in_progress, completed, failed, held or cancelled.
    #[arg(long)]
    pub(crate) state: Option<String>,
    /// At most this many.
    #[arg(long, default_value_t = 100)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct OperationId {
    /// The operation's id.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Conflict {
    /// List conflicts.
    List(ConflictList),
    /// Show one conflict with every side's text.
    Show(ConflictShow),
    /// Decide a conflict, or decide it differently.
    Resolve(ConflictResolve),
}

#[derive(Debug, Args)]
pub(crate) struct ConflictList {
    /// Only this state: open or resolved.
    #[arg(long)]
    pub(crate) state: Option<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct ConflictShow {
    /// The conflict's id.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct ConflictResolve {
    /// The conflict's id.
    pub(crate) id: String,
    /// Whose version becomes everybody's.
    #[arg(long)]
    pub(crate) take: Take,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Take {
    /// What Canvas had.
    Canvas,
    /// What Discourse had.
    Discourse,
    /// What the local database had.
    Local,
    /// What all had before.
    Base,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Roster {
    /// Show the groups of a course: how many are in, who is leaving, who has no account.
    Show(RosterCourse),
    /// Look at a course's people now; the running service does it within seconds.
    Sync(RosterSync),
}

#[derive(Debug, Args)]
pub(crate) struct RosterCourse {
    /// The course: our id of it, its id in Canvas, or the name in the configuration.
    pub(crate) course: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct RosterSync {
    /// The course: our id of it, its id in Canvas, or the name in the configuration.
    pub(crate) course: String,
    /// Let what a guard held go on: you have looked at it.
    #[arg(long)]
    pub(crate) release: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// Keep the plan in a file, for `apply`.
    #[arg(short, long = "output", value_name = "FILE")]
    pub(crate) output_file: Option<PathBuf>,
    /// Only this course: our id, `canvas:ID` or `discourse:ID`.
    #[arg(long, value_name = "ID")]
    pub(crate) course: Option<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The plan.
    pub(crate) file: PathBuf,
    /// Only this course, as a pilot: our id, `canvas:ID` or `discourse:ID`.
    #[arg(long, value_name = "ID")]
    pub(crate) course: Option<String>,
    /// Hold deletions for approval.
    #[arg(long)]
    pub(crate) without_deletes: bool,
    /// How long to wait for operations that back off, in seconds.
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    pub(crate) patience: u32,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MatchVerb {
    /// Compare both sides of every course that is not written to yet; writes to neither.
    Run(Output),
    /// List what waits for a person; with `--all` or `--json` also what is decided.
    List(MatchList),
    /// Make one item of two.
    Accept(MatchAccept),
    /// Say that the items are different; each goes its own way.
    Reject(MatchReject),
    /// Forget what was matched in a course, until the first write.
    Undo(MatchUndo),
}

#[derive(Debug, Args)]
pub(crate) struct MatchList {
    /// Only this course: our id, `canvas:ID` or `discourse:ID`.
    #[arg(long, value_name = "ID")]
    pub(crate) course: Option<String>,
    /// Also what is decided.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct MatchAccept {
    /// The match's id.
    pub(crate) id: String,
    /// Which entity in Canvas, where the match names more than one.
    #[arg(long, value_name = "ENTITY")]
    pub(crate) canvas: Option<String>,
    /// Which entity in Discourse, where the match names more than one.
    #[arg(long, value_name = "ENTITY")]
    pub(crate) discourse: Option<String>,
    /// Why; it goes into the audit log.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct MatchReject {
    /// The match's id.
    pub(crate) id: String,
    /// Why; it goes into the audit log.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct MatchUndo {
    /// The course: our id, `canvas:ID` or `discourse:ID`.
    pub(crate) course: String,
    /// Why; it goes into the audit log.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Maintenance {
    /// List the jobs with their last result and next run.
    List(Output),
    /// Run a job now, or only say what it would do.
    Run(MaintenanceRun),
    /// Put archived operations back; what is there already stays as it is.
    Import(MaintenanceImport),
    /// Show for each course whether both sides say the same, as of the last comparison.
    Drift(Output),
}

#[derive(Debug, Args)]
pub(crate) struct MaintenanceRun {
    /// Which: operations, deliveries, journal, statistics, transactions, orphans, consistency or database.
    pub(crate) job: String,
    /// Count what is due and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct MaintenanceImport {
    /// The files of the archive.
    #[arg(required = true)]
    pub(crate) file: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Backup {
    /// Copy the database while the service runs, into a new file with a checksum beside it.
    Create(BackupFile),
    /// Check that a copy is whole and that this program can read it.
    Verify(BackupFile),
    /// Put a copy where the configured database is not yet; the service then writes nothing until that is accepted.
    Restore(BackupFile),
    /// Let the service write again after a restore.
    AcceptRestore(AcceptRestore),
}

#[derive(Debug, Args)]
pub(crate) struct BackupFile {
    /// The copy.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// How far an act that is previewed first may go.
#[derive(Debug, Args)]
pub(crate) struct Consent {
    /// Say how many it would be and what would be written, and change nothing.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Do it.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Refuse when it would be more than so many.
    #[arg(long, value_name = "N")]
    pub(crate) max_changes: Option<usize>,
    /// Why; it goes into the audit log.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct AcceptRestore {
    #[command(flatten)]
    pub(crate) consent: Consent,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Make an account, or give one a new password and role.
    Add(UserAdd),
    /// List accounts.
    List(Output),
    /// Remove an account; its sessions end.
    Remove(UserRemove),
}

/// What a person or a token may do.
#[derive(Debug, Args)]
pub(crate) struct Access {
    /// viewer, operator, admin or teacher.
    #[arg(long)]
    pub(crate) role: String,
    /// A course of a teacher: our id, `canvas:ID` or `discourse:ID`; may stand several times.
    #[arg(long, value_name = "ID")]
    pub(crate) course: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct UserAdd {
    /// What is typed to sign in.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) access: Access,
    /// A file with the password; `-` is standard input. Without it one is made and shown once.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Why; it goes into the audit log.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct UserRemove {
    /// Whose account.
    pub(crate) name: String,
    /// Why; it goes into the audit log.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token; it is shown once.
    Create(TokenCreate),
    /// List tokens.
    List(Output),
    /// Revoke a token.
    Revoke(TokenRevoke),
}

#[derive(Debug, Args)]
pub(crate) struct TokenCreate {
    /// What it is for.
    pub(crate) label: String,
    #[command(flatten)]
    pub(crate) access: Access,
    /// How many days it lasts; until it is revoked without it.
    #[arg(long)]
    pub(crate) days: Option<u32>,
    /// Why; it goes into the audit log.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct TokenRevoke {
    /// The token's id.
    pub(crate) id: String,
    /// Why; it goes into the audit log.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Widget {
    /// Print the signed paths for one course.
    Link {
        /// Our id, `canvas:ID` or `discourse:ID`.
        course: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Notify {
    /// Send a test message through each channel and say what it answers.
    Test(NotifyTest),
    /// List the newest messages.
    List(Output),
}

#[derive(Debug, Args)]
pub(crate) struct NotifyTest {
    /// Only this channel.
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Option<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// The language of the input.
    #[arg(long)]
    pub(crate) from: Language,
    /// The language of the output.
    #[arg(long, required_unless_present_any = ["canonical", "merge"])]
    pub(crate) to: Option<Language>,
    /// Read and write one JSON object per line.
    #[arg(long)]
    pub(crate) batch: bool,
    /// Print the canonical form instead of a translation.
    #[arg(long)]
    pub(crate) canonical: bool,
    /// People, files, items, hosts and site settings of both systems, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) map: Option<PathBuf>,
    /// Merge two edits of one body, all three in the language of `--from`, and print the result.
    #[arg(long, num_args = 3, value_names = ["BASE", "LEFT", "RIGHT"], conflicts_with_all = ["batch", "canonical", "to"])]
    pub(crate) merge: Option<Vec<PathBuf>>,
    /// Whose words stand where both edits changed the same ones.
    #[arg(long, value_enum, default_value_t = Preferred::Left, requires = "merge")]
    pub(crate) prefer: Preferred,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preferred {
    /// Those of LEFT.
    Left,
    /// Those of RIGHT.
    Right,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Canvas HTML.
    Canvas,
    /// Discourse Markdown.
    Discourse,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Changes per second, time to written, API calls per change, memory.
    Sync(BenchSync),
}

#[derive(Debug, Args)]
pub(crate) struct BenchSync {
    /// How many changes people make.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) changes: usize,
    /// In how many threads.
    #[arg(long, default_value_t = 20)]
    pub(crate) topics: usize,
    /// How many workers.
    #[arg(long, default_value_t = 4)]
    pub(crate) workers: usize,
    /// The database; a temporary SQLite file without it.
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Check the configuration without connecting to anything.
    Check,
}

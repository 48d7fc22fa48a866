//! Makes the concrete things: clock, randomness, connectors, store. The only place that names them all.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use connector::Connector;
use model::{Clock, Failure, IdSource, Timestamp};
use runner::{Random, World};
use store::Store;

use crate::config::{Config, PersonKey, Secret};
use crate::exit::{Failed, Usage};

/// The system's clock, read here and nowhere else.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the real time is read"
    )]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The operating system's randomness.
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn bits(&self) -> u128 {
        rand::random()
    }
}

/// Times and ids for the web crate.
pub(crate) struct RealStamp;

impl web::Stamp for RealStamp {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn id(&self) -> String {
        IdSource::text(SystemClock.now(), SystemRandom.bits())
    }

    fn secret(&self) -> [u8; 32] {
        rand::random()
    }
}

/// What tells people of failures.
pub(crate) fn herald(config: &Config, store: Store) -> runner::herald::Herald {
    runner::herald::Herald {
        store,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        channels: Arc::new(config.notify.channels.clone()),
        rules: config.notify.rules.clone(),
        minute,
        zone: config.notify.zone.clone(),
        site: config.public_url.clone(),
    }
}

/// The minute of the day in a time zone; that of UTC when the zone has gone since the start.
fn minute(at: Timestamp, zone: &str) -> u16 {
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let Ok(time) = jiff::Timestamp::from_millisecond(at.0) else {
        return 0;
    };
    let time = zone.to_datetime(time);
    let minute = i32::from(time.hour()) * 60 + i32::from(time.minute());
    u16::try_from(minute).unwrap_or(0)
}

/// A new id.
pub(crate) fn new_id() -> String {
    IdSource::text(SystemClock.now(), SystemRandom.bits())
}

/// A password that can be typed: 100 random bits in letters and digits.
pub(crate) fn readable_secret() -> String {
    let text = IdSource::text(Timestamp(0), SystemRandom.bits());
    let tail: Vec<char> = text.chars().skip(10).collect();
    let groups: Vec<String> = tail.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

/// What the pages share, from the configuration.
pub(crate) fn web_state(config: &Config, store: Store) -> web::State {
    let reveal = |secret: &Secret| Arc::<str>::from(secret.reveal());
    let site = web::Site {
        is_secure: config
            .public_url
            .as_ref()
            .is_some_and(|url| url.starts_with("https://")),
        session_ms: config.session_ms,
        frame_ancestors: config.frame_ancestors.clone(),
        widget_secret: config.widget_secret.as_ref().map(reveal),
        has_open_metrics: config.has_open_metrics,
        settings: config.shown(),
        channels: config.channel_names(),
    };
    let mut state = web::State::new(store, Arc::new(RealStamp), site);
    state.webhook_secret = config.webhook_secret.as_ref().map(reveal);
    state.token = config.web_token.as_ref().map(reveal);
    state
}

/// Starts the log on standard error.
pub(crate) fn start_logging(is_verbose: bool) {
    // Only our own crates speak below a warning: a parser's debug lines would hold students' words.
    let level = if is_verbose {
        "info,runner=debug,web=debug,store=debug"
    } else {
        "warn"
    };
    let filter = format!("{level},html5ever=error,hyper=warn,reqwest=warn,ammonia=warn");
    let started = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .try_init();
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
}

/// Ends when the process is asked to end.
pub(crate) async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

/// An error of the database as the last words of a command.
#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
pub(crate) fn stored(error: store::Error) -> anyhow::Error {
    failed(error.failure())
}

/// A refusal of what an operator asked for as the last words of a command: it was asked wrongly.
pub(crate) fn refused(error: web::ChangeError) -> anyhow::Error {
    match error {
        web::ChangeError::Store(error) => stored(error),
        error => Usage(error.to_string()).into(),
    }
}

/// A failure as the last words of a command.
pub(crate) fn failed(failure: Failure) -> anyhow::Error {
    Failed(failure).into()
}

/// The fact that says that the database was restored and that this is not accepted yet.
pub(crate) const RESTORED: &str = "restored";

/// The path of the configured database, when it is a SQLite file.
pub(crate) fn database_file(config: &Config) -> Option<PathBuf> {
    let path = config.database_url.strip_prefix("sqlite:")?;
    (!path.starts_with(':')).then(|| PathBuf::from(path))
}

/// Copies an existing SQLite database of an older schema aside, before it is changed.
fn keep_before_upgrade(config: &Config) -> anyhow::Result<()> {
    let Some(path) = database_file(config).filter(|path| path.exists()) else {
        return Ok(());
    };
    let stored = |error: store::Error| failed(error.failure());
    let Some(schema) = Store::file_version(&path).map_err(stored)? else {
        return Ok(());
    };
    if schema >= store::newest_version() {
        return Ok(());
    }
    let mut copy = path.clone().into_os_string();
    copy.push(format!(".schema-{schema}-{}", now().0));
    let copy = PathBuf::from(copy);
    Store::copy_file(&path, &copy).map_err(stored)?;
    tracing::warn!(copy = %copy.display(), schema, "the database is brought to a newer schema; this is the copy from before");
    Ok(())
}

/// Makes a world that may only look when its database was restored and nobody has accepted that.
async fn restrain(settings: &mut runner::Settings, store: &Store) -> anyhow::Result<()> {
    let mark = store
        .fact(RESTORED)
        .await
        .map_err(|error| failed(error.failure()))?;
    if mark.is_some() {
        settings.policy.is_read_only = true;
        tracing::warn!(
            "this database was restored: nothing is written until `antiphon backup accept-restore`"
        );
    }
    Ok(())
}

/// Opens the database.
pub(crate) async fn open(config: &Config) -> anyhow::Result<Store> {
    keep_before_upgrade(config)?;
    Store::open(&config.database_url)
        .await
        .map_err(|error| failed(error.failure()))
}

/// The proof that this is the only service on a SQLite file: held as long as the value lives, gone with the process.
pub(crate) struct Lock(#[expect(dead_code, reason = "held for its lifetime")] Option<File>);

/// Takes the lock; `None` when another process holds it. A PostgreSQL database needs none.
pub(crate) fn lock(config: &Config) -> anyhow::Result<Option<Lock>> {
    let Some(path) = config
        .database_url
        .strip_prefix("sqlite:")
        .filter(|path| !path.starts_with(':'))
    else {
        return Ok(Some(Lock(None)));
    };
    let file = File::create(format!("{path}.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock(Some(file)))),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Connects to both remotes, finds out what they can do, and puts the world of the steps together.
pub(crate) async fn world(config: &Config, store: Store) -> anyhow::Result<World> {
    let mut config = config.clone();
    restrain(&mut config.settings, &store).await?;
    let world = assemble(&config, store)?;
    for connector in [&world.canvas, &world.discourse] {
        let capabilities = connector.probe().await.map_err(|error| failed(error.0))?;
        tracing::info!(
            system = %connector.system(),
            version = capabilities.version,
            acting_as = capabilities.acting_as,
            limits = ?capabilities.limits,
            "connected"
        );
    }
    Ok(world)
}

/// The longest wait between two tries to connect.
const CONNECT_MAX: Duration = Duration::from_mins(1);

/// Connects a process that stays: while a remote does not answer, it waits and asks again. A remote that is down is no
/// reason to be down.
#[expect(
    clippy::disallowed_methods,
    reason = "there are no workers yet that could wait"
)]
pub(crate) async fn lasting<T>(connect: impl AsyncFn() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let mut wait = Duration::from_secs(1);
    loop {
        match connect().await {
            Err(error) if is_passing(&error) => {
                tracing::warn!(%error, wait_s = wait.as_secs(), "not connected yet; tried again");
                tokio::time::sleep(wait).await;
                wait = wait.saturating_mul(2).min(CONNECT_MAX);
            }
            other => return other,
        }
    }
}

fn is_passing(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<Failed>()
        .is_some_and(|failed| failed.0.class.is_retried())
}

/// The world without a look at the remotes.
pub(crate) fn assemble(config: &Config, store: Store) -> anyhow::Result<World> {
    let (canvas, discourse) = connectors(config)?;
    Ok(World {
        store,
        canvas,
        discourse,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        settings: Arc::new(config.settings.clone()),
    })
}

/// Both remotes, without a look at them.
pub(crate) fn connectors(
    config: &Config,
) -> anyhow::Result<(Arc<dyn Connector>, Arc<dyn Connector>)> {
    let markup = Arc::new(markup::Shared::new(markup(config)));
    Ok((
        canvas(config, Arc::clone(&markup))?,
        discourse(config, markup)?,
    ))
}

fn secret(secret: &Secret) -> api_client::Secret {
    api_client::Secret::new(secret.reveal())
}

fn canvas(config: &Config, markup: Arc<markup::Shared>) -> anyhow::Result<Arc<dyn Connector>> {
    let person_key = match config.person_key {
        PersonKey::CanvasId => canvas::PersonKey::CanvasId,
        PersonKey::SisId => canvas::PersonKey::SisId,
    };
    let settings = canvas::Settings {
        person_key,
        markup,
        ..canvas::Settings::new(config.canvas_url.clone(), secret(&config.canvas_token))
    };
    Ok(Arc::new(
        canvas::Canvas::new(settings).map_err(|error| failed(error.0))?,
    ))
}

fn discourse(config: &Config, markup: Arc<markup::Shared>) -> anyhow::Result<Arc<dyn Connector>> {
    // A Discourse allows 60 calls a minute for the whole site (contract discourse §3); 0 says that this one does
    // not count.
    let calls = config.discourse_calls_per_minute.unwrap_or(60);
    let settings = discourse::Settings {
        url: config.discourse_url.clone(),
        api_key: secret(&config.discourse_key),
        api_username: config.discourse_user.clone(),
        connect_secret: config.connect_secret.as_ref().map(secret),
        user_agent: concat!("antiphon/", env!("CARGO_PKG_VERSION")).to_owned(),
        timeout_ms: 30_000,
        max_body_bytes: 64 * 1024 * 1024,
        max_in_flight: 8,
        budget: (calls > 0).then_some(api_client::Budget {
            calls,
            per_ms: 60_000,
            max_wait_ms: 120_000,
        }),
    };
    let discourse = discourse::Discourse::new(settings).map_err(|error| failed(error.0))?;
    let has_canvas_ids = config.person_key == PersonKey::CanvasId;
    Ok(Arc::new(discourse.with_markup(markup, has_canvas_ids)))
}

/// What both connectors translate with: they must not differ, or the same text would have two canonical forms.
fn markup(config: &Config) -> markup::Context {
    let mut context = markup::Context::default();
    context.hosts.canvas.clone_from(&config.canvas_url);
    context.hosts.discourse.clone_from(&config.discourse_url);
    context.is_stored = true;
    context
}

/// Gives back everything that an earlier process was running: only whoever holds the lock may say that it is dead.
///
/// On PostgreSQL other processes may be alive: there the leases run out by themselves.
pub(crate) async fn recover(store: &Store) -> anyhow::Result<()> {
    if store.engine() != store::Engine::Sqlite {
        return Ok(());
    }
    let filter = store::OperationFilter {
        state: Some(store::OperationState::InProgress),
        limit: 100_000,
        ..store::OperationFilter::default()
    };
    let stored = |error: store::Error| failed(error.failure());
    let running = store.operations(&filter).await.map_err(stored)?;
    let owners: std::collections::BTreeSet<String> = running
        .into_iter()
        .filter_map(|operation| operation.lease_owner)
        .collect();
    for owner in owners {
        store.give_back(&owner, now()).await.map_err(stored)?;
    }
    store.end_leases().await.map_err(stored)
}

/// Our time.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

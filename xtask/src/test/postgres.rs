//! A throw-away PostgreSQL server from the machine's own programs.
//!
//! It lives in a temporary folder, listens on 127.0.0.1 only, trusts everybody there, promises
//! nothing about power cuts, and is gone when the value is dropped.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::process::Command;

use super::prerequisite;
use crate::stage::{Process, Stages, now, say};

/// Where Debian keeps the server programs, one folder for each version.
const DEBIAN_FOLDER: &str = "/usr/lib/postgresql";
const USER: &str = "antiphon";
const INITDB_LIMIT: Duration = Duration::from_mins(2);
const START_LIMIT: Duration = Duration::from_mins(1);
const START_STEP: Duration = Duration::from_millis(50);
/// A free port can be taken between our look and the server's start.
const START_ATTEMPTS: usize = 5;
/// What the server logs when it takes connections.
const READY: &str = "ready to accept connections";
/// Lines of the server's log in an error.
const LOG_LINES: usize = 15;

/// A running server.
pub struct Postgres {
    url: String,
    process: Process,
    folder: TempDir,
}

impl Postgres {
    /// Where it listens: `postgres://user@127.0.0.1:port/postgres`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes and starts a server; installs PostgreSQL first where it is missing and we may.
    pub async fn start(stages: &Stages) -> anyhow::Result<Self> {
        if programs().is_none() {
            prerequisite::install("PostgreSQL", &["postgresql"], stages).await?;
        }
        let programs = programs().context("no folder has both `initdb` and `postgres`")?;
        let folder = tempfile::Builder::new()
            .prefix("antiphon-postgres-")
            .tempdir()?;
        let account = Account::for_server(folder.path())?;
        let data = folder.path().join("data");

        let mut initdb = account.command(&programs.join("initdb"), folder.path());
        initdb
            .args(["--username", USER, "--auth", "trust", "--encoding", "UTF8"])
            .args([
                "--locale",
                "C",
                "--no-sync",
                "--no-instructions",
                "--pgdata",
            ])
            .arg(&data)
            .stdout(Stdio::null());
        stages
            .run("PostgreSQL: initdb", INITDB_LIMIT, &mut initdb)
            .await?;

        let mut last = anyhow::anyhow!("never tried");
        for _ in 0..START_ATTEMPTS {
            let port = free_port()?;
            match serve(&account, &programs, folder.path(), port).await {
                Ok(process) => {
                    let url = format!("postgres://{USER}@127.0.0.1:{port}/postgres");
                    stages.note(&format!("PostgreSQL: {url} from {}", programs.display()));
                    return Ok(Self {
                        url,
                        process,
                        folder,
                    });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // INT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
        self.process.end("INT");
        if let Err(error) = fs::remove_dir_all(self.folder.path()) {
            say(&format!(
                "cannot remove {}: {error}",
                self.folder.path().display()
            ));
        }
    }
}

/// Starts the server and waits until it takes connections.
async fn serve(
    account: &Account,
    programs: &Path,
    folder: &Path,
    port: u16,
) -> anyhow::Result<Process> {
    let log = folder.join("server.log");
    let file = fs::File::create(&log)?;
    let mut command = account.command(&programs.join("postgres"), folder);
    command
        .arg("-D")
        .arg(folder.join("data"))
        .args(["-p", &port.to_string()]);
    for option in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "max_connections=200",
        "fsync=off",
        "full_page_writes=off",
        "autovacuum=off",
        "log_min_messages=warning",
    ] {
        command.args(["-c", option]);
    }
    command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file);
    let mut process = Process::spawn(&mut command).context("cannot start `postgres`")?;
    let deadline = now() + START_LIMIT;
    loop {
        let text = fs::read_to_string(&log).unwrap_or_default();
        if text.contains(READY) {
            return Ok(process);
        }
        let ended = process.ended()?;
        if ended.is_some() || now() > deadline {
            let lines: Vec<&str> = text.lines().rev().take(LOG_LINES).collect();
            let tail: Vec<&str> = lines.into_iter().rev().collect();
            anyhow::bail!(
                "the server did not start; its log ends:\n{}",
                tail.join("\n")
            );
        }
        tokio::time::sleep_until((now() + START_STEP).into()).await;
    }
}

/// A port of 127.0.0.1 that nobody uses just now.
fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The folder with `initdb` and `postgres`: from the search path, else Debian's newest.
fn programs() -> Option<PathBuf> {
    let from_path = prerequisite::find("initdb").and_then(|path| path.parent().map(Path::to_owned));
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(DEBIAN_FOLDER)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    from_path
        .into_iter()
        .chain(versions.into_iter().map(|(_, folder)| folder))
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// Whose rights the server runs with: PostgreSQL refuses to run as root.
struct Account {
    /// User and group id to change to, if we are root.
    ids: Option<(String, String)>,
    /// Whether `setpriv` can tie the server's life to ours.
    has_setpriv: bool,
}

impl Account {
    /// Chooses an account and gives it the folder.
    fn for_server(folder: &Path) -> anyhow::Result<Self> {
        let has_setpriv = prerequisite::find("setpriv").is_some();
        if !prerequisite::is_root() {
            return Ok(Self {
                ids: None,
                has_setpriv,
            });
        }
        anyhow::ensure!(
            has_setpriv,
            "PostgreSQL does not run as root: install util-linux (setpriv)"
        );
        let id = |flag: &str, name: &str| {
            prerequisite::output("id", &[flag, name]).map(|id| id.trim().to_owned())
        };
        let ids = ["postgres", "nobody"]
            .iter()
            .find_map(|name| Some((id("-u", name)?, id("-g", name)?)))
            .context("PostgreSQL does not run as root, and there is no user postgres or nobody")?;
        let (user, group) = (ids.0.parse()?, ids.1.parse()?);
        std::os::unix::fs::chown(folder, Some(user), Some(group))
            .context("cannot give the folder to the server's user")?;
        Ok(Self {
            ids: Some(ids),
            has_setpriv,
        })
    }

    /// A command with these rights that ends when we do, however we end.
    fn command(&self, program: &Path, folder: &Path) -> Command {
        if !self.has_setpriv {
            let mut command = Command::new(program);
            command.current_dir(folder);
            return command;
        }
        let mut command = Command::new("setpriv");
        if let Some((user, group)) = &self.ids {
            command.args(["--reuid", user, "--regid", group, "--clear-groups"]);
        }
        command
            .args(["--pdeathsig", "INT", "--"])
            .arg(program)
            .current_dir(folder);
        command
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::path::Path;

    use super::Postgres;
    use crate::stage::Stages;

    #[tokio::test]
    async fn a_server_starts_and_leaves_nothing_behind() {
        let server = Postgres::start(&Stages::start()).await.unwrap();
        let address = server.url().split(['@', '/']).nth(3).unwrap().to_owned();
        assert!(
            TcpStream::connect(&address).is_ok(),
            "{address} takes connections"
        );
        let folder = server.folder.path().to_owned();
        assert!(folder.join("data/PG_VERSION").is_file());
        drop(server);
        assert!(TcpStream::connect(&address).is_err(), "{address} is closed");
        assert!(!Path::new(&folder).exists());
    }
}

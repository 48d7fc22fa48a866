//! Runs the stages of a long job: a line with the elapsed time for each, a limit on each, and no
//! process left behind.
//!
//! Knows processes and time, not what a stage is for.

use std::io::Write as _;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::process::{Child, Command};

/// How long a process may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(5);
const GRACE_STEP: Duration = Duration::from_millis(50);

/// Writes one line for the person who watches.
pub fn say(text: &str) {
    // Nothing sensible is left to do when standard error is gone.
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// The present, for measuring how long something takes.
#[expect(
    clippy::disallowed_methods,
    reason = "automation measures real time, here only"
)]
pub fn now() -> Instant {
    Instant::now()
}

/// Waits without a runtime, for the moments when a process is being ended.
#[expect(
    clippy::disallowed_methods,
    reason = "runs while the runtime is being torn down"
)]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// A setting that the caller's environment may hold.
#[expect(
    clippy::disallowed_methods,
    reason = "automation is set up through the environment"
)]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The stages of one job.
pub struct Stages {
    start: Instant,
}

impl Stages {
    /// Starts the clock.
    pub fn start() -> Self {
        Self { start: now() }
    }

    /// Writes a line with the time since the start.
    pub fn note(&self, text: &str) {
        let seconds = self.start.elapsed().as_secs();
        say(&format!("[{:>3}:{:02}] {text}", seconds / 60, seconds % 60));
    }

    /// Runs a command to its end; anything but success, or more time than `limit`, is an error.
    pub async fn run(
        &self,
        name: &str,
        limit: Duration,
        command: &mut Command,
    ) -> anyhow::Result<()> {
        self.note(&format!("{name} ..."));
        let begin = now();
        let mut process = Process::spawn(command.stdin(Stdio::null()))
            .with_context(|| format!("{name}: cannot start"))?;
        let status = process.wait(limit).await.with_context(|| name.to_owned())?;
        anyhow::ensure!(status.success(), "{name} failed ({status})");
        self.note(&format!("{name}: ok in {} s", begin.elapsed().as_secs()));
        Ok(())
    }

    /// Runs a command as a stage and returns what it wrote to standard output.
    pub async fn capture(
        &self,
        name: &str,
        limit: Duration,
        command: &mut Command,
    ) -> anyhow::Result<String> {
        self.note(&format!("{name} ..."));
        let begin = now();
        let command = command
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true);
        let output = tokio::time::timeout(limit, command.output())
            .await
            .with_context(|| format!("{name}: no end after {} s", limit.as_secs()))?
            .with_context(|| format!("{name}: cannot start"))?;
        anyhow::ensure!(output.status.success(), "{name} failed ({})", output.status);
        self.note(&format!("{name}: ok in {} s", begin.elapsed().as_secs()));
        String::from_utf8(output.stdout).with_context(|| format!("{name}: output is not UTF-8"))
    }
}

/// A process with a process group of its own, so that all it started can be ended with it.
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts it.
    pub fn spawn(command: &mut Command) -> std::io::Result<Self> {
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        Ok(Self { child })
    }

    /// Waits for its end.
    pub async fn wait(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        let waited = tokio::time::timeout(limit, self.child.wait()).await;
        Ok(waited.with_context(|| format!("no end after {} s", limit.as_secs()))??)
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> std::io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Ends the whole group: politely with `signal`, after a while by force.
    pub fn end(&mut self, signal: &str) {
        let Some(group) = self.child.id() else {
            return;
        };
        kill(signal, group);
        let deadline = now() + GRACE;
        while now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            pause(GRACE_STEP);
        }
        kill("KILL", group);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end("TERM");
    }
}

/// Signals a process group; a group that is already gone is what we want.
fn kill(signal: &str, group: u32) {
    let status = std::process::Command::new("kill")
        .args([format!("-{signal}"), "--".to_owned(), format!("-{group}")])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if let Err(error) = status {
        say(&format!("cannot run `kill`: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::process::Command;

    use super::{Process, Stages, now, pause};

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_failed_stage_is_an_error_with_its_name() {
        let stages = Stages::start();
        let limit = Duration::from_secs(10);
        stages
            .run("good", limit, &mut shell("exit 0"))
            .await
            .unwrap();
        let error = stages
            .run("bad", limit, &mut shell("exit 3"))
            .await
            .unwrap_err();
        assert!(error.to_string().starts_with("bad failed"), "{error}");
        let output = stages
            .capture("say", limit, &mut shell("echo x"))
            .await
            .unwrap();
        assert_eq!(output, "x\n");
        let mut missing = Command::new("no-such-program-here");
        let error = stages.run("gone", limit, &mut missing).await.unwrap_err();
        assert_eq!(error.to_string(), "gone: cannot start");
    }

    #[tokio::test]
    async fn a_stage_over_its_limit_is_ended_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > '{}'; wait", mark.display());
        let begin = now();
        let limit = Duration::from_millis(700);
        let error = Stages::start()
            .run("slow", limit, &mut shell(&script))
            .await
            .unwrap_err();
        assert!(format!("{error:#}").contains("no end after"), "{error:#}");
        assert!(begin.elapsed() < Duration::from_secs(10));
        let pid = std::fs::read_to_string(&mark).unwrap();
        // The signal is sent when the stage ends; on a busy machine the process goes a moment later.
        for _ in 0..50 {
            if !is_alive(pid.trim()) {
                return;
            }
            pause(Duration::from_millis(100));
        }
        panic!("the grandchild {pid} lives on");
    }

    #[tokio::test]
    async fn a_process_that_ignores_the_polite_signal_is_killed() {
        let mut process =
            Process::spawn(&mut shell("trap '' TERM; sleep 600 & wait; wait")).unwrap();
        pause(Duration::from_millis(200));
        process.end("TERM");
        assert!(process.wait(Duration::from_secs(5)).await.is_ok());
    }

    /// Whether a process runs (a zombie does not).
    fn is_alive(pid: &str) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z"))
    }
}

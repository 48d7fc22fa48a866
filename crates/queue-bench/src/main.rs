//! Measures the queue of `store` with work that does nothing, so that it can be put beside other queues: each verb
//! prints one JSON line. It uses the calls that workers use and no others.
//!
//! `Q_PG` is the address of a PostgreSQL database, or `Q_SQLITE` the path of a file; with `Q_KEYS` above zero, job i
//! has the ordering key i mod `Q_KEYS`; `serve` appends the number of each job that it runs to `Q_LOG`.

mod clock;
mod job;
mod place;
mod suite;
mod verb;
mod worker;

use std::process::ExitCode;

use clap::Parser as _;
use serde_json::Value;

use crate::place::Place;
use crate::verb::Verb;

fn main() -> ExitCode {
    let result = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run()));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&serde_json::json!({ "error": format!("{error:#}") }));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    match Verb::parse() {
        Verb::Suite(options) => suite::run(options).await,
        verb => verb.run(&Place::from_environment()?).await,
    }
}

/// Prints one JSON line.
fn say(value: &Value) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    // Whoever reads has gone: there is nobody left to tell.
    drop(writeln!(out, "{value}").and_then(|()| out.flush()));
}

//! The program: configuration, wiring, commands and exit codes. Everything concrete meets here and nowhere else.

mod arguments;
mod command;
mod config;
mod exit;
mod part;
mod show;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    wiring::start_logging(arguments.verbose);
    let Some(command) = arguments.command else {
        return exit::first_words(&arguments.config);
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return exit::code(&anyhow::anyhow!("No runtime could be started: {error}.")),
    };
    let result = runtime.block_on(run(&arguments.config, command));
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match result {
        Ok(code) => code,
        Err(error) => exit::code(&error),
    }
}

async fn run(config: &std::path::Path, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(options) => command::demo::run(options).await,
        Command::Doctor(options) => command::doctor::run(config, options).await,
        Command::Serve(options) => command::serve::run(config, options).await,
        Command::Worker => command::worker::run(config).await,
        Command::Node { verb } => command::node::run(config, verb).await,
        Command::Sandbox { which } => command::sandbox::run(which).await,
        Command::Sync(options) => command::sync::run(config, options).await,
        Command::Status(output) => command::status::run(config, output).await,
        Command::Entity { verb } => command::entity::run(config, verb).await,
        Command::Explain(options) => command::explain::run(config, options).await,
        Command::Operation { verb } => command::operation::run(config, verb).await,
        Command::Conflict { verb } => command::conflict::run(config, verb).await,
        Command::Roster { verb } => command::roster::run(config, verb).await,
        Command::Match { verb } => command::pairing::run(config, verb).await,
        Command::Plan(options) => command::plan::plan(config, options).await,
        Command::Apply(options) => command::plan::apply(config, options).await,
        Command::Maintenance { verb } => command::maintenance::run(config, verb).await,
        Command::Backup { verb } => command::backup::run(config, verb).await,
        Command::User { verb } => command::user::user(config, verb).await,
        Command::Token { verb } => command::user::token(config, verb).await,
        Command::Widget {
            verb: arguments::Widget::Link { course },
        } => command::user::widget(config, &course).await,
        Command::Notify { verb } => command::notify::run(config, verb).await,
        Command::Convert(options) => command::convert::run(&options),
        Command::Bench {
            which: arguments::Bench::Sync(options),
        } => command::bench::run(options).await,
        Command::Config { verb } => command::config::run(config, &verb),
    }
}

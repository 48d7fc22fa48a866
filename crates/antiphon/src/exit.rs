//! Exit codes (`ux.md` section 5) and the last words of a failed command.

use std::path::Path;
use std::process::ExitCode;

use crate::config::Invalid;

/// Done with warnings, or something needs attention.
pub(crate) const ATTENTION: u8 = 1;
/// Wrong usage.
pub(crate) const USAGE: u8 = 2;
/// Refused by a guard; nothing was written.
pub(crate) const REFUSED: u8 = 3;
/// The remote side is unavailable; worth trying later.
pub(crate) const UNAVAILABLE: u8 = 4;
/// An internal error.
pub(crate) const INTERNAL: u8 = 70;
/// A configuration error: a supervisor must not restart.
pub(crate) const CONFIGURATION: u8 = 78;

/// A command was typed that names something that is not there.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A classified failure of a remote or the database, on its way out.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) model::Failure);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failed {}

/// Prints an error and chooses the exit code.
#[expect(clippy::print_stderr, reason = "the last words of a command")]
pub(crate) fn code(error: &anyhow::Error) -> ExitCode {
    eprintln!("antiphon: {error:#}");
    let code = if error.downcast_ref::<Invalid>().is_some() {
        CONFIGURATION
    } else if error.downcast_ref::<Usage>().is_some() {
        USAGE
    } else if let Some(error) = error.downcast_ref::<web::ChangeError>() {
        match error {
            web::ChangeError::NotFound(_) => USAGE,
            web::ChangeError::Refused(_) => REFUSED,
            web::ChangeError::Store(error) => of_class(error.failure().class),
        }
    } else if let Some(Failed(failure)) = error.downcast_ref::<Failed>() {
        of_class(failure.class)
    } else {
        INTERNAL
    };
    ExitCode::from(code)
}

fn of_class(class: model::Class) -> u8 {
    use model::Class;
    match class {
        Class::Configuration | Class::Permission => CONFIGURATION,
        Class::Transient | Class::Throttled | Class::UnknownOutcome => UNAVAILABLE,
        Class::Guard => REFUSED,
        Class::NotFound | Class::Invalid | Class::Conflict => ATTENTION,
        Class::Bug => INTERNAL,
    }
}

/// What a start without a command says: version, where a configuration was looked for, what to type next.
#[expect(clippy::print_stdout, reason = "this is the command's output")]
pub(crate) fn first_words(config: &Path) -> ExitCode {
    println!("antiphon {}", env!("CARGO_PKG_VERSION"));
    println!("Keeps Canvas discussions, Discourse forums and a local database in step.");
    println!();
    if config.exists() {
        println!(
            "Configuration: {} (found). Next: antiphon serve",
            config.display()
        );
    } else {
        println!("Configuration: {} (not found).", config.display());
        println!("To see it work without any account:  antiphon demo");
        println!("All commands:                        antiphon --help");
    }
    ExitCode::from(CONFIGURATION)
}

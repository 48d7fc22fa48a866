//! `config check`: reads and checks the file, connects to nothing.

use std::path::Path;
use std::process::ExitCode;

use crate::arguments::ConfigVerb;
use crate::config;
use crate::show::line;

pub(crate) fn run(path: &Path, verb: &ConfigVerb) -> anyhow::Result<ExitCode> {
    match verb {
        ConfigVerb::Check => {
            let config = config::load(path)?;
            line(&format!(
                "{}: valid. {} course(s), strategy {}.",
                path.display(),
                config.settings.courses.len(),
                config.settings.policy.strategy.as_str()
            ));
            Ok(ExitCode::SUCCESS)
        }
    }
}

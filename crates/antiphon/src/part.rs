//! What this process is to the others on the same database.

use crate::config::Config;

/// The part of this process, named after the machine and the process id.
pub(crate) fn of(config: &Config, role: &'static str) -> runner::worker::Part {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = match host.trim() {
        "" => "host",
        host => host,
    };
    runner::worker::Part {
        name: format!("{host}:{}", std::process::id()),
        role,
        version: env!("CARGO_PKG_VERSION"),
        workers: config.workers,
        plan: config.plan.clone(),
    }
}

//! The real time, and what the process has used: the one place of this program that asks the machine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use model::{IdSource, Timestamp};

static IDS: AtomicU64 = AtomicU64::new(0);

/// The time for the store.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the real time is read"
)]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A point to measure from.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the real time is read"
)]
pub(crate) fn start() -> Instant {
    Instant::now()
}

/// Waits.
#[expect(clippy::disallowed_methods, reason = "a benchmark waits in real time")]
pub(crate) async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}

/// An id that no other process of this machine makes; later ones are greater.
pub(crate) fn id(at: Timestamp) -> String {
    let number = IDS.fetch_add(1, Ordering::Relaxed);
    let bits = (u128::from(number) << 32) | u128::from(std::process::id());
    IdSource::text(at, bits)
}

/// The most memory that this process has had, in megabytes.
pub(crate) fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    rounded(kilobytes.unwrap_or(0.0) / 1_024.0)
}

/// The seconds of processor time that this process has used.
pub(crate) fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name may have spaces; the fields after it are user and system time in hundredths.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: f64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    rounded(ticks / 100.0)
}

/// Three digits are enough.
pub(crate) fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

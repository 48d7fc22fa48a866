//! What is kept how long: the table `[maintenance]`.

use std::path::Path;

use runner::upkeep::Plan;
use store::OperationKind;

use super::Invalid;
use super::check::duration;
use super::file::Maintenance;

/// Less would take away what a person is still looking at.
const SHORTEST_MS: i64 = 3_600_000;

/// Checks the table; a relative archive lies beside the configuration file.
pub(super) fn check(file: Maintenance, folder: &Path) -> Result<Plan, Invalid> {
    let usual = Plan::default();
    let mut kinds = Vec::new();
    for (name, text) in file.keep_by_kind {
        let kind = OperationKind::parse(&name).ok_or_else(|| {
            Invalid(format!(
                "maintenance.keep_by_kind: there is no kind `{name}`; use thread, entity, feed or sweep."
            ))
        })?;
        kinds.push((kind, kept("keep_by_kind", Some(text), 0)?));
    }
    Ok(Plan {
        completed_ms: kept("keep_completed", file.keep_completed, usual.completed_ms)?,
        failed_ms: kept("keep_failed", file.keep_failed, usual.failed_ms)?,
        kinds,
        deliveries_ms: kept("keep_deliveries", file.keep_deliveries, usual.deliveries_ms)?,
        journal_ms: kept("keep_history", file.keep_history, usual.journal_ms)?,
        transactions_ms: kept(
            "keep_transactions",
            file.keep_transactions,
            usual.transactions_ms,
        )?,
        hours_ms: kept("keep_hours", file.keep_hours, usual.hours_ms)?,
        archive: file.archive.map(|path| folder.join(path)),
    })
}

fn kept(key: &str, text: Option<String>, usual: i64) -> Result<i64, Invalid> {
    let key = format!("maintenance.{key}");
    let ms = duration(&key, text, usual)?;
    if ms < SHORTEST_MS {
        return Err(Invalid(format!("{key}: at least `1h`.")));
    }
    Ok(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_has_defaults_and_a_floor() {
        let plan = check(Maintenance::default(), Path::new("/etc")).unwrap();
        assert_eq!(plan, Plan::default());
        let mut file = Maintenance {
            keep_completed: Some("2h".to_owned()),
            archive: Some("old".into()),
            ..Maintenance::default()
        };
        file.keep_by_kind
            .insert("thread".to_owned(), "14d".to_owned());
        let plan = check(file, Path::new("/etc")).unwrap();
        assert_eq!(plan.completed_ms, 7_200_000);
        assert_eq!(plan.kinds, [(OperationKind::Thread, 14 * 86_400_000)]);
        assert_eq!(plan.archive.as_deref(), Some(Path::new("/etc/old")));
        let short = Maintenance {
            keep_failed: Some("10s".to_owned()),
            ..Maintenance::default()
        };
        assert!(check(short, Path::new("/etc")).is_err());
    }
}

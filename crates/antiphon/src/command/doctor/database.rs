//! `D2xx`: the database. One of another schema is left as it is.

use connector::{Finding, Verdict};
use store::Store;

use crate::config::Config;
use crate::wiring;

const DAY_MS: i64 = 86_400_000;
/// The rest of the checks of the database.
const REST: [&str; 4] = ["D203", "D204", "D205", "D206"];

/// Why there is no database to ask.
pub(crate) enum Closed {
    /// It has not been made yet.
    New,
    /// It has an older or a newer schema.
    Schema(i64),
    /// It cannot be opened.
    Broken(String),
}

/// Opens the database when that changes nothing in it.
pub(crate) async fn open(config: &Config) -> Result<Store, Closed> {
    let broken = |error: store::Error| Closed::Broken(error.failure().message);
    if let Some(file) = wiring::database_file(config) {
        if !file.exists() {
            return Err(Closed::New);
        }
        match Store::file_version(&file).map_err(broken)? {
            None => return Err(Closed::New),
            Some(found) if found != store::newest_version() => return Err(Closed::Schema(found)),
            Some(_) => {}
        }
    }
    Store::open(&config.database_url).await.map_err(broken)
}

pub(crate) async fn examine(config: &Config, opened: &Result<Store, Closed>) -> Vec<Finding> {
    let newest = store::newest_version();
    let store = match opened {
        Ok(store) => store,
        Err(closed) => {
            let mut found = match closed {
                Closed::New => {
                    let mut found = vec![Finding::new(
                        "D201",
                        Verdict::Warn,
                        "it has not been made yet",
                    )];
                    found.extend(Finding::skipped(&["D202"], "there is no database"));
                    found
                }
                Closed::Schema(schema) => {
                    let verdict = if *schema > newest {
                        Verdict::Fail
                    } else {
                        Verdict::Warn
                    };
                    let cause = format!("version {schema}, this program has {newest}");
                    vec![
                        Finding::new("D201", Verdict::Ok, "it is there"),
                        Finding::new("D202", verdict, cause),
                    ]
                }
                Closed::Broken(why) => {
                    let mut found = vec![Finding::new("D201", Verdict::Fail, why.clone())];
                    found.extend(Finding::skipped(&["D202"], "it cannot be opened"));
                    found
                }
            };
            found.extend(Finding::skipped(&REST, "the database is not open"));
            return found;
        }
    };
    let mut found = vec![
        Finding::new("D201", Verdict::Ok, store.engine().as_str()),
        Finding::new("D202", Verdict::Ok, format!("version {newest}")),
    ];
    found.push(match store.integrity().await {
        Ok(wrong) => {
            let cause = format!("{} faults", wrong.len());
            Finding::when("D203", wrong.is_empty(), Verdict::Fail, cause)
        }
        Err(error) => Finding::new("D203", Verdict::Fail, error.failure().message),
    });
    found.push(match wiring::database_file(config) {
        None => Finding::new("D204", Verdict::Skipped, "PostgreSQL has its own tools"),
        Some(_) => backup(store.fact("backup:last").await.ok().flatten().as_deref()),
    });
    let size = store.size_bytes().await.unwrap_or(0) >> 20;
    found.push(Finding::new("D205", Verdict::Ok, format!("{size} MiB")));
    let restored = store.fact(wiring::RESTORED).await.ok().flatten();
    let cause = if restored.is_some() {
        "it was restored, and nothing is written before that is accepted"
    } else {
        "no"
    };
    found.push(Finding::when(
        "D206",
        restored.is_none(),
        Verdict::Warn,
        cause,
    ));
    found
}

fn backup(fact: Option<&str>) -> Finding {
    let made = fact
        .and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok())
        .and_then(|fact| fact.get("made_ms")?.as_i64());
    let Some(made) = made else {
        return Finding::new("D204", Verdict::Warn, "none was made");
    };
    let days = wiring::now().since_ms(model::Timestamp(made)).max(0) / DAY_MS;
    Finding::when("D204", days < 7, Verdict::Warn, format!("{days} days old"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_backup_is_a_warning() {
        let made = |days: i64| format!(r#"{{"made_ms":{}}}"#, wiring::now().0 - days * DAY_MS);
        assert_eq!(backup(Some(&made(1))).verdict, Verdict::Ok);
        assert_eq!(backup(Some(&made(8))).verdict, Verdict::Warn);
        assert_eq!(backup(None).verdict, Verdict::Warn);
        assert_eq!(backup(Some("strange")).verdict, Verdict::Warn);
    }
}

//! `D1xx`: the machine.

use std::path::{Path, PathBuf};

use connector::{Finding, Verdict};

use crate::config::Config;
use crate::wiring;

/// Fewer open files than this are soon used up by sockets.
const FILES_MIN: u64 = 1_024;

pub(crate) fn examine(config: &Config) -> Vec<Finding> {
    let mut found = match wiring::database_file(config) {
        Some(file) => {
            let folder = folder_of(&file);
            vec![writable(&folder), space(&folder, &file)]
        }
        None => Finding::skipped(&["D101", "D102"], "the database is not a file here"),
    };
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    found.push(open_files(&limits));
    let zone = &config.notify.zone;
    let is_known = jiff::tz::TimeZone::get(zone).is_ok();
    found.push(Finding::when(
        "D106",
        is_known,
        Verdict::Fail,
        format!("zone {zone}"),
    ));
    found
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Tried, not asked: only a file that was made proves it.
fn writable(folder: &Path) -> Finding {
    let name = folder.join(format!(".antiphon-doctor-{}", std::process::id()));
    let made = std::fs::File::create_new(&name).and_then(|_| std::fs::remove_file(&name));
    match made {
        Ok(()) => Finding::new("D101", Verdict::Ok, "writable"),
        Err(error) => Finding::new("D101", Verdict::Fail, error.kind().to_string()),
    }
}

fn space(folder: &Path, file: &Path) -> Finding {
    let size = std::fs::metadata(file).map_or(0, |found| found.len());
    match rustix::fs::statvfs(folder) {
        Err(error) => Finding::new("D102", Verdict::Warn, format!("cannot be told: {error}")),
        Ok(found) => enough(found.f_bavail.saturating_mul(found.f_frsize), size),
    }
}

fn enough(free: u64, size: u64) -> Finding {
    let cause = format!("{} MiB free, the database has {}", free >> 20, size >> 20);
    let is_enough = free >= size.saturating_mul(2).max(64 << 20);
    Finding::when("D102", is_enough, Verdict::Fail, cause)
}

fn open_files(limits: &str) -> Finding {
    let found = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = found.and_then(|rest| rest.split_whitespace().next());
    match soft {
        None => Finding::new("D103", Verdict::Skipped, "this system does not tell"),
        Some("unlimited") => Finding::new("D103", Verdict::Ok, "unlimited"),
        Some(text) => {
            let many = text.parse::<u64>().unwrap_or(0);
            Finding::when(
                "D103",
                many >= FILES_MIN,
                Verdict::Warn,
                format!("{many} at most"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_database_must_be_free() {
        assert_eq!(enough(200 << 20, 100 << 20).verdict, Verdict::Ok);
        assert_eq!(enough(199 << 20, 100 << 20).verdict, Verdict::Fail);
        assert_eq!(enough(63 << 20, 0).verdict, Verdict::Fail);
    }

    #[test]
    fn the_limit_of_open_files_is_read() {
        let line = |number: &str| {
            format!("Limit  Soft Limit\nMax open files            {number}   4096  files\n")
        };
        assert_eq!(open_files(&line("1024")).verdict, Verdict::Ok);
        assert_eq!(open_files(&line("256")).verdict, Verdict::Warn);
        assert_eq!(open_files(&line("unlimited")).verdict, Verdict::Ok);
        assert_eq!(open_files("").verdict, Verdict::Skipped);
    }

    #[test]
    fn a_folder_that_is_not_there_cannot_be_written() {
        assert_eq!(
            writable(Path::new("/nowhere/at/all")).verdict,
            Verdict::Fail
        );
    }
}

//! What a remote system says when it is asked whether it is set up as it should be: findings with stable codes.
//!
//! A finding's text holds no secret and nothing that people wrote: it is meant to be pasted into a report.

use model::Timestamp;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It could not be looked at.
    Skipped,
    /// It works, but not well or not for ever.
    Warn,
    /// It does not work.
    Fail,
}

impl Verdict {
    /// The stable lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check's stable code, `Dnnn`.
    pub code: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// One line: what was found.
    pub cause: String,
}

impl Finding {
    /// A finding.
    pub fn new(code: &'static str, verdict: Verdict, cause: impl Into<String>) -> Self {
        let cause = cause.into();
        Self {
            code,
            verdict,
            cause,
        }
    }

    /// A finding that is well or, when it is not, ends with `otherwise`.
    pub fn when(
        code: &'static str,
        is_well: bool,
        otherwise: Verdict,
        cause: impl Into<String>,
    ) -> Self {
        Self::new(code, if is_well { Verdict::Ok } else { otherwise }, cause)
    }

    /// The checks that could not be made because another one failed.
    pub fn skipped(codes: &[&'static str], why: &str) -> Vec<Self> {
        let skipped = codes.iter();
        skipped
            .map(|code| Self::new(code, Verdict::Skipped, why))
            .collect()
    }

    /// Whether a server's clock is near ours; `None` when it does not tell its time. More than 30 seconds apart, edit
    /// times of the two systems cannot be compared (`ux.md` section 9).
    pub fn of_clock(code: &'static str, theirs: Option<Timestamp>, ours: Timestamp) -> Self {
        match theirs {
            None => Self::new(code, Verdict::Warn, "the server's answers have no date"),
            Some(theirs) => {
                let apart_s = theirs.since_ms(ours).saturating_abs() / 1_000;
                let cause = format!("{apart_s} s apart");
                Self::when(code, apart_s <= 30, Verdict::Warn, cause)
            }
        }
    }
}

/// What an examination is told.
#[derive(Debug, Clone)]
pub struct Examination {
    /// The configured courses, as the configuration names them in this system.
    pub courses: Vec<String>,
    /// The secret that signs its web hooks, where there is one.
    pub hook_secret: Option<String>,
    /// Our time.
    pub now: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_be_half_a_minute_apart() {
        let verdict = |theirs| Finding::of_clock("D104", theirs, Timestamp(100_000)).verdict;
        assert_eq!(verdict(Some(Timestamp(70_000))), Verdict::Ok);
        assert_eq!(verdict(Some(Timestamp(131_000))), Verdict::Warn);
        assert_eq!(verdict(Some(Timestamp(60_000))), Verdict::Warn);
        assert_eq!(verdict(None), Verdict::Warn);
    }
}

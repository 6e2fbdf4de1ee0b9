//! What an audit found.

use std::{collections::BTreeMap, fmt, time::SystemTime};

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{check::Check, problem::Problem, subject::Subject};
use crate::rfc3339::format_date_time;

/// The result of an [`Audit`](super::Audit).
///
/// It serialises as JSON. Its texts come from the server in part: control and bidirectional characters
/// are shown as `\u{…}`, and a text has at most 512 characters.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AuditReport {
    /// The time that ages and days count from.
    #[serde(serialize_with = "date_time")]
    pub time: SystemTime,
    /// The number of OAuth clients.
    pub clients: usize,
    /// What is not as it should be, in the order of [`Check::ALL`].
    pub findings: Vec<Finding>,
    /// What could not be checked, in the order of [`Check::ALL`].
    pub not_checked: Vec<NotChecked>,
    /// How many OAuth clients passed each check. For [`Check::Credentials`] it is how many credentials
    /// did, and for [`Check::IdleTimeout`] it is 1 if the organisation did.
    pub passed: BTreeMap<Check, usize>,
}

impl AuditReport {
    pub(super) fn new(time: SystemTime, clients: usize) -> Self {
        Self {
            time,
            clients,
            findings: Vec::new(),
            not_checked: Vec::new(),
            passed: Check::ALL.into_iter().map(|check| (check, 0)).collect(),
        }
    }

    /// Adds the outcome of a check.
    pub(super) fn add(&mut self, check: Check, subject: Subject, outcome: Outcome) {
        match outcome {
            Outcome::Passed => *self.passed.entry(check).or_default() += 1,
            Outcome::Found(problem) => self.findings.push(Finding { subject, problem }),
            Outcome::NotChecked(obstacle) => self.not_checked.push(NotChecked {
                check,
                subject,
                reason: obstacle.reason,
                missing_permissions: obstacle.missing_permissions,
                cure: obstacle.cure,
            }),
        }
    }
}

/// Something that is not as it should be. Its `Display` says what.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// What it is about.
    pub subject: Subject,
    /// What is not as it should be.
    pub problem: Problem,
}

impl Finding {
    /// Returns the check that found it.
    #[must_use]
    pub fn check(&self) -> Check {
        self.problem.check()
    }

    /// Returns what to do about it.
    #[must_use]
    pub fn cure(&self) -> String {
        self.problem.cure()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

/// With `check`, `text` and `cure`, for programs that show the report.
impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut finding = serializer.serialize_struct("Finding", 5)?;
        finding.serialize_field("check", &self.check())?;
        finding.serialize_field("subject", &self.subject)?;
        finding.serialize_field("problem", &self.problem)?;
        finding.serialize_field("text", &self.to_string())?;
        finding.serialize_field("cure", &self.cure())?;
        finding.end()
    }
}

/// A check that could not be made. Its `Display` is the reason.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct NotChecked {
    /// The check.
    pub check: Check,
    /// What was not checked.
    pub subject: Subject,
    /// Why it could not be made.
    pub reason: String,
    /// The permissions that are missing, as `domain:entity:action`.
    pub missing_permissions: Vec<String>,
    /// What to do about it.
    pub cure: String,
}

impl fmt::Display for NotChecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// The outcome of one check.
pub(super) enum Outcome {
    Passed,
    Found(Problem),
    NotChecked(Obstacle),
}

impl From<Option<Problem>> for Outcome {
    fn from(problem: Option<Problem>) -> Self {
        problem.map_or(Self::Passed, Self::Found)
    }
}

/// Why a check could not be made.
#[derive(Clone)]
pub(super) struct Obstacle {
    pub(super) reason: String,
    pub(super) missing_permissions: Vec<String>,
    pub(super) cure: String,
}

impl Obstacle {
    pub(super) fn new(reason: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            missing_permissions: Vec::new(),
            cure: cure.into(),
        }
    }
}

fn date_time<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_date_time(*time))
}

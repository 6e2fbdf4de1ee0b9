//! Counts the calls of OAuth clients, and answers questions about them.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::sandbox::{bounded_map::BoundedMap, random::random_uuid, time::format_time};

/// The calls of each day, and the queries that were started.
#[derive(Default)]
pub(crate) struct UsageTable {
    calls: BTreeMap<CallKey, Counts>,
    executions: BoundedMap<String, Execution>,
}

/// What calls have in common that are counted together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallKey {
    /// The days since 1970.
    pub(crate) day: u64,
    pub(crate) client: Arc<str>,
    pub(crate) user: String,
    /// The path, with names in the place of ids.
    pub(crate) template: String,
    pub(crate) method: String,
}

/// By the names of the metrics.
type Counts = BTreeMap<&'static str, u64>;

struct Execution {
    /// The client that was asked about, or `None` for all.
    client: Option<String>,
    results: Vec<Value>,
    /// How often the results are still to be reported as running.
    running: usize,
}

pub(crate) struct UsageQuery {
    pub(crate) client: Option<String>,
    pub(crate) from: SystemTime,
    pub(crate) to: SystemTime,
    pub(crate) granularity: Option<Granularity>,
    pub(crate) metrics: Vec<String>,
    pub(crate) group_by: Vec<String>,
}

#[derive(Clone, Copy)]
pub(crate) enum Granularity {
    Day,
    Week,
    Month,
}

impl UsageTable {
    pub(crate) fn count(&mut self, key: CallKey, status: StatusCode) {
        if self.calls.len() >= MAX_KEYS && !self.calls.contains_key(&key) {
            // The keys start with the day.
            self.calls.pop_first();
        }
        let counts = self.calls.entry(key).or_default();
        let metric = match status.as_u16() {
            429 => "status429",
            200..300 => "status200",
            300..400 => "status300",
            400..500 => "status400",
            _ => "status500",
        };
        for name in [metric, "requests"] {
            *counts.entry(name).or_default() += 1;
        }
    }

    /// Counts the calls so far, and returns the id of the execution.
    pub(crate) fn start(
        &mut self,
        query: UsageQuery,
        running: usize,
        organization: &str,
        client_name: impl Fn(&str) -> String,
    ) -> String {
        let mut groups: BTreeMap<Vec<String>, Counts> = BTreeMap::new();
        for (key, counts) in &self.calls {
            if !query.includes(key) {
                continue;
            }
            let group = groups.entry(query.group(key, organization)).or_default();
            for (name, count) in counts {
                *group.entry(name).or_default() += count;
            }
        }
        let rows = groups.into_iter();
        let execution = Execution {
            results: rows
                .map(|(group, counts)| query.row(&group, &counts, &client_name))
                .collect(),
            client: query.client,
            running,
        };
        let id = random_uuid();
        self.executions.insert(id.clone(), execution);
        id
    }

    /// Returns the results of an execution, which must have been about `client`.
    pub(crate) fn results(&mut self, id: &str, client: Option<&str>) -> Option<Value> {
        let execution = self.executions.get_mut(id)?;
        if execution.client.as_deref() != client {
            return None;
        }
        if let Some(running) = execution.running.checked_sub(1) {
            execution.running = running;
            return Some(json!({ "queryStatus": "Running" }));
        }
        Some(json!({ "results": execution.results, "queryStatus": "Complete" }))
    }
}

impl UsageQuery {
    fn includes(&self, key: &CallKey) -> bool {
        let is_client = self.client.as_deref().is_none_or(|id| id == &*key.client);
        // A day counts as a whole.
        is_client && days(self.from) <= key.day && key.day <= days(self.to)
    }

    /// Returns the period and the dimensions of the row that the calls belong to.
    fn group(&self, key: &CallKey, organization: &str) -> Vec<String> {
        let period = match self.granularity {
            None => format_time(self.from),
            Some(granularity) => granularity.period(key.day),
        };
        let dimension = |name: &str, value: &str| {
            let is_asked = self.group_by.iter().any(|one| one == name);
            String::from(if is_asked { value } else { "" })
        };
        vec![
            period,
            dimension("OAuthClientId", &key.client),
            dimension("OrganizationId", organization),
            dimension("UserId", &key.user),
            dimension("TemplateUri", &key.template),
            dimension("HttpMethod", &key.method),
        ]
    }

    fn row(
        &self,
        group: &[String],
        counts: &Counts,
        client_name: &impl Fn(&str) -> String,
    ) -> Value {
        let mut row = Map::new();
        for (name, value) in GROUP_FIELDS.iter().zip(group) {
            row.insert((*name).to_owned(), value.as_str().into());
        }
        let name = client_name(&group[1]);
        row.insert("clientName".to_owned(), name.into());
        for metric in METRICS {
            let mut metrics = self.metrics.iter();
            if metrics.any(|one| one.eq_ignore_ascii_case(metric)) {
                let count = counts.get(metric).copied().unwrap_or_default();
                row.insert(metric.to_owned(), count.into());
            }
        }
        row.into()
    }
}

impl Granularity {
    /// Returns the start of the period with this day.
    fn period(self, day: u64) -> String {
        let date = |day: u64| {
            let seconds = std::time::Duration::from_secs(day * 86_400);
            format_time(SystemTime::UNIX_EPOCH + seconds)
        };
        match self {
            Self::Day => date(day),
            // 1970-01-01 was a Thursday, and a week starts on Monday.
            Self::Week => date((day + 3) / 7 * 7 - 3),
            Self::Month => {
                let month: String = date(day).chars().take(7).collect();
                format!("{month}-01T00:00:00.000Z")
            }
        }
    }
}

/// Returns the days since 1970.
pub(crate) fn days(time: SystemTime) -> u64 {
    let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH);
    since_1970.unwrap_or_default().as_secs() / 86_400
}

pub(crate) const METRICS: [&str; 6] = [
    "status200",
    "status300",
    "status400",
    "status500",
    "status429",
    "requests",
];

/// More than a test needs. A method can be any word.
const MAX_KEYS: usize = 10_000;

const GROUP_FIELDS: [&str; 6] = [
    "date",
    "clientId",
    "organizationId",
    "userId",
    "templateUri",
    "httpMethod",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oldest_calls_are_forgotten_when_too_many_follow() {
        let mut usage = UsageTable::default();
        for day in 0..20_000 {
            let key = CallKey {
                day,
                client: "a client".into(),
                user: String::new(),
                template: "/api/v2/users".to_owned(),
                method: "GET".to_owned(),
            };
            usage.count(key, StatusCode::OK);
        }
        assert_eq!(usage.calls.len(), MAX_KEYS);
        assert_eq!(usage.calls.first_key_value().unwrap().0.day, 10_000);
    }

    #[test]
    fn weeks_start_on_monday_and_months_on_their_first_day() {
        // 2026-11-29 was a Sunday.
        let sunday = 20_786;
        assert_eq!(Granularity::Day.period(sunday), "2026-11-29T00:00:00.000Z");
        for (granularity, day, expected) in [
            (Granularity::Week, sunday, "2026-11-23T00:00:00.000Z"),
            (Granularity::Week, sunday + 1, "2026-11-30T00:00:00.000Z"),
            (Granularity::Month, sunday, "2026-11-01T00:00:00.000Z"),
            (Granularity::Month, sunday + 2, "2026-12-01T00:00:00.000Z"),
        ] {
            assert_eq!(granularity.period(day), expected);
        }
    }
}

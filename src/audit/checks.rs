//! The checks: functions of a client, of what is known about the organisation, and of the time.

use std::time::{Duration, SystemTime};

use url::Url;

use super::{
    check::Check,
    facts::{Facts, IdleTimeout, role_ids},
    policy::Policy,
    problem::{AuditedRole, Problem, age},
    report::{AuditReport, Obstacle, Outcome},
    subject::Subject,
};
use crate::{
    admin::{ClientState, GrantType, OAuthClient},
    error::sanitize,
    platform_limits::{
        IMPLICIT_GRANT_CLOSED_SINCE, IMPLICIT_GRANT_EARLIEST_CLOSING, IMPLICIT_GRANT_EARLIEST_END,
        IMPLICIT_GRANT_ENDS, MAX_SCIM_TOKEN_DURATION, Month, TOKEN_DURATION,
    },
    region::is_loopback,
    rfc3339::parse_date_time,
};

/// What the checks compare clients with.
pub(super) struct Rules<'a> {
    pub(super) policy: &'a Policy,
    pub(super) facts: &'a Facts,
    pub(super) now: SystemTime,
}

impl Rules<'_> {
    pub(super) fn report(&self, clients: &[OAuthClient]) -> AuditReport {
        let mut report = AuditReport::new(self.now, clients.len());
        for check in Check::ALL {
            match check {
                Check::IdleTimeout => {
                    report.add(check, Subject::Organization, self.idle_timeout());
                }
                Check::Credentials => self.add_credentials(&mut report),
                _ => self.add_clients(&mut report, check, clients),
            }
        }
        report
    }

    fn add_clients(&self, report: &mut AuditReport, check: Check, clients: &[OAuthClient]) {
        if let Some(obstacle) = self.obstacle_for_all(check) {
            report.add(check, Subject::AllClients, Outcome::NotChecked(obstacle));
            return;
        }
        for client in clients {
            report.add(check, Subject::client(client), self.check(check, client));
        }
    }

    fn add_credentials(&self, report: &mut AuditReport) {
        let check = Check::Credentials;
        match &self.facts.credentials {
            Err(obstacle) => {
                let outcome = Outcome::NotChecked(obstacle.clone());
                report.add(check, Subject::AllCredentials, outcome);
            }
            Ok(credentials) => {
                for (id, name) in &credentials.names {
                    let outcome = credentials.outcome(id);
                    report.add(check, Subject::credential(id, name), outcome);
                }
            }
        }
    }

    /// Why no client can be checked.
    fn obstacle_for_all(&self, check: Check) -> Option<Obstacle> {
        match check {
            Check::Use => self.facts.usage.as_ref().err().cloned(),
            Check::AdministrativeRoles => self.facts.roles.as_ref().err().cloned(),
            _ => None,
        }
    }

    fn check(&self, check: Check, client: &OAuthClient) -> Outcome {
        match check {
            Check::ImplicitGrant => self.implicit_grant(client),
            Check::AdministrativeRoles => self.administrative_roles(client),
            Check::AllDivisions => self.all_divisions(client).into(),
            Check::RedirectUris => redirect_uris(client).into(),
            Check::TokenDuration => self.token_duration(client),
            Check::SecretAge => self.secret_age(client),
            Check::Use => self.usage(client),
            Check::State => state(client),
            Check::Description => {
                let text = client.description.as_deref().unwrap_or_default();
                let is_missing = text.trim().is_empty();
                is_missing.then_some(Problem::NoDescription).into()
            }
            // They are not about clients.
            Check::Credentials | Check::IdleTimeout => Outcome::Passed,
        }
    }

    fn implicit_grant(&self, client: &OAuthClient) -> Outcome {
        match &client.grant_type {
            GrantType::Implicit => Outcome::Found(Problem::ImplicitGrant {
                days_to_closing: self.days_to(IMPLICIT_GRANT_CLOSED_SINCE),
                days_to_earliest_closing: self.days_to(IMPLICIT_GRANT_EARLIEST_CLOSING),
                days_to_end: self.days_to(IMPLICIT_GRANT_ENDS),
                days_to_earliest_end: self.days_to(IMPLICIT_GRANT_EARLIEST_END),
            }),
            GrantType::Other(name) => unknown_value("grant type", name),
            _ => Outcome::Passed,
        }
    }

    fn administrative_roles(&self, client: &OAuthClient) -> Outcome {
        let Ok(known) = &self.facts.roles else {
            return Outcome::Passed;
        };
        let mut roles: Vec<AuditedRole> = Vec::new();
        let mut obstacle = None;
        for id in role_ids(client) {
            match known.get(id) {
                Some(Ok(role)) if role.permissions.is_empty() || roles.contains(role) => {}
                Some(Ok(role)) => roles.push(role.clone()),
                Some(Err(why)) => obstacle = Some(why.clone()),
                None => {}
            }
        }
        match obstacle {
            // One role that may administer is enough to say so.
            Some(obstacle) if roles.is_empty() => Outcome::NotChecked(obstacle),
            _ if roles.is_empty() => Outcome::Passed,
            _ => Outcome::Found(Problem::AdministrativeRoles { roles }),
        }
    }

    fn all_divisions(&self, client: &OAuthClient) -> Option<Problem> {
        let roles = client.roles.iter();
        let roles = roles.filter(|role| matches!(role.division_id.as_str(), "*" | ""));
        let ids = roles.map(|role| &role.role_id).chain(&client.role_ids);
        let roles: Vec<_> = ids.map(|id| self.role(id)).collect();
        (!roles.is_empty()).then_some(Problem::AllDivisions { roles })
    }

    fn role(&self, id: &str) -> AuditedRole {
        let roles = self.facts.roles.as_ref().ok();
        match roles.and_then(|roles| roles.get(id)) {
            Some(Ok(role)) => role.clone(),
            _ => AuditedRole {
                id: sanitize(id, &[]),
                name: None,
                permissions: Vec::new(),
            },
        }
    }

    fn token_duration(&self, client: &OAuthClient) -> Outcome {
        let Some(duration) = client.token_duration else {
            return Outcome::NotChecked(Obstacle::new(
                "the API sent no token duration",
                "look at the client in Admin → Integrations → OAuth",
            ));
        };
        let is_scim = self.policy.scim_clients.contains(&client.id);
        let max = if is_scim {
            MAX_SCIM_TOKEN_DURATION
        } else {
            *TOKEN_DURATION.end()
        };
        let problem = if duration < *TOKEN_DURATION.start() || duration > max {
            Some(Problem::TokenDurationOutOfRange { duration })
        } else if duration > self.policy.max_token_duration && !is_scim {
            let max = self.policy.max_token_duration;
            Some(Problem::LongTokenDuration { duration, max })
        } else {
            None
        };
        problem.into()
    }

    fn secret_age(&self, client: &OAuthClient) -> Outcome {
        if client.grant_type == GrantType::Implicit {
            return Outcome::Passed;
        }
        let max = days(self.policy.max_secret_age);
        let (min_days, max_days) = match self.policy.secret_dates.get(&client.id) {
            Some(date) => (self.days_since(*date), Some(self.days_since(*date))),
            None => (
                client.date_modified.map_or(0, |date| self.days_since(date)),
                client.date_created.map(|date| self.days_since(date)),
            ),
        };
        if min_days > max {
            return Outcome::Found(Problem::OldSecret { min_days, max_days });
        }
        if max_days.is_some_and(|age| age <= max) {
            return Outcome::Passed;
        }
        let age = age(min_days, max_days);
        Outcome::NotChecked(Obstacle::new(
            format!("its secret is {age} days old, and {max} are allowed; the API does not tell"),
            "give the audit the date of the secret, or rotate the secret",
        ))
    }

    fn usage(&self, client: &OAuthClient) -> Outcome {
        let Ok(used) = &self.facts.usage else {
            return Outcome::Passed;
        };
        let days = self.policy.unused_after;
        let is_new = client
            .date_created
            .is_some_and(|date| self.days_since(date) < u64::from(days));
        if is_new || used.clients.contains(&client.id) {
            return Outcome::Passed;
        }
        if !used.is_complete {
            return Outcome::NotChecked(Obstacle::new(
                "Genesys Cloud did not return the calls of all clients",
                "choose fewer days",
            ));
        }
        Outcome::Found(Problem::Unused { days })
    }

    fn idle_timeout(&self) -> Outcome {
        let max = self.policy.max_idle_timeout;
        let timeout = match &self.facts.idle_timeout {
            Err(obstacle) => return Outcome::NotChecked(obstacle.clone()),
            Ok(IdleTimeout {
                is_enabled: Some(false),
                ..
            }) => return Outcome::Found(Problem::NoIdleTimeout),
            Ok(IdleTimeout {
                is_enabled: Some(true),
                seconds: Some(seconds),
            }) => Duration::from_secs(*seconds),
            Ok(_) => {
                return Outcome::NotChecked(Obstacle::new(
                    "the API sent no idle timeout",
                    "look at Admin → Account Settings → Organization Settings",
                ));
            }
        };
        let max = max.filter(|max| timeout > *max);
        max.map(|max| Problem::LongIdleTimeout { timeout, max })
            .into()
    }

    /// The days to the first of a month, rounded up.
    fn days_to(&self, month: Month) -> i64 {
        let (year, number) = (month.year(), month.number());
        let first = parse_date_time(&format!("{year:04}-{number:02}-01T00:00:00Z"));
        let first = first.unwrap_or(SystemTime::UNIX_EPOCH);
        let day = |duration: u64| i64::try_from(duration).unwrap_or(i64::MAX);
        match first.duration_since(self.now) {
            Ok(left) => day(left.as_secs().div_ceil(SECONDS_PER_DAY)),
            Err(error) => -day(days(error.duration())),
        }
    }

    /// The whole days since a time, or 0 if it is in the future.
    fn days_since(&self, date: SystemTime) -> u64 {
        days(self.now.duration_since(date).unwrap_or_default())
    }
}

/// Users are sent back with a code, which only TLS or the loopback interface protects. Apps may have a
/// scheme of their own.
fn redirect_uris(client: &OAuthClient) -> Option<Problem> {
    let uris = client.redirect_uris.iter().filter_map(|text| {
        let Ok(mut uri) = Url::parse(text) else {
            return Some("a text that is no URI".to_owned());
        };
        if uri.scheme() != "http" || is_loopback(&uri) {
            return None;
        }
        uri.set_query(None);
        uri.set_fragment(None);
        // Only a URL without a host has neither.
        let _ = (uri.set_username(""), uri.set_password(None));
        Some(sanitize(uri.as_str(), &[]))
    });
    let uris: Vec<_> = uris.collect();
    (!uris.is_empty()).then_some(Problem::UnsafeRedirectUris { uris })
}

fn state(client: &OAuthClient) -> Outcome {
    match &client.state {
        ClientState::Active => Outcome::Passed,
        ClientState::Other(name) => unknown_value("state", name),
        state => Outcome::Found(Problem::NotActive {
            state: state.clone(),
        }),
    }
}

fn unknown_value(what: &str, value: &str) -> Outcome {
    let reason = if value.is_empty() {
        format!("the API sent no {what}")
    } else {
        format!("the {what} “{}” is not known", sanitize(value, &[]))
    };
    let cure = "look at the client in Admin → Integrations → OAuth, or update this library";
    Outcome::NotChecked(Obstacle::new(reason, cure))
}

fn days(duration: Duration) -> u64 {
    duration.as_secs() / SECONDS_PER_DAY
}

const SECONDS_PER_DAY: u64 = 86_400;

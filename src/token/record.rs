//! The stored form of a token: with absolute times, and with the refresh token of a login.

use std::time::{Duration, SystemTime};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::AccessToken;
use crate::{clock::Clock, platform_limits::MAX_SCIM_TOKEN_DURATION};

/// What is sealed and stored. It has no `Debug`, because all of it is secret.
#[derive(Clone)]
pub(crate) struct Record {
    /// Of a login's record only.
    lineage: Option<Lineage>,
    generation: u64,
    access_token: SecretString,
    issued: SystemTime,
    life: Duration,
    refresh_token: Option<SecretString>,
}

/// A random number that the records of one login have in common: it is drawn when the login's code is
/// exchanged, and copied at each renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lineage(u128);

#[cfg(feature = "login")]
impl Lineage {
    /// Draws a number. `None` where the machine returns no random bytes.
    pub(crate) fn draw() -> Option<Self> {
        let mut bytes = [0; 16];
        aws_lc_rs::rand::fill(&mut bytes).ok()?;
        Some(Self(u128::from_be_bytes(bytes)))
    }
}

/// What distinguishes the records that one slot has held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) lineage: Option<Lineage>,
    pub(crate) generation: u64,
}

impl Record {
    /// Creates the record of `token` that replaces `former`. It is of the same lineage.
    pub(crate) fn new(
        token: &AccessToken,
        refresh_token: Option<SecretString>,
        former: Option<&Self>,
        clock: &Clock,
    ) -> Self {
        let wall = clock.wall();
        let age = clock.now() - token.requested();
        let generation = former.map_or(0, |former| former.generation);
        Self {
            lineage: former.and_then(|former| former.lineage),
            generation: Self::generation_after(generation, clock),
            access_token: token.expose_secret().into(),
            issued: wall.checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH),
            life: token.end() - token.requested(),
            refresh_token,
        }
    }

    /// Returns a generation higher than `former` and than that of any record removed before now.
    pub(crate) fn generation_after(former: u64, clock: &Clock) -> u64 {
        millis(clock.wall()).max(former.saturating_add(1))
    }

    /// Returns what distinguishes this record. The generation orders those of one lineage.
    pub(crate) fn version(&self) -> Version {
        Version {
            lineage: self.lineage,
            generation: self.generation,
        }
    }

    /// Returns when the access token was requested.
    pub(crate) fn issued(&self) -> SystemTime {
        self.issued
    }

    /// Returns when the record becomes useless; `None` while it has a refresh token.
    pub(crate) fn expires_at(&self) -> Option<SystemTime> {
        match self.refresh_token {
            Some(_) => None,
            None => self.issued.checked_add(self.life),
        }
    }

    pub(crate) fn refresh_token(&self) -> Option<&SecretString> {
        self.refresh_token.as_ref()
    }

    /// Returns the access token, if it is valid by the wall clock. A token from the future is not.
    pub(crate) fn token(&self, clock: &Clock) -> Option<AccessToken> {
        let age = match clock.wall().duration_since(self.issued) {
            Ok(age) => age,
            Err(ahead) if ahead.duration() <= MAX_CLOCK_SKEW => Duration::ZERO,
            Err(_) => return None,
        };
        let left = self.life.checked_sub(age).filter(|left| !left.is_zero())?;
        let now = clock.now();
        AccessToken::restored(&self.access_token, now - age, now + left, clock).ok()
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let access_token = self.access_token.expose_secret();
        let refresh_token = self.refresh_token.as_ref().map(ExposeSecret::expose_secret);
        let length = access_token.len() + refresh_token.map_or(0, str::len);
        let plain = Plain {
            lineage: self.lineage.map(|Lineage(number)| format!("{number:032x}")),
            generation: self.generation,
            access_token,
            issued: millis(self.issued),
            life: u64::try_from(self.life.as_millis()).unwrap_or(u64::MAX),
            refresh_token,
        };
        // The buffer never grows, so that no copy is left behind: at most `\"` and `\\` are escaped.
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * length + 256));
        // Writing text and numbers to memory does not fail.
        let _ = serde_json::to_writer(&mut *bytes, &plain);
        bytes
    }

    /// Reads a record from the bytes of a store.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let read: Read = serde_json::from_slice(bytes).ok()?;
        let issued = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(read.issued))?;
        let lineage = read.lineage.map(|text| u128::from_str_radix(&text, 16));
        Some(Self {
            lineage: lineage.transpose().ok()?.map(Lineage),
            generation: read.generation,
            access_token: read.access_token,
            issued,
            // No token lives longer, whatever a store says.
            life: Duration::from_millis(read.life).min(MAX_SCIM_TOKEN_DURATION),
            refresh_token: read.refresh_token,
        })
    }
}

#[cfg(feature = "login")]
impl Record {
    /// Makes this the first record of a login.
    pub(crate) fn of_lineage(mut self, lineage: Lineage) -> Self {
        self.lineage = Some(lineage);
        self
    }
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

#[derive(Serialize)]
struct Plain<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    lineage: Option<String>,
    generation: u64,
    access_token: &'a str,
    issued: u64,
    life: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
}

#[derive(Deserialize)]
struct Read {
    lineage: Option<String>,
    generation: u64,
    access_token: SecretString,
    issued: u64,
    life: u64,
    refresh_token: Option<SecretString>,
}

/// The maximum difference between the clocks of a fleet.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn record(clock: &Clock, refresh_token: Option<&str>) -> Record {
        let token = AccessToken::new(&"an-access".into(), clock.now(), Some(HOUR), clock).unwrap();
        Record::new(&token, refresh_token.map(Into::into), None, clock)
    }

    #[test]
    fn record_survives_serialisation() {
        let clock = Clock::manual();
        for refresh_token in [None, Some("a-\"refresh\\")] {
            let mut written = record(&clock, refresh_token);
            written.lineage = refresh_token.map(|_| Lineage(7));
            let read = Record::from_bytes(&written.to_bytes()).unwrap();
            assert_eq!(read.to_bytes(), written.to_bytes());
            assert_eq!(read.version(), written.version());
            let token = read.token(&clock).unwrap();
            assert_eq!(token.expose_secret(), "an-access");
            assert_eq!(read.expires_at().is_none(), refresh_token.is_some());
        }
        for invalid in [&b""[..], b"{}", b"[]", b"\xff", b"{\"generation\":1}"] {
            assert!(Record::from_bytes(invalid).is_none());
        }
    }

    #[test]
    fn buffer_of_a_record_never_grows() {
        let clock = Clock::manual();
        let long = "\\".repeat(4_000);
        for refresh_token in [None, Some("a-refresh-token"), Some(&*long)] {
            let mut record = record(&clock, refresh_token);
            record.access_token = long.as_str().into();
            let length = long.len() + refresh_token.map_or(0, str::len);
            let bytes = record.to_bytes();
            assert!(bytes.len() > 2 * long.len());
            assert_eq!(bytes.capacity(), 2 * length + 256);
        }
    }

    #[test]
    fn stored_life_is_at_most_that_of_the_longest_token() {
        let clock = Clock::manual();
        let issued = millis(clock.wall());
        for life in [u64::MAX, 1 << 60] {
            let bytes =
                format!(r#"{{"generation":1,"access_token":"a","issued":{issued},"life":{life}}}"#);
            let token = Record::from_bytes(bytes.as_bytes()).unwrap().token(&clock);
            let left = token.unwrap().expires_in().unwrap();
            assert!(left <= MAX_SCIM_TOKEN_DURATION, "{left:?}");
        }
    }

    #[test]
    fn stored_token_lives_by_wall_clock_and_not_beyond_its_life() {
        let clock = Clock::manual();
        let record = record(&clock, None);
        clock.advance(HOUR / 4);
        let token = record.token(&clock).unwrap();
        let left = token.expires_in().unwrap();
        assert!(left <= HOUR * 3 / 4 && left > HOUR / 2, "{left:?}");
        let age = clock.now() - token.requested();
        assert!(age >= HOUR / 4 && age < HOUR / 2, "{age:?}");

        // The clock of another machine may be a little behind, which does not extend the life.
        clock.set_wall(record.issued() - MAX_CLOCK_SKEW);
        let token = record.token(&clock).unwrap();
        assert!(token.expires_in().unwrap() <= HOUR);
        clock.set_wall(record.issued() - MAX_CLOCK_SKEW - Duration::from_secs(1));
        assert!(record.token(&clock).is_none());
        clock.set_wall(record.issued() + HOUR);
        assert!(record.token(&clock).is_none());
    }

    #[test]
    fn stored_token_may_be_older_than_the_machine_has_run() {
        let (clock, day) = (Clock::system(), 24 * HOUR);
        let issued = millis(clock.wall() - 400 * day);
        let life = (420 * day).as_millis();
        let bytes =
            format!(r#"{{"generation":1,"access_token":"a","issued":{issued},"life":{life}}}"#);
        let token = Record::from_bytes(bytes.as_bytes()).unwrap().token(&clock);
        let age = clock.now() - token.unwrap().requested();
        assert!(age >= 400 * day && age < 401 * day, "{age:?}");
    }

    #[test]
    fn later_record_has_a_higher_generation_at_any_clock_time() {
        let clock = Clock::manual();
        let first = record(&clock, None);
        clock.set_wall(first.issued() - HOUR);
        let token = first.access_token.clone();
        let token = AccessToken::new(&token, clock.now(), Some(HOUR), &clock).unwrap();
        let second = Record::new(&token, None, Some(&first), &clock);
        assert!(second.generation > first.generation);
        clock.set_wall(first.issued() + HOUR);
        let third = Record::new(&token, None, None, &clock);
        assert!(third.generation > second.generation);
    }

    const HOUR: Duration = Duration::from_secs(3_600);
}

//! The organization behind both hosts: its OAuth client, the tokens it issued, and its clock.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;

use crate::clock::{Clock, Moment};

/// What differs from one organization to the next.
pub(super) struct Settings {
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) authorized_grant_type: String,
    pub(super) token_lifetime: Duration,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) answer_users_me: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            client_id: random_uuid(),
            client_secret: random_text::<32>(),
            authorized_grant_type: CLIENT_CREDENTIALS.to_owned(),
            token_lifetime: Duration::from_secs(86_400),
            idle_timeout: None,
            answer_users_me: false,
        }
    }
}

/// The organization. No method waits, and none calls back while it holds the lock.
pub(super) struct Org {
    pub(super) id: String,
    pub(super) settings: Settings,
    clock: Clock,
    /// When the organization and its client were made.
    pub(super) created: SystemTime,
    changing: Mutex<Changing>,
}

struct Changing {
    client_secret: String,
    client_disabled: bool,
    tokens: HashMap<String, Token>,
    /// How far the clock was moved ahead of the machine's.
    ahead: Duration,
}

struct Token {
    ends: Moment,
    last_used: Moment,
    minute_started: Moment,
    calls_in_minute: u32,
}

/// An access token just issued.
pub(super) struct Issued {
    pub(super) access_token: String,
    pub(super) lifetime: Duration,
}

/// Why no token was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotIssued {
    InvalidClient,
    UnauthorizedClient,
}

/// The live token that a call came with.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) access_token: String,
    /// When the token dies if it is not used again.
    pub(super) idles: Option<SystemTime>,
    pub(super) calls_in_minute: u32,
    pub(super) minute_left: Duration,
}

/// Why a token was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotLive {
    Unknown,
    Expired,
}

impl Org {
    pub(super) fn new(settings: Settings) -> Self {
        let clock = Clock::system();
        Self {
            id: random_uuid(),
            created: clock.wall(),
            clock,
            changing: Mutex::new(Changing {
                client_secret: settings.client_secret.clone(),
                client_disabled: false,
                tokens: HashMap::new(),
                ahead: Duration::ZERO,
            }),
            settings,
        }
    }

    pub(super) fn client_secret(&self) -> String {
        self.changing.lock().client_secret.clone()
    }

    /// Issues a token to the client named by `credentials` (id and secret), for a grant that wants
    /// a client of `grant_type`; `None` is a grant that no client has.
    pub(super) fn issue(
        &self,
        credentials: Option<(&str, &str)>,
        grant_type: Option<&str>,
    ) -> Result<Issued, NotIssued> {
        let mut changing = self.changing.lock();
        let known = credentials.is_some_and(|(id, secret)| {
            id == self.settings.client_id && secret == changing.client_secret
        });
        if !known || changing.client_disabled {
            return Err(NotIssued::InvalidClient);
        }
        if grant_type != Some(&self.settings.authorized_grant_type) {
            return Err(NotIssued::UnauthorizedClient);
        }
        let now = changing.now(&self.clock);
        let lifetime = self.settings.token_lifetime;
        let access_token = random_text::<63>();
        changing.tokens.insert(
            access_token.clone(),
            Token {
                ends: now + lifetime,
                last_used: now,
                minute_started: now,
                calls_in_minute: 0,
            },
        );
        Ok(Issued {
            access_token,
            lifetime,
        })
    }

    /// Counts a call with `access_token` and, unless `keeps_idling`, resets its idle timer.
    pub(super) fn authenticate(
        &self,
        access_token: &str,
        keeps_idling: bool,
    ) -> Result<Caller, NotLive> {
        let mut changing = self.changing.lock();
        let ahead = changing.ahead;
        let now = changing.now(&self.clock);
        let token = changing
            .tokens
            .get_mut(access_token)
            .ok_or(NotLive::Unknown)?;
        if token.ends <= now {
            return Err(NotLive::Expired);
        }
        let idle_timeout = self.settings.idle_timeout;
        if idle_timeout.is_some_and(|timeout| token.last_used + timeout <= now) {
            changing.tokens.remove(access_token);
            return Err(NotLive::Unknown);
        }
        if !keeps_idling {
            token.last_used = now;
        }
        token.count_call(now);
        let idles = idle_timeout.and_then(|timeout| {
            let left = (token.last_used + timeout) - now;
            self.clock.wall().checked_add(ahead)?.checked_add(left)
        });
        Ok(Caller {
            access_token: access_token.to_owned(),
            idles,
            calls_in_minute: token.calls_in_minute,
            minute_left: (token.minute_started + MINUTE) - now,
        })
    }

    pub(super) fn revoke(&self, access_token: &str) {
        self.changing.lock().tokens.remove(access_token);
    }

    pub(super) fn revoke_all(&self) {
        self.changing.lock().tokens.clear();
    }

    pub(super) fn expire_all(&self) {
        let mut changing = self.changing.lock();
        let now = changing.now(&self.clock);
        for token in changing.tokens.values_mut() {
            token.ends = token.ends.min(now);
        }
    }

    pub(super) fn disable_client(&self) {
        let mut changing = self.changing.lock();
        changing.client_disabled = true;
        changing.tokens.clear();
    }

    pub(super) fn rotate_secret(&self) -> String {
        let secret = random_text::<32>();
        self.changing.lock().client_secret.clone_from(&secret);
        secret
    }

    pub(super) fn advance(&self, by: Duration) {
        let mut changing = self.changing.lock();
        changing.ahead = changing.ahead.saturating_add(by);
    }
}

impl Changing {
    fn now(&self, clock: &Clock) -> Moment {
        clock.now() + self.ahead
    }
}

impl Token {
    fn count_call(&mut self, now: Moment) {
        if self.calls_in_minute == 0 || self.minute_started + MINUTE <= now {
            self.minute_started = now;
            self.calls_in_minute = 0;
        }
        self.calls_in_minute += 1;
    }
}

/// `BYTES` random bytes as text of letters, digits, `-` and `_`.
fn random_text<const BYTES: usize>() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<BYTES>())
}

pub(super) fn random_uuid() -> String {
    let mut bytes = random_bytes::<16>();
    // Version 4, variant 1 (RFC 9562 section 5.4).
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = bytes.map(|byte| format!("{byte:02x}"));
    [&hex[..4], &hex[4..6], &hex[6..8], &hex[8..10], &hex[10..]]
        .map(<[String]>::concat)
        .join("-")
}

fn random_bytes<const BYTES: usize>() -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    rand::fill(&mut bytes).expect("the system's random source works");
    bytes
}

/// `authorizedGrantType` of a client that uses client credentials.
pub(super) const CLIENT_CREDENTIALS: &str = "CLIENT-CREDENTIALS";

const MINUTE: Duration = Duration::from_secs(60);

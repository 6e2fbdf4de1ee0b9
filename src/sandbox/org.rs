//! The organization behind both hosts: its OAuth client, the tokens it issued, and its clock.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;

use super::{Counted, Limit, Role, Window, random_text, random_uuid};
use crate::clock::{Clock, Moment};

/// What differs from one organization to the next.
pub(super) struct Settings {
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) authorized_grant_type: String,
    pub(super) token_lifetime: Duration,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) answer_users_me: bool,
    pub(super) role: Role,
    pub(super) api_limit: Limit,
    pub(super) token_limit: Option<Limit>,
    pub(super) token_limit_says_retry_after: bool,
    pub(super) data_action_fails_with_200: bool,
    pub(super) users: usize,
    pub(super) credentials: usize,
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
            role: Role::default(),
            api_limit: Limit::PER_MINUTE,
            token_limit: None,
            token_limit_says_retry_after: false,
            data_action_fails_with_200: false,
            users: 3,
            credentials: 3,
        }
    }
}

/// The organization. No method waits, and none calls back while it holds the lock.
pub(super) struct Org {
    pub(super) id: String,
    pub(super) division_id: String,
    pub(super) data_action_id: String,
    pub(super) settings: Settings,
    clock: Clock,
    /// When the organization and its client were made.
    pub(super) created: SystemTime,
    changing: Mutex<Changing>,
}

struct Changing {
    client_secret: String,
    client_disabled: bool,
    role: Role,
    /// What the integration holds for the client's secret.
    integration_secret: String,
    ip_authorized: bool,
    tokens: HashMap<String, Token>,
    token_requests: Window,
    /// How far the clock was moved ahead of the machine's.
    ahead: Duration,
}

struct Token {
    ends: Moment,
    last_used: Moment,
    calls: Window,
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
    /// The calls with this token, this one included.
    pub(super) counted: Counted,
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
            division_id: random_uuid(),
            data_action_id: random_uuid(),
            created: clock.wall(),
            changing: Mutex::new(Changing {
                client_secret: settings.client_secret.clone(),
                client_disabled: false,
                role: settings.role.clone(),
                integration_secret: settings.client_secret.clone(),
                ip_authorized: true,
                tokens: HashMap::new(),
                token_requests: Window::begin(clock.now()),
                ahead: Duration::ZERO,
            }),
            clock,
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
                calls: Window::begin(now),
            },
        );
        Ok(Issued {
            access_token,
            lifetime,
        })
    }

    /// Counts a request for a token; what came of it, where a limit is set.
    pub(super) fn count_token_request(&self) -> Option<Counted> {
        let limit = self.settings.token_limit?;
        let mut changing = self.changing.lock();
        let now = changing.now(&self.clock);
        Some(changing.token_requests.count(now, limit))
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
        let counted = token.calls.count(now, self.settings.api_limit);
        if !keeps_idling && !counted.refused {
            token.last_used = now;
        }
        let idles = idle_timeout.and_then(|timeout| {
            let left = (token.last_used + timeout) - now;
            self.clock.wall().checked_add(ahead)?.checked_add(left)
        });
        Ok(Caller {
            access_token: access_token.to_owned(),
            idles,
            counted,
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

    pub(super) fn role(&self) -> Role {
        self.changing.lock().role.clone()
    }

    pub(super) fn change_role(&self, change: impl FnOnce(&mut Role)) {
        change(&mut self.changing.lock().role);
    }

    pub(super) fn ip_authorized(&self) -> bool {
        self.changing.lock().ip_authorized
    }

    pub(super) fn set_ip_authorized(&self, authorized: bool) {
        self.changing.lock().ip_authorized = authorized;
    }

    /// Whether the secret that the integration holds is the client's.
    pub(super) fn integration_credential_works(&self) -> bool {
        let changing = self.changing.lock();
        changing.integration_secret == changing.client_secret
    }

    pub(super) fn update_integration_credential(&self) {
        let mut changing = self.changing.lock();
        let secret = changing.client_secret.clone();
        changing.integration_secret = secret;
    }

    pub(super) fn spoil_integration_credential(&self) {
        self.changing.lock().integration_secret = random_text::<32>();
    }

    /// What its clock says.
    pub(super) fn wall(&self) -> SystemTime {
        let ahead = self.changing.lock().ahead;
        let wall = self.clock.wall();
        wall.checked_add(ahead).unwrap_or(wall)
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

/// `authorizedGrantType` of a client that uses client credentials.
pub(super) const CLIENT_CREDENTIALS: &str = "CLIENT-CREDENTIALS";
pub(super) const CLIENT_NAME: &str = "Sandbox client";
pub(super) const ROLE_ID: &str = "5c0b7c2e-6f0e-4f4b-9d0a-2f6a3c1d8e90";

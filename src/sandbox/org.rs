//! The organisation behind both hosts: its OAuth client, its users and its clock.

pub(super) mod listings;
pub(super) mod permissions;
pub(super) mod pkce;
pub(super) mod rate_limits;
pub(super) mod refresh_tokens;
pub(super) mod settings;
pub(super) mod tokens;
pub(super) mod users;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;

use self::{
    listings::Listings,
    permissions::Role,
    rate_limits::{RateLimitCount, Window},
    settings::Settings,
    tokens::{ClientAuthentication, TokenError, Tokens},
    users::SandboxUser,
};
use super::random::{random_text, random_uuid};
use crate::clock::{Clock, Moment};

/// The organisation. None of its methods blocks, and none calls another while it holds the lock.
pub(super) struct Org {
    pub(super) id: String,
    pub(super) division_id: String,
    pub(super) data_action_id: String,
    pub(super) settings: Arc<Settings>,
    clock: Clock,
    /// When the organisation and its client were created.
    pub(super) created: SystemTime,
    pub(super) users: Vec<SandboxUser>,
    pub(super) listings: Listings,
    state: Mutex<OrgState>,
}

struct OrgState {
    client_secret: String,
    client_disabled: bool,
    role: Role,
    /// The integration's copy of the client's secret.
    integration_secret: String,
    ip_authorized: bool,
    tokens: Tokens,
    token_requests: Window,
    /// How far the clock is ahead of the machine's.
    clock_offset: Duration,
}

/// The credentials that a client sends.
#[derive(Clone, Copy)]
pub(super) enum ClientClaim<'a> {
    Secret { id: &'a str, secret: &'a str },
    Id(&'a str),
    None,
}

/// The live token of an API call.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) access_token: String,
    /// When the idle timeout ends the token, unless it is used before.
    pub(super) idle_end: Option<SystemTime>,
    /// Counts the calls with the token, this one included.
    pub(super) calls: RateLimitCount,
    /// The index of the user who logged in, if there is one.
    pub(super) user: Option<usize>,
}

impl Org {
    pub(super) fn new(settings: Settings) -> Self {
        let settings = Arc::new(settings);
        let clock = Clock::system();
        Self {
            id: random_uuid(),
            division_id: random_uuid(),
            data_action_id: random_uuid(),
            created: clock.wall(),
            users: SandboxUser::all(&settings),
            listings: Listings::default(),
            state: Mutex::new(OrgState {
                client_secret: settings.client_secret.clone(),
                client_disabled: false,
                role: settings.role.clone(),
                integration_secret: settings.client_secret.clone(),
                ip_authorized: true,
                tokens: Tokens::new(Arc::clone(&settings)),
                token_requests: Window::starting_at(clock.now()),
                clock_offset: Duration::ZERO,
            }),
            clock,
            settings,
        }
    }

    pub(super) fn client_secret(&self) -> String {
        self.state.lock().client_secret.clone()
    }

    /// Returns how the client authenticated, or `None` if the credentials are not valid or the
    /// client is disabled.
    pub(super) fn authenticate_client(
        &self,
        claim: ClientClaim<'_>,
    ) -> Option<ClientAuthentication> {
        let state = self.state.lock();
        let (id, authentication) = match claim {
            ClientClaim::Secret { id, secret } if secret == state.client_secret => {
                (id, ClientAuthentication::Secret)
            }
            ClientClaim::Id(id) => (id, ClientAuthentication::None),
            ClientClaim::Secret { .. } | ClientClaim::None => return None,
        };
        let is_valid = id == self.settings.client_id && !state.client_disabled;
        is_valid.then_some(authentication)
    }

    /// Calls `f` with everything that was issued and the organisation's time.
    pub(super) fn with_tokens<T>(&self, f: impl FnOnce(&mut Tokens, Moment) -> T) -> T {
        let mut state = self.state.lock();
        let now = state.now(&self.clock);
        f(&mut state.tokens, now)
    }

    /// Counts a token request. Returns `None` if there is no limit.
    pub(super) fn count_token_request(&self) -> Option<RateLimitCount> {
        let limit = self.settings.token_rate_limit?;
        let mut state = self.state.lock();
        let now = state.now(&self.clock);
        Some(state.token_requests.count(now, limit))
    }

    /// Counts a call with `access_token` and, unless `preserve_idle_timer` is set, resets its idle
    /// timer.
    pub(super) fn authenticate_call(
        &self,
        access_token: &str,
        preserve_idle_timer: bool,
    ) -> Result<Caller, TokenError> {
        let mut state = self.state.lock();
        let offset = state.clock_offset;
        let now = state.now(&self.clock);
        let tokens = &mut state.tokens;
        let live = tokens.count_call(access_token, preserve_idle_timer, now)?;
        let idle_end = self.settings.idle_timeout.and_then(|timeout| {
            let left = (live.last_used + timeout) - now;
            self.clock.wall().checked_add(offset)?.checked_add(left)
        });
        Ok(Caller {
            access_token: access_token.to_owned(),
            idle_end,
            calls: live.calls,
            user: live.user,
        })
    }

    pub(super) fn disable_client(&self) {
        let mut state = self.state.lock();
        state.client_disabled = true;
        state.tokens.end_all();
    }

    pub(super) fn client_disabled(&self) -> bool {
        self.state.lock().client_disabled
    }

    pub(super) fn rotate_secret(&self) -> String {
        let secret = random_text::<32>();
        self.state.lock().client_secret.clone_from(&secret);
        secret
    }

    pub(super) fn role(&self) -> Role {
        self.state.lock().role.clone()
    }

    pub(super) fn change_role(&self, change: impl FnOnce(&mut Role)) {
        change(&mut self.state.lock().role);
    }

    pub(super) fn ip_authorized(&self) -> bool {
        self.state.lock().ip_authorized
    }

    pub(super) fn set_ip_authorized(&self, authorized: bool) {
        self.state.lock().ip_authorized = authorized;
    }

    /// Whether the integration has the client's current secret.
    pub(super) fn integration_credential_is_valid(&self) -> bool {
        let state = self.state.lock();
        state.integration_secret == state.client_secret
    }

    pub(super) fn update_integration_credential(&self) {
        let mut state = self.state.lock();
        let secret = state.client_secret.clone();
        state.integration_secret = secret;
    }

    pub(super) fn break_integration_credential(&self) {
        self.state.lock().integration_secret = random_text::<32>();
    }

    /// Returns the wall clock time of the organisation.
    pub(super) fn wall(&self) -> SystemTime {
        let offset = self.state.lock().clock_offset;
        let wall = self.clock.wall();
        wall.checked_add(offset).unwrap_or(wall)
    }

    pub(super) fn advance(&self, by: Duration) {
        let mut state = self.state.lock();
        state.clock_offset = state.clock_offset.saturating_add(by);
    }
}

impl OrgState {
    fn now(&self, clock: &Clock) -> Moment {
        clock.now() + self.clock_offset
    }
}

pub(super) const CLIENT_NAME: &str = "Sandbox client";
pub(super) const ROLE_ID: &str = "5c0b7c2e-6f0e-4f4b-9d0a-2f6a3c1d8e90";

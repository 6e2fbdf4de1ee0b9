//! The organisation behind both hosts: its OAuth client, its users, and its clock.

use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use super::{
    Approval, Asserted, Browsers, Counted, Exchange, Issued, NotGranted, NotLive, Proof, Role,
    Settings, Tokens, User, Window, random_text, random_uuid,
};
use crate::clock::{Clock, Moment};

/// The organisation. No method waits, and none calls back while it holds the lock.
pub(super) struct Org {
    pub(super) id: String,
    pub(super) division_id: String,
    pub(super) data_action_id: String,
    pub(super) settings: Settings,
    clock: Clock,
    /// When the organisation and its client were made.
    pub(super) created: SystemTime,
    pub(super) users: Vec<User>,
    /// Those that have the login host's pages open.
    pub(super) browsers: Browsers,
    changing: Mutex<Changing>,
}

struct Changing {
    client_secret: String,
    client_disabled: bool,
    role: Role,
    /// What the integration holds for the client's secret.
    integration_secret: String,
    ip_authorized: bool,
    tokens: Tokens,
    token_requests: Window,
    /// How far the clock was moved ahead of the machine's.
    ahead: Duration,
}

/// Who asks for a token, as it says itself.
#[derive(Clone, Copy)]
pub(super) enum Claim<'a> {
    Secret { id: &'a str, secret: &'a str },
    Id(&'a str),
    Nobody,
}

/// The live token that a call came with.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) access_token: String,
    /// When the token dies if it is not used again.
    pub(super) idles: Option<SystemTime>,
    /// The calls with this token, this one included.
    pub(super) counted: Counted,
    /// Whose it is, where a user logged in for it.
    pub(super) user: Option<usize>,
}

impl Org {
    pub(super) fn new(settings: Settings) -> Self {
        let clock = Clock::system();
        Self {
            id: random_uuid(),
            division_id: random_uuid(),
            data_action_id: random_uuid(),
            created: clock.wall(),
            users: User::all(&settings),
            browsers: Browsers::default(),
            changing: Mutex::new(Changing {
                client_secret: settings.client_secret.clone(),
                client_disabled: false,
                role: settings.role.clone(),
                integration_secret: settings.client_secret.clone(),
                ip_authorized: true,
                tokens: Tokens::default(),
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

    /// Whether the claim is the client's, and how it is shown; no claim is a disabled client's.
    pub(super) fn recognize(&self, claim: Claim<'_>) -> Option<Proof> {
        let changing = self.changing.lock();
        let (id, proof) = match claim {
            Claim::Secret { id, secret } => (
                id,
                (secret == changing.client_secret).then_some(Proof::Secret)?,
            ),
            Claim::Id(id) => (id, Proof::Id),
            Claim::Nobody => return None,
        };
        (id == self.settings.client_id && !changing.client_disabled).then_some(proof)
    }

    pub(super) fn issue(&self) -> Issued {
        self.with_tokens(|tokens, now| tokens.issue(&self.settings, now))
    }

    pub(super) fn issue_code(&self, approval: Approval) -> String {
        self.with_tokens(|tokens, now| tokens.issue_code(approval, &self.settings, now))
    }

    pub(super) fn exchange(&self, exchange: &Exchange<'_>) -> Result<Issued, NotGranted> {
        self.with_tokens(|tokens, now| tokens.exchange(exchange, &self.settings, now))
    }

    pub(super) fn refresh(&self, refresh_token: &str, proof: Proof) -> Result<Issued, NotGranted> {
        self.with_tokens(|tokens, now| tokens.refresh(refresh_token, proof, &self.settings, now))
    }

    /// Tokens for a user, unless that assertion has given some before.
    pub(super) fn issue_for_assertion(&self, asserted: Asserted, proof: Proof) -> Option<Issued> {
        self.with_tokens(|tokens, now| {
            tokens.issue_for_assertion(asserted, proof, &self.settings, now)
        })
    }

    /// Does something with what was issued, by the organisation's clock.
    pub(super) fn with_tokens<T>(&self, does: impl FnOnce(&mut Tokens, Moment) -> T) -> T {
        let mut changing = self.changing.lock();
        let now = changing.now(&self.clock);
        does(&mut changing.tokens, now)
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
        let live = changing
            .tokens
            .call(access_token, keeps_idling, &self.settings, now)?;
        let idles = self.settings.idle_timeout.and_then(|timeout| {
            let left = (live.last_used + timeout) - now;
            self.clock.wall().checked_add(ahead)?.checked_add(left)
        });
        Ok(Caller {
            access_token: access_token.to_owned(),
            idles,
            counted: live.counted,
            user: live.user,
        })
    }

    pub(super) fn disable_client(&self) {
        let mut changing = self.changing.lock();
        changing.client_disabled = true;
        changing.tokens.end_all();
    }

    pub(super) fn client_disabled(&self) -> bool {
        self.changing.lock().client_disabled
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

    pub(super) fn break_integration_credential(&self) {
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

pub(super) const CLIENT_NAME: &str = "Sandbox client";
pub(super) const ROLE_ID: &str = "5c0b7c2e-6f0e-4f4b-9d0a-2f6a3c1d8e90";

//! The organisation behind both hosts: its OAuth client, its users and its clock.

pub(super) mod clients;
pub(super) mod integrations;
pub(super) mod listings;
pub(super) mod permissions;
pub(super) mod pkce;
pub(super) mod rate_limits;
pub(super) mod recipient;
pub(super) mod refresh_tokens;
pub(super) mod settings;
pub(super) mod tokens;
pub(super) mod usage;
pub(super) mod users;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;

use self::{
    clients::{Client, ClientTable, DISABLED},
    integrations::IntegrationTable,
    listings::Listings,
    permissions::{Permissions, Role},
    rate_limits::{RateLimitCount, Window},
    recipient::{ClientAuthentication, Recipient},
    settings::{ROLE_ID, Settings},
    tokens::{TokenError, Tokens},
    usage::UsageTable,
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
    clients: ClientTable,
    role: Role,
    /// The ids and permissions of the roles that the test added.
    other_roles: Vec<(String, Vec<String>)>,
    usage: UsageTable,
    integrations: IntegrationTable,
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
    /// The id of the client that the token was issued to.
    pub(super) client: Arc<str>,
    pub(super) permissions: Permissions,
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
        let data_action_id = random_uuid();
        Self {
            id: random_uuid(),
            division_id: random_uuid(),
            created: clock.wall(),
            users: SandboxUser::all(&settings),
            listings: Listings::default(),
            state: Mutex::new(OrgState {
                clients: ClientTable::new(&settings, clock.wall()),
                role: settings.role.clone(),
                other_roles: Vec::new(),
                usage: UsageTable::default(),
                integrations: IntegrationTable::new(&settings, &data_action_id, clock.wall()),
                integration_secret: settings.client_secret.clone(),
                ip_authorized: true,
                tokens: Tokens::new(Arc::clone(&settings)),
                token_requests: Window::starting_at(clock.now()),
                clock_offset: Duration::ZERO,
            }),
            data_action_id,
            clock,
            settings,
        }
    }

    pub(super) fn client_secret(&self) -> String {
        self.state.lock().clients.first().secret.clone()
    }

    /// Returns the client and how it authenticated, or `None` if the credentials are not valid or the
    /// client is not active.
    pub(super) fn authenticate_client(
        &self,
        claim: ClientClaim<'_>,
    ) -> Option<(Client, Recipient)> {
        let (id, secret) = match claim {
            ClientClaim::Secret { id, secret } => (id, Some(secret)),
            ClientClaim::Id(id) => (id, None),
            ClientClaim::None => return None,
        };
        let client = self.active_client(id)?;
        let authentication = match secret {
            Some(secret) if secret == client.secret => ClientAuthentication::Secret,
            Some(_) => return None,
            None => ClientAuthentication::None,
        };
        let recipient = Recipient {
            client: Arc::clone(&client.id),
            lifetime: client.token_lifetime,
            authentication,
        };
        Some((client, recipient))
    }

    /// Returns the client with this id, if it may get tokens.
    pub(super) fn active_client(&self, id: &str) -> Option<Client> {
        self.with_clients(|clients, _| clients.get(id).filter(|one| one.is_active()).cloned())
    }

    /// Calls `f` with the OAuth clients and the organisation's wall clock time.
    pub(super) fn with_clients<T>(&self, f: impl FnOnce(&mut ClientTable, SystemTime) -> T) -> T {
        let wall = self.wall();
        let mut state = self.state.lock();
        state.clients.remove_ended(wall);
        f(&mut state.clients, wall)
    }

    /// Calls `f` with the integrations and the organisation's wall clock time.
    pub(super) fn with_integrations<T>(
        &self,
        f: impl FnOnce(&mut IntegrationTable, SystemTime) -> T,
    ) -> T {
        let wall = self.wall();
        f(&mut self.state.lock().integrations, wall)
    }

    /// Ends the tokens of clients that do not exist or are disabled.
    pub(super) fn end_tokens_of(&self, client: &str) {
        self.state.lock().tokens.end_client(client);
    }

    /// Calls `f` with the counts of calls, the organisation's wall clock time, and a function that
    /// returns the name of a client.
    pub(super) fn with_usage<T>(
        &self,
        f: impl FnOnce(&mut UsageTable, SystemTime, &dyn Fn(&str) -> String) -> T,
    ) -> T {
        let wall = self.wall();
        let OrgState { usage, clients, .. } = &mut *self.state.lock();
        let name = |id: &str| clients.get(id).map(|one| one.name().to_owned());
        f(usage, wall, &|id| name(id).unwrap_or_default())
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
        let wall = self.wall();
        let mut state = self.state.lock();
        let now = state.now(&self.clock);
        let live = state
            .tokens
            .count_call(access_token, preserve_idle_timer, now)?;
        // The token of a client whose deletion was scheduled ends with it.
        state.clients.remove_ended(wall);
        let client = state.clients.get(&live.client);
        if !client.is_some_and(Client::exists) {
            return Err(TokenError::Unknown);
        }
        let idle_end = self.settings.idle_timeout.and_then(|timeout| {
            let left = (live.last_used + timeout) - now;
            wall.checked_add(left)
        });
        let (client, user) = (live.client, live.user);
        Ok(Caller {
            permissions: state.permissions(&client, user.is_some()),
            client,
            access_token: access_token.to_owned(),
            idle_end,
            calls: live.calls,
            user,
        })
    }

    pub(super) fn disable_client(&self) {
        let mut state = self.state.lock();
        state.clients.first_mut().set_state(DISABLED);
        state.tokens.end_client(&self.settings.client_id);
    }

    pub(super) fn rotate_secret(&self) -> String {
        self.with_clients(|clients, now| {
            let client = clients.first_mut();
            client.regenerate_secret(now);
            client.secret.clone()
        })
    }

    pub(super) fn set_permissions(&self, permissions: Vec<String>) {
        self.state.lock().role.permissions = permissions;
    }

    pub(super) fn set_divisions(&self, divisions: Vec<String>) {
        let mut state = self.state.lock();
        state.clients.set_divisions(&divisions);
        state.role.divisions = divisions;
    }

    pub(super) fn add_role(&self, permissions: Vec<String>) -> String {
        let id = random_uuid();
        let role = (id.clone(), permissions);
        self.state.lock().other_roles.push(role);
        id
    }

    /// Returns the ids of the roles that the test added.
    pub(super) fn other_roles(&self) -> Vec<String> {
        let state = self.state.lock();
        state.other_roles.iter().map(|(id, _)| id.clone()).collect()
    }

    /// Returns the permissions of a role.
    pub(super) fn role_permissions(&self, id: &str) -> Option<Vec<String>> {
        let state = self.state.lock();
        if id == ROLE_ID {
            return Some(state.role.permissions.clone());
        }
        let mut others = state.other_roles.iter();
        let (_, permissions) = others.find(|(other, _)| other == id)?;
        Some(permissions.clone())
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
        state.integration_secret == state.clients.first().secret
    }

    pub(super) fn update_integration_credential(&self) {
        let mut state = self.state.lock();
        let secret = state.clients.first().secret.clone();
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
    /// Returns what a token allows: that of a user has the sandbox's role, and that of a client has
    /// the client's roles.
    fn permissions(&self, client: &str, has_user: bool) -> Permissions {
        let mut permissions = Permissions::default();
        if has_user {
            for division in &self.role.divisions {
                permissions.add(&self.role.permissions, division);
            }
            return permissions;
        }
        let roles = self.clients.get(client);
        for (id, division) in roles.into_iter().flat_map(Client::roles) {
            let mut others = self.other_roles.iter();
            if id == ROLE_ID {
                permissions.add(&self.role.permissions, division);
            } else if let Some((_, other)) = others.find(|(other, _)| other == id) {
                permissions.add(other, division);
            }
        }
        permissions
    }

    fn now(&self, clock: &Clock) -> Moment {
        clock.now() + self.clock_offset
    }
}

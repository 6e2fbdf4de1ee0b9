//! Everything that was issued: access tokens, refresh tokens and codes, and how they end together.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use super::{
    pkce::matches_challenge,
    rate_limits::{RateLimitCount, Window},
    refresh_tokens::RefreshTokenTable,
    settings::{RefreshTokens, Settings},
};
use crate::{clock::Moment, sandbox::random::random_text};

/// Used codes stay in the table, so that their reuse is noticed.
pub(crate) struct Tokens {
    settings: Arc<Settings>,
    access: HashMap<String, AccessToken>,
    refresh: RefreshTokenTable,
    codes: HashMap<String, Code>,
    /// A login's id is its index.
    logins: Vec<Login>,
    /// The issuer and id of each assertion that was exchanged.
    used_assertions: HashSet<(String, String)>,
}

struct AccessToken {
    client: Arc<str>,
    end: Moment,
    last_used: Moment,
    calls: Window,
    /// The user's login, if it was issued for one.
    login: Option<usize>,
}

struct Code {
    approval: Approval,
    end: Moment,
    is_used: bool,
    /// The login that it started.
    login: Option<usize>,
}

/// All tokens that result from one code or one assertion, renewed ones included.
struct Login {
    client: Arc<str>,
    user: usize,
    authentication: ClientAuthentication,
    has_ended: bool,
}

/// The client that tokens are issued to, and how it authenticated.
#[derive(Clone)]
pub(crate) struct Recipient {
    pub(crate) client: Arc<str>,
    pub(crate) lifetime: Duration,
    pub(crate) authentication: ClientAuthentication,
}

/// What a user allowed.
pub(crate) struct Approval {
    pub(crate) client: Arc<str>,
    pub(crate) user: usize,
    pub(crate) redirect_uri: String,
    /// The code challenge, of the method S256 (RFC 7636 section 4.2).
    pub(crate) challenge: Option<String>,
}

/// The user that a valid assertion names.
pub(crate) struct AssertedUser {
    pub(crate) user: usize,
    /// The assertion's issuer and id.
    pub(crate) assertion: (String, String),
}

/// How a client authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientAuthentication {
    Secret,
    /// It sent only its id, as public clients do.
    None,
}

/// Tokens that were just issued.
pub(crate) struct IssuedTokens {
    pub(crate) access_token: String,
    pub(crate) lifetime: Duration,
    pub(crate) refresh_token: Option<String>,
}

/// Why a code or a refresh token cannot be exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrantError {
    /// The client must authenticate with its secret.
    InvalidClient,
    Code,
    RedirectUri,
    Verifier,
    RefreshToken,
}

/// What is known about a live access token.
pub(crate) struct LiveToken {
    pub(crate) client: Arc<str>,
    pub(crate) last_used: Moment,
    /// Counts the calls with the token, this one included.
    pub(crate) calls: RateLimitCount,
    pub(crate) user: Option<usize>,
}

/// Why an access token is not live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenError {
    Unknown,
    Expired,
}

impl Tokens {
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        Self {
            access: HashMap::new(),
            refresh: RefreshTokenTable::new(Arc::clone(&settings)),
            codes: HashMap::new(),
            logins: Vec::new(),
            used_assertions: HashSet::new(),
            settings,
        }
    }

    /// Issues an access token, for a login or without a user.
    pub(crate) fn issue_access_token(
        &mut self,
        recipient: &Recipient,
        login: Option<usize>,
        now: Moment,
    ) -> IssuedTokens {
        let access_token = random_text::<63>();
        let lifetime = recipient.lifetime;
        let issued = AccessToken {
            client: Arc::clone(&recipient.client),
            end: now + lifetime,
            last_used: now,
            calls: Window::starting_at(now),
            login,
        };
        self.access.insert(access_token.clone(), issued);
        IssuedTokens {
            access_token,
            lifetime,
            refresh_token: None,
        }
    }

    pub(crate) fn issue_code(&mut self, approval: Approval, now: Moment) -> String {
        let code = random_text::<32>();
        let issued = Code {
            approval,
            end: now + self.settings.code_lifetime,
            is_used: false,
            login: None,
        };
        self.codes.insert(code.clone(), issued);
        code
    }

    /// Exchanges a code. Even a failed exchange uses it up, and a second one ends the login that it
    /// started (RFC 6749 section 4.1.2).
    pub(crate) fn exchange(
        &mut self,
        exchange: &CodeExchange<'_>,
        now: Moment,
    ) -> Result<IssuedTokens, GrantError> {
        let recipient = &exchange.recipient;
        let code = self.codes.get_mut(exchange.code).ok_or(GrantError::Code)?;
        let challenge = code.approval.challenge.as_deref();
        if challenge.is_none() && recipient.authentication == ClientAuthentication::None {
            return Err(GrantError::InvalidClient);
        }
        // Another client's code stays as it is.
        if code.approval.client != recipient.client {
            return Err(GrantError::Code);
        }
        if std::mem::replace(&mut code.is_used, true) {
            if let Some(login) = code.login {
                self.end_login(login);
            }
            return Err(GrantError::Code);
        }
        if code.end <= now {
            return Err(GrantError::Code);
        }
        if code.approval.redirect_uri != exchange.redirect_uri {
            return Err(GrantError::RedirectUri);
        }
        if !matches_challenge(exchange.verifier, challenge) {
            return Err(GrantError::Verifier);
        }
        let login = self.logins.len();
        code.login = Some(login);
        let user = code.approval.user;
        self.start_login(recipient, user);
        let mut issued = self.issue_access_token(recipient, Some(login), now);
        if self.settings.refresh_tokens != RefreshTokens::None {
            issued.refresh_token = Some(self.refresh.issue(login, now));
        }
        Ok(issued)
    }

    /// Issues an access token for the user that an assertion names. Returns `None` if the assertion
    /// was exchanged before.
    pub(crate) fn issue_for_assertion(
        &mut self,
        asserted: AssertedUser,
        recipient: &Recipient,
        now: Moment,
    ) -> Option<IssuedTokens> {
        if !self.used_assertions.insert(asserted.assertion) {
            return None;
        }
        let login = self.start_login(recipient, asserted.user);
        Some(self.issue_access_token(recipient, Some(login), now))
    }

    /// Exchanges a refresh token.
    pub(crate) fn refresh(
        &mut self,
        refresh_token: &str,
        recipient: &Recipient,
        now: Moment,
    ) -> Result<IssuedTokens, GrantError> {
        let login = self.refresh.login(refresh_token);
        let login = login.ok_or(GrantError::RefreshToken)?;
        if self.logins[login].client != recipient.client {
            return Err(GrantError::RefreshToken);
        }
        if self.logins[login].authentication == ClientAuthentication::Secret
            && recipient.authentication == ClientAuthentication::None
        {
            return Err(GrantError::InvalidClient);
        }
        if self.refresh.reuse_ends_login(refresh_token, now) {
            self.end_login(login);
        }
        if self.logins[login].has_ended || self.refresh.is_expired(refresh_token, now) {
            return Err(GrantError::RefreshToken);
        }
        let refresh_token = self.refresh.rotate(refresh_token, now);
        if self.settings.refresh_ends_access_tokens {
            self.access.retain(|_, token| token.login != Some(login));
        }
        let issued = self.issue_access_token(recipient, Some(login), now);
        Ok(IssuedTokens {
            refresh_token,
            ..issued
        })
    }

    /// Counts a call with an access token. It resets the token's idle timer, unless
    /// `preserve_idle_timer` is set or the call exceeds the rate limit.
    pub(crate) fn count_call(
        &mut self,
        access_token: &str,
        preserve_idle_timer: bool,
        now: Moment,
    ) -> Result<LiveToken, TokenError> {
        let token = self.access.get_mut(access_token);
        let token = token.ok_or(TokenError::Unknown)?;
        if token.end <= now {
            return Err(TokenError::Expired);
        }
        let idle_timeout = self.settings.idle_timeout;
        if idle_timeout.is_some_and(|timeout| token.last_used + timeout <= now) {
            self.access.remove(access_token);
            return Err(TokenError::Unknown);
        }
        let calls = token.calls.count(now, self.settings.api_rate_limit);
        if !preserve_idle_timer && !calls.exceeded {
            token.last_used = now;
        }
        Ok(LiveToken {
            client: Arc::clone(&token.client),
            last_used: token.last_used,
            calls,
            user: token.login.map(|login| self.logins[login].user),
        })
    }

    /// Ends an access token, and its refresh tokens if the settings say so.
    pub(crate) fn revoke(&mut self, access_token: &str) {
        let revoked = self.access.remove(access_token);
        if let Some(login) = revoked.and_then(|token| token.login)
            && self.settings.revocation_ends_refresh_tokens
        {
            self.end_login(login);
        }
    }

    /// Ends a user's access tokens, and the refresh tokens if the settings say so.
    pub(crate) fn revoke_user(&mut self, user: usize) {
        let logins = &mut self.logins;
        self.access
            .retain(|_, token| token.login.is_none_or(|login| logins[login].user != user));
        for login in logins.iter_mut().filter(|login| login.user == user) {
            login.has_ended |= self.settings.revocation_ends_refresh_tokens;
        }
    }

    pub(crate) fn revoke_access_tokens(&mut self) {
        self.access.clear();
    }

    pub(crate) fn expire_access_tokens(&mut self, now: Moment) {
        for token in self.access.values_mut() {
            token.end = token.end.min(now);
        }
    }

    pub(crate) fn expire_refresh_tokens(&mut self, now: Moment) {
        self.refresh.expire_all(now);
    }

    /// Ends all access tokens, refresh tokens and codes of a client.
    pub(crate) fn end_client(&mut self, client: &str) {
        self.access.retain(|_, token| &*token.client != client);
        self.codes
            .retain(|_, code| &*code.approval.client != client);
        for login in &mut self.logins {
            login.has_ended |= &*login.client == client;
        }
    }

    pub(crate) fn refresh_reuses(&self) -> usize {
        self.refresh.reuses()
    }

    fn start_login(&mut self, recipient: &Recipient, user: usize) -> usize {
        self.logins.push(Login {
            client: Arc::clone(&recipient.client),
            user,
            authentication: recipient.authentication,
            has_ended: false,
        });
        self.logins.len() - 1
    }

    fn end_login(&mut self, login: usize) {
        self.access.retain(|_, token| token.login != Some(login));
        self.logins[login].has_ended = true;
    }
}

/// A code, and what the client sends with it.
pub(crate) struct CodeExchange<'a> {
    pub(crate) code: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) verifier: Option<&'a str>,
    pub(crate) recipient: Recipient,
}

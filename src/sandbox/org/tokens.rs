//! Everything that was issued: access tokens, refresh tokens and codes, and how they end together.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

use super::{
    pkce::matches_challenge,
    rate_limits::{RateLimitCount, Window},
    recipient::{ClientAuthentication, CodeExchange, Recipient},
    refresh_tokens::RefreshTokenTable,
    settings::{RefreshTokens, Settings},
};
use crate::{
    clock::Moment,
    sandbox::{bounded_map::BoundedMap, random::random_text},
};

/// Used codes stay in the table, so that their reuse is noticed. Each table has a maximum, above which
/// the oldest entry is forgotten.
pub(crate) struct Tokens {
    settings: Arc<Settings>,
    access: BoundedMap<String, AccessToken>,
    refresh: RefreshTokenTable,
    codes: BoundedMap<String, Code>,
    /// By the number of the login.
    logins: BoundedMap<u64, Login>,
    last_login: u64,
    /// A hash of the issuer and id of each assertion that was exchanged.
    used_assertions: BoundedMap<[u8; SHA256_OUTPUT_LEN], ()>,
}

struct AccessToken {
    client: Arc<str>,
    end: Moment,
    last_used: Moment,
    calls: Window,
    /// The user's login, if it was issued for one.
    login: Option<u64>,
    user: Option<usize>,
}

struct Code {
    approval: Approval,
    end: Moment,
    is_used: bool,
    /// The login that it started.
    login: Option<u64>,
}

/// All tokens that result from one code or one assertion, renewed ones included.
struct Login {
    client: Arc<str>,
    user: usize,
    authentication: ClientAuthentication,
    has_ended: bool,
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

impl AssertedUser {
    /// Both names come from the client and may be long.
    fn fingerprint(&self) -> [u8; SHA256_OUTPUT_LEN] {
        let (issuer, id) = &self.assertion;
        let names = format!("{}:{issuer}{id}", issuer.len());
        let mut fingerprint = [0; SHA256_OUTPUT_LEN];
        fingerprint.copy_from_slice(digest(&SHA256, names.as_bytes()).as_ref());
        fingerprint
    }
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
            access: BoundedMap::default(),
            refresh: RefreshTokenTable::new(Arc::clone(&settings)),
            codes: BoundedMap::default(),
            logins: BoundedMap::default(),
            last_login: 0,
            used_assertions: BoundedMap::default(),
            settings,
        }
    }

    /// Issues an access token, for a login or without a user.
    pub(crate) fn issue_access_token(
        &mut self,
        recipient: &Recipient,
        login: Option<u64>,
        now: Moment,
    ) -> IssuedTokens {
        let access_token = random_text::<63>();
        let lifetime = recipient.lifetime;
        let known = login.and_then(|login| self.logins.get(&login));
        let issued = AccessToken {
            client: Arc::clone(&recipient.client),
            end: now + lifetime,
            last_used: now,
            calls: Window::starting_at(now),
            login,
            user: known.map(|login| login.user),
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
        // The number of the login that starts now.
        code.login = Some(self.last_login + 1);
        let user = code.approval.user;
        let login = self.start_login(recipient, user);
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
        asserted: &AssertedUser,
        recipient: &Recipient,
        now: Moment,
    ) -> Option<IssuedTokens> {
        let used = self.used_assertions.insert(asserted.fingerprint(), ());
        if used.is_some() {
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
        let known = self.logins.get(&login).ok_or(GrantError::RefreshToken)?;
        if known.client != recipient.client {
            return Err(GrantError::RefreshToken);
        }
        if known.authentication == ClientAuthentication::Secret
            && recipient.authentication == ClientAuthentication::None
        {
            return Err(GrantError::InvalidClient);
        }
        if self.refresh.reuse_ends_login(refresh_token, now) {
            self.end_login(login);
        }
        let has_ended = self.logins.get(&login).is_none_or(|login| login.has_ended);
        if has_ended || self.refresh.is_expired(refresh_token, now) {
            return Err(GrantError::RefreshToken);
        }
        let refresh_token = self.refresh.rotate(refresh_token, now);
        if self.settings.refresh_ends_access_tokens {
            self.access.retain(|token| token.login != Some(login));
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
            user: token.user,
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
        self.access.retain(|token| token.user != Some(user));
        let logins = self.logins.values_mut();
        for login in logins.filter(|login| login.user == user) {
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
        self.access.retain(|token| &*token.client != client);
        self.codes.retain(|code| &*code.approval.client != client);
        for login in self.logins.values_mut() {
            login.has_ended |= &*login.client == client;
        }
    }

    pub(crate) fn refresh_reuses(&self) -> usize {
        self.refresh.reuses()
    }

    fn start_login(&mut self, recipient: &Recipient, user: usize) -> u64 {
        self.last_login += 1;
        let login = Login {
            client: Arc::clone(&recipient.client),
            user,
            authentication: recipient.authentication,
            has_ended: false,
        };
        self.logins.insert(self.last_login, login);
        self.last_login
    }

    fn end_login(&mut self, login: u64) {
        self.access.retain(|token| token.login != Some(login));
        if let Some(login) = self.logins.get_mut(&login) {
            login.has_ended = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    /// Everything that a flood of requests can make the sandbox keep.
    #[test]
    fn what_was_issued_is_forgotten_when_too_much_follows() {
        let now = Clock::system().now();
        let mut tokens = Tokens::new(Arc::new(Settings::default()));
        let first = log_in(&mut tokens, now);
        let access_token = tokens
            .issue_access_token(&recipient(), None, now)
            .access_token;
        assert!(tokens.count_call(&access_token, false, now).is_ok());
        let code = issue_code(&mut tokens, now);
        assert!(issue_for(&mut tokens, "first", now).is_some());
        assert!(issue_for(&mut tokens, "first", now).is_none());
        for number in 0..20_000 {
            log_in(&mut tokens, now);
            issue_for(&mut tokens, &number.to_string(), now);
        }
        let forgotten = tokens.count_call(&access_token, false, now).err();
        assert_eq!(forgotten, Some(TokenError::Unknown));
        let refresh_token = first.refresh_token.unwrap();
        let forgotten = tokens.refresh(&refresh_token, &recipient(), now).err();
        assert_eq!(forgotten, Some(GrantError::RefreshToken));
        let forgotten = exchange(&mut tokens, &code, now).err();
        assert_eq!(forgotten, Some(GrantError::Code));
        assert!(issue_for(&mut tokens, "first", now).is_some());

        // The newest login still works as a whole.
        let last = log_in(&mut tokens, now);
        let live = tokens.count_call(&last.access_token, false, now);
        assert_eq!(live.unwrap().user, Some(1));
        let refresh_token = last.refresh_token.unwrap();
        let refreshed = tokens.refresh(&refresh_token, &recipient(), now).unwrap();
        assert!(
            tokens
                .count_call(&refreshed.access_token, false, now)
                .is_ok()
        );
    }

    /// A login that refreshes again and again outlives its own first entries.
    #[test]
    fn login_may_be_older_than_what_is_kept() {
        let now = Clock::system().now();
        let mut tokens = Tokens::new(Arc::new(Settings::default()));
        let mut issued = log_in(&mut tokens, now);
        for _ in 0..20_000 {
            let refresh_token = issued.refresh_token.unwrap();
            issued = tokens.refresh(&refresh_token, &recipient(), now).unwrap();
        }
        let live = tokens.count_call(&issued.access_token, false, now);
        assert_eq!(live.unwrap().user, Some(1));
    }

    fn recipient() -> Recipient {
        Recipient {
            client: "a client".into(),
            lifetime: Duration::from_secs(60),
            authentication: ClientAuthentication::Secret,
        }
    }

    fn log_in(tokens: &mut Tokens, now: Moment) -> IssuedTokens {
        let code = issue_code(tokens, now);
        exchange(tokens, &code, now).unwrap()
    }

    fn issue_code(tokens: &mut Tokens, now: Moment) -> String {
        let approval = Approval {
            client: recipient().client,
            user: 1,
            redirect_uri: String::new(),
            challenge: None,
        };
        tokens.issue_code(approval, now)
    }

    fn exchange(tokens: &mut Tokens, code: &str, now: Moment) -> Result<IssuedTokens, GrantError> {
        let exchange = CodeExchange {
            code,
            redirect_uri: "",
            verifier: None,
            recipient: recipient(),
        };
        tokens.exchange(&exchange, now)
    }

    fn issue_for(tokens: &mut Tokens, id: &str, now: Moment) -> Option<IssuedTokens> {
        let asserted = AssertedUser {
            user: 1,
            assertion: ("issuer".to_owned(), id.to_owned()),
        };
        tokens.issue_for_assertion(&asserted, &recipient(), now)
    }
}

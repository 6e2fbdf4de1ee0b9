//! What was issued: access tokens, refresh tokens and codes, and how they end together.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use super::{Counted, RefreshTokens, Settings, Window, random_text, verifies};
use crate::clock::Moment;

/// Everything issued so far. What no longer counts is gone, but for used codes and refresh tokens:
/// their being used again is news.
#[derive(Default)]
pub(super) struct Tokens {
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
    codes: HashMap<String, Code>,
    /// A login is known by its place.
    logins: Vec<Login>,
    /// Issuer and id of the assertions that gave tokens.
    assertions: HashSet<(String, String)>,
    reuses: usize,
}

struct Access {
    ends: Moment,
    last_used: Moment,
    calls: Window,
    /// Where a user logged in for it.
    login: Option<usize>,
}

struct Refresh {
    login: usize,
    ends: Moment,
    /// When it was first used, where each may be used once.
    used: Option<Moment>,
}

struct Code {
    approval: Approval,
    ends: Moment,
    used: bool,
    /// The login that began with it.
    login: Option<usize>,
}

/// What came of one code: all its tokens, renewed ones too, belong to it.
struct Login {
    user: usize,
    proof: Proof,
    ended: bool,
}

/// What a user allowed.
pub(super) struct Approval {
    pub(super) user: usize,
    pub(super) redirect_uri: String,
    /// By S256 (RFC 7636 section 4.2).
    pub(super) challenge: Option<String>,
}

/// What an assertion says, where it counts.
pub(super) struct Asserted {
    pub(super) user: usize,
    /// Its issuer and its id, by which it is known again.
    pub(super) name: (String, String),
}

/// How a client showed who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    Secret,
    /// It only said so, as public clients do.
    Id,
}

/// Tokens just issued.
pub(super) struct Issued {
    pub(super) access_token: String,
    pub(super) lifetime: Duration,
    pub(super) refresh_token: Option<String>,
}

/// Why a code or a refresh token gave no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotGranted {
    /// The client does not show what it has to.
    InvalidClient,
    Code,
    RedirectUri,
    Verifier,
    RefreshToken,
}

/// What a live access token is.
pub(super) struct Live {
    pub(super) last_used: Moment,
    /// The calls with it, this one included.
    pub(super) counted: Counted,
    pub(super) user: Option<usize>,
}

/// Why a token was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotLive {
    Unknown,
    Expired,
}

impl Tokens {
    /// An access token that is no user's.
    pub(super) fn issue(&mut self, settings: &Settings, now: Moment) -> Issued {
        self.issue_access(None, settings, now)
    }

    fn issue_access(&mut self, login: Option<usize>, settings: &Settings, now: Moment) -> Issued {
        let access_token = random_text::<63>();
        let lifetime = settings.token_lifetime;
        let access = Access {
            ends: now + lifetime,
            last_used: now,
            calls: Window::begin(now),
            login,
        };
        self.access.insert(access_token.clone(), access);
        Issued {
            access_token,
            lifetime,
            refresh_token: None,
        }
    }

    fn issue_refresh(&mut self, login: usize, settings: &Settings, now: Moment) -> String {
        let refresh_token = random_text::<63>();
        let refresh = Refresh {
            login,
            ends: now + settings.refresh_token_lifetime,
            used: None,
        };
        self.refresh.insert(refresh_token.clone(), refresh);
        refresh_token
    }

    /// A code for what a user allowed.
    pub(super) fn issue_code(
        &mut self,
        approval: Approval,
        settings: &Settings,
        now: Moment,
    ) -> String {
        let code = random_text::<32>();
        let issued = Code {
            approval,
            ends: now + settings.code_lifetime,
            used: false,
            login: None,
        };
        self.codes.insert(code.clone(), issued);
        code
    }

    /// The tokens for a code. It is used up whatever comes of it; used again, it ends all that came
    /// of it (RFC 6749 section 4.1.2).
    pub(super) fn exchange(
        &mut self,
        exchange: &Exchange<'_>,
        settings: &Settings,
        now: Moment,
    ) -> Result<Issued, NotGranted> {
        let code = self.codes.get_mut(exchange.code).ok_or(NotGranted::Code)?;
        if code.approval.challenge.is_none() && exchange.proof == Proof::Id {
            return Err(NotGranted::InvalidClient);
        }
        if std::mem::replace(&mut code.used, true) {
            if let Some(begun) = code.login {
                self.end_login(begun);
            }
            return Err(NotGranted::Code);
        }
        if code.ends <= now {
            return Err(NotGranted::Code);
        }
        if code.approval.redirect_uri != exchange.redirect_uri {
            return Err(NotGranted::RedirectUri);
        }
        if !verifies(exchange.verifier, code.approval.challenge.as_deref()) {
            return Err(NotGranted::Verifier);
        }
        let login = self.logins.len();
        code.login = Some(login);
        let user = code.approval.user;
        self.begin_login(user, exchange.proof);
        let mut issued = self.issue_access(Some(login), settings, now);
        if settings.refresh_tokens != RefreshTokens::None {
            issued.refresh_token = Some(self.issue_refresh(login, settings, now));
        }
        Ok(issued)
    }

    /// The access token of the user whom an assertion names; `None` where the assertion gave one
    /// before.
    pub(super) fn issue_for_assertion(
        &mut self,
        asserted: Asserted,
        proof: Proof,
        settings: &Settings,
        now: Moment,
    ) -> Option<Issued> {
        if !self.assertions.insert(asserted.name) {
            return None;
        }
        let login = self.begin_login(asserted.user, proof);
        Some(self.issue_access(Some(login), settings, now))
    }

    /// The tokens for a refresh token.
    pub(super) fn refresh(
        &mut self,
        refresh_token: &str,
        proof: Proof,
        settings: &Settings,
        now: Moment,
    ) -> Result<Issued, NotGranted> {
        let mode = settings.refresh_tokens;
        let refresh = self.refresh.get_mut(refresh_token);
        let refresh = refresh.ok_or(NotGranted::RefreshToken)?;
        let login = refresh.login;
        if self.logins[login].proof == Proof::Secret && proof == Proof::Id {
            return Err(NotGranted::InvalidClient);
        }
        if let Some(used) = refresh.used {
            self.reuses += 1;
            let grace = match mode {
                RefreshTokens::RotatingWithGrace(grace) => grace,
                _ => Duration::ZERO,
            };
            if used + grace <= now {
                self.end_login(login);
                return Err(NotGranted::RefreshToken);
            }
        }
        if refresh.ends <= now || self.logins[login].ended {
            return Err(NotGranted::RefreshToken);
        }
        let again = match mode {
            RefreshTokens::Rotating | RefreshTokens::RotatingWithGrace(_) => {
                refresh.used = refresh.used.or(Some(now));
                Some(self.issue_refresh(login, settings, now))
            }
            RefreshTokens::Reusable => Some(refresh_token.to_owned()),
            RefreshTokens::ReusableOmitted | RefreshTokens::None => None,
        };
        if settings.refresh_ends_access_tokens {
            self.access.retain(|_, access| access.login != Some(login));
        }
        let issued = self.issue_access(Some(login), settings, now);
        Ok(Issued {
            refresh_token: again,
            ..issued
        })
    }

    /// Counts a call with `access_token` and, unless `keeps_idling`, resets its idle timer.
    pub(super) fn call(
        &mut self,
        access_token: &str,
        keeps_idling: bool,
        settings: &Settings,
        now: Moment,
    ) -> Result<Live, NotLive> {
        let access = self.access.get_mut(access_token);
        let access = access.ok_or(NotLive::Unknown)?;
        if access.ends <= now {
            return Err(NotLive::Expired);
        }
        let idle_timeout = settings.idle_timeout;
        if idle_timeout.is_some_and(|timeout| access.last_used + timeout <= now) {
            self.access.remove(access_token);
            return Err(NotLive::Unknown);
        }
        let counted = access.calls.count(now, settings.api_limit);
        if !keeps_idling && !counted.refused {
            access.last_used = now;
        }
        Ok(Live {
            last_used: access.last_used,
            counted,
            user: access.login.map(|login| self.logins[login].user),
        })
    }

    /// Ends an access token, and its refresh token where `settings` say so.
    pub(super) fn revoke(&mut self, access_token: &str, settings: &Settings) {
        let revoked = self.access.remove(access_token);
        if let Some(login) = revoked.and_then(|access| access.login)
            && settings.revocation_ends_refresh_tokens
        {
            self.end_login(login);
        }
    }

    /// Ends a user's access tokens, and the refresh tokens where `settings` say so.
    pub(super) fn revoke_user(&mut self, user: usize, settings: &Settings) {
        let logins = &mut self.logins;
        self.access
            .retain(|_, access| access.login.is_none_or(|login| logins[login].user != user));
        for login in logins.iter_mut().filter(|login| login.user == user) {
            login.ended |= settings.revocation_ends_refresh_tokens;
        }
    }

    /// Ends all access tokens.
    pub(super) fn revoke_access_tokens(&mut self) {
        self.access.clear();
    }

    pub(super) fn expire_access_tokens(&mut self, now: Moment) {
        for access in self.access.values_mut() {
            access.ends = access.ends.min(now);
        }
    }

    pub(super) fn expire_refresh_tokens(&mut self, now: Moment) {
        for refresh in self.refresh.values_mut() {
            refresh.ends = refresh.ends.min(now);
        }
    }

    /// Ends access tokens, refresh tokens and codes.
    pub(super) fn end_all(&mut self) {
        *self = Self {
            reuses: self.reuses,
            ..Self::default()
        };
    }

    /// How often a refresh token was used that had been used before.
    pub(super) fn reuses(&self) -> usize {
        self.reuses
    }

    fn begin_login(&mut self, user: usize, proof: Proof) -> usize {
        self.logins.push(Login {
            user,
            proof,
            ended: false,
        });
        self.logins.len() - 1
    }

    fn end_login(&mut self, login: usize) {
        self.access.retain(|_, access| access.login != Some(login));
        self.logins[login].ended = true;
    }
}

/// A code, and what its client brings with it.
pub(super) struct Exchange<'a> {
    pub(super) code: &'a str,
    pub(super) redirect_uri: &'a str,
    pub(super) verifier: Option<&'a str>,
    pub(super) proof: Proof,
}

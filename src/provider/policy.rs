//! Decides when a refresh starts and what a caller receives.
//!
//! The policy is a pure state machine. It reads no clock, draws no random numbers and sends
//! nothing: its callers pass the time and the jitter, and act on what it returns.

#[cfg(test)]
mod tests;
mod types;
mod view;
#[cfg(test)]
mod walk;

use std::time::Duration;

pub(crate) use types::{
    CredentialSource, Decision, Invalidation, RefreshResult, Ticket, WaiterResult,
};

use crate::{
    clock::Moment,
    error::{Error, ErrorKind, TokenExpired},
    retry::{self, FailureStreak, Jitter},
    token::{AccessToken, Fingerprint},
};
use types::{CachedToken, Pause, RejectedTokens, Token};

/// The state of one provider. Tests use a token type of their own.
#[derive(Clone, Debug)]
pub(crate) struct RefreshPolicy<T = AccessToken> {
    credential_source: CredentialSource,
    /// The maximum time of a refresh's first step.
    first_step: Duration,
    cached: Option<CachedToken<T>>,
    running: Option<Ticket>,
    next_generation: u64,
    /// The tokens of earlier generations are not used: they were requested before a revocation,
    /// before the adoption of a token, or for a login that another has replaced.
    first_wanted_generation: u64,
    pause: Option<Pause>,
    failures: Option<FailureStreak>,
    /// The refreshes in a row that ended with invalid credentials.
    invalid_credentials: u8,
    /// When the credential source was last asked.
    source_asked_at: Option<Moment>,
    /// The tokens in a row that were rejected early; counts to 2.
    early_rejections: u8,
    rejected: RejectedTokens,
}

impl<T: Token> RefreshPolicy<T> {
    pub(crate) fn new(credential_source: CredentialSource, first_step: Duration) -> Self {
        Self {
            credential_source,
            first_step,
            cached: None,
            running: None,
            next_generation: 0,
            first_wanted_generation: 0,
            pause: None,
            failures: None,
            invalid_credentials: 0,
            source_asked_at: None,
            early_rejections: 0,
            rejected: RejectedTokens::default(),
        }
    }

    /// Serves a token that cannot be renewed.
    pub(crate) fn fixed(token: T) -> Self {
        let renew_at = Moment::NEVER;
        Self {
            cached: Some(CachedToken { token, renew_at }),
            ..Self::new(CredentialSource::None, Duration::ZERO)
        }
    }

    /// Decides what a caller receives, and returns the refresh that must start now, if one is due.
    /// `can_start` says whether a refresh can start: outside a runtime none can.
    pub(crate) fn decide(&mut self, now: Moment, can_start: bool) -> (Decision<T>, Option<Ticket>) {
        self.settle(now);
        self.running = self.running.filter(|running| now < running.lost_at);
        let started = self.start_if_due(now, can_start);
        (self.decision(now, started.is_some()), started)
    }

    fn decision(&self, now: Moment, started: bool) -> Decision<T> {
        if let Some(token) = self.valid_token(now) {
            return Decision::Serve(token.clone());
        }
        let pause = self.active_pause(now);
        if let Some(running) = self.running {
            // Only the caller that started a probe waits for it. The others fail.
            let probes_for_another_caller = running.probe && pause.is_some() && !started;
            if !probes_for_another_caller {
                let until = running.lost_at;
                return Decision::Wait { until };
            }
        }
        Decision::Fail(match pause {
            Some(pause) => pause.error(now),
            None if self.credential_source == CredentialSource::None => {
                ErrorKind::TokenExpired(TokenExpired::fixed()).into()
            }
            None => ErrorKind::NoRuntime.into(),
        })
    }

    fn start_if_due(&mut self, now: Moment, can_start: bool) -> Option<Ticket> {
        let can_refresh = can_start && self.credential_source != CredentialSource::None;
        let is_fresh = |cached: &CachedToken<T>| now < cached.renew_at;
        let has_fresh_token = self.valid(now).is_some_and(is_fresh);
        let refresh_running = self.running.is_some();
        let pause = self.active_pause(now);
        let paused = pause.is_some();
        let next_probe = pause.and_then(|pause| self.next_probe(pause));
        let may_probe = next_probe.is_some_and(|from| from <= now);
        if !can_refresh || has_fresh_token || refresh_running || (paused && !may_probe) {
            return None;
        }
        let ticket = Ticket {
            generation: self.next_generation,
            probe: paused,
            lost_at: now + self.first_step + LOST_AFTER,
        };
        if self.credential_source == CredentialSource::Dynamic {
            self.source_asked_at = Some(now);
        }
        self.next_generation += 1;
        self.running = Some(ticket);
        Some(ticket)
    }

    /// Whether a refresh may begin its next step, which lasts at most `limit`. A lost refresh may
    /// not, nor one whose token is no longer wanted.
    pub(crate) fn begin_step(&mut self, ticket: Ticket, now: Moment, limit: Duration) -> bool {
        if !self.is_wanted(ticket) {
            return false;
        }
        let running = self.running_mut(ticket);
        let running = running.map(|running| running.lost_at = now + limit + LOST_AFTER);
        running.is_some()
    }

    /// A probe found other credentials and goes on to request a token: the pause ends.
    pub(crate) fn credentials_changed(&mut self, ticket: Ticket) {
        if let Some(running) = self.running_mut(ticket)
            && running.probe
        {
            running.probe = false;
            self.end_pause();
        }
    }

    /// Ends a refresh. The token of a lost refresh may still be used, its failure changes nothing.
    pub(crate) fn end_refresh(
        &mut self,
        ticket: Ticket,
        now: Moment,
        jitter: Jitter,
        result: RefreshResult<T>,
    ) -> WaiterResult<T> {
        self.settle(now);
        let is_lost = !self.is_running(ticket);
        if !is_lost {
            self.running = None;
        }
        match result {
            RefreshResult::Token(_) if !self.is_wanted(ticket) => WaiterResult::AskAgain,
            RefreshResult::Token(token) => self.receive(token, is_lost, now, jitter),
            _ if is_lost => WaiterResult::AskAgain,
            RefreshResult::Failed(cause) => self.fail(&cause, now, jitter),
            RefreshResult::InvalidCredentials(cause) => {
                self.source_asked_at = Some(now);
                self.invalid_credentials = (self.invalid_credentials + 1).min(7);
                let length =
                    retry::pause_after_invalid_credentials(self.invalid_credentials, jitter);
                self.pause_for(length, &cause, true, now)
            }
            RefreshResult::Unchanged => {
                self.source_asked_at = Some(now);
                WaiterResult::AskAgain
            }
            RefreshResult::Lost => WaiterResult::AskAgain,
        }
    }

    /// Ends a pause for invalid credentials: there are others.
    pub(crate) fn end_pause(&mut self) {
        self.pause = None;
        self.invalid_credentials = 0;
    }

    /// Lets a refresh start at once, although the current token is fresh: a login waits to be stored.
    #[cfg_attr(
        not(feature = "login"),
        allow(dead_code, reason = "only a login waits to be stored")
    )]
    pub(crate) fn renew_from(&mut self, now: Moment) {
        if let Some(cached) = &mut self.cached {
            cached.renew_at = cached.renew_at.min(now);
        }
    }

    /// Caches a token that no refresh of this provider returned: that of a login.
    #[cfg_attr(
        not(feature = "login"),
        allow(dead_code, reason = "only a login adopts a token")
    )]
    pub(crate) fn adopt(&mut self, token: T, jitter: Jitter) {
        self.first_wanted_generation = self.next_generation;
        self.early_rejections = 0;
        self.cache(token, jitter);
    }

    /// Drops a token that the API rejected. Changes nothing if it is not the current token.
    pub(crate) fn invalidate(
        &mut self,
        token: Fingerprint,
        now: Moment,
        jitter: Jitter,
    ) -> Option<Invalidation> {
        self.settle(now);
        let token = self.drop_token(|current| current.fingerprint() == token)?;
        let age = now - token.requested();
        if age < EARLY_REJECTION {
            self.early_rejections = (self.early_rejections + 1).min(2);
        }
        let rejects_all = self.early_rejections == 2;
        if rejects_all {
            self.fail(&ErrorKind::TokenRejected.into(), now, jitter);
        }
        let pause = self.pause_left(now).filter(|_| rejects_all);
        Some(Invalidation { age, pause })
    }

    /// Drops and returns the current token. The token of a running refresh will not be used.
    pub(crate) fn revoke(&mut self) -> Option<T> {
        self.first_wanted_generation = self.next_generation;
        self.early_rejections = 0;
        self.drop_token(|_| true)
    }

    /// Drops a token that was revoked with its stored record. Changes nothing if it is not the
    /// current token.
    pub(crate) fn forget(&mut self, token: Fingerprint) {
        self.drop_token(|current| current.fingerprint() == token);
    }

    /// Another login has replaced that of the current token: drops the token, and the pause for its
    /// credentials. A running refresh counts as lost, and its token will not be used.
    pub(crate) fn login_replaced(&mut self) {
        self.first_wanted_generation = self.next_generation;
        self.running = None;
        self.forget_token();
        self.invalid_credentials = 0;
        self.pause.take_if(|pause| pause.invalid_credentials);
    }

    /// Drops the current token, which the store may return again.
    pub(crate) fn forget_token(&mut self) {
        self.early_rejections = 0;
        self.cached = None;
    }

    fn drop_token(&mut self, matches: impl FnOnce(&T) -> bool) -> Option<T> {
        let cached = self.cached.take_if(|cached| matches(&cached.token))?;
        self.rejected.remember(&cached.token);
        Some(cached.token)
    }

    fn receive(&mut self, token: T, is_lost: bool, now: Moment, jitter: Jitter) -> WaiterResult<T> {
        if self.rejected.contains(token.fingerprint(), now) {
            return if is_lost {
                WaiterResult::AskAgain
            } else {
                self.fail(&ErrorKind::TokenRejected.into(), now, jitter)
            };
        }
        let is_expired = token.end() <= now;
        let ends_later = |cached: &CachedToken<T>| cached.token.end() < token.end();
        if is_expired && !is_lost {
            let length = retry::pause_after_expired_token(self.valid(now).is_some());
            let cause = TokenExpired::on_arrival();
            self.pause_for(length, &cause.into(), false, now);
        } else if !is_expired && (!is_lost || self.cached.as_ref().is_none_or(ends_later)) {
            self.cache(token.clone(), jitter);
        }
        WaiterResult::Token(token)
    }

    fn cache(&mut self, token: T, jitter: Jitter) {
        // The token before it was replaced in time, so it was not rejected.
        if self.cached.is_some() {
            self.early_rejections = 0;
        }
        if self.early_rejections == 0 {
            self.failures = None;
        }
        self.pause = None;
        self.invalid_credentials = 0;
        let life = token.end() - token.requested();
        let renew_at = token.end() - retry::renew_before_expiry(life, jitter);
        self.cached = Some(CachedToken { token, renew_at });
    }

    /// Starts the pause after a transient failure.
    fn fail(&mut self, cause: &Error, now: Moment, jitter: Jitter) -> WaiterResult<T> {
        let failures = FailureStreak::with_failure(self.failures, now);
        self.failures = Some(failures);
        let has_valid_token = self.valid(now).is_some();
        let retry_after = cause.wait();
        let length = retry::pause_after_failure(failures, retry_after, has_valid_token, jitter);
        self.pause_for(length, cause, false, now)
    }

    /// Starts a pause, unless one that ends later is active: a failed probe does not shorten it.
    fn pause_for(
        &mut self,
        length: Duration,
        cause: &Error,
        invalid_credentials: bool,
        now: Moment,
    ) -> WaiterResult<T> {
        let mut until = now + length;
        match self.active_pause(now) {
            Some(active) if until <= active.until => until = active.until,
            _ => {
                self.pause = Some(Pause {
                    until,
                    cause: cause.clone(),
                    invalid_credentials,
                });
            }
        }
        WaiterResult::Failed(cause.in_pause(until - now))
    }

    /// Ends the streak of early rejections once the current token is too old for one.
    fn settle(&mut self, now: Moment) {
        let is_old = |cached: &CachedToken<T>| now - cached.token.requested() >= EARLY_REJECTION;
        if self.early_rejections > 0 && self.cached.as_ref().is_some_and(is_old) {
            self.early_rejections = 0;
            self.failures = None;
        }
    }

    fn valid(&self, now: Moment) -> Option<&CachedToken<T>> {
        self.cached
            .as_ref()
            .filter(|cached| now < cached.token.end())
    }

    fn running_mut(&mut self, ticket: Ticket) -> Option<&mut Ticket> {
        let running = self.running.as_mut();
        running.filter(|running| running.generation == ticket.generation)
    }

    /// The earliest start of a probe in this pause. `None` if no probe can end the pause.
    fn next_probe(&self, pause: &Pause) -> Option<Moment> {
        let can_change = self.credential_source == CredentialSource::Dynamic;
        let asked_at = self.source_asked_at?;
        (can_change && pause.invalid_credentials).then(|| asked_at + BETWEEN_PROBES)
    }
}

/// A rejection counts as early within this time of the token's request.
const EARLY_REJECTION: Duration = Duration::from_secs(10);

/// A refresh counts as lost this long after the maximum time of its step.
const LOST_AFTER: Duration = Duration::from_secs(1);

/// The minimum time between two questions to the credential source in a pause.
const BETWEEN_PROBES: Duration = Duration::from_secs(1);

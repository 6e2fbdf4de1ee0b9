//! The walk's own record of what matters: the token that must be served, the tokens that must
//! not, the refreshes that can still end, and the end of the pause.

use std::time::Duration;

use super::{ATTEMPT, Issued};
use crate::{
    clock::Moment,
    error::{Error, ErrorKind, TokenExpired},
    provider::policy::types::{CredentialSource, Pause, RefreshResult, Ticket, WaiterResult},
};

#[derive(Clone)]
pub(super) struct Model {
    pub(super) source: CredentialSource,
    /// The current token, also after its end.
    pub(super) token: Option<Issued>,
    /// The last four rejected tokens, the newest first.
    pub(super) rejected: Vec<Issued>,
    /// The oldest first.
    pub(super) refreshes: Vec<Refresh>,
    /// The pause that the policy reported last.
    pub(super) pause: Option<Pause>,
    pub(super) source_asked_at: Option<Moment>,
    /// Whether the last token was rejected early.
    pub(super) rejected_early: bool,
}

/// A refresh that can still end.
#[derive(Clone, Copy)]
pub(super) struct Refresh {
    pub(super) ticket: Ticket,
    /// When its request was sent; before that, when it started.
    pub(super) sent: Moment,
    pub(super) lost: bool,
    pub(super) before_revoke: bool,
}

impl Model {
    pub(super) fn new(source: CredentialSource, token: Option<Issued>) -> Self {
        Self {
            source,
            token,
            rejected: Vec::new(),
            refreshes: Vec::new(),
            pause: None,
            source_asked_at: None,
            rejected_early: false,
        }
    }

    pub(super) fn valid(&self, now: Moment) -> Option<Issued> {
        self.token.filter(|token| now < token.end)
    }

    pub(super) fn active_pause(&self, now: Moment) -> Option<&Pause> {
        self.pause.as_ref().filter(|pause| now < pause.until)
    }

    /// The refresh that is not lost.
    pub(super) fn running(&self) -> Option<&Refresh> {
        self.refreshes.iter().find(|refresh| !refresh.lost)
    }

    pub(super) fn is_rejected(&self, token: Issued, now: Moment) -> bool {
        let mut rejected = self.rejected.iter();
        rejected.any(|rejected| rejected.id == token.id && now < rejected.end)
    }

    /// Every moment at which something that the model knows begins or ends.
    pub(super) fn moments(&self) -> impl Iterator<Item = Moment> {
        let token = self.token.into_iter();
        let token = token.flat_map(|token| [token.requested + EARLY_REJECTION, token.end]);
        let pause = self.pause.iter().flat_map(|pause| {
            let asked_at = self.source_asked_at.filter(|_| pause.invalid_credentials);
            [Some(pause.until), asked_at.map(|at| at + SECOND)]
        });
        let running = self.running().map(|running| running.ticket.lost_at);
        token
            .chain(pause.flatten())
            .chain(running)
            .chain(self.rejected.iter().map(|rejected| rejected.end))
    }

    pub(super) fn mark_lost(&mut self, now: Moment) {
        for refresh in &mut self.refreshes {
            refresh.lost |= refresh.ticket.lost_at <= now;
        }
    }

    pub(super) fn started(&mut self, ticket: Ticket, now: Moment) {
        if self.source == CredentialSource::Dynamic {
            self.source_asked_at = Some(now);
        }
        self.refreshes.push(Refresh {
            ticket,
            sent: now,
            lost: false,
            before_revoke: false,
        });
    }

    /// The refresh of a generation.
    pub(super) fn refresh(&mut self, generation: u64) -> &mut Refresh {
        let mut refreshes = self.refreshes.iter_mut();
        refreshes
            .find(|refresh| refresh.ticket.generation == generation)
            .unwrap()
    }

    pub(super) fn credentials_changed(&mut self) {
        for refresh in self.refreshes.iter_mut().filter(|refresh| !refresh.lost) {
            refresh.ticket.probe = false;
        }
        self.pause = None;
    }

    /// A refresh ended, and its waiters received `outcome`.
    pub(super) fn ended(
        &mut self,
        refresh: &Refresh,
        now: Moment,
        result: &RefreshResult<Issued>,
        outcome: &WaiterResult<Issued>,
    ) {
        let invalid_credentials = matches!(result, RefreshResult::InvalidCredentials(_));
        let asked = invalid_credentials || matches!(result, RefreshResult::Unchanged);
        if asked && !refresh.lost {
            self.source_asked_at = Some(now);
        }
        match outcome {
            WaiterResult::Token(token) if now < token.end => {
                let ends_later = |current: Issued| current.end < token.end;
                if !refresh.lost || self.token.is_none_or(ends_later) {
                    self.rejected_early &= self.token.is_none();
                    self.pause = None;
                    self.token = Some(*token);
                }
            }
            WaiterResult::Token(_) if !refresh.lost => {
                let length = SECOND * if self.valid(now).is_some() { 2 } else { 1 };
                let expired = ErrorKind::TokenExpired(TokenExpired::on_arrival());
                self.paused(now, length, &expired.into(), false);
            }
            WaiterResult::Failed(error) => {
                let length = error.retry_after().unwrap_or_default();
                self.paused(now, length, error, invalid_credentials);
            }
            WaiterResult::Token(_) | WaiterResult::AskAgain => {}
        }
    }

    /// Replaces the pause, unless it ends later.
    fn paused(&mut self, now: Moment, length: Duration, cause: &Error, invalid_credentials: bool) {
        let until = now + length;
        let active = self.active_pause(now);
        if active.is_none_or(|active| active.until < until) {
            self.pause = Some(Pause {
                until,
                cause: cause.clone(),
                invalid_credentials,
            });
        }
    }

    pub(super) fn invalidated(&mut self, token: Issued, now: Moment, pause: Option<Duration>) {
        self.drop_token();
        self.rejected_early = token.is_young(now);
        if let Some(pause) = pause {
            self.paused(now, pause, &ErrorKind::TokenRejected.into(), false);
        }
    }

    pub(super) fn revoked(&mut self) -> Option<Issued> {
        for refresh in &mut self.refreshes {
            refresh.before_revoke = true;
        }
        self.rejected_early = false;
        self.drop_token()
    }

    fn drop_token(&mut self) -> Option<Issued> {
        let token = self.token.take()?;
        self.rejected.insert(0, token);
        self.rejected.truncate(4);
        Some(token)
    }
}

impl Refresh {
    /// Its request was sent.
    pub(super) fn sent(&mut self, now: Moment) {
        self.sent = now;
        if !self.lost && !self.before_revoke {
            self.ticket.lost_at = now + ATTEMPT + SECOND;
        }
    }
}

impl Issued {
    pub(super) fn requested_at(self, requested: Moment) -> Self {
        Self { requested, ..self }
    }

    /// Whether a rejection would be early.
    pub(super) fn is_young(self, now: Moment) -> bool {
        now < self.requested + EARLY_REJECTION
    }

    /// No renewal starts before this.
    pub(super) fn renew_from(self) -> Moment {
        self.end - (self.end - self.requested) / 4
    }

    /// The renewal starts at the latest at this moment.
    pub(super) fn renew_by(self) -> Moment {
        self.end - (self.end - self.requested) * 3 / 20
    }
}

pub(super) const EARLY_REJECTION: Duration = Duration::from_secs(10);
pub(super) const SECOND: Duration = Duration::from_secs(1);

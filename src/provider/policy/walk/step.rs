//! One state of the walk: which events can happen in it, and what each leads to.

use std::time::Duration;

use super::{
    ATTEMPT, FINGERPRINTS, Issued, JITTERS, LIFE, MIDDLE, START, first_step,
    invariants::{Check, Violation},
    model::{Model, Refresh, SECOND},
    mutants::Mutant,
};
use crate::{
    clock::Moment,
    error::{Error, ErrorKind},
    provider::policy::{
        RefreshPolicy,
        types::{CredentialSource, RefreshResult},
    },
    retry::Jitter,
};

#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Start,
    Decide {
        can_start: bool,
    },
    Send {
        generation: u64,
    },
    CredentialsChanged {
        generation: u64,
    },
    End {
        generation: u64,
        with: End,
        jitter: Jitter,
    },
    Invalidate {
        jitter: Jitter,
    },
    InvalidateAnother,
    Revoke,
    /// Time passes until the next moment at which anything begins or ends.
    Time,
}

/// How a refresh ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Token,
    /// A token of a store, requested long before the refresh.
    StoredToken,
    ExpiredToken,
    /// A rejected token: the newest, or the oldest that is remembered.
    RejectedToken {
        newest: bool,
    },
    Failed {
        retry_after: Option<Duration>,
    },
    InvalidCredentials,
    Unchanged,
    Lost,
}

#[derive(Clone)]
pub(super) struct State {
    pub(super) policy: RefreshPolicy<Issued>,
    pub(super) model: Model,
    pub(super) now: Moment,
    /// The number of tokens issued so far.
    issued: u8,
}

impl State {
    /// Without a token, or with a fixed one where there are no credentials.
    pub(super) fn new(source: CredentialSource) -> Self {
        let fixed = (source == CredentialSource::None).then_some(Issued {
            id: 0,
            requested: START,
            end: Moment::NEVER,
        });
        Self {
            policy: match fixed {
                Some(token) => RefreshPolicy::fixed(token),
                None => RefreshPolicy::new(source, first_step(source)),
            },
            model: Model::new(source, fixed),
            now: START,
            issued: 1,
        }
    }

    pub(super) fn events(&self) -> Vec<Event> {
        let mut events = vec![
            Event::Decide { can_start: true },
            Event::Decide { can_start: false },
            Event::Revoke,
            Event::InvalidateAnother,
        ];
        if self.model.token.is_some() {
            events.extend(JITTERS.map(|jitter| Event::Invalidate { jitter }));
        }
        for refresh in &self.model.refreshes {
            let generation = refresh.ticket.generation;
            events.push(Event::Send { generation });
            if refresh.ticket.probe && !refresh.lost {
                events.push(Event::CredentialsChanged { generation });
            }
            for with in self.ends(refresh) {
                let uses_jitter = !matches!(with, End::ExpiredToken | End::Unchanged | End::Lost);
                let jitters = if uses_jitter { &JITTERS[..] } else { &[MIDDLE] };
                events.extend(jitters.iter().map(|&jitter| Event::End {
                    generation,
                    with,
                    jitter,
                }));
            }
        }
        if self.next_moment().is_some() {
            events.push(Event::Time);
        }
        events
    }

    fn ends(&self, refresh: &Refresh) -> Vec<End> {
        let failed = End::Failed { retry_after: None };
        if refresh.ticket.probe {
            return vec![End::Lost, End::Unchanged, failed];
        }
        let mut ends = vec![
            End::Token,
            End::ExpiredToken,
            failed,
            End::InvalidCredentials,
        ];
        if !refresh.lost {
            ends.extend([End::Lost, End::StoredToken]);
            ends.extend(RETRY_AFTER.map(|retry_after| End::Failed { retry_after }));
        }
        let rejected = self.model.rejected.len();
        let newest = [true, false].into_iter().take(rejected.min(2));
        ends.extend(newest.map(|newest| End::RejectedToken { newest }));
        ends
    }

    pub(super) fn next_moment(&self) -> Option<Moment> {
        let is_later = |moment: &Moment| self.now < *moment && *moment < Moment::NEVER;
        let first_failure = self.policy.failures.map(|failures| failures.first);
        let minute = first_failure.map(|first| first + SECOND * 60);
        let renewal = self.policy.cached.as_ref().map(|cached| cached.renew_at);
        let moments = self.model.moments().chain(minute).chain(renewal);
        moments.filter(is_later).min()
    }

    /// The state after an event.
    pub(super) fn after(&self, event: Event, mutant: Option<Mutant>) -> Result<Self, Violation> {
        let mut state = self.clone();
        if let Some(mutant) = mutant {
            mutant.before(event, &mut state.policy);
        }
        state.apply(event)?;
        if let Some(mutant) = mutant {
            mutant.after(event, &mut state.policy, state.now);
        }
        if matches!(event, Event::InvalidateAnother) && state.hash() != self.hash() {
            return Err(Violation::AnotherInvalidated);
        }
        let shown = state.policy.snapshot(state.now);
        state.model.check_snapshot(state.now, shown)?;
        Ok(state)
    }

    fn apply(&mut self, event: Event) -> Check {
        let now = self.now;
        match event {
            Event::Start => {}
            Event::Decide { can_start } => {
                let (decision, started) = self.policy.decide(now, can_start);
                self.model.mark_lost(now);
                self.model.check_start(now, can_start, started)?;
                if let Some(ticket) = started {
                    self.model.started(ticket, now);
                }
                self.model
                    .check_decision(now, &decision, started.is_some())?;
                self.drop_oldest_lost();
            }
            Event::Send { generation } => {
                let ticket = self.refresh(generation).ticket;
                let may_send = self.policy.begin_step(ticket, now, ATTEMPT);
                self.model.check_step(generation, may_send)?;
                self.model.sent(generation, now);
            }
            Event::CredentialsChanged { generation } => {
                let ticket = self.refresh(generation).ticket;
                self.policy.credentials_changed(ticket);
                self.model.credentials_changed();
            }
            Event::End {
                generation,
                with,
                jitter,
            } => self.end(generation, with, jitter)?,
            Event::Invalidate { jitter } => {
                if let Some(token) = self.model.token {
                    let fingerprint = FINGERPRINTS[usize::from(token.id)];
                    let invalidation = self.policy.invalidate(fingerprint, now, jitter);
                    self.model.check_invalidation(token, now, invalidation)?;
                    self.model
                        .invalidated(now, invalidation.and_then(|done| done.pause));
                }
            }
            Event::InvalidateAnother => {
                let another = self
                    .model
                    .rejected
                    .first()
                    .map_or(UNKNOWN, |token| token.id);
                let fingerprint = FINGERPRINTS[usize::from(another)];
                self.policy.invalidate(fingerprint, now, MIDDLE);
            }
            Event::Revoke => {
                let revoked = self.policy.revoke().map(|token| token.id);
                if revoked != self.model.revoked().map(|token| token.id) {
                    return Err(Violation::WrongTokenServed);
                }
            }
            Event::Time => self.now = self.next_moment().unwrap_or(now),
        }
        Ok(())
    }

    fn end(&mut self, generation: u64, with: End, jitter: Jitter) -> Check {
        let refresh = self.refresh(generation);
        let result = self.result(&refresh, with);
        let refreshes = &mut self.model.refreshes;
        refreshes.retain(|other| other.ticket.generation != generation);
        let (policy, now) = (&mut self.policy, self.now);
        let outcome = policy.end_refresh(refresh.ticket, now, jitter, result.clone());
        self.model.check_outcome(&refresh, now, &result, &outcome)?;
        self.model.ended(&refresh, now, &result, &outcome);
        Ok(())
    }

    fn refresh(&self, generation: u64) -> Refresh {
        let mut refreshes = self.model.refreshes.iter();
        *refreshes
            .find(|refresh| refresh.ticket.generation == generation)
            .unwrap()
    }

    fn result(&mut self, refresh: &Refresh, with: End) -> RefreshResult<Issued> {
        RefreshResult::Token(match with {
            End::Token => self.issue(refresh.sent, LIFE),
            End::StoredToken => self.issue(refresh.sent - STORED_AGE, LIFE),
            End::ExpiredToken => self.issue(refresh.sent, Duration::ZERO),
            End::RejectedToken { newest } => {
                let rejected = &self.model.rejected;
                let token = if newest {
                    rejected.first()
                } else {
                    rejected.last()
                };
                Issued {
                    requested: refresh.sent,
                    ..*token.unwrap()
                }
            }
            End::Failed { retry_after } => {
                let error = Error::from(ErrorKind::Timeout);
                return RefreshResult::Failed(match retry_after {
                    Some(retry_after) => error.in_pause(retry_after),
                    None => error,
                });
            }
            End::InvalidCredentials => {
                return RefreshResult::InvalidCredentials(Error::configuration("invalid"));
            }
            End::Unchanged => return RefreshResult::Unchanged,
            End::Lost => return RefreshResult::Lost,
        })
    }

    fn issue(&mut self, requested: Moment, life: Duration) -> Issued {
        let id = self.issued;
        self.issued += 1;
        let end = requested + life;
        Issued { id, requested, end }
    }

    /// Limits the number of lost refreshes that can still end.
    fn drop_oldest_lost(&mut self) {
        let refreshes = &mut self.model.refreshes;
        while refreshes.iter().filter(|refresh| refresh.lost).count() > MAX_LOST {
            let oldest = refreshes.iter().position(|refresh| refresh.lost);
            refreshes.remove(oldest.unwrap());
        }
    }
}

/// The age of a stored token when its refresh starts: too old for an early rejection, still valid.
const STORED_AGE: Duration = Duration::from_secs(12);

/// One shorter than the shortest pause, and one longer than any pause in the first minute.
const RETRY_AFTER: [Option<Duration>; 2] = [Some(Duration::ZERO), Some(Duration::from_secs(7))];

const MAX_LOST: usize = 2;

/// The id of a token that the walk never issues.
const UNKNOWN: u8 = 31;

//! One state of the walk: which events can happen in it, and what each leads to.

use std::time::Duration;

use super::{
    ATTEMPT, FINGERPRINTS, Issued, JITTERS, LIFE, MIDDLE, START, first_step,
    invariants::{Check, Violation, ensure},
    model::{Model, Refresh, SECOND},
    mutants::Mutant,
};
use crate::{
    clock::Moment,
    error::{Error, ErrorKind},
    provider::policy::{
        RefreshPolicy,
        types::{CredentialSource, RefreshResult, Token},
    },
    retry::Jitter,
};

/// An event. Refreshes are named by their generation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// A caller asks for a token where a refresh can start, or cannot.
    Decide(bool),
    Send(u64),
    CredentialsChanged(u64),
    End(u64, End, Jitter),
    Invalidate(Jitter),
    InvalidateAnother,
    Revoke,
    /// Time passes until the next moment at which anything begins or ends.
    Time,
}

/// A caller asks for a token, and a refresh can start.
pub(super) const DECIDE: Event = Event::Decide(true);

/// How a refresh ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Token,
    /// A token of a store, requested long before the refresh.
    StoredToken,
    ExpiredToken,
    NewestRejected,
    /// The oldest rejected token that is remembered.
    OldestRejected,
    /// A failure, with the `Retry-After` of its response.
    Failed(Option<Duration>),
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
            DECIDE,
            Event::Decide(false),
            Event::Revoke,
            Event::InvalidateAnother,
        ];
        if self.model.token.is_some() {
            events.extend(JITTERS.map(Event::Invalidate));
        }
        for refresh in &self.model.refreshes {
            let generation = refresh.ticket.generation;
            events.push(Event::Send(generation));
            if refresh.ticket.probe && !refresh.lost {
                events.push(Event::CredentialsChanged(generation));
            }
            for end in self.ends(refresh) {
                let uses_jitter = !matches!(end, End::ExpiredToken | End::Unchanged | End::Lost);
                let jitters = if uses_jitter { &JITTERS[..] } else { &[MIDDLE] };
                let with_jitter = |&jitter| Event::End(generation, end, jitter);
                events.extend(jitters.iter().map(with_jitter));
            }
        }
        events.extend(self.next_moment().map(|_| Event::Time));
        events
    }

    fn ends(&self, refresh: &Refresh) -> Vec<End> {
        let failed = End::Failed(None);
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
            ends.extend(RETRY_AFTER.map(|retry_after| End::Failed(Some(retry_after))));
        }
        let rejected = [End::NewestRejected, End::OldestRejected];
        ends.extend(rejected.iter().take(self.model.rejected.len()));
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
        let is_allowed = !matches!(event, Event::InvalidateAnother) || state.hash() == self.hash();
        ensure(is_allowed, Violation::AnotherInvalidated)?;
        let shown = state.policy.snapshot(state.now);
        state.model.check_snapshot(state.now, shown)?;
        Ok(state)
    }

    fn apply(&mut self, event: Event) -> Check {
        let (policy, model, now) = (&mut self.policy, &mut self.model, self.now);
        match event {
            Event::Decide(can_start) => {
                let (decision, started) = policy.decide(now, can_start);
                model.mark_lost(now);
                model.check_start(now, can_start, started)?;
                if let Some(ticket) = started {
                    model.started(ticket, now);
                }
                model.check_decision(now, &decision, started.is_some())?;
                self.drop_oldest_lost();
            }
            Event::Send(generation) => {
                let refresh = model.refresh(generation);
                let may_send = policy.begin_step(refresh.ticket, now, ATTEMPT);
                let is_wanted = !refresh.before_revoke;
                ensure(is_wanted || !may_send, Violation::UsedAfterRevoke)?;
                refresh.sent(now);
            }
            Event::CredentialsChanged(generation) => {
                policy.credentials_changed(model.refresh(generation).ticket);
                model.credentials_changed();
            }
            Event::End(generation, end, jitter) => {
                let refresh = *self.model.refresh(generation);
                let result = self.result(&refresh, end);
                let refreshes = &mut self.model.refreshes;
                refreshes.retain(|other| other.ticket.generation != generation);
                let policy = &mut self.policy;
                let outcome = policy.end_refresh(refresh.ticket, now, jitter, result.clone());
                self.model.check_outcome(&refresh, now, &result, &outcome)?;
                self.model.ended(&refresh, now, &result, &outcome);
            }
            Event::Invalidate(jitter) => {
                let token = model.token.unwrap();
                let invalidation = policy.invalidate(token.fingerprint(), now, jitter);
                let pause = model.check_invalidation(token, now, invalidation)?;
                model.invalidated(token, now, pause);
            }
            Event::InvalidateAnother => {
                let another = model.rejected.first().map_or(UNKNOWN, |token| token.id);
                let fingerprint = FINGERPRINTS[usize::from(another)];
                policy.invalidate(fingerprint, now, MIDDLE);
            }
            Event::Revoke => {
                let revoked = policy.revoke().map(|token| token.id);
                let expected = model.revoked().map(|token| token.id);
                ensure(revoked == expected, Violation::WrongTokenServed)?;
            }
            Event::Time => self.now = self.next_moment().unwrap_or(now),
        }
        Ok(())
    }

    fn result(&mut self, refresh: &Refresh, end: End) -> RefreshResult<Issued> {
        RefreshResult::Token(match end {
            End::Token => self.issue(refresh.sent, LIFE),
            End::StoredToken => self.issue(refresh.sent - STORED_AGE, LIFE),
            End::ExpiredToken => self.issue(refresh.sent, Duration::ZERO),
            End::NewestRejected => self.model.rejected[0].requested_at(refresh.sent),
            End::OldestRejected => {
                self.model.rejected[self.model.rejected.len() - 1].requested_at(refresh.sent)
            }
            End::Failed(None) => return RefreshResult::Failed(ErrorKind::Timeout.into()),
            End::Failed(Some(retry_after)) => {
                let error = Error::from(ErrorKind::Timeout);
                return RefreshResult::Failed(error.in_pause(retry_after));
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
const RETRY_AFTER: [Duration; 2] = [Duration::ZERO, Duration::from_secs(7)];

const MAX_LOST: usize = 2;

/// The id of a token that the walk never issues.
const UNKNOWN: u8 = 31;

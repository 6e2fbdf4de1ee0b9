//! What must hold in every state and after every event.

use std::{mem::discriminant, time::Duration};

use super::{
    Issued, MIDDLE, first_step,
    model::{Model, Refresh, SECOND},
    mutants::Mutant,
    step::{DECIDE, End, Event, State},
};
use crate::{
    clock::Moment,
    error::{ErrorKind, TokenExpired},
    provider::policy::types::{
        CredentialSource, Decision, Invalidation, RefreshResult, Ticket, WaiterResult,
    },
};

/// An invariant that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Violation {
    /// A refresh starts while another is running and not lost.
    TwoRefreshes,
    /// A refresh starts without a runtime, without credentials, or as a probe outside a pause.
    StartedWithoutNeed,
    RequestInPause,
    /// A probe starts less than a second after the source was asked.
    ProbeTooSoon,
    RenewedTooSoon,
    /// No refresh starts although one is due.
    NothingStarted,
    /// A refresh from before a revocation sends a request, or its token is returned.
    UsedAfterRevoke,
    /// A token is served that is not the current one, or not valid.
    WrongTokenServed,
    /// A valid token is not served.
    ValidWithheld,
    /// A caller waits for no refresh, or fails with a wrong error or pause.
    WrongDecision,
    /// The waiters of a refresh receive something else than its result.
    WrongOutcome,
    /// A reported pause is too short or too long, or missing.
    WrongPause,
    /// Readers use the snapshot although a refresh is due, or after the token's end.
    SnapshotTooLong,
    /// Nothing is due at the end of the snapshot.
    SnapshotTooShort,
    /// The policy must be asked again at the same moment.
    BusyLoop,
    /// Time and a successful refresh lead to no token.
    Stuck,
    /// Invalidating another token than the current one changed something.
    AnotherInvalidated,
}

pub(super) type Check = Result<(), Violation>;

pub(super) fn ensure(holds: bool, violation: Violation) -> Check {
    if holds { Ok(()) } else { Err(violation) }
}

impl Model {
    pub(super) fn check_start(
        &self,
        now: Moment,
        can_start: bool,
        started: Option<Ticket>,
    ) -> Check {
        match (self.must_probe(now, can_start), started) {
            (Err(violation), Some(_)) => Err(violation),
            (Err(_), None) => Ok(()),
            (Ok(_), None) => {
                let may_wait = self.token.is_some_and(|token| now < token.renew_by());
                ensure(may_wait, Violation::NothingStarted)
            }
            (Ok(probe), Some(ticket)) => {
                ensure(ticket.probe || !probe, Violation::RequestInPause)?;
                let lost_at = now + first_step(self.source) + SECOND;
                let is_expected = (ticket.probe, ticket.lost_at) == (probe, lost_at);
                ensure(is_expected, Violation::StartedWithoutNeed)
            }
        }
    }

    /// Whether the refresh that is due must be a probe, or what a refresh would violate.
    fn must_probe(&self, now: Moment, can_start: bool) -> Result<bool, Violation> {
        ensure(self.running().is_none(), Violation::TwoRefreshes)?;
        let can_refresh = can_start && self.source != CredentialSource::None;
        ensure(can_refresh, Violation::StartedWithoutNeed)?;
        let is_fresh = self.token.is_some_and(|token| now < token.renew_from());
        ensure(!is_fresh, Violation::RenewedTooSoon)?;
        let Some(pause) = self.active_pause(now) else {
            return Ok(false);
        };
        let may_probe = pause.invalid_credentials && self.source == CredentialSource::Dynamic;
        ensure(may_probe, Violation::RequestInPause)?;
        let asked_just_now = self.source_asked_at.is_some_and(|at| now < at + SECOND);
        ensure(!asked_just_now, Violation::ProbeTooSoon)?;
        Ok(true)
    }

    pub(super) fn check_decision(
        &self,
        now: Moment,
        decision: &Decision<Issued>,
        started: bool,
    ) -> Check {
        let pause = self.active_pause(now);
        let awaited = self
            .running()
            .filter(|running| started || !running.ticket.probe || pause.is_none());
        let expected = match awaited {
            Some(running) => Decision::Wait {
                until: running.ticket.lost_at,
            },
            None => Decision::Fail(match pause {
                Some(pause) => pause.error(now),
                None if self.source == CredentialSource::None => {
                    ErrorKind::TokenExpired(TokenExpired::fixed()).into()
                }
                None => ErrorKind::NoRuntime.into(),
            }),
        };
        match decision {
            Decision::Serve(token) => self.check_served(*token, now),
            _ if self.valid(now).is_some() => Err(Violation::ValidWithheld),
            _ => ensure(*decision == expected, Violation::WrongDecision),
        }
    }

    pub(super) fn check_outcome(
        &self,
        refresh: &Refresh,
        now: Moment,
        result: &RefreshResult<Issued>,
        outcome: &WaiterResult<Issued>,
    ) -> Check {
        let expected = match result {
            RefreshResult::Token(_) if refresh.before_revoke => WaiterResult::AskAgain,
            RefreshResult::Token(token) if !self.is_rejected(*token, now) => {
                WaiterResult::Token(*token)
            }
            _ if refresh.lost => WaiterResult::AskAgain,
            RefreshResult::Token(_) => WaiterResult::Failed(ErrorKind::TokenRejected.into()),
            RefreshResult::Failed(error) | RefreshResult::InvalidCredentials(error) => {
                WaiterResult::Failed(error.clone())
            }
            RefreshResult::Unchanged | RefreshResult::Lost => WaiterResult::AskAgain,
        };
        match (outcome, expected) {
            (WaiterResult::Failed(error), WaiterResult::Failed(cause))
                if discriminant(error.kind()) == discriminant(cause.kind()) =>
            {
                let retry_after = cause.retry_after().map(|wait| wait.max(SECOND / 2));
                let bounds = match (result, retry_after) {
                    (RefreshResult::InvalidCredentials(_), _) => [SECOND * 4, SECOND * 360],
                    (_, Some(wait)) => [wait, wait + SECOND / 2],
                    (_, None) => PAUSE_AFTER_FAILURE,
                };
                self.check_pause(now, error.retry_after(), bounds)
            }
            (WaiterResult::Token(token), WaiterResult::Token(expected)) if *token == expected => {
                Ok(())
            }
            (WaiterResult::AskAgain, WaiterResult::AskAgain) => Ok(()),
            (WaiterResult::Token(_), _) if refresh.before_revoke => Err(Violation::UsedAfterRevoke),
            _ => Err(Violation::WrongOutcome),
        }
    }

    /// A pause lies between its bounds, lasts 2 s while there is a valid token, and never ends
    /// before the pause that is active.
    fn check_pause(&self, now: Moment, pause: Option<Duration>, bounds: [Duration; 2]) -> Check {
        let left = self.active_pause(now).map(|pause| pause.until - now);
        let least = SECOND * if self.valid(now).is_some() { 2 } else { 0 };
        let [shortest, longest] = bounds;
        let shortest = shortest.max(least).max(left.unwrap_or_default());
        let longest = longest.max(shortest);
        let is_within = pause.is_some_and(|pause| (shortest..=longest).contains(&pause));
        ensure(is_within, Violation::WrongPause)
    }

    /// Returns the pause that the invalidation led to.
    pub(super) fn check_invalidation(
        &self,
        token: Issued,
        now: Moment,
        invalidation: Option<Invalidation>,
    ) -> Result<Option<Duration>, Violation> {
        let Some(Invalidation { age, pause }) = invalidation else {
            return Err(Violation::WrongOutcome);
        };
        ensure(age == now - token.requested, Violation::WrongOutcome)?;
        let without_token = Self {
            token: None,
            ..self.clone()
        };
        if self.rejected_early && token.is_young(now) {
            without_token.check_pause(now, pause, PAUSE_AFTER_FAILURE)?;
        } else {
            ensure(pause.is_none(), Violation::WrongPause)?;
        }
        Ok(pause)
    }

    pub(super) fn check_snapshot(&self, now: Moment, shown: Option<(&Issued, Moment)>) -> Check {
        let Some((token, until)) = shown else {
            return ensure(self.valid(now).is_none(), Violation::ValidWithheld);
        };
        self.check_served(*token, now)?;
        let ends_before = self.token.is_some_and(|token| token.end < until);
        ensure(!ends_before, Violation::SnapshotTooLong)
    }

    fn check_served(&self, token: Issued, now: Moment) -> Check {
        let is_current = self.valid(now).is_some_and(|valid| valid.id == token.id);
        ensure(is_current, Violation::WrongTokenServed)
    }
}

impl State {
    /// Checks what must hold in a state, whatever happens next.
    pub(super) fn check(&self, mutant: Option<Mutant>) -> Check {
        self.check_calm(mutant)?;
        self.check_end_of_snapshot()?;
        if let Some(next) = self.next_moment() {
            let mut before = self.clone();
            before.now = next - NANOSECOND;
            before.check_calm(mutant)?;
        }
        self.check_recovery(mutant)
    }

    /// After one decision there is nothing more to ask at the same moment.
    fn check_calm(&self, mutant: Option<Mutant>) -> Check {
        let asked = self.after(DECIDE, mutant)?;
        let now = asked.now;
        let until = asked.policy.snapshot(now).map(|(_, until)| until);
        let moments = [until, asked.policy.wake_at(now)];
        let all_later = moments.into_iter().flatten().all(|moment| now < moment);
        ensure(all_later, Violation::BusyLoop)
    }

    /// Before the end of the snapshot nothing is due, and then something is.
    fn check_end_of_snapshot(&self) -> Check {
        let Some((_, until)) = self.policy.snapshot(self.now) else {
            return Ok(());
        };
        let only_serves = |now| {
            let (decision, started) = self.policy.clone().decide(now, true);
            started.is_none() && matches!(decision, Decision::Serve(_))
        };
        let before = [self.now, until - NANOSECOND];
        let is_calm = until <= self.now || before.into_iter().all(only_serves);
        ensure(is_calm, Violation::SnapshotTooLong)?;
        let is_due = until == Moment::NEVER || !only_serves(until);
        ensure(is_due, Violation::SnapshotTooShort)
    }

    /// Once the running refresh is lost and the pause is over, a successful refresh returns a
    /// token, which is served.
    fn check_recovery(&self, mutant: Option<Mutant>) -> Check {
        let mut state = self.clone();
        let lost_at = self.model.running().map(|running| running.ticket.lost_at);
        let pause = self.model.pause.as_ref().map(|pause| pause.until);
        state.now = self.now.max(lost_at.max(pause).unwrap_or(self.now));
        let is_fixed = self.model.source == CredentialSource::None;
        if is_fixed && self.model.valid(state.now).is_none() {
            return Ok(());
        }
        state = state.after(DECIDE, mutant)?;
        if state.model.valid(state.now).is_some() {
            return Ok(());
        }
        let running = state.model.running().map(|running| running.ticket);
        let Some(running) = running.filter(|running| !running.probe) else {
            return Err(Violation::Stuck);
        };
        let end = Event::End(running.generation, End::Token, MIDDLE);
        state = state.after(end, mutant)?;
        let (decision, _) = state.policy.decide(state.now, true);
        ensure(matches!(decision, Decision::Serve(_)), Violation::Stuck)
    }
}

/// The shortest and the longest pause after a transient failure.
const PAUSE_AFTER_FAILURE: [Duration; 2] = [Duration::from_millis(400), Duration::from_secs(36)];
const NANOSECOND: Duration = Duration::from_nanos(1);

//! Mistakes that the machine does not make, to see that the walk would find them.

use std::time::Duration;

use super::{Broken, Event, Issued, RefreshPolicy, event::With};
use crate::{clock::Moment, provider::policy::Refused};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planted {
    TwoFlights,
    LostAtOnce,
    NeverLost,
    LateFailureCounts,
    LateTokenWins,
    PauseIgnored,
    RetryAfterZero,
    ProbeAtWill,
    RefusedForgotten,
    YoungForgotten,
    RevokeForgotten,
    EarlyFailureTakesToken,
    AnotherTakesToken,
    ExpiredServed,
    ShownBeyondEnd,
    RenewedAtOnce,
    NeverRenewed,
}

/// Each mistake, with the promise that it breaks first.
pub(super) const ALL: [(Planted, Broken); 17] = [
    (Planted::TwoFlights, Broken::TwoFlights),
    (Planted::LostAtOnce, Broken::BusyLoop),
    (Planted::NeverLost, Broken::WrongReply),
    (Planted::LateFailureCounts, Broken::WrongOutcome),
    (Planted::LateTokenWins, Broken::StrangerServed),
    (Planted::PauseIgnored, Broken::RequestInPause),
    (Planted::RetryAfterZero, Broken::RequestInPause),
    (Planted::ProbeAtWill, Broken::ProbeTooSoon),
    (Planted::RefusedForgotten, Broken::RefusedServed),
    (Planted::YoungForgotten, Broken::RequestInPause),
    (Planted::RevokeForgotten, Broken::SentAfterRevoke),
    (Planted::EarlyFailureTakesToken, Broken::ValidWithheld),
    (Planted::AnotherTakesToken, Broken::AnotherInvalidated),
    (Planted::ExpiredServed, Broken::ExpiredServed),
    (Planted::ShownBeyondEnd, Broken::ShownTooLong),
    (Planted::RenewedAtOnce, Broken::RenewedTooSoon),
    (Planted::NeverRenewed, Broken::NothingStarted),
];

impl Planted {
    /// Tampers with the machine before an event.
    pub(super) fn before(self, event: Event, machine: &mut RefreshPolicy<Issued>) {
        match event {
            Event::Wanted { .. } => match self {
                Self::TwoFlights => machine.flight = None,
                Self::PauseIgnored => machine.pause = None,
                Self::ProbeAtWill => machine.asked = None,
                _ => {}
            },
            Event::Answered { number, with, .. } => match (self, with, &mut machine.flight) {
                (Self::LateFailureCounts, With::Failed { .. }, Some(flight)) => {
                    flight.number = number;
                }
                (Self::LateTokenWins, With::Good, Some(flight)) if flight.number != number => {
                    machine.held = None;
                }
                _ => {}
            },
            Event::Invalidated { current: false, .. } if self == Self::AnotherTakesToken => {
                machine.held = None;
            }
            _ => {}
        }
    }

    /// Tampers with the machine after an event.
    pub(super) fn after(self, event: Event, machine: &mut RefreshPolicy<Issued>, now: Moment) {
        match event {
            Event::Wanted { .. } => {
                if let Some(flight) = &mut machine.flight {
                    match self {
                        Self::LostAtOnce => flight.due = now,
                        Self::NeverLost => flight.due = Moment::NEVER,
                        _ => {}
                    }
                }
            }
            Event::Answered { with, .. } => self.after_answer(with, machine, now),
            Event::Invalidated { current: true, .. } => match self {
                Self::RefusedForgotten => machine.refused = Refused::default(),
                Self::YoungForgotten => machine.refused_young = 0,
                _ => {}
            },
            Event::Revoked if self == Self::RevokeForgotten => machine.saves_from = 0,
            Event::Time if self == Self::ExpiredServed => {
                if let Some(held) = &mut machine.held {
                    held.token.end = held.token.end.max(now + SECOND);
                }
            }
            _ => {}
        }
    }

    fn after_answer(self, with: With, machine: &mut RefreshPolicy<Issued>, now: Moment) {
        let failed = matches!(with, With::Failed { .. } | With::Refused);
        let retry_after = matches!(
            with,
            With::Failed {
                retry_after: Some(_)
            }
        );
        match (self, &mut machine.held) {
            (Self::RetryAfterZero, _) if retry_after => machine.pause = None,
            (Self::EarlyFailureTakesToken, _) if failed => machine.held = None,
            (Self::ShownBeyondEnd, Some(held)) => held.token.end = held.token.end + SECOND,
            (Self::RenewedAtOnce, Some(held)) => held.renew = now,
            (Self::NeverRenewed, Some(held)) => held.renew = Moment::NEVER,
            _ => {}
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);

//! Mistakes in the policy that the walk must find.

use super::{
    Issued, START,
    invariants::Violation,
    model::SECOND,
    step::{End, Event},
};
use crate::{
    clock::Moment,
    provider::policy::{RefreshPolicy, types::RejectedTokens},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mutant {
    TwoRefreshes,
    LostAtOnce,
    NeverLost,
    LateFailureCounts,
    LateTokenWins,
    PauseIgnored,
    RetryAfterIgnored,
    ProbeAtWill,
    RejectionForgotten,
    EarlyRejectionForgotten,
    RevokeForgotten,
    FailureDropsToken,
    AnotherDropsToken,
    ExpiredServed,
    SnapshotTooLong,
    RenewedAtOnce,
    NeverRenewed,
}

/// Each mutant, and the invariant that it violates first.
pub(super) const ALL: [(Mutant, Violation); 17] = [
    (Mutant::TwoRefreshes, Violation::TwoRefreshes),
    (Mutant::LostAtOnce, Violation::BusyLoop),
    (Mutant::NeverLost, Violation::WrongDecision),
    (Mutant::LateFailureCounts, Violation::WrongOutcome),
    (Mutant::LateTokenWins, Violation::WrongTokenServed),
    (Mutant::PauseIgnored, Violation::RequestInPause),
    (Mutant::RetryAfterIgnored, Violation::RequestInPause),
    (Mutant::ProbeAtWill, Violation::ProbeTooSoon),
    (Mutant::RejectionForgotten, Violation::WrongOutcome),
    (Mutant::EarlyRejectionForgotten, Violation::WrongPause),
    (Mutant::RevokeForgotten, Violation::UsedAfterRevoke),
    (Mutant::FailureDropsToken, Violation::ValidWithheld),
    (Mutant::AnotherDropsToken, Violation::AnotherInvalidated),
    (Mutant::ExpiredServed, Violation::WrongTokenServed),
    (Mutant::SnapshotTooLong, Violation::SnapshotTooLong),
    (Mutant::RenewedAtOnce, Violation::RenewedTooSoon),
    (Mutant::NeverRenewed, Violation::NothingStarted),
];

impl Mutant {
    /// Changes the policy before an event.
    pub(super) fn before(self, event: Event, policy: &mut RefreshPolicy<Issued>) {
        match (self, event, &mut policy.running) {
            (Self::TwoRefreshes, Event::Decide(_), running) => *running = None,
            (Self::PauseIgnored, Event::Decide(_), _) => policy.pause = None,
            (Self::ProbeAtWill, Event::Decide(_), _) => policy.source_asked_at = Some(START),
            (Self::AnotherDropsToken, Event::InvalidateAnother, _) => policy.cached = None,
            (Self::LateFailureCounts, Event::End(late, End::Failed(_), _), Some(running)) => {
                running.generation = late;
            }
            (Self::LateTokenWins, Event::End(late, End::Token, _), Some(running))
                if running.generation != late =>
            {
                policy.cached = None;
            }
            _ => {}
        }
    }

    /// Changes the policy after an event.
    pub(super) fn after(self, event: Event, policy: &mut RefreshPolicy<Issued>, now: Moment) {
        match event {
            Event::Decide(_) => match (self, &mut policy.running) {
                (Self::LostAtOnce, Some(running)) => running.lost_at = now,
                (Self::NeverLost, Some(running)) => running.lost_at = Moment::NEVER,
                _ => {}
            },
            Event::End(_, end, _) => match (self, end, &mut policy.cached) {
                (Self::RetryAfterIgnored, End::Failed(Some(_)), _) => policy.pause = None,
                (Self::FailureDropsToken, End::Failed(_) | End::InvalidCredentials, cached) => {
                    *cached = None;
                }
                (Self::SnapshotTooLong, _, Some(cached)) => {
                    cached.token.end = cached.token.end + SECOND;
                }
                (Self::RenewedAtOnce, _, Some(cached)) => cached.renew_at = now,
                (Self::NeverRenewed, _, Some(cached)) => cached.renew_at = Moment::NEVER,
                _ => {}
            },
            Event::Invalidate(_) => match self {
                Self::RejectionForgotten => policy.rejected = RejectedTokens::default(),
                Self::EarlyRejectionForgotten => policy.early_rejections = 0,
                _ => {}
            },
            Event::Revoke if self == Self::RevokeForgotten => policy.first_wanted_generation = 0,
            Event::Time if self == Self::ExpiredServed => {
                if let Some(cached) = &mut policy.cached {
                    cached.token.end = cached.token.end.max(now + SECOND);
                }
            }
            _ => {}
        }
    }
}

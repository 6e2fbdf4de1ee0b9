//! What the machine says and shows, held against the ledger.

use std::time::Duration;

use super::{Broken, Check, CredentialSource, Flight, GRACE, Issued, Ledger, first_step};
use crate::{
    clock::Moment,
    error::{Error, ErrorKind, TokenExpired},
    provider::policy::{Decision, Ticket, tests::is_same_failure},
};

impl Ledger {
    /// Somebody asked for a token: is what starts allowed, and the reply right?
    pub(in super::super) fn wanted(
        &mut self,
        now: Moment,
        can_start: bool,
        reply: &Decision<Issued>,
        ticket: Option<Ticket>,
    ) -> Check {
        self.grow(now);
        for flight in self.air.iter_mut().filter(|flight| flight.due <= now) {
            flight.lost = true;
        }
        let can_start = can_start && self.renewal != CredentialSource::None;
        match ticket {
            Some(ticket) => self.started(now, can_start, ticket)?,
            None if can_start && self.must_start(now) => return Err(Broken::NothingStarted),
            None => {}
        }
        self.replied(now, can_start, reply, ticket)
    }

    fn started(&mut self, now: Moment, can_start: bool, ticket: Ticket) -> Check {
        let known = |flight: &Flight| flight.number == ticket.number;
        if self.current().is_some() || self.air.iter().any(known) {
            return Err(Broken::TwoFlights);
        }
        if !can_start {
            return Err(Broken::NotToStart);
        }
        match (self.active_pause(now), ticket.probe) {
            (None, false) => {}
            (Some(pause), true)
                if pause.after_refusal && self.renewal == CredentialSource::Dynamic =>
            {
                if !self.may_ask(now) {
                    return Err(Broken::ProbeTooSoon);
                }
            }
            (Some(_), _) => return Err(Broken::RequestInPause),
            (None, true) => return Err(Broken::NotToStart),
        }
        if self.in_time(now) {
            return Err(Broken::RenewedTooSoon);
        }
        if self.renewal == CredentialSource::Dynamic {
            self.asked = Some(now);
        }
        self.air.push(Flight {
            number: ticket.number,
            sent: now,
            due: now + first_step(self.renewal) + GRACE,
            probe: ticket.probe,
            lost: false,
            before_revoke: false,
        });
        Ok(())
    }

    fn must_start(&self, now: Moment) -> bool {
        let allowed = match self.active_pause(now) {
            None => true,
            Some(pause) => {
                pause.after_refusal
                    && self.renewal == CredentialSource::Dynamic
                    && self.may_ask(now)
            }
        };
        allowed && self.current().is_none() && !self.in_time(now)
    }

    /// The valid token is not yet to be renewed.
    pub(in super::super) fn in_time(&self, now: Moment) -> bool {
        self.token
            .is_some_and(|(token, renew)| now < renew.min(token.end))
    }

    fn may_ask(&self, now: Moment) -> bool {
        self.asked
            .is_none_or(|asked| asked + Duration::from_secs(1) <= now)
    }

    fn replied(
        &self,
        now: Moment,
        can_start: bool,
        reply: &Decision<Issued>,
        ticket: Option<Ticket>,
    ) -> Check {
        let valid = self.valid(now);
        let pause = self.active_pause(now);
        let right = match reply {
            Decision::Serve(token) => return self.serves(*token, now),
            _ if valid.is_some() => return Err(Broken::ValidWithheld),
            Decision::Wait { due } => self.current().is_some_and(|flight| {
                let only_asks = flight.probe && pause.is_some() && ticket.is_none();
                flight.due == *due && now < *due && !only_asks
            }),
            Decision::Fail(error) => {
                let awaited = self.current().is_some_and(|flight| !flight.probe);
                let starts = ticket.is_some() || (pause.is_none() && can_start);
                is_same_failure(error, &self.failure(now)) && !awaited && !starts
            }
        };
        if right {
            Ok(())
        } else {
            Err(Broken::WrongReply)
        }
    }

    /// Why there is no token and none on its way.
    fn failure(&self, now: Moment) -> Error {
        match (self.active_pause(now), self.renewal) {
            (Some(pause), _) => pause.cause.in_pause(pause.until - now),
            (None, CredentialSource::None) => ErrorKind::TokenExpired(TokenExpired::fixed()).into(),
            (None, CredentialSource::Static | CredentialSource::Dynamic) => {
                ErrorKind::NoRuntime.into()
            }
        }
    }

    /// What readers see.
    pub(in super::super) fn shown(&self, now: Moment, shown: Option<(&Issued, Moment)>) -> Check {
        match shown {
            None if self.valid(now).is_some() => Err(Broken::ValidWithheld),
            None => Ok(()),
            Some((token, until)) => {
                self.serves(*token, now)?;
                let end = self.token.map_or(now, |(token, _)| token.end);
                if until <= end {
                    Ok(())
                } else {
                    Err(Broken::ShownTooLong)
                }
            }
        }
    }

    pub(in super::super) fn serves(&self, token: Issued, now: Moment) -> Check {
        let is = |other: Issued| other.id == token.id;
        if self.valid(now).is_some_and(is) {
            Ok(())
        } else if self.refused.iter().copied().any(is) {
            Err(Broken::RefusedServed)
        } else if self.barred.is_some_and(is) {
            Err(Broken::SavedAfterRevoke)
        } else if self.token.is_some_and(|(token, _)| is(token)) {
            Err(Broken::ExpiredServed)
        } else {
            Err(Broken::StrangerServed)
        }
    }
}

//! What is decided about a token, and when: a pure machine. It reads no clock, draws no number and
//! sends nothing; the provider does, and tells it.

mod parts;
mod refused;
#[cfg(test)]
mod tests;
mod types;
mod view;
#[cfg(test)]
mod walk;

use std::time::Duration;

use parts::{Flight, Held, Pause};
use refused::Refused;
pub(super) use types::{
    CredentialSource, Decision, Dropped, RefreshResult, Ticket, Token, WaiterResult,
};

use crate::{
    clock::Moment,
    error::{Error, ErrorKind, TokenExpired},
    retry::{self, Jitter, Row},
    token::{AccessToken, Fingerprint},
};

/// The state. Tests put a token of their own in the place of `T`.
#[derive(Clone, Debug)]
pub(crate) struct RefreshPolicy<T = AccessToken> {
    renewal: CredentialSource,
    /// How long the first step of a flight may take.
    first_step: Duration,
    held: Option<Held<T>>,
    flight: Option<Flight>,
    /// How many flights have started; the next one's number.
    flights: u64,
    /// Flights with a lower number may no longer save what they bring.
    saves_from: u64,
    pause: Option<Pause>,
    /// Transient failures in a row.
    row: Option<Row>,
    /// Refusals of the credentials in a row.
    refusals: u8,
    /// When the source of the credentials was last asked.
    asked: Option<Moment>,
    /// Tokens in a row that the API refused soon after they were asked for.
    refused_young: u8,
    refused: Refused,
}

impl<T: Token> RefreshPolicy<T> {
    pub(crate) fn new(renewal: CredentialSource, first_step: Duration) -> Self {
        Self {
            renewal,
            first_step,
            held: None,
            flight: None,
            flights: 0,
            saves_from: 0,
            pause: None,
            row: None,
            refusals: 0,
            asked: None,
            refused_young: 0,
            refused: Refused::default(),
        }
    }

    /// Holds a token that nothing can renew.
    pub(crate) fn fixed(token: T) -> Self {
        let renew = Moment::NEVER;
        Self {
            held: Some(Held { token, renew }),
            ..Self::new(CredentialSource::None, Duration::ZERO)
        }
    }

    /// Somebody wants a token. `can_start`: a flight can be started from here.
    pub(crate) fn wanted(&mut self, now: Moment, can_start: bool) -> (Decision<T>, Option<Ticket>) {
        self.settle(now);
        self.flight = self.flight.filter(|flight| now < flight.due);
        let token = self.valid(now).map(|held| held.token.clone());
        let ticket = if self.valid(now).is_some_and(|held| now < held.renew) {
            None
        } else {
            self.start(now, can_start)
        };
        let reply = match (token, self.flight, self.active_pause(now)) {
            (Some(token), _, _) => Decision::Serve(token),
            // Who starts a probe waits for it, nobody else does.
            (None, Some(flight), pause) if ticket.is_some() || !flight.probe || pause.is_none() => {
                Decision::Wait { due: flight.due }
            }
            (None, _, Some(pause)) => Decision::Fail(pause.cause.in_pause(pause.until - now)),
            (None, ..) if self.renewal == CredentialSource::None => {
                Decision::Fail(ErrorKind::TokenExpired(TokenExpired::fixed()).into())
            }
            (None, ..) => Decision::Fail(ErrorKind::NoRuntime.into()),
        };
        (reply, ticket)
    }

    /// A flight is about to take its next step, which may take as long as `limit`. One that counts
    /// as lost may take none, nor one whose token nobody wants any more.
    pub(crate) fn step(&mut self, number: u64, now: Moment, limit: Duration) -> bool {
        if !self.is_wanted(number) {
            return false;
        }
        let flight = self.current(number);
        let flight = flight.map(|flight| flight.due = now + limit + GRACE);
        flight.is_some()
    }

    /// A token came by another road than a flight's: a login. What is under way may no longer save.
    #[cfg(feature = "login")]
    pub(crate) fn adopted(&mut self, token: T, luck: Jitter) {
        self.saves_from = self.flights;
        self.refused_young = 0;
        self.keep(token, luck);
    }

    /// A probe found other credentials and goes on to ask for a token.
    pub(crate) fn secret_changed(&mut self, number: u64) {
        if let Some(flight) = self.current(number)
            && flight.probe
        {
            flight.probe = false;
            self.pause = None;
            self.refusals = 0;
        }
    }

    /// A flight ended. A flight that counted as lost may still bring a good token.
    pub(crate) fn ended(
        &mut self,
        number: u64,
        now: Moment,
        luck: Jitter,
        answer: RefreshResult<T>,
    ) -> WaiterResult<T> {
        self.settle(now);
        let current = self.flight.take_if(|flight| flight.number == number);
        let current = current.is_some();
        match answer {
            RefreshResult::Token(token) => self.arrived(number, current, now, luck, token),
            _ if !current => WaiterResult::Again,
            RefreshResult::Failed(cause) => self.fail(now, luck, cause),
            RefreshResult::Refused(cause) => {
                self.asked = Some(now);
                self.refusals = (self.refusals + 1).min(7);
                let pause = retry::after_refusal(self.refusals, luck);
                self.pause_for(pause, now, cause, true)
            }
            RefreshResult::Unchanged => {
                self.asked = Some(now);
                WaiterResult::Again
            }
            RefreshResult::Lost => WaiterResult::Again,
        }
    }

    /// The API refused a token. Another than the current one changes nothing.
    pub(crate) fn invalidated(
        &mut self,
        token: Fingerprint,
        now: Moment,
        luck: Jitter,
    ) -> Option<Dropped> {
        self.settle(now);
        let held = self
            .held
            .take_if(|held| held.token.fingerprint() == token)?;
        self.refused.remember(&held.token);
        let age = now - held.token.requested();
        if age < YOUNG {
            self.refused_young = (self.refused_young + 1).min(2);
        }
        if self.refused_young == 2 {
            self.fail(now, luck, ErrorKind::TokenRejected.into());
        }
        let pause = self.pause_left(now).filter(|_| self.refused_young == 2);
        Some(Dropped { age, pause })
    }

    /// The token is given up: it is no longer served, and no flight under way may save another.
    pub(crate) fn revoked(&mut self) -> Option<T> {
        self.saves_from = self.flights;
        self.refused_young = 0;
        let held = self.held.take()?;
        self.refused.remember(&held.token);
        Some(held.token)
    }

    /// A token that was taken out of the store and ended at the server is not served either.
    pub(crate) fn forgotten(&mut self, token: Fingerprint) {
        let is = |held: &mut Held<T>| held.token.fingerprint() == token;
        if let Some(held) = self.held.take_if(is) {
            self.refused.remember(&held.token);
        }
    }

    /// Starts a flight, or a probe in a pause after refused credentials.
    fn start(&mut self, now: Moment, can_start: bool) -> Option<Ticket> {
        if !can_start || self.flight.is_some() || self.renewal == CredentialSource::None {
            return None;
        }
        let probe = match self.active_pause(now) {
            None => false,
            Some(pause) if self.may_probe(pause) && self.next_question() <= now => true,
            Some(_) => return None,
        };
        if self.renewal == CredentialSource::Dynamic {
            self.asked = Some(now);
        }
        let number = self.flights;
        self.flights += 1;
        self.flight = Some(Flight {
            number,
            due: now + self.first_step + GRACE,
            probe,
        });
        Some(Ticket { number, probe })
    }

    fn arrived(
        &mut self,
        number: u64,
        current: bool,
        now: Moment,
        luck: Jitter,
        token: T,
    ) -> WaiterResult<T> {
        if number < self.saves_from {
            return WaiterResult::Again;
        }
        if self.refused.contains(token.fingerprint(), now) {
            return if current {
                self.fail(now, luck, ErrorKind::TokenRejected.into())
            } else {
                WaiterResult::Again
            };
        }
        if token.end() <= now {
            if current {
                let pause = retry::after_short_life(self.valid(now).is_some());
                let cause = ErrorKind::TokenExpired(TokenExpired::on_arrival()).into();
                self.pause_for(pause, now, cause, false);
            }
            return WaiterResult::Token(token);
        }
        let longer = self
            .held
            .as_ref()
            .is_none_or(|held| held.token.end() < token.end());
        if current || longer {
            self.keep(token.clone(), luck);
        }
        WaiterResult::Token(token)
    }

    fn keep(&mut self, token: T, luck: Jitter) {
        // The token before this one was replaced in time, not refused.
        if self.held.is_some() {
            self.refused_young = 0;
        }
        if self.refused_young == 0 {
            self.row = None;
        }
        self.pause = None;
        self.refusals = 0;
        let life = token.end() - token.requested();
        let renew = token.end() - retry::margin(life, luck);
        self.held = Some(Held { token, renew });
    }

    fn fail(&mut self, now: Moment, luck: Jitter, cause: Error) -> WaiterResult<T> {
        let row = Row::with_failure(self.row, now);
        self.row = Some(row);
        let token_in_hand = self.valid(now).is_some();
        let pause = retry::after_failure(row, cause.retry_after(), token_in_hand, luck);
        self.pause_for(pause, now, cause, false)
    }

    /// Pauses, unless a longer pause is under way: a failed probe does not shorten it.
    fn pause_for(
        &mut self,
        pause: Duration,
        now: Moment,
        cause: Error,
        refused: bool,
    ) -> WaiterResult<T> {
        let until = now + pause;
        if self
            .active_pause(now)
            .is_none_or(|longer| longer.until < until)
        {
            self.pause = Some(Pause {
                until,
                cause: cause.clone(),
                refused,
            });
        }
        let until = self.pause.as_ref().map_or(until, |pause| pause.until);
        WaiterResult::Failed(cause.in_pause(until - now))
    }

    /// A token that outlived its youth shows that the API takes the tokens of this client.
    fn settle(&mut self, now: Moment) {
        let grown = |held: &Held<T>| now - held.token.requested() >= YOUNG;
        if self.refused_young > 0 && self.held.as_ref().is_some_and(grown) {
            self.refused_young = 0;
            self.row = None;
        }
    }

    fn valid(&self, now: Moment) -> Option<&Held<T>> {
        self.held.as_ref().filter(|held| now < held.token.end())
    }

    fn current(&mut self, number: u64) -> Option<&mut Flight> {
        self.flight
            .as_mut()
            .filter(|flight| flight.number == number)
    }

    fn active_pause(&self, now: Moment) -> Option<&Pause> {
        self.pause.as_ref().filter(|pause| now < pause.until)
    }

    fn may_probe(&self, pause: &Pause) -> bool {
        pause.refused && self.renewal == CredentialSource::Dynamic
    }

    /// When the source may be asked again.
    fn next_question(&self) -> Moment {
        self.asked
            .map_or(Moment::ALWAYS, |asked| asked + BETWEEN_QUESTIONS)
    }
}

/// A token refused within this time of its request was bad from the start.
const YOUNG: Duration = Duration::from_secs(10);

/// What a flight may take beyond its step before it counts as lost.
const GRACE: Duration = Duration::from_secs(1);

/// In a pause after refused credentials their source is asked this often at most.
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(1);

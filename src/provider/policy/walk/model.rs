//! What the walk knows of its own: which token counts, which flights are in the air, and until when
//! nothing may be sent.

mod checks;

use std::time::Duration;

use super::{
    ATTEMPT, Broken, Check, Draw, Issued, first_step,
    pauses::{self, Failures},
};
use crate::{
    clock::Moment,
    error::{Error, ErrorKind, TokenExpired},
    provider::policy::{CredentialSource, RefreshResult, WaiterResult},
};

#[derive(Clone)]
pub(super) struct Ledger {
    pub(super) renewal: CredentialSource,
    /// The current token, also after its end, and when it is to be renewed.
    pub(super) token: Option<(Issued, Moment)>,
    /// Tokens that may not be served again, the newest first.
    pub(super) refused: Vec<Issued>,
    /// Flights that can still answer, the oldest first.
    pub(super) air: Vec<Flight>,
    pub(super) pause: Option<Pause>,
    pub(super) row: Option<Failures>,
    /// Refusals of the credentials in a row.
    pub(super) refusals: usize,
    /// When the source of the credentials was last asked.
    pub(super) asked: Option<Moment>,
    /// Tokens in a row that were refused young.
    pub(super) refused_young: usize,
    /// What a flight from before a revoke brought last.
    barred: Option<Issued>,
}

#[derive(Clone, Copy, Hash)]
pub(super) struct Flight {
    pub(super) number: u64,
    pub(super) sent: Moment,
    pub(super) due: Moment,
    pub(super) probe: bool,
    pub(super) lost: bool,
    pub(super) before_revoke: bool,
}

#[derive(Clone)]
pub(super) struct Pause {
    pub(super) until: Moment,
    pub(super) cause: Error,
    pub(super) after_refusal: bool,
}

impl Ledger {
    pub(super) fn new(renewal: CredentialSource, token: Option<Issued>) -> Self {
        Self {
            renewal,
            token: token.map(|token| (token, Moment::NEVER)),
            refused: Vec::new(),
            air: Vec::new(),
            pause: None,
            row: None,
            refusals: 0,
            asked: None,
            refused_young: 0,
            barred: None,
        }
    }

    /// The valid token.
    pub(super) fn valid(&self, now: Moment) -> Option<Issued> {
        let (token, _) = self.token?;
        (now < token.end).then_some(token)
    }

    pub(super) fn active_pause(&self, now: Moment) -> Option<&Pause> {
        self.pause.as_ref().filter(|pause| now < pause.until)
    }

    /// The flight in the air that does not count as lost.
    pub(super) fn current(&self) -> Option<&Flight> {
        self.air.iter().find(|flight| !flight.lost)
    }

    pub(super) fn is_refused(&self, token: Issued, now: Moment) -> bool {
        let same = |refused: &&Issued| refused.id == token.id;
        let refused = self.refused.iter().find(same);
        refused.is_some_and(|refused| now < refused.end)
    }

    /// Every moment that something ends or begins at.
    pub(super) fn moments(&self) -> impl Iterator<Item = Moment> {
        let second = Duration::from_secs(1);
        let token = self.token.into_iter().flat_map(|(token, renew)| {
            let grown = token.requested + YOUNG;
            [grown, renew, token.end]
        });
        let pause = self.pause.iter().flat_map(move |pause| {
            let question = self.asked.filter(|_| pause.after_refusal);
            [Some(pause.until), question.map(|asked| asked + second)]
        });
        let minute = self.row.map(|row| row.first + second * 60);
        token
            .chain(pause.chain([minute]).flatten())
            .chain(self.current().map(|flight| flight.due))
            .chain(self.refused.iter().map(|refused| refused.end))
    }

    pub(super) fn sending(&mut self, number: u64, now: Moment, may_send: bool) -> Check {
        for flight in self.air.iter_mut().filter(|flight| flight.number == number) {
            flight.sent = now;
            if flight.before_revoke && may_send {
                return Err(Broken::SentAfterRevoke);
            }
            if !flight.lost && !flight.before_revoke {
                flight.due = now + ATTEMPT + GRACE;
            }
        }
        Ok(())
    }

    /// The probe under way found other credentials.
    pub(super) fn secret_changed(&mut self) {
        for flight in self.air.iter_mut().filter(|flight| !flight.lost) {
            flight.probe = false;
        }
        self.pause = None;
        self.refusals = 0;
    }

    /// A flight answers.
    pub(super) fn answered(
        &mut self,
        flight: Flight,
        now: Moment,
        draw: Draw,
        answer: RefreshResult<Issued>,
    ) -> WaiterResult<Issued> {
        self.air.retain(|other| other.number != flight.number);
        self.grow(now);
        match answer {
            RefreshResult::Token(token) => self.brought(flight, token, now, draw),
            _ if flight.lost => WaiterResult::Again,
            RefreshResult::Failed(cause) => self.failed(now, draw, cause),
            RefreshResult::Refused(cause) => {
                self.asked = Some(now);
                self.refusals += 1;
                let pause = pauses::refused(self.refusals, draw);
                self.pause_for(pause, now, cause, true)
            }
            RefreshResult::Unchanged => {
                self.asked = Some(now);
                WaiterResult::Again
            }
            RefreshResult::Lost => WaiterResult::Again,
        }
    }

    fn brought(
        &mut self,
        flight: Flight,
        token: Issued,
        now: Moment,
        draw: Draw,
    ) -> WaiterResult<Issued> {
        if flight.before_revoke {
            self.barred = Some(token);
            return WaiterResult::Again;
        }
        if self.is_refused(token, now) {
            return if flight.lost {
                WaiterResult::Again
            } else {
                self.failed(now, draw, ErrorKind::TokenRejected.into())
            };
        }
        if token.end <= now {
            if !flight.lost {
                let pause = self.unhurried(Duration::from_secs(1), now);
                let cause = ErrorKind::TokenExpired(TokenExpired::on_arrival()).into();
                self.pause_for(pause, now, cause, false);
            }
        } else if !flight.lost || self.token.is_none_or(|(held, _)| held.end < token.end) {
            self.save(token, draw);
        }
        WaiterResult::Token(token)
    }

    fn save(&mut self, token: Issued, draw: Draw) {
        if self.token.is_some() {
            self.refused_young = 0;
        }
        if self.refused_young == 0 {
            self.row = None;
        }
        self.pause = None;
        self.refusals = 0;
        let ahead = pauses::ahead(token.end - token.requested, draw);
        self.token = Some((token, token.end - ahead));
    }

    /// The current token is refused.
    pub(super) fn invalidated(&mut self, now: Moment, draw: Draw) {
        self.grow(now);
        let Some(token) = self.give_up() else { return };
        if token.requested + YOUNG <= now {
            return;
        }
        self.refused_young += 1;
        if self.refused_young > 1 {
            self.failed(now, draw, ErrorKind::TokenRejected.into());
        }
    }

    pub(super) fn revoked(&mut self) -> Option<Issued> {
        for flight in &mut self.air {
            flight.before_revoke = true;
        }
        self.refused_young = 0;
        self.give_up()
    }

    fn give_up(&mut self) -> Option<Issued> {
        let (token, _) = self.token.take()?;
        self.refused.insert(0, token);
        self.refused.truncate(4);
        Some(token)
    }

    fn failed(&mut self, now: Moment, draw: Draw, cause: Error) -> WaiterResult<Issued> {
        let row = Failures::one_more(self.row, now);
        self.row = Some(row);
        let pause = match cause.retry_after() {
            Some(wait) => pauses::asked_for(wait, draw),
            None => row.pause(draw),
        };
        self.pause_for(self.unhurried(pause, now), now, cause, false)
    }

    fn pause_for(
        &mut self,
        pause: Duration,
        now: Moment,
        cause: Error,
        after_refusal: bool,
    ) -> WaiterResult<Issued> {
        let mut until = now + pause;
        match self.active_pause(now) {
            Some(longer) if until <= longer.until => until = longer.until,
            _ => {
                self.pause = Some(Pause {
                    until,
                    cause: cause.clone(),
                    after_refusal,
                });
            }
        }
        WaiterResult::Failed(cause.in_pause(until - now))
    }

    fn unhurried(&self, pause: Duration, now: Moment) -> Duration {
        match self.valid(now) {
            Some(_) => pause.max(Duration::from_secs(2)),
            None => pause,
        }
    }

    /// A token that the API took for 10 s ends a row of young ones that it refused.
    pub(super) fn grow(&mut self, now: Moment) {
        let grown = |(token, _): (Issued, Moment)| token.requested + YOUNG <= now;
        if self.refused_young > 0 && self.token.is_some_and(grown) {
            self.refused_young = 0;
            self.row = None;
        }
    }
}

pub(super) const YOUNG: Duration = Duration::from_secs(10);
const GRACE: Duration = Duration::from_secs(1);

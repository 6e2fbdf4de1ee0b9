//! One state of the machine with its ledger: what can happen next, and what then holds.

mod examine;

use std::time::Duration;

use super::{
    ATTEMPT, Broken, Check, CredentialSource, Draw, Event, FINGERPRINTS, Issued, LIFE, Ledger,
    Planted, RefreshPolicy, START, event::With, first_step, model::Flight,
};
use crate::{
    clock::Moment,
    error::{Error, ErrorKind},
    provider::policy::{RefreshResult, WaiterResult},
};

#[derive(Clone)]
pub(super) struct Position {
    pub(super) machine: RefreshPolicy<Issued>,
    pub(super) ledger: Ledger,
    pub(super) now: Moment,
    /// How many tokens have been issued.
    issued: u8,
}

impl Position {
    /// Without a token; with one where nothing can renew it.
    pub(super) fn start(renewal: CredentialSource) -> Self {
        let fixed = (renewal == CredentialSource::None).then_some(Issued {
            id: 0,
            requested: START,
            end: Moment::NEVER,
        });
        Self {
            machine: match fixed {
                Some(token) => RefreshPolicy::fixed(token),
                None => RefreshPolicy::new(renewal, first_step(renewal)),
            },
            ledger: Ledger::new(renewal, fixed),
            now: START,
            issued: 1,
        }
    }

    pub(super) fn events(&self) -> Vec<Event> {
        let mut events = vec![
            Event::Wanted { can_start: true },
            Event::Wanted { can_start: false },
            Event::Revoked,
            Event::Invalidated {
                current: false,
                draw: Draw::ALL[1],
            },
        ];
        if self.ledger.token.is_some() {
            let current = true;
            events.extend(Draw::ALL.map(|draw| Event::Invalidated { current, draw }));
        }
        for flight in &self.ledger.air {
            let number = flight.number;
            events.push(Event::Sending { number });
            if flight.probe && !flight.lost {
                events.push(Event::SecretChanged { number });
            }
            for with in self.answers(flight) {
                let answered = |draw: &Draw| Event::Answered {
                    number,
                    with,
                    draw: *draw,
                };
                events.extend(with.draws().iter().map(answered));
            }
        }
        if self.next_moment().is_some() {
            events.push(Event::Time);
        }
        events
    }

    fn answers(&self, flight: &Flight) -> Vec<With> {
        let failed = With::Failed { retry_after: None };
        if flight.probe {
            return vec![With::Lost, With::Unchanged, failed];
        }
        let mut answers = vec![With::Good, With::ShortLived, failed, With::Refused];
        if !flight.lost {
            answers.extend([With::Lost, With::Restored]);
            answers.extend(RETRY_AFTER.map(|retry_after| With::Failed { retry_after }));
        }
        let refused = self.ledger.refused.len();
        let newest = [true, false].into_iter().take(refused.min(2));
        answers.extend(newest.map(|newest| With::RefusedAgain { newest }));
        answers
    }

    fn next_moment(&self) -> Option<Moment> {
        let later = |moment: &Moment| self.now < *moment && *moment < Moment::NEVER;
        self.ledger.moments().filter(later).min()
    }

    /// What the event leads to.
    pub(super) fn after(&self, event: Event, planted: Option<Planted>) -> Result<Self, Broken> {
        let mut position = self.clone();
        if let Some(planted) = planted {
            planted.before(event, &mut position.machine);
        }
        position.happen(event)?;
        if let Some(planted) = planted {
            planted.after(event, &mut position.machine, position.now);
        }
        if let Event::Invalidated { current: false, .. } = event
            && position.key() != self.key()
        {
            return Err(Broken::AnotherInvalidated);
        }
        let shown = position.machine.snapshot(position.now);
        position.ledger.shown(position.now, shown)?;
        Ok(position)
    }

    fn happen(&mut self, event: Event) -> Check {
        let now = self.now;
        match event {
            Event::Start => {}
            Event::Wanted { can_start } => {
                let (reply, ticket) = self.machine.wanted(now, can_start);
                self.ledger.wanted(now, can_start, &reply, ticket)?;
                self.forget_the_longest_lost();
            }
            Event::Sending { number } => {
                let may_send = self.machine.step(number, now, ATTEMPT);
                self.ledger.sending(number, now, may_send)?;
            }
            Event::SecretChanged { number } => {
                self.machine.secret_changed(number);
                self.ledger.secret_changed();
            }
            Event::Answered { number, with, draw } => {
                let flight = self.flight(number);
                let answer = self.answer(flight, with);
                let outcome = self.machine.ended(number, now, draw.luck(), answer.clone());
                let expected = self.ledger.answered(flight, now, draw, answer);
                if outcome != expected {
                    return Err(match outcome {
                        WaiterResult::Token(token) => self.ledger.serves(token, now).err(),
                        WaiterResult::Failed(_) | WaiterResult::Again => None,
                    }
                    .unwrap_or(Broken::WrongOutcome));
                }
            }
            Event::Invalidated {
                current: true,
                draw,
            } => {
                if let Some((token, _)) = self.ledger.token {
                    let fingerprint = FINGERPRINTS[usize::from(token.id)];
                    self.machine.invalidated(fingerprint, now, draw.luck());
                }
                self.ledger.invalidated(now, draw);
            }
            Event::Invalidated {
                current: false,
                draw,
            } => {
                let refused = self.ledger.refused.first();
                let another = refused.map_or(STRANGER, |token| token.id);
                let fingerprint = FINGERPRINTS[usize::from(another)];
                self.machine.invalidated(fingerprint, now, draw.luck());
            }
            Event::Revoked => {
                let id = |token: Issued| token.id;
                if self.machine.revoked().map(id) != self.ledger.revoked().map(id) {
                    return Err(Broken::WrongReply);
                }
            }
            Event::Time => self.now = self.next_moment().unwrap_or(now),
        }
        Ok(())
    }

    fn flight(&self, number: u64) -> Flight {
        let mut air = self.ledger.air.iter();
        *air.find(|flight| flight.number == number).unwrap()
    }

    fn answer(&mut self, flight: Flight, with: With) -> RefreshResult<Issued> {
        RefreshResult::Token(match with {
            With::Good => self.issue(flight.sent, LIFE),
            With::Restored => self.issue(flight.sent - AGE, LIFE),
            With::ShortLived => self.issue(flight.sent, Duration::ZERO),
            With::RefusedAgain { newest } => {
                let refused = &self.ledger.refused;
                let token = if newest {
                    refused.first()
                } else {
                    refused.last()
                };
                Issued {
                    requested: flight.sent,
                    ..*token.unwrap()
                }
            }
            With::Failed { retry_after } => {
                let failed = Error::from(ErrorKind::Timeout);
                return RefreshResult::Failed(match retry_after {
                    Some(retry_after) => failed.in_pause(retry_after),
                    None => failed,
                });
            }
            With::Refused => return RefreshResult::Refused(Error::configuration("refused")),
            With::Unchanged => return RefreshResult::Unchanged,
            With::Lost => return RefreshResult::Lost,
        })
    }

    fn issue(&mut self, requested: Moment, life: Duration) -> Issued {
        let id = self.issued;
        self.issued += 1;
        let end = requested + life;
        Issued { id, requested, end }
    }

    /// Only so many lost flights still answer.
    fn forget_the_longest_lost(&mut self) {
        let lost = self.ledger.air.iter().filter(|flight| flight.lost);
        let mut too_many = lost.count().saturating_sub(LATE);
        self.ledger.air.retain(|flight| {
            let forgotten = flight.lost && too_many > 0;
            too_many -= usize::from(forgotten);
            !forgotten
        });
    }
}

/// A restored token's age when its flight starts: young no longer, and still valid.
const AGE: Duration = Duration::from_secs(12);

/// Less than the least pause, and more than any in the first minute.
const RETRY_AFTER: [Option<Duration>; 2] = [Some(Duration::ZERO), Some(Duration::from_secs(7))];

/// Lost flights that can still answer.
const LATE: usize = 2;

/// No token of the walk.
const STRANGER: u8 = 31;

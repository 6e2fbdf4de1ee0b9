//! Single rules of the machine, each with its figures.

mod refusals;
mod requests;

use std::{mem::discriminant, time::Duration};

use super::{
    CredentialSource, Decision, RefreshPolicy, RefreshResult, Ticket, Token, WaiterResult,
};
use crate::{
    clock::Moment,
    error::{Error, ErrorKind},
    retry::Jitter,
    token::Fingerprint,
};

/// A machine, and what happens to it.
struct Story {
    machine: RefreshPolicy<Paper>,
    now: Moment,
    luck: Jitter,
}

impl Story {
    fn new(renewal: CredentialSource) -> Self {
        Self {
            machine: RefreshPolicy::new(renewal, first_step(renewal)),
            now: START,
            luck: Jitter::pinned(0.5),
        }
    }

    fn pass(&mut self, by: f64) {
        self.now = self.now + seconds(by);
    }

    fn want(&mut self) -> (Decision<Paper>, Option<Ticket>) {
        self.machine.wanted(self.now, true)
    }

    fn starts(&mut self) -> Ticket {
        let (reply, ticket) = self.want();
        ticket.unwrap_or_else(|| panic!("nothing started: {reply:?}"))
    }

    fn end(&mut self, number: u64, answer: RefreshResult<Paper>) -> WaiterResult<Paper> {
        self.machine.ended(number, self.now, self.luck, answer)
    }

    fn gets(&mut self, token: Paper) {
        let number = self.starts().number;
        let outcome = self.end(number, RefreshResult::Token(token));
        assert_eq!(outcome, WaiterResult::Token(token));
    }

    fn fails(&mut self, retry_after: Option<Duration>) {
        let number = self.starts().number;
        self.end(number, failed(retry_after));
    }

    fn refuse(&mut self, name: &str) {
        let token = Fingerprint::of(name);
        self.machine.invalidated(token, self.now, self.luck);
    }

    /// Waits until a flight can start, and tells how long, in milliseconds.
    fn wait(&mut self) -> u128 {
        let start = self.now;
        while self.machine.clone().wanted(self.now, true).1.is_none() {
            self.now = self.machine.wake(self.now).expect("something to wait for");
        }
        (self.now - start).as_millis()
    }
}

/// A token, as far as the machine looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Paper {
    name: &'static str,
    requested: Moment,
    end: Moment,
}

impl Token for Paper {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.name)
    }

    fn requested(&self) -> Moment {
        self.requested
    }

    fn end(&self) -> Moment {
        self.end
    }
}

fn token(name: &'static str, requested: Moment, life: u64) -> Paper {
    Paper {
        name,
        requested,
        end: requested + Duration::from_secs(life),
    }
}

fn failed(retry_after: Option<Duration>) -> RefreshResult<Paper> {
    let error = Error::from(ErrorKind::Timeout);
    RefreshResult::Failed(match retry_after {
        Some(retry_after) => error.in_pause(retry_after),
        None => error,
    })
}

fn left(outcome: &WaiterResult<Paper>) -> Duration {
    match outcome {
        WaiterResult::Failed(error) => error.retry_after().expect("a pause"),
        other => panic!("no pause: {other:?}"),
    }
}

fn refused() -> RefreshResult<Paper> {
    RefreshResult::Refused(Error::configuration("refused"))
}

fn error(outcome: &WaiterResult<Paper>) -> &Error {
    match outcome {
        WaiterResult::Failed(error) => error,
        other => panic!("no failure: {other:?}"),
    }
}

fn first_step(renewal: CredentialSource) -> Duration {
    seconds(if renewal == CredentialSource::Dynamic {
        3.0
    } else {
        10.0
    })
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

impl<T: PartialEq> PartialEq for Decision<T> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Serve(token), Self::Serve(other)) => token == other,
            (Self::Wait { due }, Self::Wait { due: other }) => due == other,
            (Self::Fail(error), Self::Fail(other)) => is_same_failure(error, other),
            _ => false,
        }
    }
}

impl<T: PartialEq> PartialEq for WaiterResult<T> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Token(token), Self::Token(other)) => token == other,
            (Self::Failed(error), Self::Failed(other)) => is_same_failure(error, other),
            (Self::Again, Self::Again) => true,
            _ => false,
        }
    }
}

/// Whether two errors are of one kind and leave the same rest of a pause.
pub(super) fn is_same_failure(error: &Error, other: &Error) -> bool {
    let facts = |error: &Error| {
        let kind = discriminant(error.kind());
        (kind, error.is_transient(), error.retry_after())
    };
    facts(error) == facts(other)
}

const START: Moment = Moment::from_nanos(1_000_000_000_000_000);

//! Single rules of the machine, each with its figures.

mod refusals;
mod requests;

use std::time::Duration;

use super::{
    Cause, CredentialSource, Decision, RefreshPolicy, RefreshResult, Ticket, Token, WaiterResult,
};
use crate::{clock::Moment, retry::Jitter, token::Fingerprint};

/// A machine, and what happens to it.
struct Story {
    machine: RefreshPolicy<Paper, &'static str>,
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

    fn want(&mut self) -> (Decision<Paper, &'static str>, Option<Ticket>) {
        self.machine.wanted(self.now, true)
    }

    fn starts(&mut self) -> Ticket {
        let (reply, ticket) = self.want();
        ticket.unwrap_or_else(|| panic!("nothing started: {reply:?}"))
    }

    fn end(
        &mut self,
        number: u64,
        answer: RefreshResult<Paper, &'static str>,
    ) -> WaiterResult<Paper, &'static str> {
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

fn failed(retry_after: Option<Duration>) -> RefreshResult<Paper, &'static str> {
    RefreshResult::Failed {
        cause: "failed",
        retry_after,
    }
}

fn left(outcome: &WaiterResult<Paper, &'static str>) -> Duration {
    match outcome {
        WaiterResult::Failed { left, .. } => *left,
        other => panic!("no pause: {other:?}"),
    }
}

fn cause(outcome: &WaiterResult<Paper, &'static str>) -> Cause<&'static str> {
    match outcome {
        WaiterResult::Failed { cause, .. } => cause.clone(),
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

const START: Moment = Moment::from_nanos(1_000_000_000_000_000);

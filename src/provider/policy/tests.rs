//! Single rules of the policy, each with its figures.

mod queries;
mod rejections;
mod requests;

use std::{mem::discriminant, time::Duration};

use super::{
    RefreshPolicy,
    types::{CredentialSource, Decision, RefreshResult, Ticket, Token, WaiterResult},
};
use crate::{
    clock::Moment,
    error::{Error, ErrorKind},
    retry::Jitter,
    token::Fingerprint,
};

/// A policy, and what happens to it.
struct Story {
    policy: RefreshPolicy<TestToken>,
    now: Moment,
    jitter: Jitter,
}

impl Story {
    fn new(source: CredentialSource) -> Self {
        Self {
            policy: RefreshPolicy::new(source, first_step(source)),
            now: START,
            jitter: Jitter::pinned(0.5),
        }
    }

    fn pass(&mut self, by: f64) {
        self.now = self.now + seconds(by);
    }

    fn decide(&mut self) -> (Decision<TestToken>, Option<Ticket>) {
        self.policy.decide(self.now, true)
    }

    fn start(&mut self) -> Ticket {
        let (decision, started) = self.decide();
        started.unwrap_or_else(|| panic!("nothing started: {decision:?}"))
    }

    fn end(&mut self, ticket: Ticket, result: RefreshResult<TestToken>) -> WaiterResult<TestToken> {
        self.policy
            .end_refresh(ticket, self.now, self.jitter, result)
    }

    fn run(&mut self, result: RefreshResult<TestToken>) -> WaiterResult<TestToken> {
        let ticket = self.start();
        self.end(ticket, result)
    }

    fn get(&mut self, token: TestToken) {
        let outcome = self.run(RefreshResult::Token(token));
        assert_eq!(outcome, WaiterResult::Token(token));
    }

    fn reject(&mut self, name: &str) {
        let token = Fingerprint::from_token(name);
        self.policy.invalidate(token, self.now, self.jitter);
    }

    /// Waits until a refresh can start, and returns the milliseconds that this took.
    fn wait_for_start(&mut self) -> u128 {
        let start = self.now;
        while self.policy.clone().decide(self.now, true).1.is_none() {
            self.now = self.policy.wake_at(self.now).expect("a moment to wait for");
        }
        (self.now - start).as_millis()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TestToken {
    name: &'static str,
    requested: Moment,
    end: Moment,
}

impl Token for TestToken {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::from_token(self.name)
    }

    fn requested(&self) -> Moment {
        self.requested
    }

    fn end(&self) -> Moment {
        self.end
    }
}

fn token(name: &'static str, requested: Moment, life: u64) -> TestToken {
    TestToken {
        name,
        requested,
        end: requested + Duration::from_secs(life),
    }
}

fn failed(retry_after: Option<Duration>) -> RefreshResult<TestToken> {
    let error = Error::from(ErrorKind::Timeout);
    RefreshResult::Failed(match retry_after {
        Some(retry_after) => error.in_pause(retry_after),
        None => error,
    })
}

fn invalid_credentials() -> RefreshResult<TestToken> {
    RefreshResult::InvalidCredentials(Error::configuration("invalid"))
}

fn error(outcome: &WaiterResult<TestToken>) -> &Error {
    match outcome {
        WaiterResult::Failed(error) => error,
        other => panic!("no failure: {other:?}"),
    }
}

fn pause(outcome: &WaiterResult<TestToken>) -> Duration {
    error(outcome).retry_after().expect("a pause")
}

fn first_step(source: CredentialSource) -> Duration {
    seconds(if source == CredentialSource::Dynamic {
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
            (Self::Wait { until }, Self::Wait { until: other }) => until == other,
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
            (Self::AskAgain, Self::AskAgain) => true,
            _ => false,
        }
    }
}

/// Whether two errors are of the same kind and have the same rest of a pause.
fn is_same_failure(error: &Error, other: &Error) -> bool {
    let facts = |error: &Error| {
        let kind = discriminant(error.kind());
        (kind, error.is_transient(), error.retry_after())
    };
    facts(error) == facts(other)
}

const START: Moment = Moment::from_nanos(1_000_000_000_000_000);

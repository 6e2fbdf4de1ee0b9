//! Walks the policy breadth first: visits every state that a number of events can lead to, and
//! checks the invariants in each.

mod invariants;
mod model;
mod mutants;
mod scenarios;
mod state_hash;
mod step;

use std::{collections::HashSet, sync::LazyLock, time::Duration};

use invariants::Violation;
use mutants::Mutant;
use step::{Event, State};

use super::types::{CredentialSource, Token};
use crate::{clock::Moment, retry::Jitter, token::Fingerprint};

/// A token of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Issued {
    id: u8,
    requested: Moment,
    end: Moment,
}

impl Token for Issued {
    fn fingerprint(&self) -> Fingerprint {
        FINGERPRINTS[usize::from(self.id)]
    }

    fn requested(&self) -> Moment {
        self.requested
    }

    fn end(&self) -> Moment {
        self.end
    }
}

/// Visits every state that up to `depth` events lead to. Returns the first violated invariant, and
/// the events that led there.
fn walk(start: State, depth: usize, mutant: Option<Mutant>) -> Result<(), (Violation, Vec<Event>)> {
    start
        .check(mutant)
        .map_err(|violation| (violation, Vec::new()))?;
    let mut hashes = HashSet::from([start.hash()]);
    let mut front = vec![(start, Vec::new())];
    for _ in 0..depth {
        let mut next = Vec::new();
        for (state, path) in &front {
            for event in state.events() {
                let path = || [path.as_slice(), &[event]].concat();
                let found = |violation| (violation, path());
                let after = state.after(event, mutant).map_err(found)?;
                if hashes.insert(after.hash()) {
                    after.check(mutant).map_err(found)?;
                    next.push((after, path()));
                }
            }
        }
        front = next;
    }
    Ok(())
}

/// The maximum time of a refresh's first step.
fn first_step(source: CredentialSource) -> Duration {
    match source {
        CredentialSource::Dynamic => SOURCE_LIMIT,
        CredentialSource::Static | CredentialSource::None => ATTEMPT,
    }
}

fn assert_no_violation(name: &str, start: State, depth: usize) {
    if let Err((violation, path)) = walk(start, depth, None) {
        panic!("{name}: {violation:?} after {path:?}");
    }
}

#[test]
fn static_credentials_violate_no_invariant() {
    assert_no_violation("start", State::new(CredentialSource::Static), DEPTH);
}

#[test]
fn dynamic_credentials_violate_no_invariant() {
    assert_no_violation("start", State::new(CredentialSource::Dynamic), DEPTH);
}

#[test]
fn a_fixed_token_violates_no_invariant() {
    assert_no_violation("start", State::new(CredentialSource::None), DEPTH);
}

#[test]
fn long_trouble_violates_no_invariant() {
    for source in [CredentialSource::Static, CredentialSource::Dynamic] {
        for (trouble, state) in scenarios::after_trouble(&State::new(source)) {
            let name = format!("{trouble}, {source:?}");
            assert_no_violation(&name, state, DEPTH_AFTER_TROUBLE);
        }
    }
}

#[test]
fn every_mutant_violates_its_invariant() {
    for (mutant, expected) in mutants::ALL {
        match walk(State::new(CredentialSource::Dynamic), DEPTH, Some(mutant)) {
            Ok(()) => panic!("{mutant:?} was not found"),
            Err((violation, path)) => assert_eq!(violation, expected, "{mutant:?}: {path:?}"),
        }
    }
}

/// The lowest, the middle and the highest jitter.
const JITTERS: [Jitter; 3] = [Jitter::pinned(0.0), MIDDLE, Jitter::pinned(1.0)];
const MIDDLE: Jitter = Jitter::pinned(0.5);

const DEPTH: usize = 11;
const DEPTH_AFTER_TROUBLE: usize = 8;

/// The time limits of a token request and of the credential source.
const ATTEMPT: Duration = Duration::from_secs(4);
const SOURCE_LIMIT: Duration = Duration::from_secs(2);

/// The life of a token: twice the time in which a rejection counts as early.
const LIFE: Duration = Duration::from_secs(20);

const START: Moment = Moment::from_nanos(1_000_000_000_000_000);

static FINGERPRINTS: LazyLock<[Fingerprint; 32]> =
    LazyLock::new(|| std::array::from_fn(|id| Fingerprint::of(&id.to_string())));

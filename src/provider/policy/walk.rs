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

/// A violated invariant, and the events that led there.
type Found = (Violation, Vec<Event>);

struct Walk {
    mutant: Option<Mutant>,
    hashes: HashSet<u128>,
    /// How each state was reached: the index of the state before it, and the event.
    trail: Vec<(usize, Event)>,
}

impl Walk {
    fn new(mutant: Option<Mutant>) -> Self {
        Self {
            mutant,
            hashes: HashSet::new(),
            trail: vec![(0, Event::Start)],
        }
    }

    /// Visits every state that up to `depth` events lead to.
    fn visit_all(&mut self, start: State, depth: usize) -> Result<(), Found> {
        let mut front = Vec::new();
        self.visit(0, Event::Start, Ok(start), &mut front)?;
        for _ in 0..depth {
            let mut next = Vec::new();
            for (from, state) in &front {
                for event in state.events() {
                    let after = state.after(event, self.mutant);
                    self.visit(*from, event, after, &mut next)?;
                }
            }
            front = next;
        }
        Ok(())
    }

    /// Checks a state and adds it to `front`, unless it was visited before.
    fn visit(
        &mut self,
        from: usize,
        event: Event,
        state: Result<State, Violation>,
        front: &mut Vec<(usize, State)>,
    ) -> Result<(), Found> {
        let found = |violation| (violation, path(&self.trail, from, event));
        let state = state.map_err(found)?;
        if self.hashes.insert(state.hash()) {
            state.check(self.mutant).map_err(found)?;
            front.push((self.trail.len(), state));
            self.trail.push((from, event));
        }
        Ok(())
    }
}

/// The events that led to the state with the index `at`, and `last`.
fn path(trail: &[(usize, Event)], mut at: usize, last: Event) -> Vec<Event> {
    let mut path = vec![last];
    while at > 0 {
        let (from, event) = trail[at];
        path.push(event);
        at = from;
    }
    path.reverse();
    path
}

/// The maximum time of a refresh's first step.
fn first_step(source: CredentialSource) -> Duration {
    match source {
        CredentialSource::Dynamic => SOURCE_LIMIT,
        CredentialSource::Static | CredentialSource::None => ATTEMPT,
    }
}

fn assert_no_violation(name: &str, start: State, depth: usize) {
    let mut walk = Walk::new(None);
    if let Err((violation, path)) = walk.visit_all(start, depth) {
        panic!("{name}: {violation:?} after {path:?}");
    }
}

#[test]
fn static_credentials_violate_no_invariant() {
    let start = State::new(CredentialSource::Static);
    assert_no_violation("static credentials", start, DEPTH);
}

#[test]
fn dynamic_credentials_violate_no_invariant() {
    let start = State::new(CredentialSource::Dynamic);
    assert_no_violation("dynamic credentials", start, DEPTH);
}

#[test]
fn a_fixed_token_violates_no_invariant() {
    let start = State::new(CredentialSource::None);
    assert_no_violation("fixed token", start, DEPTH);
}

#[test]
fn long_trouble_violates_no_invariant() {
    for source in [CredentialSource::Static, CredentialSource::Dynamic] {
        for (trouble, state) in scenarios::after_trouble(&State::new(source)) {
            assert_no_violation(
                &format!("{trouble}, {source:?}"),
                state,
                DEPTH_AFTER_TROUBLE,
            );
        }
    }
}

#[test]
fn every_mutant_violates_its_invariant() {
    for (mutant, expected) in mutants::ALL {
        let mut walk = Walk::new(Some(mutant));
        let found = walk.visit_all(State::new(CredentialSource::Dynamic), DEPTH);
        let Err((violation, path)) = found else {
            panic!("{mutant:?} was not found");
        };
        assert_eq!(violation, expected, "{mutant:?}: {path:?}");
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
    LazyLock::new(|| std::array::from_fn(|id| Fingerprint::from_token(&id.to_string())));

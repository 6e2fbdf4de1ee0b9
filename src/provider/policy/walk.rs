//! The machine, walked breadth first: every state that so many events can lead to is checked against
//! a ledger of the walk's own.

mod event;
mod model;
mod mutants;
mod pauses;
mod scenarios;
mod state_hash;
mod step;

use std::{collections::HashSet, sync::LazyLock, time::Duration};

use self::{event::Event, model::Ledger, mutants::Planted, step::Position};
use super::{CredentialSource, RefreshPolicy, Token};
use crate::{clock::Moment, retry::Jitter, token::Fingerprint};

/// A token that the walk made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// The lowest, the middle and the highest luck.
#[derive(Clone, Copy, Debug)]
struct Draw(u8);

impl Draw {
    const ALL: [Self; 3] = [Self(0), Self(1), Self(2)];

    fn luck(self) -> Jitter {
        Jitter::pinned(f64::from(self.0) / 2.0)
    }

    /// `low` at the lowest luck and two steps more at the highest.
    fn pick(self, low: u32, step: u32) -> u32 {
        low + step * u32::from(self.0)
    }
}

/// A promise of the machine that it broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    /// A flight starts while another is in the air and not lost.
    TwoFlights,
    /// A flight starts where none can or nobody may.
    NotToStart,
    /// A request starts inside a pause.
    RequestInPause,
    /// The source is asked in a pause sooner than a second after the last time.
    ProbeTooSoon,
    /// A valid token is renewed ahead of its time.
    RenewedTooSoon,
    /// Nothing starts although it is time.
    NothingStarted,
    /// A token is served or shown after its end.
    ExpiredServed,
    /// A token is served or shown that was invalidated or revoked.
    RefusedServed,
    /// A token is served or shown that a flight from before a revoke brought.
    SavedAfterRevoke,
    /// A flight from before a revoke sends a request.
    SentAfterRevoke,
    /// Another token than the current one is served or shown.
    StrangerServed,
    /// A valid token is not served or not shown.
    ValidWithheld,
    /// A caller waits for nothing, or fails for another cause or another time than the pause's.
    WrongReply,
    /// Those who wait for a flight get another outcome than its answer gives.
    WrongOutcome,
    /// The snapshot promises more than the token's life, or skips something that is due.
    ShownTooLong,
    /// Nothing is to be done when the snapshot ends.
    ShownTooShort,
    /// Asking again at once is all that the machine proposes.
    BusyLoop,
    /// Time and a good answer bring no token.
    Stuck,
    /// Invalidating another token than the current one changed something.
    AnotherInvalidated,
}

type Check = Result<(), Broken>;

/// A promise that was broken, and the events that led there.
type Found = (Broken, Vec<Event>);

struct Walk {
    /// A mistake that the machine is made to make.
    planted: Option<Planted>,
    keys: HashSet<u128>,
    /// How each state was reached: from which other, and by what.
    trail: Vec<(usize, Event)>,
    steps: usize,
}

impl Walk {
    fn new(planted: Option<Planted>) -> Self {
        Self {
            planted,
            keys: HashSet::new(),
            trail: vec![(0, Event::Start)],
            steps: 0,
        }
    }

    /// Every distinct state that up to `depth` events lead to.
    fn from(&mut self, start: Position, depth: usize) -> Result<(), Found> {
        let mut front = Vec::new();
        self.enter(0, Event::Start, Ok(start), &mut front)?;
        for _ in 0..depth {
            let mut next = Vec::new();
            for (from, position) in &front {
                for event in position.events() {
                    self.steps += 1;
                    let after = position.after(event, self.planted);
                    self.enter(*from, event, after, &mut next)?;
                }
            }
            front = next;
        }
        Ok(())
    }

    /// Takes a state in, unless it is known.
    fn enter(
        &mut self,
        from: usize,
        event: Event,
        position: Result<Position, Broken>,
        front: &mut Vec<(usize, Position)>,
    ) -> Result<(), Found> {
        let found = |broken| (broken, path(&self.trail, from, event));
        let position = position.map_err(found)?;
        if self.keys.insert(position.key()) {
            position.examine(self.planted).map_err(found)?;
            front.push((self.trail.len(), position));
            self.trail.push((from, event));
        }
        Ok(())
    }
}

/// The events that led to a state, and `last`.
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

/// How long the first step of a flight may take.
fn first_step(renewal: CredentialSource) -> Duration {
    match renewal {
        CredentialSource::Dynamic => QUESTION,
        CredentialSource::Static | CredentialSource::None => ATTEMPT,
    }
}

/// Walks the machine as it is.
fn holds(name: &str, start: Position, depth: usize) {
    let mut walk = Walk::new(None);
    let found = walk.from(start, depth);
    let (states, steps) = (walk.keys.len(), walk.steps);
    eprintln!("{name}: {states} states within {depth} events, {steps} steps");
    if let Err((broken, path)) = found {
        panic!("{name}: {broken:?} after {path:?}");
    }
}

#[test]
fn every_promise_holds_with_credentials_that_stay() {
    holds(
        "fixed credentials",
        Position::start(CredentialSource::Static),
        DEPTH,
    );
}

#[test]
fn every_promise_holds_with_credentials_that_change() {
    holds(
        "asked credentials",
        Position::start(CredentialSource::Dynamic),
        DEPTH,
    );
}

#[test]
fn every_promise_holds_with_a_token_that_nothing_renews() {
    holds(
        "fixed token",
        Position::start(CredentialSource::None),
        DEPTH,
    );
}

#[test]
fn every_promise_holds_after_long_trouble() {
    for renewal in [CredentialSource::Static, CredentialSource::Dynamic] {
        for (trouble, position) in scenarios::after_trouble(&Position::start(renewal)) {
            holds(&format!("{trouble}, {renewal:?}"), position, FURTHER);
        }
    }
}

#[test]
fn planted_mistakes_are_found() {
    for (planted, promise) in mutants::ALL {
        let mut walk = Walk::new(Some(planted));
        let found = walk.from(Position::start(CredentialSource::Dynamic), DEPTH);
        let Err((broken, path)) = found else {
            panic!("{planted:?} was not found");
        };
        let (states, depth) = (walk.keys.len(), path.len() - 1);
        eprintln!("{planted:?}: {broken:?} after {depth} events, {states} states");
        assert_eq!(broken, promise, "{planted:?}: {path:?}");
    }
}

/// How many events a walk goes from the start.
const DEPTH: usize = 11;

/// How many events a walk goes after trouble.
const FURTHER: usize = 8;

/// How long a request may take, and the question for credentials that may change.
const ATTEMPT: Duration = Duration::from_secs(4);
const QUESTION: Duration = Duration::from_secs(2);

/// How long a token lives: twice as long as it is young.
const LIFE: Duration = Duration::from_secs(20);

const START: Moment = Moment::from_nanos(1_000_000_000_000_000);

static FINGERPRINTS: LazyLock<[Fingerprint; 32]> =
    LazyLock::new(|| std::array::from_fn(|id| Fingerprint::of(&id.to_string())));

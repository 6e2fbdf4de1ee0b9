//! What the machine is told, and what it says.

use std::time::Duration;

use crate::{
    clock::Moment,
    error::Error,
    token::{AccessToken, Fingerprint},
};

/// A token, as far as its life goes.
pub(crate) trait Token: Clone {
    fn fingerprint(&self) -> Fingerprint;
    /// The moment before its request was sent.
    fn requested(&self) -> Moment;
    fn end(&self) -> Moment;
}

/// How a new token can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum CredentialSource {
    /// Not at all.
    None,
    /// With credentials that stay what they are.
    Static,
    /// With credentials whose source may give others later.
    Dynamic,
}

impl Token for AccessToken {
    fn fingerprint(&self) -> Fingerprint {
        self.fingerprint()
    }

    fn requested(&self) -> Moment {
        self.requested()
    }

    fn end(&self) -> Moment {
        self.end()
    }
}

/// What a caller receives.
#[derive(Clone, Debug)]
pub(crate) enum Decision<T = AccessToken> {
    Serve(T),
    /// Wait for the flight under way, but not beyond `due`; then ask again.
    Wait {
        due: Moment,
    },
    /// In a pause, `retry_after()` is the rest of it.
    Fail(Error),
}

/// A flight to be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) number: u64,
    pub(crate) probe: bool,
}

/// How a flight ended.
#[derive(Clone, Debug)]
pub(crate) enum RefreshResult<T = AccessToken> {
    Token(T),
    Failed(Error),
    /// The credentials were refused, and the source has no others.
    Refused(Error),
    /// A probe found the same credentials.
    Unchanged,
    /// Its runtime ended before it did.
    Lost,
}

/// The current token is given up, since the API refused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// The time since it was asked for.
    pub(crate) age: Duration,
    /// What it counts as, where it was not the first that was refused young.
    pub(crate) pause: Option<Duration>,
}

/// What all who waited for a flight get.
#[derive(Clone, Debug)]
pub(crate) enum WaiterResult<T = AccessToken> {
    Token(T),
    /// `retry_after()` is the rest of the pause.
    Failed(Error),
    /// Ask the machine again.
    Again,
}

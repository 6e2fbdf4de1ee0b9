//! What the state is made of.

use crate::{clock::Moment, error::Error};

/// The token that is served until its end.
#[derive(Clone, Debug)]
pub(super) struct Held<T> {
    pub(super) token: T,
    pub(super) renew: Moment,
}

/// A token request on its way, from the question for the credentials to the answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) number: u64,
    /// From then on it counts as lost.
    pub(super) due: Moment,
    /// Only asks the source whether the credentials changed, unless they did.
    pub(super) probe: bool,
}

/// No token request until then.
#[derive(Clone, Debug)]
pub(super) struct Pause {
    pub(super) until: Moment,
    pub(super) cause: Error,
    /// Ends as soon as the source gives other credentials.
    pub(super) refused: bool,
}

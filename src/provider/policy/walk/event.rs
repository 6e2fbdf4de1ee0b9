//! What can happen to the machine.

use std::time::Duration;

use super::Draw;

#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// Nothing yet.
    Start,
    Wanted {
        can_start: bool,
    },
    /// A flight sends its request.
    Sending {
        number: u64,
    },
    SecretChanged {
        number: u64,
    },
    /// A flight answers; it counts as late where it is lost.
    Answered {
        number: u64,
        with: With,
        draw: Draw,
    },
    Invalidated {
        current: bool,
        draw: Draw,
    },
    Revoked,
    /// Time passes to the next moment at which anything ends or begins.
    Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum With {
    Good,
    /// A token out of a store, asked for long before the flight.
    Restored,
    /// A token without life.
    ShortLived,
    /// The refused token: the newest, or the oldest that is remembered.
    RefusedAgain {
        newest: bool,
    },
    Failed {
        retry_after: Option<Duration>,
    },
    Refused,
    Unchanged,
    Lost,
}

impl With {
    /// The draws that the answer tells apart.
    pub(super) fn draws(self) -> &'static [Draw] {
        match self {
            Self::ShortLived | Self::Unchanged | Self::Lost => &Draw::ALL[1..2],
            _ => &Draw::ALL,
        }
    }
}

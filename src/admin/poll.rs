//! Asks again until something has happened.

use std::time::Duration;

use crate::{
    client::PlatformClient,
    clock::{Clock, Moment},
};

/// The pauses between requests for the same thing: 0.5, 1, 2, 4, 5, 5 … s, until the time is over.
pub(super) struct Poll {
    clock: Clock,
    deadline: Moment,
    pause: Duration,
}

impl Poll {
    pub(super) fn new(api: &PlatformClient, limit: Duration) -> Self {
        let clock = api.tokens().clock().clone();
        Self {
            deadline: clock.now() + limit,
            clock,
            pause: FIRST_PAUSE,
        }
    }

    /// Waits until it is time to ask again. Returns `false` if the time is over.
    pub(super) async fn wait(&mut self) -> bool {
        let now = self.clock.now();
        let left = self.deadline - now;
        if left.is_zero() {
            return false;
        }
        let pause = self.pause.min(left);
        self.pause = (self.pause * 2).min(MAX_PAUSE);
        self.clock.sleep_until(now + pause).await;
        true
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(5);

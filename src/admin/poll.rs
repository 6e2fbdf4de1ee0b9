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
    pauses: u32,
}

impl Poll {
    pub(super) fn new(api: &PlatformClient, limit: Duration) -> Self {
        let clock = api.tokens().clock().clone();
        Self {
            deadline: clock.now() + limit,
            clock,
            pauses: 0,
        }
    }

    /// Waits until it is time to ask again. Returns `false` if the time is over.
    pub(super) async fn wait(&mut self) -> bool {
        let now = self.clock.now();
        let left = self.deadline - now;
        if left.is_zero() {
            return false;
        }
        let pause = pause_after(self.pauses).min(left);
        self.pauses = self.pauses.saturating_add(1);
        self.clock.sleep_until(now + pause).await;
        true
    }
}

/// The pause after this number of pauses.
fn pause_after(pauses: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(pauses));
    doubled.min(MAX_PAUSE)
}

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_from_half_a_second_to_five() {
        let pauses = (0..6).map(|pauses| pause_after(pauses).as_millis());
        let expected = [500, 1_000, 2_000, 4_000, 5_000, 5_000];
        assert_eq!(pauses.collect::<Vec<_>>(), expected);
        assert_eq!(pause_after(u32::MAX), MAX_PAUSE);
    }
}

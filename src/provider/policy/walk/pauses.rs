//! The pauses, written down a second time.

use std::time::Duration;

use super::Draw;
use crate::clock::Moment;

/// Transient failures in a row.
#[derive(Clone, Copy, Hash)]
pub(super) struct Failures {
    pub(super) first: Moment,
    pub(super) in_first_minute: usize,
    pub(super) later: usize,
}

impl Failures {
    pub(super) fn one_more(row: Option<Self>, now: Moment) -> Self {
        let mut row = row.unwrap_or(Self {
            first: now,
            in_first_minute: 0,
            later: 0,
        });
        if now < row.first + Duration::from_secs(60) {
            row.in_first_minute += 1;
        } else {
            row.later += 1;
        }
        row
    }

    pub(super) fn pause(self, draw: Draw) -> Duration {
        let pauses: &[u32] = match self.later {
            0 => &[500, 1_000, 2_000],
            _ => &[4_000, 8_000, 16_000, 30_000],
        };
        let failures = if self.later > 0 {
            self.later
        } else {
            self.in_first_minute
        };
        spread(pauses[failures.min(pauses.len()) - 1], draw)
    }
}

/// After the `refusals`th time that the credentials were refused.
pub(super) fn refused(refusals: usize, draw: Draw) -> Duration {
    let seconds = [5, 10, 20, 40, 80, 160, 300];
    spread(seconds[refusals.min(seconds.len()) - 1] * 1_000, draw)
}

/// What the token endpoint asked for.
pub(super) fn asked_for(wait: Duration, draw: Draw) -> Duration {
    let wait = wait + Duration::from_millis(draw.pick(0, 250).into());
    wait.clamp(Duration::from_millis(500), Duration::from_secs(15 * 60))
}

/// How long before its end a token of `life` is renewed; lives of up to 40 minutes only.
pub(super) fn ahead(life: Duration, draw: Draw) -> Duration {
    life * draw.pick(15, 5) / 100
}

fn spread(millis: u32, draw: Draw) -> Duration {
    Duration::from_millis((millis / 10 * draw.pick(8, 2)).into())
}

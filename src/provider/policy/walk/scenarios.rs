//! States too far from the start for a walk to reach them.

use super::{Draw, Event, Position, event::With};

/// Each with what happened before.
pub(super) fn after_trouble(start: &Position) -> [(&'static str, Position); 4] {
    let mut refused_young = start.clone();
    for _ in 0..3 {
        refused_young = refused_young
            .later(WANTED)
            .answered(With::Good)
            .then(REFUSED);
    }
    let mut four_refused = start.clone();
    for _ in 0..4 {
        four_refused = four_refused
            .later(WANTED)
            .answered(With::Restored)
            .then(REFUSED);
    }
    let mut outage = start.clone();
    for _ in 0..20 {
        let failed = With::Failed { retry_after: None };
        outage = outage.later(WANTED).answered(failed);
    }
    let mut held = start.then(WANTED).answered(With::Good);
    while held.ledger.in_time(held.now) {
        held = held.then(Event::Time);
    }
    let secret_revoked = held.then(WANTED).answered(With::Refused);
    [
        ("every token refused young", refused_young),
        ("four tokens refused", four_refused),
        ("a long outage", outage),
        ("credentials refused, token in hand", secret_revoked),
    ]
}

impl Position {
    fn then(&self, event: Event) -> Self {
        match self.after(event, None) {
            Ok(position) => position,
            Err(broken) => panic!("{broken:?} after {event:?}"),
        }
    }

    /// Once the pause is over.
    fn later(&self, event: Event) -> Self {
        let mut position = self.clone();
        while position.ledger.active_pause(position.now).is_some() {
            position = position.then(Event::Time);
        }
        position.then(event)
    }

    fn answered(&self, with: With) -> Self {
        let number = self.ledger.current().unwrap().number;
        self.then(Event::Answered {
            number,
            with,
            draw: MIDDLE,
        })
    }
}

const MIDDLE: Draw = Draw::ALL[1];

const WANTED: Event = Event::Wanted { can_start: true };

const REFUSED: Event = Event::Invalidated {
    current: true,
    draw: MIDDLE,
};

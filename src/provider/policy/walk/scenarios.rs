//! States that are too many events away from the start for a walk to reach them.

use super::{
    MIDDLE,
    step::{DECIDE, End, Event, State},
};

/// Each state with the name of the trouble that led there.
pub(super) fn after_trouble(start: &State) -> [(&'static str, State); 4] {
    let repeated = |times, end, and: Option<Event>| {
        (0..times).fold(start.clone(), |state, _| {
            let ended = state.after_pause().then(DECIDE).ended(end);
            and.map_or(ended.clone(), |event| ended.then(event))
        })
    };
    let mut renewal_due = start.then(DECIDE).ended(End::Token);
    while renewal_due
        .model
        .token
        .is_some_and(|token| renewal_due.now < token.renew_by())
    {
        renewal_due = renewal_due.then(Event::Time);
    }
    let secret_revoked = renewal_due.then(DECIDE).ended(End::InvalidCredentials);
    [
        (
            "every token rejected early",
            repeated(3, End::Token, Some(INVALIDATE)),
        ),
        (
            "four tokens rejected",
            repeated(4, End::StoredToken, Some(INVALIDATE)),
        ),
        ("a long outage", repeated(20, End::Failed(None), None)),
        ("invalid credentials and a valid token", secret_revoked),
    ]
}

impl State {
    fn then(&self, event: Event) -> Self {
        match self.after(event, None) {
            Ok(state) => state,
            Err(violation) => panic!("{violation:?} after {event:?}"),
        }
    }

    fn after_pause(&self) -> Self {
        let mut state = self.clone();
        while state.model.active_pause(state.now).is_some() {
            state = state.then(Event::Time);
        }
        state
    }

    fn ended(&self, end: End) -> Self {
        let generation = self.model.running().unwrap().ticket.generation;
        self.then(Event::End(generation, end, MIDDLE))
    }
}

const INVALIDATE: Event = Event::Invalidate(MIDDLE);

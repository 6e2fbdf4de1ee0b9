//! What holds in every state, whatever happens next.

use std::time::Duration;

use super::{Broken, Check, CredentialSource, Draw, Event, Planted, Position, With};
use crate::{clock::Moment, provider::policy::Decision};

impl Position {
    /// Everything that can be checked without an event.
    pub(in super::super) fn examine(&self, planted: Option<Planted>) -> Check {
        self.is_calm(planted)?;
        self.shows_the_right_time()?;
        if let Some(next) = self.next_moment() {
            let mut before = self.clone();
            before.now = next - NANOSECOND;
            before.is_calm(planted)?;
        }
        self.recovers(planted)
    }

    /// Who asked once has nothing more to ask at the same moment.
    fn is_calm(&self, planted: Option<Planted>) -> Check {
        let asked = self.after(Event::Wanted { can_start: true }, planted)?;
        let now = asked.now;
        let shown = asked.machine.snapshot(now).map(|(_, until)| until);
        let wake = asked.machine.wake(now);
        if [shown, wake]
            .into_iter()
            .flatten()
            .any(|until| until <= now)
        {
            return Err(Broken::BusyLoop);
        }
        Ok(())
    }

    /// Until the snapshot ends there is nothing to ask for, and from then on there is.
    fn shows_the_right_time(&self) -> Check {
        let Some((_, until)) = self.machine.snapshot(self.now) else {
            return Ok(());
        };
        let asked = |now| self.machine.clone().wanted(now, true);
        if self.now < until {
            for now in [self.now, until - NANOSECOND] {
                let (reply, ticket) = asked(now);
                if ticket.is_some() || !matches!(reply, Decision::Serve(_)) {
                    return Err(Broken::ShownTooLong);
                }
            }
        }
        match asked(until) {
            _ if until == Moment::NEVER => Ok(()),
            (Decision::Serve(_), None) => Err(Broken::ShownTooShort),
            _ => Ok(()),
        }
    }

    /// Once what is under way is lost and the pause is over, a good answer brings a token.
    fn recovers(&self, planted: Option<Planted>) -> Check {
        let mut position = self.clone();
        let flight = self.ledger.current().map(|flight| flight.due);
        let pause = self.ledger.pause.as_ref().map(|pause| pause.until);
        position.now = self.now.max(flight.max(pause).unwrap_or(self.now));
        if self.ledger.renewal == CredentialSource::None
            && self.ledger.valid(position.now).is_none()
        {
            return Ok(());
        }
        let wanted = Event::Wanted { can_start: true };
        position = position.after(wanted, planted)?;
        if position.ledger.valid(position.now).is_some() {
            return Ok(());
        }
        let Some(flight) = position.ledger.current().filter(|flight| !flight.probe) else {
            return Err(Broken::Stuck);
        };
        position = position.after(
            Event::Answered {
                number: flight.number,
                with: With::Good,
                draw: Draw::ALL[1],
            },
            planted,
        )?;
        match position.machine.wanted(position.now, true).0 {
            Decision::Serve(_) => Ok(()),
            Decision::Wait { .. } | Decision::Fail(_) => Err(Broken::Stuck),
        }
    }
}

const NANOSECOND: Duration = Duration::from_nanos(1);

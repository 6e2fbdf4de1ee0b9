//! What tells two states apart: times relative to now, tokens and flights by the order of their
//! appearance, and nothing of what is over.

use std::{
    hash::{Hash, Hasher},
    mem::discriminant,
    time::Duration,
};

use super::{LIFE, Position, Token, model::YOUNG};
use crate::{clock::Moment, error::Error, token::Fingerprint};

impl Position {
    /// Equal for states from which the same follows.
    pub(super) fn key(&self) -> u128 {
        // What time has brought about shows when the machine is next told something.
        let mut settled = self.clone();
        settled.machine.settle(self.now);
        settled.ledger.grow(self.now);
        let mut key = Key {
            digest: Digest(OFFSET),
            now: self.now,
            names: Vec::with_capacity(8),
        };
        settled.machine_key(&mut key);
        settled.ledger_key(&mut key);
        key.digest.0
    }

    fn machine_key(&self, key: &mut Key) {
        let machine = &self.machine;
        let is = |number: u64| self.rank(number);
        key.some(machine.held.as_ref(), |key, held| {
            key.token(held.token.fingerprint());
            key.past(held.token.requested, YOUNG);
            key.ahead(held.token.end);
            key.ahead(held.renew);
        });
        key.some(machine.flight, |key, flight| {
            key.add((is(flight.number), flight.probe));
            key.ahead(flight.due);
        });
        key.add(is(machine.saves_from));
        let pause = machine.active_pause(self.now);
        key.some(pause, |key, pause| {
            key.error(&pause.cause);
            key.add(pause.refused);
            key.ahead(pause.until);
        });
        key.some(machine.row, |key, mut row| {
            key.past(row.first, MINUTE);
            row.first = Moment::ALWAYS;
            key.add(row);
        });
        key.past(machine.asked.unwrap_or(Moment::ALWAYS), SECOND);
        key.add((machine.refusals, machine.refused_young));
        for refused in machine.refused.0 {
            let refused = refused.filter(|(_, end)| self.now < *end);
            key.some(refused, |key, (token, end)| {
                key.token(token);
                key.ahead(end);
            });
        }
    }

    fn ledger_key(&self, key: &mut Key) {
        let ledger = &self.ledger;
        key.some(ledger.token, |key, (token, renew)| {
            key.token(token.fingerprint());
            key.past(token.requested, YOUNG);
            key.ahead(token.end);
            key.ahead(renew);
        });
        for token in &ledger.refused {
            let refused = (self.now < token.end).then_some(token);
            key.some(refused, |key, token| {
                key.token(token.fingerprint());
                key.ahead(token.end);
            });
        }
        key.add((ledger.refused.len(), ledger.air.len()));
        for flight in &ledger.air {
            key.add((self.rank(flight.number), flight.probe));
            key.add((flight.lost, flight.before_revoke));
            key.past(flight.sent, LIFE);
            key.ahead(if flight.lost { self.now } else { flight.due });
        }
        key.some(ledger.active_pause(self.now), |key, pause| {
            key.error(&pause.cause);
            key.add(pause.after_refusal);
            key.ahead(pause.until);
        });
        key.some(ledger.row, |key, row| {
            key.past(row.first, MINUTE);
            key.add((row.in_first_minute.min(3), row.later.min(4)));
        });
        key.past(ledger.asked.unwrap_or(Moment::ALWAYS), SECOND);
        key.add((ledger.refusals.min(7), ledger.refused_young.min(2)));
    }

    /// How many flights that can still answer have a lower number.
    fn rank(&self, number: u64) -> usize {
        let air = self.ledger.air.iter();
        air.filter(|flight| flight.number < number).count()
    }
}

struct Key {
    digest: Digest,
    now: Moment,
    names: Vec<Fingerprint>,
}

impl Key {
    fn add(&mut self, part: impl Hash) {
        part.hash(&mut self.digest);
    }

    /// How far ahead a moment is; nothing once it is past.
    fn ahead(&mut self, moment: Moment) {
        if moment == Moment::NEVER {
            self.add(true);
        } else {
            self.add(moment - self.now);
        }
    }

    /// How far back a moment is, as far as that matters.
    fn past(&mut self, moment: Moment, matters: Duration) {
        self.add((self.now - moment).min(matters));
    }

    fn error(&mut self, error: &Error) {
        self.add((discriminant(error.kind()), error.is_transient()));
    }

    fn token(&mut self, token: Fingerprint) {
        let name = self.names.iter().position(|name| *name == token);
        self.add(name.unwrap_or(self.names.len()));
        if name.is_none() {
            self.names.push(token);
        }
    }

    fn some<T>(&mut self, part: Option<T>, add: impl FnOnce(&mut Self, T)) {
        self.add(part.is_some());
        if let Some(part) = part {
            add(self, part);
        }
    }
}

/// Wide enough to stand for the state, and quick without optimization (FNV-1a by words).
struct Digest(u128);

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64((*byte).into());
        }
    }

    fn write_u8(&mut self, part: u8) {
        self.write_u64(part.into());
    }

    fn write_u32(&mut self, part: u32) {
        self.write_u64(part.into());
    }

    fn write_u64(&mut self, part: u64) {
        self.0 = (self.0 ^ u128::from(part)).wrapping_mul(PRIME);
    }

    fn write_usize(&mut self, part: usize) {
        self.write_u64(part as u64);
    }

    fn write_isize(&mut self, part: isize) {
        self.write_u64(part.cast_unsigned() as u64);
    }

    fn finish(&self) -> u64 {
        (self.0 >> 64) as u64
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0100_0000_0000_0000_0000_013b;

//! Stores that fail, hang or panic.

use std::{
    future::pending,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::Receiver,
    },
};

use super::*;
use crate::{error::StoreError, store::MemoryTurn};

/// A store with one fault, such as "load fails", or "saved fails" after the record was saved.
pub(crate) struct Broken {
    fault: String,
    memory: MemoryStore,
    /// Whether all further calls hang, too.
    hangs: AtomicBool,
}

impl Broken {
    pub(crate) fn new(fault: &str, memory: &MemoryStore) -> Self {
        Self {
            fault: fault.to_owned(),
            memory: memory.clone(),
            hangs: AtomicBool::default(),
        }
    }

    async fn may_fail(&self, call: &str) -> Result<(), StoreError> {
        if self.hangs.load(Ordering::Relaxed) {
            return pending().await;
        }
        match self.fault.split_once(' ').unwrap() {
            (broken, "hangs for good") if broken == call => {
                self.hangs.store(true, Ordering::Relaxed);
                pending().await
            }
            (broken, "fails") if broken == call => Err(StoreError::new("planted")),
            (broken, "panics") if broken == call => panic!("planted"),
            (broken, "hangs") if broken == call => pending().await,
            _ => Ok(()),
        }
    }
}

impl TokenStore for Broken {
    type Turn = MemoryTurn;

    async fn load(&self, key: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        self.may_fail("load").await?;
        self.memory.load(key).await
    }

    async fn take_turn(&self, key: &StoreKey, wait: Duration) -> Result<MemoryTurn, StoreError> {
        self.may_fail("turn").await?;
        self.memory.take_turn(key, wait).await
    }

    async fn save(
        &self,
        turn: MemoryTurn,
        key: &StoreKey,
        value: Sealed,
    ) -> Result<(), StoreError> {
        self.may_fail("save").await?;
        self.memory.save(turn, key, value).await?;
        self.may_fail("saved").await
    }

    async fn remove(&self, turn: MemoryTurn, key: &StoreKey) -> Result<(), StoreError> {
        self.may_fail("remove").await?;
        self.memory.remove(turn, key).await
    }
}

impl Fleet {
    /// A process whose store has a fault, and its events.
    fn broken_process(&self, fault: &str) -> (TokenProvider, Receiver<Event>) {
        let (handle, events) = event_channel();
        let builder = self.endpoint.builder(self.clock.clone(), credentials());
        let storage = by_secret(Broken::new(fault, &self.store));
        let tokens = builder.storage(storage).on_event(handle).build();
        (tokens, events)
    }
}

#[tokio::test(start_paused = true)]
async fn failing_store_makes_no_token_unavailable() {
    for call in ["load", "turn", "save"] {
        for how in ["fails", "hangs", "hangs for good", "panics"] {
            let fault = format!("{call} {how}");
            let fleet = Fleet::new(|_| Reply::Token(3_600));
            let (tokens, events) = fleet.broken_process(&fault);
            assert_eq!(text(&tokens).await, "token-0", "{fault}");
            // No other refresh runs that counted this one as lost.
            tokio::time::sleep(seconds(60.0)).await;
            assert_eq!(fleet.endpoint.requests(), 1, "{fault}");
            let next = || events.recv_timeout(DEADLINE).unwrap();
            assert!(matches!(next(), Event::StoreFailed { .. }), "{fault}");
            assert!(matches!(next(), Event::Acquired { .. }), "{fault}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn record_of_a_failed_save_is_no_failure() {
    for how in ["fails", "hangs", "panics"] {
        let fleet = Fleet::new(|_| Reply::Token(3_600));
        let (tokens, events) = fleet.broken_process(&format!("saved {how}"));
        tokens.token().await.unwrap();
        let event = events.recv_timeout(DEADLINE).unwrap();
        assert!(matches!(event, Event::Acquired { .. }), "{how}: {event:?}");
        assert_eq!(text(&fleet.process()).await, "token-0", "{how}");
        assert_eq!(fleet.endpoint.requests(), 1, "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_process_uses_what_another_one_saved() {
    let fleet = Fleet::new(|_| Reply::Token(3_600));
    let (tokens, events) = fleet.broken_process("turn hangs");
    let waiting = tokio::spawn(async move { text(&tokens).await });
    // It has found no record, and waits for the turn.
    tokio::time::sleep(seconds(2.0)).await;
    assert_eq!(text(&fleet.process()).await, "token-0");
    assert_eq!(waiting.await.unwrap(), "token-0");
    assert_eq!(fleet.endpoint.requests(), 1);
    let event = events.recv_timeout(DEADLINE).unwrap();
    assert!(matches!(event, Event::Loaded { .. }), "{event:?}");
}

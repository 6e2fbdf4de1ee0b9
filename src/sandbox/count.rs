//! A number that tests wait for.

use std::{future::Future, panic::Location, time::Duration};

use tokio::{runtime::Handle, sync::watch, time::timeout};

pub(super) struct Count(watch::Sender<usize>);

impl Count {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    pub(super) fn get(&self) -> usize {
        *self.0.borrow()
    }

    pub(super) fn up(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    pub(super) fn down(&self) {
        self.0.send_modify(|count| *count -= 1);
    }

    /// Waits until there are at least `wanted`, and panics at the caller's place after
    /// [`PATIENCE`]. The waiting runs on the sandbox's own `runtime`, so that a paused or foreign
    /// one of the test's does not matter.
    #[track_caller]
    pub(super) fn reaches(
        &self,
        wanted: usize,
        what: &'static str,
        runtime: &Handle,
    ) -> impl Future<Output = ()> + Send + use<> {
        let caller = Location::caller();
        let mut count = self.0.subscribe();
        let last = count.clone();
        let waiting = runtime.spawn(async move {
            let reached = timeout(PATIENCE, count.wait_for(|count| *count >= wanted)).await;
            matches!(reached, Ok(Ok(_)))
        });
        async move {
            let reached = waiting.await.unwrap_or(false);
            assert!(
                reached,
                "{caller}: waited for {wanted} {what}, saw {}",
                *last.borrow()
            );
        }
    }
}

/// How long a test waits before it is told that it waits in vain.
const PATIENCE: Duration = Duration::from_secs(10);

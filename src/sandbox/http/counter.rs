//! A counter that tests can wait for.

use std::{future::Future, panic::Location, time::Duration};

use tokio::{runtime::Handle, sync::watch, time::timeout};

#[derive(Default)]
pub(crate) struct Counter(watch::Sender<usize>);

impl Counter {
    pub(crate) fn get(&self) -> usize {
        *self.0.borrow()
    }

    pub(crate) fn increment(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    pub(crate) fn decrement(&self) {
        self.0.send_modify(|count| *count -= 1);
    }

    /// Waits until the count is at least `wanted`. After [`MAX_WAIT`] it panics and names the
    /// caller's line. It waits on the sandbox's `runtime`, because the test's may be paused.
    #[track_caller]
    pub(crate) fn wait_for(
        &self,
        wanted: usize,
        what: &'static str,
        runtime: &Handle,
    ) -> impl Future<Output = ()> + Send + use<> {
        let caller = Location::caller();
        let mut count = self.0.subscribe();
        let last = count.clone();
        let waiting = runtime.spawn(async move {
            let reached = timeout(MAX_WAIT, count.wait_for(|count| *count >= wanted)).await;
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

const MAX_WAIT: Duration = Duration::from_secs(10);

//! Renewal without a caller, for a provider that is seldom used.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::runtime::Handle;

use super::{Shared, either};

/// Whether the task is running.
#[derive(Default)]
pub(super) struct Running(Arc<AtomicBool>);

/// Starts the task, unless it runs. It holds no handle and ends with the last one.
pub(super) fn keep_warm(shared: &Arc<Shared>, runtime: &Handle) {
    let running = Arc::clone(&shared.background.0);
    if running.swap(true, Ordering::AcqRel) {
        return;
    }
    let ending = Ending(running);
    let weak = Arc::downgrade(shared);
    let clock = shared.clock.clone();
    let mut published = shared.published.subscribe();
    runtime.spawn(async move {
        let _ending = ending;
        loop {
            published.mark_unchanged();
            let Some(wake) = weak.upgrade().map(|shared| shared.wake()) else {
                return;
            };
            let changed = match wake {
                Some(wake) => {
                    either(pin!(published.changed()), pin!(clock.sleep_until(wake))).await
                }
                None => Some(published.changed().await),
            };
            match (changed, weak.upgrade()) {
                // Time to renew.
                (None, Some(shared)) => drop(shared.want()),
                (Some(Ok(())), _) => {}
                (Some(Err(_)) | None, _) => return,
            }
        }
    });
}

/// Lets the next caller start the task again when its runtime ended.
struct Ending(Arc<AtomicBool>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

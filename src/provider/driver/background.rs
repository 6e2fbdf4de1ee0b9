//! Renews the token without a caller, for a provider that is seldom used.

use std::{
    pin::pin,
    sync::{Arc, Weak, atomic::Ordering},
};

use tokio::runtime::Handle;

use crate::{clock::either, provider::cache::TokenCache};

/// Starts the background task, unless it runs. It calls `renew` when there is something to do, keeps
/// no handle alive and ends with the last one.
pub(super) fn start(cache: &Arc<TokenCache>, runtime: &Handle, renew: fn(&Arc<TokenCache>)) {
    if cache.background_task_runs.swap(true, Ordering::AcqRel) {
        return;
    }
    let running = Running(Arc::downgrade(cache));
    let clock = cache.clock().clone();
    let mut wake = cache.wake.subscribe();
    runtime.spawn(async move {
        loop {
            let at = *wake.borrow_and_update();
            let change = match at {
                Some(at) => either(pin!(wake.changed()), pin!(clock.sleep_until(at))).await,
                None => Some(wake.changed().await),
            };
            match (change, running.0.upgrade()) {
                (None, Some(cache)) => renew(&cache),
                (Some(Ok(())), _) => {}
                (Some(Err(_)) | None, _) => return,
            }
        }
    });
}

/// Lets the next caller start the task again if its runtime ended.
struct Running(Weak<TokenCache>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(cache) = self.0.upgrade() {
            cache.background_task_runs.store(false, Ordering::Release);
        }
    }
}

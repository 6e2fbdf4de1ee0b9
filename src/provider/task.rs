//! Runs foreign code as a task of its own, since it may hang or panic.

use std::{future::Future, time::Duration};

use tokio::{task::JoinHandle, time::timeout};

use crate::runtime;

/// Why a task returned nothing.
#[derive(Clone, Copy, Debug)]
pub(super) enum TaskError {
    NoRuntime,
    Panicked,
    TimedOut,
}

/// Runs `future` for at most `limit`. It is aborted when the caller stops waiting.
pub(super) async fn run_within<T: Send + 'static>(
    limit: Duration,
    future: impl Future<Output = T> + Send + 'static,
) -> Result<T, TaskError> {
    let runtime = runtime::with_timers().ok_or(TaskError::NoRuntime)?;
    let mut task = AbortOnDrop(runtime.spawn(future));
    match timeout(limit, &mut task.0).await {
        Ok(output) => output.map_err(|_| TaskError::Panicked),
        Err(_) => Err(TaskError::TimedOut),
    }
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

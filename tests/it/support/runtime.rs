//! Runtimes of tests that must not run inside one.

use tokio::runtime::{Builder, Runtime};

/// Returns a runtime that is driven by the calling thread alone.
pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

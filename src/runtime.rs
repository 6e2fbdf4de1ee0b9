//! The tokio runtime of a caller: whether there is one, and whether it can be used.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use tokio::runtime::{Handle, Id};

thread_local! {
    /// The last runtime of this thread on which requests can be sent. Looking at each request would
    /// open a socket each time.
    static USABLE: Cell<Option<Id>> = const { Cell::new(None) };
}

/// Returns the current runtime, if it has timers. One that was built without `enable_time` counts as
/// none.
pub(crate) fn with_timers() -> Option<Handle> {
    let runtime = Handle::try_current().ok()?;
    can(|| tokio::time::sleep(Duration::ZERO)).then_some(runtime)
}

/// Returns the current runtime, if requests can be sent on it: it has timers and sockets.
pub(crate) fn for_requests() -> Option<Handle> {
    let runtime = Handle::try_current().ok()?;
    if USABLE.get() != Some(runtime.id()) {
        with_timers().filter(|_| has_sockets())?;
        USABLE.set(Some(runtime.id()));
    }
    Some(runtime)
}

/// Whether the current runtime has sockets (`enable_io`).
#[cfg(unix)]
pub(crate) fn has_sockets() -> bool {
    can(tokio::net::UnixDatagram::unbound)
}

#[cfg(not(unix))]
pub(crate) fn has_sockets() -> bool {
    true
}

/// Whether `make` does not panic. Tokio has no other answer to what a runtime was built with.
fn can<T>(make: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(|| drop(make()))).is_ok()
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    fn built(with: impl FnOnce(&mut Builder) -> &mut Builder) -> Runtime {
        with(&mut Builder::new_current_thread()).build().unwrap()
    }

    #[test]
    fn runtime_counts_only_with_what_it_is_used_for() {
        assert!(with_timers().is_none() && for_requests().is_none());
        for (runtime, timers, requests) in [
            (built(|builder| builder), false, false),
            (built(Builder::enable_io), false, false),
            (built(Builder::enable_time), true, cfg!(not(unix))),
            (built(Builder::enable_all), true, true),
            (built(Builder::enable_time), true, cfg!(not(unix))),
            (built(Builder::enable_all), true, true),
        ] {
            let _entered = runtime.enter();
            let found = (with_timers().is_some(), for_requests().is_some());
            assert_eq!(found, (timers, requests));
        }
    }
}

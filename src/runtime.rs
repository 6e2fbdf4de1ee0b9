//! The tokio runtime of a caller: whether there is one, and whether it can be used.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    thread::LocalKey,
    time::Duration,
};

use tokio::runtime::{Handle, Id};

/// The last runtime for which something was answered, and the answer.
type Answer = Cell<Option<(Id, bool)>>;

thread_local! {
    static HAS_TIMERS: Answer = const { Cell::new(None) };
    #[cfg(unix)]
    static HAS_SOCKETS: Answer = const { Cell::new(None) };
}

/// Returns the current runtime, if it has timers. One that was built without `enable_time` counts as
/// none.
pub(crate) fn with_timers() -> Option<Handle> {
    let runtime = Handle::try_current().ok()?;
    can(&HAS_TIMERS, &runtime, || tokio::time::sleep(Duration::ZERO)).then_some(runtime)
}

/// Returns the current runtime, if requests can be sent on it: it has timers and sockets.
pub(crate) fn for_requests() -> Option<Handle> {
    with_timers().filter(has_sockets)
}

/// Whether the current runtime, which is `runtime`, has sockets (`enable_io`).
#[cfg(unix)]
pub(crate) fn has_sockets(runtime: &Handle) -> bool {
    can(&HAS_SOCKETS, runtime, tokio::net::UnixDatagram::unbound)
}

#[cfg(not(unix))]
pub(crate) fn has_sockets(_: &Handle) -> bool {
    true
}

/// Whether `make` does not panic on the current runtime. Tokio has no other answer to what a runtime was
/// built with. The answer is kept, because a panic prints a message and a socket costs time.
fn can<T>(kept: &'static LocalKey<Answer>, runtime: &Handle, make: impl FnOnce() -> T) -> bool {
    match kept.get() {
        Some((id, answer)) if id == runtime.id() => answer,
        _ => {
            let answer = catch_unwind(AssertUnwindSafe(|| drop(make()))).is_ok();
            kept.set(Some((runtime.id(), answer)));
            answer
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        panic,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        thread,
    };

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

    /// Counts the panics of this thread from now on, and keeps their messages from being printed.
    fn count_panics() -> Arc<AtomicUsize> {
        let (count, thread) = (Arc::new(AtomicUsize::new(0)), thread::current().id());
        let (counted, before) = (Arc::clone(&count), panic::take_hook());
        panic::set_hook(Box::new(move |info| {
            if thread::current().id() == thread {
                counted.fetch_add(1, Ordering::Relaxed);
            } else {
                before(info);
            }
        }));
        count
    }

    #[test]
    fn missing_part_panics_once_for_each_runtime() {
        // The test's own thread still prints why it fails.
        let probes = thread::spawn(|| {
            let panics = count_panics();
            [
                built(|builder| builder),
                built(Builder::enable_io),
                built(Builder::enable_time),
                built(Builder::enable_all),
            ]
            .map(|runtime| {
                let _entered = runtime.enter();
                for _ in 0..3 {
                    drop((with_timers(), for_requests()));
                }
                panics.swap(0, Ordering::Relaxed)
            })
        });
        let without_sockets = usize::from(cfg!(unix));
        assert_eq!(probes.join().unwrap(), [1, 1, without_sockets, 0]);
    }
}

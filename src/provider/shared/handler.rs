//! Hands events to the program's handler, on a thread that is there only while there are some.

use std::{
    collections::VecDeque,
    fmt, io, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use parking_lot::Mutex;

use super::Event;

/// A program's handler, if there is one, and the events that wait for it.
///
/// Nobody waits for the handler: neither those who use the provider, nor their runtimes, nor the
/// end of the process.
#[derive(Clone, Default)]
pub(in crate::provider) struct Handler(Option<Arc<Queue>>);

impl Handler {
    pub(in crate::provider) fn new(handle: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self::starting(handle, start)
    }

    fn starting(handle: impl Fn(&Event) + Send + Sync + 'static, start: Start) -> Self {
        Self(Some(Arc::new(Queue {
            handle: Box::new(handle),
            start,
            waiting: Mutex::default(),
        })))
    }

    /// Puts an event at the end. Short enough to be called while the provider is locked, which
    /// keeps the events in order; [`deliver`](Self::deliver) follows once it is not.
    pub(in crate::provider) fn push(&self, event: Option<&Event>) {
        if let (Some(queue), Some(event)) = (&self.0, event) {
            queue.waiting.lock().events.push_back(event.clone());
        }
    }

    /// Sees to it that the events are handed over.
    pub(in crate::provider) fn deliver(&self) {
        let Some(queue) = &self.0 else { return };
        let mut waiting = queue.waiting.lock();
        let surplus = waiting.events.len().saturating_sub(MOST_WAITING);
        let dropped = waiting.forget(surplus);
        let idle = !waiting.running && !waiting.events.is_empty();
        waiting.running |= idle;
        drop(waiting);
        // An error may hold a source of the program's own, and its drop may do anything.
        drop(dropped);
        if idle && (queue.start)(Box::new(queue.runner())).is_err() {
            let mut waiting = queue.waiting.lock();
            waiting.running = false;
            let all = waiting.events.len();
            let dropped = waiting.forget(all);
            drop(waiting);
            drop(dropped);
        }
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "Handler",
            None => "none",
        })
    }
}

struct Queue {
    handle: Box<dyn Fn(&Event) + Send + Sync>,
    start: Start,
    waiting: Mutex<Waiting>,
}

type Start = fn(Box<dyn FnOnce() + Send>) -> io::Result<()>;

impl Queue {
    /// What the thread does: one event after the other, until there is none.
    fn runner(self: &Arc<Self>) -> impl FnOnce() + Send + use<> {
        let queue = Arc::clone(self);
        move || {
            while let Some(event) = queue.next() {
                let handle = &queue.handle;
                let handled = catch_unwind(AssertUnwindSafe(move || handle(&event)));
                // What it panicked with may panic in turn when it is dropped.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(handled)));
            }
        }
    }

    fn next(&self) -> Option<Event> {
        let mut waiting = self.waiting.lock();
        // Those that are lost came before those that wait.
        let events = mem::take(&mut waiting.missed);
        if events > 0 {
            return Some(Event::Missed { events });
        }
        let event = waiting.events.pop_front();
        waiting.running = event.is_some();
        event
    }
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<Event>,
    missed: u64,
    /// Whether there is a thread.
    running: bool,
}

impl Waiting {
    /// Takes the oldest out; to be dropped by the caller, without the lock.
    fn forget(&mut self, events: usize) -> Vec<Event> {
        self.missed += events as u64;
        self.events.drain(..events).collect()
    }
}

fn start(run: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    let builder = thread::Builder::new().name("token-events".to_owned());
    builder.spawn(run).map(drop)
}

/// More than a handler that keeps up ever sees, and little memory.
const MOST_WAITING: usize = 256;

#[cfg(test)]
mod tests;

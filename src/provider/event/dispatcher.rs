//! Passes events to the program's handler, on a thread that exists only while there are events.

use std::{
    collections::VecDeque,
    fmt, io, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use parking_lot::Mutex;

use super::Event;

/// The program's handler, if it has one, and the events that wait for it.
///
/// Callers, their runtimes and the end of the process never wait for the handler.
#[derive(Clone, Default)]
pub(in crate::provider) struct EventDispatcher(Option<Arc<Queue>>);

struct Queue {
    handler: Box<dyn Fn(&Event) + Send + Sync>,
    start_thread: StartThread,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<Event>,
    missed: u64,
    thread_runs: bool,
}

type StartThread = fn(Box<dyn FnOnce() + Send>) -> io::Result<()>;

impl EventDispatcher {
    pub(in crate::provider) fn new(handler: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self::with_thread(handler, start_thread)
    }

    fn with_thread(
        handler: impl Fn(&Event) + Send + Sync + 'static,
        start_thread: StartThread,
    ) -> Self {
        Self(Some(Arc::new(Queue {
            handler: Box::new(handler),
            start_thread,
            waiting: Mutex::default(),
        })))
    }

    /// Queues an event. Called under the provider's lock, which keeps the events in order;
    /// [`deliver`](Self::deliver) follows without it.
    ///
    /// Returns the oldest event where too many wait, to be dropped without a lock: its error may
    /// hold a source whose drop calls the provider.
    pub(in crate::provider) fn push(&self, event: &Event) -> Option<Event> {
        let mut waiting = self.0.as_ref()?.waiting.lock();
        waiting.events.push_back(event.clone());
        if waiting.events.len() <= MAX_WAITING_EVENTS {
            return None;
        }
        waiting.missed += 1;
        waiting.events.pop_front()
    }

    /// Starts the thread, unless it runs. If the system cannot start one, the events are dropped.
    pub(in crate::provider) fn deliver(&self) {
        let Some(queue) = &self.0 else { return };
        let mut waiting = queue.waiting.lock();
        if waiting.thread_runs || waiting.events.is_empty() {
            return;
        }
        waiting.thread_runs = true;
        drop(waiting);
        let running = Arc::clone(queue);
        if (queue.start_thread)(Box::new(move || running.run())).is_err() {
            let mut waiting = queue.waiting.lock();
            waiting.thread_runs = false;
            let dropped = mem::take(&mut waiting.events);
            waiting.missed += dropped.len() as u64;
            drop(waiting);
            drop(dropped);
        }
    }
}

impl Queue {
    /// Calls the handler with one event after the other, until there is none.
    fn run(&self) {
        while let Some(event) = self.next() {
            let handled = catch_unwind(AssertUnwindSafe(move || (self.handler)(&event)));
            // The payload of a panic may panic again when it is dropped.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(handled)));
        }
    }

    fn next(&self) -> Option<Event> {
        let mut waiting = self.waiting.lock();
        // Missed events are older than those that wait.
        let events = mem::take(&mut waiting.missed);
        if events > 0 {
            return Some(Event::Missed { events });
        }
        let event = waiting.events.pop_front();
        waiting.thread_runs = event.is_some();
        event
    }
}

impl fmt::Debug for EventDispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "EventDispatcher",
            None => "none",
        })
    }
}

fn start_thread(run: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    let builder = thread::Builder::new().name("token-events".to_owned());
    builder.spawn(run).map(drop)
}

/// More than a handler that keeps up ever sees, and little memory.
const MAX_WAITING_EVENTS: usize = 256;

#[cfg(test)]
mod tests;

//! What this thread writes to `tracing` and to `log`, at every level.

use std::{
    cell::RefCell,
    io::{self, Write},
    sync::{Arc, LazyLock, Mutex, Once},
};

use tracing::{Dispatch, Level, subscriber::DefaultGuard};
use tracing_subscriber::fmt::format::FmtSpan;

/// Takes both until it is dropped.
pub struct Capture {
    tracing: Sink,
    log: Sink,
    _subscriber: DefaultGuard,
}

impl Capture {
    pub fn start() -> Self {
        static LOGGER: Once = Once::new();
        LOGGER.call_once(|| {
            log::set_logger(&ThisThread).unwrap();
            log::set_max_level(log::LevelFilter::Trace);
        });
        LazyLock::force(&OTHERS);
        let (tracing, log) = (Sink::default(), Sink::default());
        LOG.set(Some(log.clone()));
        let writer = tracing.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        Self {
            tracing,
            log,
            _subscriber: tracing::subscriber::set_default(subscriber),
        }
    }

    /// What was written to `tracing` so far.
    pub fn tracing(&self) -> String {
        self.tracing.text()
    }

    /// What was written to `log` so far.
    pub fn log(&self) -> String {
        self.log.text()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        LOG.set(None);
    }
}

/// While there is one subscriber in the process, `tracing` asks only the thread that comes to a span
/// or an event first whether anybody wants it, and keeps the answer for all. With two that stay, it
/// asks on each thread.
static OTHERS: LazyLock<[Dispatch; 2]> = LazyLock::new(|| {
    let other = || {
        let subscriber = tracing_subscriber::fmt().with_max_level(Level::TRACE);
        Dispatch::new(subscriber.with_writer(io::sink).finish())
    };
    [other(), other()]
});

thread_local! {
    static LOG: RefCell<Option<Sink>> = const { RefCell::new(None) };
}

struct ThisThread;

impl log::Log for ThisThread {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        LOG.with_borrow_mut(|sink| {
            if let Some(sink) = sink {
                writeln!(sink, "{}: {}", record.target(), record.args()).unwrap();
            }
        });
    }

    fn flush(&self) {}
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

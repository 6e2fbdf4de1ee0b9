//! What is written to `tracing` and to `log`, at every level, and what panics say.

use std::{
    cell::RefCell,
    io::{self, Write},
    panic,
    sync::{Arc, LazyLock, Mutex, OnceLock},
    thread,
};

use tracing::{Dispatch, Level, Subscriber, subscriber::DefaultGuard};
use tracing_subscriber::fmt::format::FmtSpan;

/// Takes all of it until it is dropped.
pub struct Capture {
    tracing: Sink,
    log: Sink,
    panics: Sink,
    _subscriber: Option<DefaultGuard>,
}

impl Capture {
    /// Of this thread, panics apart.
    pub fn start() -> Self {
        logger();
        LazyLock::force(&OTHERS);
        let (tracing, log) = (Sink::default(), Sink::default());
        LOG.set(Some(log.clone()));
        let guard = tracing::subscriber::set_default(subscriber(&tracing));
        Self {
            tracing,
            log,
            panics: Sink::default(),
            _subscriber: Some(guard),
        }
    }

    /// Of all threads, for as long as the process lives: it must be the test's own.
    pub fn of_the_process() -> Self {
        let (tracing, panics) = (Sink::default(), Sink::default());
        tracing::subscriber::set_global_default(subscriber(&tracing)).unwrap();
        let sink = panics.clone();
        panic::set_hook(Box::new(move |panic| {
            let thread = thread::current();
            writeln!(sink.clone(), "{:?} {panic}", thread.name()).unwrap();
        }));
        Self {
            tracing,
            log: logger().clone(),
            panics,
            _subscriber: None,
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

    /// What panics said so far.
    pub fn panics(&self) -> String {
        self.panics.text()
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

fn subscriber(sink: &Sink) -> impl Subscriber + use<> {
    let sink = sink.clone();
    tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || sink.clone())
        .finish()
}

/// The process's logger, and where it writes what no thread keeps for itself.
fn logger() -> &'static Sink {
    static EVERYWHERE: OnceLock<Sink> = OnceLock::new();
    EVERYWHERE.get_or_init(|| {
        let sink = Sink::default();
        log::set_boxed_logger(Box::new(Logger(sink.clone()))).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
        sink
    })
}

thread_local! {
    static LOG: RefCell<Option<Sink>> = const { RefCell::new(None) };
}

struct Logger(Sink);

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let this_thread = LOG.with_borrow(Option::clone);
        let mut sink = this_thread.unwrap_or_else(|| self.0.clone());
        writeln!(sink, "{}: {}", record.target(), record.args()).unwrap();
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

//! Captures `tracing` and `log` output of every level, and the messages of panics.

use std::{
    cell::RefCell,
    io::{self, Write},
    panic,
    sync::{Arc, LazyLock, Mutex, OnceLock},
    thread,
};

use tracing::{Dispatch, Level, Subscriber, subscriber::DefaultGuard};
use tracing_subscriber::fmt::format::FmtSpan;

/// Captures until it is dropped.
pub struct Capture {
    tracing: Sink,
    log: Sink,
    panics: Sink,
    _subscriber: Option<DefaultGuard>,
}

impl Capture {
    /// Captures what this thread writes, without panics.
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

    /// Captures what all threads write. The process must belong to this test alone.
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

    /// The `tracing` output so far.
    pub fn tracing(&self) -> String {
        self.tracing.text()
    }

    /// The `log` output so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// The messages of panics so far.
    pub fn panics(&self) -> String {
        self.panics.text()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        LOG.set(None);
    }
}

/// Two subscribers that stay. With a single one in the process, `tracing` asks only the first thread
/// that reaches a span or event whether it is wanted, and uses the result for all threads.
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

/// Installs the process's logger, and returns the sink of threads that have none of their own.
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

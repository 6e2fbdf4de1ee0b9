//! Serves HTTP/1.1 on a thread of its own.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{self, Handle},
    sync::oneshot,
};

use super::dispatch::Dispatcher;

/// A running server. Dropping it stops it and waits until it has stopped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
    panicked: Arc<AtomicBool>,
}

impl Server {
    /// Listens on a free port of 127.0.0.1.
    pub(super) async fn start(dispatcher: Arc<Dispatcher>) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (started, start) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let panicked = Arc::default();
        let panic_flag = PanicFlag(Arc::clone(&panicked));
        let thread = thread::Builder::new()
            .name(format!("sandbox-{}", address.port()))
            .spawn(move || run(listener, dispatcher, panic_flag, started, stopped))?;
        let runtime = start.await.map_err(io::Error::other)??;
        Ok(Self {
            address,
            runtime,
            stop: Some(stop),
            thread: Some(thread),
            panicked,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        let joined = self.thread.take().map_or(Ok(()), thread::JoinHandle::join);
        let panicked = joined.is_err() || self.panicked.load(Ordering::Relaxed);
        assert!(
            !panicked || thread::panicking(),
            "the sandbox panicked, as printed above"
        );
    }
}

/// Serves until `stopped`. Dropping the runtime then ends all connections.
fn run(
    listener: std::net::TcpListener,
    dispatcher: Arc<Dispatcher>,
    panic_flag: PanicFlag,
    started: oneshot::Sender<io::Result<Handle>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(started.send(Err(error))),
    };
    runtime.block_on(async {
        let result = TcpListener::from_std(listener).map(|listener| {
            tokio::spawn(accept(listener, dispatcher, panic_flag));
            Handle::current()
        });
        if started.send(result).is_ok() {
            let _ = stopped.await;
        }
    });
}

async fn accept(listener: TcpListener, dispatcher: Arc<Dispatcher>, panic_flag: PanicFlag) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let dispatcher = Arc::clone(&dispatcher);
                tokio::spawn(serve(stream, dispatcher, panic_flag.clone()));
            }
            // The process has no free file descriptor, for now.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve(stream: TcpStream, dispatcher: Arc<Dispatcher>, _panic_flag: PanicFlag) {
    // Without it, small responses would wait for an acknowledgement. A failure does no harm.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let dispatcher = Arc::clone(&dispatcher);
        async move { dispatcher.handle(request).await }
    });
    // The client sees how the connection ends.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Records a panic in a connection, so that dropping the server fails the test. The client sees only a
/// closed connection.
#[derive(Clone)]
struct PanicFlag(Arc<AtomicBool>);

impl Drop for PanicFlag {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

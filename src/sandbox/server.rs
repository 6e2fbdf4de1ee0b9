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
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    runtime::{self, Handle},
    sync::oneshot,
};

use super::dispatch::Dispatcher;
#[cfg(feature = "sandbox-tls")]
use super::tls::Tls;

/// Without the feature there is none.
#[cfg(not(feature = "sandbox-tls"))]
pub(super) type Tls = std::convert::Infallible;

/// A running server. Dropping it stops it and waits until it has stopped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
    panicked: Arc<AtomicBool>,
}

/// What each connection needs.
struct Service {
    dispatcher: Arc<Dispatcher>,
    tls: Option<Tls>,
    panic_flag: PanicFlag,
}

/// Listens on a free port of 127.0.0.1.
pub(super) fn bind() -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

impl Server {
    /// Serves plain HTTP, unless there is a `tls`.
    pub(super) async fn start(
        listener: std::net::TcpListener,
        dispatcher: Arc<Dispatcher>,
        tls: Option<Tls>,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (started, start) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let panicked = Arc::default();
        let service = Service {
            dispatcher,
            tls,
            panic_flag: PanicFlag(Arc::clone(&panicked)),
        };
        let thread = thread::Builder::new()
            .name(format!("sandbox-{}", address.port()))
            .spawn(move || run(listener, service, started, stopped))?;
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
    service: Service,
    started: oneshot::Sender<io::Result<Handle>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(started.send(Err(error))),
    };
    runtime.block_on(async {
        let result = TcpListener::from_std(listener).map(|listener| {
            tokio::spawn(accept(listener, Arc::new(service)));
            Handle::current()
        });
        if started.send(result).is_ok() {
            let _ = stopped.await;
        }
    });
}

async fn accept(listener: TcpListener, service: Arc<Service>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, Arc::clone(&service)));
            }
            // The process has no free file descriptor, for now.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve(stream: TcpStream, service: Arc<Service>) {
    let _panic_flag = service.panic_flag.clone();
    // Without it, small responses would wait for an acknowledgement. A failure does no harm.
    let _ = stream.set_nodelay(true);
    match &service.tls {
        None => serve_http(stream, &service.dispatcher).await,
        #[cfg(feature = "sandbox-tls")]
        Some(tls) => {
            if let Some(stream) = tls.accept(stream).await {
                serve_http(stream, &service.dispatcher).await;
            }
        }
        #[cfg(not(feature = "sandbox-tls"))]
        Some(never) => match *never {},
    }
}

async fn serve_http(stream: impl AsyncRead + AsyncWrite + Unpin, dispatcher: &Dispatcher) {
    let service = service_fn(|request| dispatcher.handle(request));
    // The client sees how the connection ends.
    let _ = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// About the longest request line with all headers. hyper rejects a much longer one, and more than
/// 100 headers, with 431.
const MAX_HEAD_BYTES: usize = 64 * 1024;

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

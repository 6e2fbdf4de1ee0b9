//! A thread of its own that serves HTTP/1.1.

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

use super::Front;

/// A running server; dropping it stops it and waits until it has stopped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
    panicked: Arc<AtomicBool>,
}

impl Server {
    /// Takes a free port of 127.0.0.1 and serves `front` there.
    pub(super) async fn start(front: Arc<Front>) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (started, start) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let panicked = Arc::default();
        let alarm = Alarm(Arc::clone(&panicked));
        let thread = thread::Builder::new()
            .name(format!("sandbox-{}", address.port()))
            .spawn(move || run(listener, front, alarm, started, stopped))?;
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

/// Serves until `stopped`; with the runtime end all connections, whatever they wait for.
fn run(
    listener: std::net::TcpListener,
    front: Arc<Front>,
    alarm: Alarm,
    started: oneshot::Sender<io::Result<Handle>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(started.send(Err(error))),
    };
    runtime.block_on(async {
        let result = TcpListener::from_std(listener).map(|listener| {
            tokio::spawn(accept(listener, front, alarm));
            Handle::current()
        });
        if started.send(result).is_ok() {
            let _ = stopped.await;
        }
    });
}

async fn accept(listener: TcpListener, front: Arc<Front>, alarm: Alarm) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, Arc::clone(&front), alarm.clone()));
            }
            // No descriptor is free: one may be soon.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn connection(stream: TcpStream, front: Arc<Front>, _alarm: Alarm) {
    // A small answer is not to wait for an acknowledgement; it works without, too.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let front = Arc::clone(&front);
        async move { front.answer(request).await }
    });
    // However the connection ends, only the client has to know.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Tells the test of a panic, which its client takes for a closed connection.
#[derive(Clone)]
struct Alarm(Arc<AtomicBool>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

//! A server that sends given bytes and records its requests. It runs on a runtime of its own.

use std::{
    collections::VecDeque,
    future::pending,
    net::SocketAddr,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    runtime::Runtime,
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use super::message::end_of_head;
pub use super::message::{End, Received, Reply};

/// A listening server. It stops when dropped.
pub struct Server {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    replies: Mutex<VecDeque<Reply>>,
    requests: Mutex<Vec<Received>>,
    connections: AtomicUsize,
    /// The number of response bytes that the network accepted.
    written: AtomicUsize,
    /// The number of responses that were written or aborted by the client.
    answered: watch::Sender<usize>,
}

impl Shared {
    fn next_reply(&self) -> Reply {
        let mut replies = self.replies.lock().unwrap();
        let reply = replies.front().unwrap().clone();
        if replies.len() > 1 {
            replies.pop_front();
        }
        reply
    }
}

impl Server {
    /// Starts a server that sends `reply` to every request.
    pub fn start(reply: Reply) -> Self {
        Closed::new().open(reply)
    }

    /// The same over TLS.
    pub fn start_tls(acceptor: TlsAcceptor, reply: Reply) -> Self {
        Closed::new().open_with(reply, Some(acceptor))
    }

    /// Sends these from now on, one after the other, and then the last one each time.
    pub fn answers<const N: usize>(&self, replies: [Reply; N]) {
        self.answers_all(replies.into());
    }

    pub fn answers_all(&self, replies: Vec<Reply>) {
        *self.shared.replies.lock().unwrap() = replies.into();
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The number of connections accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The requests received so far.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Waits until `answers` responses have ended, and returns how many of their bytes the network
    /// accepted.
    pub async fn written(&self, answers: usize) -> usize {
        let mut answered = self.shared.answered.subscribe();
        let ended = answered.wait_for(|ended| *ended >= answers);
        let ended = tokio::time::timeout(DEADLINE, ended).await;
        ended.expect("a response never ends").unwrap();
        self.shared.written.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A reserved port that refuses connections.
pub struct Closed(TcpSocket);

impl Closed {
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(SMALL_BUFFER).unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self(socket)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// Starts a server on this port.
    pub fn open(self, reply: Reply) -> Server {
        self.open_with(reply, None)
    }

    /// The same, with TLS if given.
    pub fn open_with(self, reply: Reply, tls: Option<TlsAcceptor>) -> Server {
        let _runtime = SERVERS.enter();
        let listener = self.0.listen(1024).unwrap();
        let shared = Arc::new(Shared::default());
        shared.replies.lock().unwrap().push_back(reply);
        Server {
            address: listener.local_addr().unwrap(),
            scheme: if tls.is_some() { "https" } else { "http" },
            accepting: SERVERS.spawn(accept(listener, tls, Arc::clone(&shared))),
            shared,
        }
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        connections.spawn(async move {
            match tls {
                None => {
                    let mut stream = stream;
                    if let Some(End::Reset) = converse(&mut stream, &shared).await {
                        reset(&stream);
                    }
                }
                Some(tls) => {
                    if let Ok(mut stream) = tls.accept(stream).await
                        && let Some(End::Reset) = converse(&mut stream, &shared).await
                    {
                        reset(stream.get_ref().0);
                    }
                }
            }
        });
    }
}

/// Makes the connection end with an RST.
fn reset(stream: &TcpStream) {
    stream.set_zero_linger().unwrap();
}

/// Responds to requests until the connection should end, and returns how it ends.
async fn converse<S>(stream: &mut S, shared: &Shared) -> Option<End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let request = receive(stream).await?;
        let mut reply = shared.next_reply();
        if request.method == "HEAD" {
            reply.drop_body();
        }
        shared.requests.lock().unwrap().push(request);
        let whole = write(stream, &reply, &shared.written).await;
        shared.answered.send_modify(|answered| *answered += 1);
        match reply.end {
            End::Keep if whole => {}
            End::Hold => pending().await,
            end => return Some(end),
        }
    }
}

/// Reads one request with its body.
async fn receive<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Received> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = end_of_head(&bytes) {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let received = Received::parse(bytes[..head].to_vec(), head);
    let chunked = received.header("transfer-encoding") == Some("chunked");
    let length = received.header("content-length");
    let length = length.map_or(0, |length| length.parse().unwrap());
    let whole = |body: &[u8]| {
        let ended = body == b"0\r\n\r\n" || body.ends_with(b"\r\n0\r\n\r\n");
        if chunked { ended } else { body.len() >= length }
    };
    while !whole(&bytes[head..]) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Received::parse(bytes, head))
}

/// Returns whether the whole response was written.
async fn write<S: AsyncWrite + Unpin>(stream: &mut S, reply: &Reply, count: &AtomicUsize) -> bool {
    let (chunk, times) = &reply.filler;
    let parts = std::iter::once(&reply.head).chain(std::iter::repeat_n(chunk, *times));
    for part in parts {
        if stream.write_all(part).await.is_err() {
            return false;
        }
        count.fetch_add(part.len(), Ordering::SeqCst);
    }
    stream.flush().await.is_ok()
}

/// Runs all servers of the process. Tests have their own runtimes, some with a paused clock.
static SERVERS: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
});

/// Small, so that the bytes that a server could write show how much the client read.
const SMALL_BUFFER: u32 = 16 * 1024;

const DEADLINE: Duration = Duration::from_secs(30);

//! A server that writes the bytes it is told to and records what it is sent. It runs beside the
//! tests' own runtimes.

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

/// A listening server; stops when dropped.
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
    /// Bytes that the network took of answers.
    written: AtomicUsize,
    /// Answers that were written, or given up by the other side.
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
    /// Answers every request with `reply`.
    pub fn start(reply: Reply) -> Self {
        Closed::new().open(reply)
    }

    /// The same over TLS.
    pub fn start_tls(acceptor: TlsAcceptor, reply: Reply) -> Self {
        Closed::new().open_with(reply, Some(acceptor))
    }

    /// From now on answers with these one after the other, and the last of them for ever.
    pub fn answers<const N: usize>(&self, replies: [Reply; N]) {
        *self.shared.replies.lock().unwrap() = replies.into();
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// How many bytes of answers the network has taken, once `answers` of them have ended.
    pub async fn written(&self, answers: usize) -> usize {
        let mut answered = self.shared.answered.subscribe();
        let ended = answered.wait_for(|ended| *ended >= answers);
        let ended = tokio::time::timeout(DEADLINE, ended).await;
        ended.expect("an answer never ends").unwrap();
        self.shared.written.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A port that is taken and refuses connections.
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

    /// The server is back.
    pub fn open(self, reply: Reply) -> Server {
        self.open_with(reply, None)
    }

    /// The server is back, with TLS.
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

/// What goes back for a request, to the byte.
#[derive(Clone)]
pub struct Reply {
    head: Vec<u8>,
    /// Written so many times after the head.
    filler: (Vec<u8>, usize),
    end: End,
}

/// What becomes of the connection after the answer.
#[derive(Clone, Copy)]
pub enum End {
    /// The next request may come.
    Keep,
    Close,
    Reset,
    /// Nothing more is read or written.
    Hold,
}

impl Reply {
    /// Exactly these bytes.
    pub fn raw(bytes: impl Into<Vec<u8>>, end: End) -> Self {
        Self {
            head: bytes.into(),
            filler: (Vec::new(), 0),
            end,
        }
    }

    /// A whole answer; `headers` is lines, each with its `\r\n`.
    pub fn of(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len();
        let head = format!("HTTP/1.1 {status} -\r\nContent-Length: {length}\r\n{headers}\r\n");
        Self::raw([head.as_bytes(), body].concat(), End::Keep)
    }

    pub fn json(status: u16, body: &str) -> Self {
        Self::of(status, "Content-Type: application/json\r\n", body)
    }

    /// A redirection to another server.
    pub fn redirect(status: u16, to: &Server) -> Self {
        Self::of(status, &format!("Location: {}/elsewhere\r\n", to.url()), "")
    }

    /// Reads the request and ends the connection without a word.
    pub fn none(end: End) -> Self {
        Self::raw("", end)
    }

    /// The same, with `chunk` so many times behind it.
    pub fn followed_by(mut self, chunk: impl Into<Vec<u8>>, times: usize) -> Self {
        self.filler = (chunk.into(), times);
        self
    }

    fn drop_body(&mut self) {
        if let Some(head) = end_of_head(&self.head) {
            self.head.truncate(head);
        }
        self.filler.1 = 0;
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: String,
    pub target: String,
    /// Names in small letters, in order.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// All of it, as it came.
    pub bytes: Vec<u8>,
}

impl Received {
    fn parse(bytes: Vec<u8>, head: usize) -> Self {
        let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
        let mut lines = text.split("\r\n");
        let mut first = lines.next().unwrap().split(' ').map(str::to_owned);
        let header = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        };
        Self {
            method: first.next().unwrap(),
            target: first.next().unwrap(),
            headers: lines.filter_map(header).collect(),
            body: bytes[head..].to_vec(),
            bytes,
        }
    }

    /// The header's one value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} is there twice");
        value
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

/// Lets the connection's end be an RST.
fn reset(stream: &TcpStream) {
    stream.set_zero_linger().unwrap();
}

/// Answers requests until the connection is to end, and tells how.
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

/// One request, with the body its length announces.
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
    let length = Received::parse(bytes[..head].to_vec(), head)
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Received::parse(bytes, head))
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let empty_line = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    empty_line.map(|start| start + 4)
}

/// Whether all of it went out.
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

/// All servers of the process. Tests have runtimes of their own, some of them with a clock that
/// stands still.
static SERVERS: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
});

/// So that what a server could write tells what the client read.
const SMALL_BUFFER: u32 = 16 * 1024;

const DEADLINE: Duration = Duration::from_secs(30);

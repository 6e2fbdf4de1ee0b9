//! Accepts connections, reads one request from each, and delivers the callback.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, sink},
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use zeroize::Zeroizing;

use super::{
    bind::Authority,
    head::Head,
    matcher::{Expected, Match, match_request},
    page::rejection_response,
    rejection::{Rejection, Rejections},
    responder::{RESPONSE_TIMEOUT, Responder},
};
use crate::{
    callback::Redirect,
    clock::{Clock, Moment, either},
};

/// The expected request.
#[derive(Debug)]
pub(crate) struct Callback {
    pub(crate) redirect: Redirect,
    /// The browser's connection, which waits for a page.
    pub(crate) respond: Responder,
}

/// The state that the serving task shares with the waiting callers.
pub(super) struct Server {
    authority: Authority,
    /// `None` after the listener was dropped.
    sockets: Mutex<Option<Sockets>>,
    inbox: Mutex<Inbox>,
    arrived: Notify,
}

struct Sockets {
    bound: Vec<std::net::TcpListener>,
    /// The bound sockets, registered with the runtime of the serving task.
    registered: Vec<TcpListener>,
    /// Oldest first.
    connections: VecDeque<Connection>,
}

struct Connection {
    since: Moment,
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
}

#[derive(Default)]
struct Inbox {
    /// `None` before the first wait.
    expected: Option<Arc<Expected>>,
    /// Whether the callback has not come yet.
    is_awaited: bool,
    callback: Option<Callback>,
    rejections: Rejections,
}

impl Server {
    pub(super) fn new(authority: Authority, bound: Vec<std::net::TcpListener>) -> Self {
        let sockets = Sockets {
            bound,
            registered: Vec::new(),
            connections: VecDeque::new(),
        };
        Self {
            authority,
            sockets: Mutex::new(Some(sockets)),
            inbox: Mutex::default(),
            arrived: Notify::new(),
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.authority.port
    }

    /// Sets the request to wait for.
    pub(super) fn expect(&self, expected: &Expected) {
        let mut inbox = self.inbox.lock();
        inbox.is_awaited = inbox.callback.is_none();
        inbox.expected = Some(Arc::new(expected.clone()));
    }

    /// Waits for the callback.
    pub(super) async fn callback(&self) -> Callback {
        loop {
            let arrived = self.arrived.notified();
            if let Some(callback) = self.inbox.lock().callback.take() {
                return callback;
            }
            arrived.await;
        }
    }

    pub(super) fn rejections(&self) -> Rejections {
        self.inbox.lock().rejections.clone()
    }

    #[cfg(test)]
    pub(super) fn is_awaited(&self) -> bool {
        self.inbox.lock().is_awaited
    }

    #[cfg(test)]
    pub(super) fn connections(&self) -> usize {
        let sockets = self.sockets.lock();
        sockets.as_ref().map_or(0, |open| open.connections.len())
    }

    /// Closes every socket, except that of a callback which was already handed over.
    pub(super) fn close(&self) {
        // Each is dropped after its guard.
        let sockets = self.sockets.lock().take();
        let callback = self.inbox.lock().callback.take();
        drop((sockets, callback));
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let sockets = self.sockets.lock();
        let bound = sockets.iter().flat_map(|open| &open.bound);
        bound
            .filter_map(|socket| socket.local_addr().ok())
            .collect()
    }

    /// Serves until [`close`](Self::close).
    pub(super) async fn run(self: Arc<Self>, clock: Clock) {
        while self.register().is_err() {
            clock.sleep_until(clock.now() + NO_DESCRIPTOR_PAUSE).await;
        }
        let mut accepting = pin!(Arc::clone(&self).accept(clock));
        poll_fn(|cx| {
            let closed = accepting.as_mut().poll(cx);
            self.poll_connections(cx);
            closed
        })
        .await;
    }

    /// Registers the sockets with this runtime. Connections of an earlier runtime are lost.
    fn register(&self) -> io::Result<()> {
        if let Some(sockets) = &mut *self.sockets.lock() {
            sockets.connections.clear();
            let bound = sockets.bound.iter();
            let registered = bound.map(|socket| TcpListener::from_std(socket.try_clone()?));
            sockets.registered = registered.collect::<io::Result<_>>()?;
        }
        Ok(())
    }

    async fn accept(self: Arc<Self>, clock: Clock) {
        while let Some(accepted) = poll_fn(|cx| self.poll_accept(cx)).await {
            let next = match accepted {
                Ok(stream) => self.admit(stream, &clock),
                // The process is out of file descriptors.
                Err(_) => clock.now() + NO_DESCRIPTOR_PAUSE,
            };
            clock.sleep_until(next).await;
        }
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<Option<io::Result<TcpStream>>> {
        let mut sockets = self.sockets.lock();
        let Some(Sockets { registered, .. }) = &mut *sockets else {
            return Poll::Ready(None);
        };
        for (at, listener) in registered.iter().enumerate() {
            if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                // The other address comes next, so that a flood at one does not starve it.
                registered.rotate_left(at + 1);
                return Poll::Ready(Some(accepted.map(|(stream, _)| stream)));
            }
        }
        Poll::Pending
    }

    /// Adds a connection; the oldest one is closed if there are too many. Returns the time from
    /// which the next one may be accepted.
    pub(super) fn admit(self: &Arc<Self>, stream: TcpStream, clock: &Clock) -> Moment {
        let since = clock.now();
        let future = Box::pin(Arc::clone(self).serve(stream, since, clock.clone()));
        let mut sockets = self.sockets.lock();
        let Some(Sockets { connections, .. }) = &mut *sockets else {
            return since;
        };
        if connections.len() == MAX_CONNECTIONS {
            connections.pop_front();
            self.count(Rejection::Displaced);
        }
        connections.push_back(Connection { since, future });
        match connections.front() {
            Some(oldest) if connections.len() == MAX_CONNECTIONS => {
                oldest.since + MIN_CONNECTION_TIME
            }
            _ => since,
        }
    }

    fn poll_connections(&self, cx: &mut Context<'_>) {
        if let Some(Sockets { connections, .. }) = &mut *self.sockets.lock() {
            connections.retain_mut(|connection| connection.future.as_mut().poll(cx).is_pending());
        }
    }

    async fn serve(self: Arc<Self>, mut stream: TcpStream, since: Moment, clock: Clock) {
        let limit = pin!(clock.sleep_until(since + CONNECTION_TIMEOUT));
        let read = either(pin!(self.read(&mut stream)), limit).await;
        let rejection = match read {
            Some(Ok(redirect)) => match self.deliver(redirect, stream) {
                Ok(()) => return,
                Err(returned) => {
                    stream = returned;
                    Rejection::Repeated
                }
            },
            Some(Err(rejection)) => rejection,
            None => Rejection::TooSlow,
        };
        self.count(rejection);
        if let Some(response) = rejection_response(rejection) {
            let limit = clock.sleep_until(clock.now() + RESPONSE_TIMEOUT);
            let respond = async {
                stream.write_all(response.as_bytes()).await?;
                if rejection.leaves_bytes_unread() {
                    // A browser that still sends would lose the page to a reset.
                    stream.shutdown().await?;
                    copy(&mut stream.take(MAX_DISCARDED_BYTES), &mut sink()).await?;
                }
                io::Result::Ok(())
            };
            // An error concerns the client only.
            let _ = either(pin!(respond), pin!(limit)).await;
        }
    }

    /// Reads the head of one request and matches it.
    async fn read(&self, stream: &mut TcpStream) -> Result<Redirect, Rejection> {
        let Some(expected) = self.inbox.lock().expected.clone() else {
            return Err(Rejection::State);
        };
        let mut head = Head::new();
        let mut arrived = Zeroizing::new(vec![0; READ_BYTES]);
        loop {
            let read = stream.read(&mut arrived).await.unwrap_or(0);
            if read == 0 {
                return Err(Rejection::Incomplete);
            }
            let is_longer = head.push(arrived.get(..read).unwrap_or_default());
            if head.is_too_large() {
                return Err(Rejection::TooLarge);
            }
            if is_longer {
                match match_request(head.kept(), self.authority, &expected) {
                    Match::Incomplete => {}
                    Match::Callback(redirect) => return Ok(redirect),
                    Match::Rejected(rejection) => return Err(rejection),
                }
            }
        }
    }

    /// Delivers the callback to the waiting caller, unless one was delivered before.
    fn deliver(&self, redirect: Redirect, stream: TcpStream) -> Result<(), TcpStream> {
        let mut inbox = self.inbox.lock();
        if !std::mem::take(&mut inbox.is_awaited) {
            return Err(stream);
        }
        let respond = Responder::new(stream);
        inbox.callback = Some(Callback { redirect, respond });
        drop(inbox);
        self.arrived.notify_one();
        Ok(())
    }

    fn count(&self, rejection: Rejection) {
        tracing::debug!(target: TARGET, "a request to the redirect URI {}", rejection.as_str());
        self.inbox.lock().rejections.add(rejection);
    }
}

/// The number of open connections. For one more, the oldest is closed.
pub(super) const MAX_CONNECTIONS: usize = 32;

/// The time for one request.
pub(super) const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// The time for which a connection stays open although others wait to be accepted.
pub(super) const MIN_CONNECTION_TIME: Duration = Duration::from_millis(100);

/// The pause in accepting while the process is out of file descriptors.
const NO_DESCRIPTOR_PAUSE: Duration = Duration::from_millis(100);

/// The maximum that is read at once.
pub(super) const READ_BYTES: usize = 4 * 1024;

/// The maximum that is read, and ignored, after the response to a request that is too large.
const MAX_DISCARDED_BYTES: u64 = 16 * 1024 * 1024;

const TARGET: &str = "genesys_cloud_auth";

//! Takes connections, reads one request of each, and lets one through.

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
use secrecy::SecretString;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use zeroize::Zeroizing;

use super::{
    ANSWER_TIME, Authority, CONNECTION_TIME, Callback, Expected, LEAST_TIME, LONGEST_HEAD,
    MOST_CONNECTIONS, Reason, Responder, TARGET, TurnedAway, Verdict, either, judge,
    turned_away_answer,
};
use crate::clock::{Clock, Moment};

/// What the task that serves shares with those who wait.
pub(super) struct Serving {
    authority: Authority,
    /// None once the listener was dropped.
    door: Mutex<Option<Door>>,
    desk: Mutex<Desk>,
    arrived: Notify,
}

/// The open sockets.
struct Door {
    sockets: Vec<std::net::TcpListener>,
    /// The same, in the runtime of the task that serves.
    listeners: Vec<TcpListener>,
    /// The oldest first.
    connections: VecDeque<Connection>,
}

struct Connection {
    since: Moment,
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
}

#[derive(Default)]
struct Desk {
    /// None before the first wait.
    expected: Option<Arc<Expected>>,
    /// Whether the right request is still to come.
    wanted: bool,
    callback: Option<Callback>,
    turned_away: TurnedAway,
}

impl Serving {
    pub(super) fn new(authority: Authority, sockets: Vec<std::net::TcpListener>) -> Self {
        let door = Door {
            sockets,
            listeners: Vec::new(),
            connections: VecDeque::new(),
        };
        Self {
            authority,
            door: Mutex::new(Some(door)),
            desk: Mutex::default(),
            arrived: Notify::new(),
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.authority.port
    }

    /// From now on the right request is wanted.
    pub(super) fn expect(&self, expected: &Expected) {
        let mut desk = self.desk.lock();
        desk.wanted = desk.callback.is_none();
        desk.expected = Some(Arc::new(expected.clone()));
    }

    /// The right request, once it has come.
    pub(super) async fn callback(&self) -> Callback {
        loop {
            let arrived = self.arrived.notified();
            if let Some(callback) = self.desk.lock().callback.take() {
                return callback;
            }
            arrived.await;
        }
    }

    pub(super) fn turned_away(&self) -> TurnedAway {
        self.desk.lock().turned_away.clone()
    }

    #[cfg(test)]
    pub(super) fn is_wanted(&self) -> bool {
        self.desk.lock().wanted
    }

    #[cfg(test)]
    pub(super) fn connections(&self) -> usize {
        self.door
            .lock()
            .as_ref()
            .map_or(0, |door| door.connections.len())
    }

    /// Closes every socket but that of a right request in somebody's hands.
    pub(super) fn close(&self) {
        drop(self.door.lock().take());
        drop(self.desk.lock().callback.take());
    }

    /// Where connections are taken.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let door = self.door.lock();
        let sockets = door.iter().flat_map(|door| &door.sockets);
        sockets
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

    /// Puts the sockets into this runtime; what there was in another is lost.
    fn register(&self) -> io::Result<()> {
        if let Some(door) = &mut *self.door.lock() {
            door.connections.clear();
            let sockets = door.sockets.iter();
            let listeners = sockets.map(|socket| TcpListener::from_std(socket.try_clone()?));
            door.listeners = listeners.collect::<io::Result<_>>()?;
        }
        Ok(())
    }

    async fn accept(self: Arc<Self>, clock: Clock) {
        while let Some(accepted) = poll_fn(|cx| self.poll_accept(cx)).await {
            let next = match accepted {
                Ok(stream) => self.admit(stream, &clock),
                // No descriptor is free: one may be soon.
                Err(_) => clock.now() + NO_DESCRIPTOR_PAUSE,
            };
            clock.sleep_until(next).await;
        }
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<Option<io::Result<TcpStream>>> {
        let mut door = self.door.lock();
        let Some(Door { listeners, .. }) = &mut *door else {
            return Poll::Ready(None);
        };
        for (at, listener) in listeners.iter().enumerate() {
            if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                // A flood at one address is not to starve the other.
                listeners.rotate_left(at + 1);
                return Poll::Ready(Some(accepted.map(|(stream, _)| stream)));
            }
        }
        Poll::Pending
    }

    /// Gives a connection its place; until the moment that comes back there is none for another.
    pub(super) fn admit(self: &Arc<Self>, stream: TcpStream, clock: &Clock) -> Moment {
        let since = clock.now();
        let future = Box::pin(Arc::clone(self).connection(stream, since, clock.clone()));
        let mut door = self.door.lock();
        let Some(door) = &mut *door else {
            return since;
        };
        if door.connections.len() == MOST_CONNECTIONS {
            door.connections.pop_front();
            self.turn_away(Reason::Crowded);
        }
        door.connections.push_back(Connection { since, future });
        match door.connections.front() {
            Some(oldest) if door.connections.len() == MOST_CONNECTIONS => oldest.since + LEAST_TIME,
            _ => since,
        }
    }

    fn poll_connections(&self, cx: &mut Context<'_>) {
        if let Some(door) = &mut *self.door.lock() {
            let connections = &mut door.connections;
            connections.retain_mut(|connection| connection.future.as_mut().poll(cx).is_pending());
        }
    }

    async fn connection(self: Arc<Self>, mut stream: TcpStream, since: Moment, clock: Clock) {
        let limit = pin!(clock.sleep_until(since + CONNECTION_TIME));
        let read = either(pin!(self.read(&mut stream)), limit).await;
        let reason = match read {
            Some(Ok(query)) => match self.deliver(query, stream) {
                Ok(()) => return,
                Err(given_back) => {
                    stream = given_back;
                    Reason::Again
                }
            },
            Some(Err(reason)) => reason,
            None => Reason::TooSlow,
        };
        self.turn_away(reason);
        if let Some(answer) = turned_away_answer(reason) {
            let limit = clock.sleep_until(clock.now() + ANSWER_TIME);
            // However it ends, only the other side has to know.
            let _ = either(pin!(stream.write_all(answer.as_bytes())), pin!(limit)).await;
        }
    }

    /// Reads one request's head, and its query if it is the right one.
    async fn read(&self, stream: &mut TcpStream) -> Result<SecretString, Reason> {
        let Some(expected) = self.desk.lock().expected.clone() else {
            return Err(Reason::State);
        };
        let mut head = Zeroizing::new(vec![0; LONGEST_HEAD]);
        let mut length = 0;
        loop {
            let room = head.get_mut(length..).unwrap_or_default();
            match stream.read(room).await {
                Ok(0) | Err(_) => return Err(Reason::Incomplete),
                Ok(read) => length += read,
            }
            let read = head.get(..length).unwrap_or_default();
            match judge(read, self.authority, &expected) {
                Verdict::Incomplete => {}
                Verdict::Callback(query) => return Ok(query),
                Verdict::TurnedAway(reason) => return Err(reason),
            }
        }
    }

    /// Hands the right request to who waits, unless there was one already.
    fn deliver(&self, query: SecretString, stream: TcpStream) -> Result<(), TcpStream> {
        let mut desk = self.desk.lock();
        if !std::mem::take(&mut desk.wanted) {
            return Err(stream);
        }
        let respond = Responder::new(stream);
        desk.callback = Some(Callback { query, respond });
        drop(desk);
        self.arrived.notify_one();
        Ok(())
    }

    fn turn_away(&self, reason: Reason) {
        tracing::debug!(target: TARGET, "a request to the redirect URI {}", reason.as_str());
        self.desk.lock().turned_away.count(reason);
    }
}

/// For as long nothing is accepted where the process has no descriptor left for it.
const NO_DESCRIPTOR_PAUSE: Duration = Duration::from_millis(100);

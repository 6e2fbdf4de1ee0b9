//! A loopback listener that waits for one right request: the callback of a login.
//!
//! The right request is one `GET` of the redirect URI, with its `Host` and the login's `state`.
//! Everything else is answered briefly, counted, and waited past. However many connections come,
//! it holds at most [`MOST_CONNECTIONS`] of them, each with at most [`LONGEST_HEAD`] bytes of
//! request and for at most [`CONNECTION_TIME`]: under 576 KiB in all.

mod bind;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
mod matcher;
mod page;
mod rejection;
mod responder;
mod server;

use std::{fmt, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use parking_lot::Mutex;
use secrecy::SecretString;
use tokio::task::JoinHandle;

use crate::clock::{Clock, Moment, either};
use bind::Authority;
use matcher::{Verdict, judge};
use page::{Page, answer, turned_away_answer};
use rejection::Reason;
use server::Serving;

pub(crate) use bind::{LoopbackHost, NoPort};
pub(crate) use rejection::TurnedAway;
pub(crate) use responder::Responder;

/// Ports of the loopback addresses that are taken; free again once this is dropped.
pub(crate) struct Listener {
    serving: Arc<Serving>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Listener {
    /// Takes the first of `ports` that is free on every loopback address that `host` stands for; 0
    /// is any port. A connection waits from here on, though nobody answers it before
    /// [`wait`](Self::wait).
    pub(crate) fn bind(host: LoopbackHost, ports: &[u16]) -> Result<Self, NoPort> {
        let (authority, sockets) = bind::first_free(host, ports)?;
        Ok(Self {
            serving: Arc::new(Serving::new(authority, sockets)),
            task: Mutex::default(),
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.serving.port()
    }

    /// Where connections are taken: two addresses for `localhost` where the machine has both.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.serving.addresses()
    }

    /// Waits until the browser brings what is expected, with a code or with an error; after
    /// `deadline`, what came instead.
    ///
    /// The first call begins to serve, and that goes on until the listener is dropped: a caller
    /// that leaves loses nothing and may wait again. Inside a tokio runtime only.
    pub(crate) async fn wait(
        &self,
        expected: &Expected,
        deadline: Moment,
        clock: &Clock,
    ) -> Result<Callback, TurnedAway> {
        self.serving.expect(expected);
        self.serve(clock);
        let callback = pin!(self.serving.callback());
        let callback = either(callback, pin!(clock.sleep_until(deadline))).await;
        callback.ok_or_else(|| self.serving.turned_away())
    }

    /// Starts the task that serves, unless there is one: its runtime may have ended.
    fn serve(&self, clock: &Clock) {
        let mut task = self.task.lock();
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            let serving = Arc::clone(&self.serving);
            *task = Some(tokio::spawn(serving.run(clock.clone())));
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The task itself may be dropped only later.
        self.serving.close();
        if let Some(task) = self.task.lock().take() {
            task.abort();
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.addresses()).finish()
    }
}

/// What the right request carries.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// The redirect URI's path, as a browser sends it: `/` at least, percent-encoded.
    pub(crate) path: String,
    pub(crate) state: SecretString,
}

/// The right request.
#[derive(Debug)]
pub(crate) struct Callback {
    /// As it came. It has the expected `state` once, and once either a `code` or an `error`.
    pub(crate) query: SecretString,
    /// The browser's connection, which waits for a page.
    pub(crate) respond: Responder,
}

/// How many connections are open at once; for one more the oldest is closed.
const MOST_CONNECTIONS: usize = 32;

/// What is read of a connection, in bytes. No body is ever read.
const LONGEST_HEAD: usize = 16 * 1024;

/// How long a request may take.
const CONNECTION_TIME: Duration = Duration::from_secs(10);

/// How long a connection is kept, however many others come.
const LEAST_TIME: Duration = Duration::from_millis(100);

/// How long an answer may take to be sent.
const ANSWER_TIME: Duration = Duration::from_secs(2);

const TARGET: &str = "genesys_cloud_auth";

#[cfg(test)]
mod tests;

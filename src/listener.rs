//! A loopback listener that waits for one request: the callback of a login.
//!
//! That request is one `GET` of the redirect URI, with its `Host` and the login's `state`.
//! Every other request gets a brief response, is counted, and does not end the wait. At most 32
//! connections are open at once, for at most 10 s each. Of a request at most 768 KiB are read and 16
//! KiB kept, so that the listener needs less than 768 KiB in all.

mod bind;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
mod head;
mod matcher;
mod page;
mod rejection;
mod responder;
mod server;

use std::{fmt, net::SocketAddr, pin::pin, sync::Arc};

use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::clock::{Clock, Moment, either};
use server::Server;

pub(crate) use bind::{LoopbackHost, NoPort};
pub(crate) use matcher::Expected;
pub(crate) use rejection::Rejections;
pub(crate) use responder::Responder;
pub(crate) use server::Callback;

/// One port on the loopback addresses; dropping the listener frees it.
pub(crate) struct Listener {
    server: Arc<Server>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Listener {
    /// Binds the first of `ports` that is free on every loopback address of `host`; 0 is any port.
    /// From then on a connection waits, and [`wait`](Self::wait) serves it.
    pub(crate) fn bind(host: LoopbackHost, ports: &[u16]) -> Result<Self, NoPort> {
        let (authority, sockets) = bind::bind_first_free(host, ports)?;
        Ok(Self {
            server: Arc::new(Server::new(authority, sockets)),
            task: Mutex::default(),
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.port()
    }

    /// The bound addresses: two for `localhost` where the machine has both families.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.server.addresses()
    }

    /// Waits for the expected request until `deadline`; then returns the requests that came instead.
    ///
    /// The first call starts to serve, which goes on until the listener is dropped. So a caller may
    /// drop the future and wait again without losing a request. It needs a tokio runtime.
    pub(crate) async fn wait(
        &self,
        expected: &Expected,
        deadline: Moment,
        clock: &Clock,
    ) -> Result<Callback, Rejections> {
        self.server.expect(expected);
        self.serve(clock);
        let callback = pin!(self.server.callback());
        let callback = either(callback, pin!(clock.sleep_until(deadline))).await;
        callback.ok_or_else(|| self.server.rejections())
    }

    /// Starts the task that serves, unless it runs. Its runtime may have ended.
    fn serve(&self, clock: &Clock) {
        let mut task = self.task.lock();
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            let server = Arc::clone(&self.server);
            *task = Some(tokio::spawn(server.run(clock.clone())));
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // An aborted task is dropped later; the port must be free now.
        self.server.close();
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

#[cfg(test)]
mod tests;

//! Faults on demand: which requests they are for, and what happens to these.

pub(super) mod response;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{runtime::Handle, sync::watch};

use self::response::FaultResponse;
use super::http::{counter::Counter, request_log::RecordedRequest};

/// Selects the requests that a fault is for, and then sets the fault.
///
/// [`Sandbox::at_token_endpoint`](super::Sandbox::at_token_endpoint),
/// [`Sandbox::at_login_pages`](super::Sandbox::at_login_pages) and
/// [`Sandbox::at_api`](super::Sandbox::at_api) return it. A request meets all faults that are for it,
/// in the order in which they were set. A delay or a gate holds the request and then passes it on to
/// the next fault; every other fault ends it.
///
/// ```
/// use std::time::Duration;
/// use genesys_cloud_auth::sandbox::{FaultResponse, Sandbox};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let sandbox = Sandbox::start().await?;
/// sandbox.at_token_endpoint().times(2).respond(503);
/// sandbox
///     .at_api()
///     .path("/api/v2/organizations/me")
///     .respond(FaultResponse::new(429).header("Retry-After", "1"));
/// sandbox.at_token_endpoint().delay(Duration::from_millis(50));
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "a method such as `respond` sets the fault"]
pub struct FaultScope<'a> {
    faults: &'a Arc<Faults>,
    runtime: &'a Handle,
    scope: Scope,
}

#[allow(
    clippy::must_use_candidate,
    reason = "a fault stays without its handle"
)]
impl<'a> FaultScope<'a> {
    pub(super) fn new(faults: &'a Arc<Faults>, runtime: &'a Handle, endpoint: Endpoint) -> Self {
        Self {
            faults,
            runtime,
            scope: Scope {
                endpoint,
                path: None,
                times_left: None,
            },
        }
    }

    /// Limits the fault to one path on the host, without its query, such as `/api/v2/users/me`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.scope.path = Some(path.into());
        self
    }

    /// Limits the fault to the next `times` requests. Without this call it lasts until it is removed.
    pub fn times(mut self, times: usize) -> Self {
        self.scope.times_left = Some(times);
        self
    }

    /// Sends this response and does nothing else. A bare status, such as `503`, gets the body that
    /// Genesys Cloud usually sends with it, so `at_api().respond(401)` rejects every token.
    pub fn respond(self, response: impl Into<FaultResponse>) -> Fault {
        self.set(Effect::Respond(Box::new(response.into())))
    }

    /// Holds each request for this long, in real time.
    pub fn delay(self, delay: Duration) -> Fault {
        self.set(Effect::Delay(delay))
    }

    /// Sends nothing, and keeps the connection open.
    pub fn stall(self) -> Fault {
        self.set(Effect::Stall)
    }

    /// Handles the request, and closes the connection in the middle of the response's body.
    pub fn cut_body(self) -> Fault {
        self.set(Effect::CutBody)
    }

    /// Handles the request (issues a token, for example), and closes the connection without a
    /// response.
    pub fn drop_response(self) -> Fault {
        self.set(Effect::DropResponse)
    }

    /// Holds each request before it is handled, until the gate is released.
    pub fn gate(self) -> Gate {
        let state = Arc::new(GateState {
            held: Counter::default(),
            open: watch::Sender::new(false),
        });
        let runtime = self.runtime.clone();
        let fault = self.set(Effect::Gate(Arc::clone(&state)));
        Gate {
            fault,
            state,
            runtime,
        }
    }

    fn set(self, effect: Effect) -> Fault {
        Fault {
            id: self.faults.add(self.scope, effect),
            faults: Arc::clone(self.faults),
        }
    }
}

impl fmt::Debug for FaultScope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FaultScope").field(&self.scope).finish()
    }
}

/// The handle of a fault. Dropping the handle does not remove the fault.
pub struct Fault {
    faults: Arc<Faults>,
    id: u64,
}

impl Fault {
    /// Removes the fault. It still applies to requests that have already met it.
    pub fn remove(self) {
        self.faults.remove(self.id);
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fault").field(&self.id).finish()
    }
}

/// A gate that holds requests. Dropping it releases them, too.
///
/// ```no_run
/// # use genesys_cloud_auth::sandbox::Sandbox;
/// # async fn example(sandbox: Sandbox) {
/// let gate = sandbox.at_token_endpoint().gate();
/// // … start a task that requests a token …
/// gate.wait_for(1).await;
/// // … do something while the request is held …
/// gate.release();
/// # }
/// ```
#[must_use = "dropping a gate releases it"]
pub struct Gate {
    fault: Fault,
    state: Arc<GateState>,
    runtime: Handle,
}

impl Gate {
    /// The number of requests that are held now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.state.held.get()
    }

    /// Waits until at least `count` requests are held.
    ///
    /// # Panics
    ///
    /// The future panics after 10 s.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> impl Future<Output = ()> + Send + use<> {
        self.state
            .held
            .wait_for(count, "requests held at a gate", &self.runtime)
    }

    /// Lets all held requests continue, and removes the gate.
    pub fn release(self) {}
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.fault.faults.remove(self.fault.id);
        self.state.open.send_replace(true);
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("held", &self.held())
            .finish_non_exhaustive()
    }
}

/// The class of requests that a fault is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Endpoint {
    Token,
    LoginPages,
    Api,
}

#[derive(Debug)]
struct Scope {
    endpoint: Endpoint,
    path: Option<String>,
    times_left: Option<usize>,
}

impl Scope {
    fn matches(&self, request: &RecordedRequest) -> bool {
        let matches_endpoint = match self.endpoint {
            Endpoint::Token => request.is_token_request(),
            Endpoint::LoginPages => request.is_page_request(),
            Endpoint::Api => request.is_api_request(),
        };
        matches_endpoint
            && self.times_left != Some(0)
            && self.path.as_ref().is_none_or(|path| path == request.path())
    }
}

/// What a fault does to a request.
#[derive(Clone)]
pub(super) enum Effect {
    CutBody,
    Delay(Duration),
    DropResponse,
    Gate(Arc<GateState>),
    Respond(Box<FaultResponse>),
    Stall,
}

/// What a [`Gate`] and the requests that it holds share.
pub(super) struct GateState {
    held: Counter,
    open: watch::Sender<bool>,
}

impl GateState {
    pub(super) async fn pass(&self) {
        let mut open = self.open.subscribe();
        let _held = HeldRequest::new(&self.held);
        // The sender is in `self`, so this ends only when the gate is open.
        let _ = open.wait_for(|open| *open).await;
    }
}

/// Counts one request as held, until it passes or its client disconnects.
struct HeldRequest<'a>(&'a Counter);

impl<'a> HeldRequest<'a> {
    fn new(counter: &'a Counter) -> Self {
        counter.increment();
        Self(counter)
    }
}

impl Drop for HeldRequest<'_> {
    fn drop(&mut self) {
        self.0.decrement();
    }
}

/// All faults, in the order in which they were set.
#[derive(Default)]
pub(super) struct Faults(Mutex<FaultList>);

#[derive(Default)]
struct FaultList {
    faults: Vec<(u64, Scope, Effect)>,
    last_id: u64,
}

impl Faults {
    fn add(&self, scope: Scope, effect: Effect) -> u64 {
        let mut list = self.0.lock();
        list.last_id += 1;
        let id = list.last_id;
        list.faults.push((id, scope, effect));
        id
    }

    fn remove(&self, id: u64) {
        self.0.lock().faults.retain(|(other, ..)| *other != id);
    }

    pub(super) fn clear(&self) {
        self.0.lock().faults.clear();
    }

    /// Returns the first fault for `request` that was set after the fault `after`, and counts its
    /// use.
    pub(super) fn next(&self, after: u64, request: &RecordedRequest) -> Option<(u64, Effect)> {
        let mut list = self.0.lock();
        let (id, scope, effect) = list
            .faults
            .iter_mut()
            .find(|(id, scope, _)| *id > after && scope.matches(request))?;
        if let Some(times) = &mut scope.times_left {
            *times -= 1;
        }
        Some((*id, effect.clone()))
    }
}

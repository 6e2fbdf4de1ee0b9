//! Faults on demand: which requests are met, and what happens to them.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{runtime::Handle, sync::watch};

use super::{Count, FaultResponse, RecordedRequest};

/// Says which requests a fault is for, and then which fault it is.
///
/// Made by [`Sandbox::at_token_endpoint`](super::Sandbox::at_token_endpoint),
/// [`Sandbox::at_login_pages`](super::Sandbox::at_login_pages) and
/// [`Sandbox::at_api`](super::Sandbox::at_api). A request meets the faults that are for it in the
/// order in which they were set: a delay or a gate holds it and lets it go on to the next fault, an
/// answer ends it.
///
/// ```no_run
/// # use std::time::Duration;
/// # use genesys_cloud_auth::sandbox::{FaultResponse, Sandbox};
/// # async fn example(sandbox: Sandbox) {
/// sandbox.at_token_endpoint().times(2).respond(503);
/// sandbox
///     .at_api()
///     .path("/api/v2/organizations/me")
///     .respond(FaultResponse::new(429).header("Retry-After", "1"));
/// sandbox.at_token_endpoint().delay(Duration::from_millis(50));
/// # }
/// ```
#[must_use = "no fault is set until it is said which"]
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
                left: None,
            },
        }
    }

    /// Only requests for this path on their host, without query, such as `/api/v2/users/me`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.scope.path = Some(path.into());
        self
    }

    /// Only the next `times` requests; all until the fault is removed where this is not said.
    pub fn times(mut self, times: usize) -> Self {
        self.scope.left = Some(times);
        self
    }

    /// Answers this instead of the truth. A bare status, such as `503`, comes with the body that
    /// Genesys Cloud usually sends with it; so `at_api().respond(401)` refuses every token.
    pub fn respond(self, response: impl Into<FaultResponse>) -> Fault {
        self.set(Effect::Respond(Box::new(response.into())))
    }

    /// Holds each request this long, in real time.
    pub fn delay(self, delay: Duration) -> Fault {
        self.set(Effect::Delay(delay))
    }

    /// Never answers: no status, no headers, and the connection stays open.
    pub fn stall(self) -> Fault {
        self.set(Effect::Stall)
    }

    /// Answers the truth, and closes the connection in the middle of the body.
    pub fn cut_body(self) -> Fault {
        self.set(Effect::CutBody)
    }

    /// Does what was asked (a token is issued, say), and closes the connection without an answer.
    pub fn drop_response(self) -> Fault {
        self.set(Effect::DropResponse)
    }

    /// Holds each request, before anything is done about it, until the gate is released.
    pub fn gate(self) -> Gate {
        let door = Arc::new(Door {
            held: Count::new(),
            open: watch::Sender::new(false),
        });
        let runtime = self.runtime.clone();
        let fault = self.set(Effect::Gate(Arc::clone(&door)));
        Gate {
            fault,
            door,
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

/// A fault that was set. It stays when this handle is dropped.
pub struct Fault {
    faults: Arc<Faults>,
    id: u64,
}

impl Fault {
    /// Ends the fault. Requests that it has already met are not let off.
    pub fn remove(self) {
        self.faults.remove(self.id);
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fault").field(&self.id).finish()
    }
}

/// A gate that holds requests. It is released when it is dropped, too.
///
/// ```no_run
/// # use genesys_cloud_auth::sandbox::Sandbox;
/// # async fn example(sandbox: Sandbox) {
/// let gate = sandbox.at_token_endpoint().gate();
/// // … start what asks for tokens …
/// gate.wait_for(1).await;
/// // … what has to happen while the request is on its way …
/// gate.release();
/// # }
/// ```
#[must_use = "a gate is released when it is dropped"]
pub struct Gate {
    fault: Fault,
    door: Arc<Door>,
    runtime: Handle,
}

impl Gate {
    /// How many requests are held at this moment.
    #[must_use]
    pub fn held(&self) -> usize {
        self.door.held.get()
    }

    /// Waits until at least `count` requests are held.
    ///
    /// # Panics
    ///
    /// The future panics after 10 s.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> impl Future<Output = ()> + Send + use<> {
        self.door
            .held
            .reaches(count, "requests held at a gate", &self.runtime)
    }

    /// Lets all held requests go on, and holds no more.
    pub fn release(self) {}
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.fault.faults.remove(self.fault.id);
        self.door.open.send_replace(true);
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
    Pages,
    Api,
}

#[derive(Debug)]
struct Scope {
    endpoint: Endpoint,
    path: Option<String>,
    left: Option<usize>,
}

impl Scope {
    fn is_for(&self, request: &RecordedRequest) -> bool {
        let right_endpoint = match self.endpoint {
            Endpoint::Token => request.is_token_request(),
            Endpoint::Pages => request.is_page_request(),
            Endpoint::Api => request.is_api_request(),
        };
        right_endpoint
            && self.left != Some(0)
            && self.path.as_ref().is_none_or(|path| path == request.path())
    }
}

/// What a fault does to a request.
#[derive(Clone)]
pub(super) enum Effect {
    Respond(Box<FaultResponse>),
    CutBody,
    Delay(Duration),
    DropResponse,
    Gate(Arc<Door>),
    Stall,
}

/// What a gate's handle and the requests it holds share.
pub(super) struct Door {
    held: Count,
    open: watch::Sender<bool>,
}

impl Door {
    pub(super) async fn pass(&self) {
        let mut open = self.open.subscribe();
        let _held = Held::at(&self.held);
        // The sender is in `self`: this ends when the gate is open, and no sooner.
        let _ = open.wait_for(|open| *open).await;
    }
}

/// Counts one request as held, also when its client goes away.
struct Held<'a>(&'a Count);

impl<'a> Held<'a> {
    fn at(count: &'a Count) -> Self {
        count.up();
        Self(count)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.down();
    }
}

/// All faults that are set, in the order in which they were.
#[derive(Default)]
pub(super) struct Faults(Mutex<List>);

#[derive(Default)]
struct List {
    set: Vec<(u64, Scope, Effect)>,
    last_id: u64,
}

impl Faults {
    fn add(&self, scope: Scope, effect: Effect) -> u64 {
        let mut list = self.0.lock();
        list.last_id += 1;
        let id = list.last_id;
        list.set.push((id, scope, effect));
        id
    }

    fn remove(&self, id: u64) {
        self.0.lock().set.retain(|(set, ..)| *set != id);
    }

    pub(super) fn clear(&self) {
        self.0.lock().set.clear();
    }

    /// The first fault for `request` that was set after the fault `met`, counted as used once.
    pub(super) fn next(&self, met: u64, request: &RecordedRequest) -> Option<(u64, Effect)> {
        let mut list = self.0.lock();
        let (id, scope, effect) = list
            .set
            .iter_mut()
            .find(|(id, scope, _)| *id > met && scope.is_for(request))?;
        if let Some(left) = &mut scope.left {
            *left -= 1;
        }
        Some((*id, effect.clone()))
    }
}

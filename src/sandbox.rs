//! A local Genesys Cloud to test against.
//!
//! Its parts know nothing of the client's: what goes over the wire is written down here a second
//! time, so that a mistake in one is seen by the other.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test tool: where it is wrong itself, the test must end"
)]

mod answer;
mod api;
mod count;
mod fault;
mod front;
mod login;
mod org;
mod record;
mod refusal;
mod rfc3339;
mod server;

use std::{fmt, future::Future, io, sync::Arc, time::Duration};

use secrecy::SecretString;

pub use self::{
    answer::FaultAnswer,
    fault::{Fault, FaultScope, Gate},
    record::{RecordedRequest, SandboxHost},
};

use self::{
    api::api_routes,
    count::Count,
    fault::{Effect, Endpoint, Faults},
    front::Front,
    login::login_routes,
    org::{CLIENT_CREDENTIALS, Caller, NotIssued, NotLive, Org, Settings, random_uuid},
    record::{Record, TOKEN_PATH},
    refusal::{ApiRefusal, OAuthRefusal, json_response, sealed},
    rfc3339::timestamp,
    server::Server,
};
use crate::{grant::ClientCredentials, region::Region};

/// A local Genesys Cloud: a login host and an API host, with one organization and one OAuth client.
///
/// It listens on a free port of 127.0.0.1 and runs on a thread of its own, whatever runtime the
/// test uses. It stops when it is dropped. Start as many as you like: each has its own
/// organization, client and clock.
///
/// The login host is under the path `/login` and the API host under `/api`, each followed by the
/// full path: `/login/oauth/token`, `/api/api/v2/users/me`. A request whose Host header begins with
/// `login.` or `api.` needs no such prefix.
///
/// ```
/// use std::time::Duration;
/// use genesys_cloud_auth::Sandbox;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let sandbox = Sandbox::start().await?;
/// let (region, credentials) = (sandbox.region(), sandbox.client_credentials());
/// // … a program under test gets a token and calls the API …
/// sandbox.advance(Duration::from_secs(86_400)); // its token is now expired
/// assert_eq!(sandbox.token_requests(), 0);
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Sandbox {
    org: Arc<Org>,
    front: Arc<Front>,
    server: Server,
}

impl Sandbox {
    /// Starts a sandbox as Genesys Cloud is by default.
    ///
    /// # Errors
    ///
    /// When the machine has no port, thread or file descriptor left.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Starts with what differs from one organization to the next.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    /// Where it listens, without a path: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// The id of the OAuth client.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.org.settings.client_id
    }

    /// The secret of the OAuth client, as it is now.
    #[must_use]
    pub fn client_secret(&self) -> SecretString {
        self.org.client_secret().into()
    }

    /// Moves the server's clock ahead of the machine's: tokens expire, idle timers run out.
    pub fn advance(&self, by: Duration) {
        self.org.advance(by);
    }

    /// Gives the client a new secret. The old one is refused from now on; live tokens stay.
    #[allow(clippy::must_use_candidate, reason = "`client_secret` says it, too")]
    pub fn rotate_secret(&self) -> SecretString {
        self.org.rotate_secret().into()
    }

    /// Ends all live tokens: they are as unknown as if they had never been issued.
    pub fn revoke_all(&self) {
        self.org.revoke_all();
    }

    /// Ends all live tokens as if their lifetimes were over.
    pub fn expire_all(&self) {
        self.org.expire_all();
    }

    /// Disables the client: it gets no more tokens, and its live ones end.
    pub fn disable_client(&self) {
        self.org.disable_client();
    }

    /// A fault for token requests, `POST /oauth/token`.
    pub fn at_token_endpoint(&self) -> FaultScope<'_> {
        FaultScope::new(&self.front.faults, &self.server.runtime, Endpoint::Token)
    }

    /// A fault for requests to the API host; preflights are never met by one.
    pub fn at_api(&self) -> FaultScope<'_> {
        FaultScope::new(&self.front.faults, &self.server.runtime, Endpoint::Api)
    }

    /// Ends all faults. Requests that a fault has already met are not let off: held ones wait for
    /// their [`Gate`].
    pub fn clear_faults(&self) {
        self.front.faults.clear();
    }

    /// All requests so far, in the order of their arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.front.record.all()
    }

    /// How many token requests have arrived, whatever was answered.
    #[must_use]
    pub fn token_requests(&self) -> usize {
        self.front.record.token_requests.get()
    }

    /// How many requests have arrived at the API host, preflights apart.
    #[must_use]
    pub fn api_requests(&self) -> usize {
        self.front.record.api_requests.get()
    }

    /// Waits until at least `count` token requests have arrived.
    ///
    /// # Panics
    ///
    /// The future panics after 10 s.
    #[track_caller]
    pub fn wait_for_token_requests(&self, count: usize) -> impl Future<Output = ()> + Send + use<> {
        self.front
            .record
            .token_requests
            .reaches(count, "token requests", &self.server.runtime)
    }

    /// Waits until at least `count` requests have arrived at the API host.
    ///
    /// # Panics
    ///
    /// The future panics after 10 s.
    #[track_caller]
    pub fn wait_for_api_requests(&self, count: usize) -> impl Future<Output = ()> + Send + use<> {
        self.front
            .record
            .api_requests
            .reaches(count, "API requests", &self.server.runtime)
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("address", &self.server.address)
            .finish_non_exhaustive()
    }
}

/// What differs from one organization to the next.
///
/// ```
/// use std::time::Duration;
/// use genesys_cloud_auth::Sandbox;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let sandbox = Sandbox::builder()
///     .token_lifetime(Duration::from_secs(300))
///     .idle_timeout(Some(Duration::from_secs(900)))
///     .start()
///     .await?;
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Default)]
#[must_use = "nothing runs before `start`"]
pub struct SandboxBuilder(Settings);

impl SandboxBuilder {
    /// The OAuth client's id and secret, instead of random ones.
    pub fn client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.0.client_id = id.into();
        self.0.client_secret = secret.into();
        self
    }

    /// The OAuth client's grant type: `CLIENT-CREDENTIALS` (the default), `CODE`, `SAML2-BEARER`,
    /// … A client gets no token by another grant than its own.
    pub fn authorized_grant_type(mut self, grant_type: impl Into<String>) -> Self {
        self.0.authorized_grant_type = grant_type.into();
        self
    }

    /// How long tokens live: 86,400 s by default.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.0.token_lifetime = lifetime;
        self
    }

    /// How long a token lives without a call; for ever by default. What Genesys Cloud says of a
    /// token that has idled out is not known: the sandbox does not know the token any more.
    pub fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.0.idle_timeout = timeout;
        self
    }

    /// Whether `GET /api/v2/users/me` answers a token that is no user's; by default it is refused
    /// as in Genesys Cloud.
    pub fn answer_users_me(mut self, answer: bool) -> Self {
        self.0.answer_users_me = answer;
        self
    }

    /// Starts the sandbox. It listens when this returns.
    ///
    /// # Errors
    ///
    /// When the machine has no port, thread or file descriptor left.
    pub async fn start(self) -> io::Result<Sandbox> {
        let org = Arc::new(Org::new(self.0));
        let front = Arc::new(Front::new(&org));
        let server = Server::start(Arc::clone(&front)).await?;
        Ok(Sandbox { org, front, server })
    }
}

impl fmt::Debug for SandboxBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxBuilder")
            .field("client_id", &self.0.client_id)
            .field("token_lifetime", &self.0.token_lifetime)
            .field("idle_timeout", &self.0.idle_timeout)
            .finish_non_exhaustive()
    }
}

/// What a program under test is given.
impl Sandbox {
    /// The sandbox as a region.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "such a region is a good one")]
    pub fn region(&self) -> Region {
        let url = self.url();
        Region::custom(&format!("{url}/login"), &format!("{url}/api"), None)
            .expect("two paths on loopback make a region")
    }

    /// The OAuth client's credentials, as they are now.
    ///
    /// # Panics
    ///
    /// When [`SandboxBuilder::client`] was given an id or a secret that no client can have.
    #[must_use]
    pub fn client_credentials(&self) -> ClientCredentials {
        ClientCredentials::new(self.client_id(), self.client_secret())
            .expect("the client has a usable id and secret")
    }
}

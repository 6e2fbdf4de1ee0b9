//! A local Genesys Cloud for tests.
//!
//! It shares no wire type and no parser with the client, so that a mistake in one of them is noticed
//! by the other.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test must fail where the sandbox is wrong or is used wrongly"
)]

mod api_host;
mod bounded_map;
mod builder;
mod dispatch;
mod fault;
mod http;
mod login_host;
mod org;
mod permissions;
mod random;
mod saml;
mod server;
mod test_user;
mod time;
#[cfg(feature = "sandbox-tls")]
mod tls;

use std::{fmt, future::Future, io, panic::Location, sync::Arc, time::Duration};

use secrecy::SecretString;

pub use self::{
    builder::SandboxBuilder,
    fault::{Fault, FaultScope, Gate, response::FaultResponse},
    http::request_log::{RecordedRequest, SandboxHost},
    org::{listings::SandboxListing, settings::RefreshTokens, users::SandboxUser},
    saml::identity_provider::SandboxAssertions,
};

use self::{
    api_host::{api_host_routes, listing_endpoints},
    dispatch::Dispatcher,
    fault::Endpoint,
    http::admission::Names,
    login_host::{browser_sessions::BrowserSessions, login_host_routes},
    org::{Org, settings::Settings, tokens::Tokens},
    server::Server,
    test_user::TestUser,
};
use crate::{grant::ClientCredentials, region::Region};

/// A local Genesys Cloud: a login host and an API host, with one organisation and one OAuth client.
///
/// The sandbox listens on a free port of 127.0.0.1 and runs on a thread of its own. It stops when it
/// is dropped. Each sandbox has its own organisation, client and clock.
///
/// ```
/// use std::time::Duration;
/// use genesys_cloud_auth::sandbox::Sandbox;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let sandbox = Sandbox::start().await?;
/// let (region, credentials) = (sandbox.region(), sandbox.client_credentials());
/// // … the program under test gets a token and calls the API …
/// sandbox.advance(Duration::from_secs(86_400)); // its token has expired now
/// assert_eq!(sandbox.token_requests(), 0);
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Hosts
///
/// Both hosts have one address: the login host has the paths `/oauth/…` and `/logout`, the API host
/// `/api/v2/…`. Each path may also follow a prefix, `/login/oauth/token` and `/api/api/v2/users/me`,
/// as Genesys' own SDKs send it with their gateway setting.
///
/// The sandbox answers to `localhost`, `127.0.0.1` and `[::1]` with its port, and to
/// `login.{domain}` and `api.{domain}` of each region, which have only their own paths. It is closed
/// to web pages that are not of this machine: a request for another host gets 421 or 400, and one with
/// the `Origin` of a foreign page, or for an image or a frame in one, 403. Such a request is neither
/// read nor recorded. Pages on loopback may call both hosts.
///
/// # Time
///
/// The sandbox runs in real time, with a clock that [`advance`](Self::advance) moves. **Do not use it
/// with tokio's paused time** (`start_paused`, `tokio::time::pause`): paused time jumps to the next
/// timer while a client waits for a socket, so that its timeouts end before the response arrives.
/// Instead of waiting, move this clock and the client's, `Clock::manual()` (feature `test-util`); in a
/// test with paused time, get tokens from [`Grant::from_fn`](crate::Grant::from_fn). The guide
/// [Testing your application](crate::guide::testing) shows both.
///
/// # Limits
///
/// | what | limit |
/// |---|---|
/// | the record of requests | 10,000 requests and 32 MiB ([`SandboxBuilder::request_record`]); the oldest are dropped and [counted](Self::dropped_requests) |
/// | access tokens, refresh tokens, codes, logins, browsers, assertions | the newest 10,000 of each are known |
/// | a request's body | 512,000 bytes, as in Genesys Cloud: 413 |
/// | a request's line and headers | about 64 KiB, and 100 headers: 431 |
///
/// # The login host
///
/// | request | response |
/// |---|---|
/// | `GET /oauth/authorize` | pages that ask a user for email address, password and consent; a test calls [`log_in`](Self::log_in) or [`deny`](Self::deny) instead |
/// | `POST /oauth/token` | tokens for client credentials, a code, a refresh token ([`RefreshTokens`]) or an assertion |
/// | `GET /logout` | ends the browser's login, but no token; redirects to `redirect_uri` if that is registered |
///
/// - By default the client uses client credentials. With [`SandboxBuilder::code_client`] users log in
///   for it.
/// - If the client or the redirect URI is unknown, the page says so and the browser is not sent back.
/// - `response_type=token` gets the error `unsupported_response_type`, as after the end of the
///   implicit grant. A code challenge of another method than `S256` gets `invalid_pkce_package`.
/// - `org` and `provider`, `target` and `login_hint` are shown on the page and change nothing else.
/// - An exchange uses up its code, even if it fails. A second exchange ends the tokens of the first
///   (RFC 6749 section 4.1.2).
/// - A cookie remembers the login until `prompt=login` or `/logout`. The user is asked for consent each
///   time.
///
/// # SAML
///
/// With [`SandboxBuilder::saml_client`] the client sends SAML assertions, which
/// [`assertions`](Self::assertions) makes. `orgName` is the organisation's short name; `assertion` is
/// what an identity provider posts, in standard base64, or one `Assertion` in base64url. The token is
/// that of the user whose email address is the `NameID`.
///
/// The sandbox checks the times by its own clock, without a tolerance, the audience, the status of a
/// `Response`, that there is exactly one assertion and a signature, and that the assertion was not
/// exchanged before. An invalid assertion gets `invalid_grant`, another organisation
/// `invalid_request`. Whether Genesys Cloud does the same is not known. **The signature is not
/// checked**, and each response says so in the header `Sandbox-Signature`.
///
/// # The API host
///
/// | call | response |
/// |---|---|
/// | `GET /api/v2/organizations/me` | the organisation |
/// | `GET /api/v2/users` | users, by page: `pageSize` (25, at most 100) and `pageNumber` |
/// | `GET /api/v2/users/me` | the user who logged in; without one an error ([`SandboxBuilder::allow_users_me_without_user`]) |
/// | `GET`, `HEAD`, `DELETE /api/v2/tokens/me` | describes the token, or ends it |
/// | `DELETE /api/v2/tokens/{userId}` | ends the user's access tokens |
/// | `GET /api/v2/tokens/timeout` | the idle timeout |
/// | `GET /api/v2/authorization/roles` | the sandbox's role, and those of [`add_role`](Self::add_role) |
/// | `GET /api/v2/oauth/clients`, `…/{id}` | all clients in one response, or one, without secrets |
/// | `POST /api/v2/oauth/clients` | creates a client, and returns its secret |
/// | `PUT`, `DELETE /api/v2/oauth/clients/{id}` | replaces a client, or deletes it |
/// | `POST /api/v2/oauth/clients/{id}/secret` | generates a new secret, and returns it |
/// | `GET /api/v2/oauth/scopes`, `…/authorizations` | some scopes; the clients for which users log in |
/// | `POST /api/v2/oauth/clients/{id}/usage/query`, `POST /api/v2/usage/query` | counts the calls so far, of one client or of all |
/// | `GET /api/v2/externalcontacts/contacts` | three contacts, by page, or those that contain `q` |
/// | `GET /api/v2/integrations/credentials/types`, `…/integrations/types` | some types of credentials and integrations |
/// | `GET /api/v2/integrations/credentials/listing` | credentials, by cursor: `pageSize` (25, at most 200), `after`, `before` |
/// | `POST /api/v2/integrations/credentials`; `GET`, `PUT`, `DELETE …/{id}` | credentials. Their values are never returned |
/// | `GET`, `POST /api/v2/integrations`; `GET`, `PATCH`, `DELETE …/{id}` | integrations, by page |
/// | `GET`, `PUT /api/v2/integrations/{id}/config/current` | the configuration of an integration, with its version |
/// | `GET`, `POST /api/v2/integrations/actions`; `GET`, `PATCH`, `DELETE …/{id}` | published data actions, by page |
/// | `GET`, `POST /api/v2/integrations/actions/drafts`; `…/{id}/draft` and below it | drafts |
/// | `POST /api/v2/integrations/actions/{id}/execute`, `…/test`, `…/draft/test` | runs a data action |
/// | `POST /api/v2/sandbox/flows/{actionId}` | runs a flow that calls the data action, with the flow's input as the body. **Genesys Cloud has no such call** |
/// | about 110 listings, such as `GET /api/v2/teams` | an empty listing, until [`set_listing`](Self::set_listing) fills it |
///
/// # OAuth clients
///
/// An invalid client gets Genesys Cloud's errors (`grant.type.required`, `bad.grant.type`,
/// `missing.client.roles`). A valid one can request tokens at once, for which it may do what its roles
/// allow in their divisions; its users have the sandbox's own role.
///
/// - A secret is returned when it is generated, and never again.
/// - A client that is `disabled` gets no tokens, and those that it has end. One that is `inactive` gets
///   no tokens; those that it has stay.
/// - Only an inactive client can be deleted (`cannot.delete.client`). One that is younger than 30 days
///   is gone at once; an older one has a `dateToDelete` in 7 days, and setting it active restores it.
pub struct Sandbox {
    org: Arc<Org>,
    sessions: Arc<BrowserSessions>,
    dispatcher: Arc<Dispatcher>,
    server: Server,
    #[cfg(feature = "sandbox-tls")]
    ca_certificate_pem: Option<String>,
}

impl Sandbox {
    /// Starts a sandbox with the default settings.
    ///
    /// # Errors
    ///
    /// If the machine has no free port, thread or file descriptor.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Returns the settings of a sandbox, to change them before it starts.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    /// The address on which the sandbox listens, without a path: `http://127.0.0.1:PORT`, or `https`
    /// with `SandboxBuilder::tls`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme(), self.server.address)
    }

    /// The sandbox as a region, with both hosts at [`url`](Self::url).
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "the URL is valid")]
    pub fn region(&self) -> Region {
        let url = self.url();
        Region::custom(&url, &url).expect("a URL on loopback makes a region")
    }

    /// The certificate of the sandbox's own certificate authority, in PEM.
    ///
    /// # Panics
    ///
    /// If the sandbox was started without [`SandboxBuilder::tls`].
    #[cfg(feature = "sandbox-tls")]
    #[must_use]
    pub fn ca_certificate_pem(&self) -> &str {
        let certificate = self.ca_certificate_pem.as_deref();
        certificate.expect("a sandbox that was started with `tls()`")
    }

    fn scheme(&self) -> &'static str {
        scheme(&self.org.settings)
    }

    /// The OAuth client's credentials, with its current secret.
    ///
    /// # Panics
    ///
    /// If [`SandboxBuilder::client`] was given an id or a secret that [`ClientCredentials`] does not
    /// accept.
    #[must_use]
    pub fn client_credentials(&self) -> ClientCredentials {
        ClientCredentials::new(self.client_id(), self.client_secret())
            .expect("the client has a valid id and secret")
    }

    /// The OAuth client's id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.org.settings.client_id
    }

    /// The OAuth client's current secret.
    #[must_use]
    pub fn client_secret(&self) -> SecretString {
        self.org.client_secret().into()
    }

    /// The organisation's short name, which is sent with an assertion as `orgName`.
    #[must_use]
    pub fn org_short_name(&self) -> &str {
        &self.org.settings.org_short_name
    }

    /// Moves the sandbox's clock forward: tokens expire, idle timeouts end.
    pub fn advance(&self, by: Duration) {
        self.org.advance(by);
    }
}

impl SandboxBuilder {
    /// Starts the sandbox. It listens when this returns.
    ///
    /// # Errors
    ///
    /// If the machine has no free port, thread or file descriptor.
    pub async fn start(self) -> io::Result<Sandbox> {
        let listener = server::bind()?;
        let domains: Vec<_> = Region::ALL.iter().filter_map(Region::domain).collect();
        #[cfg(feature = "sandbox-tls")]
        let tls = self.0.tls.then(|| tls::Tls::for_regions(&domains));
        #[cfg(not(feature = "sandbox-tls"))]
        let tls = None;
        #[cfg(feature = "sandbox-tls")]
        let ca_certificate_pem = tls.as_ref().map(|tls| tls.ca_certificate_pem.clone());

        let port = listener.local_addr()?.port();
        let names = Names::new(scheme(&self.0), port, domains);
        let limits = self.0.record_limits;
        let org = Arc::new(Org::new(self.0));
        let sessions = Arc::default();
        let login_host = login_host_routes(&org, &sessions);
        let api_host = api_host_routes(&org);
        let dispatcher = Arc::new(Dispatcher::new(names, limits, login_host, api_host));
        let server = Server::start(listener, Arc::clone(&dispatcher), tls).await?;
        Ok(Sandbox {
            org,
            sessions,
            dispatcher,
            server,
            #[cfg(feature = "sandbox-tls")]
            ca_certificate_pem,
        })
    }
}

#[cfg(feature = "sandbox-tls")]
fn scheme(settings: &Settings) -> &'static str {
    if settings.tls { "https" } else { "http" }
}

#[cfg(not(feature = "sandbox-tls"))]
fn scheme(_settings: &Settings) -> &'static str {
    "http"
}

/// # The end of tokens and of the client
impl Sandbox {
    /// Gives the client a new secret, and returns it. The old one is invalid from now on; live tokens
    /// stay.
    #[allow(clippy::must_use_candidate, reason = "`client_secret` returns it, too")]
    pub fn rotate_secret(&self) -> SecretString {
        self.org.rotate_secret().into()
    }

    /// Disables the client: it gets no more tokens, and its live ones end.
    pub fn disable_client(&self) {
        self.org.disable_client();
    }

    /// Ends all access tokens, as if they had never been issued. Refresh tokens stay.
    pub fn revoke_access_tokens(&self) {
        self.org
            .with_tokens(|tokens, _| tokens.revoke_access_tokens());
    }

    /// Ends the lifetimes of all access tokens. Refresh tokens stay.
    pub fn expire_access_tokens(&self) {
        self.org.with_tokens(Tokens::expire_access_tokens);
    }

    /// Ends the lifetimes of all refresh tokens. Access tokens stay.
    pub fn expire_refresh_tokens(&self) {
        self.org.with_tokens(Tokens::expire_refresh_tokens);
    }
}

/// # Users and their logins
impl Sandbox {
    /// The users, in the order of `GET /api/v2/users`. Ids, names and email addresses are the same
    /// in every sandbox; passwords are not.
    #[must_use]
    pub fn users(&self) -> Vec<SandboxUser> {
        self.org.users.clone()
    }

    /// Logs in as `user` in a new browser and gives consent. Returns the address that the browser is
    /// sent to, with `code` and `state`, without opening it.
    ///
    /// ```
    /// use genesys_cloud_auth::sandbox::Sandbox;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let sandbox = Sandbox::builder().code_client(["http://localhost"]).start().await?;
    /// let user = &sandbox.users()[0];
    /// let url = format!(
    ///     "{}/oauth/authorize?response_type=code&client_id={}&state=s&redirect_uri={}",
    ///     sandbox.url(),
    ///     sandbox.client_id(),
    ///     "http://localhost:8085",
    /// );
    /// let redirected = sandbox.log_in(&url, user).await;
    /// assert!(redirected.starts_with("http://localhost:8085?code="));
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// If the login host sends the browser back with an error, that address is returned.
    ///
    /// # Panics
    ///
    /// The future panics if the login host shows a page instead, because the client or the redirect
    /// URI is unknown or the password is wrong.
    #[track_caller]
    pub fn log_in(
        &self,
        authorize_url: &str,
        user: &SandboxUser,
    ) -> impl Future<Output = String> + Send + use<> {
        self.visit(authorize_url, Some(user.clone()), "allow")
    }

    /// Logs in as the first user and denies consent; otherwise as [`log_in`](Self::log_in).
    ///
    /// # Panics
    ///
    /// As [`log_in`](Self::log_in), and if there is no user.
    #[track_caller]
    pub fn deny(&self, authorize_url: &str) -> impl Future<Output = String> + Send + use<> {
        self.visit(authorize_url, self.users().into_iter().next(), "deny")
    }

    /// Sends the next browser that opens `/oauth/authorize` back with this `error`, such as
    /// `server_error`. Each call is for one more browser.
    pub fn fail_next_authorization(&self, error: impl Into<String>) {
        self.sessions.fail_next(error.into());
    }

    /// Makes SAML assertions about `user`, as an identity provider does. The user must be one of this
    /// sandbox.
    pub fn assertions(&self, user: &SandboxUser) -> SandboxAssertions {
        SandboxAssertions::new(Arc::clone(&self.org), user)
    }

    /// Runs the visit on the sandbox's runtime, because the test's may be paused.
    #[track_caller]
    fn visit(
        &self,
        authorize_url: &str,
        user: Option<SandboxUser>,
        decision: &'static str,
    ) -> impl Future<Output = String> + Send + use<> {
        let caller = Location::caller();
        let test_user = TestUser::new(Arc::clone(&self.dispatcher));
        let url = authorize_url.to_owned();
        let visit = self.server.runtime.spawn(async move {
            let user = user.ok_or("there is no user")?;
            test_user.visit(&url, &user, decision).await
        });
        async move {
            let result = visit.await.unwrap_or_else(|error| Err(error.to_string()));
            result.unwrap_or_else(|error| panic!("{caller}: {error}"))
        }
    }
}

/// # Listings
///
/// The listings of the Platform API page in about 45 forms: by number, link or cursor, in the query
/// or in the body, with and without an end. The sandbox has endpoints of each.
impl Sandbox {
    /// Returns the endpoints of the listings that can be filled, such as
    /// `GET /api/v2/audits/query/{transactionId}/results`. In a call any segment stands for one in
    /// braces.
    #[must_use]
    pub fn listing_endpoints() -> Vec<&'static str> {
        listing_endpoints().collect()
    }

    /// Sets the items of a listing. The endpoint is one of
    /// [`listing_endpoints`](Self::listing_endpoints).
    ///
    /// # Panics
    ///
    /// If the sandbox has no such listing.
    #[track_caller]
    pub fn set_listing(&self, endpoint: &str, listing: SandboxListing) {
        let known = listing_endpoints().find(|known| *known == endpoint);
        let known = known.unwrap_or_else(|| panic!("the sandbox has no listing {endpoint}"));
        self.org.listings.set(known, listing);
    }
}

/// # Data actions
///
/// A data action of an integration of the type `purecloud-data-actions` calls the sandbox's own API,
/// with a token that it gets by the integration's credential. It keeps the token until it ends;
/// [`SandboxBuilder::data_action_tokens_survive_rotation`] says what a rotation does to it. Its requests
/// are not in the [record](Self::requests). If the credential is not valid, it fails as in Genesys Cloud:
/// `INVALID_CREDENTIALS` with `ACTION.AUTHENTICATION`.
///
/// Templates can have `${input.x}`, `$!{input.x}`, `${input.rawRequest}`, `${credentials.x}`,
/// `${authResponse.access_token}`, `${rawResult}`, the names of the translation map, `$esc.url`,
/// `$esc.jsonString`, `$esc.jsonEncode`, `$esc.quote`, `$encoding.base64` and
/// `successTemplateUtils.firstFromArray`. Paths can have names, indexes, `[*]`, `..` and filters by one
/// value. Anything else gets 400 with “not in the sandbox”, as do the flat form of an input and the files
/// of schemas. Of the contract, only the fields that the input must have are checked.
///
/// There is one data action from the start, which returns the JSON object that it receives. The
/// credential of its integration is a copy of the client's id and secret.
impl Sandbox {
    /// The id of the data action that is there from the start.
    #[must_use]
    pub fn data_action_id(&self) -> &str {
        &self.org.data_action_id
    }

    /// Copies the client's current secret into the credential of that data action, as an administrator does
    /// after a rotation.
    pub fn update_integration_credential(&self) {
        self.org.update_integration_credential();
    }

    /// Sets a wrong secret in the credential of that data action, until
    /// [`update_integration_credential`](Self::update_integration_credential) is called.
    pub fn break_integration_credential(&self) {
        self.org.break_integration_credential();
    }
}

/// # Faults
impl Sandbox {
    /// Selects token requests, `POST /oauth/token`, for a fault.
    pub fn at_token_endpoint(&self) -> FaultScope<'_> {
        self.fault_scope(Endpoint::Token)
    }

    /// Selects requests for the login host's pages for a fault: `/oauth/authorize`, `/logout` and every
    /// other path of this host except that of the token endpoint.
    pub fn at_login_pages(&self) -> FaultScope<'_> {
        self.fault_scope(Endpoint::LoginPages)
    }

    /// Selects requests to the API host, preflights excepted, for a fault.
    pub fn at_api(&self) -> FaultScope<'_> {
        self.fault_scope(Endpoint::Api)
    }

    /// Removes all faults. They still apply to requests that have already met them: a held request
    /// waits for its [`Gate`].
    pub fn clear_faults(&self) {
        self.dispatcher.faults.clear();
    }

    fn fault_scope(&self, endpoint: Endpoint) -> FaultScope<'_> {
        FaultScope::new(&self.dispatcher.faults, &self.server.runtime, endpoint)
    }
}

/// # Requests
///
/// Every request counts, whatever its response was; one that names another host or comes from a
/// foreign web page is not read and does not count.
impl Sandbox {
    /// The record: all requests in the order of their arrival, without those that were
    /// [dropped](Self::dropped_requests).
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.dispatcher.requests.all()
    }

    /// How many requests are no longer in the record, because newer ones needed the room
    /// ([`SandboxBuilder::request_record`]). They are counted by the other methods.
    #[must_use]
    pub fn dropped_requests(&self) -> usize {
        self.dispatcher.requests.dropped()
    }

    /// The number of token requests.
    #[must_use]
    pub fn token_requests(&self) -> usize {
        self.dispatcher.requests.token_requests.get()
    }

    /// The number of token requests with a refresh token.
    #[must_use]
    pub fn refresh_requests(&self) -> usize {
        self.dispatcher.requests.refresh_requests.get()
    }

    /// How often a rotating refresh token was used again, also within its time of grace.
    #[must_use]
    pub fn refresh_reuses(&self) -> usize {
        self.org.with_tokens(|tokens, _| tokens.refresh_reuses())
    }

    /// The number of requests to the API host, preflights excepted.
    #[must_use]
    pub fn api_requests(&self) -> usize {
        self.dispatcher.requests.api_requests.get()
    }

    /// Waits until at least `count` token requests have arrived.
    ///
    /// # Panics
    ///
    /// The future panics after 10 s.
    #[track_caller]
    pub fn wait_for_token_requests(&self, count: usize) -> impl Future<Output = ()> + Send + use<> {
        let requests = &self.dispatcher.requests.token_requests;
        requests.wait_for(count, "token requests", &self.server.runtime)
    }

    /// Waits until at least `count` requests have arrived at the API host, preflights excepted.
    ///
    /// # Panics
    ///
    /// The future panics after 10 s.
    #[track_caller]
    pub fn wait_for_api_requests(&self, count: usize) -> impl Future<Output = ()> + Send + use<> {
        let requests = &self.dispatcher.requests.api_requests;
        requests.wait_for(count, "API requests", &self.server.runtime)
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("address", &self.server.address)
            .finish_non_exhaustive()
    }
}

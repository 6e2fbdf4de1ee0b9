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
mod assertions;
mod authorization;
mod authorize;
mod browsers;
mod clients;
mod count;
mod data_action;
mod fault;
mod form;
mod front;
mod input;
mod limits;
mod listings;
mod login;
mod org;
mod page;
mod permissions;
mod pkce;
mod random;
mod record;
mod redirect;
mod refresh;
mod refusal;
mod rfc3339;
mod saml;
mod server;
mod settings;
mod tokens;
mod users;
mod visitor;
mod xml;

use std::{fmt, future::Future, io, sync::Arc, time::Duration};

use secrecy::SecretString;

pub use self::{
    answer::FaultResponse,
    assertions::SandboxAssertions,
    fault::{Fault, FaultScope, Gate},
    record::{RecordedRequest, SandboxHost},
    settings::RefreshTokens,
    users::SandboxUser,
};

use self::{
    api::api_routes,
    authorization::{Authorization, NotAsked},
    authorize::authorize_routes,
    browsers::{Browser, Browsers, cookie},
    clients::client_routes,
    count::Count,
    data_action::data_action_routes,
    fault::{Effect, Endpoint, Faults},
    form::Form,
    front::Front,
    input::{json_object, number, parameter},
    limits::{Counted, Limit, Window},
    listings::listing_routes,
    login::login_routes,
    org::{CLIENT_NAME, Caller, Claim, Org, ROLE_ID},
    page::Page,
    permissions::{Needs, Role},
    pkce::{is_challenge, verifies},
    random::{random_bytes, random_text, random_uuid},
    record::{Record, TOKEN_PATH},
    redirect::{Redirect, is_registered, redirect_to},
    refusal::{ApiRefusal, OAuthRefusal, Unsealed, json_response, ok, sealed},
    rfc3339::{time, timestamp},
    saml::{BEARER, PROTOCOL, SAML, SUCCESS, XMLDSIG, issue_for_assertion, unverified},
    server::Server,
    settings::{CLIENT_CREDENTIALS, CODE, SAML2_BEARER, Settings},
    tokens::{Approval, Asserted, Exchange, Issued, NotGranted, NotLive, Proof, Tokens},
    users::{User, fixed_id},
    xml::Element,
};
use crate::{grant::ClientCredentials, region::Region};

/// A local Genesys Cloud: a login host and an API host, with one organisation and one OAuth client.
///
/// It listens on a free port of 127.0.0.1 and runs on a thread of its own, whatever runtime the
/// test uses. It stops when it is dropped. Start as many as you like: each has its own
/// organisation, client and clock.
///
/// The login host is under the path `/login` and the API host under `/api`, each followed by the
/// full path: `/login/oauth/token`, `/api/api/v2/users/me`. A request whose Host header begins with
/// `login.` or `api.` needs no such prefix.
///
/// The client uses client credentials. With [`SandboxBuilder::code_client`] users log in for it
/// instead:
///
/// | at the login host | |
/// |---|---|
/// | `GET /oauth/authorize` | asks a user for email address and password, and then for consent: pages for a person, or [`log_in`](Self::log_in) and [`deny`](Self::deny) for a test |
/// | `POST /oauth/token` | tokens for client credentials, a code, a refresh token: [`RefreshTokens`], or an assertion |
/// | `GET /logout` | ends the browser's login, and no token; goes to `redirect_uri` where that is registered |
///
/// A request with a client or a redirect URI that is not known is never sent back: the page says
/// so. `response_type=token` is refused with `unsupported_response_type`, as after the end of the
/// implicit grant, and a code challenge by another method than `S256` with `invalid_pkce_package`.
/// `org` and `provider`, `target` and `login_hint` are shown on the page and change nothing else.
/// A code is good once: it is used up when its client brings it, whatever comes of that, and brought
/// again it ends the tokens that it gave (RFC 6749 section 4.1.2). Consent is asked for
/// each time; only the password is remembered, by a cookie, until `prompt=login` or `/logout`.
///
/// With [`SandboxBuilder::saml_client`] it brings SAML assertions, which
/// [`assertions`](Self::assertions) makes: in `orgName` the organisation's short name, in
/// `assertion` what an identity provider posts, in standard base64, or one `Assertion` in base64url.
/// The token is that of the user whose email address is the `NameID`. Checked are the times by the
/// sandbox's own clock, without any tolerance, the audience, the status of a `Response`, that there
/// is one assertion with a signature, and that it has given no token before; what is wrong with one
/// is refused with `invalid_grant`, another organisation with `invalid_request`. Whether Genesys
/// Cloud does the same is not known. **The signature is not checked**, and each answer says so in
/// the header `Sandbox-Signature`.
///
/// The API answers these calls, in Genesys Cloud's own forms:
///
/// | call | |
/// |---|---|
/// | `GET /api/v2/organizations/me` | the organisation |
/// | `GET /api/v2/users` | users, by page: `pageSize` (25, at most 100) and `pageNumber` |
/// | `GET /api/v2/users/me` | the user who logged in; refused where there is none: [`SandboxBuilder::allow_users_me_without_user`] |
/// | `GET`, `HEAD`, `DELETE /api/v2/tokens/me` | what the token is, and its end |
/// | `DELETE /api/v2/tokens/{userId}` | the end of the user's access tokens |
/// | `GET /api/v2/tokens/timeout` | the idle timeout |
/// | `GET /api/v2/authorization/roles` | the client's role |
/// | `GET /api/v2/oauth/clients`, `…/{id}` | the client, without its secret |
/// | `POST /api/v2/oauth/clients` | a check: see below |
/// | `GET /api/v2/integrations/credentials/listing` | credentials, by cursor: `pageSize` (25, at most 200), `after`, `before` |
/// | `POST /api/v2/integrations/actions/{id}/execute`, `…/test` | the data action |
///
/// A new OAuth client is checked and not kept. What is wrong is refused as Genesys Cloud does
/// (`grant.type.required`, `bad.grant.type`, `missing.client.roles`); what is right is answered
/// with the client as it would be, but for the secret: no token is issued to it, and it is not
/// found afterwards.
///
/// ```
/// use std::time::Duration;
/// use genesys_cloud_auth::sandbox::Sandbox;
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

    /// Starts with what differs from one organisation to the next.
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

    /// Ends all live access tokens: they are as unknown as if they had never been issued. Refresh
    /// tokens stay.
    pub fn revoke_access_tokens(&self) {
        self.org
            .with_tokens(|tokens, _| tokens.revoke_access_tokens());
    }

    /// Ends all live access tokens as if their lifetimes were over. Refresh tokens stay.
    pub fn expire_access_tokens(&self) {
        self.org.with_tokens(Tokens::expire_access_tokens);
    }

    /// Disables the client: it gets no more tokens, and its live ones end.
    pub fn disable_client(&self) {
        self.org.disable_client();
    }

    /// Sends the next browser that asks `/oauth/authorize` back with this `error`, such as
    /// `server_error`. Called several times, it is for as many browsers.
    pub fn fail_next_authorization(&self, error: impl Into<String>) {
        self.org.browsers.refuse_next(error.into());
    }

    /// Whether the API takes calls from the caller's address. Where it does not, it answers each
    /// call with 401 `ip.not.authorized`, as where the organisation has a list of allowed addresses;
    /// tokens stay as they are.
    pub fn set_ip_authorized(&self, authorized: bool) {
        self.org.set_ip_authorized(authorized);
    }

    /// A fault for token requests, `POST /oauth/token`.
    pub fn at_token_endpoint(&self) -> FaultScope<'_> {
        FaultScope::new(&self.front.faults, &self.server.runtime, Endpoint::Token)
    }

    /// A fault for the login host's pages: `/oauth/authorize`, `/logout` and whatever else is asked
    /// for there beside tokens.
    pub fn at_login_pages(&self) -> FaultScope<'_> {
        FaultScope::new(&self.front.faults, &self.server.runtime, Endpoint::Pages)
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

/// What differs from one organisation to the next.
///
/// ```
/// use std::time::Duration;
/// use genesys_cloud_auth::sandbox::Sandbox;
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

    /// A client for which users log in, with these redirect URIs; its grant type is `CODE`. A
    /// redirect URI must be one of them, query and all; a loopback one without a port, such as
    /// `http://localhost`, stands for every port. Such a client needs no secret where it uses PKCE.
    pub fn code_client<U: Into<String>>(
        mut self,
        redirect_uris: impl IntoIterator<Item = U>,
    ) -> Self {
        self.0.redirect_uris = redirect_uris.into_iter().map(U::into).collect();
        self.authorized_grant_type(CODE)
    }

    /// How long an authorization code lives: 60 s by default. Genesys Cloud's own number is not
    /// known.
    pub fn code_lifetime(mut self, lifetime: Duration) -> Self {
        self.0.code_lifetime = lifetime;
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
    pub fn allow_users_me_without_user(mut self, answer: bool) -> Self {
        self.0.allow_users_me_without_user = answer;
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
        Region::custom(&format!("{url}/login"), &format!("{url}/api"))
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

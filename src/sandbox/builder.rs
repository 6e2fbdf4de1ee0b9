//! The settings of a sandbox.

use std::{fmt, time::Duration};

use super::{
    http::request_log::RecordLimits,
    org::{
        rate_limits::RateLimit,
        settings::{CODE, RefreshTokens, SAML2_BEARER, Settings},
    },
};

/// The settings of a [`Sandbox`](super::Sandbox).
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
#[must_use = "`start` starts the sandbox"]
pub struct SandboxBuilder(pub(super) Settings);

/// Defines setters of the settings with the same names.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        $($(#[$doc])* pub fn $name(mut self, $name: $type) -> Self {
            self.0.$name = $name;
            self
        })*
    };
}

/// # The OAuth client
impl SandboxBuilder {
    /// Sets the OAuth client's id and secret. Both are random by default.
    pub fn client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.0.client_id = id.into();
        self.0.client_secret = secret.into();
        self
    }

    /// Sets the OAuth client's grant type: `CLIENT-CREDENTIALS` (the default), `CODE`, `SAML2-BEARER`
    /// and so on. The client gets tokens by this grant only.
    pub fn authorized_grant_type(mut self, grant_type: impl Into<String>) -> Self {
        self.0.authorized_grant_type = grant_type.into();
        self
    }

    /// Makes the client one for which users log in, with the grant type `CODE` and these redirect
    /// URIs. A redirect URI must equal one of them, its query included; a loopback URI without a
    /// port, such as `http://localhost`, matches every port. With PKCE the client needs no secret.
    pub fn code_client<U: Into<String>>(
        mut self,
        redirect_uris: impl IntoIterator<Item = U>,
    ) -> Self {
        self.0.redirect_uris = redirect_uris.into_iter().map(U::into).collect();
        self.authorized_grant_type(CODE)
    }

    /// Makes the client one that sends assertions for this audience, with the grant type
    /// `SAML2-BEARER`. The audience is the application's address, to which the identity provider
    /// posts. With [`authorized_grant_type`](Self::authorized_grant_type) alone the audience is not
    /// checked. Whether Genesys Cloud checks it is not known.
    pub fn saml_client(mut self, audience: impl Into<String>) -> Self {
        self.0.audience = Some(audience.into());
        self.authorized_grant_type(SAML2_BEARER)
    }

    /// Sets the permissions of the client's role, as
    /// [`Sandbox::set_permissions`](super::Sandbox::set_permissions) does.
    pub fn permissions<P: Into<String>>(
        mut self,
        permissions: impl IntoIterator<Item = P>,
    ) -> Self {
        self.0.role.permissions = permissions.into_iter().map(P::into).collect();
        self
    }

    /// Sets the divisions in which the client has its role, as
    /// [`Sandbox::set_divisions`](super::Sandbox::set_divisions) does.
    pub fn divisions<D: Into<String>>(mut self, divisions: impl IntoIterator<Item = D>) -> Self {
        self.0.role.divisions = divisions.into_iter().map(D::into).collect();
        self
    }
}

/// # The organisation
impl SandboxBuilder {
    /// Sets the organisation's short name: `sandbox` by default.
    pub fn org_short_name(mut self, name: impl Into<String>) -> Self {
        self.0.org_short_name = name.into();
        self
    }

    setters! {
        /// Sets the number of users: 3 by default. Their names and ids are the same in every sandbox.
        users: usize,

        /// Sets how many credentials `GET /api/v2/integrations/credentials/listing` lists: 3 by default.
        /// Their names and ids are the same in every sandbox.
        integration_credentials: usize,
    }

    /// Sets one password for all users. By default each has a random one.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.0.password = Some(password.into());
        self
    }
}

/// # OAuth clients
impl SandboxBuilder {
    setters! {
        /// Sets the number of OAuth clients besides the first: none by default. They use client
        /// credentials and have the sandbox's role. Their names and ids are the same in every sandbox.
        other_clients: usize,

        /// Sets how often the results of a usage query are reported as running before they are complete:
        /// once by default.
        usage_running: usize,
    }
}

/// # Integrations and data actions
impl SandboxBuilder {
    setters! {
        /// Sets how often an integration that was enabled is reported as `ACTIVATING` before it is `ACTIVE`:
        /// once by default. With `usize::MAX` it never gets active.
        integration_activating: usize,

        /// Sets how often the creation of a data action gets 400, because its integration is not known
        /// everywhere yet: never by default.
        integration_unknown: usize,

        /// Sets whether the listing of integrations ignores its filter `credentialId`, as older servers do:
        /// by default it does not.
        ignore_credential_filter: bool,

        /// Sets whether a version that is not the current one gets 400 instead of 409. Genesys Cloud uses
        /// both.
        version_conflicts_are_bad_requests: bool,

        /// Sets whether data actions keep using the token that they have after the secret of their OAuth
        /// client was rotated, until it ends: by default they do not. What Genesys Cloud does is not known.
        data_action_tokens_survive_rotation: bool,
    }
}

/// # Tokens
impl SandboxBuilder {
    setters! {
        /// Sets the lifetime of access tokens: 86,400 s by default.
        token_lifetime: Duration,

        /// Sets how long a token lives without a call: by default there is no limit. After that the
        /// token is unknown. How Genesys Cloud responds to such a token is not known.
        idle_timeout: Option<Duration>,

        /// Sets the lifetime of authorization codes: 60 s by default. That of Genesys Cloud is not known.
        code_lifetime: Duration,

        /// Sets what happens to refresh tokens: [`RefreshTokens::Rotating`] by default.
        refresh_tokens: RefreshTokens,

        /// Sets the lifetime of refresh tokens: 30 days by default. That of Genesys Cloud is not known.
        refresh_token_lifetime: Duration,

        /// Sets whether a refresh ends the login's earlier access tokens: by default it does not.
        refresh_ends_access_tokens: bool,

        /// Sets whether revoking a user's access token, by `DELETE /api/v2/tokens/me` or
        /// `DELETE /api/v2/tokens/{userId}`, ends the refresh token, too: by default it does not.
        revocation_ends_refresh_tokens: bool,
    }
}

/// # Responses
impl SandboxBuilder {
    /// Rejects more than `calls` with one token in a `window` with 429 and `Retry-After`. A window
    /// starts with its first call; [`Sandbox::advance`](super::Sandbox::advance) ends it.
    ///
    /// By default no call is rejected, and the `inin-ratelimit-…` headers count as if 300 were
    /// allowed in a minute.
    pub fn api_rate_limit(mut self, calls: u32, window: Duration) -> Self {
        self.0.api_rate_limit = RateLimit::enforced(calls, window);
        self
    }

    /// Rejects more than `requests` for a token in a `window` with 400, `invalid_request` and
    /// `rate limit exceeded;…`. By default there is no limit. That of Genesys Cloud is not known.
    pub fn token_rate_limit(mut self, requests: u32, window: Duration) -> Self {
        self.0.token_rate_limit = Some(RateLimit::enforced(requests, window));
        self
    }

    setters! {
        /// Sets whether the response of [`token_rate_limit`](Self::token_rate_limit) has a `Retry-After`:
        /// by default it does not. Whether that of Genesys Cloud does is not known.
        token_rate_limit_sends_retry_after: bool,

        /// Sets whether `GET /api/v2/users/me` succeeds with a token without a user. By default it fails,
        /// as in Genesys Cloud.
        allow_users_me_without_user: bool,

        /// Sets whether a data action with invalid credentials responds with 200 and an error body that
        /// says `invalid.credentials`, which Genesys Cloud's API description lists, too. By default it
        /// responds with 400.
        data_action_fails_with_200: bool,
    }
}

/// # The server
impl SandboxBuilder {
    /// Serves https instead of http. The certificate is for `localhost`, `127.0.0.1` and `[::1]`, and
    /// for `login.{domain}` and `api.{domain}` of every region. The sandbox makes a certificate
    /// authority for it, whose private key is thrown away before the sandbox starts. A client must
    /// trust [`Sandbox::ca_certificate_pem`](super::Sandbox::ca_certificate_pem):
    ///
    /// ```
    /// use genesys_cloud_auth::{HttpClient, TokenProvider, reqwest::Certificate, sandbox::Sandbox};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let sandbox = Sandbox::builder().tls().start().await?;
    /// let ca = Certificate::from_pem(sandbox.ca_certificate_pem().as_bytes())?;
    /// let http_client = HttpClient::new(move |reqwest| reqwest.tls_certs_only([ca.clone()]))?;
    /// let tokens = TokenProvider::builder(sandbox.region(), sandbox.client_credentials())
    ///     .http_client(http_client)
    ///     .build()?;
    /// tokens.token().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "sandbox-tls")]
    pub fn tls(mut self) -> Self {
        self.0.tls = true;
        self
    }

    /// Sets how much [`Sandbox::requests`](super::Sandbox::requests) holds: by default 10,000 requests
    /// with 32 MiB together. The oldest requests are dropped first.
    pub fn request_record(mut self, max_requests: usize, max_bytes: usize) -> Self {
        self.0.record_limits = RecordLimits {
            requests: max_requests,
            bytes: max_bytes,
        };
        self
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

//! The settings of an organisation.

use std::time::Duration;

use super::{permissions::Role, rate_limits::RateLimit};
use crate::sandbox::{
    http::request_log::RecordLimits,
    random::{random_text, random_uuid},
};

/// What the sandbox does with refresh tokens. What Genesys Cloud does is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshTokens {
    /// Each refresh returns a new refresh token. Using one twice ends the whole login: all its access
    /// and refresh tokens.
    #[default]
    Rotating,
    /// Like `Rotating`, but a used refresh token keeps working for this time after its first use.
    /// Each use returns another new one.
    RotatingWithGrace(Duration),
    /// Each refresh returns the same refresh token.
    Reusable,
    /// The refresh token keeps working, and the responses to refreshes omit it.
    ReusableOmitted,
    /// There are no refresh tokens: a code gives an access token only.
    None,
}

#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own"
)]
pub(crate) struct Settings {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) authorized_grant_type: String,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) org_short_name: String,
    /// The audience that assertions must be for; without it they may be for any.
    pub(crate) audience: Option<String>,
    pub(crate) code_lifetime: Duration,
    pub(crate) refresh_tokens: RefreshTokens,
    pub(crate) refresh_token_lifetime: Duration,
    pub(crate) refresh_ends_access_tokens: bool,
    pub(crate) revocation_ends_refresh_tokens: bool,
    pub(crate) token_lifetime: Duration,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) allow_users_me_without_user: bool,
    pub(crate) role: Role,
    pub(crate) api_rate_limit: RateLimit,
    pub(crate) token_rate_limit: Option<RateLimit>,
    pub(crate) token_rate_limit_sends_retry_after: bool,
    pub(crate) data_action_fails_with_200: bool,
    pub(crate) users: usize,
    /// The password of all users; without it each has a random one.
    pub(crate) password: Option<String>,
    pub(crate) integration_credentials: usize,
    pub(crate) record_limits: RecordLimits,
    #[cfg(feature = "sandbox-tls")]
    pub(crate) tls: bool,
    /// The number of OAuth clients besides the first.
    pub(crate) other_clients: usize,
    /// How often the results of a usage query are reported as running.
    pub(crate) usage_running: usize,
    /// How often a new integration is reported as activating once it is enabled.
    pub(crate) integration_activating: usize,
    /// How often a new integration is unknown to data actions.
    pub(crate) integration_unknown: usize,
    /// Whether listings of integrations ignore `credentialId`.
    pub(crate) ignore_credential_filter: bool,
    pub(crate) version_conflicts_are_bad_requests: bool,
    /// Whether data actions keep their tokens after a rotation of the client's secret.
    pub(crate) data_action_tokens_survive_rotation: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            client_id: random_uuid(),
            client_secret: random_text::<32>(),
            authorized_grant_type: CLIENT_CREDENTIALS.to_owned(),
            redirect_uris: Vec::new(),
            org_short_name: "sandbox".to_owned(),
            audience: None,
            code_lifetime: Duration::from_secs(60),
            refresh_tokens: RefreshTokens::Rotating,
            refresh_token_lifetime: Duration::from_secs(30 * 86_400),
            refresh_ends_access_tokens: false,
            revocation_ends_refresh_tokens: false,
            token_lifetime: Duration::from_secs(86_400),
            idle_timeout: None,
            allow_users_me_without_user: false,
            role: Role::default(),
            api_rate_limit: RateLimit::PER_MINUTE,
            token_rate_limit: None,
            token_rate_limit_sends_retry_after: false,
            data_action_fails_with_200: false,
            users: 3,
            password: None,
            integration_credentials: 3,
            record_limits: RecordLimits::default(),
            #[cfg(feature = "sandbox-tls")]
            tls: false,
            other_clients: 0,
            usage_running: 1,
            integration_activating: 1,
            integration_unknown: 0,
            ignore_credential_filter: false,
            version_conflicts_are_bad_requests: false,
            data_action_tokens_survive_rotation: false,
        }
    }
}

pub(crate) const CLIENT_NAME: &str = "Sandbox client";
pub(crate) const ROLE_ID: &str = "5c0b7c2e-6f0e-4f4b-9d0a-2f6a3c1d8e90";

/// The `authorizedGrantType` of a client with client credentials.
pub(crate) const CLIENT_CREDENTIALS: &str = "CLIENT-CREDENTIALS";
/// The `authorizedGrantType` of a client for which users log in.
pub(crate) const CODE: &str = "CODE";
/// The `authorizedGrantType` of a client that sends assertions.
pub(crate) const SAML2_BEARER: &str = "SAML2-BEARER";

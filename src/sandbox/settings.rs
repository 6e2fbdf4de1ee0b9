//! What differs from one organisation to the next.

use std::time::Duration;

use super::{Limit, Role, random_text, random_uuid};

/// What a refresh gives beside the access token. Genesys Cloud's own way is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshTokens {
    /// A new refresh token each time. One that is used again ends the whole login: its access and
    /// refresh tokens, the newest too.
    #[default]
    Rotating,
    /// The same, but for this long after its first use a refresh token gives another new one each
    /// time that it is used again.
    RotatingWithGrace(Duration),
    /// The same refresh token each time.
    Reusable,
    /// The refresh token stays, and the answer does not repeat it.
    ReusableOmitted,
    /// There are none: a code gives only an access token.
    None,
}

/// All that [`SandboxBuilder`] sets.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own"
)]
pub(super) struct Settings {
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) authorized_grant_type: String,
    pub(super) redirect_uris: Vec<String>,
    pub(super) org_short_name: String,
    /// Whom assertions are for; not looked at where it is not set.
    pub(super) audience: Option<String>,
    pub(super) code_lifetime: Duration,
    pub(super) refresh_tokens: RefreshTokens,
    pub(super) refresh_token_lifetime: Duration,
    pub(super) refresh_ends_access_tokens: bool,
    pub(super) revocation_ends_refresh_tokens: bool,
    pub(super) token_lifetime: Duration,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) allow_users_me_without_user: bool,
    pub(super) role: Role,
    pub(super) api_limit: Limit,
    pub(super) token_limit: Option<Limit>,
    pub(super) token_limit_sends_retry_after: bool,
    pub(super) data_action_fails_with_200: bool,
    pub(super) users: usize,
    /// Of all users; a random one for each where it is not set.
    pub(super) password: Option<String>,
    pub(super) credentials: usize,
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
            api_limit: Limit::PER_MINUTE,
            token_limit: None,
            token_limit_sends_retry_after: false,
            data_action_fails_with_200: false,
            users: 3,
            password: None,
            credentials: 3,
        }
    }
}

/// `authorizedGrantType` of a client that uses client credentials.
pub(super) const CLIENT_CREDENTIALS: &str = "CLIENT-CREDENTIALS";
/// That of a client for which users log in.
pub(super) const CODE: &str = "CODE";
/// That of a client that brings assertions.
pub(super) const SAML2_BEARER: &str = "SAML2-BEARER";

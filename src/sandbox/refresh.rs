//! What becomes of refresh tokens.

use std::time::Duration;

use super::{RefreshTokens, Sandbox, SandboxBuilder, Tokens};

/// How logins are renewed.
impl SandboxBuilder {
    /// What becomes of refresh tokens: [`RefreshTokens::Rotating`] by default.
    pub fn refresh_tokens(mut self, refresh_tokens: RefreshTokens) -> Self {
        self.0.refresh_tokens = refresh_tokens;
        self
    }

    /// How long a refresh token lives: 30 days by default. Genesys Cloud's own number is not known.
    pub fn refresh_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.0.refresh_token_lifetime = lifetime;
        self
    }

    /// Whether a refresh ends the login's access tokens from before; by default they live on.
    pub fn refresh_ends_access_tokens(mut self, ends: bool) -> Self {
        self.0.refresh_ends_access_tokens = ends;
        self
    }

    /// Whether the end of a user's access token by `DELETE /api/v2/tokens/me` or
    /// `DELETE /api/v2/tokens/{userId}` ends the refresh token with it; by default it does not.
    pub fn revocation_ends_refresh_tokens(mut self, ends: bool) -> Self {
        self.0.revocation_ends_refresh_tokens = ends;
        self
    }
}

/// What logins have come to.
impl Sandbox {
    /// Ends all refresh tokens as if their lifetimes were over. Access tokens stay.
    pub fn expire_refresh_tokens(&self) {
        self.org.with_tokens(Tokens::expire_refresh_tokens);
    }

    /// How many token requests with a refresh token have arrived, whatever was answered.
    #[must_use]
    pub fn refresh_requests(&self) -> usize {
        self.front.record.refresh_requests()
    }

    /// How often a refresh token has come that had been used before and was to be used once, within
    /// its time of grace or after.
    #[must_use]
    pub fn refresh_reuses(&self) -> usize {
        self.org.with_tokens(|tokens, _| tokens.reuses())
    }
}

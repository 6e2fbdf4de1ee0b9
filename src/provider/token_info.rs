//! `/api/v2/tokens/me`: what the API says about the current token, and its end.

use std::time::SystemTime;

use http::{Method, StatusCode, header::AUTHORIZATION};
use serde::Deserialize;

use super::{
    TokenProvider,
    outside_code::read_secret,
    storage::{Storage, StoreSlot},
};
use crate::{
    error::{Error, ErrorKind, ResponseProblem},
    http_client::{Incoming, Outgoing},
    outside_text::without_byte_order_mark,
    region::url_under,
    rfc3339::date_time,
    runtime,
    token::AccessToken,
};

/// What the Platform API says about a token.
///
/// Source: Genesys Cloud Platform API, `GET /api/v2/tokens/me`, the schema `TokenInfo`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct TokenInfo {
    /// The organisation the token is used in.
    pub organization: Option<NamedEntity>,
    /// The organisation the token's owner belongs to.
    pub home_organization: Option<NamedEntity>,
    /// The scopes the token has.
    pub authorized_scope: Vec<String>,
    /// When the token ends if it is not used until then. `None` where the organisation has no idle
    /// timeout.
    #[serde(deserialize_with = "date_time")]
    pub date_token_idles: Option<SystemTime>,
    /// The OAuth client that requested the token.
    #[serde(rename = "OAuthClient")]
    pub oauth_client: Option<NamedEntity>,
}

/// An id and a name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct NamedEntity {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

impl TokenProvider {
    /// Asks the API about the current token, without resetting its idle timer. A token that the API
    /// rejects is [invalidated](Self::invalidate).
    ///
    /// # Errors
    /// As [`token`](Self::token), or the error of the API.
    pub async fn token_info(&self) -> Result<TokenInfo, Error> {
        let token = self.token().await?;
        let mut incoming = self.tokens_me(Method::GET, &token).await?;
        if incoming.status() != StatusCode::OK {
            let error = incoming.api_error(self.clock()).await;
            if error.invalidates_token() {
                self.invalidate(&token);
            }
            return Err(error);
        }
        let body = incoming.read(MAX_TOKEN_INFO_BYTES).await?;
        let body = without_byte_order_mark(&body);
        serde_json::from_slice(body).map_err(|error| {
            let problem = ResponseProblem::undecodable(incoming.headers(), body, &error);
            incoming.unexpected(problem, None)
        })
    }

    /// Ends the current token: in this provider, in the store and at the server. The next
    /// [`token`](Self::token) requests a new one; the provider of a user's login reports
    /// [`LoginRequired`](crate::error::LoginErrorKind::LoginRequired). A refresh that runs now stores nothing.
    ///
    /// With a store that several processes share, this ends the token of all of them. It is not known
    /// whether Genesys Cloud ends a user's refresh token with it, so send the user to the login's
    /// `logout_url`, too.
    ///
    /// # Errors
    /// The store may still hold the token, or the server did not end it. This provider has dropped it
    /// in any case. Outside a tokio runtime the error is [`NoRuntime`](crate::ErrorKind::NoRuntime).
    pub async fn revoke(&self) -> Result<(), Error> {
        let dropped = self.cache.revoke();
        let runtime = runtime::for_requests().ok_or(ErrorKind::NoRuntime)?;
        // Runs to completion even if the caller is dropped: half a logout leaves a valid token.
        let tokens = self.clone();
        let task = runtime.spawn(async move { tokens.end(dropped).await });
        task.await
            .unwrap_or_else(|_| Err(Error::request_failed(self.region().api_url())))
    }

    /// Ends the dropped tokens, and the one in the store, there and at the server.
    async fn end(&self, dropped: [Option<AccessToken>; 2]) -> Result<(), Error> {
        let (stored, cleared) = self.clear_store().await;
        let mut ended = Ok(());
        let mut seen = Vec::new();
        for token in dropped.into_iter().chain([stored]).flatten() {
            if !seen.contains(&token.fingerprint()) {
                seen.push(token.fingerprint());
                ended = ended.and(self.end_at_server(&token).await);
            }
        }
        cleared.and(ended)
    }

    /// Clears the slot in the store, and returns the token that was stored. If its record is put back
    /// later, it does not count here.
    async fn clear_store(&self) -> (Option<AccessToken>, Result<(), Error>) {
        let slot = match self.slot().await {
            Ok(Some(slot)) => slot,
            Ok(None) => return (None, Ok(())),
            Err(error) => return (None, Err(error)),
        };
        let (record, cleared) = slot.clear().await;
        let token = record
            .as_ref()
            .and_then(|record| record.token(self.clock()));
        self.cache.update(|state, _| {
            // A token that came in while the turn was waited for is dropped, too.
            if record.is_some() {
                state.store.records_removed(record.as_ref(), self.clock());
            }
            if let Some(token) = &token {
                state.policy.forget(token.fingerprint());
            }
            state.login.logged_out();
        });
        (token, cleared)
    }

    async fn slot(&self) -> Result<Option<StoreSlot>, Error> {
        match (&self.cache.settings.storage, self.cache.grant.secret()) {
            (Storage::Login(slot), _) => Ok(Some(slot.clone())),
            (Storage::BySecret(scope), Some(source)) => {
                scope.slot_of_secret(&read_secret(source).await?).map(Some)
            }
            _ => Ok(None),
        }
    }

    async fn end_at_server(&self, token: &AccessToken) -> Result<(), Error> {
        let mut incoming = self.tokens_me(Method::DELETE, token).await?;
        // A token that is rejected has ended already.
        if incoming.status().is_success() || incoming.status() == StatusCode::UNAUTHORIZED {
            return Ok(());
        }
        Err(incoming.api_error(self.clock()).await)
    }

    async fn tokens_me(&self, method: Method, token: &AccessToken) -> Result<Incoming, Error> {
        runtime::for_requests().ok_or(ErrorKind::NoRuntime)?;
        let endpoint = &self.cache.endpoint;
        let mut url = url_under(endpoint.region.api_url(), "/api/v2/tokens/me");
        if method == Method::GET {
            url.set_query(Some("preserveIdleTTL=true"));
        }
        let mut headers = endpoint.app.headers();
        headers.insert(AUTHORIZATION, token.header().clone());
        let outgoing = Outgoing {
            method,
            url,
            headers,
            body: None,
            timeout: endpoint.attempt,
        };
        endpoint.http_client.send(outgoing).await
    }
}

const MAX_TOKEN_INFO_BYTES: usize = 256 * 1024;

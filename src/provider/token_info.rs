//! What a token says of itself, and its end: `/api/v2/tokens/me`.

use http::{Method, StatusCode, header::AUTHORIZATION};
use serde::Deserialize;
use tokio::runtime::Handle;

use super::TokenProvider;
use crate::{
    error::{Error, ErrorKind, ResponseProblem},
    http_client::{Incoming, Outgoing},
    region::url_under,
    token::AccessToken,
};

/// What the Platform API tells about a token.
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
    /// When the token ends for want of use (RFC 3339), where the organisation has an idle timeout.
    pub date_token_idles: Option<String>,
    /// The OAuth client that asked for the token.
    #[serde(rename = "OAuthClient")]
    pub oauth_client: Option<NamedEntity>,
}

/// Something with an id and a name.
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
    /// What the API tells about the current token, without touching its idle timer. A token that
    /// the API refuses is [invalidated](Self::invalidate).
    ///
    /// # Errors
    /// As [`token`](Self::token); or why the API did not tell.
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
        let body = incoming.read(MOST_BYTES).await?;
        serde_json::from_slice(&body)
            .map_err(|error| incoming.unexpected(ResponseProblem::not_json(&error), None))
    }

    /// Ends the current token, here, in the store and at the server. The next
    /// [`token`](Self::token) asks anew, and a user's login is over: it answers
    /// [`LoginRequired`](crate::ErrorKind::LoginRequired). What a request under way brings is not
    /// kept.
    ///
    /// With a store that several processes share, this ends the token of all of them. Whether
    /// Genesys Cloud ends a user's refresh token with it is not known, so lead the user to the
    /// login's `logout_url`, too.
    ///
    /// # Errors
    /// What could not be done: the store may still hold the token, which is not used here any more,
    /// or the server did not end it. Here it is given up all the same. Outside a tokio runtime it is
    /// [`NoRuntime`](crate::ErrorKind::NoRuntime).
    pub async fn revoke(&self) -> Result<(), Error> {
        let held = self.shared.revoked();
        let Ok(runtime) = Handle::try_current() else {
            return Err(ErrorKind::NoRuntime.into());
        };
        // It goes on when nobody waits for it any more: half a logout is none.
        let tokens = self.clone();
        let task = runtime.spawn(async move { tokens.end(held).await });
        task.await
            .unwrap_or_else(|_| Err(Error::request_failed(self.region().api_url())))
    }

    /// Ends the token in the store and at the server.
    async fn end(&self, held: Option<AccessToken>) -> Result<(), Error> {
        let (stored, forgotten) = match self.shared.forget().await {
            Ok(stored) => (stored, Ok(())),
            Err(error) => (None, Err(error)),
        };
        let mut ended = Ok(());
        let stored = stored.filter(|stored| {
            held.as_ref()
                .is_none_or(|held| held.fingerprint() != stored.fingerprint())
        });
        for token in held.into_iter().chain(stored) {
            ended = ended.and(self.end_at_server(&token).await);
        }
        forgotten.and(ended)
    }

    async fn end_at_server(&self, token: &AccessToken) -> Result<(), Error> {
        let mut incoming = self.tokens_me(Method::DELETE, token).await?;
        // A token that is refused has ended already.
        if incoming.status().is_success() || incoming.status() == StatusCode::UNAUTHORIZED {
            return Ok(());
        }
        Err(incoming.api_error(self.clock()).await)
    }

    async fn tokens_me(&self, method: Method, token: &AccessToken) -> Result<Incoming, Error> {
        let endpoint = &self.shared.endpoint;
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

const MOST_BYTES: usize = 256 * 1024;

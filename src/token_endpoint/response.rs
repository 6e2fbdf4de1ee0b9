//! Reads a response of the token endpoint.

use std::{collections::BTreeMap, time::Duration};

use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::expires_in;
use crate::{
    clock::{Clock, Moment},
    error::{
        Error, ErrorKind, OAuthError, RateLimited, ResponseProblem, ServerWords,
        UnexpectedResponse, sanitize,
    },
    http_client::{Incoming, Outcome, expose_all},
    outside_text::without_byte_order_mark,
    platform_limits::{MAX_SCIM_TOKEN_DURATION, TOKEN_DURATION},
    retry::retry_after,
    token::{AccessToken, checked_text},
};

/// What the token endpoint issued.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) token: AccessToken,
    #[cfg_attr(
        not(feature = "login"),
        allow(dead_code, reason = "only logins have refresh tokens")
    )]
    pub(crate) refresh_token: Option<SecretString>,
}

/// Returns the token of a response to a request of `grant_type`, sent at `requested`.
pub(super) fn read_response(
    incoming: &Incoming,
    body: &[u8],
    grant_type: &str,
    requested: Moment,
    clock: &Clock,
) -> Result<Issued, Error> {
    let outcome = incoming.outcome();
    let retry_after = retry_after(incoming.headers(), clock.wall());
    let unexpected = |problem| Err(incoming.unexpected(problem, retry_after));
    let response = match serde_json::from_slice::<TokenResponse>(without_byte_order_mark(body)) {
        Ok(response) => response,
        Err(error) if outcome == Outcome::Success => {
            return unexpected(ResponseProblem::undecodable(
                incoming.headers(),
                body,
                &error,
            ));
        }
        Err(_) => TokenResponse::default(),
    };
    if outcome == Outcome::Redirection {
        return unexpected(ResponseProblem::Redirect);
    }
    if let Some(kind) = response.error_kind(incoming, retry_after, grant_type) {
        return Err(kind.into());
    }
    if outcome == Outcome::Error {
        return Err(foreign_error(incoming, body, retry_after).into());
    }
    response.into_issued(requested, clock).or_else(unexpected)
}

/// Returns the kind of error for a body without an OAuth `error`: one of the Platform API or of a
/// gateway, or none.
fn foreign_error(incoming: &Incoming, body: &[u8], retry_after: Option<Duration>) -> ErrorKind {
    let secrets = incoming.secrets();
    let words = ServerWords::read(body, &expose_all(&secrets));
    let mut head = incoming.head(retry_after);
    head.correlation_id = head.correlation_id.or(words.context_id);
    if head.status == StatusCode::TOO_MANY_REQUESTS {
        return ErrorKind::RateLimited(RateLimited {
            head,
            message: words.text,
            response: None,
        });
    }
    let problem = words
        .text
        .map_or(ResponseProblem::Status, ResponseProblem::Said);
    ErrorKind::UnexpectedResponse(UnexpectedResponse { head, problem })
}

/// The body. Every field may be missing. A field that occurs twice is an error.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenResponse {
    access_token: Option<SecretString>,
    token_type: Option<String>,
    refresh_token: Option<SecretString>,
    #[serde(deserialize_with = "expires_in::deserialize")]
    expires_in: Option<Duration>,
    error: Option<String>,
    #[serde(deserialize_with = "text_or_none")]
    error_description: Option<String>,
    #[serde(deserialize_with = "text_or_none")]
    description: Option<String>,
    /// What gateways and Spring write next to an `error`.
    #[serde(deserialize_with = "text_or_none")]
    message: Option<String>,
    #[serde(flatten)]
    _others: BTreeMap<String, Value>,
}

impl TokenResponse {
    /// Returns the kind of error for a body with an `error`, whatever its status.
    /// Genesys Cloud responds with 400 even where the rate limit is exceeded.
    fn error_kind(
        &self,
        incoming: &Incoming,
        retry_after: Option<Duration>,
        grant_type: &str,
    ) -> Option<ErrorKind> {
        let is_429 = incoming.status() == StatusCode::TOO_MANY_REQUESTS;
        let error = self.error.as_deref().filter(|error| !error.is_empty())?;
        let secrets = incoming.secrets();
        let secrets = expose_all(&secrets);
        let description = self.error_description.as_deref();
        let description = description.or(self.description.as_deref());
        let description = description.or(self.message.as_deref());
        let is_limit_as_400 = error == "invalid_request"
            && description.is_some_and(|text| {
                let text = text.to_ascii_lowercase();
                text.starts_with("rate limit exceeded")
            });
        let head = incoming.head(retry_after);
        let description = description.map(|text| sanitize(text, &secrets));
        Some(if is_429 || is_limit_as_400 {
            ErrorKind::RateLimited(RateLimited {
                head,
                message: description,
                response: None,
            })
        } else {
            let error = sanitize(error, &secrets);
            ErrorKind::OAuth(OAuthError::new(head, error, description, grant_type))
        })
    }

    fn into_issued(self, requested: Moment, clock: &Clock) -> Result<Issued, ResponseProblem> {
        let access_token = self.access_token.ok_or(ResponseProblem::NoToken)?;
        // RFC 6749 7.1: a client must not use a type of token that it does not understand.
        let token_type = self.token_type.as_deref().unwrap_or(BEARER);
        if !token_type.eq_ignore_ascii_case(BEARER) {
            return Err(ResponseProblem::BadToken("its token_type is not bearer"));
        }
        let life = self.expires_in.unwrap_or(DEFAULT_LIFE);
        let life = life.min(MAX_SCIM_TOKEN_DURATION);
        let refresh_token = self.refresh_token;
        let refresh_token = refresh_token.filter(|token| !token.expose_secret().is_empty());
        if refresh_token
            .as_ref()
            .is_some_and(|token| checked_text(token).is_err())
        {
            let why = "its refresh_token is not 1 to 8192 visible ASCII characters";
            return Err(ResponseProblem::BadToken(why));
        }
        let token = AccessToken::new(&access_token, requested, Some(life), clock);
        Ok(Issued {
            token: token.map_err(ResponseProblem::BadToken)?,
            refresh_token,
        })
    }
}

/// Reads a description, which is ignored where it is not text.
fn text_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

const BEARER: &str = "bearer";

/// The life of a token whose response does not give one: the shortest that can be configured.
const DEFAULT_LIFE: Duration = *TOKEN_DURATION.start();

//! `POST /oauth/token`: a request in, a token or a typed error out. Knows no grant.
//!
//! Source: RFC 6749 3.2, 4, 5; Genesys Cloud Developer Center, "Authorization".

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    HeaderValue, Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::{
    clock::{Clock, Moment},
    error::{Error, ErrorKind, OAuthError, RateLimited, ResponseProblem, sanitize},
    http_client::{App, HttpClient, Incoming, Outgoing, revealed},
    platform_limits::{MAX_SCIM_TOKEN_DURATION, TOKEN_DURATION},
    region::{Region, url_under},
    retry::retry_after,
    token::{AccessToken, usable},
};

mod expires_in;

/// What a grant asks the token endpoint.
pub(crate) struct TokenRequest {
    pub(crate) auth: ClientAuth,
    pub(crate) form: Vec<(&'static str, SecretString)>,
}

/// How a client says who it is (RFC 6749 2.3).
#[derive(Clone)]
pub(crate) enum ClientAuth {
    Basic(BasicAuth),
    /// One without a secret: its id goes into the form (RFC 6749 3.2.1).
    #[cfg_attr(
        not(feature = "login"),
        allow(dead_code, reason = "only a user's login has it")
    )]
    Public {
        client_id: String,
    },
}

/// The client's id and secret, for HTTP Basic.
#[derive(Clone)]
pub(crate) struct BasicAuth {
    pub(crate) client_id: String,
    pub(crate) secret: SecretString,
}

/// What the token endpoint gives.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) token: AccessToken,
    #[cfg_attr(
        not(feature = "login"),
        allow(dead_code, reason = "only a user's login has it")
    )]
    pub(crate) refresh_token: Option<SecretString>,
}

impl TokenRequest {
    fn grant_type(&self) -> &str {
        let grant_type = self.form.iter().find(|(name, _)| *name == GRANT_TYPE);
        grant_type.map_or("", |(_, value)| value.expose_secret())
    }
}

impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenRequest")
    }
}

/// Where and how to ask.
#[derive(Clone)]
pub(crate) struct TokenEndpoint {
    pub(crate) region: Region,
    pub(crate) http_client: HttpClient,
    pub(crate) app: App,
    pub(crate) attempt: Duration,
    pub(crate) clock: Clock,
}

impl TokenEndpoint {
    /// Asks once. The token's life counts from the moment before anything is sent.
    pub(crate) async fn ask(&self, mut request: TokenRequest) -> Result<Issued, Error> {
        let requested = self.clock.now();
        let mut headers = self.app.headers();
        match &request.auth {
            ClientAuth::Basic(auth) => {
                headers.insert(AUTHORIZATION, basic(auth));
            }
            ClientAuth::Public { client_id } => {
                let client_id = client_id.as_str().into();
                request.form.push((CLIENT_ID, client_id));
            }
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
        let outgoing = Outgoing {
            method: Method::POST,
            url: url_under(self.region.login_url(), "/oauth/token"),
            headers,
            body: Some(encode(&request.form).into()),
            timeout: self.attempt,
        };
        let mut incoming = self.http_client.send(outgoing).await?;
        let grant_type = request.grant_type().to_owned();
        incoming.sent_in_body(secrets(request.form));
        // It never grows, so that no copy of the token is left behind.
        let mut body = Zeroizing::new(Vec::with_capacity(MOST_BYTES));
        // A redirection's body may be anything and says nothing.
        if !incoming.status().is_redirection() {
            let read = incoming.read_into(&mut body, MOST_BYTES).await;
            if incoming.status().is_success() {
                read?;
            } else if read.is_err() {
                // The status says enough.
                body.clear();
            }
        }
        self.judge(&incoming, &body, &grant_type, requested)
    }

    fn judge(
        &self,
        incoming: &Incoming,
        body: &[u8],
        grant_type: &str,
        requested: Moment,
    ) -> Result<Issued, Error> {
        let status = incoming.status();
        let retry_after = retry_after(incoming.headers(), self.clock.wall());
        let unusable = |problem| Err(incoming.unexpected(problem, retry_after));
        let answer = match serde_json::from_slice::<Answer>(body) {
            Ok(answer) => answer,
            Err(_) if status == StatusCode::TOO_MANY_REQUESTS => Answer::default(),
            Err(error) if status == StatusCode::OK => {
                return unusable(ResponseProblem::not_json(&error));
            }
            Err(_) if status.is_redirection() => return unusable(ResponseProblem::Redirect),
            Err(_) => return unusable(ResponseProblem::Status),
        };
        if let Some(kind) = refusal(&answer, incoming, retry_after, grant_type) {
            return Err(kind.into());
        }
        if status != StatusCode::OK {
            return unusable(ResponseProblem::Status);
        }
        let Some(access_token) = answer.access_token else {
            return unusable(ResponseProblem::NoToken);
        };
        // RFC 6749 7.1: a client must not use a type of token that it does not understand.
        let token_type = answer.token_type.as_deref().unwrap_or(BEARER);
        if !token_type.eq_ignore_ascii_case(BEARER) {
            return unusable(ResponseProblem::BadToken("its token_type is not bearer"));
        }
        let life = answer
            .expires_in
            .unwrap_or(DEFAULT_LIFE)
            .min(MAX_SCIM_TOKEN_DURATION);
        let refresh_token = answer.refresh_token;
        let refresh_token = refresh_token.filter(|token| !token.expose_secret().is_empty());
        if refresh_token
            .as_ref()
            .is_some_and(|token| usable(token).is_err())
        {
            let why = "its refresh_token is not 1 to 8192 visible ASCII characters";
            return unusable(ResponseProblem::BadToken(why));
        }
        match AccessToken::new(&access_token, requested, Some(life), &self.clock) {
            Ok(token) => Ok(Issued {
                token,
                refresh_token,
            }),
            Err(why) => unusable(ResponseProblem::BadToken(why)),
        }
    }
}

/// An answer with an `error`, whatever its status; Genesys Cloud answers 400 even for too many
/// requests.
fn refusal(
    answer: &Answer,
    incoming: &Incoming,
    retry_after: Option<Duration>,
    grant_type: &str,
) -> Option<ErrorKind> {
    let status = incoming.status();
    let limited = status == StatusCode::TOO_MANY_REQUESTS;
    let error = answer.error.as_deref().filter(|error| !error.is_empty());
    if error.is_none() && !limited {
        return None;
    }
    let secrets = incoming.secrets();
    let secrets = revealed(&secrets);
    let said = answer
        .error_description
        .as_deref()
        .or(answer.description.as_deref());
    let description = said.map(|said| sanitize(said, &secrets));
    let head = incoming.head(retry_after);
    let limited_in_disguise = error == Some("invalid_request")
        && said.is_some_and(|said| said.to_ascii_lowercase().starts_with("rate limit exceeded"));
    Some(match error {
        Some(error) if !limited && !limited_in_disguise => {
            let error = sanitize(error, &secrets);
            ErrorKind::OAuth(OAuthError::new(head, error, description, grant_type))
        }
        _ => ErrorKind::RateLimited(RateLimited {
            head,
            message: description,
            response: None,
        }),
    })
}

/// What of a form a server must not show again: all but what anybody may know.
fn secrets(form: Vec<(&'static str, SecretString)>) -> Vec<SecretString> {
    let secret = form.into_iter().filter(|(name, _)| !OPEN.contains(name));
    secret.map(|(_, value)| value).collect()
}

/// Standard base64 of the raw `id:secret`, as all of Genesys Cloud's clients send it.
fn basic(auth: &BasicAuth) -> HeaderValue {
    let secret = auth.secret.expose_secret();
    let plain = Zeroizing::new(format!("{}:{secret}", auth.client_id));
    let mut text = Zeroizing::new(String::with_capacity(8 + plain.len() * 2));
    text.push_str("Basic ");
    STANDARD.encode_string(plain.as_bytes(), &mut text);
    let header = HeaderValue::from_maybe_shared(Bytes::from_owner(Wiped(text)));
    // Base64 always fits a header.
    let mut header = header.unwrap_or_else(|_| HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

fn encode(form: &[(&'static str, SecretString)]) -> Bytes {
    let length: usize = form
        .iter()
        .map(|(name, value)| name.len() + value.expose_secret().len() * 3 + 2)
        .sum();
    let mut serializer = form_urlencoded::Serializer::new(String::with_capacity(length));
    for (name, value) in form {
        serializer.append_pair(name, value.expose_secret());
    }
    Bytes::from_owner(Wiped(Zeroizing::new(serializer.finish())))
}

/// A buffer that is wiped when the last who shares it is gone.
struct Wiped(Zeroizing<String>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Every field may be missing; one that is given twice, or nests too deep, is an error.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    access_token: Option<SecretString>,
    token_type: Option<String>,
    refresh_token: Option<SecretString>,
    #[serde(deserialize_with = "expires_in::deserialize")]
    expires_in: Option<Duration>,
    error: Option<String>,
    #[serde(deserialize_with = "text")]
    error_description: Option<String>,
    #[serde(deserialize_with = "text")]
    description: Option<String>,
    #[serde(flatten)]
    _others: std::collections::BTreeMap<String, Value>,
}

/// Words for people, where they are any; nothing depends on them.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

const GRANT_TYPE: &str = "grant_type";

const CLIENT_ID: &str = "client_id";

const OPEN: [&str; 4] = [GRANT_TYPE, CLIENT_ID, "orgName", "redirect_uri"];

const BEARER: &str = "bearer";

const FORM: &str = "application/x-www-form-urlencoded";

const MOST_BYTES: usize = 64 * 1024;

/// For an answer that does not say how long the token lives: the shortest that can be configured.
const DEFAULT_LIFE: Duration = *TOKEN_DURATION.start();

#[cfg(test)]
mod tests;

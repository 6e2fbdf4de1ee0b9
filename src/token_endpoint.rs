//! `POST /oauth/token`: sends a token request and returns a token or a typed error. It knows no
//! grant.
//!
//! Source: RFC 6749 3.2, 4, 5; Genesys Cloud Developer Center, "Authorization".

mod expires_in;
mod response;

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    HeaderValue, Method,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

pub(crate) use response::Issued;

use crate::{
    clock::Clock,
    error::Error,
    http_client::{App, HttpClient, Outcome, Outgoing},
    region::{Region, url_under},
};
use response::read_response;

/// What a grant sends to the token endpoint.
pub(crate) struct TokenRequest {
    pub(crate) auth: ClientAuth,
    pub(crate) form: Vec<(&'static str, SecretString)>,
}

/// How a client authenticates (RFC 6749 2.3).
#[derive(Clone)]
pub(crate) enum ClientAuth {
    Basic(BasicAuth),
    /// A client without a secret: its id is in the form (RFC 6749 3.2.1).
    #[cfg_attr(
        not(feature = "login"),
        allow(dead_code, reason = "only logins have public clients")
    )]
    Public,
}

/// The client's id and secret, for HTTP Basic.
#[derive(Clone)]
pub(crate) struct BasicAuth {
    pub(crate) client_id: String,
    pub(crate) secret: SecretString,
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

/// A region's token endpoint, and how requests to it are sent.
#[derive(Clone)]
pub(crate) struct TokenEndpoint {
    pub(crate) region: Region,
    pub(crate) http_client: HttpClient,
    pub(crate) app: App,
    pub(crate) attempt: Duration,
    pub(crate) clock: Clock,
}

impl TokenEndpoint {
    pub(crate) fn url(&self) -> Url {
        url_under(self.region.login_url(), "/oauth/token")
    }

    /// Sends a request, once. The token's life counts from the moment before it is sent.
    pub(crate) async fn ask(&self, request: TokenRequest) -> Result<Issued, Error> {
        let requested = self.clock.now();
        let mut headers = self.app.headers();
        if let ClientAuth::Basic(auth) = &request.auth {
            headers.insert(AUTHORIZATION, basic_header(auth));
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
        let outgoing = Outgoing {
            method: Method::POST,
            url: self.url(),
            headers,
            body: Some(encode_form(&request.form).into()),
            timeout: self.attempt,
        };
        let mut incoming = self.http_client.send(outgoing).await?;
        let grant_type = request.grant_type().to_owned();
        incoming.set_body_secrets(secrets_of_form(request.form));
        let outcome = incoming.outcome();
        let body = if outcome == Outcome::Redirection {
            // It is not used.
            None
        } else {
            let body = incoming.read_secret(MAX_TOKEN_RESPONSE_BYTES).await;
            if outcome == Outcome::Success {
                Some(body?)
            } else {
                // The status is enough.
                body.ok()
            }
        };
        let body = body.unwrap_or_default();
        read_response(&incoming, &body, &grant_type, requested, &self.clock)
    }
}

/// Returns the form's secret values, to be redacted from error messages.
fn secrets_of_form(form: Vec<(&'static str, SecretString)>) -> Vec<SecretString> {
    let secret = form.into_iter().filter(|(name, _)| !PUBLIC.contains(name));
    secret.map(|(_, value)| value).collect()
}

/// Returns `Basic` with the standard base64 of the raw `id:secret`, as all clients of Genesys Cloud
/// send it.
fn basic_header(auth: &BasicAuth) -> HeaderValue {
    let secret = auth.secret.expose_secret();
    let plain = Zeroizing::new(format!("{}:{secret}", auth.client_id));
    let mut text = Zeroizing::new(String::with_capacity(8 + plain.len() * 2));
    text.push_str("Basic ");
    STANDARD.encode_string(plain.as_bytes(), &mut text);
    let header = HeaderValue::from_maybe_shared(Bytes::from_owner(Wiped(text)));
    // Base64 is always a valid header value.
    let mut header = header.unwrap_or_else(|_| HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

fn encode_form(form: &[(&'static str, SecretString)]) -> Bytes {
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

/// A buffer that is wiped when the last `Bytes` that share it are dropped.
struct Wiped(Zeroizing<String>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

const GRANT_TYPE: &str = "grant_type";

/// The fields of a form that are not secret.
const PUBLIC: [&str; 4] = [GRANT_TYPE, "client_id", "orgName", "redirect_uri"];

const FORM: &str = "application/x-www-form-urlencoded";
const MAX_TOKEN_RESPONSE_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests;

//! The token endpoint, `/oauth/token`.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::sandbox::{
    http::{
        error_response::{OAuthErrorResponse, json_response},
        form::Form,
        request_log::TOKEN_PATH,
    },
    org::{
        ClientClaim, Org,
        recipient::CodeExchange,
        settings::{CLIENT_CREDENTIALS, CODE, SAML2_BEARER},
        tokens::{GrantError, IssuedTokens},
    },
    saml::bearer_grant::{issue_for_assertion, with_signature_note},
};

pub(super) fn token_routes(org: Arc<Org>) -> Router {
    Router::new().route(TOKEN_PATH, post(token)).with_state(org)
}

async fn token(State(org): State<Arc<Org>>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(requests) = org.count_token_request().filter(|count| count.exceeded) {
        return requests.token_response(org.settings.token_rate_limit_sends_retry_after);
    }
    match issue(&org, &headers, &body) {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

fn issue(org: &Org, headers: &HeaderMap, body: &[u8]) -> Result<Response, OAuthErrorResponse> {
    let form = Form::from_body(headers, body)?;
    let grant_type = form.required("grant_type")?;
    // The client is authenticated before anything else is checked (RFC 6749 section 3.2.1).
    let basic = basic_credentials(headers);
    let claim = client_claim(basic.as_ref(), &form, grant_type);
    let (client, recipient) = org
        .authenticate_client(claim)
        .ok_or_else(OAuthErrorResponse::invalid_client)?;
    match client_type(grant_type) {
        Some(client_type) if client.has_grant_type(client_type) => {}
        Some(_) => return Err(unauthorized_client(grant_type)),
        None => {
            let description = "the grant type is not supported";
            let error = "unsupported_grant_type";
            return Err(OAuthErrorResponse::new(error, description));
        }
    }
    let issued = match grant_type {
        AUTHORIZATION_CODE => {
            let exchange = CodeExchange {
                code: form.required("code")?,
                redirect_uri: form.required("redirect_uri")?,
                verifier: form.get("code_verifier"),
                recipient,
            };
            org.with_tokens(|tokens, now| tokens.exchange(&exchange, now))
        }
        REFRESH_TOKEN => {
            let refresh_token = form.required("refresh_token")?;
            org.with_tokens(|tokens, now| tokens.refresh(refresh_token, &recipient, now))
        }
        SAML2_BEARER_GRANT => {
            let issued = issue_for_assertion(org, &form, &recipient);
            let response = issued.map(|issued| token_response(&issued));
            return Ok(with_signature_note(response));
        }
        _ => Ok(org.with_tokens(|tokens, now| tokens.issue_access_token(&recipient, None, now))),
    };
    issued
        .map(|issued| token_response(&issued))
        .map_err(error_response)
}

/// Finds the client's credentials. A public client sends its id in the form. Genesys' own command
/// line does so, and sends Basic with an empty secret, too.
fn client_claim<'a>(
    basic: Option<&'a (String, String)>,
    form: &'a Form,
    grant_type: &str,
) -> ClientClaim<'a> {
    let is_login = [AUTHORIZATION_CODE, REFRESH_TOKEN].contains(&grant_type);
    let form_id = form.get("client_id").filter(|_| is_login);
    match (basic, form_id) {
        (Some((id, _)), Some(form_id)) if id != form_id => ClientClaim::None,
        (Some((_, secret)), Some(id)) if secret.is_empty() => ClientClaim::Id(id),
        (Some((id, secret)), _) => ClientClaim::Secret { id, secret },
        (None, Some(id)) => ClientClaim::Id(id),
        (None, None) => ClientClaim::None,
    }
}

fn token_response(issued: &IssuedTokens) -> Response {
    let mut body = json!({
        "access_token": issued.access_token,
        "token_type": "bearer",
        // Genesys Cloud sends one second less than the lifetime.
        "expires_in": issued.lifetime.as_secs().saturating_sub(1),
    });
    if let Some(refresh_token) = &issued.refresh_token {
        body["refresh_token"] = refresh_token.as_str().into();
    }
    let mut response = json_response(StatusCode::OK, &body);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Genesys Cloud's own descriptions are not known.
fn error_response(error: GrantError) -> OAuthErrorResponse {
    let description = match error {
        GrantError::InvalidClient => return OAuthErrorResponse::invalid_client(),
        GrantError::Code => "the authorization code is not valid",
        GrantError::RedirectUri => "the redirect URI is not that of the authorization request",
        GrantError::Verifier => "the code verifier does not match the code challenge",
        GrantError::RefreshToken => "the refresh token is not valid",
    };
    OAuthErrorResponse::new("invalid_grant", description)
}

/// Returns id and secret from `Authorization: Basic`, without percent-decoding.
fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// Returns the `authorizedGrantType` of the clients that may use `grant_type`, or `None` for a grant
/// type that Genesys Cloud does not have.
fn client_type(grant_type: &str) -> Option<&'static str> {
    match grant_type {
        "client_credentials" => Some(CLIENT_CREDENTIALS),
        AUTHORIZATION_CODE | REFRESH_TOKEN => Some(CODE),
        "password" => Some("PASSWORD"),
        SAML2_BEARER_GRANT => Some(SAML2_BEARER),
        _ => None,
    }
}

fn unauthorized_client(grant_type: &str) -> OAuthErrorResponse {
    // Genesys Cloud omits the last letter of this one.
    let name = match grant_type {
        "client_credentials" => "client_credential",
        other => other,
    };
    OAuthErrorResponse::new(
        "unauthorized_client",
        format!("client is not authorized to use the {name} grant type"),
    )
}

const AUTHORIZATION_CODE: &str = "authorization_code";
const REFRESH_TOKEN: &str = "refresh_token";
const SAML2_BEARER_GRANT: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";

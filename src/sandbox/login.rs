//! The login host: `/oauth/token`.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::json;
use url::form_urlencoded;

use super::{
    ApiRefusal, CLIENT_CREDENTIALS, NotIssued, OAuthRefusal, Org, TOKEN_PATH, json_response,
};

pub(super) fn login_routes(org: Arc<Org>) -> Router {
    Router::new()
        .route(TOKEN_PATH, post(token))
        .fallback(async || ApiRefusal::not_found())
        .method_not_allowed_fallback(async || ApiRefusal::method_not_allowed())
        .with_state(org)
}

async fn token(State(org): State<Arc<Org>>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(counted) = org.count_token_request().filter(|counted| counted.refused) {
        return counted.too_many_token_requests(org.settings.token_limit_says_retry_after);
    }
    match answer(&org, &headers, &body) {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

fn answer(org: &Org, headers: &HeaderMap, body: &[u8]) -> Result<Response, OAuthRefusal> {
    let form = Form::read(headers, body)?;
    let grant_type = form.required("grant_type")?;
    // Whoever the client is, it is told first that it is not known: RFC 6749 section 3.2.1.
    let credentials = basic_credentials(headers);
    let credentials = credentials
        .as_ref()
        .map(|(id, secret)| (id.as_str(), secret.as_str()));
    let client_type = client_type_for(grant_type);
    let issued = org
        .issue(credentials, client_type)
        .map_err(|why| match (why, client_type) {
            (NotIssued::InvalidClient, _) => OAuthRefusal::invalid_client(),
            (NotIssued::UnauthorizedClient, Some(_)) => not_authorized_for(grant_type),
            (NotIssued::UnauthorizedClient, None) => {
                OAuthRefusal::new("unsupported_grant_type", "the grant type is not supported")
            }
        })?;
    let body = json!({
        "access_token": issued.access_token,
        "token_type": "bearer",
        // One second short of the lifetime, as Genesys Cloud says it.
        "expires_in": issued.lifetime.as_secs().saturating_sub(1),
    });
    let mut response = json_response(StatusCode::OK, &body);
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        http::HeaderValue::from_static("no-store"),
    );
    Ok(response)
}

/// Id and secret as they stand in `Authorization: Basic`, with no percent-decoding.
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

/// The `authorizedGrantType` of the clients that may use `grant_type`; `None` for a grant that
/// Genesys Cloud does not know.
fn client_type_for(grant_type: &str) -> Option<&'static str> {
    match grant_type {
        "client_credentials" => Some(CLIENT_CREDENTIALS),
        "authorization_code" | "refresh_token" => Some("CODE"),
        "password" => Some("PASSWORD"),
        "urn:ietf:params:oauth:grant-type:saml2-bearer" => Some("SAML2-BEARER"),
        _ => None,
    }
}

fn not_authorized_for(grant_type: &str) -> OAuthRefusal {
    // Genesys Cloud drops the last letter of this one.
    let named = match grant_type {
        "client_credentials" => "client_credential",
        other => other,
    };
    OAuthRefusal::new(
        "unauthorized_client",
        format!("client is not authorized to use the {named} grant type"),
    )
}

/// The fields of a form, each at most once.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, OAuthRefusal> {
        let content_type = headers.get(header::CONTENT_TYPE);
        let media_type = content_type
            .and_then(|value| value.to_str().ok()?.split(';').next())
            .unwrap_or_default();
        if !media_type.trim().eq_ignore_ascii_case(FORM) {
            return Err(invalid_request("the body must be a form"));
        }
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            if fields.iter().any(|(given, _)| *given == name) {
                return Err(invalid_request("a field is given more than once"));
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(fields))
    }

    fn required(&self, name: &str) -> Result<&str, OAuthRefusal> {
        let field = self.0.iter().find(|(given, _)| given == name);
        match field {
            Some((_, value)) if !value.is_empty() => Ok(value),
            _ => Err(OAuthRefusal::new(
                "invalid_request",
                format!("{name} is missing"),
            )),
        }
    }
}

fn invalid_request(description: &'static str) -> OAuthRefusal {
    OAuthRefusal::new("invalid_request", description)
}

const FORM: &str = "application/x-www-form-urlencoded";

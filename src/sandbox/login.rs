//! The login host: `/oauth/token`, beside the pages.

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

use super::{
    ApiRefusal, CLIENT_CREDENTIALS, CODE, Claim, Exchange, Form, Issued, NotGranted, OAuthRefusal,
    Org, SAML2_BEARER, TOKEN_PATH, authorize_routes, issue_for_assertion, json_response,
    unverified,
};

pub(super) fn login_routes(org: Arc<Org>) -> Router {
    Router::new()
        .route(TOKEN_PATH, post(token))
        .merge(authorize_routes())
        .fallback(async || ApiRefusal::not_found())
        .method_not_allowed_fallback(async || ApiRefusal::method_not_allowed())
        .with_state(org)
}

async fn token(State(org): State<Arc<Org>>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(counted) = org.count_token_request().filter(|counted| counted.refused) {
        return counted.too_many_token_requests(org.settings.token_limit_sends_retry_after);
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
    let basic = basic_credentials(headers);
    let claim = claim(basic.as_ref(), &form, grant_type);
    let proof = org
        .recognize(claim)
        .ok_or_else(OAuthRefusal::invalid_client)?;
    match client_type_for(grant_type) {
        Some(client_type) if client_type == org.settings.authorized_grant_type => {}
        Some(_) => return Err(not_authorized_for(grant_type)),
        None => {
            let words = "the grant type is not supported";
            return Err(OAuthRefusal::new("unsupported_grant_type", words));
        }
    }
    let issued = match grant_type {
        AUTHORIZATION_CODE => org.exchange(&Exchange {
            code: form.required("code")?,
            redirect_uri: form.required("redirect_uri")?,
            verifier: form.get("code_verifier"),
            proof,
        }),
        REFRESH_TOKEN => org.refresh(form.required("refresh_token")?, proof),
        SAML2_BEARER_GRANT => {
            let issued = issue_for_assertion(org, &form, proof);
            return Ok(unverified(issued.map(|issued| tokens(&issued))));
        }
        _ => Ok(org.issue()),
    };
    issued.map(|issued| tokens(&issued)).map_err(refusal)
}

/// Who the client says it is. One without a secret says so in the form; Genesys' own command line
/// does that and sends Basic with an empty secret, too.
fn claim<'a>(basic: Option<&'a (String, String)>, form: &'a Form, grant_type: &str) -> Claim<'a> {
    let is_users = [AUTHORIZATION_CODE, REFRESH_TOKEN].contains(&grant_type);
    let in_form = form.get("client_id").filter(|_| is_users);
    match (basic, in_form) {
        (Some((id, _)), Some(in_form)) if id != in_form => Claim::Nobody,
        (Some((_, secret)), Some(id)) if secret.is_empty() => Claim::Id(id),
        (Some((id, secret)), _) => Claim::Secret { id, secret },
        (None, Some(id)) => Claim::Id(id),
        (None, None) => Claim::Nobody,
    }
}

fn tokens(issued: &Issued) -> Response {
    let mut body = json!({
        "access_token": issued.access_token,
        "token_type": "bearer",
        // One second short of the lifetime, as Genesys Cloud says it.
        "expires_in": issued.lifetime.as_secs().saturating_sub(1),
    });
    if let Some(refresh_token) = &issued.refresh_token {
        body["refresh_token"] = refresh_token.as_str().into();
    }
    let mut response = json_response(StatusCode::OK, &body);
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        http::HeaderValue::from_static("no-store"),
    );
    response
}

/// Genesys Cloud's own words are not known.
fn refusal(why: NotGranted) -> OAuthRefusal {
    let words = match why {
        NotGranted::InvalidClient => return OAuthRefusal::invalid_client(),
        NotGranted::Code => "the authorization code is not valid",
        NotGranted::RedirectUri => "the redirect URI is not that of the authorization request",
        NotGranted::Verifier => "the code verifier does not match the code challenge",
        NotGranted::RefreshToken => "the refresh token is not valid",
    };
    OAuthRefusal::new("invalid_grant", words)
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
        AUTHORIZATION_CODE | REFRESH_TOKEN => Some(CODE),
        "password" => Some("PASSWORD"),
        SAML2_BEARER_GRANT => Some(SAML2_BEARER),
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

const AUTHORIZATION_CODE: &str = "authorization_code";
const REFRESH_TOKEN: &str = "refresh_token";
const SAML2_BEARER_GRANT: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";

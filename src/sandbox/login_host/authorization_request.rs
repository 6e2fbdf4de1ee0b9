//! The parameters of `/oauth/authorize`.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use url::form_urlencoded;

use super::{
    page::Page,
    redirect::{Redirect, is_registered, redirect_to},
};
use crate::sandbox::{
    http::{error_response::OAuthErrorResponse, form::Form},
    org::{Org, clients::Client, pkce::is_challenge, settings::CODE},
};

/// A valid authorization request.
pub(super) struct AuthorizationRequest {
    pub(super) client: Client,
    pub(super) redirect: Redirect,
    pub(super) challenge: Option<String>,
    /// Whether the user must log in even if a user is logged in.
    pub(super) prompt_login: bool,
    /// The email address for the login form.
    pub(super) email: Option<String>,
    /// The organisation as the client names it.
    pub(super) org: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) target: Option<String>,
}

/// Why an authorization request is not shown to the user.
pub(super) enum AuthorizationError {
    /// The browser is not sent back (RFC 6749 section 4.1.2.1).
    InvalidClientOrRedirectUri,
    SentBack(Redirect, OAuthErrorResponse),
}

impl AuthorizationRequest {
    pub(super) fn parse(org: &Org, query: &str) -> Result<Self, AuthorizationError> {
        let parsed = parse_client_and_redirect(org, query);
        let parsed = parsed.ok_or(AuthorizationError::InvalidClientOrRedirectUri)?;
        let (client, redirect) = parsed;
        Self::with_redirect(client, query, redirect.clone())
            .map_err(|error| AuthorizationError::SentBack(redirect, error))
    }

    fn with_redirect(
        client: Client,
        query: &str,
        redirect: Redirect,
    ) -> Result<Self, OAuthErrorResponse> {
        let form = Form::parse(query.as_bytes())?;
        let unsupported = |description: &'static str| {
            OAuthErrorResponse::new("unsupported_response_type", description)
        };
        match form.required("response_type")? {
            "code" => {}
            "token" => return Err(unsupported("the implicit grant has ended")),
            _ => return Err(unsupported("the response type is not supported")),
        }
        if !client.has_grant_type(CODE) {
            let description = "client is not authorized to use the authorization_code grant type";
            return Err(OAuthErrorResponse::new("unauthorized_client", description));
        }
        let owned = |name: &str| form.get(name).map(str::to_owned);
        let (org_name, provider) = (owned("org"), owned("provider"));
        if org_name.is_some() != provider.is_some() {
            return Err(OAuthErrorResponse::invalid_request(
                "org and provider go together",
            ));
        }
        let prompt_login = match form.get("prompt") {
            None => false,
            Some("login") => true,
            Some(_) => return Err(OAuthErrorResponse::invalid_request("prompt is not login")),
        };
        let (email, hinted_org) = form.get("login_hint").map(split_hint).unwrap_or_default();
        Ok(Self {
            client,
            redirect,
            challenge: parse_challenge(&form)?,
            prompt_login,
            email,
            org: org_name.or(hinted_org),
            provider,
            target: owned("target"),
        })
    }
}

/// Returns the client, and where the browser is sent back to, with a code or an error.
fn parse_client_and_redirect(org: &Org, query: &str) -> Option<(Client, Redirect)> {
    let single_value = |name: &str| {
        let mut values = form_urlencoded::parse(query.as_bytes())
            .filter_map(|(known, value)| (known == name).then_some(value));
        let value = values.next()?.into_owned();
        values.next().is_none().then_some(value)
    };
    let client = org.active_client(&single_value("client_id")?)?;
    let uri = single_value("redirect_uri")?;
    let state = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("state="));
    if !is_registered(&uri, &client.redirect_uris()) {
        return None;
    }
    let redirect = Redirect {
        uri,
        state: state.map(str::to_owned),
        in_fragment: single_value("response_type").as_deref() == Some("token"),
    };
    Some((client, redirect))
}

/// RFC 7636 section 4.3. A missing method means `plain`, which is not accepted.
fn parse_challenge(form: &Form) -> Result<Option<String>, OAuthErrorResponse> {
    let challenge = form.get("code_challenge");
    match (challenge, form.get("code_challenge_method")) {
        (None, None) => Ok(None),
        (Some(challenge), Some("S256")) if is_challenge(challenge) => {
            Ok(Some(challenge.to_owned()))
        }
        _ => Err(OAuthErrorResponse::new(
            "invalid_pkce_package",
            "the code challenge is not one of method S256",
        )),
    }
}

/// Splits `email`, `orgName` or `email:orgName`.
fn split_hint(hint: &str) -> (Option<String>, Option<String>) {
    let non_empty = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    match hint.split_once(':') {
        Some((email, org)) => (non_empty(email), non_empty(org)),
        None if hint.contains('@') => (non_empty(hint), None),
        None => (None, non_empty(hint)),
    }
}

impl IntoResponse for AuthorizationError {
    fn into_response(self) -> Response {
        match self {
            Self::InvalidClientOrRedirectUri => Page::new("Login not possible")
                .paragraph("The OAuth client ID or redirect URI is invalid.")
                .small("Nothing was sent back to the program that brought you here.")
                .response(StatusCode::BAD_REQUEST),
            Self::SentBack(redirect, OAuthErrorResponse { error, description }) => redirect_to(
                StatusCode::FOUND,
                &redirect.with(&[("error", &error), ("error_description", &description)]),
            ),
        }
    }
}

//! What `/oauth/authorize` is asked for.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::{
    CODE, Form, OAuthRefusal, Org, Page, Redirect, is_challenge, is_registered, redirect_to,
};

/// A request for an authorization that can be put to the user.
pub(super) struct Authorization {
    pub(super) redirect: Redirect,
    pub(super) challenge: Option<String>,
    /// Whether the user must log in, whoever is remembered.
    pub(super) prompt_login: bool,
    /// Whom the login page expects.
    pub(super) email: Option<String>,
    /// The organisation as the client names it.
    pub(super) org: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) target: Option<String>,
}

/// Why a request is not put to the user.
pub(super) enum NotAsked {
    /// Nobody knows where the answer may go: RFC 6749 section 4.1.2.1.
    InvalidClientOrRedirectUri,
    Refused(Redirect, OAuthRefusal),
}

impl Authorization {
    pub(super) fn read(org: &Org, query: &str) -> Result<Self, NotAsked> {
        let redirect = redirect(org, query).ok_or(NotAsked::InvalidClientOrRedirectUri)?;
        match Asked::read(org, query) {
            Ok(asked) => Ok(Self {
                redirect,
                challenge: asked.challenge,
                prompt_login: asked.prompt_login,
                email: asked.hint.0,
                org: asked.org.or(asked.hint.1),
                provider: asked.provider,
                target: asked.target,
            }),
            Err(refusal) => Err(NotAsked::Refused(redirect, refusal)),
        }
    }
}

/// Where the answer goes, whatever it is.
fn redirect(org: &Org, query: &str) -> Option<Redirect> {
    let only = |name: &str| {
        let mut values = url::form_urlencoded::parse(query.as_bytes())
            .filter_map(|(given, value)| (given == name).then_some(value));
        let value = values.next()?.into_owned();
        values.next().is_none().then_some(value)
    };
    if only("client_id")? != org.settings.client_id || org.client_disabled() {
        return None;
    }
    let uri = only("redirect_uri")?;
    let state = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("state="));
    is_registered(&uri, &org.settings.redirect_uris).then(|| Redirect {
        uri,
        state: state.map(str::to_owned),
        in_fragment: only("response_type").as_deref() == Some("token"),
    })
}

/// The parameters beside those that say where the answer goes.
struct Asked {
    challenge: Option<String>,
    prompt_login: bool,
    hint: (Option<String>, Option<String>),
    org: Option<String>,
    provider: Option<String>,
    target: Option<String>,
}

impl Asked {
    fn read(org: &Org, query: &str) -> Result<Self, OAuthRefusal> {
        let form = Form::parse(query.as_bytes())?;
        match form.required("response_type")? {
            "code" => {}
            "token" => return Err(refusal(UNSUPPORTED, "the implicit grant has ended")),
            _ => return Err(refusal(UNSUPPORTED, "the response type is not supported")),
        }
        if org.settings.authorized_grant_type != CODE {
            let words = "client is not authorized to use the authorization_code grant type";
            return Err(refusal("unauthorized_client", words));
        }
        let owned = |name: &str| form.get(name).map(str::to_owned);
        let (named_org, provider) = (owned("org"), owned("provider"));
        if named_org.is_some() != provider.is_some() {
            return Err(invalid_request("org and provider go together"));
        }
        let prompt_login = match form.get("prompt") {
            None => false,
            Some("login") => true,
            Some(_) => return Err(invalid_request("prompt is not login")),
        };
        Ok(Self {
            challenge: challenge(&form)?,
            prompt_login,
            hint: form.get("login_hint").map(hint).unwrap_or_default(),
            org: named_org,
            provider,
            target: owned("target"),
        })
    }
}

/// RFC 7636 section 4.3; `plain`, which a missing method means there, is not taken.
fn challenge(form: &Form) -> Result<Option<String>, OAuthRefusal> {
    match (
        form.get("code_challenge"),
        form.get("code_challenge_method"),
    ) {
        (None, None) => Ok(None),
        (Some(challenge), Some("S256")) if is_challenge(challenge) => {
            Ok(Some(challenge.to_owned()))
        }
        _ => Err(refusal(
            "invalid_pkce_package",
            "the code challenge is not one of method S256",
        )),
    }
}

/// `email`, `orgName` or `email:orgName`.
fn hint(hint: &str) -> (Option<String>, Option<String>) {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    match hint.split_once(':') {
        Some((email, org)) => (some(email), some(org)),
        None if hint.contains('@') => (some(hint), None),
        None => (None, some(hint)),
    }
}

impl IntoResponse for NotAsked {
    fn into_response(self) -> Response {
        match self {
            Self::InvalidClientOrRedirectUri => Page::new("No login here")
                .sentence("The OAuth client ID or redirect URI is invalid.")
                .small("Nothing was sent back to the program that brought you here.")
                .response(StatusCode::BAD_REQUEST),
            Self::Refused(redirect, OAuthRefusal { error, description }) => redirect_to(
                StatusCode::FOUND,
                &redirect.with(&[("error", &error), ("error_description", &description)]),
            ),
        }
    }
}

fn refusal(error: &'static str, description: &'static str) -> OAuthRefusal {
    OAuthRefusal::new(error, description)
}

fn invalid_request(description: &'static str) -> OAuthRefusal {
    refusal("invalid_request", description)
}

const UNSUPPORTED: &str = "unsupported_response_type";

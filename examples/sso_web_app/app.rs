//! The application: three routes, and one session for each user.

use std::{
    collections::HashMap, error::Error as StdError, fmt::Display, io, sync::Arc, time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware,
    response::{AppendHeaders, IntoResponse, Response},
    routing::{get, post},
};
use genesys_cloud_auth::{
    ClientSecret, Error, ErrorKind, PlatformClient, Region, Saml2Bearer, TokenProvider,
};
use serde::Deserialize;
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

use super::{
    expiring_map::ExpiringMap,
    page::{HEADERS, Page},
    request::{LoginRequest, random_id},
};

/// The settings of the application.
pub(crate) struct Sso {
    pub(crate) region: Region,
    pub(crate) client_id: String,
    pub(crate) secret: ClientSecret,
    /// The organisation's short name.
    pub(crate) org: String,
    /// The identity provider's address for logins.
    pub(crate) idp: Url,
    /// The address under which browsers find the application.
    pub(crate) base: Url,
}

struct App {
    sso: Sso,
    logins: ExpiringMap<LoginRequest>,
    sessions: ExpiringMap<TokenProvider>,
}

/// Serves the application to browsers.
pub(crate) async fn serve(listener: TcpListener, sso: Sso) -> io::Result<()> {
    let app = App {
        sso,
        logins: ExpiringMap::default(),
        sessions: ExpiringMap::default(),
    };
    let routes = Router::new()
        .route("/", get(home))
        .route("/login", get(begin))
        .route("/saml", post(finish))
        .layer(DefaultBodyLimit::max(MAX_POST_BYTES))
        .layer(middleware::map_response(with_headers))
        .with_state(Arc::new(app));
    axum::serve(listener, routes).await
}

#[derive(Deserialize)]
struct User {
    name: String,
    email: Option<String>,
}

async fn home(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let id = app.cookie(&headers, SESSION);
    let Some(tokens) = app.sessions.get(&id) else {
        return logged_out();
    };
    let user = PlatformClient::new(tokens).get("/api/v2/users/me");
    match user.fetch::<User>().await {
        Ok(user) => {
            let email = user.email.as_deref().unwrap_or("unknown");
            Page::new(&format!("Hello, {}", user.name), "You are logged in.")
                .facts(&[("Email", email)])
                .response(StatusCode::OK)
        }
        // The token has expired, and only a new assertion gets another one.
        Err(error) if error.needs_login() => {
            app.sessions.remove(&id);
            logged_out()
        }
        Err(error) => failed(&error),
    }
}

/// Sends the browser to the identity provider. What the response must match is kept for this browser
/// alone, with its present session, whose cookie does not arrive with the response.
async fn begin(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let begin = || -> Result<_, Box<dyn StdError>> {
        let id = random_id()?;
        let login = LoginRequest::new(app.cookie(&headers, SESSION))?;
        let acs = app.sso.base.join("/saml")?;
        let url = login.redirect_url(&app.sso.idp, &acs, &now());
        app.logins.insert(&id, login, LOGIN_TIME);
        Ok((url, id))
    };
    match begin() {
        Ok((url, id)) => {
            // The response is posted from another site. Browsers send only `SameSite=None` cookies
            // with that, and accept those only with `Secure`.
            let cookie = app.set_cookie(LOGIN, &id, "SameSite=None; Secure", LOGIN_TIME);
            see_other(url.as_str(), &[cookie])
        }
        Err(error) => failed(&error),
    }
}

/// Receives the response that the identity provider has the browser post.
async fn finish(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut posted: HashMap<_, _> = form_urlencoded::parse(&body).into_owned().collect();
    let saml_response = posted.remove("SAMLResponse").unwrap_or_default();
    let relay_state = posted.remove("RelayState").unwrap_or_default();
    let id = app.cookie(&headers, LOGIN);
    let matches = |login: &LoginRequest| login.matches_response(&relay_state, &saml_response);
    let Some(login) = app.logins.take_if(&id, matches) else {
        return rejected();
    };
    let Ok(session) = random_id() else {
        return failed(&"the machine returns no random bytes");
    };
    match app.tokens(saml_response).await {
        Ok(tokens) => {
            app.sessions.remove(login.session());
            app.sessions.insert(&session, tokens, SESSION_TIME);
            let cookies = [
                app.set_cookie(SESSION, &session, "SameSite=Lax", SESSION_TIME),
                app.set_cookie(LOGIN, "", "SameSite=None; Secure", Duration::ZERO),
            ];
            see_other("/", &cookies)
        }
        Err(error) if needs_other_assertion(&error) => {
            eprintln!("{error}");
            rejected()
        }
        Err(error) => failed(&error),
    }
}

impl App {
    /// Returns the tokens of the assertion's user. The first one was issued, so Genesys Cloud has
    /// verified the signature.
    async fn tokens(&self, saml_response: String) -> Result<TokenProvider, Error> {
        let sso = &self.sso;
        let (secret, org) = (sso.secret.clone(), &sso.org);
        let grant = Saml2Bearer::new(&sso.client_id, secret, org, saml_response)?;
        let tokens = TokenProvider::new(sso.region.clone(), grant)?;
        tokens.token().await?;
        Ok(tokens)
    }

    /// Returns the value of a cookie, or an empty text.
    fn cookie(&self, headers: &HeaderMap, name: &str) -> String {
        let name = self.cookie_name(name);
        let cookies = headers.get_all(header::COOKIE).iter();
        cookies
            .filter_map(|cookie| cookie.to_str().ok())
            .flat_map(|cookie| cookie.split("; "))
            .filter_map(|pair| pair.split_once('='))
            .find(|(given, _)| *given == name)
            .map(|(_, value)| value.to_owned())
            .unwrap_or_default()
    }

    fn set_cookie(&self, name: &str, value: &str, site: &str, life: Duration) -> String {
        let (name, life) = (self.cookie_name(name), life.as_secs());
        // The attribute `Secure` must not stand twice.
        let secure = if self.is_on_tls() && !site.ends_with("Secure") {
            "; Secure"
        } else {
            ""
        };
        format!("{name}={value}; Path=/; HttpOnly; Max-Age={life}; {site}{secure}")
    }

    /// The prefix makes browsers reject a cookie of this name that another host sets.
    fn cookie_name(&self, name: &str) -> String {
        let prefix = if self.is_on_tls() { "__Host-" } else { "" };
        format!("{prefix}{name}")
    }

    fn is_on_tls(&self) -> bool {
        self.sso.base.scheme() == "https"
    }
}

/// Whether the assertion was not sent or not accepted. Another one may succeed.
fn needs_other_assertion(error: &Error) -> bool {
    error.needs_login() || matches!(error.kind(), ErrorKind::Assertion(_))
}

/// The current time as SAML writes it.
fn now() -> String {
    let now = jiff::Timestamp::now();
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn logged_out() -> Response {
    Page::new("Welcome", "Log in with your company's account.")
        .link("Log in", "/login")
        .response(StatusCode::OK)
}

/// The page does not say what was wrong, since another attempt of an honest user succeeds.
fn rejected() -> Response {
    let sentence = "It has expired, was used before, or was begun in another browser.";
    Page::new("This login cannot be finished here", sentence)
        .link("Log in again", "/login")
        .response(StatusCode::FORBIDDEN)
}

/// The user cannot mend it, so the error is only printed.
fn failed(error: &(impl Display + ?Sized)) -> Response {
    eprintln!("{error}");
    Page::new("This did not succeed", "Please try again in a minute.")
        .link("Back to the start", "/")
        .response(StatusCode::BAD_GATEWAY)
}

fn see_other(to: &str, cookies: &[String]) -> Response {
    let set = cookies.iter().map(|cookie| (header::SET_COOKIE, cookie));
    let set = AppendHeaders(set.collect::<Vec<_>>());
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)], set).into_response()
}

async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

/// The cookie of a login that has not ended yet.
const LOGIN: &str = "login";
const SESSION: &str = "session";

const LOGIN_TIME: Duration = Duration::from_secs(600);

/// A working day.
const SESSION_TIME: Duration = Duration::from_secs(8 * 3_600);

/// Enough for the largest document, in base64 and in a form.
const MAX_POST_BYTES: usize = 1024 * 1024;

//! The application: three routes, and a session for each user.

use std::{
    collections::HashMap,
    error::Error as StdError,
    fmt::Display,
    io,
    sync::Arc,
    time::{Duration, SystemTime},
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
    kept::Kept,
    page::{HEADERS, Page},
    request::{Begun, random},
};

/// What the application is told.
pub(crate) struct Sso {
    pub(crate) region: Region,
    pub(crate) client_id: String,
    pub(crate) secret: ClientSecret,
    /// The organisation's short name.
    pub(crate) org: String,
    /// Where logins begin.
    pub(crate) idp: Url,
    /// Where browsers find the application.
    pub(crate) base: Url,
}

struct App {
    sso: Sso,
    begun: Kept<Begun>,
    sessions: Kept<TokenProvider>,
}

/// Serves browsers.
pub(crate) async fn serve(listener: TcpListener, sso: Sso) -> io::Result<()> {
    let app = App {
        sso,
        begun: Kept::default(),
        sessions: Kept::default(),
    };
    let routes = Router::new()
        .route("/", get(home))
        .route("/login", get(begin))
        .route("/saml", post(finish))
        .layer(DefaultBodyLimit::max(LARGEST_POST))
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
            let email = user.email.as_deref().unwrap_or("not told");
            Page::new(&format!("Hello, {}", user.name), "You are logged in.")
                .facts(&[("Email", email)])
                .response(StatusCode::OK)
        }
        // The token is over, and only a new assertion gives another.
        Err(error) if error.needs_login() => {
            app.sessions.take_if(&id, |_| true);
            logged_out()
        }
        Err(error) => failed(&error),
    }
}

/// Sends the browser to the identity provider, and keeps for this browser alone what the answer has
/// to bring along, and the session that it has now: its cookie does not come with the answer.
async fn begin(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let begun = || -> Result<_, Box<dyn StdError>> {
        let (id, begun) = (random()?, Begun::new(app.cookie(&headers, SESSION))?);
        let acs = app.sso.base.join("/saml")?;
        let url = begun.url(&app.sso.idp, &acs, &now());
        app.begun.keep(&id, begun, TO_LOG_IN);
        Ok((url, id))
    };
    match begun() {
        Ok((url, id)) => {
            // The answer is posted from another site: a cookie that is to come along has to be
            // `SameSite=None`, and that has to be `Secure`.
            let cookie = app.set_cookie(LOGIN, &id, "SameSite=None; Secure", TO_LOG_IN);
            see_other(url.as_str(), &[cookie])
        }
        Err(error) => failed(&error),
    }
}

/// Where the identity provider has the browser post its answer.
async fn finish(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut posted: HashMap<_, _> = form_urlencoded::parse(&body).into_owned().collect();
    let saml_response = posted.remove("SAMLResponse").unwrap_or_default();
    let relay_state = posted.remove("RelayState").unwrap_or_default();
    let id = app.cookie(&headers, LOGIN);
    let is_answered = |begun: &Begun| begun.is_answered_by(&relay_state, &saml_response);
    let Some(begun) = app.begun.take_if(&id, is_answered) else {
        return refused();
    };
    let Ok(session) = random() else {
        return failed(&"the machine gives no random bytes");
    };
    match app.tokens(saml_response).await {
        Ok(tokens) => {
            app.sessions.take_if(begun.session(), |_| true);
            app.sessions.keep(&session, tokens, LOGGED_IN);
            let cookies = [
                app.set_cookie(SESSION, &session, "SameSite=Lax", LOGGED_IN),
                app.set_cookie(LOGIN, "", "SameSite=None; Secure", Duration::ZERO),
            ];
            see_other("/", &cookies)
        }
        Err(error) if is_for_another_login(&error) => {
            eprintln!("{error}");
            refused()
        }
        Err(error) => failed(&error),
    }
}

impl App {
    /// The tokens of the user whom an assertion names, the first of which is there: Genesys Cloud has
    /// checked the signature.
    async fn tokens(&self, saml_response: String) -> Result<TokenProvider, Error> {
        let sso = &self.sso;
        let (secret, org) = (sso.secret.clone(), &sso.org);
        let grant = Saml2Bearer::new(&sso.client_id, secret, org, saml_response)?;
        let tokens = TokenProvider::new(sso.region.clone(), grant)?;
        tokens.token().await?;
        Ok(tokens)
    }

    /// The value of a cookie, or nothing.
    fn cookie(&self, headers: &HeaderMap, name: &str) -> String {
        let name = self.cookie_name(name);
        let cookies = headers.get_all(header::COOKIE).iter();
        cookies
            .filter_map(|cookie| cookie.to_str().ok())
            .flat_map(|cookie| cookie.split("; "))
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(given, value)| (given == name).then(|| value.to_owned()))
            .unwrap_or_default()
    }

    fn set_cookie(&self, name: &str, value: &str, site: &str, life: Duration) -> String {
        let (name, life) = (self.cookie_name(name), life.as_secs());
        // A cookie that is `Secure` anyway says so once.
        let secure = if self.is_on_tls() && !site.ends_with("Secure") {
            "; Secure"
        } else {
            ""
        };
        format!("{name}={value}; Path=/; HttpOnly; Max-Age={life}; {site}{secure}")
    }

    /// By its prefix a browser knows that no other host may set it.
    fn cookie_name(&self, name: &str) -> String {
        let prefix = if self.is_on_tls() { "__Host-" } else { "" };
        format!("{prefix}{name}")
    }

    fn is_on_tls(&self) -> bool {
        self.sso.base.scheme() == "https"
    }
}

/// Whether an assertion was not sent, or not taken: another one may be.
fn is_for_another_login(error: &Error) -> bool {
    error.needs_login() || matches!(error.kind(), ErrorKind::Assertion(_))
}

/// The time as SAML writes it.
fn now() -> String {
    let date = httpdate::fmt_http_date(SystemTime::now());
    let words: Vec<&str> = date.split(' ').collect();
    let [_, day, month, year, time, _] = words[..] else {
        return date;
    };
    let month = MONTHS.iter().position(|name| *name == month);
    format!("{year}-{:02}-{day}T{time}Z", month.unwrap_or_default() + 1)
}

fn logged_out() -> Response {
    Page::new("Welcome", "Log in with your company's account.")
        .link("Log in", "/login")
        .response(StatusCode::OK)
}

/// Nobody is told what was wrong: the next login of a user who has one succeeds.
fn refused() -> Response {
    let sentence = "It is over, was used before, or was begun in another browser.";
    Page::new("This login cannot be finished here", sentence)
        .link("Log in again", "/login")
        .response(StatusCode::FORBIDDEN)
}

/// The user can do nothing about it: why is for whoever runs the application.
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

/// A cookie for the time of a login, and one for that after it.
const LOGIN: &str = "login";
const SESSION: &str = "session";

const TO_LOG_IN: Duration = Duration::from_secs(600);

/// A day's work.
const LOGGED_IN: Duration = Duration::from_secs(8 * 3_600);

/// The largest document that is read, in base64 and in a form.
const LARGEST_POST: usize = 1024 * 1024;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

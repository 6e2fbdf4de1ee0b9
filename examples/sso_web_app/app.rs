//! The application: three routes, and one session for each user.

use std::{collections::HashMap, error::Error as StdError, io, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    middleware,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use axum_extra::extract::cookie::{CookieJar, SameSite};
use genesys_cloud_auth::{
    ClientSecret, Error, ErrorKind, PlatformClient, Region, Saml2Bearer, TokenProvider,
};
use serde::Deserialize;
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

use super::{
    page::{Page, failed, report, with_headers},
    request::LoginRequest,
    sessions::{ExpiringMap, IdCookie, LOGIN_TIME, SESSION_TIME, is_own_page, random_id},
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
    login_cookie: IdCookie,
    logins: ExpiringMap<LoginRequest>,
    session_cookie: IdCookie,
    sessions: ExpiringMap<TokenProvider>,
}

/// Serves the application to browsers.
pub(crate) async fn serve(listener: TcpListener, sso: Sso) -> io::Result<()> {
    let app = Arc::new(App {
        // The response is posted from another site. Browsers send only `SameSite=None` cookies with
        // that, and accept those only with `Secure`.
        login_cookie: IdCookie::new("login", SameSite::None, &sso.base),
        logins: ExpiringMap::default(),
        session_cookie: IdCookie::new("session", SameSite::Lax, &sso.base),
        sessions: ExpiringMap::default(),
        sso,
    });
    tokio::spawn(forget_old(Arc::clone(&app)));
    let routes = Router::new()
        .route("/", get(home))
        .route("/login", get(begin))
        .route("/saml", post(finish))
        .route("/logout", post(log_out))
        .layer(DefaultBodyLimit::max(MAX_POST_BYTES))
        .layer(middleware::map_response(with_headers))
        .with_state(app);
    axum::serve(listener, routes).await
}

#[derive(Deserialize)]
struct User {
    name: String,
    email: Option<String>,
}

async fn home(State(app): State<Arc<App>>, jar: CookieJar) -> Response {
    let id = app.session_cookie.id(&jar);
    let Some(tokens) = app.sessions.get(&id) else {
        return logged_out();
    };
    let user = PlatformClient::new(tokens).get("/api/v2/users/me");
    match user.fetch::<User>().await {
        Ok(user) => {
            let email = user.email.as_deref().unwrap_or("unknown");
            Page::new(&format!("Hello, {}", user.name), "You are logged in.")
                .facts(&[("Email", email)])
                .button("Log out", "/logout")
                .response(StatusCode::OK)
        }
        // The token has expired, and only a new assertion gets another one.
        Err(error) if error.needs_login() => {
            app.sessions.take_if(&id, |_| true);
            logged_out()
        }
        Err(error) => failed(&error),
    }
}

/// Sends the browser to the identity provider. What the response must match is kept for this browser
/// alone, with its present session, whose cookie does not arrive with the response.
async fn begin(State(app): State<Arc<App>>, jar: CookieJar) -> Response {
    let begin = || -> Result<_, Box<dyn StdError>> {
        let id = random_id()?;
        let login = LoginRequest::new(app.session_cookie.id(&jar))?;
        let acs = app.sso.base.join("/saml")?;
        let url = login.redirect_url(&app.sso.idp, &acs, &now());
        app.logins.insert(&id, login, LOGIN_TIME);
        let jar = app.login_cookie.set(jar, id);
        Ok((jar, Redirect::to(url.as_str())))
    };
    begin().map_or_else(|error| failed(&error), IntoResponse::into_response)
}

/// Receives the identity provider's response, which the browser posts.
async fn finish(State(app): State<Arc<App>>, jar: CookieJar, body: Bytes) -> Response {
    let mut posted: HashMap<_, _> = form_urlencoded::parse(&body).into_owned().collect();
    let saml_response = posted.remove("SAMLResponse").unwrap_or_default();
    let relay_state = posted.remove("RelayState").unwrap_or_default();
    let id = app.login_cookie.id(&jar);
    let matches = |login: &LoginRequest| login.matches_response(&relay_state, &saml_response);
    let Some(login) = app.logins.take_if(&id, matches) else {
        return rejected();
    };
    let Ok(session) = random_id() else {
        return failed("the machine returns no random bytes");
    };
    match app.tokens(saml_response).await {
        Ok(tokens) => {
            app.sessions.take_if(login.session(), |_| true);
            app.sessions.insert(&session, tokens, SESSION_TIME);
            let jar = app.login_cookie.remove(jar);
            let jar = app.session_cookie.set(jar, session);
            (jar, Redirect::to("/")).into_response()
        }
        Err(error) if needs_other_assertion(&error) => {
            report(&error);
            rejected()
        }
        Err(error) => failed(&error),
    }
}

/// Ends the session and its token. The user stays logged in at the identity provider.
async fn log_out(State(app): State<Arc<App>>, jar: CookieJar, headers: HeaderMap) -> Response {
    if !is_own_page(&headers, &app.sso.base) {
        return Page::new("Not logged out", "Another site sent this request.")
            .link("Back to the start", "/")
            .response(StatusCode::FORBIDDEN);
    }
    let tokens = app.sessions.take_if(&app.session_cookie.id(&jar), |_| true);
    if let Some(tokens) = tokens
        && let Err(error) = tokens.revoke().await
    {
        report(&format_args!("a token could not be revoked: {error}"));
    }
    (app.session_cookie.remove(jar), Redirect::to("/")).into_response()
}

async fn forget_old(app: Arc<App>) {
    let mut minutes = tokio::time::interval(Duration::from_secs(60));
    loop {
        minutes.tick().await;
        app.logins.take_ended();
        app.sessions.take_ended();
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

/// Enough for the largest document, in base64 and in a form.
const MAX_POST_BYTES: usize = 1024 * 1024;

//! The routes of the application.

use std::{error::Error as StdError, fmt::Display, io, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware,
    response::{AppendHeaders, IntoResponse, Response},
    routing::{get, post},
};
use genesys_cloud_auth::{
    Error, ErrorKind, Login, PendingLogin, PlatformClient, error::LoginErrorKind,
};
use serde::Deserialize;
use tokio::net::TcpListener;
use url::Url;

use super::{
    page::{HEADERS, Page},
    sessions::{Sessions, new_id},
};

struct App {
    login: Login,
    sessions: Sessions,
    base: Url,
}

/// Serves the application, whose address is `base`.
///
/// # Errors
/// Why it stopped serving.
pub async fn serve(listener: TcpListener, login: Login, base: Url) -> io::Result<()> {
    let sessions = Sessions::new(base.scheme() == "https");
    let app = Arc::new(App {
        login,
        sessions,
        base,
    });
    tokio::spawn(end_old_sessions(Arc::clone(&app)));
    let routes = Router::new()
        .route("/", get(home))
        .route("/login", get(begin))
        .route("/callback", get(finish))
        .route("/logout", post(log_out))
        .layer(middleware::map_response(with_headers))
        .with_state(app);
    axum::serve(listener, routes).await
}

async fn home(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let Some(id) = app.sessions.logged_in(&headers) else {
        return logged_out();
    };
    match app.profile(&id).await {
        Ok(Some((user, organization))) => {
            let email = user.email.as_deref().unwrap_or("unknown");
            Page::new(&format!("Hello, {}", user.name), "You are logged in.")
                .facts(&[("Email", email), ("Organisation", &organization.name)])
                .button("Log out", "/logout")
                .response(StatusCode::OK)
        }
        Ok(None) => {
            app.end(&id).await;
            logged_out()
        }
        Err(error) => failed(&error),
    }
}

/// Redirects to the login page, and keeps the pending login in the session of this browser.
async fn begin(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if app.sessions.logged_in(&headers).is_some() {
        return see_other("/", None);
    }
    let redirect = || -> Result<_, Box<dyn StdError>> {
        let pending = app.login.begin()?;
        let url = pending.authorize_url().to_string();
        let pending = pending.into_secret()?;
        let id = app.sessions.id(&headers).map_or_else(new_id, Ok)?;
        app.sessions.begin(&id, pending);
        Ok(see_other(&url, Some(app.sessions.cookie(&id))))
    };
    redirect().unwrap_or_else(|error| failed(&error))
}

/// The redirect URI, to which the login page sends the browser back.
async fn finish(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let before = app.sessions.id(&headers).unwrap_or_default();
    let Some(pending) = app.sessions.take_pending(&before) else {
        return not_started();
    };
    let Ok(id) = new_id() else {
        return failed(&"the machine gives no random bytes");
    };
    let finished = async {
        let pending = PendingLogin::from_secret(&app.login, &pending)?;
        app.login
            .finish(pending, &query.unwrap_or_default(), &id)
            .await
    };
    match finished.await.as_ref().map_err(Error::kind) {
        Ok(_) => {
            app.sessions.log_in(&before, &id);
            see_other("/", Some(app.sessions.cookie(&id)))
        }
        Err(ErrorKind::Login(login)) if matches!(login.kind(), LoginErrorKind::Denied { .. }) => {
            Page::new(
                "Access was not granted",
                "Nothing was done in your name. You can log in again.",
            )
            .link("Log in", "/login")
            .response(StatusCode::FORBIDDEN)
        }
        // Nothing was sent. The login that this browser started can still be finished.
        Err(ErrorKind::Login(login))
            if matches!(
                login.kind(),
                LoginErrorKind::Callback | LoginErrorKind::ImplicitGrant
            ) =>
        {
            app.sessions.put_back(&before, pending);
            not_started()
        }
        Err(error) => failed(error),
    }
}

/// Ends the session and the login, and redirects to the page that ends the session at Genesys Cloud.
async fn log_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if !app.is_own_page(&headers) {
        return Page::new("Not logged out", "Another site sent this request.")
            .link("Back to the start", "/")
            .response(StatusCode::FORBIDDEN);
    }
    let Some(id) = app.sessions.id(&headers) else {
        return see_other("/", None);
    };
    app.end(&id).await;
    let url = app.login.logout_url(Some(app.base.as_str()));
    see_other(url.as_str(), Some(app.sessions.no_cookie()))
}

#[derive(Deserialize)]
struct User {
    name: String,
    email: Option<String>,
}

#[derive(Deserialize)]
struct Organization {
    name: String,
}

impl App {
    /// Calls the API as the user of a session. Returns `None` if the user must log in again.
    async fn profile(&self, id: &str) -> Result<Option<(User, Organization)>, Error> {
        let Some(tokens) = self.login.saved(id).await? else {
            return Ok(None);
        };
        let api = PlatformClient::new(tokens);
        let profile = async {
            let user = api.get("/api/v2/users/me").fetch().await?;
            let organization = api.get("/api/v2/organizations/me").fetch().await?;
            Ok(Some((user, organization)))
        };
        match profile.await {
            Err(error) if Error::needs_login(&error) => Ok(None),
            result => result,
        }
    }

    /// Ends a session and its login.
    async fn end(&self, id: &str) {
        self.sessions.end(id);
        let ended = async {
            match self.login.saved(id).await? {
                Some(tokens) => tokens.revoke().await,
                None => Ok(()),
            }
        };
        if let Err(error) = ended.await {
            eprintln!("a login could not be ended: {error}");
        }
    }

    /// Whether a page of this application sent the request. Browsers report that over TLS and on this
    /// machine; older ones send only the origin.
    fn is_own_page(&self, headers: &HeaderMap) -> bool {
        if let Some(site) = headers.get("sec-fetch-site") {
            return site == "same-origin";
        }
        let own = self.base.origin().ascii_serialization();
        let origin = headers.get(header::ORIGIN);
        origin.is_some_and(|origin| *origin == *own)
    }
}

async fn end_old_sessions(app: Arc<App>) {
    let mut minutes = tokio::time::interval(Duration::from_secs(60));
    loop {
        minutes.tick().await;
        for id in app.sessions.take_ended() {
            app.end(&id).await;
        }
    }
}

fn logged_out() -> Response {
    Page::new("Welcome", "Log in with your Genesys Cloud account.")
        .link("Log in", "/login")
        .response(StatusCode::OK)
}

fn not_started() -> Response {
    let sentence = "It has ended, or was started in another browser or tab.";
    Page::new("This login cannot be finished here", sentence)
        .link("Back to the start", "/")
        .response(StatusCode::BAD_REQUEST)
}

/// Reports an error that the user cannot resolve to the operator of the application.
fn failed(error: &(impl Display + ?Sized)) -> Response {
    eprintln!("{error}");
    Page::new("This did not succeed", "Please try again in a minute.")
        .link("Back to the start", "/")
        .response(StatusCode::BAD_GATEWAY)
}

fn see_other(to: &str, cookie: Option<String>) -> Response {
    let set = AppendHeaders(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)], set).into_response()
}

async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

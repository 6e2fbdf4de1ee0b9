//! The routes of the application.

use std::{error::Error as StdError, io, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    middleware,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use axum_extra::extract::cookie::{CookieJar, SameSite};
use genesys_cloud_auth::{
    Error, ErrorKind, Login, PendingLogin, PlatformClient, error::LoginErrorKind,
};
use secrecy::SecretString;
use serde::Deserialize;
use tokio::net::TcpListener;
use url::Url;

use super::{
    page::{Page, failed, report, with_headers},
    sessions::{ExpiringMap, IdCookie, LOGIN_TIME, SESSION_TIME, is_own_page, random_id},
};

struct App {
    login: Login,
    cookie: IdCookie,
    /// The id of a session is also the name of its login.
    sessions: ExpiringMap<Session>,
    base: Url,
}

#[derive(Clone)]
enum Session {
    /// The login that this browser has started.
    Pending(SecretString),
    LoggedIn,
}

/// Serves the application, whose address is `base`.
///
/// # Errors
/// Why it stopped serving.
pub async fn serve(listener: TcpListener, login: Login, base: Url) -> io::Result<()> {
    let app = Arc::new(App {
        login,
        cookie: IdCookie::new("session", SameSite::Lax, &base),
        sessions: ExpiringMap::default(),
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

async fn home(State(app): State<Arc<App>>, jar: CookieJar) -> Response {
    let id = app.cookie.id(&jar);
    let Some(Session::LoggedIn) = app.sessions.get(&id) else {
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

/// Redirects to the login page, and keeps the pending login in a session of this browser.
async fn begin(State(app): State<Arc<App>>, jar: CookieJar) -> Response {
    if let Some(Session::LoggedIn) = app.sessions.get(&app.cookie.id(&jar)) {
        return Redirect::to("/").into_response();
    }
    let begin = || -> Result<_, Box<dyn StdError>> {
        let (id, pending) = (random_id()?, app.login.begin()?);
        let url = pending.authorize_url().to_string();
        let session = Session::Pending(pending.into_secret()?);
        app.sessions.insert(&id, session, LOGIN_TIME);
        Ok((app.cookie.set(jar, id), Redirect::to(&url)))
    };
    begin().map_or_else(|error| failed(&error), IntoResponse::into_response)
}

/// The redirect URI, to which the login page sends the browser back.
async fn finish(
    State(app): State<Arc<App>>,
    jar: CookieJar,
    RawQuery(query): RawQuery,
) -> Response {
    let before = app.cookie.id(&jar);
    // It is taken out of the session, so that a callback counts only once.
    let is_pending = |session: &Session| matches!(session, Session::Pending(_));
    let Some(Session::Pending(pending)) = app.sessions.take_if(&before, is_pending) else {
        return not_started();
    };
    // Another person may know the former id.
    let Ok(id) = random_id() else {
        return failed("the machine gives no random bytes");
    };
    let finished = async {
        let pending = PendingLogin::from_secret(&app.login, &pending)?;
        let callback = query.unwrap_or_default();
        app.login.finish(pending, &callback, &id).await
    };
    match finished.await.as_ref().map_err(Error::kind) {
        Ok(_) => {
            app.sessions.insert(&id, Session::LoggedIn, SESSION_TIME);
            (app.cookie.set(jar, id), Redirect::to("/")).into_response()
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
            let session = Session::Pending(pending);
            app.sessions.insert(&before, session, LOGIN_TIME);
            not_started()
        }
        Err(error) => failed(error),
    }
}

/// Ends the session and the login, and redirects to the page that ends the session at Genesys Cloud.
async fn log_out(State(app): State<Arc<App>>, jar: CookieJar, headers: HeaderMap) -> Response {
    if !is_own_page(&headers, &app.base) {
        return Page::new("Not logged out", "Another site sent this request.")
            .link("Back to the start", "/")
            .response(StatusCode::FORBIDDEN);
    }
    app.end(&app.cookie.id(&jar)).await;
    let url = app.login.logout_url(Some(app.base.as_str()));
    (app.cookie.remove(jar), Redirect::to(url.as_str())).into_response()
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
        if let Some(Session::LoggedIn) = self.sessions.take_if(id, |_| true) {
            self.revoke(id).await;
        }
    }

    async fn revoke(&self, id: &str) {
        let revoked = async {
            match self.login.saved(id).await? {
                Some(tokens) => tokens.revoke().await,
                None => Ok(()),
            }
        };
        if let Err(error) = revoked.await {
            report(&format_args!("a login could not be ended: {error}"));
        }
    }
}

async fn end_old_sessions(app: Arc<App>) {
    let mut minutes = tokio::time::interval(Duration::from_secs(60));
    loop {
        minutes.tick().await;
        for (id, session) in app.sessions.take_ended() {
            if let Session::LoggedIn = session {
                app.revoke(&id).await;
            }
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

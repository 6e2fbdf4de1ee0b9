//! The login host's pages: `/oauth/authorize` and `/logout`.

use std::sync::Arc;

use axum::{
    Router,
    extract::{RawQuery, State},
    response::Response,
    routing::get,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{
    authorization_request::{AuthorizationError, AuthorizationRequest},
    browser_sessions::{BrowserSession, BrowserSessions, find_cookie},
    page::Page,
    redirect::{is_registered, redirect_to},
};
use crate::sandbox::{
    http::{error_response::OAuthErrorResponse, form::Form, params::query_parameter},
    org::{Org, tokens::Approval, users::SandboxUser},
};

#[derive(Clone)]
struct Pages {
    org: Arc<Org>,
    sessions: Arc<BrowserSessions>,
}

pub(super) fn authorize_routes(org: Arc<Org>, sessions: Arc<BrowserSessions>) -> Router {
    Router::new()
        .route("/oauth/authorize", get(show_page).post(submit_form))
        .route("/logout", get(log_out))
        .with_state(Pages { org, sessions })
}

async fn show_page(
    State(pages): State<Pages>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, AuthorizationError> {
    let query = query.unwrap_or_default();
    let request = AuthorizationRequest::parse(&pages.org, &query)?;
    if let Some(error) = pages.sessions.take_next_error() {
        let error = OAuthErrorResponse::new(error, "the test asked for this error");
        return Err(AuthorizationError::SentBack(request.redirect, error));
    }
    let mut visit = Visit::new(&pages, &query, &headers, request);
    let failed_email = pages.sessions.take_failed_email(&visit.cookie);
    let notice = failed_email.as_ref().map(|_| WRONG_PASSWORD);
    visit.request.email = failed_email.or(visit.request.email);
    Ok(visit.page(StatusCode::OK, notice))
}

async fn submit_form(
    State(pages): State<Pages>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, AuthorizationError> {
    let query = query.unwrap_or_default();
    let request = AuthorizationRequest::parse(&pages.org, &query)?;
    let visit = Visit::new(&pages, &query, &headers, request);
    let form = Form::from_body(&headers, &body).ok();
    let form = form.filter(|form| form.get("form_key") == Some(&visit.session.form_key));
    let Some(form) = form else {
        return Ok(visit.page(StatusCode::FORBIDDEN, Some(OUT_OF_DATE)));
    };
    Ok(match form.get("decision") {
        Some(decision) => visit.decide(&form, decision == "allow"),
        None => visit.log_in(&form),
    })
}

/// One request of a browser for an authorization.
struct Visit<'a> {
    pages: &'a Pages,
    query: &'a str,
    request: AuthorizationRequest,
    session: BrowserSession,
    cookie: String,
    /// Whether the browser does not have the cookie yet.
    is_new: bool,
}

impl<'a> Visit<'a> {
    fn new(
        pages: &'a Pages,
        query: &'a str,
        headers: &HeaderMap,
        request: AuthorizationRequest,
    ) -> Self {
        let known = find_cookie(headers, &pages.cookie_name())
            .and_then(|id| Some((id.to_owned(), pages.sessions.get(id)?)));
        let is_new = known.is_none();
        let (cookie, session) = known.unwrap_or_else(|| pages.sessions.start());
        Self {
            pages,
            query,
            request,
            session,
            cookie,
            is_new,
        }
    }

    /// Returns the user who is logged in, unless the client wants a login.
    fn user(&self) -> Option<&'a SandboxUser> {
        let user = self.session.user.filter(|_| !self.request.prompt_login)?;
        self.pages.org.users.get(user)
    }

    /// Both outcomes redirect to a page, so that the browser's back button works.
    fn log_in(self, form: &Form) -> Response {
        let Pages { org, sessions } = self.pages;
        let email = form.get("email").unwrap_or_default().trim();
        let password = form.get("password");
        let user = org.users.iter().position(|user| {
            user.email.eq_ignore_ascii_case(email) && password == Some(&user.password)
        });
        let Some(cookie) = user.and_then(|user| sessions.log_in(&self.cookie, user)) else {
            sessions.set_failed_email(&self.cookie, email);
            return redirect_to(StatusCode::SEE_OTHER, &format!("authorize?{}", self.query));
        };
        let next = format!("authorize?{}", self.query_without_prompt().join("&"));
        let response = redirect_to(StatusCode::SEE_OTHER, &next);
        self.pages.with_cookie(response, &cookie)
    }

    fn decide(self, form: &Form, is_allowed: bool) -> Response {
        let Some(user) = self.user() else {
            return self.page(StatusCode::FORBIDDEN, Some(OUT_OF_DATE));
        };
        // Another user may have logged in in another tab.
        if form.get("user") != Some(&user.id) {
            return self.page(StatusCode::FORBIDDEN, Some(ANOTHER_USER));
        }
        let redirect = self.request.redirect;
        let target = if is_allowed {
            let approval = Approval {
                client: self.request.client.id,
                user: self.session.user.unwrap_or_default(),
                redirect_uri: redirect.uri.clone(),
                challenge: self.request.challenge,
            };
            let org = &self.pages.org;
            let code = org.with_tokens(|tokens, now| tokens.issue_code(approval, now));
            redirect.with(&[("code", &code)])
        } else {
            let description = "the user has denied access";
            redirect.with(&[
                ("error", "access_denied"),
                ("error_description", description),
            ])
        };
        redirect_to(StatusCode::SEE_OTHER, &target)
    }

    /// Returns the page that this browser needs next.
    fn page(self, status: StatusCode, notice: Option<&str>) -> Response {
        let page = match self.user() {
            Some(user) => self.consent_page(user, notice),
            None => self.log_in_page(notice),
        };
        let response = page.response(status);
        if self.is_new {
            self.pages.with_cookie(response, &self.cookie)
        } else {
            response
        }
    }

    fn log_in_page(&self, notice: Option<&str>) -> Page {
        Page::new("Log in")
            .paragraph(&format!("to continue to {}", self.request.client.name()))
            .notice(notice)
            .facts(&self.facts())
            .log_in_form(&self.session.form_key, self.request.email.as_deref())
    }

    fn consent_page(&self, user: &SandboxUser, notice: Option<&str>) -> Page {
        let query = [self.query_without_prompt(), vec!["prompt=login"]].concat();
        let name = self.request.client.name();
        Page::new(&format!("Allow {name}?"))
            .paragraph(&format!(
                "{name} asks to use Genesys Cloud as {}.",
                user.name
            ))
            .notice(notice)
            .other_user(&user.email, &format!("?{}", query.join("&")))
            .facts(&self.facts())
            .consent_form(&self.session.form_key, &user.id)
    }

    fn query_without_prompt(&self) -> Vec<&'a str> {
        let pairs = self.query.split('&');
        pairs.filter(|pair| !pair.starts_with("prompt=")).collect()
    }

    /// Returns what the pages show of the request.
    fn facts(&self) -> Vec<(&'static str, &str)> {
        let request = &self.request;
        let facts = [
            ("Organisation", request.org.as_deref()),
            ("Login by", request.provider.as_deref()),
            ("Target organisation", request.target.as_deref()),
            ("Returns to", Some(origin(&request.redirect.uri))),
        ];
        let facts = facts.into_iter();
        facts
            .filter_map(|(name, fact)| Some((name, fact?)))
            .collect()
    }
}

/// Ends the browser's login. What was issued stays.
async fn log_out(
    State(pages): State<Pages>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let name = pages.cookie_name();
    if let Some(id) = find_cookie(&headers, &name) {
        pages.sessions.end(id);
    }
    let query = query.as_deref();
    let id = query_parameter(query, "client_id").unwrap_or_default();
    let client = pages
        .org
        .with_clients(|clients, _| clients.get(&id).cloned());
    let registered = client.map(|client| client.redirect_uris());
    let registered = registered.unwrap_or_default();
    let uri = query_parameter(query, "redirect_uri").filter(|uri| is_registered(uri, &registered));
    let mut response = match uri {
        Some(uri) => redirect_to(StatusCode::FOUND, &uri),
        None => Page::new("Logged out")
            .paragraph("You are logged out.")
            .response(StatusCode::OK),
    };
    let removed = format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    set_cookie(&mut response, &removed);
    response
}

impl Pages {
    /// Each sandbox has its own cookie, because cookies do not distinguish ports.
    fn cookie_name(&self) -> String {
        format!("sandbox-{}", self.org.id)
    }

    fn with_cookie(&self, mut response: Response, id: &str) -> Response {
        let name = self.cookie_name();
        let cookie = format!("{name}={id}; Path=/; HttpOnly; SameSite=Lax");
        set_cookie(&mut response, &cookie);
        response
    }
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Returns a URI up to its path.
fn origin(uri: &str) -> &str {
    let start = uri.find("://").map_or(0, |at| at + 3);
    let end = uri.get(start..).and_then(|rest| rest.find(['/', '?']));
    end.and_then(|end| uri.get(..start + end)).unwrap_or(uri)
}

const OUT_OF_DATE: &str = "This page was out of date. Please try again.";
const WRONG_PASSWORD: &str = "The email address or the password is wrong.";
const ANOTHER_USER: &str = "Another user has logged in meanwhile. Please look again.";

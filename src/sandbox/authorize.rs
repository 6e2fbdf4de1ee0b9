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
    Approval, Authorization, Browser, CLIENT_NAME, Form, NotAsked, OAuthRefusal, Org, Page, User,
    cookie, is_registered, parameter, redirect_to,
};

pub(super) fn authorize_routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/oauth/authorize", get(ask).post(answered))
        .route("/logout", get(log_out))
}

/// Asks the user: who it is, and then whether the client may.
async fn ask(
    State(org): State<Arc<Org>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, NotAsked> {
    let query = query.unwrap_or_default();
    let asked = Authorization::read(&org, &query)?;
    if let Some(error) = org.browsers.next_refusal() {
        let refusal = OAuthRefusal::new(error, "as the test has asked for");
        return Err(NotAsked::Refused(asked.redirect, refusal));
    }
    let mut visit = Visit::new(&org, &query, &headers, asked);
    let refused = org.browsers.take_refused(&visit.cookie.0);
    let notice = refused.as_ref().map(|_| WRONG_PASSWORD);
    visit.asked.email = refused.or(visit.asked.email);
    Ok(visit.page(StatusCode::OK, notice))
}

/// Takes what the user filled in.
async fn answered(
    State(org): State<Arc<Org>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, NotAsked> {
    let query = query.unwrap_or_default();
    let asked = Authorization::read(&org, &query)?;
    let visit = Visit::new(&org, &query, &headers, asked);
    let form = Form::read(&headers, &body).ok();
    let form = form.filter(|form| form.get("form_key") == Some(&visit.browser.form_key));
    let Some(form) = form else {
        return Ok(visit.page(StatusCode::FORBIDDEN, Some(OUT_OF_DATE)));
    };
    Ok(match form.get("decision") {
        Some(decision) => visit.decided(&form, decision == "allow"),
        None => visit.logged_in(&form),
    })
}

/// One request of a browser for an authorization.
struct Visit<'a> {
    org: &'a Org,
    query: &'a str,
    asked: Authorization,
    browser: Browser,
    /// What the browser's cookie says, and whether it has to be told.
    cookie: (String, bool),
}

impl<'a> Visit<'a> {
    fn new(org: &'a Org, query: &'a str, headers: &HeaderMap, asked: Authorization) -> Self {
        let known = cookie(headers, &cookie_name(org))
            .and_then(|id| Some((id.to_owned(), org.browsers.get(id)?)));
        let is_new = known.is_none();
        let (id, browser) = known.unwrap_or_else(|| org.browsers.open());
        Self {
            org,
            query,
            asked,
            browser,
            cookie: (id, is_new),
        }
    }

    /// Who is logged in, unless the client does not want to know.
    fn user(&self) -> Option<&'a User> {
        let user = self.browser.user.filter(|_| !self.asked.prompt_login)?;
        self.org.users.get(user)
    }

    fn logged_in(self, form: &Form) -> Response {
        let email = form.get("email").unwrap_or_default().trim();
        let password = form.get("password");
        let user = self.org.users.iter().position(|user| {
            user.email.eq_ignore_ascii_case(email) && password == Some(&user.password)
        });
        // Either way to a page of its own, which a browser can come back to.
        let Some(id) = user.and_then(|user| self.org.browsers.log_in(&self.cookie.0, user)) else {
            self.org.browsers.refuse(&self.cookie.0, email);
            return redirect_to(StatusCode::SEE_OTHER, &format!("authorize?{}", self.query));
        };
        let next = format!("authorize?{}", self.without_prompt().join("&"));
        with_cookie(redirect_to(StatusCode::SEE_OTHER, &next), self.org, &id)
    }

    fn decided(self, form: &Form, allowed: bool) -> Response {
        let Some(user) = self.user() else {
            return self.page(StatusCode::FORBIDDEN, Some(OUT_OF_DATE));
        };
        // In another tab somebody else may have logged in since.
        if form.get("user") != Some(&user.id) {
            return self.page(StatusCode::FORBIDDEN, Some(ANOTHER_USER));
        }
        let redirect = self.asked.redirect;
        let target = if allowed {
            let code = self.org.issue_code(Approval {
                user: self.browser.user.unwrap_or_default(),
                redirect_uri: redirect.uri.clone(),
                challenge: self.asked.challenge,
            });
            redirect.with(&[("code", &code)])
        } else {
            let words = "the user has denied access";
            redirect.with(&[("error", "access_denied"), ("error_description", words)])
        };
        redirect_to(StatusCode::SEE_OTHER, &target)
    }

    /// The page that is next for this browser.
    fn page(self, status: StatusCode, notice: Option<&str>) -> Response {
        match self.user() {
            Some(user) => self.consent_page(user, status, notice),
            None => self.log_in_page(status, notice),
        }
    }

    fn log_in_page(self, status: StatusCode, notice: Option<&str>) -> Response {
        let page = Page::new("Log in")
            .sentence(&format!("to continue to {CLIENT_NAME}"))
            .notice(notice)
            .facts(&self.facts())
            .log_in_form(&self.browser.form_key, self.asked.email.as_deref());
        self.show(page, status)
    }

    fn consent_page(self, user: &User, status: StatusCode, notice: Option<&str>) -> Response {
        let other = [self.without_prompt(), vec!["prompt=login"]].concat();
        let page = Page::new(&format!("Allow {CLIENT_NAME}?"))
            .sentence(&format!(
                "{CLIENT_NAME} asks to use Genesys Cloud as {}.",
                user.name
            ))
            .notice(notice)
            .other_user(&user.email, &format!("?{}", other.join("&")))
            .facts(&self.facts())
            .consent_form(&self.browser.form_key, &user.id);
        self.show(page, status)
    }

    /// The query for when `prompt` has been answered.
    fn without_prompt(&self) -> Vec<&'a str> {
        let pairs = self.query.split('&');
        pairs.filter(|pair| !pair.starts_with("prompt=")).collect()
    }

    /// What the client has asked for.
    fn facts(&self) -> Vec<(&'static str, &str)> {
        let asked = &self.asked;
        let facts = [
            ("Organisation", asked.org.as_deref()),
            ("Login by", asked.provider.as_deref()),
            ("Target organisation", asked.target.as_deref()),
            ("Returns to", Some(origin(&asked.redirect.uri))),
        ];
        let given = facts.into_iter();
        given
            .filter_map(|(name, fact)| Some((name, fact?)))
            .collect()
    }

    fn show(&self, page: Page, status: StatusCode) -> Response {
        let response = page.response(status);
        match &self.cookie {
            (id, true) => with_cookie(response, self.org, id),
            _ => response,
        }
    }
}

/// Ends the browser's login, and nothing that was issued.
async fn log_out(
    State(org): State<Arc<Org>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let name = cookie_name(&org);
    if let Some(id) = cookie(&headers, &name) {
        org.browsers.close(id);
    }
    let query = query.as_deref();
    let is_client = parameter(query, "client_id").as_ref() == Some(&org.settings.client_id);
    let uri = parameter(query, "redirect_uri")
        .filter(|uri| is_client && is_registered(uri, &org.settings.redirect_uris));
    let mut response = match uri {
        Some(uri) => redirect_to(StatusCode::FOUND, &uri),
        None => Page::new("Logged out")
            .sentence("You are logged out.")
            .response(StatusCode::OK),
    };
    let gone = format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    set_cookie(&mut response, &gone);
    response
}

fn with_cookie(mut response: Response, org: &Org, id: &str) -> Response {
    let cookie = format!("{}={id}; Path=/; HttpOnly; SameSite=Lax", cookie_name(org));
    set_cookie(&mut response, &cookie);
    response
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// One for each sandbox: cookies know hosts, and no ports.
fn cookie_name(org: &Org) -> String {
    format!("sandbox-{}", org.id)
}

/// A URI up to its path.
fn origin(uri: &str) -> &str {
    let start = uri.find("://").map_or(0, |at| at + 3);
    let end = uri.get(start..).and_then(|rest| rest.find(['/', '?']));
    end.and_then(|end| uri.get(..start + end)).unwrap_or(uri)
}

const OUT_OF_DATE: &str = "This page was out of date. Please try again.";
const WRONG_PASSWORD: &str = "The email address or the password is wrong.";
const ANOTHER_USER: &str = "Somebody else has logged in meanwhile. Please look again.";

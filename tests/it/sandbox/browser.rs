//! A simple browser: it keeps cookies, fills in forms and follows no redirect.

use std::collections::BTreeMap;

use genesys_cloud_auth::sandbox::{Sandbox, SandboxUser};
use secrecy::ExposeSecret as _;
use url::{Url, form_urlencoded};

use super::{FORM_HEADER, Response, send};

#[derive(Clone, Default)]
pub(super) struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Opens a path of the login host.
    pub(super) async fn open(&mut self, sandbox: &Sandbox, path: &str) -> Response {
        self.send(sandbox, "GET", path, "\r\n").await
    }

    /// Submits a form of the page at `path`.
    pub(super) async fn submit(
        &mut self,
        sandbox: &Sandbox,
        path: &str,
        form: &[(&str, &str)],
    ) -> Response {
        let mut body = form_urlencoded::Serializer::new(String::new());
        let body = body.extend_pairs(form).finish();
        let length = body.len();
        let rest = format!("{FORM_HEADER}Content-Length: {length}\r\n\r\n{body}");
        self.send(sandbox, "POST", path, &rest).await
    }

    /// Sends a request with the cookies, and keeps the one of the response.
    async fn send(&mut self, sandbox: &Sandbox, method: &str, path: &str, rest: &str) -> Response {
        let cookies = self.cookie_header();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: login.mypurecloud.ie\r\n{cookies}");
        let response = send(sandbox, head + rest).await;
        self.store_cookie(&response);
        response
    }

    /// Submits the form of a login page.
    pub(super) async fn log_in(
        &mut self,
        sandbox: &Sandbox,
        path: &str,
        page: &Response,
        user: &SandboxUser,
    ) -> Response {
        let password = user.password();
        let form = [
            ("form_key", page.hidden_field("form_key")),
            ("email", user.email()),
            ("password", password.expose_secret()),
        ];
        self.submit(sandbox, path, &form).await
    }

    /// Presses a button of a consent page.
    pub(super) async fn decide(
        &mut self,
        sandbox: &Sandbox,
        path: &str,
        page: &Response,
        decision: &str,
    ) -> Response {
        let form = [
            ("form_key", page.hidden_field("form_key")),
            ("user", page.hidden_field("user")),
            ("decision", decision),
        ];
        self.submit(sandbox, path, &form).await
    }

    /// Logs in and returns the consent page.
    pub(super) async fn consent_page(
        &mut self,
        sandbox: &Sandbox,
        path: &str,
        user: &SandboxUser,
    ) -> Response {
        let page = self.open(sandbox, path).await;
        let response = self.log_in(sandbox, path, &page, user).await;
        assert_eq!(response.status, 303, "{response:?}");
        let page = self.open(sandbox, path).await;
        assert!(page.text().contains(user.email()), "{}", page.text());
        page
    }

    pub(super) fn session_id(&self) -> Option<&str> {
        self.cookies.values().next().map(String::as_str)
    }

    pub(super) fn clear_cookies(&mut self) {
        self.cookies.clear();
    }

    fn cookie_header(&self) -> String {
        let cookies = self.cookies.iter();
        let cookies = cookies.map(|(name, value)| format!("{name}={value}"));
        let cookies: Vec<_> = cookies.collect();
        if cookies.is_empty() {
            return String::new();
        }
        format!("Cookie: other=1; {}\r\n", cookies.join("; "))
    }

    fn store_cookie(&mut self, response: &Response) {
        let Some(cookie) = response.header("set-cookie") else {
            return;
        };
        let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
        if cookie.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

impl Response {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Returns the value of a hidden field.
    #[track_caller]
    pub(super) fn hidden_field(&self, name: &str) -> &str {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.text().split_once(&start).expect("the field");
        rest.split_once('"').unwrap().0
    }

    /// Whether the page asks for a password.
    pub(super) fn is_log_in_page(&self) -> bool {
        self.text().contains("type=\"password\"")
    }

    /// Returns the target of a redirect.
    #[track_caller]
    pub(super) fn location(&self) -> &str {
        self.header("location").expect("a redirect")
    }
}

/// Returns a parameter in the query of `url`.
pub(super) fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(known, _)| known == name);
    found.map(|(_, value)| value.into_owned())
}

//! A browser of few words: it keeps cookies, fills forms and follows nothing.

use std::collections::BTreeMap;

use genesys_cloud_auth::sandbox::{Sandbox, SandboxUser};
use secrecy::ExposeSecret as _;
use url::{Url, form_urlencoded};

use super::{Answer, FORM, ask};

#[derive(Clone, Default)]
pub(super) struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Opens a path of the login host.
    pub(super) async fn open(&mut self, sandbox: &Sandbox, path: &str) -> Answer {
        let head = format!("GET /login{path} HTTP/1.1\r\nHost: x\r\n{}", self.cookie());
        let answer = ask(sandbox, format!("{head}\r\n")).await;
        self.keep(&answer);
        answer
    }

    /// Sends the form of the page at `path`.
    pub(super) async fn send(
        &mut self,
        sandbox: &Sandbox,
        path: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let head = format!(
            "POST /login{path} HTTP/1.1\r\nHost: x\r\n{}{FORM}",
            self.cookie()
        );
        let length = body.len();
        let request = format!("{head}Content-Length: {length}\r\n\r\n{body}");
        let answer = ask(sandbox, request).await;
        self.keep(&answer);
        answer
    }

    /// Fills in the login page that `page` is.
    pub(super) async fn log_in(
        &mut self,
        sandbox: &Sandbox,
        path: &str,
        page: &Answer,
        user: &SandboxUser,
    ) -> Answer {
        let password = user.password();
        let form = [
            ("form_key", page.hidden("form_key")),
            ("email", user.email()),
            ("password", password.expose_secret()),
        ];
        self.send(sandbox, path, &form).await
    }

    /// Presses a button of the consent page that `page` is.
    pub(super) async fn decide(
        &mut self,
        sandbox: &Sandbox,
        path: &str,
        page: &Answer,
        decision: &str,
    ) -> Answer {
        let form = [
            ("form_key", page.hidden("form_key")),
            ("user", page.hidden("user")),
            ("decision", decision),
        ];
        self.send(sandbox, path, &form).await
    }

    /// From the login page to the consent page.
    pub(super) async fn consent_page(
        &mut self,
        sandbox: &Sandbox,
        path: &str,
        user: &SandboxUser,
    ) -> Answer {
        let page = self.open(sandbox, path).await;
        let answer = self.log_in(sandbox, path, &page, user).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let page = self.open(sandbox, path).await;
        assert!(page.text().contains(user.email()), "{}", page.text());
        page
    }

    pub(super) fn session(&self) -> Option<&str> {
        self.cookies.values().next().map(String::as_str)
    }

    pub(super) fn forget(&mut self) {
        self.cookies.clear();
    }

    fn cookie(&self) -> String {
        let cookies = self.cookies.iter();
        let cookies: Vec<_> = cookies
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if cookies.is_empty() {
            return String::new();
        }
        format!("Cookie: other=1; {}\r\n", cookies.join("; "))
    }

    fn keep(&mut self, answer: &Answer) {
        let Some(cookie) = answer.header("set-cookie") else {
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

impl Answer {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The value of a hidden field.
    #[track_caller]
    pub(super) fn hidden(&self, name: &str) -> &str {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.text().split_once(&start).expect("the field");
        rest.split_once('"').unwrap().0
    }

    /// Whether the page asks for a password.
    pub(super) fn is_log_in_page(&self) -> bool {
        self.text().contains("type=\"password\"")
    }

    /// Where the browser is sent.
    #[track_caller]
    pub(super) fn location(&self) -> &str {
        self.header("location").expect("a redirect")
    }
}

/// A parameter in the query of `url`.
pub(super) fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(given, _)| given == name);
    found.map(|(_, value)| value.into_owned())
}

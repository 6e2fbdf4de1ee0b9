//! Pages in plain HTML, without scripts.
#![allow(
    clippy::duplicate_mod,
    dead_code,
    reason = "two examples share it, and neither uses all of it"
)]

use std::{
    fmt::{Display, Write},
    io::{self, Write as _},
};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

/// A page with a title and a sentence. All text is escaped.
pub(crate) struct Page {
    banner: String,
    title: String,
    body: String,
}

impl Page {
    pub(crate) fn new(title: &str, sentence: &str) -> Self {
        let (title, sentence) = (escaped(title), escaped(sentence));
        let body = format!("<h1>{title}</h1><p>{sentence}</p>");
        let banner = String::new();
        Self {
            banner,
            title,
            body,
        }
    }

    /// Says above the page that it is not a real one.
    pub(crate) fn banner(mut self, text: &str) -> Self {
        self.banner = format!("<header>{}</header>", escaped(text));
        self
    }

    pub(crate) fn facts(mut self, facts: &[(&str, &str)]) -> Self {
        self.body += "<dl>";
        for (name, fact) in facts {
            let (name, fact) = (escaped(name), escaped(fact));
            let _ = write!(self.body, "<dt>{name}</dt><dd>{fact}</dd>");
        }
        self.body += "</dl>";
        self
    }

    pub(crate) fn link(mut self, text: &str, to: &str) -> Self {
        let (text, to) = (escaped(text), escaped(to));
        let _ = write!(self.body, "<a class=\"button\" href=\"{to}\">{text}</a>");
        self
    }

    /// A button for a request that changes something, which a link must not do.
    pub(crate) fn button(self, text: &str, to: &str) -> Self {
        self.form(text, to, &[])
    }

    /// A button that posts these fields.
    pub(crate) fn form(mut self, text: &str, to: &str, fields: &[(&str, &str)]) -> Self {
        let (text, to) = (escaped(text), escaped(to));
        let _ = write!(self.body, "<form method=\"post\" action=\"{to}\">");
        for (name, value) in fields {
            let (name, value) = (escaped(name), escaped(value));
            let _ = write!(
                self.body,
                "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"
            );
        }
        let _ = write!(self.body, "<button>{text}</button></form>");
        self
    }

    pub(crate) fn response(self, status: StatusCode) -> Response {
        let Self {
            banner,
            title,
            body,
        } = self;
        let page = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <link rel=\"icon\" href=\"data:,\"><title>{title}</title><style>{STYLE}</style></head>\
             <body>{banner}<main>{body}</main></body></html>\n"
        );
        (status, Html(page)).into_response()
    }
}

/// Headers of every response. There is no `form-action`: browsers apply it to the redirects after a
/// form, and the logout redirects to the login host.
const HEADERS: [(header::HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
         frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// Adds [`HEADERS`] to a response.
pub(crate) async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

/// Reports an error that the user cannot resolve to the operator of the application.
pub(crate) fn failed(error: &(impl Display + ?Sized)) -> Response {
    report(error);
    Page::new("This did not succeed", "Please try again in a minute.")
        .link("Back to the start", "/")
        .response(StatusCode::BAD_GATEWAY)
}

/// Prints an error, unless nobody reads it.
pub(crate) fn report(error: &(impl Display + ?Sized)) {
    let _ = writeln!(io::stderr(), "{error}");
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            other => escaped.push(other),
        }
    }
    escaped
}

const STYLE: &str = "\
:root{color-scheme:light dark;--page:#f3f4f7;--card:#fff;--edge:#dfe2e8;--text:#1c1f26;\
--soft:#535a68;--main:#2a5bd7;--on-main:#fff;--note:#fff3c4;--on-note:#4a3a00}\
@media(prefers-color-scheme:dark){:root{--page:#14161b;--card:#1e2128;--edge:#333844;\
--text:#eef0f4;--soft:#b4bac6;--main:#7ea2ff;--on-main:#0c1220;--note:#3b3310;\
--on-note:#f5e6a8}}\
*{box-sizing:border-box}\
body{margin:0;min-height:100vh;padding-bottom:1.5rem;display:flex;flex-direction:column;\
align-items:center;gap:1.5rem;background:var(--page);color:var(--text);font:1.0625rem/1.5 \
system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",sans-serif}\
header{align-self:stretch;padding:.6rem 1rem;background:var(--note);color:var(--on-note);\
text-align:center;font-size:.875rem}\
main{width:calc(100% - 3rem);max-width:27rem;margin:auto;padding:2.5rem clamp(1.25rem,6vw,2rem);background:var(--card);\
border:1px solid var(--edge);border-radius:1rem;\
box-shadow:0 1px 2px rgb(0 0 0/6%),0 12px 32px rgb(0 0 0/8%)}\
h1{margin:0 0 .5rem;font-size:1.5rem;line-height:1.25;font-weight:650;overflow-wrap:anywhere}\
p{margin:0;color:var(--soft)}\
dl{display:grid;grid-template-columns:auto 1fr;gap:.35rem 1rem;margin:1.5rem 0 0}\
dt{color:var(--soft)}\
dd{margin:0;overflow-wrap:anywhere}\
.button,button{display:block;width:100%;margin-top:1.75rem;padding:.7rem 1rem;font:inherit;\
font-weight:600;text-align:center;text-decoration:none;color:inherit;background:none;\
border:1px solid var(--soft);border-radius:.5rem;cursor:pointer}\
.button{color:var(--on-main);background:var(--main);border-color:var(--main)}\
form+form button{margin-top:.75rem}\
:focus-visible{outline:3px solid var(--main);outline-offset:3px}";

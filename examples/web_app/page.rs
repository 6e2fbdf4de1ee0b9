//! Pages in plain HTML, without scripts.

use std::fmt::Write;

use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};

/// A page with a title and a sentence. All text is escaped.
pub(crate) struct Page {
    title: String,
    body: String,
}

impl Page {
    pub(crate) fn new(title: &str, sentence: &str) -> Self {
        let (title, sentence) = (escaped(title), escaped(sentence));
        let body = format!("<h1>{title}</h1><p>{sentence}</p>");
        Self { title, body }
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
    pub(crate) fn button(mut self, text: &str, to: &str) -> Self {
        let (text, to) = (escaped(text), escaped(to));
        let _ = write!(
            self.body,
            "<form method=\"post\" action=\"{to}\"><button>{text}</button></form>"
        );
        self
    }

    pub(crate) fn response(self, status: StatusCode) -> Response {
        let Self { title, body } = self;
        let page = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <link rel=\"icon\" href=\"data:,\"><title>{title}</title><style>{STYLE}</style></head>\
             <body><main>{body}</main></body></html>\n"
        );
        (status, Html(page)).into_response()
    }
}

/// Headers of every response. There is no `form-action`: browsers apply it to the redirects after a
/// form, and the logout redirects to the login host.
pub(crate) const HEADERS: [(header::HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
         frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

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
--soft:#535a68;--main:#2a5bd7;--on-main:#fff}\
@media(prefers-color-scheme:dark){:root{--page:#14161b;--card:#1e2128;--edge:#333844;\
--text:#eef0f4;--soft:#b4bac6;--main:#7ea2ff;--on-main:#0c1220}}\
*{box-sizing:border-box}\
body{margin:0;min-height:100vh;padding:1.5rem;display:flex;align-items:center;\
justify-content:center;background:var(--page);color:var(--text);font:1.0625rem/1.5 \
system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",sans-serif}\
main{width:100%;max-width:27rem;padding:2.5rem 2rem;background:var(--card);\
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
:focus-visible{outline:3px solid var(--main);outline-offset:3px}";

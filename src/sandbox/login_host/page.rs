//! The HTML of the login pages.

use std::fmt::Write as _;

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

/// A page. It escapes every text that it contains.
pub(super) struct Page {
    title: String,
    body: String,
}

impl Page {
    pub(super) fn new(title: &str) -> Self {
        let title = escaped(title);
        Self {
            body: format!("<h1>{title}</h1>"),
            title,
        }
    }

    pub(super) fn paragraph(self, text: &str) -> Self {
        self.add(format_args!("<p>{}</p>", escaped(text)))
    }

    pub(super) fn small(self, text: &str) -> Self {
        self.add(format_args!("<p class=\"small\">{}</p>", escaped(text)))
    }

    /// Adds what went wrong before.
    pub(super) fn notice(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.add(format_args!(
                "<p class=\"notice\" role=\"alert\">{}</p>",
                escaped(text)
            )),
            None => self,
        }
    }

    pub(super) fn facts(self, facts: &[(&str, &str)]) -> Self {
        let mut list = String::new();
        for (name, fact) in facts {
            list += &["<dt>", &escaped(name), "</dt><dd>", &escaped(fact), "</dd>"].concat();
        }
        self.add(format_args!("<dl>{list}</dl>"))
    }

    /// Adds a form without `action`: it is posted to the page's own address, with its query.
    pub(super) fn log_in_form(self, form_key: &str, email: Option<&str>) -> Self {
        let (focus_email, focus_password) = match email {
            Some(_) => ("", " autofocus"),
            None => (" autofocus", ""),
        };
        self.add(format_args!(
            "<form method=\"post\">{}\
             <label for=\"email\">Email address</label>\
             <input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"username\" \
             value=\"{}\" required{focus_email}>\
             <label for=\"password\">Password</label>\
             <input id=\"password\" name=\"password\" type=\"password\" \
             autocomplete=\"current-password\" required{focus_password}>\
             <div class=\"buttons\"><button class=\"main\">Log in</button></div></form>",
            hidden("form_key", form_key),
            escaped(email.unwrap_or_default()),
        ))
    }

    pub(super) fn consent_form(self, form_key: &str, user: &str) -> Self {
        self.add(format_args!(
            "<form method=\"post\">{}{}<div class=\"buttons\">\
             <button name=\"decision\" value=\"deny\">Deny</button>\
             <button class=\"main\" name=\"decision\" value=\"allow\">Allow</button></div></form>",
            hidden("form_key", form_key),
            hidden("user", user),
        ))
    }

    pub(super) fn other_user(self, email: &str, link: &str) -> Self {
        self.add(format_args!(
            "<p class=\"small\">Logged in as {}. <a href=\"{}\">Log in as another user</a></p>",
            escaped(email),
            escaped(link),
        ))
    }

    pub(super) fn response(self, status: StatusCode) -> Response {
        let Self { title, body } = self;
        let page = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>{title} · Sandbox</title><style>{STYLE}</style></head><body>\
             <header><strong>Sandbox</strong> This is a test server on your machine, not Genesys \
             Cloud. Enter no password of a real account.</header>\
             <main>{body}</main></body></html>\n"
        );
        (status, HEADERS, page).into_response()
    }

    fn add(mut self, html: std::fmt::Arguments<'_>) -> Self {
        self.body
            .write_fmt(html)
            .expect("writing to a string never fails");
        self
    }
}

fn hidden(name: &str, value: &str) -> String {
    format!(
        "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
        escaped(value)
    )
}

/// Escapes a text, or a value in double quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            // These change the direction of text.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                escaped.push('\u{fffd}');
            }
            other if other.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// There is no `form-action`, because browsers apply it to the redirect after a form, too.
const HEADERS: [(header::HeaderName, &str); 5] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    ),
    // Not `no-referrer`, with which browsers send forms with the origin `null`.
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

const STYLE: &str = "\
:root{color-scheme:light dark;--back:#eef1f5;--card:#fff;--text:#1c2430;--dim:#5b6675;\
--line:#c6cdd8;--main:#2a5bd7;--on-main:#fff;--warn:#a3261b;--warn-back:#fdecea;--note:#fff3c4;\
--on-note:#4a3a00}\
@media(prefers-color-scheme:dark){:root{--back:#12161d;--card:#1c222c;--text:#e6eaf0;--dim:#9aa5b4;\
--line:#3a4453;--main:#7ea2ff;--on-main:#0c1220;--warn:#ffb4a9;--warn-back:#41201d;--note:#3b3310;\
--on-note:#f5e6a8}}\
*{box-sizing:border-box}\
body{margin:0;min-height:100vh;background:var(--back);color:var(--text);\
font:16px/1.5 system-ui,sans-serif}\
header{background:var(--note);color:var(--on-note);padding:.6rem 1rem;text-align:center;\
font-size:.875rem}\
header strong{margin-right:.5rem;text-transform:uppercase;letter-spacing:.06em}\
main{width:calc(100% - 2rem);max-width:25rem;margin:10vh auto 2rem;padding:2rem;background:var(--card);\
border:1px solid var(--line);border-radius:.75rem}\
h1{margin:0;font-size:1.5rem;line-height:1.25;overflow-wrap:anywhere}\
p{margin:.5rem 0 0;overflow-wrap:anywhere}\
.small,dl{color:var(--dim);font-size:.875rem}\
.notice{margin-top:1rem;padding:.6rem .8rem;border-radius:.5rem;background:var(--warn-back);\
color:var(--warn)}\
dl{display:grid;grid-template-columns:auto 1fr;gap:.2rem .8rem;margin:1rem 0 0}\
dd{margin:0;overflow-wrap:anywhere;color:var(--text)}\
label{display:block;margin:1rem 0 .25rem;font-size:.875rem;font-weight:600}\
input{width:100%;padding:.6rem .7rem;font:inherit;color:inherit;background:var(--back);\
border:1px solid var(--line);border-radius:.5rem}\
.buttons{display:flex;gap:.75rem;justify-content:flex-end;margin-top:1.5rem}\
button{padding:.6rem 1.2rem;font:inherit;font-weight:600;color:inherit;background:none;\
border:1px solid var(--line);border-radius:.5rem;cursor:pointer}\
button.main{color:var(--on-main);background:var(--main);border-color:var(--main)}\
:focus-visible{outline:3px solid var(--main);outline-offset:2px}\
a{color:var(--main)}";

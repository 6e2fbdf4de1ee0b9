//! What the browser shows. Nothing of a request is in it.

use super::Reason;

/// How a login ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Page {
    Success,
    Denied,
    Failed,
}

impl Page {
    fn status(self) -> &'static str {
        match self {
            Self::Success => "200 OK",
            Self::Denied => "403 Forbidden",
            Self::Failed => "500 Internal Server Error",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Success => "You are logged in",
            Self::Denied => "The login was denied",
            Self::Failed => "The login failed",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Success => "You can close this tab and go back to the program.",
            Self::Denied => {
                "You can close this tab; to log in after all, start again in the program."
            }
            Self::Failed => "You can close this tab; the program says what went wrong.",
        }
    }

    fn html(self) -> String {
        let (title, sentence) = (self.title(), self.sentence());
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head><body><h1>{title}</h1><p>{sentence}</p></body></html>\n"
        )
    }
}

/// The whole answer that shows `page`.
pub(super) fn answer(page: Page) -> String {
    whole(page.status(), "", "text/html", &page.html())
}

/// The whole answer to a request that is not the right one; none where nobody waits for one.
pub(super) fn turned_away_answer(reason: Reason) -> Option<String> {
    if matches!(
        reason,
        Reason::TooSlow | Reason::Incomplete | Reason::Crowded
    ) {
        return None;
    }
    let (status, sentence) = reason.answer();
    let allow = if reason == Reason::Method {
        "Allow: GET\r\n"
    } else {
        ""
    };
    Some(whole(status, allow, "text/plain", sentence))
}

fn whole(status: &str, more: &str, media_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{HEADERS}{more}\
         Content-Type: {media_type}; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len(),
    )
}

const HEADERS: &str = "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'none'\r\n\
    X-Content-Type-Options: nosniff\r\n\
    Cache-Control: no-store\r\n\
    Referrer-Policy: no-referrer\r\n\
    Connection: close\r\n";

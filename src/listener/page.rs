//! The pages that the browser shows. They contain nothing from a request.

use super::rejection::Rejection;

/// The outcome of a login, or what keeps the browser from finishing it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Page {
    Success,
    Denied,
    Failed,
    /// Other programs have set so many cookies that the callback is not read.
    TooLarge,
}

impl Page {
    fn html(self) -> String {
        let (ending, title, sentence, sign) = self.texts();
        include_str!("page.html")
            .replace("{ending}", ending)
            .replace("{title}", title)
            .replace("{sentence}", sentence)
            .replace("{sign}", sign)
    }

    fn status(self) -> &'static str {
        match self {
            Self::Success => "200 OK",
            Self::Denied => "403 Forbidden",
            Self::Failed => "500 Internal Server Error",
            Self::TooLarge => "431 Request Header Fields Too Large",
        }
    }

    /// The name of the colour, the title, what to do next, and the path of the sign.
    fn texts(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Success => (
                "success",
                "You are logged in",
                "You can close this tab and go back to the program.",
                "M15 24.5l6.5 6.5L33.5 18",
            ),
            Self::Denied => (
                "denied",
                "Access was not granted",
                "You can close this tab; to log in, start again in the program.",
                "M15 24h18",
            ),
            Self::Failed => (
                "failed",
                "The login did not succeed",
                "You can close this tab and go back to the program, which says what went wrong.",
                "M17 17l14 14M31 17L17 31",
            ),
            Self::TooLarge => (
                "denied",
                "Too many cookies for localhost",
                "Other programs on this machine have set them, and the browser sends them all; \
                 delete the cookies of localhost in the browser's settings, then reload this page.",
                "M24 13v14M24 34v.5",
            ),
        }
    }
}

/// The response that shows `page`.
pub(super) fn page_response(page: Page) -> String {
    response(page.status(), "", "text/html", &page.html())
}

/// The response to a rejected request; `None` where no client waits for one.
pub(super) fn rejection_response(rejection: Rejection) -> Option<String> {
    if rejection == Rejection::TooLarge {
        return Some(page_response(Page::TooLarge));
    }
    let (status, sentence) = rejection.response()?;
    let allow = if rejection == Rejection::Method {
        "Allow: GET\r\n"
    } else {
        ""
    };
    Some(response(status, allow, "text/plain", sentence))
}

fn response(status: &str, header: &str, media_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{HEADERS}{header}\
         Content-Type: {media_type}; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len(),
    )
}

/// With this policy a browser does not request an icon either.
const HEADERS: &str = "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'none'\r\n\
    X-Content-Type-Options: nosniff\r\n\
    Cache-Control: no-store\r\n\
    Referrer-Policy: no-referrer\r\n\
    Connection: close\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_says_what_to_do_next_and_loads_nothing() {
        let mut shown = Vec::new();
        for page in [Page::Success, Page::Denied, Page::Failed, Page::TooLarge] {
            let response = page_response(page);
            let (head, html) = response.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {}\r\n{HEADERS}", page.status())));
            assert!(head.contains("Content-Type: text/html; charset=utf-8"));
            assert!(head.contains(&format!("Content-Length: {}", html.len())));
            assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));

            let (_, title, sentence, _) = page.texts();
            for part in [
                format!("<title>{title}</title>"),
                format!("<h1>{title}</h1>"),
                format!("<p>{sentence}</p>"),
                "(prefers-color-scheme: dark)".to_owned(),
                "width=device-width".to_owned(),
            ] {
                assert_eq!(html.matches(&part).count(), 1, "{part}");
            }
            assert_eq!(sentence.matches('.').count(), 1, "{sentence}");
            let next = ["You can close this tab", "delete the cookies of localhost"];
            assert!(next.iter().any(|next| sentence.contains(next)));
            // No placeholder of the template is left, and nothing runs or is fetched.
            for part in [
                "{ending}",
                "{title}",
                "{sentence}",
                "{sign}",
                "<script",
                "javascript:",
                "onload",
                "://",
                "src=",
                "href=",
                "url(",
                "@import",
                "<form",
                "<iframe",
                "<meta http-equiv",
            ] {
                assert!(!html.contains(part), "{part}");
            }
            // A responder that is dropped writes without waiting.
            assert!(response.len() < 4_096);
            shown.push(title);
        }
        shown.dedup();
        assert_eq!(shown.len(), 4);
    }

    #[test]
    fn each_rejection_is_one_sentence_in_plain_text() {
        for rejection in Rejection::ALL {
            let Some(response) = rejection_response(rejection) else {
                continue;
            };
            if rejection == Rejection::TooLarge {
                assert!(response.ends_with("</html>\n"), "{response}");
                continue;
            }
            let (head, line) = response.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(HEADERS.trim_end()), "{head}");
            assert!(head.contains("Content-Type: text/plain; charset=utf-8"));
            assert_eq!(
                head.contains("\r\nAllow: GET\r\n"),
                rejection == Rejection::Method
            );
            // A response to HEAD has no body.
            assert_eq!(line.is_empty(), rejection == Rejection::Method);
            let ends = line.is_empty() || line.ends_with('.');
            assert!(line.len() < 100 && ends && !line.contains('\n'), "{line}");
        }
    }
}

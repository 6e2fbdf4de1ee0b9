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
        }
    }

    /// The colour's name, the title, what to do next, and the path that draws the sign.
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
                "You can close this tab; to log in after all, start again in the program.",
                "M15 24h18",
            ),
            Self::Failed => (
                "failed",
                "The login did not succeed",
                "You can close this tab and go back to the program, which says what went wrong.",
                "M17 17l14 14M31 17L17 31",
            ),
        }
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

/// The policy also keeps a browser from asking for an icon.
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
    fn each_page_says_in_a_sentence_what_to_do_next_and_loads_nothing() {
        let mut shown = Vec::new();
        for page in [Page::Success, Page::Denied, Page::Failed] {
            let whole = answer(page);
            let (head, html) = whole.split_once("\r\n\r\n").unwrap();
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
            assert!(sentence.starts_with("You can close this tab"));
            // No mark of the template is left, and nothing that would be run or fetched.
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
            // A dropped connection's last words fit any socket's buffer.
            assert!(whole.len() < 4_096);
            shown.push(title);
        }
        shown.dedup();
        assert_eq!(shown.len(), 3);
    }

    #[test]
    fn who_is_turned_away_reads_one_line() {
        for reason in Reason::ALL {
            let Some(whole) = turned_away_answer(reason) else {
                continue;
            };
            let (head, line) = whole.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(HEADERS.trim_end()), "{head}");
            assert!(head.contains("Content-Type: text/plain; charset=utf-8"));
            assert_eq!(
                head.contains("\r\nAllow: GET\r\n"),
                reason == Reason::Method
            );
            // An answer to HEAD has no body.
            assert_eq!(line.is_empty(), reason == Reason::Method);
            let ends = line.is_empty() || line.ends_with('.');
            assert!(line.len() < 100 && ends && !line.contains('\n'), "{line}");
        }
    }
}

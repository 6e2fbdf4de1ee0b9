//! Opens the user's browser, with a URL that is safe on a command line.

use std::fmt::Write;

use url::Url;

use super::current_runtime;
use crate::error::{Error, LoginError};

/// Opens `url` in the user's browser: `$BROWSER` on Unix other than macOS, else the default one.
pub(super) async fn open_browser(url: &Url) -> Result<(), Error> {
    let url = shell_safe(url);
    let open = current_runtime()?.spawn_blocking(move || webbrowser::open(&url));
    open.await
        .map_err(std::io::Error::other)
        .flatten()
        .map_err(|error| LoginError::browser_failed(error).into())
}

/// Percent-encodes every character of `url` that a shell, a command line or a format string may
/// interpret, such as spaces, quotes, brackets, `$` and a bare `%`. The login page decodes them.
fn shell_safe(url: &Url) -> String {
    let text = url.as_str();
    let mut safe = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        let keep = match byte {
            b'%' => is_hex_pair(text.as_bytes().get(at + 1..at + 3)),
            byte => byte.is_ascii_alphanumeric() || UNESCAPED.contains(&byte),
        };
        if keep {
            safe.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(safe, "%{byte:02X}");
        }
    }
    safe
}

fn is_hex_pair(digits: Option<&[u8]>) -> bool {
    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

const UNESCAPED: &[u8] = b"-._~:/?[]@&=+";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_contains_nothing_that_a_shell_interprets() {
        for (url, expected) in [
            (
                "https://login.mypurecloud.ie/oauth/authorize?login_hint=a+b%22+%26+calc+%24%28x%29",
                "https://login.mypurecloud.ie/oauth/authorize?login_hint=a+b%22+%26+calc+%24%28x%29",
            ),
            ("http://[::1]:9/a", "http://[::1]:9/a"),
            (
                "https://gw.example/a'b$(c);d|e^f,g!h*i{j}?k=%4&l=%zz&m=%",
                "https://gw.example/a%27b%24%28c%29%3Bd%7Ce%5Ef%2Cg%21h%2Ai%7Bj%7D?k=%254&l=%25zz&m=%25",
            ),
        ] {
            assert_eq!(shell_safe(&Url::parse(url).unwrap()), expected);
        }
        for byte in 0..=127_u8 {
            let url = Url::parse(&format!("https://gw.example/?{}", char::from(byte))).unwrap();
            let safe = shell_safe(&url);
            let bad = safe.contains(|c: char| " \"'`$\\|<>^;(){}*!,\n\t".contains(c));
            assert!(!bad, "{safe}");
        }
    }
}

//! The user's browser, and the URL that is safe to hand to whatever opens it.

use std::fmt::Write;

use tokio::runtime::Handle;
use url::Url;

use crate::error::{Error, ErrorKind, LoginError};

/// Opens `url` in the user's browser: on Unix other than macOS `$BROWSER`, or else the default one.
pub(super) async fn open(url: &Url) -> Result<(), Error> {
    let Ok(runtime) = Handle::try_current() else {
        return Err(ErrorKind::NoRuntime.into());
    };
    let url = harmless(url);
    let opened = runtime.spawn_blocking(move || webbrowser::open(&url)).await;
    opened
        .map_err(std::io::Error::other)
        .flatten()
        .map_err(|error| LoginError::browser_failed(error).into())
}

/// `url` with nothing in it that a shell, a command line or a format takes for its own: spaces,
/// quotes, brackets, `$`, a bare `%` and the like are percent-encoded. The login page reads the same.
fn harmless(url: &Url) -> String {
    let text = url.as_str();
    let mut safe = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        let keep = match byte {
            b'%' => is_hex_pair(text.as_bytes().get(at + 1..at + 3)),
            byte => byte.is_ascii_alphanumeric() || KEPT.contains(&byte),
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

const KEPT: &[u8] = b"-._~:/?[]@&=+";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_for_the_browser_holds_nothing_for_a_shell() {
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
            assert_eq!(harmless(&Url::parse(url).unwrap()), expected);
        }
        for byte in 0..=127_u8 {
            let url = Url::parse(&format!("https://gw.example/?{}", char::from(byte))).unwrap();
            let safe = harmless(&url);
            let bad = safe.contains(|c: char| " \"'`$\\|<>^;(){}*!,\n\t".contains(c));
            assert!(!bad, "{safe}");
        }
    }
}

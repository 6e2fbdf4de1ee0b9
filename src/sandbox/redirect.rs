//! Redirect URIs: which are the client's, and what goes back on them.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use url::form_urlencoded;

/// Whether `uri` is one of those registered. It must be equal to one, query and all; only a
/// loopback URI that is registered without a port stands for every port.
pub(super) fn is_registered(uri: &str, registered: &[String]) -> bool {
    // RFC 6749 section 3.1.2.
    !uri.contains('#')
        && registered
            .iter()
            .any(|one| one == uri || without_loopback_port(uri).as_ref() == Some(one))
}

/// A loopback URI without the port that it names.
fn without_loopback_port(uri: &str) -> Option<String> {
    for scheme in ["http://", "https://"] {
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            let rest = uri
                .strip_prefix(scheme)
                .and_then(|uri| uri.strip_prefix(host));
            let Some(rest) = rest.and_then(|rest| rest.strip_prefix(':')) else {
                continue;
            };
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (port, rest) = rest.split_at_checked(end)?;
            let is_port = port.bytes().all(|byte| byte.is_ascii_digit())
                && port.parse::<u16>().is_ok_and(|port| port > 0);
            return is_port.then(|| format!("{scheme}{host}{rest}"));
        }
    }
    None
}

/// A redirect URI with the `state` that goes back on it.
pub(super) struct Redirect {
    pub(super) uri: String,
    /// As it came, still encoded.
    pub(super) state: Option<String>,
    /// Whether the client looks for the answer in the fragment, as with the implicit grant.
    pub(super) in_fragment: bool,
}

impl Redirect {
    /// The URI with these parameters and the `state`, behind a query of its own.
    pub(super) fn with(&self, parameters: &[(&str, &str)]) -> String {
        let separator = match (self.in_fragment, self.uri.contains('?')) {
            (true, _) => '#',
            (false, true) => '&',
            (false, false) => '?',
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        let query = query.extend_pairs(parameters).finish();
        let state = self.state.as_ref();
        let state = state.map_or_else(String::new, |state| format!("&state={state}"));
        format!("{}{separator}{query}{state}", self.uri)
    }
}

/// Never kept: it may hold a code.
pub(super) fn redirect_to(status: StatusCode, target: &str) -> Response {
    let target = HeaderValue::from_bytes(target.as_bytes());
    let headers = [
        (
            header::LOCATION,
            target.expect("a redirect URI without control characters"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
    ];
    (status, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_registered_whole() {
        let registered = "https://app.example/cb?x=1";
        assert!(is(registered, registered));
        assert!(is("myapp:/cb", "myapp:/cb"));
        for other in [
            "https://app.example/cb",
            "https://app.example/cb?x=1&y=2",
            "https://app.example/cb/?x=1",
            "https://app.example/c?x=1",
            "http://app.example/cb?x=1",
            "https://APP.example/cb?x=1",
            "https://app.example:443/cb?x=1",
            "https://app.example/cb?x=1#x",
            "",
        ] {
            assert!(!is(registered, other), "{other}");
        }
        assert!(!is("https://app.example/cb#x", "https://app.example/cb#x"));
        assert!(!is("http://app.example/cb", "http://app.example:8080/cb"));
    }

    #[test]
    fn loopback_without_a_port_stands_for_every_port() {
        for (registered, uri) in [
            ("http://localhost", "http://localhost"),
            ("http://localhost", "http://localhost:1"),
            ("http://localhost", "http://localhost:65535"),
            ("http://localhost/cb?x=1", "http://localhost:7890/cb?x=1"),
            ("http://localhost:8085/cb", "http://localhost:8085/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:5/cb"),
            ("http://[::1]/cb", "http://[::1]:5/cb"),
            ("https://localhost/cb", "https://localhost:5/cb"),
        ] {
            assert!(is(registered, uri), "{registered} {uri}");
        }
        for (registered, uri) in [
            ("http://localhost", "http://localhost:65536"),
            ("http://localhost", "http://localhost:0"),
            ("http://localhost", "http://localhost:"),
            ("http://localhost", "http://localhost:+1"),
            ("http://localhost", "http://localhost:80@evil.example"),
            ("http://localhost", "http://localhost:80.evil.example"),
            ("http://localhost", "http://localhost:7890/"),
            ("http://localhost", "http://localhost:7890?x"),
            ("http://localhost", "https://localhost:7890"),
            ("http://localhost", "http://127.0.0.1:7890"),
            ("http://localhost.evil", "http://localhost.evil:7890"),
            ("http://localhost/cb?x=1", "http://localhost:7890/cb?x=2"),
            ("http://localhost:8085/cb", "http://localhost:8086/cb"),
            ("http://localhost:8085/cb", "http://localhost/cb"),
        ] {
            assert!(!is(registered, uri), "{registered} {uri}");
        }
    }

    fn is(registered: &str, uri: &str) -> bool {
        is_registered(uri, &[registered.to_owned()])
    }

    #[test]
    fn what_goes_back_stands_behind_the_query_or_in_the_fragment() {
        let redirect = |uri: &str, state: Option<&str>, in_fragment| Redirect {
            uri: uri.to_owned(),
            state: state.map(str::to_owned),
            in_fragment,
        };
        for (redirect, expected) in [
            (redirect("http://h", None, false), "http://h?code=a%2Bb"),
            (
                redirect("http://h/?x=1", Some("s%20+"), false),
                "http://h/?x=1&code=a%2Bb&state=s%20+",
            ),
            (
                redirect("http://h/?x=1", Some(""), true),
                "http://h/?x=1#code=a%2Bb&state=",
            ),
        ] {
            assert_eq!(redirect.with(&[("code", "a+b")]), expected);
        }
    }
}

//! Redirect URIs: whether one is registered, and the parameters sent back with it.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use url::form_urlencoded;

/// Whether `uri` equals a registered one, its query included. A loopback URI that is registered
/// without a port matches every port.
pub(super) fn is_registered(uri: &str, registered: &[String]) -> bool {
    // RFC 6749 section 3.1.2.
    !uri.contains('#')
        && registered
            .iter()
            .any(|one| one == uri || without_loopback_port(uri).as_ref() == Some(one))
}

/// Removes the port from a loopback URI that has one.
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

/// A redirect URI with the `state` that is sent back.
#[derive(Clone)]
pub(super) struct Redirect {
    pub(super) uri: String,
    /// The value as it was sent, still encoded.
    pub(super) state: Option<String>,
    /// Whether the parameters go into the fragment, as in the implicit grant.
    pub(super) in_fragment: bool,
}

impl Redirect {
    /// Returns the URI with these parameters and the `state`, after its own query.
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

/// Redirects the browser. The response is not cached, because the target may contain a code.
pub(super) fn redirect_to(status: StatusCode, target: &str) -> Response {
    let target = HeaderValue::from_bytes(target.as_bytes());
    let target = target.expect("a redirect URI without control characters");
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, [(header::LOCATION, target)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_uri_must_match_exactly() {
        let registered = "https://app.example/cb?x=1";
        assert!(matches(registered, registered));
        assert!(matches("myapp:/cb", "myapp:/cb"));
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
            assert!(!matches(registered, other), "{other}");
        }
        for (registered, other) in [
            ("https://app.example/cb#x", "https://app.example/cb#x"),
            ("http://app.example/cb", "http://app.example:8080/cb"),
        ] {
            assert!(!matches(registered, other), "{other}");
        }
    }

    #[test]
    fn loopback_uri_without_port_matches_every_port() {
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
            assert!(matches(registered, uri), "{registered} {uri}");
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
            assert!(!matches(registered, uri), "{registered} {uri}");
        }
    }

    #[test]
    fn parameters_follow_the_query_or_go_into_the_fragment() {
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

    fn matches(registered: &str, uri: &str) -> bool {
        is_registered(uri, &[registered.to_owned()])
    }
}

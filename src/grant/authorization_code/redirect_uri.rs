//! The redirect URI, to which the login page sends the browser back.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::{error::Error, outside_text::name_of};

/// A redirect URI exactly as it was given, and as a URL.
#[derive(Clone)]
pub(crate) struct RedirectUri {
    text: String,
    url: Url,
    /// The port if the text has one, also if it is the default port of the scheme.
    port: Option<u16>,
}

impl RedirectUri {
    pub(crate) fn new(text: &str) -> Result<Self, Error> {
        // The URL parser removes or replaces these, so that text and URL would differ.
        let is_corrected = |c: &char| c.is_control() || c.is_whitespace() || *c == '\\';
        let parsed = match text.chars().find(is_corrected) {
            Some(c) => Err(format!("contains {}", name_of(c))),
            None => Self::parse(text).map_err(str::to_owned),
        };
        parsed.map_err(|why| Error::configuration(format!("the redirect URI {why}")))
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "is not a URL, such as http://localhost")?;
        let (_, rest) = text
            .split_once("://")
            .ok_or("is not a URL with a host, such as http://localhost")?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err("is http but not on localhost, 127.0.0.1 or [::1]; use https"),
            _ => return Err("is neither https nor http"),
        }
        if url.fragment().is_some() {
            return Err("has a fragment");
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err("has a user");
        }
        if url.port() == Some(0) {
            return Err("has the port 0; omit the port for any port");
        }
        let written = authority.rsplit_once(':');
        Ok(Self {
            port: written.and_then(|(_, port)| port.parse().ok()),
            text: text.to_owned(),
            url,
        })
    }

    /// Exactly as it was given.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether this machine can listen at it: `http` on `localhost`, `127.0.0.1` or `[::1]`.
    pub(crate) fn is_local(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// The URI with this port (RFC 8252 7.3); exactly as it was given if it has that port.
    pub(crate) fn with_port(&self, port: u16) -> String {
        let authority = self.text.find("://").map_or(0, |at| at + 3);
        let (start, rest) = self.text.split_at_checked(authority).unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, rest) = rest.split_at_checked(end).unwrap_or_default();
        if self.port == Some(port) {
            return self.text.clone();
        }
        // The port may be empty after its colon. An address in brackets contains colons, too.
        let written = host.trim_end_matches(|c: char| c.is_ascii_digit());
        let host = written.strip_suffix(':').unwrap_or(host);
        format!("{start}{host}:{port}{rest}")
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_and_loopback_uris_are_accepted() {
        for (valid, port) in [
            ("https://app.example/callback", None),
            ("https://app.example/callback?a=b", None),
            ("https://app.example:443/", Some(443)),
            ("http://localhost", None),
            ("http://localhost/", None),
            ("http://LOCALHOST:80/cb", Some(80)),
            ("http://localhost:8085/oauth2/callback", Some(8085)),
            ("http://127.0.0.1", None),
            ("http://[::1]", None),
            ("http://[::1]:7890/", Some(7890)),
            ("http://localhost:?a=b:5", None),
        ] {
            let uri = RedirectUri::new(valid).unwrap();
            assert_eq!((uri.as_str(), uri.port()), (valid, port));
        }
        for bad in [
            "",
            "localhost",
            "http:localhost",
            "http://app.example",
            "http://127.0.0.2",
            "http://0.0.0.0",
            "http://[::]",
            "http://localhost.",
            "http://localhost.evil.example",
            "http://localhost#fragment",
            "https://app.example/#",
            "https://user@app.example",
            "https://@app.example",
            "https://app.example\\@evil.example",
            "https://app.example/a b",
            " http://localhost",
            "http://localhost:0",
            "http://localhost:65536",
            "myapp:/callback",
            "myapp://callback",
            "urn:ietf:wg:oauth:2.0:oob",
        ] {
            assert!(RedirectUri::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn host_alone_leads_to_an_example() {
        for text in ["localhost", "localhost:8080", "http:localhost"] {
            let error = RedirectUri::new(text).err().unwrap().to_string();
            assert!(error.ends_with(", such as http://localhost"), "{error}");
        }
    }

    #[test]
    fn only_the_port_is_replaced() {
        for (text, with_port) in [
            ("http://localhost", "http://localhost:5123"),
            ("http://localhost:", "http://localhost:5123"),
            ("http://localhost/", "http://localhost:5123/"),
            (
                "http://LocalHost/a%2fb?c=/d",
                "http://LocalHost:5123/a%2fb?c=/d",
            ),
            ("http://localhost?a=b", "http://localhost:5123?a=b"),
            ("http://[::1]/cb", "http://[::1]:5123/cb"),
            ("http://localhost:05123/cb", "http://localhost:05123/cb"),
            ("http://localhost:80/cb", "http://localhost:5123/cb"),
            ("http://127.0.0.1", "http://127.0.0.1:5123"),
            ("http://[::1]:80", "http://[::1]:5123"),
        ] {
            assert_eq!(RedirectUri::new(text).unwrap().with_port(5123), with_port);
        }
    }
}

//! A gateway, which stands in place of the region's login and API hosts.

use url::{Host, Url};

use crate::{
    error::Error,
    region::{Region, is_loopback},
};

/// The settings of a gateway, as the official SDKs have them.
pub(crate) struct Gateway<'a> {
    pub(crate) origin: Origin<'a>,
    /// The path before those of requests to the login host.
    pub(crate) login_path: Option<&'a str>,
    /// The path before those of requests to the API.
    pub(crate) api_path: Option<&'a str>,
}

/// The scheme, the host and the port of a gateway or a proxy, as they stand in three settings.
pub(crate) struct Origin<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: Option<&'a str>,
    /// `https`, which is the default, or `http`.
    pub(crate) protocol: Option<&'a str>,
    /// The names of the settings, for errors.
    pub(crate) names: &'static OriginNames,
}

pub(crate) struct OriginNames {
    pub(crate) host: &'static str,
    pub(crate) port: &'static str,
    pub(crate) protocol: &'static str,
}

impl Gateway<'_> {
    /// Returns the region whose hosts are the gateway. `path_name` is the name of the setting with the
    /// paths, for errors.
    pub(crate) fn region(&self, path_name: &str, behind: Option<&Region>) -> Result<Region, Error> {
        let origin = self.origin.text()?;
        if Url::parse(&origin).is_ok_and(|url| url.scheme() == "http" && !is_loopback(&url)) {
            return invalid(
                self.origin.names.protocol,
                "is http, which is accepted only for a host of this machine (localhost, 127.0.0.0/8 \
                 or [::1]); for another host set it to https",
            );
        }
        let url = |path| match path {
            Some(path) => absolute(path, path_name).map(|path| format!("{origin}{path}")),
            None => Ok(origin.clone()),
        };
        let gateway = Region::custom(&url(self.login_path)?, &url(self.api_path)?);
        // People use the applications without the gateway.
        let gateway = match behind {
            Some(region) => {
                gateway.and_then(|gateway| gateway.with_apps(region.apps_url().as_str()))
            }
            None => gateway,
        };
        gateway.map_err(|error| Error::from(error).in_setting(self.origin.names.host))
    }
}

impl Origin<'_> {
    /// Returns the URL, as the official SDKs put it together.
    pub(crate) fn text(&self) -> Result<String, Error> {
        let names = self.names;
        let (host, scheme) = (self.host, self.protocol.unwrap_or("https"));
        let scheme = scheme.to_ascii_lowercase();
        if !["https", "http"].contains(&&*scheme) {
            return invalid(names.protocol, "is neither https nor http");
        }
        if !is_host(host) {
            let what = format!(
                "is not a host's name alone; set the port by {} and the protocol by {}",
                names.port, names.protocol
            );
            return invalid(names.host, &what);
        }
        let Some(port) = self.port else {
            return Ok(format!("{scheme}://{host}"));
        };
        match port.parse::<u16>() {
            Ok(number) if number > 0 => Ok(format!("{scheme}://{host}:{number}")),
            _ => invalid(names.port, "is not a port from 1 to 65535"),
        }
    }
}

/// Whether the text is a host without a port, as it stands before the path of a URL.
fn is_host(text: &str) -> bool {
    let is_foreign = |c: char| c.is_control() || c.is_whitespace() || "/\\@?#%".contains(c);
    if text.contains(is_foreign) {
        return false;
    }
    match Url::parse(&format!("https://{text}/")) {
        Ok(url) => match url.host() {
            Some(Host::Ipv6(_)) => text.ends_with(']'),
            host => host.is_some() && !text.contains(':'),
        },
        Err(_) => false,
    }
}

/// Returns the path with one slash before it and none after it.
fn absolute(path: &str, name: &str) -> Result<String, Error> {
    let path = format!("/{}", path.trim_matches('/'));
    // What a URL parser would change is not this path.
    let base = Url::parse("https://gateway.invalid").ok();
    let url = base.and_then(|base| base.join(&path).ok());
    let is_same = url.is_some_and(|url| url.path() == path && url.as_str().ends_with(&path));
    if !is_same || path.starts_with("//") || path.contains('@') {
        return invalid(name, "is not a path");
    }
    Ok(path)
}

fn invalid<T>(name: &str, what: &str) -> Result<T, Error> {
    Err(Error::configuration(format!("{name} {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: OriginNames = OriginNames {
        host: "HOST",
        port: "PORT",
        protocol: "PROTOCOL",
    };

    fn origin(host: &str, port: Option<&str>, protocol: Option<&str>) -> Result<String, Error> {
        let origin = Origin {
            host,
            port,
            protocol,
            names: &NAMES,
        };
        origin.text()
    }

    #[test]
    fn origin_is_protocol_host_and_port() {
        for (host, port, protocol, expected) in [
            ("gw.example", None, None, "https://gw.example"),
            (
                "gw.example",
                Some("8443"),
                Some("HTTPS"),
                "https://gw.example:8443",
            ),
            ("localhost", Some("80"), Some("http"), "http://localhost:80"),
            ("[::1]", Some("9000"), Some("http"), "http://[::1]:9000"),
        ] {
            assert_eq!(origin(host, port, protocol).unwrap(), expected);
        }
        for (host, port, protocol, name) in [
            ("https://gw.example", None, None, "HOST"),
            ("gw.example:8443", None, None, "HOST"),
            ("gw.example/path", None, None, "HOST"),
            ("user@gw.example", None, None, "HOST"),
            ("gw.example?x", None, None, "HOST"),
            ("gw example", None, None, "HOST"),
            ("::1", None, None, "HOST"),
            ("gw.example", Some("0"), None, "PORT"),
            ("gw.example", Some("-1"), None, "PORT"),
            ("gw.example", Some("65536"), None, "PORT"),
            ("gw.example", Some("8443/x"), None, "PORT"),
            ("gw.example", None, Some("ftp"), "PROTOCOL"),
            ("gw.example", None, Some("https://"), "PROTOCOL"),
        ] {
            let error = origin(host, port, protocol).unwrap_err().to_string();
            assert!(
                error.starts_with(name),
                "{host} {port:?} {protocol:?}: {error}"
            );
        }
    }

    #[test]
    fn http_to_another_machine_names_the_protocol() {
        for (host, port, is_valid) in [
            ("localhost", None, true),
            ("127.1.2.3", Some("9000"), true),
            ("[::1]", None, true),
            ("gw.example", None, false),
            ("192.0.2.1", Some("443"), false),
            ("localhost.example", None, false),
        ] {
            let gateway = Gateway {
                origin: Origin {
                    host,
                    port,
                    protocol: Some("HTTP"),
                    names: &NAMES,
                },
                login_path: None,
                api_path: None,
            };
            let Err(error) = gateway.region("PATH", None) else {
                assert!(is_valid, "{host}");
                continue;
            };
            let text = error.to_string();
            let is_named =
                text.starts_with("PROTOCOL is http") && text.ends_with("set it to https");
            assert!(is_named && !is_valid, "{host}: {text}");
        }
    }

    #[test]
    fn path_goes_before_the_requests_of_its_host() {
        let region = |login_path, api_path| {
            let origin = Origin {
                host: "gw.example",
                port: None,
                protocol: None,
                names: &NAMES,
            };
            let gateway = Gateway {
                origin,
                login_path,
                api_path,
            };
            gateway.region("PATH", None)
        };
        for value in ["genesys/login", "/genesys/login", "/genesys/login/"] {
            let login = region(Some(value), None).unwrap();
            assert_eq!(login.login_url().path(), "/genesys/login");
            assert_eq!(login.api_url().path(), "/");
            let api = region(None, Some(value)).unwrap();
            assert_eq!(api.login_url().path(), "/");
            assert_eq!(api.api_url().path(), "/genesys/login");
        }
        for value in [
            "..",
            "a/%2e%2e/b",
            "a?b",
            "a#b",
            "a\\b",
            "a b",
            "@evil.example",
        ] {
            for error in [region(Some(value), None), region(None, Some(value))] {
                let error = error.unwrap_err().to_string();
                assert!(error.starts_with("PATH"), "{value:?}: {error}");
            }
        }
    }
}

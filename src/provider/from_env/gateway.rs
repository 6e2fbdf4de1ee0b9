//! The variables of a gateway, which stands in place of the region's login and API hosts.

use url::{Host, Url};

use super::variable::word;
use crate::{error::Error, region::Region};

/// Returns the region whose hosts are the gateway, or `region` where no gateway is set.
pub(super) fn region(region: Option<Region>) -> Result<Option<Region>, Error> {
    let Some(host) = word(HOST)? else {
        for name in [PORT, PROTOCOL, PATH_NAME, PATH_VALUE] {
            if word(name)?.is_some() {
                let what = format!("{name} is set and {HOST} is not; set the gateway's host, too");
                return Err(Error::configuration(what));
            }
        }
        return Ok(region);
    };
    let origin = origin(&host, word(PORT)?.as_deref(), word(PROTOCOL)?.as_deref())?;
    let paths = paths(word(PATH_NAME)?.as_deref(), word(PATH_VALUE)?.as_deref())?;
    let [login, api] = paths.map(|path| format!("{origin}{path}"));
    let gateway = Region::custom(&login, &api);
    // People use the applications without the gateway.
    let gateway = match &region {
        Some(region) => gateway.and_then(|gateway| gateway.with_apps(region.apps_url().as_str())),
        None => gateway,
    };
    match gateway {
        Ok(gateway) => Ok(Some(gateway)),
        Err(error) => Err(Error::from(error).in_setting(HOST)),
    }
}

/// Returns the gateway's scheme, host and port, as the official SDKs put them together.
fn origin(host: &str, port: Option<&str>, protocol: Option<&str>) -> Result<String, Error> {
    let scheme = protocol.unwrap_or("https").to_ascii_lowercase();
    if !["https", "http"].contains(&&*scheme) {
        return invalid(PROTOCOL, "is neither https nor http");
    }
    if !is_host(host) {
        let what = "is not a host's name alone; the port, the protocol and a path have variables of \
                    their own";
        return invalid(HOST, what);
    }
    let Some(port) = port else {
        return Ok(format!("{scheme}://{host}"));
    };
    match port.parse::<u16>() {
        Ok(number) if number > 0 => Ok(format!("{scheme}://{host}:{number}")),
        _ => invalid(PORT, "is not a port from 1 to 65535"),
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

/// Returns the path before those of the login host and of the API, one of which may be set.
fn paths(name: Option<&str>, value: Option<&str>) -> Result<[String; 2], Error> {
    let path = match (name, value) {
        (None, None) => return Ok([String::new(), String::new()]),
        (Some(_), None) => {
            return invalid(
                PATH_VALUE,
                "is not set and GENESYSCLOUD_GATEWAY_PATH_NAME is",
            );
        }
        (None, Some(_)) => {
            return invalid(
                PATH_NAME,
                "is not set and GENESYSCLOUD_GATEWAY_PATH_VALUE is",
            );
        }
        (Some(_), Some(value)) => format!("/{}", value.trim_matches('/')),
    };
    // What a URL parser would change is not this path.
    let base = Url::parse("https://gateway.invalid").ok();
    let url = base.and_then(|base| base.join(&path).ok());
    let is_same = url.is_some_and(|url| url.path() == path && url.as_str().ends_with(&path));
    if !is_same || path.starts_with("//") || path.contains('@') {
        return invalid(PATH_VALUE, "is not a path");
    }
    match name.map(str::to_ascii_lowercase).as_deref() {
        Some("login") => Ok([path, String::new()]),
        Some("api") => Ok([String::new(), path]),
        _ => invalid(PATH_NAME, "is neither login nor api"),
    }
}

fn invalid<T>(name: &str, what: &str) -> Result<T, Error> {
    Err(Error::configuration(format!("{name} {what}")))
}

const HOST: &str = "GENESYSCLOUD_GATEWAY_HOST";
const PORT: &str = "GENESYSCLOUD_GATEWAY_PORT";
const PROTOCOL: &str = "GENESYSCLOUD_GATEWAY_PROTOCOL";
const PATH_NAME: &str = "GENESYSCLOUD_GATEWAY_PATH_NAME";
const PATH_VALUE: &str = "GENESYSCLOUD_GATEWAY_PATH_VALUE";

#[cfg(test)]
mod tests {
    use super::*;

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
            ("https://gw.example", None, None, HOST),
            ("gw.example:8443", None, None, HOST),
            ("gw.example/path", None, None, HOST),
            ("user@gw.example", None, None, HOST),
            ("gw.example?x", None, None, HOST),
            ("gw example", None, None, HOST),
            ("::1", None, None, HOST),
            ("gw.example", Some("0"), None, PORT),
            ("gw.example", Some("-1"), None, PORT),
            ("gw.example", Some("65536"), None, PORT),
            ("gw.example", Some("8443/x"), None, PORT),
            ("gw.example", None, Some("ftp"), PROTOCOL),
            ("gw.example", None, Some("https://"), PROTOCOL),
        ] {
            let error = origin(host, port, protocol).unwrap_err().to_string();
            assert!(
                error.starts_with(name),
                "{host} {port:?} {protocol:?}: {error}"
            );
        }
    }

    #[test]
    fn path_goes_before_the_requests_of_its_host() {
        for value in ["genesys/login", "/genesys/login", "/genesys/login/"] {
            let paths = |name| paths(Some(name), Some(value)).unwrap();
            assert_eq!(paths("login"), ["/genesys/login", ""]);
            assert_eq!(paths("API"), ["", "/genesys/login"]);
        }
        for (name, value, variable) in [
            (None, Some("x"), PATH_NAME),
            (Some("login"), None, PATH_VALUE),
            (Some("apps"), Some("x"), PATH_NAME),
            (Some("login"), Some(".."), PATH_VALUE),
            (Some("login"), Some("a/%2e%2e/b"), PATH_VALUE),
            (Some("login"), Some("a?b"), PATH_VALUE),
            (Some("login"), Some("a#b"), PATH_VALUE),
            (Some("login"), Some("a\\b"), PATH_VALUE),
            (Some("login"), Some("a b"), PATH_VALUE),
            (Some("login"), Some("@evil.example"), PATH_VALUE),
        ] {
            let error = paths(name, value).unwrap_err().to_string();
            assert!(error.starts_with(variable), "{name:?} {value:?}: {error}");
        }
    }
}

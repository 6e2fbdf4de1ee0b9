//! Which proxy a request goes through, for the text of an error.

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Client;
use url::Url;

use crate::{
    environment,
    error::{Proxy, ProxyOrigin},
};

/// Returns the proxy of `client` for `url`.
///
/// reqwest does not say which proxies a client has, but its `Debug` lists them, without their
/// passwords. Those of the environment are matched by the same code that reqwest uses.
pub(super) fn proxy_for(client: &Client, url: &Url) -> Option<Proxy> {
    let shown = format!("{client:?}");
    let (_, proxies) = shown.split_once("proxies: [")?;
    let system = Matcher::from_system();
    if proxies.starts_with(&format!("{system:?}]")) {
        let uri: Uri = url.as_str().parse().ok()?;
        let address = address_of(system.intercept(&uri)?.uri());
        let origin = variable_of(&address).map_or(ProxyOrigin::System, ProxyOrigin::Variable);
        return Some(Proxy {
            address: Some(address),
            origin,
        });
    }
    // A proxy that a closure chooses has no address here.
    let field = format!("{}: Intercept {{ uri: ", url.scheme());
    let uri = proxies.split_once(&field).and_then(|(_, uri)| {
        let (uri, _) = uri.split_once(' ')?;
        uri.parse().ok()
    });
    let is_chosen = proxies.starts_with('_') || proxies.contains(", _");
    (uri.is_some() || is_chosen).then(|| Proxy {
        address: uri.as_ref().map(address_of),
        origin: ProxyOrigin::HttpClient,
    })
}

/// Returns host and port.
fn address_of(proxy: &Uri) -> String {
    let host = proxy.host().unwrap_or_default();
    let default = match proxy.scheme_str() {
        Some("https") => 443,
        Some(scheme) if scheme.starts_with("socks") => 1080,
        _ => 80,
    };
    format!("{host}:{}", proxy.port_u16().unwrap_or(default))
}

/// Returns the variable that names the proxy with this address.
fn variable_of(address: &str) -> Option<&'static str> {
    let names_it = |name: &&str| {
        let value = environment::variable(name);
        let uri = value.and_then(|value| {
            // Without a scheme it is an HTTP proxy.
            let with_scheme = if value.contains("://") {
                value
            } else {
                format!("http://{value}")
            };
            with_scheme.parse::<Uri>().ok()
        });
        uri.is_some_and(|uri| address_of(&uri) == address)
    };
    PROXY_VARIABLES.into_iter().find(names_it)
}

/// The variables that reqwest reads for https, the first one first.
const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

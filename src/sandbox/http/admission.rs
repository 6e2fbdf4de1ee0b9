//! Which requests the sandbox reads at all. A web page must not reach it, whatever name leads there.

use axum::response::{IntoResponse, Response};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CONNECTION, HOST, ORIGIN, VARY,
    },
    request::Parts,
};
use url::{Host, Url};

use super::{
    error_response::{ApiErrorResponse, with_correlation_id},
    request_log::SandboxHost,
};
use crate::sandbox::random::random_uuid;

/// The names that the sandbox answers to.
pub(crate) struct Names {
    scheme: &'static str,
    port: u16,
    region_domains: Vec<&'static str>,
}

/// A request that named the sandbox and comes from no foreign web page.
pub(crate) struct Admission {
    /// `None` if the path belongs to neither host.
    pub(crate) host: Option<SandboxHost>,
    /// The path on its host.
    pub(crate) path: String,
    /// The web page that may read the response.
    origin: Option<HeaderValue>,
}

/// Why a request is not read. Nothing of it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// The target is not that of one host (RFC 9112 sections 3.2 and 3.2.2).
    InvalidTarget,
    /// The request is for another host (RFC 9110 section 15.5.20).
    OtherHost,
    ForeignOrigin,
}

impl Names {
    /// `region_domains` are those of Genesys Cloud's regions.
    pub(crate) fn new(scheme: &'static str, port: u16, region_domains: Vec<&'static str>) -> Self {
        Self {
            scheme,
            port,
            region_domains,
        }
    }

    pub(crate) fn admit(&self, parts: &Parts) -> Result<Admission, Rejection> {
        let name = self.target_name(parts)?;
        let (host, path) = if let Some(host) = self.region_host(&name) {
            (Some(host), parts.uri.path())
        } else if self.is_own_name(&name) {
            find_host(parts.uri.path())
        } else {
            return Err(Rejection::OtherHost);
        };
        Ok(Admission {
            host,
            path: path.to_owned(),
            origin: self.admit_origin(&parts.headers, &name)?,
        })
    }

    /// Returns the host and port that the request names, in lower case.
    fn target_name(&self, parts: &Parts) -> Result<String, Rejection> {
        let name = only_value(&parts.headers, HOST).ok_or(Rejection::InvalidTarget)?;
        let name = name.to_ascii_lowercase();
        let Some(authority) = parts.uri.authority() else {
            return Ok(name);
        };
        // A client sends a whole URL to a proxy, and the target of CONNECT has no scheme.
        if authority.as_str().eq_ignore_ascii_case(&name)
            && parts.uri.scheme_str() == Some(self.scheme)
        {
            Ok(name)
        } else {
            Err(Rejection::InvalidTarget)
        }
    }

    fn is_own_name(&self, name: &str) -> bool {
        OWN_HOSTS
            .iter()
            .any(|host| *name == format!("{host}:{}", self.port))
    }

    /// Finds `login.{domain}` and `api.{domain}` of a region, with or without the port of https. With
    /// the sandbox's port they would let in a page whose DNS leads a region's name to this machine.
    fn region_host(&self, name: &str) -> Option<SandboxHost> {
        let name = name.strip_suffix(":443").unwrap_or(name);
        let (label, domain) = name.split_once('.')?;
        let is_region = self.region_domains.contains(&domain);
        let (_, host) = HOSTS.iter().find(|(known, _)| *known == label)?;
        is_region.then_some(*host)
    }

    /// Admits programs, which send no origin, pages on loopback, and the sandbox's own pages at
    /// `name`.
    fn admit_origin(
        &self,
        headers: &HeaderMap,
        name: &str,
    ) -> Result<Option<HeaderValue>, Rejection> {
        if !headers.contains_key(ORIGIN) {
            if is_embedded_in_a_foreign_page(headers) {
                return Err(Rejection::ForeignOrigin);
            }
            return Ok(None);
        }
        let origin = only_value(headers, ORIGIN).ok_or(Rejection::ForeignOrigin)?;
        let is_own_page = origin.strip_prefix(self.scheme) == Some(&format!("://{name}"));
        if !is_own_page && !is_loopback_origin(origin) {
            return Err(Rejection::ForeignOrigin);
        }
        Ok(headers.get(ORIGIN).cloned())
    }
}

impl Admission {
    /// Lets the page of the request's origin read the response, and no other page.
    pub(crate) fn add_cors_headers(&self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = &self.origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            for (name, value) in CORS_HEADERS {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
    }
}

/// Finds the host that a path belongs to, and the path on that host. A path may begin with the
/// prefix of its host; without one, `/api/v2` and `/oauth` tell the hosts apart.
fn find_host(path: &str) -> (Option<SandboxHost>, &str) {
    if is_under(path, "/api/v2") {
        return (Some(SandboxHost::Api), path);
    }
    for (prefix, host) in HOSTS {
        let rest = path.strip_prefix('/');
        let rest = rest.and_then(|path| path.strip_prefix(prefix));
        if let Some(rest) = rest.filter(|rest| rest.starts_with('/')) {
            return (Some(host), rest);
        }
    }
    let is_login_path = LOGIN_PATHS.iter().any(|known| is_under(path, known));
    (is_login_path.then_some(SandboxHost::Login), path)
}

fn is_under(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether this is the origin of a page on loopback, as a browser writes it.
fn is_loopback_origin(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else {
        return false;
    };
    let is_loopback = match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    is_loopback
        && matches!(url.scheme(), "http" | "https")
        && url.origin().ascii_serialization() == origin
}

/// Browsers load an image or a frame without an `Origin`, but say that it is for another site (W3C,
/// Fetch Metadata Request Headers). A page that the user opens is a `document`.
fn is_embedded_in_a_foreign_page(headers: &HeaderMap) -> bool {
    only_value(headers, SEC_FETCH_SITE) == Some("cross-site")
        && only_value(headers, SEC_FETCH_DEST) != Some("document")
}

/// Returns the header's value, if there is exactly one.
fn only_value(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).into_iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// The rest of the request is not read, so the connection ends.
impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let error = match self {
            Self::InvalidTarget => ApiErrorResponse::bad_request(
                "The request needs one Host header and a target on that host.",
            ),
            Self::OtherHost => ApiErrorResponse::new(
                StatusCode::MISDIRECTED_REQUEST,
                "misdirected.request",
                "The sandbox answers to localhost, 127.0.0.1 and [::1] with its port, and to the \
                 login and API hosts of Genesys Cloud's regions.",
            ),
            Self::ForeignOrigin => ApiErrorResponse::new(
                StatusCode::FORBIDDEN,
                "foreign.origin",
                "Only web pages of this machine may call the sandbox.",
            ),
        };
        let mut response = with_correlation_id(error.into_response(), &random_uuid());
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
        response
    }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

const OWN_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The first labels of the hosts' names, which are also their prefixes.
const HOSTS: [(&str, SandboxHost); 2] = [("login", SandboxHost::Login), ("api", SandboxHost::Api)];

const LOGIN_PATHS: [&str; 2] = ["/oauth", "/logout"];

const CORS_HEADERS: [(HeaderName, &str); 4] = [
    (
        ACCESS_CONTROL_ALLOW_METHODS,
        "GET, HEAD, POST, PUT, PATCH, DELETE",
    ),
    (
        ACCESS_CONTROL_ALLOW_HEADERS,
        "authorization, content-type, purecloud-sdk, genesys-app",
    ),
    (
        ACCESS_CONTROL_EXPOSE_HEADERS,
        "ININ-Correlation-Id, Retry-After, inin-ratelimit-count, inin-ratelimit-allowed, \
         inin-ratelimit-reset",
    ),
    (ACCESS_CONTROL_MAX_AGE, "600"),
];

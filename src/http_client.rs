//! The HTTP client: the only file that builds a reqwest client and sends requests.

mod app;
mod failure;
mod incoming;
mod proxy;
mod system_resolver;
mod upload;

use std::{
    borrow::Cow,
    error::Error as _,
    fmt,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use failure::transport_error;
use http::{
    HeaderMap, HeaderValue, Method,
    header::{AUTHORIZATION, CONTENT_LENGTH},
};
use parking_lot::Mutex;
use proxy::proxy_for;
use reqwest::{Client, ClientBuilder, redirect};
use system_resolver::SystemResolver;
use url::Url;

pub(crate) use app::App;
use incoming::endpoint_of;
pub(crate) use incoming::{Incoming, Outcome, endpoint_with_host, expose_all};
pub(crate) use reqwest::Body as OutgoingBody;
pub(crate) use upload::upload;

use crate::{
    error::{Error, Peer, TimedOut},
    region::is_loopback,
};

/// The HTTP connections to Genesys Cloud, which any number of providers can share.
///
/// ```
/// # use genesys_cloud_auth::HttpClient;
/// let proxy = reqwest::Proxy::https("http://proxy.example:3128").unwrap();
/// let http_client = HttpClient::new(move |reqwest| reqwest.proxy(proxy.clone()))?;
/// # Ok::<_, genesys_cloud_auth::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct HttpClient(Arc<Inner>);

#[derive(Default)]
struct Inner {
    configure: Option<Box<Configure>>,
    /// Locked while a client is built.
    building: Mutex<()>,
    /// For other machines: https only.
    remote: OnceLock<Client>,
    /// For https on this machine: never through a proxy.
    loopback_tls: OnceLock<Client>,
    /// For http on this machine: without certificates, which a small image may lack.
    loopback: OnceLock<Client>,
}

type Configure = dyn Fn(ClientBuilder) -> ClientBuilder + Send + Sync;

impl HttpClient {
    /// Creates a client that `configure` sets up: its proxies, certificates, timeouts and whatever
    /// else reqwest offers. The connect timeout is 5 seconds unless `configure` sets another. Names are
    /// looked up by the system's resolver, on threads that a runtime does not wait for when it ends,
    /// unless `configure` sets another `dns_resolver`.
    ///
    /// The settings that protect credentials are applied afterwards: no redirects, no verbose log,
    /// no referer, no decompression, at least TLS 1.2, https only for other machines, no proxy for
    /// this machine, and no certificates for http on this machine. The closure runs at most once for
    /// each of these three: other machines, https and http on this machine.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) where reqwest does not accept
    /// the settings. Certificates are read when a provider is built that needs them.
    pub fn new<F>(configure: F) -> Result<Self, Error>
    where
        F: Fn(ClientBuilder) -> ClientBuilder + Send + Sync + 'static,
    {
        let http_client = Self(Arc::new(Inner {
            configure: Some(Box::new(configure)),
            ..Inner::default()
        }));
        http_client.loopback()?;
        Ok(http_client)
    }

    /// Makes sure that requests to `url` can be sent.
    pub(crate) fn prepare(&self, url: &Url) -> Result<(), Error> {
        self.client_for(url).map(drop)
    }

    /// Sends one request, once.
    pub(crate) async fn send(&self, outgoing: Outgoing) -> Result<Incoming, Error> {
        let Outgoing {
            method,
            url,
            mut headers,
            body,
            timeout,
        } = outgoing;
        let client = self.client_for(&url)?;
        let authorization = headers.get(AUTHORIZATION).cloned();
        // Some gateways respond with 411 without it (RFC 9110 8.6).
        if body.is_none() && [Method::POST, Method::PUT, Method::PATCH].contains(&method) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut request = reqwest::Request::new(method.clone(), url);
        *request.headers_mut() = headers;
        *request.body_mut() = body;
        *request.timeout_mut() = Some(timeout);
        match client.execute(request).await {
            Ok(response) => Ok(Incoming::new(response, method, authorization, timeout)),
            Err(error) => {
                // reqwest adds it to all errors of a request.
                let mut peer = error.url().map(Peer::of).unwrap_or_default();
                peer.proxy = error.url().and_then(|url| proxy_for(client, url));
                let time = TimedOut {
                    endpoint: error
                        .url()
                        .map_or_else(String::new, |url| endpoint_of(&method, url)),
                    limit: timeout,
                };
                Err(transport_error(error, peer, time, None))
            }
        }
    }

    fn client_for(&self, url: &Url) -> Result<&Client, Error> {
        match (is_loopback(url), url.scheme()) {
            (false, _) => self.build(&self.0.remote, |builder| builder.https_only(true)),
            (true, "https") => self.build(&self.0.loopback_tls, for_loopback),
            (true, _) => self.loopback(),
        }
    }

    fn loopback(&self) -> Result<&Client, Error> {
        self.build(&self.0.loopback, |builder| {
            without_certificates(for_loopback(builder))
        })
    }

    fn build<'a>(
        &self,
        cell: &'a OnceLock<Client>,
        finish: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<&'a Client, Error> {
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        // Another thread may build it now: the user's closure runs once.
        let _building = self.0.building.lock();
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .dns_resolver(SystemResolver::default());
        if let Some(configure) = &self.0.configure {
            builder = configure(builder);
        }
        let client = finish(with_safe_settings(builder)).build();
        let client = client.map_err(|error| {
            let why = error.source().map(ToString::to_string).unwrap_or_default();
            Error::configuration(if why.contains(NO_CERTIFICATES) {
                "this machine has no CA certificates, which https needs; install them (often the \
                 package ca-certificates), name a file of them in SSL_CERT_FILE, or pass them with \
                 `HttpClient::new` and reqwest's `tls_certs_only`"
                    .into()
            } else {
                Cow::from(format!("reqwest does not accept the settings: {why}"))
            })
        })?;
        Ok(cell.get_or_init(|| client))
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpClient")
    }
}

/// A request to be sent. It has no `Debug`, because its body may be a secret.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<OutgoingBody>,
    /// The maximum time until the response's body has been read.
    pub(crate) timeout: Duration,
}

/// Applies the settings that the user's closure cannot change.
fn with_safe_settings(builder: ClientBuilder) -> ClientBuilder {
    let builder = builder
        .redirect(redirect::Policy::none())
        .connection_verbose(false)
        .referer(false)
        .retry(reqwest::retry::never())
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd();
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    let builder = builder.tls_version_min(reqwest::tls::Version::TLS_1_2);
    builder
}

/// Connects to this machine, without a proxy.
fn for_loopback(builder: ClientBuilder) -> ClientBuilder {
    // Port 0 stands for the port in the URL.
    let addresses = [
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
    ];
    builder.no_proxy().resolve_to_addrs("localhost", &addresses)
}

/// Reads no certificates. Without this a client for http fails, too, where there are none.
fn without_certificates(builder: ClientBuilder) -> ClientBuilder {
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    let builder = builder.tls_certs_only([]);
    builder
}

/// What rustls' platform verifier says where it finds none.
const NO_CERTIFICATES: &str = "No CA certificates";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU32, Ordering::SeqCst},
        thread,
    };

    use super::*;

    #[test]
    fn closure_runs_once_for_each_kind_of_host() {
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        let http_client = HttpClient::new(move |reqwest| {
            counted.fetch_add(1, SeqCst);
            // Others come meanwhile.
            (0..1_000).for_each(|_| thread::yield_now());
            reqwest.tls_certs_only([])
        });
        let http_client = http_client.unwrap();
        let urls = ["https://one.test", "http://127.0.0.1", "https://127.0.0.1"];
        let urls = urls.map(|url| Url::parse(url).unwrap());
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for url in &urls {
                        http_client.prepare(url).unwrap();
                    }
                });
            }
        });
        assert_eq!(calls.load(SeqCst), 3);
    }
}

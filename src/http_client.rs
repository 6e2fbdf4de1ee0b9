//! Connections to both hosts: the only file that builds an HTTP client and sends.

mod app;
mod failure;
mod upload;

use std::{
    error::Error as _,
    fmt,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use failure::transport;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_ENCODING},
};
use reqwest::{Client, ClientBuilder, redirect};
use secrecy::{ExposeSecret, SecretString};
use upload::UploadFailed;
use url::Url;
use zeroize::Zeroizing;

pub(crate) use app::App;
pub(crate) use reqwest::Body as OutgoingBody;
pub(crate) use upload::upload;

use crate::{
    clock::Clock,
    error::{
        Error, ErrorKind, ResponseHead, ResponseProblem, UnexpectedResponse, classify_api,
        correlation_id,
    },
    region::is_loopback,
    retry::retry_after,
};

/// Connections to Genesys Cloud, shared by as many providers as you like.
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
    /// https only.
    remote: OnceLock<Client>,
    /// For hosts on this machine: never through a proxy.
    loopback: OnceLock<Client>,
}

type Configure = dyn Fn(ClientBuilder) -> ClientBuilder + Send + Sync;

impl HttpClient {
    /// Connections made as `configure` says: proxies, certificates, timeouts and what else
    /// reqwest offers. The connect timeout is 5 seconds unless it says otherwise.
    ///
    /// What keeps credentials safe is set afterwards and wins: no redirects, no verbose log, no
    /// referer, no decompression, TLS 1.2 at least, https only for hosts on other machines, and no
    /// proxy for hosts on this one. The closure runs once for each of these two.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where reqwest refuses the settings.
    pub fn new<F>(configure: F) -> Result<Self, Error>
    where
        F: Fn(ClientBuilder) -> ClientBuilder + Send + Sync + 'static,
    {
        let http_client = Self(Arc::new(Inner {
            configure: Some(Box::new(configure)),
            ..Inner::default()
        }));
        http_client.remote()?;
        Ok(http_client)
    }

    /// Makes sure that requests to `url` can be sent.
    pub(crate) fn prepare(&self, url: &Url) -> Result<(), Error> {
        self.client(url).map(drop)
    }

    /// Sends one request, once.
    pub(crate) async fn send(&self, outgoing: Outgoing) -> Result<Incoming, Error> {
        let Outgoing {
            method,
            url,
            headers,
            body,
            timeout,
        } = outgoing;
        let client = self.client(&url)?;
        let place = format!("{method} {}", url.path());
        let host = url.host_str().unwrap_or_default().to_owned();
        let authorization = headers.get(AUTHORIZATION).cloned();
        let mut request = reqwest::Request::new(method, url);
        *request.headers_mut() = headers;
        *request.body_mut() = body;
        *request.timeout_mut() = Some(timeout);
        let answer = client
            .execute(request)
            .await
            .map_err(|error| transport(error, host.clone()))?;
        Ok(Incoming {
            answer,
            host,
            place,
            authorization,
            sent_in_body: Vec::new(),
        })
    }

    fn client(&self, url: &Url) -> Result<&Client, Error> {
        if is_loopback(url) {
            self.loopback()
        } else {
            self.remote()
        }
    }

    fn remote(&self) -> Result<&Client, Error> {
        self.build(&self.0.remote, |builder| builder.https_only(true))
    }

    fn loopback(&self) -> Result<&Client, Error> {
        // Port 0 stands for the one in the URL.
        let here = [
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
        ];
        self.build(&self.0.loopback, |builder| {
            builder.no_proxy().resolve_to_addrs("localhost", &here)
        })
    }

    fn build<'a>(
        &self,
        cell: &'a OnceLock<Client>,
        last: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<&'a Client, Error> {
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let mut builder = Client::builder().connect_timeout(CONNECT_TIMEOUT);
        if let Some(configure) = &self.0.configure {
            builder = configure(builder);
        }
        let client = last(safe(builder)).build().map_err(|error| {
            let why = error.source().map(ToString::to_string).unwrap_or_default();
            Error::configuration(format!("reqwest refuses the connection settings: {why}"))
        })?;
        Ok(cell.get_or_init(|| client))
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpClient")
    }
}

/// A request to be sent. Without `Debug`: its body may be a secret.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<OutgoingBody>,
    /// For the answer with its whole body.
    pub(crate) timeout: Duration,
}

/// An answer, its body still on the way.
pub(crate) struct Incoming {
    answer: reqwest::Response,
    host: String,
    place: String,
    /// The request's, which a server may repeat in its own words.
    authorization: Option<HeaderValue>,
    sent_in_body: Vec<SecretString>,
}

impl Incoming {
    pub(crate) fn status(&self) -> StatusCode {
        self.answer.status()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.answer.headers()
    }

    /// The next piece of the body. One in a coding that nobody asked for is not read: it may be
    /// endless once decoded.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let coding = self.headers().get(CONTENT_ENCODING);
        if coding.is_some_and(|coding| !coding.is_empty() && coding != "identity") {
            return Err(self.unexpected(ResponseProblem::Encoded, None));
        }
        let chunk = self.answer.chunk().await;
        chunk.map_err(|error| transport(error, self.host.clone()))
    }

    /// The whole body, where it has at most `most` bytes.
    pub(crate) async fn read(&mut self, most: usize) -> Result<Vec<u8>, Error> {
        let announced = self.answer.content_length().unwrap_or(0);
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        let mut body = Vec::with_capacity(announced.clamp(SMALL_BODY, LARGE_BODY).min(most));
        self.read_into(&mut body, most).await?;
        Ok(body)
    }

    /// The whole body, into a buffer of the caller's.
    pub(crate) async fn read_into(&mut self, body: &mut Vec<u8>, most: usize) -> Result<(), Error> {
        if self
            .answer
            .content_length()
            .is_some_and(|announced| announced > most as u64)
        {
            return Err(self.unexpected(ResponseProblem::TooLong { max: most }, None));
        }
        while let Some(chunk) = self.chunk().await? {
            if chunk.len() > most - body.len() {
                return Err(self.unexpected(ResponseProblem::TooLong { max: most }, None));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(())
    }

    /// The id under which the answer is known at the server.
    pub(crate) fn correlation_id(&self) -> Option<String> {
        correlation_id(self.headers(), &revealed(&self.secrets()))
    }

    /// Tells which secrets the request's body held.
    pub(crate) fn sent_in_body(&mut self, secrets: Vec<SecretString>) {
        self.sent_in_body = secrets;
    }

    /// The request's own secrets.
    pub(crate) fn secrets(&self) -> Vec<SecretString> {
        let sent = self.authorization.as_ref().map(HeaderValue::as_bytes);
        let sent = sent.and_then(|bytes| str::from_utf8(bytes).ok());
        let mut secrets = sent.map_or_else(Vec::new, credentials);
        secrets.extend_from_slice(&self.sent_in_body);
        secrets
    }

    /// The error that the Platform API's answer means; a date in `Retry-After` is read by `clock`.
    pub(crate) async fn api_error(&mut self, clock: &Clock) -> Error {
        // The status says enough where the rest does not come.
        let body = tokio::time::timeout(ERROR_BODY_LIMIT, self.read(MOST_ERROR_BYTES)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        let head = self.head(retry_after(self.headers(), clock.wall()));
        classify_api(head, &body, &revealed(&self.secrets())).into()
    }

    /// The error that says what is wrong with this answer.
    pub(crate) fn unexpected(
        &self,
        problem: ResponseProblem,
        retry_after: Option<Duration>,
    ) -> Error {
        let head = self.head(retry_after);
        ErrorKind::UnexpectedResponse(UnexpectedResponse { head, problem }).into()
    }

    /// What the answer tells beside its body.
    pub(crate) fn head(&self, retry_after: Option<Duration>) -> ResponseHead {
        ResponseHead {
            endpoint: self.place.clone(),
            status: self.status(),
            retry_after,
            correlation_id: self.correlation_id(),
        }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("place", &self.place)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// What is secret in an `Authorization`: all behind the scheme, and the secret inside of Basic.
fn credentials(authorization: &str) -> Vec<SecretString> {
    let (_, all) = authorization.split_once(' ').unwrap_or(("", authorization));
    let plain = STANDARD.decode(all).map(Zeroizing::new);
    let plain = plain
        .as_deref()
        .ok()
        .and_then(|plain| str::from_utf8(plain).ok());
    let secret = plain.and_then(|plain| Some(plain.split_once(':')?.1));
    secret.into_iter().chain([all]).map(Into::into).collect()
}

/// Lends secrets to who takes them out of a text.
pub(crate) fn revealed(secrets: &[SecretString]) -> Vec<&str> {
    secrets.iter().map(ExposeSecret::expose_secret).collect()
}

/// What is set whatever the user's closure says.
fn safe(builder: ClientBuilder) -> ClientBuilder {
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

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const SMALL_BODY: usize = 8 * 1024;

/// What room is made for on a server's word alone.
const LARGE_BODY: usize = 256 * 1024;

/// How long an error's body is waited for.
const ERROR_BODY_LIMIT: Duration = Duration::from_secs(5);

/// What an error's body may have to be read at all.
const MOST_ERROR_BYTES: usize = 256 * 1024;

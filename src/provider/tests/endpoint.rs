//! A token endpoint in memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::{
    script::{Reply, Script},
    support::{MIDDLE, seconds},
};
use crate::{
    clock::Clock,
    error::{
        Error, ErrorKind, OAuthError, Peer, RateLimited, ResponseHead, ResponseProblem,
        TransportError, TransportKind, UnexpectedResponse,
    },
    grant::{Grant, IntoGrant},
    http_client::{App, HttpClient},
    provider::{
        Event, TokenProvider,
        cache::{Exchange, Settings, TokenCache},
        event::dispatcher::EventDispatcher,
        storage::Storage,
    },
    region::Region,
    retry::Jitter,
    token::AccessToken,
    token_endpoint::{ClientAuth, Issued, TokenEndpoint, TokenRequest},
};

pub(super) struct Endpoint {
    requests: AtomicUsize,
    open: AtomicUsize,
    max_open: AtomicUsize,
    /// The codes, refresh tokens and assertions of the requests, in their order.
    sent_secrets: Mutex<Vec<String>>,
    /// Each permit lets one request pass.
    gate: Semaphore,
    script: Box<dyn Script>,
}

impl Endpoint {
    pub(super) fn new(script: impl Script) -> Arc<Self> {
        Self::with_permits(Semaphore::MAX_PERMITS, script)
    }

    /// Holds every request until [`release`](Self::release).
    pub(super) fn gated(script: impl Script) -> Arc<Self> {
        Self::with_permits(0, script)
    }

    fn with_permits(permits: usize, script: impl Script) -> Arc<Self> {
        Arc::new(Self {
            requests: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            max_open: AtomicUsize::new(0),
            sent_secrets: Mutex::default(),
            gate: Semaphore::new(permits),
            script: Box::new(script),
        })
    }

    /// Holds every request from now on.
    #[cfg(feature = "login")]
    pub(super) fn hold(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(super) fn release(&self, requests: usize) {
        self.gate.add_permits(requests);
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub(super) async fn until_requests(&self, requests: usize) {
        while self.requests() < requests {
            tokio::task::yield_now().await;
        }
    }

    /// The codes, refresh tokens and assertions of the requests, in their order.
    pub(super) fn sent_secrets(&self) -> Vec<String> {
        self.sent_secrets.lock().clone()
    }

    pub(super) fn max_open(&self) -> usize {
        self.max_open.load(Ordering::SeqCst)
    }

    pub(super) fn provider(self: &Arc<Self>, clock: Clock, grant: impl IntoGrant) -> TokenProvider {
        self.builder(clock, grant).build()
    }

    pub(super) fn builder(
        self: &Arc<Self>,
        clock: Clock,
        grant: impl IntoGrant,
    ) -> ProviderBuilder {
        ProviderBuilder {
            endpoint: Arc::clone(self),
            clock,
            grant: grant.into_grant(),
            jitter: MIDDLE,
            settings: Settings {
                total: seconds(30.0),
                background: false,
                events: EventDispatcher::default(),
                storage: Storage::Nowhere,
            },
        }
    }

    async fn reply(&self, request: TokenRequest, clock: &Clock) -> Result<Issued, Error> {
        struct Open<'a>(&'a Endpoint);
        impl Drop for Open<'_> {
            fn drop(&mut self) {
                self.0.open.fetch_sub(1, Ordering::SeqCst);
            }
        }

        let requested = clock.now();
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        let _open = Open(self);
        let names = ["code", "refresh_token", "assertion"];
        let sent = request.form.iter();
        let sent = sent.filter(|(name, _)| names.contains(name));
        let sent = sent.map(|(_, value)| value.expose_secret().to_owned());
        self.sent_secrets.lock().extend(sent);
        self.max_open.fetch_max(open, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        let mut reply = self.script.reply(number);
        while let Reply::After(wait, then) = reply {
            tokio::time::sleep(wait).await;
            reply = *then;
        }
        let token = |name: String, life| {
            let life = Some(Duration::from_secs(life));
            let token = AccessToken::new(&SecretString::from(name), requested, life, clock);
            let (token, refresh_token) = (token.unwrap(), None);
            Ok(Issued {
                token,
                refresh_token,
            })
        };
        match reply {
            Reply::Token(life) => token(format!("token-{number}"), life),
            Reply::SameToken(life) => token("the-same-token".to_owned(), life),
            #[cfg(feature = "login")]
            Reply::Login(life, refresh_token) => {
                let issued = token(format!("token-{number}"), life)?;
                Ok(Issued {
                    refresh_token: refresh_token.map(Into::into),
                    ..issued
                })
            }
            Reply::InvalidGrant => Err(invalid_grant(&request)),
            Reply::Unavailable => Err(unavailable()),
            Reply::RateLimited(wait) => Err(rate_limited(wait)),
            Reply::InvalidClientUnless(secret) if matches!(&request.auth, ClientAuth::Basic(auth) if auth.secret.expose_secret() == secret) => {
                token(format!("token-{number}"), 3_600)
            }
            Reply::InvalidClient | Reply::InvalidClientUnless(_) => Err(invalid_client()),
            Reply::Unreachable => Err(unreachable()),
            Reply::Never | Reply::After(..) => std::future::pending().await,
        }
    }
}

/// Settings of a provider that sends its requests to an [`Endpoint`].
pub(super) struct ProviderBuilder {
    endpoint: Arc<Endpoint>,
    clock: Clock,
    grant: Grant,
    jitter: fn() -> Jitter,
    settings: Settings,
}

impl ProviderBuilder {
    pub(super) fn jitter(mut self, jitter: fn() -> Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// The maximum wait of a caller.
    pub(super) fn total(mut self, total: Duration) -> Self {
        self.settings.total = total;
        self
    }

    pub(super) fn background_renewal(mut self) -> Self {
        self.settings.background = true;
        self
    }

    pub(super) fn on_event(mut self, handle: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.settings.events = EventDispatcher::new(handle);
        self
    }

    pub(super) fn storage(mut self, storage: Storage) -> Self {
        self.settings.storage = storage;
        self
    }

    pub(super) fn build(self) -> TokenProvider {
        let (endpoint, clock) = (self.endpoint, self.clock.clone());
        let script = Box::new(move |request| {
            let (endpoint, clock) = (Arc::clone(&endpoint), clock.clone());
            Box::pin(async move { endpoint.reply(request, &clock).await }) as _
        });
        let endpoint = TokenEndpoint {
            // A port on which nothing listens.
            region: Region::custom("http://127.0.0.1:9", "http://127.0.0.1:9").unwrap(),
            http_client: HttpClient::default(),
            app: App::new(None).unwrap(),
            attempt: seconds(10.0),
            clock: self.clock,
        };
        let exchange = Exchange::Script(script);
        let cache =
            TokenCache::with_exchange(self.grant, endpoint, self.settings, exchange, self.jitter);
        TokenProvider {
            cache: cache.unwrap(),
        }
    }
}

fn unavailable() -> Error {
    ErrorKind::UnexpectedResponse(UnexpectedResponse {
        head: head(503, None),
        problem: ResponseProblem::Status,
    })
    .into()
}

fn rate_limited(wait: Duration) -> Error {
    ErrorKind::RateLimited(RateLimited {
        head: head(429, Some(wait)),
        message: None,
        response: None,
    })
    .into()
}

fn invalid_client() -> Error {
    let description = Some("authentication failed".into());
    oauth_error("invalid_client", description, "client_credentials")
}

fn invalid_grant(request: &TokenRequest) -> Error {
    let grant_type = request.form.iter().find(|(name, _)| *name == "grant_type");
    let grant_type = grant_type.map_or("", |(_, value)| value.expose_secret());
    oauth_error("invalid_grant", None, grant_type)
}

fn oauth_error(error: &str, description: Option<String>, grant_type: &str) -> Error {
    let head = head(400, None);
    ErrorKind::OAuth(OAuthError::new(head, error.into(), description, grant_type)).into()
}

fn unreachable() -> Error {
    ErrorKind::Transport(TransportError {
        kind: TransportKind::Refused,
        peer: Peer::of(&"https://login.example".parse().unwrap()),
        cause: None,
        correlation_id: None,
        nothing_sent: true,
        source: None,
    })
    .into()
}

fn head(status: u16, retry_after: Option<Duration>) -> ResponseHead {
    ResponseHead {
        endpoint: "POST /oauth/token".into(),
        status: status.try_into().unwrap(),
        retry_after,
        correlation_id: None,
    }
}

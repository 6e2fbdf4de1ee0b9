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

use crate::{
    clock::Clock,
    error::{
        Error, ErrorKind, OAuthError, RateLimited, ResponseHead, ResponseProblem, TransportError,
        TransportKind, UnexpectedResponse,
    },
    grant::{ClientCredentials, Grant, IntoGrant},
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

/// What the endpoint answers to one request.
#[derive(Clone, Debug)]
pub(super) enum Say {
    /// A new token that lives for so many seconds.
    Token(u64),
    /// The same token each time.
    Same(u64),
    Unavailable,
    RateLimited(Duration),
    /// A user's new token, and a refresh token.
    #[cfg(feature = "login")]
    Login(u64, Option<&'static str>),
    /// `invalid_grant`.
    InvalidGrant,
    /// `invalid_client`.
    Refuse,
    /// `invalid_client`, unless this is the secret.
    RefuseUnless(&'static str),
    /// The connection could not be made.
    Unreachable,
    /// Never.
    Nothing,
    /// Later.
    After(Duration, Box<Self>),
}

pub(super) struct Endpoint {
    requests: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    /// The codes, refresh tokens and assertions that came.
    handed_in: Mutex<Vec<String>>,
    /// One permit lets one request through.
    gate: Semaphore,
    script: Box<dyn Fn(usize) -> Say + Send + Sync>,
}

impl Endpoint {
    /// Answers the first request as `script(0)` says, and so on.
    pub(super) fn new(script: impl Fn(usize) -> Say + Send + Sync + 'static) -> Arc<Self> {
        Self::with_permits(Semaphore::MAX_PERMITS, script)
    }

    /// Holds every request until [`release`](Self::release).
    pub(super) fn gated(script: impl Fn(usize) -> Say + Send + Sync + 'static) -> Arc<Self> {
        Self::with_permits(0, script)
    }

    fn with_permits(
        permits: usize,
        script: impl Fn(usize) -> Say + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            requests: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            handed_in: Mutex::default(),
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

    /// The codes, refresh tokens and assertions that came, in their order.
    pub(super) fn handed_in(&self) -> Vec<String> {
        self.handed_in.lock().clone()
    }

    pub(super) fn most_at_once(&self) -> usize {
        self.most_open.load(Ordering::SeqCst)
    }

    pub(super) fn provider(self: &Arc<Self>, clock: Clock, grant: impl IntoGrant) -> TokenProvider {
        self.provider_with(clock, grant, || Jitter::pinned(0.5), |_| {}, false)
    }

    pub(super) fn provider_with(
        self: &Arc<Self>,
        clock: Clock,
        grant: impl IntoGrant,
        draw: fn() -> Jitter,
        times: impl FnOnce(&mut (Duration, Duration)),
        background: bool,
    ) -> TokenProvider {
        let mut attempt_and_total = (seconds(10.0), seconds(30.0));
        times(&mut attempt_and_total);
        let (attempt, total) = attempt_and_total;
        let settings = Settings {
            total,
            background,
            events: EventDispatcher::default(),
            storage: Storage::Nowhere,
        };
        self.provider_of(clock, grant.into_grant(), draw, attempt, settings)
    }

    /// With a handler of events.
    pub(super) fn provider_telling(
        self: &Arc<Self>,
        clock: Clock,
        grant: impl IntoGrant,
        handle: impl Fn(&Event) + Send + Sync + 'static,
    ) -> TokenProvider {
        self.provider_storing(clock, grant.into_grant(), Storage::Nowhere, handle)
    }

    /// With a store, and a handler of events.
    pub(super) fn provider_storing(
        self: &Arc<Self>,
        clock: Clock,
        grant: Grant,
        stored: Storage,
        handle: impl Fn(&Event) + Send + Sync + 'static,
    ) -> TokenProvider {
        let settings = Settings {
            total: seconds(30.0),
            background: false,
            events: EventDispatcher::new(handle),
            storage: stored,
        };
        let draw = || Jitter::pinned(0.5);
        self.provider_of(clock, grant, draw, seconds(10.0), settings)
    }

    fn provider_of(
        self: &Arc<Self>,
        clock: Clock,
        grant: Grant,
        draw: fn() -> Jitter,
        attempt: Duration,
        settings: Settings,
    ) -> TokenProvider {
        let (endpoint, answers) = (Arc::clone(self), clock.clone());
        let script = Box::new(move |request| {
            let (endpoint, clock) = (Arc::clone(&endpoint), answers.clone());
            Box::pin(async move { endpoint.answer(request, &clock).await }) as _
        });
        let endpoint = TokenEndpoint {
            // Nobody listens there.
            region: Region::custom("http://127.0.0.1:9", "http://127.0.0.1:9").unwrap(),
            http_client: HttpClient::default(),
            app: App::new(None).unwrap(),
            attempt,
            clock,
        };
        let exchange = Exchange::Script(script);
        let cache = TokenCache::with_exchange(grant, endpoint, settings, exchange, draw);
        TokenProvider {
            cache: cache.unwrap(),
        }
    }

    async fn answer(&self, request: TokenRequest, clock: &Clock) -> Result<Issued, Error> {
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
        let secrets = ["code", "refresh_token", "assertion"];
        let given = request.form.iter();
        let given = given.filter(|(name, _)| secrets.contains(name));
        let given = given.map(|(_, value)| value.expose_secret().to_owned());
        self.handed_in.lock().extend(given);
        self.most_open.fetch_max(open, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        let mut say = (self.script)(number);
        while let Say::After(wait, then) = say {
            tokio::time::sleep(wait).await;
            say = *then;
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
        match say {
            Say::Token(life) => token(format!("token-{number}"), life),
            Say::Same(life) => token("the-same-token".to_owned(), life),
            #[cfg(feature = "login")]
            Say::Login(life, refresh_token) => {
                let issued = token(format!("token-{number}"), life)?;
                Ok(Issued {
                    refresh_token: refresh_token.map(Into::into),
                    ..issued
                })
            }
            Say::InvalidGrant => Err(invalid_grant(&request)),
            Say::Unavailable => Err(unavailable()),
            Say::RateLimited(wait) => Err(limited(wait)),
            Say::RefuseUnless(secret) if matches!(&request.auth, ClientAuth::Basic(auth) if auth.secret.expose_secret() == secret) => {
                token(format!("token-{number}"), 3_600)
            }
            Say::Refuse | Say::RefuseUnless(_) => Err(refused()),
            Say::Unreachable => Err(unreachable()),
            Say::Nothing | Say::After(..) => std::future::pending().await,
        }
    }
}

pub(super) fn credentials() -> ClientCredentials {
    ClientCredentials::new("a-client", "secret-1").unwrap()
}

pub(super) fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn unavailable() -> Error {
    ErrorKind::UnexpectedResponse(UnexpectedResponse {
        head: head(503, None),
        problem: ResponseProblem::Status,
    })
    .into()
}

fn limited(wait: Duration) -> Error {
    ErrorKind::RateLimited(RateLimited {
        head: head(429, Some(wait)),
        message: None,
        response: None,
    })
    .into()
}

fn refused() -> Error {
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
        host: "login".into(),
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

//! A process of a fleet: it takes orders from its parent.

use std::{
    collections::BTreeSet,
    future::pending,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use genesys_cloud_auth::{
    AccessToken, AuthorizationCode, ClientCredentials, Clock, Error, Event, HttpClient, Login,
    LoginBuilder, Region, TokenProvider, TokenProviderBuilder,
    error::StoreError,
    sandbox::Sandbox,
    store::{RedisStore, RedisTurn, Sealed, SealingKey, StoreKey, TokenStore},
};
use secrecy::ExposeSecret as _;
use tokio::{runtime::Runtime, sync::watch, time::timeout};

use crate::{
    child_process::{ChildProcess, command, read_from_parent, send_to_parent},
    sentinel,
    server::send_signal,
};

pub const USER: &str = "jo";
pub const WEB: &str = "https://app.example/callback";

/// The lifetime of an access token.
pub const LIFE: Duration = Duration::from_secs(600);

/// What a process knows.
#[derive(Clone)]
pub struct Site {
    pub url: String,
    pub client_id: String,
    pub secret: String,
    pub redis: String,
}

impl Site {
    pub fn of(sandbox: &Sandbox, redis: &str) -> Self {
        Self {
            url: sandbox.url(),
            client_id: sandbox.client_id().to_owned(),
            secret: sandbox.client_secret().expose_secret().to_owned(),
            redis: redis.to_owned(),
        }
    }

    fn job(&self, kind: &str) -> [String; 5] {
        let Self {
            url,
            client_id,
            secret,
            redis,
        } = self.clone();
        [url, client_id, secret, redis, kind.to_owned()]
    }

    fn region(&self) -> Region {
        Region::custom(&format!("{}/login", self.url), &format!("{}/api", self.url)).unwrap()
    }

    pub fn store(&self) -> RedisStore {
        sentinel::store_of(&self.redis).unwrap_or_else(|| RedisStore::new(&self.redis).unwrap())
    }

    pub fn builder(&self, clock: &Clock) -> TokenProviderBuilder {
        let credentials = ClientCredentials::new(&self.client_id, &*self.secret).unwrap();
        let builder = TokenProvider::builder(self.region(), credentials);
        builder.http_client(connections()).clock(clock.clone())
    }

    /// A provider with the store.
    pub fn tokens(&self, clock: &Clock) -> TokenProvider {
        self.builder(clock).store(self.store()).build().unwrap()
    }

    pub fn login(&self, key: SealingKey, clock: &Clock) -> Login {
        let builder = self.login_builder(clock).store(self.store(), key);
        builder.build().unwrap()
    }

    fn login_builder(&self, clock: &Clock) -> LoginBuilder {
        let app = AuthorizationCode::public(&self.client_id, WEB).unwrap();
        let builder = Login::builder(self.region(), app).http_client(connections());
        builder.clock(clock.clone())
    }
}

/// Logs the sandbox's first user in.
pub async fn log_in(sandbox: &Sandbox, login: &Login) -> TokenProvider {
    log_in_as(USER, sandbox, login).await
}

/// Logs the sandbox's first user in under this name.
pub async fn log_in_as(name: &str, sandbox: &Sandbox, login: &Login) -> TokenProvider {
    let pending = login.begin().unwrap();
    let page = pending.authorize_url().to_string();
    let callback = sandbox.log_in(&page, &sandbox.users()[0]).await;
    login.finish(pending, &callback, name).await.unwrap()
}

/// Returns a client without the machine's certificates, which take long to read and are not needed.
fn connections() -> HttpClient {
    HttpClient::new(|reqwest| reqwest.tls_certs_only([])).unwrap()
}

/// A sandbox whose tokens live as long as the tests of this program expect.
pub async fn sandbox() -> Sandbox {
    let sandbox = Sandbox::builder().token_lifetime(LIFE).start();
    sandbox.await.unwrap()
}

pub fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

/// Returns a hash, which compares tokens without showing them.
pub fn hash_of(token: &AccessToken) -> String {
    let mut hasher = DefaultHasher::new();
    token.expose_secret().hash(&mut hasher);
    hasher.finish().to_string()
}

/// Processes with one store.
pub struct Fleet(Vec<ChildProcess>);

impl Fleet {
    /// Starts this test again in `count` processes.
    pub fn start(count: usize, test: &str, site: &Site, kind: &str) -> Self {
        let job = site.job(kind);
        let children = (0..count).map(|_| ChildProcess::start(&mut command(test, &job)));
        let mut fleet = Self(children.collect());
        fleet.each_says("ready");
        fleet
    }

    pub fn send(&mut self, order: &str) {
        for child in &mut self.0 {
            child.send(order);
        }
    }

    pub fn each_says(&mut self, expected: &str) {
        for message in self.messages() {
            assert_eq!(message, expected);
        }
    }

    pub fn messages(&mut self) -> Vec<String> {
        let messages = self.0.iter_mut().map(ChildProcess::next_message);
        messages
            .map(|message| message.expect("no process ends"))
            .collect()
    }

    /// Asks all at once for a token. No process may fail to get one.
    pub fn tokens(&mut self) -> BTreeSet<String> {
        self.send("token");
        self.received_tokens()
    }

    pub fn received_tokens(&mut self) -> BTreeSet<String> {
        let messages = self.messages().into_iter();
        let tokens = messages.map(|message| match message.strip_prefix("token ") {
            Some(token) => token.to_owned(),
            None => panic!("{message}"),
        });
        tokens.collect()
    }

    /// Stops processes that wait for it.
    pub fn stop(&self) {
        self.0.iter().for_each(stop);
    }

    /// Lets stopped processes go on.
    pub fn resume(&mut self) {
        self.0.iter_mut().for_each(resume);
    }

    /// Ends the life of all tokens.
    pub fn end_tokens(&mut self) {
        self.send("end");
        self.each_says("ended");
    }

    /// Waits until each process has reported this number of failures of the store, and no other.
    pub fn expect_store_failures(&mut self, failures: usize) {
        self.send(&format!("failures: {failures}"));
        self.each_says(&format!("failures: {failures}"));
    }
}

/// Does what the parent orders.
pub fn serve(job: Vec<String>) {
    let [url, client_id, secret, redis, kind] = job.try_into().unwrap();
    let site = Site {
        url,
        client_id,
        secret,
        redis,
    };
    runtime().block_on(async {
        let clock = Clock::manual();
        let failures = watch::Sender::new(0);
        let stops = |at| Stops {
            store: site.store(),
            at,
            has_stopped: AtomicBool::default(),
        };
        let key = SealingKey::from_bytes([7; 32]);
        let tokens = match &*kind {
            "login" => saved(&site.login(key, &clock)).await,
            "login, stops at its save" => {
                let login = site.login_builder(&clock).store(stops(At::Save), key);
                saved(&login.build().unwrap()).await
            }
            "service" => service(site.builder(&clock).store(site.store()), &failures),
            "service, stops with the turn" => {
                service(site.builder(&clock).store(stops(At::Turn)), &failures)
            }
            "service, stops at its save" => {
                service(site.builder(&clock).store(stops(At::Save)), &failures)
            }
            kind => panic!("{kind}"),
        };
        send_to_parent("ready");
        loop {
            let order = read_from_parent();
            match order.split_once(": ").unwrap_or((&order, "")) {
                ("token", _) => send_to_parent(&report(tokens.token().await)),
                ("token after pauses", _) => {
                    let ready = tokens.ready(LIFE).await;
                    let token = match ready {
                        Ok(()) => tokens.token().await,
                        Err(error) => Err(error),
                    };
                    send_to_parent(&report(token));
                }
                ("end", _) => {
                    clock.advance(LIFE);
                    send_to_parent("ended");
                }
                ("failures", least) => {
                    let least = least.parse().unwrap();
                    let mut seen = failures.subscribe();
                    let enough = seen.wait_for(|seen: &usize| *seen >= least);
                    let _ = timeout(Duration::from_secs(60), enough).await;
                    send_to_parent(&format!("failures: {}", *failures.borrow()));
                }
                _ => return,
            }
        }
    });
}

fn service(builder: TokenProviderBuilder, failures: &watch::Sender<usize>) -> TokenProvider {
    let failures = failures.clone();
    let builder = builder.on_event(move |event| {
        if let Event::StoreFailed { .. } = event {
            failures.send_modify(|failures| *failures += 1);
        }
    });
    builder.build().unwrap()
}

async fn saved(login: &Login) -> TokenProvider {
    login.saved(USER).await.unwrap().unwrap()
}

fn report(token: Result<AccessToken, Error>) -> String {
    match token {
        Ok(token) => format!("token {}", hash_of(&token)),
        Err(error) if error.needs_login() => LOGIN_REQUIRED.to_owned(),
        Err(error) => format!("failed: {error}"),
    }
}

pub const LOGIN_REQUIRED: &str = "failed: a login is required";

/// A store whose process says so and stays there, the first time it gets there.
struct Stops {
    store: RedisStore,
    at: At,
    has_stopped: AtomicBool,
}

enum At {
    /// The process has the turn, and keeps it while it lives.
    Turn,
    /// The process is stopped as it is, and saves when it goes on.
    Save,
}

impl TokenStore for Stops {
    type Turn = RedisTurn;

    async fn load(&self, key: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        self.store.load(key).await
    }

    async fn take_turn(&self, key: &StoreKey, wait: Duration) -> Result<RedisTurn, StoreError> {
        let turn = self.store.take_turn(key, wait).await?;
        if matches!(self.at, At::Turn) {
            send_to_parent("has the turn");
            return pending().await;
        }
        Ok(turn)
    }

    async fn save(&self, turn: RedisTurn, key: &StoreKey, value: Sealed) -> Result<(), StoreError> {
        if !self.has_stopped.swap(true, Ordering::Relaxed) {
            wait_to_be_stopped("saves");
        }
        self.store.save(turn, key, value).await
    }

    async fn remove(&self, turn: RedisTurn, key: &StoreKey) -> Result<(), StoreError> {
        self.store.remove(turn, key).await
    }
}

/// Sends this message, and waits until the parent calls [`stop`] and then [`resume`].
pub fn wait_to_be_stopped(message: &str) {
    send_to_parent(message);
    assert_eq!(read_from_parent(), "go on");
}

pub fn stop(child: &ChildProcess) {
    send_signal("STOP", child.id());
}

pub fn resume(child: &mut ChildProcess) {
    child.send("go on");
    send_signal("CONT", child.id());
}

//! Tokens and logins that processes share, and processes that are stopped, killed, or find what is
//! not as it should be.

mod asked_for;
mod credentials;
mod ended;
mod kills;
#[cfg(unix)]
mod refused;
mod revoked;
mod rotation;
mod sealed;
#[cfg(unix)]
mod spoiled;
#[cfg(unix)]
mod turns;
#[cfg(unix)]
mod unavailable;

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use genesys_cloud_auth::{
    AccessToken, AuthorizationCode, Clock, Error, HttpClient, Login, Region, TokenProvider,
    error::StoreError,
    sandbox::{RefreshTokens, Sandbox},
    store::{FileStore, FileTurn, Sealed, SealingKey, StoreKey, TokenStore},
};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use crate::{
    login::WEB,
    support::{child_process::command, files::names, kind_of},
};

const USER: &str = "jo";

/// How long an access token lives.
const LIFE: Duration = Duration::from_secs(600);

/// One sandbox and one folder, which all processes of a test share.
struct Site {
    sandbox: Sandbox,
    folder: TempDir,
    /// That of the logins in this process.
    clock: Clock,
}

impl Site {
    async fn new(refresh_tokens: RefreshTokens) -> Self {
        let builder = Sandbox::builder().code_client([WEB]);
        let builder = builder.refresh_tokens(refresh_tokens).token_lifetime(LIFE);
        Self {
            sandbox: builder.start().await.unwrap(),
            folder: tempfile::tempdir().unwrap(),
            clock: Clock::manual(),
        }
    }

    /// As another process that starts has it, with the same time.
    fn login(&self) -> Login {
        self.here().login(self.here().store(), &self.clock)
    }

    async fn saved(&self) -> Option<TokenProvider> {
        self.login().saved(USER).await.unwrap()
    }

    async fn log_in(&self) -> TokenProvider {
        self.log_in_by(&self.login()).await
    }

    async fn log_in_by(&self, login: &Login) -> TokenProvider {
        let pending = login.begin().unwrap();
        let url = pending.authorize_url().clone();
        let user = &self.sandbox.users()[0];
        let back = self.sandbox.log_in(url.as_str(), user).await;
        login.finish(pending, &back, USER).await.unwrap()
    }

    fn here(&self) -> Here {
        Here {
            url: self.sandbox.url(),
            client_id: self.sandbox.client_id().to_owned(),
            folder: self.folder.path().to_owned(),
            rest: Vec::new(),
        }
    }

    /// The test again, in a process of its own: its [`Here`].
    fn child(&self, test: &str, rest: &[&str]) -> std::process::Command {
        let folder = self.folder.path().to_str().unwrap();
        let url = self.sandbox.url();
        let mut job = vec![&*url, self.sandbox.client_id(), folder];
        job.extend(rest);
        command(test, &job)
    }

    fn record(&self) -> PathBuf {
        record_in(self.folder.path())
    }

    fn names(&self) -> Vec<String> {
        names(self.folder.path())
    }

    /// There is a record and its lock, and nothing else.
    #[track_caller]
    fn is_tidy(&self) {
        let names = self.names();
        let [record, lock] = &names[..] else {
            panic!("{names:?}")
        };
        assert_eq!(*lock, format!("{record}.lock"));
    }
}

/// What a process is told of its [`Site`].
struct Here {
    url: String,
    client_id: String,
    folder: PathBuf,
    rest: Vec<String>,
}

impl Here {
    fn of(job: Vec<String>) -> Self {
        let mut job = job.into_iter();
        let mut next = || job.next().unwrap();
        Self {
            url: next(),
            client_id: next(),
            folder: next().into(),
            rest: job.collect(),
        }
    }

    fn region(&self) -> Region {
        Region::custom(&format!("{}/login", self.url), &format!("{}/api", self.url)).unwrap()
    }

    fn store(&self) -> FileStore {
        FileStore::in_folder(&self.folder)
    }

    fn app(&self) -> AuthorizationCode {
        AuthorizationCode::public(&self.client_id, WEB).unwrap()
    }

    fn login(&self, store: impl TokenStore, clock: &Clock) -> Login {
        let builder = Login::builder(self.region(), self.app());
        let builder = builder.store(store, SealingKey::from_bytes([7; 32]));
        let builder = builder.http_client(connections());
        builder.clock(clock.clone()).build().unwrap()
    }
}

/// Without the machine's certificates: it takes long to read them, and nothing here needs them.
fn connections() -> HttpClient {
    HttpClient::new(|reqwest| reqwest.tls_certs_only([])).unwrap()
}

/// A file store that calls `before` at each step from the turn to the end of a save: `turn`,
/// `saves` with the hash of what is saved, `save`, and then the file store's own.
#[derive(Clone)]
struct Stepwise {
    files: FileStore,
    /// Says nothing of what it does.
    plain: FileStore,
    before: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Stepwise {
    fn new(folder: &Path, before: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let before: Arc<dyn Fn(&str) + Send + Sync> = Arc::new(before);
        let plain = FileStore::in_folder(folder);
        let step = Arc::clone(&before);
        Self {
            files: FileStore::in_folder(folder).before_step(move |name| step(name)),
            plain,
            before,
        }
    }
}

impl TokenStore for Stepwise {
    type Turn = FileTurn;

    async fn load(&self, key: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        self.plain.load(key).await
    }

    async fn take_turn(&self, key: &StoreKey, wait: Duration) -> Result<FileTurn, StoreError> {
        (self.before)("turn");
        self.plain.take_turn(key, wait).await
    }

    async fn save(&self, turn: FileTurn, key: &StoreKey, value: Sealed) -> Result<(), StoreError> {
        (self.before)(&format!("saves {}", hash(value.as_bytes())));
        (self.before)("save");
        self.files.save(turn, key, value).await
    }

    async fn remove(&self, turn: FileTurn, key: &StoreKey) -> Result<(), StoreError> {
        self.plain.remove(turn, key).await
    }
}

/// The one record.
fn record_in(folder: &Path) -> PathBuf {
    let mut names = names(folder).into_iter();
    folder.join(names.find(|name| !name.contains('.')).unwrap())
}

/// By the ending of its name.
fn is_a(name: &str, ending: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|given| given == ending)
}

/// Tells texts apart without showing them.
fn hash(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish().to_string()
}

fn hash_of(token: &AccessToken) -> String {
    hash(token.expose_secret().as_bytes())
}

fn hash_of_file(path: &Path) -> String {
    hash(&fs::read(path).unwrap())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[track_caller]
fn is(error: &Error, kind: &str) {
    assert_eq!(kind_of(error), kind, "{error}");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

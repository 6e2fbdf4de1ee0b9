//! Tokens and logins that processes share, processes that are stopped or killed, and unusable files.

mod credentials;
#[cfg(unix)]
mod damage;
mod ended;
#[cfg(unix)]
mod expired;
mod kills;
mod login_lookup;
mod revoked;
mod rotation;
mod sealed;
#[cfg(unix)]
mod turns;
#[cfg(unix)]
mod unavailable;
#[cfg(unix)]
mod unusable_files;

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
    support::{
        assert_kind,
        child_process::{command, job},
        files::names,
        kind_of,
        login::log_in,
        runtime::runtime,
        with_sources,
    },
};

const USER: &str = "jo";

/// The lifetime of an access token.
const LIFE: Duration = Duration::from_secs(600);

/// One sandbox and one folder for all processes of a test.
struct Site {
    sandbox: Sandbox,
    folder: TempDir,
    /// The clock of the logins in this process.
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

    /// A site whose user is logged in.
    async fn logged_in(refresh_tokens: RefreshTokens) -> Self {
        let site = Self::new(refresh_tokens).await;
        site.log_in().await;
        site
    }

    /// Returns the login of another process with the same time.
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
        log_in(&self.sandbox, login, USER).await
    }

    fn here(&self) -> ChildSite {
        ChildSite {
            url: self.sandbox.url(),
            client_id: self.sandbox.client_id().to_owned(),
            folder: self.folder.path().to_owned(),
            rest: Vec::new(),
        }
    }

    /// Runs the test again in a process of its own, which reads its [`ChildSite`].
    fn child(&self, test: &str, rest: &[&str]) -> std::process::Command {
        command(test, &self.job(rest))
    }

    /// The arguments of a child process.
    fn job(&self, rest: &[&str]) -> Vec<String> {
        let folder = self.folder.path().to_str().unwrap().to_owned();
        let own = [
            self.sandbox.url(),
            self.sandbox.client_id().to_owned(),
            folder,
        ];
        own.into_iter()
            .chain(rest.iter().map(|&word| word.to_owned()))
            .collect()
    }

    fn record(&self) -> PathBuf {
        record_in(self.folder.path())
    }

    fn names(&self) -> Vec<String> {
        names(self.folder.path())
    }

    /// Asserts that there is a record and its lock, and nothing else.
    #[track_caller]
    fn assert_tidy(&self) {
        let names = self.names();
        let [record, lock] = &names[..] else {
            panic!("{names:?}")
        };
        assert_eq!(*lock, format!("{record}.lock"));
    }
}

/// What a child process knows of its [`Site`].
struct ChildSite {
    url: String,
    client_id: String,
    folder: PathBuf,
    rest: Vec<String>,
}

impl ChildSite {
    /// Returns the site of this process, if it is a child.
    fn of_this_process() -> Option<Self> {
        job().map(Self::of)
    }

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

    /// Returns the stored login, and the clock of this process.
    async fn saved(&self, store: impl TokenStore) -> (TokenProvider, Clock) {
        let clock = Clock::manual();
        let login = self.login(store, &clock);
        (login.saved(USER).await.unwrap().unwrap(), clock)
    }
}

/// Returns a client without the machine's certificates, which take long to read and are not needed.
fn connections() -> HttpClient {
    HttpClient::new(|reqwest| reqwest.tls_certs_only([])).unwrap()
}

/// A file store that calls `before` at each step: `turn`, `saves` with the hash of the record, `save`,
/// and then the steps of the file store.
#[derive(Clone)]
struct Stepwise {
    files: FileStore,
    /// Returns a store that reports no steps.
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

/// Returns the path of the only record.
fn record_in(folder: &Path) -> PathBuf {
    let mut names = names(folder).into_iter();
    folder.join(names.find(|name| !name.contains('.')).unwrap())
}

/// Whether the name has this ending.
fn has_ending(name: &str, ending: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|given| given == ending)
}

/// Returns a hash, which compares texts without showing them.
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

fn rotating(has_grace: bool, grace: Duration) -> RefreshTokens {
    if has_grace {
        RefreshTokens::RotatingWithGrace(grace)
    } else {
        RefreshTokens::Rotating
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

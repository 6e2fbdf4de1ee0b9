//! A user's login: its refresh token, its store, and its end.

mod lineage;
mod races;
mod unsaved;

use std::sync::{
    atomic::{AtomicBool, Ordering},
    mpsc::Receiver,
};

use super::*;
use crate::{
    error::StoreError,
    grant::{AuthorizationCode, CodeGrant, Grant, Kind},
    seal::SealingKey,
    store::{MemoryStore, Sealed, SharedStore, StoreKey, TokenStore},
};

struct User {
    endpoint: Arc<Endpoint>,
    clock: Clock,
    store: MemoryStore,
}

impl User {
    /// A user who is not logged in. The first request of a login sends its code.
    fn new(script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        Self {
            endpoint: Endpoint::new(script),
            clock: Clock::manual(),
            store: MemoryStore::new(),
        }
    }

    /// The provider of one more process.
    fn process(&self) -> TokenProvider {
        self.process_with(SealingKey::from_bytes([7; 32]), |_| {})
    }

    fn process_with(
        &self,
        key: SealingKey,
        handle: impl Fn(&Event) + Send + Sync + 'static,
    ) -> TokenProvider {
        self.process_storing_in(self.store.clone(), key, handle)
    }

    fn process_in(&self, store: &LooseStore) -> TokenProvider {
        self.process_storing_in(store.clone(), SealingKey::unsealed(), |_| {})
    }

    fn process_storing_in(
        &self,
        store: impl TokenStore,
        key: SealingKey,
        handle: impl Fn(&Event) + Send + Sync + 'static,
    ) -> TokenProvider {
        let app = AuthorizationCode::public("a-client", "http://localhost").unwrap();
        let keeping = StoreScope::new(SharedStore::new(store), ["somebody".to_owned()]);
        let storage = Storage::Login(keeping.slot_of_key(key));
        let grant = Grant(Kind::AuthorizationCode(Box::new(app)));
        let clock = self.clock.clone();
        self.endpoint
            .builder(clock, grant)
            .storage(storage)
            .on_event(handle)
            .build()
    }

    async fn logged_in(&self) -> TokenProvider {
        let tokens = self.process();
        log_in(&tokens).await.unwrap();
        tokens
    }

    async fn until_requests(&self, requests: usize) {
        while self.endpoint.requests() < requests {
            tokio::task::yield_now().await;
        }
    }
}

/// The grant and the storage of a login in this store.
pub(super) fn with_store(store: impl TokenStore) -> (Grant, Storage) {
    let app = AuthorizationCode::public("a-client", "http://localhost").unwrap();
    let scope = StoreScope::new(SharedStore::new(store), ["somebody".to_owned()]);
    let storage = Storage::Login(scope.slot_of_key(SealingKey::unsealed()));
    (Grant(Kind::AuthorizationCode(Box::new(app))), storage)
}

async fn log_in(tokens: &TokenProvider) -> Result<(), Error> {
    let code = CodeGrant {
        code: "a-code".into(),
        verifier: "v".into(),
        redirect_uri: "http://localhost".to_owned(),
    };
    tokens.log_in(&code, None).await
}

fn is_login_required(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Login(_)) && error.needs_login()
}

#[tokio::test(start_paused = true)]
async fn no_token_before_the_first_login() {
    let user = User::new(|_| Reply::Login(60, Some("r")));
    let tokens = user.process();
    assert!(is_login_required(&failure(&tokens).await));
    assert!(!tokens.is_logged_in().await.unwrap());
    assert_eq!(user.endpoint.requests(), 0);
    // A new login is found during the pause.
    let other = user.logged_in().await;
    assert!(other.is_logged_in().await.unwrap());
    user.clock.advance(seconds(1.0));
    assert_eq!(text(&tokens).await, "token-0");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code"]);
}

#[tokio::test(start_paused = true)]
async fn newest_refresh_token_is_used() {
    let user = User::new(|number| {
        Reply::Login(
            60,
            [Some("r-0"), Some("r-1"), None, Some("r-3")][number % 4],
        )
    });
    let tokens = user.logged_in().await;
    for number in 1..=4 {
        user.clock.advance(seconds(61.0));
        // A restarted process renews it each time.
        let restarted = user.process();
        assert_eq!(text(&restarted).await, format!("token-{number}"));
        assert_eq!(text(&tokens).await, format!("token-{number}"));
    }
    assert_eq!(
        user.endpoint.sent_secrets(),
        ["a-code", "r-0", "r-1", "r-1", "r-3"]
    );
}

#[tokio::test(start_paused = true)]
async fn processes_that_renew_together_use_a_refresh_token_once() {
    let user = User::new(|number| {
        let refresh_token: &str = format!("r-{number}").leak();
        let reply = Reply::Login(60, Some(refresh_token));
        Reply::After(seconds(1.0), Box::new(reply))
    });
    user.logged_in().await;
    user.clock.advance(seconds(61.0));
    let processes: Vec<_> = (0..8)
        .map(|_| user.process())
        .map(|tokens| tokio::spawn(async move { text(&tokens).await }))
        .collect();
    for process in processes {
        assert_eq!(process.await.unwrap(), "token-1");
    }
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "r-0"]);
}

#[tokio::test(start_paused = true)]
async fn lost_response_is_retried_and_invalid_grant_ends_login() {
    let user = User::new(|number| match number {
        0 => Reply::Login(60, Some("r-0")),
        1 => Reply::Unavailable,
        2 => Reply::Never,
        3 => Reply::Login(60, Some("r-1")),
        _ => Reply::InvalidGrant,
    });
    let tokens = user.logged_in().await;
    user.clock.advance(seconds(61.0));
    for _ in 0..2 {
        let error = failure(&tokens).await;
        assert!(error.is_transient() && !error.needs_login(), "{error:?}");
        user.clock.advance(error.retry_after().unwrap());
    }
    assert_eq!(text(&tokens).await, "token-3");
    user.clock.advance(seconds(61.0));
    let error = failure(&tokens).await;
    assert!(is_login_required(&error), "{error:?}");
    assert_eq!(
        user.endpoint.sent_secrets(),
        ["a-code", "r-0", "r-0", "r-0", "r-1"]
    );
    // The login has ended for all processes, and no request follows.
    assert!(!user.process().is_logged_in().await.unwrap());
    for _ in 0..20 {
        user.clock.advance(seconds(30.0));
        assert!(is_login_required(&failure(&tokens).await));
    }
    assert_eq!(user.endpoint.requests(), 5);
}

/// A store whose turns exclude nothing and which can fail to change its record.
#[derive(Clone, Default)]
struct LooseStore {
    record: Arc<Mutex<Option<Sealed>>>,
    fails_to_save: Arc<AtomicBool>,
}

impl TokenStore for LooseStore {
    type Turn = ();

    async fn load(&self, _: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        Ok(self.record.lock().clone())
    }

    async fn take_turn(&self, _: &StoreKey, _: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    async fn save(&self, (): (), _: &StoreKey, value: Sealed) -> Result<(), StoreError> {
        if self.fails_to_save.load(Ordering::SeqCst) {
            return Err(StoreError::new("the disk is full"));
        }
        *self.record.lock() = Some(value);
        Ok(())
    }

    async fn remove(&self, (): (), _: &StoreKey) -> Result<(), StoreError> {
        if self.fails_to_save.load(Ordering::SeqCst) && self.record.lock().is_some() {
            return Err(StoreError::new("the disk is read-only"));
        }
        *self.record.lock() = None;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn invalid_grant_does_not_end_a_newer_login() {
    let user = User::new(|number| match number {
        0 => Reply::Login(60, Some("r-0")),
        1 => after(5.0, Reply::InvalidGrant),
        _ => Reply::Login(60, Some("r-2")),
    });
    let store = LooseStore::default();
    let process = || user.process_in(&store);
    let (tokens, other) = (process(), process());
    log_in(&tokens).await.unwrap();
    user.clock.advance(seconds(61.0));
    let refused = tokio::spawn({
        let tokens = tokens.clone();
        async move { failure(&tokens).await }
    });
    user.until_requests(2).await;
    // The lease of the turn has ended, and the user logs in again.
    log_in(&other).await.unwrap();
    assert!(is_login_required(&refused.await.unwrap()));
    assert!(store.record.lock().is_some());
    user.clock.advance(seconds(1.0));
    assert_eq!(text(&tokens).await, "token-2");
}

#[tokio::test(start_paused = true)]
async fn renewed_login_is_served_only_after_it_is_stored() {
    let user = User::new(|number| Reply::Login(60, Some(["r-0", "r-1", "r-2"][number])));
    let store = LooseStore::default();
    let process = || user.process_in(&store);
    let tokens = process();
    log_in(&tokens).await.unwrap();
    user.clock.advance(seconds(61.0));
    store.fails_to_save.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let error = failure(&tokens).await;
        assert_kind!(error, ErrorKind::Store(_));
        assert!(error.is_transient());
        user.clock.advance(error.retry_after().unwrap());
    }
    // The first response is not lost.
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "r-0"]);
    store.fails_to_save.store(false, Ordering::SeqCst);
    assert_eq!(text(&tokens).await, "token-1");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "r-0"]);
    assert_eq!(text(&process()).await, "token-1");
}

#[tokio::test(start_paused = true)]
async fn unstored_renewal_gives_way_to_a_newer_login() {
    let user = User::new(|number| Reply::Login(60, Some(["r-0", "r-1", "r-2"][number])));
    let store = LooseStore::default();
    let process = || user.process_in(&store);
    let tokens = process();
    log_in(&tokens).await.unwrap();
    user.clock.advance(seconds(61.0));
    store.fails_to_save.store(true, Ordering::SeqCst);
    let error = failure(&tokens).await;
    store.fails_to_save.store(false, Ordering::SeqCst);
    log_in(&process()).await.unwrap();
    user.clock.advance(error.retry_after().unwrap());
    assert_eq!(text(&tokens).await, "token-2");
}

#[tokio::test(start_paused = true)]
async fn without_a_turn_the_valid_token_is_served_to_its_end() {
    let user = User::new(|_| Reply::Login(600, Some("r")));
    let tokens = user.logged_in().await;
    let key = key_of(&tokens);
    let _turn = user.store.take_turn(&key, Duration::ZERO).await.unwrap();
    user.clock.advance(seconds(550.0));
    for _ in 0..5 {
        assert_eq!(text(&tokens).await, "token-0");
        tokio::time::sleep(seconds(1.0)).await;
    }
    user.clock.advance(seconds(60.0));
    let error = failure(&tokens).await;
    assert_kind!(error, ErrorKind::Store(_));
    assert!(error.is_transient() && !error.needs_login());
    assert_eq!(user.endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn login_without_refresh_token_is_reported_expiring_once() {
    let user = User::new(|_| Reply::Login(600, None));
    let (handle, events) = event_channel();
    let tokens = user.process_with(SealingKey::unsealed(), handle);
    log_in(&tokens).await.unwrap();
    let next = |events: &Receiver<Event>| events.recv_timeout(DEADLINE).unwrap();
    assert!(matches!(next(&events), Event::Acquired { .. }));
    user.clock.advance(seconds(550.0));
    assert_eq!(text(&tokens).await, "token-0");
    // The refresh that notices it is a task of its own.
    tokio::time::sleep(seconds(0.1)).await;
    let Event::LoginExpiring { expires_in, .. } = next(&events) else {
        panic!("another event")
    };
    assert!(expires_in > seconds(40.0) && expires_in <= seconds(50.0));
    for _ in 0..4 {
        user.clock.advance(seconds(10.0));
        assert_eq!(text(&tokens).await, "token-0");
        tokio::time::sleep(seconds(0.1)).await;
    }
    user.clock.advance(seconds(10.0));
    let error = failure(&tokens).await;
    assert!(matches!(error.kind(), ErrorKind::TokenExpired(_)));
    assert!(error.needs_login() && !error.is_transient());
    drop(tokens);
    assert_eq!(events.iter().map(|event| format!("{event:?}")).next(), None);
    assert_eq!(user.endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn revoke_undoes_a_running_refresh() {
    let user = User::new(|number| Reply::Login(60, Some(["r-0", "r-1"][number])));
    let tokens = user.logged_in().await;
    user.endpoint.hold();
    user.clock.advance(seconds(61.0));
    let waiting = tokio::spawn({
        let tokens = tokens.clone();
        async move { failure(&tokens).await }
    });
    user.until_requests(2).await;
    // Nothing listens at the address of the API.
    assert!(tokens.revoke().await.is_err());
    user.endpoint.release(8);
    assert!(is_login_required(&waiting.await.unwrap()));
    assert!(is_login_required(&failure(&tokens).await));
    assert!(!user.process().is_logged_in().await.unwrap());
    assert!(user.store.load(&key_of(&tokens)).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn failed_revocation_still_ends_the_login() {
    let user = User::new(|_| Reply::Login(60, Some("r")));
    let tokens = user.logged_in().await;
    let error = tokens.revoke().await.unwrap_err();
    assert_kind!(error, ErrorKind::Transport(_));
    assert!(is_login_required(&failure(&tokens).await));
    assert!(user.store.load(&key_of(&tokens)).await.unwrap().is_none());
    log_in(&tokens).await.unwrap();
    assert_eq!(text(&tokens).await, "token-1");
}

#[tokio::test(start_paused = true)]
async fn restored_record_of_an_ended_login_is_ignored() {
    let user = User::new(|_| Reply::Login(60, Some("r")));
    let store = LooseStore::default();
    let process = || user.process_in(&store);
    let tokens = process();
    log_in(&tokens).await.unwrap();
    let record = store.record.lock().clone();
    tokens.revoke().await.unwrap_err();
    *store.record.lock() = record;
    for _ in 0..5 {
        user.clock.advance(seconds(10.0));
        assert!(is_login_required(&failure(&tokens).await));
    }
    assert_eq!(user.endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn jump_of_the_wall_clock_ends_no_login() {
    let user = User::new(|number| Reply::Login(60, Some(["r-0", "r-1", "r-2"][number])));
    user.logged_in().await;
    let start = user.clock.wall();
    let day = Duration::from_secs(86_400);
    user.clock.set_wall(start - day);
    assert_eq!(text(&user.process()).await, "token-1");
    user.clock.set_wall(start + 400 * day);
    assert_eq!(text(&user.process()).await, "token-2");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "r-0", "r-1"]);
}

#[tokio::test(start_paused = true)]
async fn login_under_an_older_key_is_sealed_with_the_new_key() {
    let user = User::new(|_| Reply::Login(60, Some("r")));
    let (old, new) = (
        SealingKey::from_bytes([1; 32]),
        SealingKey::from_bytes([2; 32]),
    );
    log_in(&user.process_with(old.clone(), |_| {}))
        .await
        .unwrap();
    assert!(
        !user
            .process_with(new.clone(), |_| {})
            .is_logged_in()
            .await
            .unwrap()
    );
    let reads_both = user.process_with(new.clone().also_reads(old.clone()), |_| {});
    assert_eq!(text(&reads_both).await, "token-0");
    // Now the record is sealed with the new key only.
    assert_eq!(text(&user.process_with(new, |_| {})).await, "token-0");
    let with_old = user.process_with(old, |_| {});
    assert!(!with_old.is_logged_in().await.unwrap());
    assert_eq!(user.endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn unsealed_record_is_ignored_when_there_is_a_key() {
    let user = User::new(|_| Reply::Login(60, Some("r")));
    let store = LooseStore::default();
    let process = |key| user.process_storing_in(store.clone(), key, |_| {});
    log_in(&process(SealingKey::unsealed())).await.unwrap();
    let keyed = process(SealingKey::from_bytes([7; 32]));
    assert!(is_login_required(&failure(&keyed).await));
    assert!(!keyed.is_logged_in().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn changed_secret_of_a_login_is_used_at_once() {
    let vault = Vault::with_secret("old");
    let secret = vault.secret.clone();
    let user = User::new(|number| match number {
        0 => Reply::Login(60, Some("r-0")),
        _ => Reply::InvalidClientUnless("new"),
    });
    let app = AuthorizationCode::confidential("a-client", vault.source(), "http://localhost");
    let grant = Grant(Kind::AuthorizationCode(Box::new(app.unwrap())));
    let keeping = StoreScope::new(SharedStore::new(user.store.clone()), ["x".to_owned()]);
    let storage = Storage::Login(keeping.slot_of_key(SealingKey::unsealed()));
    let clock = user.clock.clone();
    let tokens = user.endpoint.builder(clock, grant).storage(storage).build();
    log_in(&tokens).await.unwrap();
    user.clock.advance(seconds(61.0));
    let error = failure(&tokens).await;
    assert_kind!(error, ErrorKind::InvalidClient(_));
    *secret.lock() = "new";
    user.clock.advance(seconds(1.0));
    assert_eq!(text(&tokens).await, "token-2");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "r-0", "r-0"]);
}

#[tokio::test(start_paused = true)]
async fn rejected_token_is_renewed_once_for_all_processes() {
    let user = User::new(|number| Reply::Login(600, Some(["r-0", "r-1", "r-2"][number])));
    let (tokens, other) = (user.logged_in().await, user.process());
    let refused = tokens.token().await.unwrap();
    assert_eq!(text(&other).await, "token-0");
    user.clock.advance(seconds(60.0));
    for tokens in [&tokens, &other] {
        tokens.invalidate(&refused);
        assert_eq!(text(tokens).await, "token-1");
    }
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "r-0"]);
}

/// The key of the user's login.
fn key_of(tokens: &TokenProvider) -> StoreKey {
    let Storage::Login(kept) = &tokens.cache.settings.storage else {
        panic!("nothing is stored")
    };
    kept.key().clone()
}

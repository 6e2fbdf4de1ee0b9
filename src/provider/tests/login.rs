//! A user's login: its refresh token, its store, and its end.

mod races;

use std::sync::{
    atomic::{AtomicBool, Ordering},
    mpsc::{Receiver, channel},
};

use super::{secrets::Vault, *};
use crate::{
    error::StoreError,
    grant::{AuthorizationCode, Grant, Kind},
    seal::SealingKey,
    store::{MemoryStore, Sealed, SharedStore, StoreKey, TokenStore},
};

struct User {
    endpoint: Arc<Endpoint>,
    clock: Clock,
    store: MemoryStore,
}

impl User {
    /// Somebody who can log in; the code is the endpoint's first request.
    fn new(script: impl Fn(usize) -> Say + Send + Sync + 'static) -> Self {
        Self {
            endpoint: Endpoint::new(script),
            clock: Clock::manual(),
            store: MemoryStore::new(),
        }
    }

    /// A provider of a process of its own.
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

    fn process_in(&self, store: &Lax) -> TokenProvider {
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
        let stored = Storage::Login(keeping.slot_of_key(key));
        let grant = Grant(Kind::AuthorizationCode(Box::new(app)));
        let clock = self.clock.clone();
        self.endpoint.provider_storing(clock, grant, stored, handle)
    }

    async fn logged_in(&self) -> TokenProvider {
        let tokens = self.process();
        log_in(&tokens).await.unwrap();
        tokens
    }

    /// Waits until so many requests have come.
    async fn asked(&self, requests: usize) {
        while self.endpoint.requests() < requests {
            tokio::task::yield_now().await;
        }
    }
}

async fn log_in(tokens: &TokenProvider) -> Result<(), Error> {
    tokens
        .log_in("a-code".into(), "v".into(), "http://localhost")
        .await
}

async fn text(tokens: &TokenProvider) -> String {
    tokens.token().await.unwrap().expose_secret().to_owned()
}

fn is_login_required(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Login(_)) && error.needs_login()
}

async fn failure(tokens: &TokenProvider) -> Error {
    tokens.token().await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn nobody_is_logged_in_before_a_login() {
    let user = User::new(|_| Say::Login(60, Some("r")));
    let tokens = user.process();
    assert!(is_login_required(&failure(&tokens).await));
    assert!(!tokens.is_logged_in().await.unwrap());
    assert_eq!(user.endpoint.requests(), 0);
    // In the pause, too, a login is found as soon as it is there.
    let other = user.logged_in().await;
    assert!(other.is_logged_in().await.unwrap());
    user.clock.advance(seconds(1.0));
    assert_eq!(text(&tokens).await, "token-0");
    assert_eq!(user.endpoint.handed_in(), ["a-code"]);
}

#[tokio::test(start_paused = true)]
async fn the_newest_refresh_token_is_used_or_the_one_that_is_kept() {
    let user = User::new(|number| {
        Say::Login(
            60,
            [Some("r-0"), Some("r-1"), None, Some("r-3")][number % 4],
        )
    });
    let tokens = user.logged_in().await;
    for number in 1..=4 {
        user.clock.advance(seconds(61.0));
        // Each renewal is another process's, after a restart.
        let restarted = user.process();
        assert_eq!(text(&restarted).await, format!("token-{number}"));
        assert_eq!(text(&tokens).await, format!("token-{number}"));
    }
    assert_eq!(
        user.endpoint.handed_in(),
        ["a-code", "r-0", "r-1", "r-1", "r-3"]
    );
}

#[tokio::test(start_paused = true)]
async fn processes_that_renew_together_use_a_refresh_token_once() {
    let user = User::new(|number| {
        let refresh_token: &str = format!("r-{number}").leak();
        let say = Say::Login(60, Some(refresh_token));
        Say::After(seconds(1.0), Box::new(say))
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
    assert_eq!(user.endpoint.handed_in(), ["a-code", "r-0"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_asked_for_again_and_a_refusal_then_ends_the_login() {
    let user = User::new(|number| match number {
        0 => Say::Login(60, Some("r-0")),
        1 => Say::Unavailable,
        2 => Say::Nothing,
        3 => Say::Login(60, Some("r-1")),
        _ => Say::InvalidGrant,
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
        user.endpoint.handed_in(),
        ["a-code", "r-0", "r-0", "r-0", "r-1"]
    );
    // It is gone for all, and nobody asks for it again.
    assert!(!user.process().is_logged_in().await.unwrap());
    for _ in 0..20 {
        user.clock.advance(seconds(30.0));
        assert!(is_login_required(&failure(&tokens).await));
    }
    assert_eq!(user.endpoint.requests(), 5);
}

/// A store whose turns keep nobody out, and that may refuse to save.
#[derive(Clone, Default)]
struct Lax {
    record: Arc<Mutex<Option<Sealed>>>,
    is_full: Arc<AtomicBool>,
}

impl TokenStore for Lax {
    type Turn = ();

    async fn load(&self, _: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        Ok(self.record.lock().clone())
    }

    async fn take_turn(&self, _: &StoreKey, _: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    async fn save(&self, (): (), _: &StoreKey, value: Sealed) -> Result<(), StoreError> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(StoreError::new("the disk is full"));
        }
        *self.record.lock() = Some(value);
        Ok(())
    }

    async fn remove(&self, (): (), _: &StoreKey) -> Result<(), StoreError> {
        *self.record.lock() = None;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_does_not_end_a_login_that_took_the_refused_ones_place() {
    let user = User::new(|number| match number {
        0 => Say::Login(60, Some("r-0")),
        1 => Say::After(seconds(5.0), Box::new(Say::InvalidGrant)),
        _ => Say::Login(60, Some("r-2")),
    });
    let store = Lax::default();
    let process = || user.process_in(&store);
    let (tokens, other) = (process(), process());
    log_in(&tokens).await.unwrap();
    user.clock.advance(seconds(61.0));
    let refused = tokio::spawn({
        let tokens = tokens.clone();
        async move { failure(&tokens).await }
    });
    user.asked(2).await;
    // The lease of the turn ends and the user logs in again.
    log_in(&other).await.unwrap();
    assert!(is_login_required(&refused.await.unwrap()));
    assert!(store.record.lock().is_some());
    user.clock.advance(seconds(1.0));
    assert_eq!(text(&tokens).await, "token-2");
}

#[tokio::test(start_paused = true)]
async fn a_renewed_login_is_shown_only_once_it_is_stored() {
    let user = User::new(|number| Say::Login(60, Some(["r-0", "r-1", "r-2"][number])));
    let store = Lax::default();
    let process = || user.process_in(&store);
    let tokens = process();
    log_in(&tokens).await.unwrap();
    user.clock.advance(seconds(61.0));
    store.is_full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let error = failure(&tokens).await;
        assert!(matches!(error.kind(), ErrorKind::Store(_)), "{error:?}");
        assert!(error.is_transient());
        user.clock.advance(error.retry_after().unwrap());
    }
    // The one answer was not lost meanwhile.
    assert_eq!(user.endpoint.handed_in(), ["a-code", "r-0"]);
    store.is_full.store(false, Ordering::SeqCst);
    assert_eq!(text(&tokens).await, "token-1");
    assert_eq!(user.endpoint.handed_in(), ["a-code", "r-0"]);
    assert_eq!(text(&process()).await, "token-1");
}

#[tokio::test(start_paused = true)]
async fn what_was_not_stored_gives_way_to_a_newer_login() {
    let user = User::new(|number| Say::Login(60, Some(["r-0", "r-1", "r-2"][number])));
    let store = Lax::default();
    let process = || user.process_in(&store);
    let tokens = process();
    log_in(&tokens).await.unwrap();
    user.clock.advance(seconds(61.0));
    store.is_full.store(true, Ordering::SeqCst);
    let error = failure(&tokens).await;
    store.is_full.store(false, Ordering::SeqCst);
    log_in(&process()).await.unwrap();
    user.clock.advance(error.retry_after().unwrap());
    assert_eq!(text(&tokens).await, "token-2");
}

#[tokio::test(start_paused = true)]
async fn without_the_turn_a_valid_token_is_served_and_then_the_stores_error() {
    let user = User::new(|_| Say::Login(600, Some("r")));
    let tokens = user.logged_in().await;
    let key = key_of(&tokens);
    let _kept = user.store.take_turn(&key, Duration::ZERO).await.unwrap();
    user.clock.advance(seconds(550.0));
    for _ in 0..5 {
        assert_eq!(text(&tokens).await, "token-0");
        tokio::time::sleep(seconds(1.0)).await;
    }
    user.clock.advance(seconds(60.0));
    let error = failure(&tokens).await;
    assert!(matches!(error.kind(), ErrorKind::Store(_)), "{error:?}");
    assert!(error.is_transient() && !error.needs_login());
    assert_eq!(user.endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_login_that_nothing_renews_is_told_ahead_of_time_and_once() {
    let user = User::new(|_| Say::Login(600, None));
    let (sender, events) = channel();
    let handle = move |event: &Event| drop(sender.send(event.clone()));
    let tokens = user.process_with(SealingKey::unsealed(), handle);
    log_in(&tokens).await.unwrap();
    let next = |events: &Receiver<Event>| events.recv_timeout(DEADLINE).unwrap();
    assert!(matches!(next(&events), Event::Acquired { .. }));
    user.clock.advance(seconds(550.0));
    assert_eq!(text(&tokens).await, "token-0");
    // The flight that finds it out is a task of its own.
    tokio::time::sleep(seconds(0.1)).await;
    let Event::LoginExpiring { expires_in } = next(&events) else {
        panic!("not told")
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
async fn revoke_undoes_a_refresh_under_way() {
    let user = User::new(|number| Say::Login(60, Some(["r-0", "r-1"][number])));
    let tokens = user.logged_in().await;
    user.endpoint.hold();
    user.clock.advance(seconds(61.0));
    let waiting = tokio::spawn({
        let tokens = tokens.clone();
        async move { failure(&tokens).await }
    });
    user.asked(2).await;
    // Nobody listens at the API.
    assert!(tokens.revoke().await.is_err());
    user.endpoint.release(8);
    assert!(is_login_required(&waiting.await.unwrap()));
    assert!(is_login_required(&failure(&tokens).await));
    assert!(!user.process().is_logged_in().await.unwrap());
    assert!(user.store.load(&key_of(&tokens)).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn revoke_gives_the_login_up_when_the_api_is_down() {
    let user = User::new(|_| Say::Login(60, Some("r")));
    let tokens = user.logged_in().await;
    let error = tokens.revoke().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Transport(_)), "{error:?}");
    assert!(is_login_required(&failure(&tokens).await));
    assert!(user.store.load(&key_of(&tokens)).await.unwrap().is_none());
    log_in(&tokens).await.unwrap();
    assert_eq!(text(&tokens).await, "token-1");
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_put_back_after_its_end_is_not_taken() {
    let user = User::new(|_| Say::Login(60, Some("r")));
    let store = Lax::default();
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
async fn a_wall_clock_that_jumps_ends_no_login() {
    let user = User::new(|number| Say::Login(60, Some(["r-0", "r-1", "r-2"][number])));
    user.logged_in().await;
    let start = user.clock.wall();
    let day = Duration::from_secs(86_400);
    user.clock.set_wall(start - day);
    assert_eq!(text(&user.process()).await, "token-1");
    user.clock.set_wall(start + 400 * day);
    assert_eq!(text(&user.process()).await, "token-2");
    assert_eq!(user.endpoint.handed_in(), ["a-code", "r-0", "r-1"]);
}

#[tokio::test(start_paused = true)]
async fn login_under_an_older_key_is_sealed_again() {
    let user = User::new(|_| Say::Login(60, Some("r")));
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
    // From now on the new key is enough, and nothing is left for the old one.
    assert_eq!(text(&user.process_with(new, |_| {})).await, "token-0");
    let with_old = user.process_with(old, |_| {});
    assert!(!with_old.is_logged_in().await.unwrap());
    assert_eq!(user.endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_plain_record_counts_for_nothing_where_there_is_a_key() {
    let user = User::new(|_| Say::Login(60, Some("r")));
    let store = Lax::default();
    let process = |key| user.process_storing_in(store.clone(), key, |_| {});
    log_in(&process(SealingKey::unsealed())).await.unwrap();
    let keyed = process(SealingKey::from_bytes([7; 32]));
    assert!(is_login_required(&failure(&keyed).await));
    assert!(!keyed.is_logged_in().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_confidential_clients_secret_that_changed_is_used_at_once() {
    let vault = Vault::holding("old");
    let secret = vault.secret.clone();
    let user = User::new(|number| match number {
        0 => Say::Login(60, Some("r-0")),
        _ => Say::RefuseUnless("new"),
    });
    let app = AuthorizationCode::confidential("a-client", vault.source(), "http://localhost");
    let grant = Grant(Kind::AuthorizationCode(Box::new(app.unwrap())));
    let keeping = StoreScope::new(SharedStore::new(user.store.clone()), ["x".to_owned()]);
    let stored = Storage::Login(keeping.slot_of_key(SealingKey::unsealed()));
    let clock = user.clock.clone();
    let tokens = user.endpoint.provider_storing(clock, grant, stored, |_| {});
    log_in(&tokens).await.unwrap();
    user.clock.advance(seconds(61.0));
    let error = failure(&tokens).await;
    assert!(
        matches!(error.kind(), ErrorKind::InvalidClient(_)),
        "{error:?}"
    );
    *secret.lock() = "new";
    user.clock.advance(seconds(1.0));
    assert_eq!(text(&tokens).await, "token-2");
    assert_eq!(user.endpoint.handed_in(), ["a-code", "r-0", "r-0"]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_api_refuses_is_renewed_once_for_all_processes() {
    let user = User::new(|number| Say::Login(600, Some(["r-0", "r-1", "r-2"][number])));
    let (tokens, other) = (user.logged_in().await, user.process());
    let refused = tokens.token().await.unwrap();
    assert_eq!(text(&other).await, "token-0");
    user.clock.advance(seconds(60.0));
    for tokens in [&tokens, &other] {
        tokens.invalidate(&refused);
        assert_eq!(text(tokens).await, "token-1");
    }
    assert_eq!(user.endpoint.handed_in(), ["a-code", "r-0"]);
}

/// Where the login of somebody is stored.
fn key_of(tokens: &TokenProvider) -> StoreKey {
    let Storage::Login(kept) = &tokens.cache.settings.storage else {
        panic!("nothing is stored")
    };
    kept.key().clone()
}

const DEADLINE: Duration = Duration::from_secs(30);

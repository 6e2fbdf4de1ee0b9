//! A user's login: its refresh token, its store, and its end.

mod keys;
mod lineage;
mod logout;
mod loose_store;
mod races;
mod replaced;
mod unsaved;
mod user;

use super::{support::spawn_with, *};
use crate::{
    error::StoreError,
    grant::{AuthorizationCode, CodeGrant, Grant, Kind},
    seal::SealingKey,
    store::{MemoryStore, Sealed, SharedStore, StoreKey, TokenStore},
};
use user::User;

/// The grant and the storage of a login in this store.
pub(super) fn with_store(store: impl TokenStore, key: &SealingKey) -> (Grant, Storage) {
    let app = AuthorizationCode::public("a-client", "http://localhost").unwrap();
    let scope = StoreScope::new(SharedStore::new(store), ["somebody".to_owned()]);
    let storage = Storage::Login(scope.slot_of_key(key.clone()));
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
    let refresh_tokens = [Some("r-0"), Some("r-1"), None, Some("r-3"), Some("r-4")];
    let user = User::new(move |number: usize| Reply::Login(60, refresh_tokens[number]));
    let tokens = user.logged_in().await;
    for number in 1..=4 {
        user.clock.advance(seconds(61.0));
        // A restarted process renews it each time.
        let restarted = user.process();
        assert_eq!(text(&restarted).await, format!("token-{number}"));
        assert_eq!(text(&tokens).await, format!("token-{number}"));
    }
    let expected = ["a-code", "r-0", "r-1", "r-1", "r-3"];
    assert_eq!(user.endpoint.sent_secrets(), expected);
}

#[tokio::test(start_paused = true)]
async fn processes_that_renew_together_use_a_refresh_token_once() {
    let user = User::new(|number: usize| {
        let refresh_token: &str = format!("r-{number}").leak();
        after(1.0, Reply::Login(60, Some(refresh_token)))
    });
    user.logged_in().await;
    user.clock.advance(seconds(61.0));
    let processes = (0..8).map(|_| spawn_caller(&user.process()));
    assert_all_get(processes.collect(), "token-1").await;
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "r-0"]);
}

#[tokio::test(start_paused = true)]
async fn lost_response_is_retried_and_invalid_grant_ends_login() {
    let user = User::new([
        Reply::Login(60, Some("r-0")),
        Reply::Unavailable,
        Reply::Never,
        Reply::Login(60, Some("r-1")),
        Reply::InvalidGrant,
    ]);
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
    let expected = ["a-code", "r-0", "r-0", "r-0", "r-1"];
    assert_eq!(user.endpoint.sent_secrets(), expected);
    // The login has ended for all processes, and no request follows.
    assert!(!user.process().is_logged_in().await.unwrap());
    for _ in 0..20 {
        user.clock.advance(seconds(30.0));
        assert!(is_login_required(&failure(&tokens).await));
    }
    assert_eq!(user.endpoint.requests(), 5);
}

#[tokio::test(start_paused = true)]
async fn invalid_grant_does_not_end_a_newer_login() {
    let user = User::new([
        Reply::Login(60, Some("r-0")),
        after(5.0, Reply::InvalidGrant),
        Reply::Login(60, Some("r-2")),
    ]);
    let (tokens, other) = (user.loose_login().await, user.loose_process());
    user.clock.advance(seconds(61.0));
    let refused = spawn_with(&tokens, |tokens| async move { failure(&tokens).await });
    user.endpoint.until_requests(2).await;
    // The lease of the turn has ended, and the user logs in again.
    log_in(&other).await.unwrap();
    assert!(is_login_required(&refused.await.unwrap()));
    assert!(user.loose.record().is_some());
    user.clock.advance(seconds(1.0));
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
    let key = SealingKey::unsealed();
    let builder = user.builder(user.store.clone(), &key, &user.clock);
    let tokens = builder.on_event(handle).build();
    log_in(&tokens).await.unwrap();
    let next = || events.recv_timeout(DEADLINE).unwrap();
    assert!(matches!(next(), Event::Acquired { .. }));
    user.clock.advance(seconds(550.0));
    assert_eq!(text(&tokens).await, "token-0");
    // The refresh that notices it is a task of its own.
    tokio::time::sleep(seconds(0.1)).await;
    let Event::LoginExpiring { expires_in, .. } = next() else {
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
async fn jump_of_the_wall_clock_ends_no_login() {
    let user = User::renewable(60);
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
async fn changed_secret_of_a_login_is_used_at_once() {
    let vault = Vault::with_secret("old");
    let user = User::new([
        Reply::Login(60, Some("r-0")),
        Reply::InvalidClientUnless("new"),
    ]);
    let app = AuthorizationCode::confidential("a-client", vault.source(), "http://localhost");
    let grant = Grant(Kind::AuthorizationCode(Box::new(app.unwrap())));
    let (_, storage) = with_store(user.store.clone(), &SealingKey::unsealed());
    let builder = user.endpoint.builder(user.clock.clone(), grant);
    let tokens = builder.storage(storage).build();
    log_in(&tokens).await.unwrap();
    user.clock.advance(seconds(61.0));
    let error = failure(&tokens).await;
    assert_kind!(error, ErrorKind::InvalidClient(_));
    *vault.secret.lock() = "new";
    user.clock.advance(seconds(1.0));
    assert_eq!(text(&tokens).await, "token-2");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "r-0", "r-0"]);
}

#[tokio::test(start_paused = true)]
async fn rejected_token_is_renewed_once_for_all_processes() {
    let user = User::renewable(600);
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

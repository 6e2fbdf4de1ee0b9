//! Sealing keys: records under an older key, and records without one.

use super::*;

fn old_and_new() -> (SealingKey, SealingKey) {
    (
        SealingKey::from_bytes([1; 32]),
        SealingKey::from_bytes([2; 32]),
    )
}

#[tokio::test(start_paused = true)]
async fn login_under_an_older_key_is_sealed_with_the_new_key() {
    let user = User::new(|_| Reply::Login(60, Some("r")));
    let (old, new) = old_and_new();
    log_in(&user.process_with(&old)).await.unwrap();
    let with_new = user.process_with(&new);
    assert!(!with_new.is_logged_in().await.unwrap());
    let reads_both = user.process_with(&new.clone().also_reads(old.clone()));
    assert_eq!(text(&reads_both).await, "token-0");
    // Now the record is sealed with the new key only.
    assert_eq!(text(&user.process_with(&new)).await, "token-0");
    let with_old = user.process_with(&old);
    assert!(!with_old.is_logged_in().await.unwrap());
    assert_eq!(user.endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn unsealed_record_is_ignored_when_there_is_a_key() {
    let user = User::new(|_| Reply::Login(60, Some("r")));
    let without_key = user.process_with(&SealingKey::unsealed());
    log_in(&without_key).await.unwrap();
    let keyed = user.process();
    assert!(is_login_required(&failure(&keyed).await));
    assert!(!keyed.is_logged_in().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn login_under_an_older_key_does_not_return() {
    let user = User::new([
        Reply::Login(60, Some("alices")),
        Reply::Login(60, Some("bobs")),
        Reply::InvalidGrant,
    ]);
    let (old, new) = old_and_new();
    log_in(&user.process_with(&old)).await.unwrap();
    let both = new.also_reads(old);
    let bob = user.process_with(&both);
    log_in(&bob).await.unwrap();
    user.clock.advance(seconds(61.0));
    assert!(is_login_required(&failure(&bob).await));
    let restarted = user.process_with(&both);
    assert!(!restarted.is_logged_in().await.unwrap());
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "a-code", "bobs"]);
}

#[tokio::test(start_paused = true)]
async fn login_and_move_to_another_key_do_not_wait_for_each_other() {
    let user = User::new([
        Reply::Login(60, Some("old")),
        after(1.0, Reply::Login(60, Some("new"))),
    ]);
    let (old, new) = old_and_new();
    log_in(&user.process_with(&old)).await.unwrap();
    let both = new.also_reads(old);
    let (tokens, other) = (user.process_with(&both), user.process_with(&both));
    let start = user.clock.now();
    let login = spawn_with(&tokens, |tokens| async move { log_in(&tokens).await });
    tokio::time::sleep(seconds(0.5)).await;
    assert!(other.is_logged_in().await.unwrap());
    login.await.unwrap().unwrap();
    let took = user.clock.now() - start;
    assert!(took < seconds(5.0), "{took:?}");
}

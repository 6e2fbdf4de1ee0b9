//! Logins under one name, one after the other, by processes whose clocks differ.

use super::*;

/// A process with this clock.
fn with_clock(user: &User, clock: &Clock) -> TokenProvider {
    let key = SealingKey::unsealed();
    user.builder(user.store.clone(), &key, clock).build()
}

/// The wall clock of a process differs by these seconds.
fn skewed(by: i64) -> Clock {
    let clock = Clock::manual();
    let span = Duration::from_secs(by.unsigned_abs());
    let wall = clock.wall();
    clock.set_wall(if by < 0 { wall - span } else { wall + span });
    clock
}

#[tokio::test(start_paused = true)]
async fn new_login_is_found_whatever_the_clocks_show() {
    for skew in [-86_400, -5, -1, 0, 1, 5, 50] {
        for logs_out in [true, false] {
            let case = format!("{skew} {logs_out}");
            let (user, other_clock) = (User::renewable(60), skewed(skew));
            let tokens = with_clock(&user, &user.clock);
            log_in(&tokens).await.unwrap();
            assert_eq!(text(&tokens).await, "token-0");
            if logs_out {
                tokens.revoke().await.unwrap_err();
                assert!(is_login_required(&failure(&tokens).await), "{case}");
            }
            let other = with_clock(&user, &other_clock);
            log_in(&other).await.unwrap();
            assert!(tokens.is_logged_in().await.unwrap(), "{case}");
            user.clock.advance(seconds(61.0));
            let token = text(&tokens).await;
            let is_new = ["token-1", "token-2"].contains(&token.as_str());
            assert!(is_new, "{case}: {token}");
            let sent = user.endpoint.sent_secrets();
            assert!(!sent.contains(&"r-0".to_owned()), "{case}: {sent:?}");
        }
    }
}

/// One process, whose clock is set back between its own logins.
#[tokio::test(start_paused = true)]
async fn clock_that_is_set_back_hides_no_new_login() {
    let user = User::renewable(60);
    let (tokens, other) = (user.logged_in().await, user.process());
    assert_eq!(text(&other).await, "token-0");
    tokens.revoke().await.unwrap_err();
    user.clock.set_wall(user.clock.wall() - seconds(10.0));
    log_in(&tokens).await.unwrap();
    assert_eq!(text(&tokens).await, "token-1");
    other.clock().advance(seconds(61.0));
    assert_eq!(text(&other).await, "token-2");
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "a-code", "r-1"]);
}

/// What was in the store before a step.
async fn record(user: &User, tokens: &TokenProvider) -> Option<Sealed> {
    user.store.load(&key_of(tokens)).await.unwrap()
}

async fn put_back(user: &User, tokens: &TokenProvider, old: Option<Sealed>) {
    let key = key_of(tokens);
    let turn = user.store.take_turn(&key, Duration::ZERO).await.unwrap();
    user.store.save(turn, &key, old.unwrap()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn record_of_an_ended_login_does_not_return() {
    // How the login ends, and whether another login follows before its record is put back.
    for (how, logs_in_again) in [
        ("a logout here", false),
        ("a logout here", true),
        ("a logout elsewhere", true),
        ("another login", true),
        ("a login by a clock far behind", true),
    ] {
        let case = format!("{how} {logs_in_again}");
        let (user, behind) = (User::renewable(600), skewed(-3_600));
        let tokens = with_clock(&user, &user.clock);
        log_in(&tokens).await.unwrap();
        let old = record(&user, &tokens).await;
        let other = match how {
            "a login by a clock far behind" => with_clock(&user, &behind),
            _ => with_clock(&user, &user.clock),
        };
        match how {
            "a logout here" => tokens.revoke().await.unwrap_err(),
            "a logout elsewhere" => other.revoke().await.unwrap_err(),
            _ => ErrorKind::Timeout.into(),
        };
        if logs_in_again {
            log_in(&other).await.unwrap();
            // This process sees the new login.
            user.clock.advance(seconds(601.0));
            assert_ne!(text(&tokens).await, "token-0", "{case}");
        }
        put_back(&user, &tokens, old).await;
        user.clock.advance(seconds(601.0));
        assert!(!tokens.is_logged_in().await.unwrap(), "{case}");
        assert!(is_login_required(&failure(&tokens).await), "{case}");
        let sent = user.endpoint.sent_secrets();
        assert!(!sent.contains(&"r-0".to_owned()), "{case}: {sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn older_record_of_the_same_login_does_not_return() {
    let user = User::renewable(60);
    let tokens = user.logged_in().await;
    let old = record(&user, &tokens).await;
    // The renewal's clock is behind.
    user.clock.set_wall(user.clock.wall() - seconds(3_600.0));
    user.clock.advance(seconds(61.0));
    assert_eq!(text(&tokens).await, "token-1");
    put_back(&user, &tokens, old).await;
    user.clock.advance(seconds(61.0));
    assert!(is_login_required(&failure(&tokens).await));
    assert_eq!(user.endpoint.sent_secrets(), ["a-code", "r-0"]);
}

/// A store that was written before records had a lineage.
#[tokio::test(start_paused = true)]
async fn login_of_an_earlier_release_is_renewed_and_ends() {
    let user = User::renewable(60);
    let plain =
        r#"{"generation":5,"access_token":"a","issued":0,"life":60000,"refresh_token":"r"}"#;
    let sealed = SealingKey::unsealed().seal(&[], plain.as_bytes()).unwrap();
    user.loose.put_back(Some(Sealed::from_bytes(sealed)));
    let tokens = user.loose_process();
    assert_eq!(text(&tokens).await, "token-0");
    let renewed = user.loose.record();
    tokens.revoke().await.unwrap_err();
    user.loose.put_back(renewed);
    user.clock.advance(seconds(1.0));
    assert!(is_login_required(&failure(&tokens).await));
    log_in(&user.loose_process()).await.unwrap();
    user.clock.advance(seconds(1.0));
    assert_eq!(text(&tokens).await, "token-1");
    assert_eq!(user.endpoint.sent_secrets(), ["r", "a-code"]);
}

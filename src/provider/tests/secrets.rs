//! Credentials that are refused, and their sources.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use parking_lot::Mutex;

use super::{
    outage::{HIGH, LOW, MIDDLE, callers},
    *,
};
use crate::{grant::ClientCredentials, secret::ClientSecret};

/// A source that counts, and gives what is put into it.
#[derive(Clone, Default)]
pub(super) struct Vault {
    asked: Arc<AtomicUsize>,
    pub(super) secret: Arc<Mutex<&'static str>>,
}

impl Vault {
    pub(super) fn holding(secret: &'static str) -> Self {
        let vault = Self::default();
        *vault.secret.lock() = secret;
        vault
    }

    pub(super) fn credentials(&self) -> ClientCredentials {
        ClientCredentials::new("a-client", self.source()).unwrap()
    }

    pub(super) fn source(&self) -> ClientSecret {
        let vault = self.clone();
        ClientSecret::from_fn(move || {
            let vault = vault.clone();
            async move {
                vault.asked.fetch_add(1, Ordering::SeqCst);
                let secret = *vault.secret.lock();
                match secret {
                    "fail" => Err("the vault is sealed".into()),
                    "panic" => panic!("planted"),
                    "hang" => std::future::pending().await,
                    secret => Ok(secret.into()),
                }
            }
        })
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_rotated_meanwhile_is_used_at_once() {
    let slow = |say| Say::After(seconds(1.0), Box::new(say));
    let endpoint = Endpoint::new(move |_| slow(Say::RefuseUnless("new")));
    let vault = Vault::holding("old");
    let rotating = vault.clone();
    let tokens = endpoint.provider(Clock::manual(), vault.credentials());
    // Rotated between the question and the request.
    let (token, ()) = tokio::join!(tokens.token(), async {
        while rotating.asked() == 0 {
            tokio::task::yield_now().await;
        }
        *rotating.secret.lock() = "new";
    });
    token.unwrap();
    assert_eq!((endpoint.requests(), vault.asked()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_asked_for_sparingly_and_a_new_secret_ends_the_pause() {
    // A request at 0 s and after 5 s, then after another 10 s, each times 0.8, 1 or 1.2. The source
    // is asked twice for each, and once a second in between.
    for jitter in [LOW, MIDDLE, HIGH] {
        let endpoint = Endpoint::new(|_| Say::RefuseUnless("new"));
        let vault = Vault::holding("old");
        let clock = Clock::manual();
        let tokens = endpoint.provider_with(clock, vault.credentials(), jitter, |_| {}, false);
        callers(&tokens, 10.0, |_, _| {}).await;
        assert_eq!((endpoint.requests(), endpoint.most_at_once()), (2, 1));
        assert!((11..=13).contains(&vault.asked()), "{}", vault.asked());
        let error = tokens.token().await.unwrap_err();
        let ErrorKind::InvalidClient(refused) = error.kind() else {
            panic!("{error:?}")
        };
        assert_eq!(refused.accepted_before, None);
        assert!(error.retry_after().unwrap() > seconds(1.1));

        *vault.secret.lock() = "new";
        callers(&tokens, 1.1, |_, _| {}).await;
        tokens.token().await.unwrap();
        assert_eq!(endpoint.requests(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn in_the_pause_one_caller_asks_the_source_and_the_others_fail_at_once() {
    let endpoint = Endpoint::new(|_| Say::Refuse);
    let vault = Vault::holding("old");
    let tokens = endpoint.provider(Clock::manual(), vault.credentials());
    tokens.token().await.unwrap_err();
    assert_eq!(vault.asked(), 2);
    tokio::time::sleep(seconds(1.0)).await;
    *vault.secret.lock() = "hang";
    let asking = {
        let tokens = tokens.clone();
        tokio::spawn(async move { tokens.token().await })
    };
    while vault.asked() == 2 {
        tokio::task::yield_now().await;
    }
    let start = tokens.clock().now();
    for _ in 0..100 {
        let error = tokens.token().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::InvalidClient(_)),
            "{error:?}"
        );
    }
    assert_eq!(tokens.clock().now(), start);
    assert_eq!((endpoint.requests(), vault.asked()), (1, 3));
    // The caller learns that the source hangs.
    let error = asking.await.unwrap().unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::CredentialSource(_)),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_accepted_before_is_told_so() {
    let endpoint = Endpoint::new(|request| match request {
        0 => Say::Token(3_600),
        _ => Say::Refuse,
    });
    let clock = Clock::manual();
    let tokens = endpoint.provider(clock.clone(), credentials());
    let token = tokens.token().await.unwrap();
    let accepted = clock.wall();
    clock.advance(seconds(60.0));
    tokens.invalidate(&token);
    let error = tokens.token().await.unwrap_err();
    let ErrorKind::InvalidClient(refused) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(refused.accepted_before, Some(accepted));
    assert_eq!(
        error.troubleshooting(),
        Some(crate::error::Troubleshooting::IntegrationFailsAfterRotation)
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_panics_or_hangs_is_a_transient_failure() {
    for (fault, time) in [("fail", 0), ("panic", 0), ("hang", 10)] {
        let endpoint = Endpoint::new(|_| Say::Token(60));
        let vault = Vault::holding(fault);
        let tokens = endpoint.provider(Clock::manual(), vault.credentials());
        let start = tokens.clock().now();
        let error = tokens.token().await.unwrap_err();
        assert_eq!((tokens.clock().now() - start).as_secs(), time, "{fault}");
        assert!(
            matches!(error.kind(), ErrorKind::CredentialSource(_)),
            "{error:?}"
        );
        assert!(error.is_transient(), "{fault}");
        assert_eq!(error.retry_after(), Some(seconds(0.5)), "{fault}");
        assert_eq!(endpoint.requests(), 0, "{fault}");

        *vault.secret.lock() = "good";
        tokio::time::sleep(seconds(0.5)).await;
        tokens.token().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn secret_is_read_again_for_each_request() {
    let endpoint = Endpoint::new(|_| Say::Token(60));
    let vault = Vault::holding("any");
    let clock = Clock::manual();
    let tokens = endpoint.provider(clock.clone(), vault.credentials());
    for request in 1..4 {
        tokens.token().await.unwrap();
        clock.advance(seconds(60.0));
        assert_eq!(vault.asked(), request);
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_takes_its_time_hides_neither_cause_nor_pause() {
    let endpoint = Endpoint::new(|_| Say::Refuse);
    let secret = ClientSecret::from_fn(|| async {
        tokio::time::sleep(seconds(3.0)).await;
        Ok("old".into())
    });
    let credentials = ClientCredentials::new("a-client", secret).unwrap();
    let tokens = endpoint.provider(Clock::manual(), credentials);
    tokens.token().await.unwrap_err();
    for _ in 0..2 {
        tokio::time::sleep(seconds(1.0)).await;
        let error = tokens.token().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::InvalidClient(_)),
            "{error:?}"
        );
    }
    assert!(endpoint.requests() <= 2);
}

#[tokio::test(start_paused = true)]
async fn a_flight_that_counts_as_lost_sends_nothing_more() {
    let endpoint = Endpoint::new(|_| Say::Unavailable);
    let secret = ClientSecret::from_fn(|| async {
        tokio::time::sleep(seconds(5.0)).await;
        Ok("any".into())
    });
    let credentials = ClientCredentials::new("a-client", secret).unwrap();
    let tokens = endpoint.provider(Clock::manual(), credentials);
    let waiting = {
        let tokens = tokens.clone();
        tokio::spawn(async move { tokens.token().await })
    };
    // The first flight asks its source when its runtime stands still for long.
    tokio::task::yield_now().await;
    tokens.clock().advance(seconds(12.0));
    assert!(tokens.cached_token().is_none());
    waiting.await.unwrap().unwrap_err();
    tokio::time::sleep(seconds(10.0)).await;
    assert_eq!((endpoint.requests(), endpoint.most_at_once()), (1, 1));
}

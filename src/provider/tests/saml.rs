//! SAML assertions. Each is sent until a response arrives, and not again.

use std::{collections::VecDeque, time::SystemTime};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;
use crate::{
    assertion::Assertion,
    grant::Saml2Bearer,
    store::{MemoryStore, SharedStore},
};

/// An identity provider that returns the assertions that a test gives it. It repeats the last.
#[derive(Clone, Default)]
struct Idp {
    assertions: Arc<Mutex<VecDeque<String>>>,
    asked: Arc<Mutex<usize>>,
}

impl Idp {
    fn with<const N: usize>(assertions: [&str; N]) -> Self {
        let idp = Self::default();
        idp.set(assertions);
        idp
    }

    fn issuing(assertion: String) -> Self {
        let idp = Self::default();
        idp.assertions.lock().push_back(assertion);
        idp
    }

    fn set<const N: usize>(&self, assertions: [&str; N]) {
        *self.assertions.lock() = assertions.map(assertion).into();
    }

    fn source(&self) -> Assertion {
        let idp = self.clone();
        Assertion::from_fn(move || {
            let idp = idp.clone();
            async move { Ok(idp.issue()?.into()) }
        })
    }

    fn grant(&self) -> Saml2Bearer {
        grant(self.source())
    }

    fn issue(&self) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        *self.asked.lock() += 1;
        let mut assertions = self.assertions.lock();
        let next = match assertions.len() {
            0 => return Err("the identity provider is away".into()),
            1 => assertions.front().cloned(),
            _ => assertions.pop_front(),
        };
        Ok(next.unwrap_or_default())
    }

    fn calls(&self) -> usize {
        *self.asked.lock()
    }
}

fn grant(assertion: impl Into<Assertion>) -> Saml2Bearer {
    Saml2Bearer::new("a-client", "secret-1", "an-org", assertion).unwrap()
}

/// A provider with the assertions of an identity provider.
fn provider(script: impl Script, idp: &Idp) -> (Arc<Endpoint>, TokenProvider) {
    let endpoint = Endpoint::new(script);
    let tokens = endpoint.provider(Clock::manual(), idp.grant());
    (endpoint, tokens)
}

/// An assertion that is valid for the clocks of the tests. Nothing here checks its signature.
fn assertion(name: &str) -> String {
    assertion_until(name, "2999-01-01T00:00:00Z")
}

fn assertion_until(name: &str, end: &str) -> String {
    format!(
        "<Assertion xmlns='urn:oasis:names:tc:SAML:2.0:assertion' ID='_{name}' Version='2.0' \
         IssueInstant='2020-01-01T00:00:00Z'><Issuer>idp</Issuer>\
         <Signature xmlns='http://www.w3.org/2000/09/xmldsig#'/>\
         <Conditions NotOnOrAfter='{end}'/></Assertion>"
    )
}

fn sent(name: &str) -> String {
    STANDARD.encode(assertion(name))
}

/// Whether the token has expired and only another assertion helps.
fn is_stale(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::TokenExpired(_))
        && error.needs_login()
        && error.to_string().contains("assertion")
}

#[tokio::test(start_paused = true)]
async fn source_is_asked_again_near_the_end_of_the_token() {
    let idp = Idp::with(["a", "b"]);
    let (endpoint, tokens) = provider(|_| Reply::Token(600), &idp);
    assert_eq!(text(&tokens).await, "token-0");
    tokens.clock().advance(seconds(300.0));
    assert_eq!(text(&tokens).await, "token-0");
    assert_eq!(idp.calls(), 1);
    tokens.clock().advance(seconds(301.0));
    assert_eq!(text(&tokens).await, "token-1");
    assert_eq!(endpoint.sent_secrets(), [sent("a"), sent("b")]);
}

#[tokio::test(start_paused = true)]
async fn assertion_is_sent_again_until_a_response_arrives() {
    let idp = Idp::with(["a"]);
    let (endpoint, tokens) = provider(
        [
            Reply::Unavailable,
            Reply::Never,
            Reply::RateLimited(seconds(1.0)),
            Reply::Token(600),
        ],
        &idp,
    );
    for _ in 0..3 {
        let error = failure(&tokens).await;
        assert!(error.is_transient() && !error.needs_login(), "{error:?}");
        tokens.clock().advance(error.retry_after().unwrap());
    }
    assert_eq!(text(&tokens).await, "token-3");
    assert_eq!(endpoint.sent_secrets(), vec![sent("a"); 4]);

    tokens.clock().advance(seconds(601.0));
    let error = failure(&tokens).await;
    assert!(is_stale(&error), "{error}");
    assert_eq!(endpoint.requests(), 4);
}

#[tokio::test(start_paused = true)]
async fn assertion_given_once_is_kept_until_a_response_arrives() {
    let failed = Reply::Unavailable;
    let endpoint = Endpoint::new([failed.clone(), failed, Reply::Token(600)]);
    let (clock, once) = (Clock::manual(), Mutex::new(Some(assertion("a"))));
    let source = Assertion::from_fn(move || {
        let next = once.lock().take();
        async move { Ok(next.ok_or("it was returned before")?.into()) }
    });
    let tokens = endpoint.provider(clock.clone(), grant(source));
    for _ in 0..2 {
        clock.advance(failure(&tokens).await.retry_after().unwrap());
    }
    assert_eq!(text(&tokens).await, "token-2");
    assert_eq!(endpoint.sent_secrets(), vec![sent("a"); 3]);
}

#[tokio::test(start_paused = true)]
async fn invalid_fresh_assertions_are_sent_ever_less_often() {
    let endpoint = Endpoint::new(|_| Reply::InvalidGrant);
    let (clock, made) = (Clock::manual(), Mutex::new(0));
    let source = Assertion::from_fn(move || {
        let mut made = made.lock();
        *made += 1;
        let fresh = assertion(&format!("a{made}"));
        async move { Ok(fresh.into()) }
    });
    let tokens = endpoint.provider(clock.clone(), grant(source));
    for _ in 0..600 {
        let error = failure(&tokens).await;
        assert_kind!(error, ErrorKind::OAuth(error) if error.error == "invalid_grant");
        clock.advance(seconds(1.0));
    }
    // After 1, 5, 10, 20 … s.
    let requests = endpoint.requests();
    assert!((6..=12).contains(&requests), "{requests} in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn invalid_client_remains_the_cause() {
    let endpoint = Endpoint::new(|_| Reply::InvalidClient);
    let clock = Clock::manual();
    let tokens = endpoint.provider(clock.clone(), grant(assertion("a")));
    for _ in 0..30 {
        let error = failure(&tokens).await;
        assert_kind!(error, ErrorKind::InvalidClient(_));
        clock.advance(seconds(20.0));
    }
    assert_eq!(endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn stored_token_is_found_while_an_assertion_is_missing() {
    let endpoint = Endpoint::new(|_| Reply::Token(600));
    let (clock, store) = (Clock::manual(), MemoryStore::new());
    let process = |name: &str| {
        let idp = Idp::with([name]);
        let builder = endpoint.builder(clock.clone(), idp.grant());
        builder.storage(stored::by_secret(store.clone())).build()
    };
    let (one, other) = (process("a"), process("b"));
    text(&one).await;
    clock.advance(seconds(601.0));
    assert!(is_stale(&failure(&one).await));
    assert_eq!(text(&other).await, "token-1");
    clock.advance(seconds(1.0));
    assert_eq!(text(&one).await, "token-1");
}

#[tokio::test(start_paused = true)]
async fn malformed_assertion_ends_ready_at_once() {
    let endpoint = Endpoint::new(|_| Reply::Token(600));
    let idp = Idp::issuing("<not-saml/>".to_owned());
    let tokens = endpoint.provider(Clock::manual(), idp.grant());
    let error = tokens.ready(seconds(60.0)).await.unwrap_err();
    assert_kind!(error, ErrorKind::Assertion(_));
    assert_eq!(idp.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn invalid_assertion_is_not_sent_again() {
    for refusal in [Reply::InvalidGrant, Reply::InvalidClient] {
        let idp = Idp::with(["a"]);
        let (endpoint, tokens) = provider([refusal, Reply::Token(600)], &idp);
        let error = failure(&tokens).await;
        assert!(!error.is_transient(), "{error:?}");
        for _ in 0..40 {
            tokens.clock().advance(seconds(10.0));
            failure(&tokens).await;
        }
        assert_eq!(endpoint.sent_secrets(), [sent("a")]);
        idp.set(["b"]);
        tokens.clock().advance(seconds(300.0));
        assert_eq!(text(&tokens).await, "token-1");
        assert_eq!(endpoint.sent_secrets(), [sent("a"), sent("b")]);
    }
}

#[tokio::test(start_paused = true)]
async fn source_without_a_new_assertion_is_asked_once_a_second() {
    let idp = Idp::with(["a"]);
    let (_, tokens) = provider(|_| Reply::Token(600), &idp);
    text(&tokens).await;
    tokens.clock().advance(seconds(601.0));
    let before = idp.calls();
    for _ in 0..100 {
        assert!(is_stale(&failure(&tokens).await));
        tokens.clock().advance(seconds(0.1));
    }
    let asked = idp.calls() - before;
    assert!((8..=12).contains(&asked), "{asked} times in ten seconds");
    // A new assertion is found within a second.
    idp.set(["b"]);
    tokens.clock().advance(seconds(1.0));
    assert_eq!(text(&tokens).await, "token-1");
}

#[tokio::test(start_paused = true)]
async fn valid_token_is_served_to_its_end_which_is_announced() {
    let endpoint = Endpoint::new(|_| Reply::Token(600));
    let (clock, idp) = (Clock::manual(), Idp::with(["a"]));
    let (handle, events) = event_channel();
    let builder = endpoint.builder(clock.clone(), idp.grant());
    let tokens = builder.on_event(handle).build();
    text(&tokens).await;
    clock.advance(seconds(500.0));
    for _ in 0..99 {
        assert_eq!(text(&tokens).await, "token-0");
        tokio::time::sleep(seconds(0.01)).await;
        clock.advance(seconds(0.99));
    }
    clock.advance(seconds(2.0));
    assert!(is_stale(&failure(&tokens).await));
    drop(tokens);
    let is_expiring = |event: &Event| matches!(event, Event::LoginExpiring { .. });
    assert_eq!(events.iter().filter(is_expiring).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn expired_assertion_is_never_sent() {
    let endpoint = Endpoint::new(|_| Reply::Token(600));
    let clock = Clock::manual();
    clock.set_wall(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let old = assertion_until("old", "2026-01-01T00:00:00Z");
    let idp = Idp::issuing(old.clone());
    let tokens = endpoint.provider(clock.clone(), idp.grant());
    assert!(is_stale(&failure(&tokens).await));
    let tokens = endpoint.provider(clock, grant(old));
    assert!(is_stale(&failure(&tokens).await));
    assert_eq!(endpoint.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn malformed_assertion_is_reported_and_not_sent() {
    let idp = Idp::issuing("<not-saml/>".to_owned());
    let (endpoint, tokens) = provider(|_| Reply::Token(600), &idp);
    let error = failure(&tokens).await;
    assert_kind!(error, ErrorKind::Assertion(_));
    assert!(!error.is_transient());
    let error = Saml2Bearer::new("a-client", "secret-1", "an-org", "<not-saml/>").unwrap_err();
    assert_kind!(error, ErrorKind::Assertion(_));
    assert_eq!(endpoint.requests(), 0);
    idp.set(["a"]);
    tokens.clock().advance(seconds(1.0));
    assert_eq!(text(&tokens).await, "token-0");
}

#[tokio::test(start_paused = true)]
async fn failing_assertion_source_is_a_transient_failure() {
    for how in ["fail", "hang", "panic"] {
        let endpoint = Endpoint::new(|_| Reply::Token(600));
        let clock = Clock::manual();
        let broken = Arc::new(Mutex::new(true));
        let is_broken = Arc::clone(&broken);
        let source = Assertion::from_fn(move || {
            let broken = *is_broken.lock();
            async move {
                match how {
                    _ if !broken => Ok(assertion("a").into()),
                    "fail" => Err("away".into()),
                    "hang" => std::future::pending().await,
                    _ => panic!("planted"),
                }
            }
        });
        let tokens = endpoint.provider(clock.clone(), grant(source));
        let error = failure(&tokens).await;
        let case = format!("{how}: {error:?}");
        assert!(error.is_transient() && !error.needs_login(), "{case}");
        assert!(error.to_string().contains("assertion"), "{case}");
        assert!(error.retry_after().unwrap() < seconds(1.0), "{case}");
        *broken.lock() = false;
        clock.advance(seconds(1.0));
        assert_eq!(text(&tokens).await, "token-0", "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn changed_secret_is_used_with_the_next_assertion() {
    let endpoint = Endpoint::new(|_| Reply::InvalidClientUnless("new"));
    let (clock, idp) = (Clock::manual(), Idp::with(["a", "b"]));
    let vault = Vault::with_secret("old");
    let grant = Saml2Bearer::new("a-client", vault.source(), "an-org", idp.source()).unwrap();
    let tokens = endpoint.provider(clock.clone(), grant);
    let error = failure(&tokens).await;
    assert_kind!(error, ErrorKind::InvalidClient(_));
    *vault.secret.lock() = "new";
    clock.advance(seconds(1.0));
    assert_eq!(text(&tokens).await, "token-1");
    assert_eq!(endpoint.sent_secrets(), [sent("a"), sent("b")]);
}

#[tokio::test(start_paused = true)]
async fn users_of_one_store_get_their_own_tokens() {
    let endpoint = Endpoint::new(|_| Reply::Token(600));
    let (clock, store) = (Clock::manual(), MemoryStore::new());
    let process = |identity: &str, org: &str, assertion: &str| {
        let idp = Idp::with([assertion]);
        let parts = [org, identity].map(str::to_owned);
        let scope = StoreScope::new(SharedStore::new(store.clone()), parts);
        let builder = endpoint.builder(clock.clone(), idp.grant().identity(identity));
        builder.storage(Storage::BySecret(scope)).build()
    };
    assert_eq!(text(&process("jo", "one", "a")).await, "token-0");
    assert_eq!(text(&process("jo", "two", "b")).await, "token-1");
    assert_eq!(text(&process("al", "one", "c")).await, "token-2");
    // Another process of the same user needs no assertion.
    assert_eq!(text(&process("jo", "one", "a")).await, "token-0");
    assert_eq!(endpoint.requests(), 3);
}

#[test]
fn store_requires_an_identity() {
    let region = Region::custom("http://127.0.0.1:9", "http://127.0.0.1:9").unwrap();
    let build = |grant: Saml2Bearer| {
        TokenProvider::builder(region.clone(), grant)
            .store(MemoryStore::new())
            .build()
    };
    for anonymous in [Idp::default().grant(), Idp::default().grant().identity("")] {
        let error = build(anonymous).unwrap_err();
        assert_kind!(error, ErrorKind::Configuration(_));
    }
    assert!(build(Idp::default().grant().identity("jo")).is_ok());
}

#[test]
fn short_name_of_an_organisation_is_checked() {
    let new = |org: &str| Saml2Bearer::new("a-client", "secret-1", org, assertion("a"));
    let long = "x".repeat(256);
    for invalid in ["", " ", "my org", "a&b", "a=b", "a\nb", "a%20b", &long] {
        let error = new(invalid).unwrap_err();
        assert_kind!(error, ErrorKind::Configuration(_));
    }
    for valid in ["my-org", "org_1", "o.rg", "große-firma"] {
        assert!(new(valid).is_ok(), "{valid:?}");
    }
}

//! SAML assertions. Each is sent until a response arrives, and not again.

mod faulty;
mod stored;

use std::{collections::VecDeque, time::SystemTime};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;
use crate::{assertion::Assertion, grant::Saml2Bearer};

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

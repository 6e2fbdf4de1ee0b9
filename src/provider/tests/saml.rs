//! SAML assertions: each is handed in until it is answered, and not again.

use std::{
    collections::VecDeque,
    sync::mpsc::{Receiver, channel},
    time::SystemTime,
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{secrets::Vault, *};
use crate::{
    assertion::Assertion,
    grant::Saml2Bearer,
    store::{MemoryStore, SharedStore},
};

/// An identity provider whose assertions are put into it, and given as long as there is no other.
#[derive(Clone, Default)]
struct Idp {
    assertions: Arc<Mutex<VecDeque<String>>>,
    asked: Arc<Mutex<usize>>,
}

impl Idp {
    fn giving<const N: usize>(assertions: [&str; N]) -> Self {
        let idp = Self::default();
        idp.gives(assertions);
        idp
    }

    fn gives<const N: usize>(&self, assertions: [&str; N]) {
        *self.assertions.lock() = assertions.map(assertion).into();
    }

    fn grant(&self) -> Saml2Bearer {
        let idp = self.clone();
        let source = Assertion::from_fn(move || {
            let idp = idp.clone();
            async move { Ok(idp.answer()?.into()) }
        });
        Saml2Bearer::new("a-client", "secret-1", "an-org", source).unwrap()
    }

    fn answer(&self) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        *self.asked.lock() += 1;
        let mut assertions = self.assertions.lock();
        let next = match assertions.len() {
            0 => return Err("the identity provider is away".into()),
            1 => assertions.front().cloned(),
            _ => assertions.pop_front(),
        };
        Ok(next.unwrap_or_default())
    }

    fn asked(&self) -> usize {
        *self.asked.lock()
    }
}

/// One that is good for the years of the tests' clocks, and signed as far as anybody here looks.
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

fn kind(error: &Error) -> &ErrorKind {
    error.kind()
}

async fn text(tokens: &TokenProvider) -> String {
    tokens.token().await.unwrap().expose_secret().to_owned()
}

async fn failure(tokens: &TokenProvider) -> Error {
    tokens.token().await.unwrap_err()
}

/// The token is over, and only another assertion helps.
fn is_stale(error: &Error) -> bool {
    matches!(kind(error), ErrorKind::TokenExpired(_))
        && error.needs_login()
        && error.to_string().contains("assertion")
}

#[tokio::test(start_paused = true)]
async fn near_the_tokens_end_the_source_is_asked_for_the_next_assertion() {
    let endpoint = Endpoint::new(|_| Say::Token(600));
    let (clock, idp) = (Clock::manual(), Idp::giving(["a", "b"]));
    let tokens = endpoint.provider(clock.clone(), idp.grant());
    assert_eq!(text(&tokens).await, "token-0");
    clock.advance(seconds(300.0));
    assert_eq!(text(&tokens).await, "token-0");
    assert_eq!(idp.asked(), 1);
    clock.advance(seconds(301.0));
    assert_eq!(text(&tokens).await, "token-1");
    assert_eq!(endpoint.handed_in(), [sent("a"), sent("b")]);
}

#[tokio::test(start_paused = true)]
async fn an_assertion_is_handed_in_again_only_while_nobody_answered_it() {
    let endpoint = Endpoint::new(|number| match number {
        0 => Say::Unavailable,
        1 => Say::Nothing,
        2 => Say::RateLimited(seconds(1.0)),
        _ => Say::Token(600),
    });
    let (clock, idp) = (Clock::manual(), Idp::giving(["a"]));
    let tokens = endpoint.provider(clock.clone(), idp.grant());
    for _ in 0..3 {
        let error = failure(&tokens).await;
        assert!(error.is_transient() && !error.needs_login(), "{error:?}");
        clock.advance(error.retry_after().unwrap());
    }
    assert_eq!(text(&tokens).await, "token-3");
    assert_eq!(
        endpoint.handed_in(),
        [sent("a"), sent("a"), sent("a"), sent("a")]
    );

    clock.advance(seconds(601.0));
    let error = failure(&tokens).await;
    assert!(is_stale(&error), "{error}");
    assert_eq!(endpoint.requests(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_assertion_that_its_source_gives_once_is_kept_until_it_is_answered() {
    let endpoint = Endpoint::new(|number| match number {
        0 | 1 => Say::Unavailable,
        _ => Say::Token(600),
    });
    let (clock, once) = (Clock::manual(), Arc::new(Mutex::new(Some(assertion("a")))));
    let source = Assertion::from_fn(move || {
        let given = once.lock().take();
        async move { Ok(given.ok_or("it was given already")?.into()) }
    });
    let grant = Saml2Bearer::new("a-client", "secret-1", "an-org", source).unwrap();
    let tokens = endpoint.provider(clock.clone(), grant);
    for _ in 0..2 {
        clock.advance(failure(&tokens).await.retry_after().unwrap());
    }
    assert_eq!(text(&tokens).await, "token-2");
    assert_eq!(endpoint.handed_in(), [sent("a"), sent("a"), sent("a")]);
}

#[tokio::test(start_paused = true)]
async fn fresh_assertions_that_are_refused_are_sent_ever_less() {
    let endpoint = Endpoint::new(|_| Say::InvalidGrant);
    let (clock, made) = (Clock::manual(), Arc::new(Mutex::new(0)));
    let source = Assertion::from_fn(move || {
        let mut made = made.lock();
        *made += 1;
        let fresh = assertion(&format!("a{made}"));
        async move { Ok(fresh.into()) }
    });
    let grant = Saml2Bearer::new("a-client", "secret-1", "an-org", source).unwrap();
    let tokens = endpoint.provider(clock.clone(), grant);
    for _ in 0..600 {
        let error = failure(&tokens).await;
        assert!(
            matches!(kind(&error), ErrorKind::OAuth(error) if error.error == "invalid_grant"),
            "{error:?}"
        );
        clock.advance(seconds(1.0));
    }
    // 1, 5, 10, 20 … seconds apart.
    let requests = endpoint.requests();
    assert!((6..=12).contains(&requests), "{requests} in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_refused_stays_the_reason() {
    let endpoint = Endpoint::new(|_| Say::Refuse);
    let clock = Clock::manual();
    let grant = Saml2Bearer::new("a-client", "secret-1", "an-org", assertion("a")).unwrap();
    let tokens = endpoint.provider(clock.clone(), grant);
    for _ in 0..30 {
        let error = failure(&tokens).await;
        assert!(
            matches!(kind(&error), ErrorKind::InvalidClient(_)),
            "{error:?}"
        );
        clock.advance(seconds(20.0));
    }
    assert_eq!(endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_another_process_stored_is_found_while_an_assertion_is_missing() {
    let endpoint = Endpoint::new(|_| Say::Token(600));
    let (clock, store) = (Clock::manual(), MemoryStore::new());
    let process = |name: &str| {
        let idp = Idp::giving([name]);
        let keeping = StoreScope::new(SharedStore::new(store.clone()), ["jo".to_owned()]);
        let stored = Storage::BySecret(keeping);
        let grant = idp.grant().into_grant();
        endpoint.provider_storing(clock.clone(), grant, stored, |_| {})
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
async fn what_cannot_be_accepted_ends_a_wait_at_once() {
    let endpoint = Endpoint::new(|_| Say::Token(600));
    let (clock, idp) = (Clock::manual(), Idp::default());
    idp.assertions.lock().push_back("<not-saml/>".to_owned());
    let tokens = endpoint.provider(clock, idp.grant());
    let error = tokens.ready(seconds(60.0)).await.unwrap_err();
    assert!(matches!(kind(&error), ErrorKind::Assertion(_)), "{error:?}");
    assert_eq!(idp.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_assertion_that_was_refused_is_not_handed_in_again() {
    for refusal in [Say::InvalidGrant, Say::Refuse] {
        let endpoint = Endpoint::new(move |number| match number {
            0 => refusal.clone(),
            _ => Say::Token(600),
        });
        let (clock, idp) = (Clock::manual(), Idp::giving(["a"]));
        let tokens = endpoint.provider(clock.clone(), idp.grant());
        let error = failure(&tokens).await;
        assert!(!error.is_transient(), "{error:?}");
        for _ in 0..40 {
            clock.advance(seconds(10.0));
            failure(&tokens).await;
        }
        assert_eq!(endpoint.handed_in(), [sent("a")]);
        idp.gives(["b"]);
        clock.advance(seconds(300.0));
        assert_eq!(text(&tokens).await, "token-1");
        assert_eq!(endpoint.handed_in(), [sent("a"), sent("b")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_with_nothing_new_is_asked_at_most_once_a_second() {
    let endpoint = Endpoint::new(|_| Say::Token(600));
    let (clock, idp) = (Clock::manual(), Idp::giving(["a"]));
    let tokens = endpoint.provider(clock.clone(), idp.grant());
    text(&tokens).await;
    clock.advance(seconds(601.0));
    let before = idp.asked();
    for _ in 0..100 {
        assert!(is_stale(&failure(&tokens).await));
        clock.advance(seconds(0.1));
    }
    let asked = idp.asked() - before;
    assert!((8..=12).contains(&asked), "{asked} times in ten seconds");
    // Another ends the wait within a second.
    idp.gives(["b"]);
    clock.advance(seconds(1.0));
    assert_eq!(text(&tokens).await, "token-1");
}

#[tokio::test(start_paused = true)]
async fn a_token_in_hand_is_served_to_its_end_and_that_is_told_ahead_of_time() {
    let endpoint = Endpoint::new(|_| Say::Token(600));
    let (clock, idp) = (Clock::manual(), Idp::giving(["a"]));
    let (sender, events) = channel();
    let handle = move |event: &Event| drop(sender.send(event.clone()));
    let tokens = endpoint.provider_telling(clock.clone(), idp.grant(), handle);
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
    let told = |events: Receiver<Event>| events.iter().collect::<Vec<_>>();
    let told = told(events);
    let expiring = told
        .iter()
        .filter(|event| matches!(event, Event::LoginExpiring { .. }));
    assert_eq!(expiring.count(), 1, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn an_assertion_out_of_date_is_never_sent() {
    let endpoint = Endpoint::new(|_| Say::Token(600));
    let (clock, idp) = (Clock::manual(), Idp::default());
    clock.set_wall(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let old = assertion_until("old", "2026-01-01T00:00:00Z");
    idp.assertions.lock().push_back(old.clone());
    let tokens = endpoint.provider(clock.clone(), idp.grant());
    assert!(is_stale(&failure(&tokens).await));
    let value = Saml2Bearer::new("a-client", "secret-1", "an-org", old).unwrap();
    let tokens = endpoint.provider(clock, value);
    assert!(is_stale(&failure(&tokens).await));
    assert_eq!(endpoint.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_accepted_is_a_typed_error_and_not_sent() {
    let endpoint = Endpoint::new(|_| Say::Token(600));
    let (clock, idp) = (Clock::manual(), Idp::default());
    idp.assertions.lock().push_back("<not-saml/>".to_owned());
    let tokens = endpoint.provider(clock.clone(), idp.grant());
    let error = failure(&tokens).await;
    assert!(matches!(kind(&error), ErrorKind::Assertion(_)), "{error:?}");
    assert!(!error.is_transient());
    let error = Saml2Bearer::new("a-client", "secret-1", "an-org", "<not-saml/>").unwrap_err();
    assert!(matches!(kind(&error), ErrorKind::Assertion(_)), "{error:?}");
    assert_eq!(endpoint.requests(), 0);
    idp.gives(["a"]);
    clock.advance(seconds(1.0));
    assert_eq!(text(&tokens).await, "token-0");
}

#[tokio::test(start_paused = true)]
async fn a_source_of_assertions_that_fails_hangs_or_panics_is_a_transient_failure() {
    for how in ["fail", "hang", "panic"] {
        let endpoint = Endpoint::new(|_| Say::Token(600));
        let clock = Clock::manual();
        let bad = Arc::new(Mutex::new(true));
        let is_bad = Arc::clone(&bad);
        let source = Assertion::from_fn(move || {
            let bad = *is_bad.lock();
            async move {
                match how {
                    _ if !bad => Ok(assertion("a").into()),
                    "fail" => Err("away".into()),
                    "hang" => std::future::pending().await,
                    _ => panic!("planted"),
                }
            }
        });
        let grant = Saml2Bearer::new("a-client", "secret-1", "an-org", source).unwrap();
        let tokens = endpoint.provider(clock.clone(), grant);
        let error = failure(&tokens).await;
        assert!(
            error.is_transient() && !error.needs_login(),
            "{how}: {error:?}"
        );
        assert!(error.to_string().contains("assertion"), "{how}: {error}");
        assert!(error.retry_after().unwrap() < seconds(1.0), "{how}");
        *bad.lock() = false;
        clock.advance(seconds(1.0));
        assert_eq!(text(&tokens).await, "token-0", "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_secret_is_used_with_the_next_assertion() {
    let endpoint = Endpoint::new(|_| Say::RefuseUnless("new"));
    let (clock, idp) = (Clock::manual(), Idp::giving(["a", "b"]));
    let vault = Vault::holding("old");
    let from_idp = idp.clone();
    let source = Assertion::from_fn(move || {
        let idp = from_idp.clone();
        async move { Ok(idp.answer()?.into()) }
    });
    let grant = Saml2Bearer::new("a-client", vault.source(), "an-org", source).unwrap();
    let tokens = endpoint.provider(clock.clone(), grant);
    let error = failure(&tokens).await;
    assert!(
        matches!(kind(&error), ErrorKind::InvalidClient(_)),
        "{error:?}"
    );
    *vault.secret.lock() = "new";
    clock.advance(seconds(1.0));
    assert_eq!(text(&tokens).await, "token-1");
    assert_eq!(endpoint.handed_in(), [sent("a"), sent("b")]);
}

#[tokio::test(start_paused = true)]
async fn users_with_one_store_never_get_each_others_token() {
    let endpoint = Endpoint::new(|_| Say::Token(600));
    let (clock, store) = (Clock::manual(), MemoryStore::new());
    let process = |identity: &str, org: &str, assertion: &str| {
        let idp = Idp::giving([assertion]);
        let grant = idp.grant().identity(identity);
        let parts = [org, identity].map(str::to_owned);
        let keeping = StoreScope::new(SharedStore::new(store.clone()), parts);
        let stored = Storage::BySecret(keeping);
        endpoint.provider_storing(clock.clone(), grant.into_grant(), stored, |_| {})
    };
    assert_eq!(text(&process("jo", "one", "a")).await, "token-0");
    assert_eq!(text(&process("jo", "two", "b")).await, "token-1");
    assert_eq!(text(&process("al", "one", "c")).await, "token-2");
    // Another process of the same user needs no assertion.
    assert_eq!(text(&process("jo", "one", "a")).await, "token-0");
    assert_eq!(endpoint.requests(), 3);
}

#[test]
fn with_a_store_it_has_to_be_said_whose_assertions_they_are() {
    let region = Region::custom("http://127.0.0.1:9", "http://127.0.0.1:9").unwrap();
    let build = |grant: Saml2Bearer| {
        TokenProvider::builder(region.clone(), grant)
            .store(MemoryStore::new())
            .build()
    };
    for nobody in [Idp::default().grant(), Idp::default().grant().identity("")] {
        let error = build(nobody).unwrap_err();
        assert!(
            matches!(kind(&error), ErrorKind::Configuration(_)),
            "{error:?}"
        );
    }
    assert!(build(Idp::default().grant().identity("jo")).is_ok());
}

#[test]
fn an_organisations_short_name_holds_no_space_and_no_mark() {
    let new = |org: &str| Saml2Bearer::new("a-client", "secret-1", org, assertion("a"));
    for bad in [
        "",
        " ",
        "my org",
        "a&b",
        "a=b",
        "a\nb",
        "a%20b",
        &"x".repeat(256),
    ] {
        let error = new(bad).unwrap_err();
        assert!(
            matches!(kind(&error), ErrorKind::Configuration(_)),
            "{bad:?}"
        );
    }
    for good in ["my-org", "org_1", "o.rg", "große-firma"] {
        assert!(new(good).is_ok(), "{good:?}");
    }
}

//! Tokens of asserted users in a store.

use super::{super::stored::by_secret, *};
use crate::store::{MemoryStore, SharedStore};

#[tokio::test(start_paused = true)]
async fn stored_token_is_found_while_an_assertion_is_missing() {
    let endpoint = Endpoint::new(|_| Reply::Token(600));
    let (clock, store) = (Clock::manual(), MemoryStore::new());
    let process = |name: &str| {
        let idp = Idp::with([name]);
        let builder = endpoint.builder(clock.clone(), idp.grant());
        builder.storage(by_secret(store.clone())).build()
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
        let builder = TokenProvider::builder(region.clone(), grant);
        builder.store(MemoryStore::new()).build()
    };
    for anonymous in [Idp::default().grant(), Idp::default().grant().identity("")] {
        let error = build(anonymous).unwrap_err();
        assert_kind!(error, ErrorKind::Configuration(_));
    }
    assert!(build(Idp::default().grant().identity("jo")).is_ok());
}

//! Values and closures as the source of an assertion.

use std::io;

use super::*;
use crate::error::ErrorKind;

fn assert_handle<T: Clone + Send + Sync + 'static>(_: &T) {}

fn assert_send<T: Send>(future: T) -> T {
    future
}

async fn read(assertion: &Assertion) -> RawAssertion {
    assert_handle(assertion);
    assert_send(assertion.clone().read()).await.unwrap()
}

#[tokio::test]
async fn a_closure_returns_any_form_and_is_called_each_time() {
    async fn identity_provider() -> io::Result<String> {
        tokio::task::yield_now().await;
        Ok(STANDARD.encode(response(&assertion())))
    }
    let from_string = Assertion::from_fn(|| async { Ok(identity_provider().await?.into()) });
    let from_bytes =
        Assertion::from_fn(|| async { Ok(response(&assertion()).into_bytes().into()) });
    let from_secret =
        Assertion::from_fn(|| async { Ok(SecretString::from(response(&assertion())).into()) });
    let from_str = Assertion::from_fn(|| async { Ok("PHgvPg".into()) });
    let again = from_bytes.clone();
    let nested = Assertion::from_fn(move || {
        let again = again.clone();
        async move { Ok(again) }
    });
    let one = parse(read(&from_string).await).fingerprint();
    for source in [from_bytes, from_secret, nested] {
        assert!(source.value().is_none());
        assert_eq!(parse(read(&source).await).fingerprint(), one);
    }
    assert_eq!(fault(read(&from_str).await), "NoSaml");
}

#[tokio::test]
async fn a_failing_closure_is_a_transient_failure_with_its_cause() {
    let source = Assertion::from_fn(|| async { Err("the identity provider is down".into()) });
    let error = source.read().await.err().unwrap();
    assert!(matches!(error.kind(), ErrorKind::CredentialSource(_)) && error.is_transient());
    assert_eq!(
        error.to_string(),
        "the source of the SAML assertion failed (check what its closure asks): the identity provider \
         is down"
    );
}

#[test]
fn debug_shows_no_assertion() {
    let value = Assertion::from("sentinel");
    let source = Assertion::from_fn(|| async { Ok("sentinel".into()) });
    let shown = format!("{value:?} {source:?}");
    assert_eq!(shown, "Assertion([redacted]) Assertion(from a closure)");
}

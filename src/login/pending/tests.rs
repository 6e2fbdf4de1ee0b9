//! What is kept between the two halves of a login, and who may go on with it.

use std::collections::HashSet;

use super::*;
use crate::{
    clock::Clock, error::ErrorKind, grant::AuthorizationCode, login::LoginBuilder, region::Region,
    seal::SealingKey, store::MemoryStore,
};

const KEY: [u8; 32] = [7; 32];

fn builder(region: Region, client_id: &str, redirect_uri: &str) -> LoginBuilder {
    let app = AuthorizationCode::public(client_id, redirect_uri).unwrap();
    Login::builder(region, app).store(MemoryStore::new(), SealingKey::from_bytes(KEY))
}

fn app() -> AuthorizationCode {
    AuthorizationCode::public("an-id", "https://app.example/cb").unwrap()
}

fn usual() -> LoginBuilder {
    builder(Region::EuWest1, "an-id", "https://app.example/cb")
}

fn fault(login: &Login, secret: &SecretString) -> CallbackFault {
    let error = PendingLogin::from_secret(login, secret).unwrap_err();
    match error.kind() {
        ErrorKind::Login(login) => login.fault().unwrap(),
        kind => panic!("{kind:?}"),
    }
}

fn parameter(pending: &PendingLogin, name: &str) -> String {
    let mut pairs = pending.authorize_url().query_pairs();
    let (_, value) = pairs.find(|(given, _)| given == name).unwrap();
    value.into_owned()
}

#[test]
fn state_and_verifier_are_random_and_of_their_length() {
    let login = usual().build().unwrap();
    let mut seen = HashSet::new();
    for _ in 0..64 {
        let pending = login.begin().unwrap();
        let verifier = pending.verifier().expose_secret().to_owned();
        assert_eq!((pending.state().len(), verifier.len()), (43, 86));
        let alphabet = |c: u8| c.is_ascii_alphanumeric() || b"-_".contains(&c);
        assert!(
            verifier
                .bytes()
                .chain(pending.state().bytes())
                .all(alphabet)
        );
        assert_eq!(parameter(&pending, "state"), pending.state());
        let challenge = parameter(&pending, "code_challenge");
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
        assert_eq!(challenge, URL_SAFE_NO_PAD.encode(digest));
        assert!(seen.insert(pending.state().to_owned()) && seen.insert(verifier));
    }
}

#[test]
fn what_was_kept_is_the_same_login_again() {
    for key in [SealingKey::from_bytes(KEY), SealingKey::unsealed()] {
        let login = usual().store(MemoryStore::new(), key).build().unwrap();
        let pending = login.begin().unwrap();
        let (state, url) = (pending.state().to_owned(), pending.authorize_url().clone());
        let verifier = pending.verifier();
        let secret = pending.into_secret().unwrap();
        let again = PendingLogin::from_secret(&login, &secret).unwrap();
        assert_eq!((again.state(), again.authorize_url()), (&*state, &url));
        assert_eq!(again.verifier().expose_secret(), verifier.expose_secret());
    }
}

#[test]
fn another_login_does_not_go_on_with_it() {
    let secret = |login: &Login| login.begin().unwrap().into_secret().unwrap();
    let kept = secret(&usual().build().unwrap());
    for (region, client_id, redirect_uri) in [
        (Region::EuCentral1, "an-id", "https://app.example/cb"),
        (Region::EuWest1, "another-id", "https://app.example/cb"),
        (Region::EuWest1, "an-id", "https://app.example/cb2"),
    ] {
        let other = builder(region, client_id, redirect_uri).build().unwrap();
        assert_eq!(fault(&other, &kept), CallbackFault::OtherLogin);
        let pending = other.begin().unwrap();
        let error = pending.check(&usual().build().unwrap()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Login(login) if login.fault().is_some()));
    }
    for app in [
        app().target_org("org-2"),
        app().identity_provider("acme", "okta"),
    ] {
        let other = Login::builder(Region::EuWest1, app);
        let other = other.store(MemoryStore::new(), SealingKey::from_bytes(KEY));
        assert_eq!(
            fault(&other.build().unwrap(), &kept),
            CallbackFault::OtherLogin
        );
    }
    // A key of its own, as each login without a store has one.
    let other = Login::new(Region::EuWest1, app()).unwrap();
    assert_eq!(fault(&other, &kept), CallbackFault::Altered);
    assert_eq!(
        fault(&usual().build().unwrap(), &secret(&other)),
        CallbackFault::Altered
    );
    // An older key is still read.
    let key = SealingKey::from_bytes([8; 32]).also_reads(SealingKey::from_bytes(KEY));
    let rotated = usual().store(MemoryStore::new(), key).build().unwrap();
    assert!(PendingLogin::from_secret(&rotated, &kept).is_ok());
}

#[test]
fn one_byte_altered_is_refused() {
    let login = usual().build().unwrap();
    let secret = login.begin().unwrap().into_secret().unwrap();
    let text = secret.expose_secret();
    let sealed = URL_SAFE_NO_PAD.decode(text).unwrap();
    for at in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        let altered = URL_SAFE_NO_PAD.encode(altered).into();
        assert_eq!(fault(&login, &altered), CallbackFault::Altered, "byte {at}");
    }
    for length in 0..text.len() {
        assert_eq!(
            fault(&login, &text.get(..length).unwrap().into()),
            CallbackFault::Altered
        );
    }
    for text in ["", "!", "AA", &format!("{text}AA"), &"A".repeat(100_000)] {
        assert_eq!(fault(&login, &text.into()), CallbackFault::Altered);
    }
}

#[test]
fn a_planted_plain_record_ends_nothing() {
    let login = usual().build().unwrap();
    let unsealed = usual().store(MemoryStore::new(), SealingKey::unsealed());
    let unsealed = unsealed.build().unwrap();
    let plain = unsealed.begin().unwrap().into_secret().unwrap();
    assert_eq!(fault(&login, &plain), CallbackFault::Altered);
    // A verifier of a length that PKCE does not have.
    let pending = unsealed.begin().unwrap();
    let record = URL_SAFE_NO_PAD.decode(pending.into_secret().unwrap().expose_secret());
    let record = String::from_utf8(record.unwrap()).unwrap();
    let (start, end) = record.split_once(r#""verifier":""#).unwrap();
    let record = format!(r#"{start}"verifier":"{}"#, end.get(80..).unwrap());
    let short = URL_SAFE_NO_PAD.encode(record).into();
    assert_eq!(fault(&unsealed, &short), CallbackFault::Altered);
}

#[cfg(feature = "test-util")]
#[test]
fn it_ends_after_ten_minutes_by_the_wall_clock() {
    let clock = Clock::manual();
    let login = usual().clock(clock.clone()).build().unwrap();
    let pending = login.begin().unwrap();
    let secret = login.begin().unwrap().into_secret().unwrap();
    clock.advance(Duration::from_secs(599));
    pending.check(&login).unwrap();
    assert!(PendingLogin::from_secret(&login, &secret).is_ok());
    clock.advance(Duration::from_secs(1));
    assert!(pending.check(&login).is_err());
    assert_eq!(fault(&login, &secret), CallbackFault::Ended);
    // One from the future, beyond what two machines' clocks differ by.
    clock.set_wall(pending.began - Duration::from_secs(30));
    pending.check(&login).unwrap();
    clock.set_wall(pending.began - Duration::from_secs(61));
    assert!(pending.check(&login).is_err());
}

#[test]
fn debug_shows_no_secret() {
    let login = usual().build().unwrap();
    let pending = login.begin().unwrap();
    let shown = format!("{pending:?} {login:?}");
    for secret in [pending.state(), pending.verifier().expose_secret()] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

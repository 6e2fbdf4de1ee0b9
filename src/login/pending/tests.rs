//! Pending logins in a session, and which login may finish them.

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

fn default_builder() -> LoginBuilder {
    builder(Region::EuWest1, "an-id", "https://app.example/cb")
}

fn default_login() -> Login {
    default_builder().build().unwrap()
}

/// The same, with this key.
fn login_with(key: SealingKey) -> Login {
    let builder = default_builder().store(MemoryStore::new(), key);
    builder.build().unwrap()
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
fn state_and_verifier_are_random_and_have_their_length() {
    let login = default_login();
    let mut seen = HashSet::new();
    for _ in 0..64 {
        let pending = login.begin().unwrap();
        let state = pending.state.expose_secret().to_owned();
        let verifier = pending.verifier.expose_secret().to_owned();
        assert_eq!((state.len(), verifier.len()), (43, 86));
        let is_base64url = |c: u8| c.is_ascii_alphanumeric() || b"-_".contains(&c);
        assert!(verifier.bytes().chain(state.bytes()).all(is_base64url));
        assert_eq!(parameter(&pending, "state"), state);
        let challenge = parameter(&pending, "code_challenge");
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
        assert_eq!(challenge, URL_SAFE_NO_PAD.encode(digest));
        assert!(seen.insert(state) && seen.insert(verifier));
    }
}

#[test]
fn pending_login_survives_the_session() {
    for key in [SealingKey::from_bytes(KEY), SealingKey::unsealed()] {
        let login = login_with(key);
        let pending = login.begin().unwrap();
        let (state, verifier) = (pending.state.clone(), pending.verifier.clone());
        let url = pending.authorize_url().clone();
        let secret = pending.into_secret().unwrap();
        let read = PendingLogin::from_secret(&login, &secret).unwrap();
        assert_eq!(read.state.expose_secret(), state.expose_secret());
        assert_eq!(read.verifier.expose_secret(), verifier.expose_secret());
        assert_eq!(read.authorize_url(), &url);
    }
}

#[test]
fn other_login_cannot_finish_it() {
    let secret = |login: &Login| login.begin().unwrap().into_secret().unwrap();
    let session = secret(&default_login());
    for (region, client_id, redirect_uri) in [
        (Region::EuCentral1, "an-id", "https://app.example/cb"),
        (Region::EuWest1, "another-id", "https://app.example/cb"),
        (Region::EuWest1, "an-id", "https://app.example/cb2"),
    ] {
        let other = builder(region, client_id, redirect_uri).build().unwrap();
        assert_eq!(fault(&other, &session), CallbackFault::OtherLogin);
        let pending = other.begin().unwrap();
        let error = pending.check(&default_login()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Login(login) if login.fault().is_some()));
    }
    let with_provider = app().identity_provider("acme", "okta");
    for app in [app().target_org("org-2"), with_provider] {
        let other = Login::builder(Region::EuWest1, app);
        let other = other.store(MemoryStore::new(), SealingKey::from_bytes(KEY));
        let other = other.build().unwrap();
        assert_eq!(fault(&other, &session), CallbackFault::OtherLogin);
    }
    // A login without a store has its own key.
    let other = Login::new(Region::EuWest1, app()).unwrap();
    assert_eq!(fault(&other, &session), CallbackFault::Altered);
    let fault_here = fault(&default_login(), &secret(&other));
    assert_eq!(fault_here, CallbackFault::Altered);
    // A rotated key opens what the older one sealed.
    let key = SealingKey::from_bytes([8; 32]).also_reads(SealingKey::from_bytes(KEY));
    let rotated = login_with(key);
    assert!(PendingLogin::from_secret(&rotated, &session).is_ok());
}

#[test]
fn altered_secret_is_rejected() {
    let login = default_login();
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
        let cut = text.get(..length).unwrap().into();
        assert_eq!(fault(&login, &cut), CallbackFault::Altered);
    }
    for text in ["", "!", "AA", &format!("{text}AA"), &"A".repeat(100_000)] {
        assert_eq!(fault(&login, &text.into()), CallbackFault::Altered);
    }
}

#[test]
fn planted_plain_record_is_rejected() {
    let login = default_login();
    let unsealed = login_with(SealingKey::unsealed());
    let plain = unsealed.begin().unwrap().into_secret().unwrap();
    assert_eq!(fault(&login, &plain), CallbackFault::Altered);
    // A verifier that is too short for PKCE.
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
fn pending_login_ends_after_ten_minutes() {
    let clock = Clock::manual();
    let login = default_builder().clock(clock.clone()).build().unwrap();
    let pending = login.begin().unwrap();
    let secret = login.begin().unwrap().into_secret().unwrap();
    clock.advance(Duration::from_secs(599));
    pending.check(&login).unwrap();
    assert!(PendingLogin::from_secret(&login, &secret).is_ok());
    clock.advance(Duration::from_secs(1));
    assert!(pending.check(&login).is_err());
    assert_eq!(fault(&login, &secret), CallbackFault::Ended);
    // Another machine's clock may be up to a minute ahead.
    clock.set_wall(pending.began - Duration::from_secs(30));
    pending.check(&login).unwrap();
    clock.set_wall(pending.began - Duration::from_secs(61));
    assert!(pending.check(&login).is_err());
}

#[test]
fn debug_shows_neither_state_nor_verifier() {
    let login = default_login();
    let pending = login.begin().unwrap();
    let shown = format!("{pending:?} {login:?}");
    for secret in [&pending.state, &pending.verifier] {
        assert!(!shown.contains(secret.expose_secret()), "{shown}");
    }
}

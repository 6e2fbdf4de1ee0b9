//! Each client, region and name has a record of its own, which does not open in another's place.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use genesys_cloud_auth::{
    AuthorizationCode, ClientCredentials, Clock, Login, Region, TokenProvider, store::SealingKey,
};

use super::*;
use crate::support::{
    login::parameter,
    server::{Reply, Server},
};

/// A store whose records can be swapped.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Shared {
    /// Swaps the two records.
    fn swap(&self) {
        let mut records = self.0.lock().unwrap();
        let [first, second] = &mut records.values_mut().collect::<Vec<_>>()[..] else {
            panic!("there are not two records")
        };
        std::mem::swap(*first, *second);
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl TokenStore for Shared {
    type Turn = ();

    async fn load(&self, key: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        let record = self.0.lock().unwrap().get(key.as_str()).cloned();
        Ok(record.map(Sealed::from_bytes))
    }

    async fn take_turn(&self, _: &StoreKey, _: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    async fn save(&self, (): (), key: &StoreKey, value: Sealed) -> Result<(), StoreError> {
        let (name, value) = (key.as_str().to_owned(), value.as_bytes().to_vec());
        self.0.lock().unwrap().insert(name, value);
        Ok(())
    }

    async fn remove(&self, (): (), key: &StoreKey) -> Result<(), StoreError> {
        self.0.lock().unwrap().remove(key.as_str());
        Ok(())
    }
}

/// Returns a login host that issues another token each time.
fn login_host() -> Server {
    let answers = ["first", "second", "third", "fourth", "fifth", "sixth"].map(|name| {
        let body = format!(
            r#"{{"access_token":"{name}","expires_in":86399,"refresh_token":"{name}-refresh"}}"#
        );
        Reply::json(200, &body)
    });
    let server = Server::start(answers[0].clone());
    server.answers(answers);
    server
}

fn region(login: &str, api: &str) -> Region {
    Region::custom(login, api).unwrap()
}

/// Returns the token of a process that starts with this client. The clients share a secret.
async fn token_of(store: &Shared, region: Region, client: &str) -> String {
    let credentials = ClientCredentials::new(client, "a-secret").unwrap();
    let builder = TokenProvider::builder(region, credentials).store(store.clone());
    let token = builder.build().unwrap().token().await.unwrap();
    token.expose_secret().to_owned()
}

/// Returns the logins of a process that starts with this client.
fn logins_of(store: &Shared, region: Region, client: &str) -> Login {
    logins_by(store, region, client, &Clock::system())
}

/// Returns the same where the process has this clock.
fn logins_by(store: &Shared, region: Region, client: &str, clock: &Clock) -> Login {
    let app = AuthorizationCode::public(client, "http://localhost").unwrap();
    let key = SealingKey::from_bytes([7; 32]);
    let builder = Login::builder(region, app).store(store.clone(), key);
    builder.clock(clock.clone()).build().unwrap()
}

async fn log_in(login: &Login, name: &str) {
    let pending = login.begin().unwrap();
    let state = parameter(pending.authorize_url(), "state").unwrap();
    let callback = format!("?code=a-code&state={state}");
    login.finish(pending, &callback, name).await.unwrap();
}

/// Returns the token of the login that is stored under this name.
async fn saved(login: &Login, name: &str) -> Option<String> {
    let tokens = login.saved(name).await.unwrap()?;
    Some(tokens.token().await.unwrap().expose_secret().to_owned())
}

#[tokio::test]
async fn swapped_token_records_do_not_open() {
    let (server, store) = (login_host(), Shared::default());
    let region = region(&server.url(), &server.url());
    let token = async |client| token_of(&store, region.clone(), client).await;
    for _ in 0..2 {
        assert_eq!(token("one").await, "first");
        assert_eq!(token("two").await, "second");
    }
    store.swap();
    // Each requests another token and replaces the swapped record.
    for _ in 0..2 {
        assert_eq!(token("one").await, "third");
        assert_eq!(token("two").await, "fourth");
    }
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn swapped_login_records_do_not_open() {
    let (server, store) = (login_host(), Shared::default());
    let region = region(&server.url(), &server.url());
    let process = || logins_of(&store, region.clone(), "a-client");
    log_in(&process(), "jo").await;
    log_in(&process(), "al").await;
    assert_eq!(saved(&process(), "jo").await.unwrap(), "first");
    assert_eq!(saved(&process(), "al").await.unwrap(), "second");
    store.swap();
    assert_eq!(saved(&process(), "jo").await, None);
    assert_eq!(saved(&process(), "al").await, None);
    // Swapped back, they open again.
    store.swap();
    assert_eq!(saved(&process(), "jo").await.unwrap(), "first");
    assert_eq!(server.requests().len(), 2);
}

/// A user logs out in one process and in again through another, whose clock differs by seconds.
#[tokio::test]
async fn new_login_is_found_by_a_process_with_another_clock() {
    for skew in [-30, -5, 5] {
        let (server, store) = (login_host(), Shared::default());
        let region = region(&server.url(), &server.url());
        let (clock, other) = (Clock::manual(), Clock::manual());
        let span = Duration::from_secs(u64::from(i32::unsigned_abs(skew)));
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        clock.set_wall(wall);
        other.set_wall(if skew < 0 { wall - span } else { wall + span });
        let process = |clock| logins_by(&store, region.clone(), "a-client", clock);
        let (login, elsewhere) = (process(&clock), process(&other));
        log_in(&login, "jo").await;
        let tokens = login.saved("jo").await.unwrap().unwrap();
        assert_eq!(tokens.token().await.unwrap().expose_secret(), "first");
        let old = store.0.lock().unwrap().clone();
        tokens.revoke().await.unwrap();
        assert!(login.saved("jo").await.unwrap().is_none());

        // The second response went to the logout.
        log_in(&elsewhere, "jo").await;
        clock.advance(Duration::from_secs(1));
        assert_eq!(saved(&login, "jo").await.unwrap(), "third", "{skew}");
        // Whoever puts the first record back does not bring its login back.
        *store.0.lock().unwrap() = old;
        assert_eq!(saved(&login, "jo").await, None, "{skew}");
    }
}

#[tokio::test]
async fn other_client_or_region_finds_no_token_and_no_login() {
    let (server, other) = (login_host(), login_host());
    let (store, logins) = (Shared::default(), Shared::default());
    let own = || region(&server.url(), &server.url());
    assert_eq!(token_of(&store, own(), "a-client").await, "first");
    log_in(&logins_of(&logins, own(), "a-client"), "jo").await;
    let elsewhere = || region(&other.url(), &server.url());
    let with_another_api = || region(&server.url(), &other.url());
    for (region, client, token) in [
        (own(), "another", "third"),
        (elsewhere(), "a-client", "first"),
        (with_another_api(), "a-client", "fourth"),
    ] {
        let shown = format!("{region} {client}");
        let login = logins_of(&logins, region.clone(), client);
        assert_eq!(saved(&login, "jo").await, None, "{shown}");
        assert_eq!(token_of(&store, region, client).await, token, "{shown}");
    }
    assert_eq!((store.len(), logins.len()), (4, 1));
    assert_eq!((server.requests().len(), other.requests().len()), (4, 1));
    // The owner finds both.
    assert_eq!(token_of(&store, own(), "a-client").await, "first");
    let login = logins_of(&logins, own(), "a-client");
    assert_eq!(saved(&login, "jo").await.unwrap(), "second");
    assert_eq!((server.requests().len(), other.requests().len()), (4, 1));
}

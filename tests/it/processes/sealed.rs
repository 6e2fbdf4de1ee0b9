//! What a reader of a store's files can see.

use std::sync::{Arc, Mutex};

use genesys_cloud_auth::ClientCredentials;

use super::*;
use crate::support::{
    files::assert_sealed,
    region_of,
    sentinels::Sentinel,
    server::{Reply, Server},
};

const ACCESS_TOKEN: Sentinel = ("the access token", "t/+SentinelOfTheAccessToken4711");
const REFRESH_TOKEN: Sentinel = ("the refresh token", "r/+SentinelOfTheRefreshToken8350");
const RENEWED: Sentinel = ("the new access token", "t/+SentinelOfTheNextToken6127");
const ROTATED: Sentinel = ("the new refresh token", "r/+SentinelOfTheNextRefresh9043");
const SECRET: Sentinel = ("the secret", "s3cret/SentinelOfTheSecret2264");
const CLIENT_ID: Sentinel = ("the client id", "b6f0c1de-5eed-4222-8333-c0ffee004711");
const NAME: Sentinel = ("the login's name", "SentinelOfTheName7718@example.com");
const ORG: Sentinel = ("the organisation", "SentinelOfTheOrg3390");
const HINT: Sentinel = ("the hint", "SentinelOfTheHint5521@example.com");

/// Checked before, during and after a renewal, while the new record is next to the old one.
#[tokio::test]
async fn sealed_login_shows_no_secret_and_no_identity() {
    let key = SealingKey::from_bytes(*b"k/SentinelOfTheSealingKey9182+/=");
    let sealed = copies_of_a_login(key).await;
    let unsealed = copies_of_a_login(SealingKey::unsealed()).await;
    // This is not in a record, but in the parts of its key.
    let asked = [SECRET, CLIENT_ID, NAME, ORG, HINT];
    for folder in [&unsealed.before, &unsealed.between, &unsealed.after] {
        plant(folder.path(), &asked);
    }
    let both = [ACCESS_TOKEN, REFRESH_TOKEN, RENEWED, ROTATED];
    for (sealed, control, tokens) in [
        (&sealed.before, &unsealed.before, &both[..2]),
        (&sealed.between, &unsealed.between, &both),
        (&sealed.after, &unsealed.after, &both[2..]),
    ] {
        assert_sealed(sealed.path(), control.path(), tokens);
        assert_sealed(sealed.path(), control.path(), &asked);
    }
    assert_eq!(names(sealed.between.path()).len(), 3);
}

#[tokio::test]
async fn stored_client_token_shows_no_secret_and_no_identity() {
    let server = Server::start(token_response(ACCESS_TOKEN, REFRESH_TOKEN));
    let folder = tempfile::tempdir().unwrap();
    let credentials = ClientCredentials::new(CLIENT_ID.1, SECRET.1).unwrap();
    let builder = TokenProvider::builder(region_of(&server, &server), credentials);
    let builder = builder.store(FileStore::in_folder(folder.path()));
    let tokens = builder.http_client(connections()).build().unwrap();
    let token = tokens.token().await.unwrap();
    assert_eq!(token.expose_secret(), ACCESS_TOKEN.1);
    assert_eq!(names(folder.path()).len(), 2);

    let control = tempfile::tempdir().unwrap();
    let all = [ACCESS_TOKEN, REFRESH_TOKEN, SECRET, CLIENT_ID];
    plant(control.path(), &all);
    assert_sealed(folder.path(), control.path(), &all);
}

/// Copies of the folder of a login that was renewed once.
struct Copies {
    before: TempDir,
    between: TempDir,
    after: TempDir,
}

async fn copies_of_a_login(key: SealingKey) -> Copies {
    let server = Server::start(token_response(ACCESS_TOKEN, REFRESH_TOKEN));
    let folder = tempfile::tempdir().unwrap();
    let between = Arc::new(Mutex::new(tempfile::tempdir().unwrap()));
    let (from, to) = (folder.path().to_owned(), Arc::clone(&between));
    let store = FileStore::in_folder(folder.path()).before_step(move |step| {
        if step == "rename" {
            *to.lock().unwrap() = copy(&from);
        }
    });
    let app = AuthorizationCode::confidential(CLIENT_ID.1, SECRET.1, WEB).unwrap();
    let app = app.target_org(ORG.1).login_hint(HINT.1);
    let clock = Clock::manual();
    let builder = Login::builder(region_of(&server, &server), app).store(store, key);
    let builder = builder.http_client(connections()).clock(clock.clone());
    let login = builder.build().unwrap();
    let pending = login.begin().unwrap();
    let state = crate::support::login::parameter(pending.authorize_url(), "state").unwrap();
    let callback = format!("{WEB}?code=c&state={state}");
    let tokens = login.finish(pending, &callback, NAME.1).await.unwrap();
    let before = copy(folder.path());
    server.answers([token_response(RENEWED, ROTATED)]);
    clock.advance(LIFE);
    assert_eq!(tokens.token().await.unwrap().expose_secret(), RENEWED.1);
    let between = std::mem::replace(&mut *between.lock().unwrap(), copy(folder.path()));
    Copies {
        before,
        between,
        after: folder,
    }
}

fn token_response(access_token: Sentinel, refresh_token: Sentinel) -> Reply {
    let life = LIFE.as_secs();
    let (access_token, refresh_token) = (access_token.1, refresh_token.1);
    let body = serde_json::json!({
        "access_token": access_token, "refresh_token": refresh_token, "expires_in": life,
    });
    Reply::json(200, &body.to_string())
}

fn plant(folder: &Path, sentinels: &[Sentinel]) {
    let text = sentinels.iter().map(|(_, text)| *text).collect::<Vec<_>>();
    fs::write(folder.join("plain"), text.join("\n")).unwrap();
}

fn copy(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in names(folder) {
        fs::copy(folder.join(&name), copy.path().join(&name)).unwrap();
    }
    copy
}

//! Which user's token an assertion gets, and which host sees the assertion.

use genesys_cloud_auth::{
    Assertion, Saml2Bearer,
    client::RetryPolicy,
    sandbox::Sandbox,
    store::{FileStore, MemoryStore, TokenStore},
};
use serde_json::Value;
use url::form_urlencoded;

use super::*;
use crate::support::sentinels::find;

const ORG: &str = "my-org";

/// A part of each assertion's id.
const SENTINEL: &str = "SentinelOfTheAssertion2718";

#[tokio::test]
async fn each_user_gets_their_own_token_from_a_shared_store() {
    let folder = tempfile::tempdir().unwrap();
    check_shared_store(&MemoryStore::new()).await;
    check_shared_store(&FileStore::in_folder(folder.path().join("tokens"))).await;
}

async fn check_shared_store(store: &(impl TokenStore + Clone)) {
    let sandbox = Sandbox::builder().client(CLIENT_ID, SECRET);
    let sandbox = sandbox.saml_client("https://app.example/saml");
    let sandbox = sandbox.org_short_name(ORG).start().await.unwrap();
    let users = sandbox.users();
    let email_of = async |org: &str, identity: &str, user: usize| {
        let assertion = sandbox.assertions(&users[user]).saml_response();
        let api = PlatformClient::new(stored(store, sandbox.region(), org, identity, assertion));
        let me = api.get("/api/v2/users/me").fetch::<Value>().await;
        me.map(|me| me["email"].as_str().unwrap().to_owned())
    };

    for (requests, user) in [(1, 0), (2, 1)] {
        let email = email_of(ORG, &format!("user {user}"), user).await.unwrap();
        assert_eq!(email, users[user].email());
        assert_eq!(sandbox.token_requests(), requests);
    }
    // Tokens are found by the name that the app gave, and not by the assertion.
    for (user, asserted) in [(0, 1), (1, 0)] {
        let email = email_of(ORG, &format!("user {user}"), asserted).await;
        assert_eq!(email.unwrap(), users[user].email());
    }
    assert_eq!(sandbox.token_requests(), 2);
    // The same name in another organisation is another user.
    for user in [0, 1] {
        let error = email_of("other-org", &format!("user {user}"), user).await;
        let error = error.unwrap_err().to_string();
        assert_contains(&error, "orgName");
    }
    assert_eq!(sandbox.token_requests(), 4);
}

#[tokio::test]
async fn each_user_of_each_organisation_has_a_token_in_the_store() {
    let server = Server::start(good_token(TOKEN));
    let store = MemoryStore::new();
    let mut tokens = Vec::new();
    for org in ["one", "two"] {
        for identity in ["jo", "al"] {
            let own = format!("{org}-{identity}");
            server.answers([good_token(&own)]);
            let region = region_of(&server, &server);
            let provider = || stored(&store, region.clone(), org, identity, assertion(0));
            let token = provider().token().await.unwrap();
            assert_eq!(token.expose_secret(), own);
            tokens.push((provider(), own));
        }
    }
    for (provider, own) in tokens {
        assert_eq!(provider.token().await.unwrap().expose_secret(), own);
    }
    let orgs = server.requests().into_iter();
    let orgs: Vec<_> = orgs.map(|request| field(&request, "orgName")).collect();
    assert_eq!(orgs, ["one", "one", "two", "two"]);
}

fn stored(
    store: &(impl TokenStore + Clone),
    region: Region,
    org: &str,
    identity: &str,
    assertion: String,
) -> TokenProvider {
    let grant = Saml2Bearer::new(CLIENT_ID, SECRET, org, assertion).unwrap();
    let builder = TokenProvider::builder(region, grant.identity(identity));
    builder.store(store.clone()).build().unwrap()
}

#[tokio::test]
async fn the_login_host_gets_the_assertion_and_the_api_the_token() {
    for alone in [false, true] {
        let pair = Pair::start();
        exchange_and_call(&pair, alone).await;
        let (login, api) = (pair.login.requests(), pair.api.requests());
        assert_eq!((login.len(), api.len()), (7, 9));

        let encoded = STANDARD.encode(format!("{CLIENT_ID}:{SECRET}"));
        for (number, request) in login.iter().enumerate() {
            assert_eq!(request.target, "/oauth/token");
            let basic = format!("Basic {encoded}");
            assert_eq!(request.header("authorization"), Some(&*basic));
            assert_eq!(field(request, "assertion"), sent(number, alone));
            assert!(!contains_any(request, &[TOKEN]));
            // The assertion is in the form only, and the secret in its header only.
            let head = &request.bytes[..request.bytes.len() - request.body.len()];
            let (head, body) = (String::from_utf8_lossy(head), &request.body);
            assert_eq!(find(&head, &[("the assertion", SENTINEL)]), None);
            let body = String::from_utf8_lossy(body);
            assert_eq!(find(&body, &[("the secret", SECRET)]), None);
            assert!(!body.contains(&encoded));
        }
        for request in &api {
            assert!(request.target.starts_with("/api/v2/"));
            let bearer = request.header("authorization").unwrap();
            assert!(bearer.starts_with(&format!("Bearer {TOKEN}")));
            let text = String::from_utf8_lossy(&request.bytes);
            let secrets = [("the assertion", SENTINEL), ("the secret", SECRET)];
            assert_eq!(find(&text, &secrets), None);
            let others = ["Basic", CLIENT_ID, ORG, "grant_type"];
            assert!(!contains_any(request, &others));
        }
    }
}

/// Exchanges assertions and calls the API, with redirections and errors at both hosts.
async fn exchange_and_call(pair: &Pair, alone: bool) {
    let next = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let provider = || {
        let next = next.clone();
        let source = Assertion::from_fn(move || {
            let number = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            async move { Ok(assertion(number).into()) }
        });
        let mut grant = Saml2Bearer::new(CLIENT_ID, SECRET, ORG, source).unwrap();
        if alone {
            grant = grant.rfc7522();
        }
        TokenProvider::new(region_of(&pair.login, &pair.api), grant).unwrap()
    };
    for status in [302, 307, 400, 401, 500] {
        let redirect = Reply::redirect(status, &pair.api);
        pair.login.answers([redirect]);
        provider().token().await.unwrap_err();
    }
    let tokens = (0..9).map(|number| good_token(&format!("{TOKEN}{number}")));
    pair.login.answers_all(tokens.collect());
    let api = PlatformClient::new(provider());
    for status in [401, 302, 307, 400, 403, 500] {
        // The 401 costs an assertion.
        let redirect = Reply::redirect(status, &pair.login);
        pair.api.answers([redirect, Reply::json(200, "{}")]);
        let call = api.post("/api/v2/users/me").retry(RetryPolicy::never());
        drop(call.json(&"x").send().await);
    }
    api.tokens().token_info().await.unwrap();
    api.tokens().revoke().await.unwrap();
}

fn assertion(number: usize) -> String {
    let id = format!("{SENTINEL}-{number}");
    format!(
        "<Assertion xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" \
         Version=\"2.0\"><Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/></Assertion>"
    )
}

fn sent(number: usize, alone: bool) -> String {
    let xml = assertion(number);
    if alone {
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(xml)
    } else {
        STANDARD.encode(xml)
    }
}

fn field(request: &Received, name: &str) -> String {
    let mut form = form_urlencoded::parse(&request.body);
    let (_, value) = form.find(|(given, _)| given == name).unwrap();
    value.into_owned()
}

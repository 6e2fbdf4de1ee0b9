//! `/oauth/authorize`, and what a code gives.

use genesys_cloud_auth::Sandbox;
use serde_json::Value;
use url::Url;

use super::{Answer, FORM, USER, ask, get, token_request_with};

async fn sandbox() -> Sandbox {
    let builder = Sandbox::builder().code_client(["http://localhost", CALLBACK]);
    builder.start().await.unwrap()
}

fn authorize_url(sandbox: &Sandbox, more: &str) -> String {
    let (url, id) = (sandbox.url(), sandbox.client_id());
    format!("{url}/login/oauth/authorize?response_type=code&client_id={id}{more}")
}

async fn exchange(sandbox: &Sandbox, code: &str, more: &str) -> Answer {
    let id = sandbox.client_id();
    let body = format!("grant_type=authorization_code&code={code}&client_id={id}{more}");
    ask(sandbox, token_request_with(FORM, &body)).await
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(given, _)| given == name);
    found.map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn a_user_logs_in_and_the_code_gives_tokens_of_that_user() {
    let sandbox = sandbox().await;
    let url = authorize_url(&sandbox, PKCE);
    for user in sandbox.users() {
        let back = sandbox.log_in(&url, &user).await;
        assert!(back.starts_with("http://localhost:7890?code="), "{back}");
        assert_eq!(parameter(&back, "state").unwrap(), "a b/é&=");
        let code = parameter(&back, "code").unwrap();
        let answer = exchange(&sandbox, &code, VERIFIED).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        let me = get(&sandbox, USER, body["access_token"].as_str().unwrap()).await;
        let me = me.json();
        for (field, expected) in [
            ("id", user.id()),
            ("name", user.name()),
            ("email", user.email()),
        ] {
            assert_eq!(me[field], expected);
        }
        assert_ne!(body["refresh_token"], Value::Null);
    }
}

#[tokio::test]
async fn a_user_who_denies_is_an_error_with_the_state() {
    let sandbox = sandbox().await;
    let back = sandbox.deny(&authorize_url(&sandbox, PKCE)).await;
    assert_eq!(parameter(&back, "error").unwrap(), "access_denied");
    assert!(parameter(&back, "error_description").is_some());
    assert_eq!(parameter(&back, "state").unwrap(), "a b/é&=");
    assert_eq!(parameter(&back, "code"), None);
}

const CALLBACK: &str = "https://app.example/callback?x=1";
const PKCE: &str = "&redirect_uri=http%3A%2F%2Flocalhost%3A7890&state=a%20b/%C3%A9%26%3D\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
const VERIFIED: &str = "&redirect_uri=http%3A%2F%2Flocalhost%3A7890\
    &code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

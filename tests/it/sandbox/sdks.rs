//! What Genesys' own SDKs were seen to send, byte for byte, with the sandbox's own id, secret and
//! token in it: Python 269.0.0 (urllib3 2.8.0) and JavaScript 262.0.0 (axios 1.21.1), each logging
//! in with client credentials, a code, PKCE or a refresh token, and asking for `/api/v2/users/me`;
//! and JavaScript in a browser.

use genesys_cloud_auth::sandbox::Sandbox;

use super::{
    Answer, Wire,
    authorize::CHALLENGE,
    basic,
    browser::{Browser, parameter},
};

const PYTHON: [&str; 2] = [
    "POST /oauth/token HTTP/1.1\r\n\
     Host: login.mypurecloud.ie\r\n\
     Accept-Encoding: identity\r\n\
     Content-Length: 29\r\n\
     User-Agent: python-urllib3/2.8.0\r\n\
     Authorization: {basic}\r\n\
     Content-Type: application/x-www-form-urlencoded\r\n\
     \r\n\
     grant_type=client_credentials",
    "GET /api/v2/users/me HTTP/1.1\r\n\
     Host: api.mypurecloud.ie\r\n\
     Accept-Encoding: identity\r\n\
     Accept: application/json\r\n\
     Content-Type: application/json\r\n\
     User-Agent: PureCloud SDK/python\r\n\
     purecloud-sdk: 269.0.0\r\n\
     Authorization: Bearer {token}\r\n\
     \r\n",
];

const JAVASCRIPT: [&str; 2] = [
    "POST /oauth/token HTTP/1.1\r\n\
     Accept: application/json, text/plain, */*\r\n\
     Content-Type: application/x-www-form-urlencoded\r\n\
     Authorization: {basic}\r\n\
     User-Agent: axios/1.21.1\r\n\
     Content-Length: 29\r\n\
     Accept-Encoding: gzip, compress, deflate, br\r\n\
     Host: login.mypurecloud.ie\r\n\
     Connection: keep-alive\r\n\
     \r\n\
     grant_type=client_credentials",
    "GET /api/v2/users/me HTTP/1.1\r\n\
     Accept: application/json\r\n\
     Content-Type: application/json\r\n\
     Authorization: Bearer {token}\r\n\
     User-Agent: axios/1.21.1\r\n\
     Accept-Encoding: gzip, compress, deflate, br\r\n\
     Host: api.mypurecloud.ie\r\n\
     Connection: keep-alive\r\n\
     \r\n",
];

#[tokio::test]
async fn the_python_sdk_logs_in_and_is_answered() {
    log_in_and_call(PYTHON).await;
}

#[tokio::test]
async fn the_javascript_sdk_logs_in_and_is_answered() {
    log_in_and_call(JAVASCRIPT).await;
}

/// Both hosts are one sandbox: each SDK opened a connection of its own to either.
async fn log_in_and_call([login, call]: [&str; 2]) {
    for secret in ["plain-secret", SPECIAL] {
        let sandbox = Sandbox::builder()
            .client("2f3c9d3e-8b6a-4c1f-9a57-0d1e2f3a4b5c", secret)
            .allow_users_me_without_user(true)
            .start()
            .await
            .unwrap();
        let basic = basic(sandbox.client_id(), secret);
        let mut login_host = Wire::connect(&sandbox).await;
        login_host.send(login.replace("{basic}", &basic)).await;
        let answer = login_host.answer().await;
        assert_eq!(answer.status, 200);
        let token = answer.json()["access_token"].clone();

        let mut api_host = Wire::connect(&sandbox).await;
        let call = call.replace("{token}", token.as_str().unwrap());
        api_host.send(call).await;
        let answer = api_host.answer().await;
        assert_eq!(answer.status, 200);
        assert!(answer.json()["id"].is_string());
        assert_eq!((sandbox.token_requests(), sandbox.api_requests()), (1, 1));
        // Neither SDK is told that its connection ends.
        assert_eq!(answer.header("connection"), None);
    }
}

#[tokio::test]
async fn the_python_sdk_is_answered_without_a_login() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut wire = Wire::connect(&sandbox).await;
    wire.send(PYTHON[1].replace("{token}", "")).await;
    wire.answer().await.refusal(401, "authentication.required");
}

/// The head of each SDK's token requests; PKCE comes without `Authorization`.
const TOKEN_HEADS: [&str; 2] = [
    "POST /oauth/token HTTP/1.1\r\n\
     Host: login.mypurecloud.ie\r\n\
     Accept-Encoding: identity\r\n\
     Content-Length: {length}\r\n\
     User-Agent: python-urllib3/2.8.0\r\n\
     {authorization}\
     Content-Type: application/x-www-form-urlencoded\r\n\
     \r\n",
    "POST /oauth/token HTTP/1.1\r\n\
     Accept: application/json, text/plain, */*\r\n\
     Content-Type: application/x-www-form-urlencoded\r\n\
     {authorization}\
     User-Agent: axios/1.21.1\r\n\
     Content-Length: {length}\r\n\
     Accept-Encoding: gzip, compress, deflate, br\r\n\
     Host: login.mypurecloud.ie\r\n\
     Connection: keep-alive\r\n\
     \r\n",
];
const REDIRECT: &str = "redirect_uri=http%3A%2F%2Flocalhost%3A8085%2Fcallback%3Fx%3D1";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

#[tokio::test]
async fn both_sdks_exchange_a_code_and_refresh_it() {
    for head in TOKEN_HEADS {
        let (sandbox, code) = logged_in("").await;
        let basic = basic(sandbox.client_id(), SPECIAL);
        let authorization = format!("Authorization: {basic}\r\n");
        let mut wire = Wire::connect(&sandbox).await;
        let body = format!("grant_type=authorization_code&code={code}&{REDIRECT}");
        let first = sent(&mut wire, head, &authorization, &body).await;
        let refresh_token = first.json()["refresh_token"].as_str().unwrap().to_owned();
        // On the same connection.
        let body = format!("grant_type=refresh_token&refresh_token={refresh_token}");
        let second = sent(&mut wire, head, &authorization, &body).await;
        // Python's ends in a `KeyError` where there is none.
        assert!(second.json()["refresh_token"].is_string());
        calls_as_the_user(&sandbox, &second).await;
    }
}

#[tokio::test]
async fn both_sdks_exchange_a_code_by_its_verifier() {
    for head in TOKEN_HEADS {
        let pkce = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
        let (sandbox, code) = logged_in(&pkce).await;
        let id = sandbox.client_id();
        let body = format!(
            "grant_type=authorization_code&code={code}&code_verifier={VERIFIER}&client_id={id}\
             &{REDIRECT}"
        );
        let mut wire = Wire::connect(&sandbox).await;
        let answer = sent(&mut wire, head, "", &body).await;
        calls_as_the_user(&sandbox, &answer).await;
    }
}

/// In a browser the JavaScript SDK names an organisation and its identity provider, takes a
/// verifier of 128 characters, and reads the answer of another origin.
#[tokio::test]
async fn the_javascript_sdk_logs_in_from_a_web_page() {
    let page = "http://localhost:8085/pkce";
    let builder = Sandbox::builder().code_client([page]);
    let sandbox = builder.start().await.unwrap();
    let (id, user) = (sandbox.client_id(), sandbox.users().remove(0));
    let page = "http%3A%2F%2Flocalhost%3A8085%2Fpkce";
    // S256 of 128 times `a`.
    let challenge = "aDbPE7rEAOkQUHHNavRwhN-srU5eMCyUv-0k4BOvtz4";
    let path = format!(
        "/oauth/authorize?client_id={id}&redirect_uri={page}&code_challenge={challenge}\
         &response_type=code&code_challenge_method=S256&state=st-1&org=bench&provider=okta"
    );
    let mut browser = Browser::default();
    let consent = browser.consent_page(&sandbox, &path, &user).await;
    assert!(consent.text().contains("bench") && consent.text().contains("okta"));
    let back = browser.decide(&sandbox, &path, &consent, "allow").await;
    assert_eq!(parameter(back.location(), "state").unwrap(), "st-1");
    let code = parameter(back.location(), "code").unwrap();
    let body = format!(
        "grant_type=authorization_code&code={code}&code_verifier={}&client_id={id}\
         &redirect_uri={page}",
        "a".repeat(128)
    );
    let mut wire = Wire::connect(&sandbox).await;
    let origin = "Origin: http://localhost:8085\r\n";
    let answer = sent(&mut wire, TOKEN_HEADS[1], origin, &body).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(super::get(&sandbox, super::TOKEN, &token).await.status, 200);
}

/// A sandbox and a code that its first user gave for it.
async fn logged_in(more: &str) -> (Sandbox, String) {
    let sandbox = Sandbox::builder()
        .client("2f3c9d3e-8b6a-4c1f-9a57-0d1e2f3a4b5c", SPECIAL)
        .code_client(["http://localhost:8085/callback?x=1"])
        .start()
        .await
        .unwrap();
    let (url, id) = (sandbox.url(), sandbox.client_id());
    let url =
        format!("{url}/login/oauth/authorize?response_type=code&client_id={id}&{REDIRECT}{more}");
    let back = sandbox.log_in(&url, &sandbox.users()[0]).await;
    let code = parameter(&back, "code").unwrap();
    (sandbox, code)
}

async fn sent(wire: &mut Wire, head: &str, authorization: &str, body: &str) -> Answer {
    let head = head.replace("{authorization}", authorization);
    let head = head.replace("{length}", &body.len().to_string());
    wire.send(head + body).await;
    let answer = wire.answer().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

async fn calls_as_the_user(sandbox: &Sandbox, tokens: &Answer) {
    let tokens = tokens.json();
    let token = tokens["access_token"].as_str().unwrap();
    for call in [PYTHON[1], JAVASCRIPT[1]] {
        let mut wire = Wire::connect(sandbox).await;
        wire.send(call.replace("{token}", token)).await;
        let user = wire.answer().await.json();
        assert_eq!(user["id"], sandbox.users()[0].id());
    }
}

/// A secret with the characters that other encodings would change.
const SPECIAL: &str = "se/cr+et=%25:~ &é";

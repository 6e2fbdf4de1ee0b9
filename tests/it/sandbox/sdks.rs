//! Recorded requests of Genesys' own SDKs, with the sandbox's id, secret and token: Python 269.0.0
//! (urllib3 2.8.0) and JavaScript 262.0.0 (axios 1.21.1), with client credentials, a code, PKCE and a
//! refresh token, and a call of `/api/v2/users/me`; and JavaScript in a browser.

use genesys_cloud_auth::sandbox::Sandbox;

use super::{
    Response, TOKENS_ME, Wire,
    authorize::{CHALLENGE, VERIFIER},
    basic_auth,
    browser::{Browser, parameter},
    get, send, start, text,
};

const CLIENT_ID: &str = "2f3c9d3e-8b6a-4c1f-9a57-0d1e2f3a4b5c";

/// The head of an SDK's token requests, and its call. With PKCE there is no `Authorization`.
const PYTHON: [&str; 2] = [
    "POST /oauth/token HTTP/1.1\r\n\
     Host: login.mypurecloud.ie\r\n\
     Accept-Encoding: identity\r\n\
     Content-Length: {length}\r\n\
     User-Agent: python-urllib3/2.8.0\r\n\
     {authorization}\
     Content-Type: application/x-www-form-urlencoded\r\n\
     \r\n",
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
     {authorization}\
     User-Agent: axios/1.21.1\r\n\
     Content-Length: {length}\r\n\
     Accept-Encoding: gzip, compress, deflate, br\r\n\
     Host: login.mypurecloud.ie\r\n\
     Connection: keep-alive\r\n\
     \r\n",
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
async fn python_sdk_logs_in_and_calls_the_api() {
    log_in_and_call(PYTHON).await;
}

#[tokio::test]
async fn javascript_sdk_logs_in_and_calls_the_api() {
    log_in_and_call(JAVASCRIPT).await;
}

/// Each SDK opens one connection per host.
async fn log_in_and_call([head, call]: [&str; 2]) {
    for secret in ["plain-secret", SPECIAL] {
        let builder = Sandbox::builder().client(CLIENT_ID, secret);
        let sandbox = start(builder.allow_users_me_without_user(true)).await;
        let mut login_host = Wire::connect(&sandbox).await;
        let authorization = authorization(secret);
        let form = super::CLIENT_CREDENTIALS;
        let response = request_tokens(&mut login_host, head, &authorization, form).await;
        let token = text(&response.json(), "access_token").to_owned();

        let call = call.replace("{token}", &token);
        let response = send(&sandbox, call).await;
        assert_eq!(response.status, 200);
        assert!(response.json()["id"].is_string());
        assert_eq!((sandbox.token_requests(), sandbox.api_requests()), (1, 1));
        // The connection is kept alive.
        assert_eq!(response.header("connection"), None);
    }
}

fn authorization(secret: &str) -> String {
    format!("Authorization: {}\r\n", basic_auth(CLIENT_ID, secret))
}

#[tokio::test]
async fn python_sdk_without_login_needs_authentication() {
    let sandbox = Sandbox::start().await.unwrap();
    let response = send(&sandbox, PYTHON[1].replace("{token}", "")).await;
    response.assert_api_error(401, "authentication.required");
}

const REDIRECT: &str = "redirect_uri=http%3A%2F%2Flocalhost%3A8085%2Fcallback%3Fx%3D1";

#[tokio::test]
async fn both_sdks_exchange_a_code_and_refresh() {
    for [head, _] in [PYTHON, JAVASCRIPT] {
        let (sandbox, code) = start_with_code("").await;
        let authorization = authorization(SPECIAL);
        let mut wire = Wire::connect(&sandbox).await;
        let body = format!("grant_type=authorization_code&code={code}&{REDIRECT}");
        let first = request_tokens(&mut wire, head, &authorization, &body)
            .await
            .json();
        let refresh_token = text(&first, "refresh_token");
        let body = format!("grant_type=refresh_token&refresh_token={refresh_token}");
        let second = request_tokens(&mut wire, head, &authorization, &body).await;
        // Without one the Python SDK raises a `KeyError`.
        assert!(second.json()["refresh_token"].is_string());
        assert_calls_as_user(&sandbox, &second).await;
    }
}

#[tokio::test]
async fn both_sdks_exchange_a_code_with_pkce() {
    for [head, _] in [PYTHON, JAVASCRIPT] {
        let pkce = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
        let (sandbox, code) = start_with_code(&pkce).await;
        let id = sandbox.client_id();
        let body = format!(
            "grant_type=authorization_code&code={code}&code_verifier={VERIFIER}&client_id={id}\
             &{REDIRECT}"
        );
        let mut wire = Wire::connect(&sandbox).await;
        let response = request_tokens(&mut wire, head, "", &body).await;
        assert_calls_as_user(&sandbox, &response).await;
    }
}

/// In a browser the JavaScript SDK names an organisation and its identity provider, uses a verifier of
/// 128 characters, and reads the response of another origin.
#[tokio::test]
async fn javascript_sdk_logs_in_from_a_web_page() {
    let page = "http://localhost:8085/pkce";
    let builder = Sandbox::builder().code_client([page]);
    let sandbox = builder.start().await.unwrap();
    let (id, user) = (sandbox.client_id(), sandbox.users().remove(0));
    let page = "http%3A%2F%2Flocalhost%3A8085%2Fpkce";
    // The challenge of a verifier of 128 times `a`.
    let challenge = "aDbPE7rEAOkQUHHNavRwhN-srU5eMCyUv-0k4BOvtz4";
    let path = format!(
        "/oauth/authorize?client_id={id}&redirect_uri={page}&code_challenge={challenge}\
         &response_type=code&code_challenge_method=S256&state=st-1&org=bench&provider=okta"
    );
    let mut browser = Browser::default();
    let consent = browser.consent_page(&sandbox, &path, &user).await;
    assert!(consent.text().contains("bench") && consent.text().contains("okta"));
    let redirected = browser.decide(&sandbox, &path, &consent, "allow").await;
    assert_eq!(parameter(redirected.location(), "state").unwrap(), "st-1");
    let code = parameter(redirected.location(), "code").unwrap();
    let body = format!(
        "grant_type=authorization_code&code={code}&code_verifier={}&client_id={id}\
         &redirect_uri={page}",
        "a".repeat(128)
    );
    let mut wire = Wire::connect(&sandbox).await;
    let origin = "Origin: http://localhost:8085\r\n";
    let response = request_tokens(&mut wire, JAVASCRIPT[0], origin, &body).await;
    let allowed = response.header("access-control-allow-origin");
    assert_eq!(allowed, Some("http://localhost:8085"));
    let response = get(&sandbox, TOKENS_ME, text(&response.json(), "access_token")).await;
    assert_eq!(response.status, 200);
}

/// Returns a sandbox and a code of its first user.
async fn start_with_code(more: &str) -> (Sandbox, String) {
    let builder = Sandbox::builder().client(CLIENT_ID, SPECIAL);
    let sandbox = start(builder.code_client(["http://localhost:8085/callback?x=1"])).await;
    let (url, id) = (sandbox.url(), sandbox.client_id());
    let url = format!("{url}/oauth/authorize?response_type=code&client_id={id}&{REDIRECT}{more}");
    let redirected = sandbox.log_in(&url, &sandbox.users()[0]).await;
    let code = parameter(&redirected, "code").unwrap();
    (sandbox, code)
}

async fn request_tokens(wire: &mut Wire, head: &str, authorization: &str, body: &str) -> Response {
    let head = head.replace("{authorization}", authorization);
    let head = head.replace("{length}", &body.len().to_string());
    wire.send(head + body).await;
    let response = wire.response().await;
    assert_eq!(response.status, 200, "{response:?}");
    response
}

async fn assert_calls_as_user(sandbox: &Sandbox, tokens: &Response) {
    let tokens = tokens.json();
    for [_, call] in [PYTHON, JAVASCRIPT] {
        let call = call.replace("{token}", text(&tokens, "access_token"));
        let user = send(sandbox, call).await.json();
        assert_eq!(user["id"], sandbox.users()[0].id());
    }
}

/// A secret with characters that other encodings would change.
const SPECIAL: &str = "se/cr+et=%25:~ &é";

//! What Genesys' own SDKs were seen to send, byte for byte, with the sandbox's own id, secret and
//! token in it: Python 269.0.0 (urllib3 2.8.0) and JavaScript 262.0.0 (axios 1.21.1), each logging
//! in with client credentials and asking for `/api/v2/users/me`.

use genesys_cloud_auth::Sandbox;

use super::{Wire, basic};

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
            .answer_users_me(true)
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

/// A secret with the characters that other encodings would change.
const SPECIAL: &str = "se/cr+et=%25:~ &é";

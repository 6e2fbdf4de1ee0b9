//! `POST /oauth/token`.

use std::{collections::HashSet, time::Duration};

use genesys_cloud_auth::sandbox::Sandbox;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{
    FORM, GRANT, ORGANIZATION, Wire, ask, basic, get, token, token_request, token_request_with,
};

#[tokio::test]
async fn a_token_has_the_form_that_genesys_gives_it() {
    let sandbox = Sandbox::start().await.unwrap();
    let answer = ask(&sandbox, token_request(&sandbox)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(token.len(), 84);
    assert!(
        token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
    assert_eq!(
        body,
        json!({ "access_token": token, "token_type": "bearer", "expires_in": 86_399 })
    );
}

#[tokio::test]
async fn a_token_lives_as_long_as_the_client_says() {
    let sandbox = Sandbox::builder()
        .token_lifetime(Duration::from_secs(300))
        .start()
        .await
        .unwrap();
    let answer = ask(&sandbox, token_request(&sandbox)).await;
    assert_eq!(answer.json()["expires_in"], 299);
}

#[tokio::test]
async fn tokens_differ_and_live_side_by_side() {
    let sandbox = Sandbox::start().await.unwrap();
    let (first, second) = (token(&sandbox).await, token(&sandbox).await);
    assert_ne!(first, second);
    for token in [first, second] {
        assert_eq!(get(&sandbox, ORGANIZATION, &token).await.status, 200);
    }
    let ids = [
        Sandbox::start().await.unwrap().client_id().to_owned(),
        sandbox.client_id().to_owned(),
    ];
    assert_eq!(HashSet::from(ids).len(), 2);
}

#[tokio::test]
async fn credentials_that_are_not_the_clients_are_refused() {
    let sandbox = Sandbox::start().await.unwrap();
    let (id, secret) = (sandbox.client_id().to_owned(), sandbox.client_secret());
    let secret = secret.expose_secret();
    let right = basic(&id, secret);
    let percent_encoded = basic(&id.replace('-', "%2D"), secret);
    for authorization in [
        basic(&id, "wrong"),
        basic(&id, ""),
        basic(&id, &format!("{secret} ")),
        basic("wrong", secret),
        percent_encoded,
        right.replace("Basic", "Bearer"),
        "Basic".to_owned(),
        "Basic !!!".to_owned(),
        "Basic bm8tY29sb24=".to_owned(),
        "Basic //79".to_owned(),
    ] {
        let headers = format!("Authorization: {authorization}\r\n{FORM}");
        refused(&sandbox, &headers, GRANT, invalid_client()).await;
    }
    refused(&sandbox, FORM, GRANT, invalid_client()).await;
    let in_the_body = format!("{GRANT}&client_id={id}&client_secret={secret}");
    refused(&sandbox, FORM, &in_the_body, invalid_client()).await;
}

#[tokio::test]
async fn basic_is_read_as_it_stands() {
    let secret = "p:ss~w%6Frd+/ ü";
    let sandbox = Sandbox::builder()
        .client("client", secret)
        .start()
        .await
        .unwrap();
    assert_eq!(sandbox.client_secret().expose_secret(), secret);
    let answer = ask(&sandbox, token_request(&sandbox)).await;
    assert_eq!(answer.status, 200);
    let lower = token_request(&sandbox).replace("Basic", "basic");
    assert_eq!(ask(&sandbox, lower).await.status, 200);
}

#[tokio::test]
async fn a_rotated_secret_ends_the_old_one_and_no_token() {
    let sandbox = Sandbox::start().await.unwrap();
    let (old, token_before) = (token_request(&sandbox), token(&sandbox).await);
    let new = sandbox.rotate_secret();
    assert_eq!(new.expose_secret(), sandbox.client_secret().expose_secret());
    let answer = ask(&sandbox, old).await;
    assert_eq!((answer.status, answer.json()), (400, invalid_client()));
    assert_eq!(ask(&sandbox, token_request(&sandbox)).await.status, 200);
    assert_eq!(get(&sandbox, ORGANIZATION, &token_before).await.status, 200);
}

#[tokio::test]
async fn a_disabled_client_gets_nothing_and_loses_what_it_has() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    sandbox.disable_client();
    let answer = ask(&sandbox, token_request(&sandbox)).await;
    assert_eq!((answer.status, answer.json()), (400, invalid_client()));
    get(&sandbox, ORGANIZATION, &token)
        .await
        .refusal(401, "bad.credentials");
}

#[tokio::test]
async fn a_client_has_one_grant() {
    let sandbox = Sandbox::builder()
        .authorized_grant_type("CODE")
        .start()
        .await
        .unwrap();
    let answer = ask(&sandbox, token_request(&sandbox)).await;
    let words = "client is not authorized to use the client_credential grant type";
    assert_eq!(
        (answer.status, answer.json()),
        (400, refusal("unauthorized_client", words))
    );

    let sandbox = Sandbox::start().await.unwrap();
    for grant in [
        "authorization_code",
        "refresh_token",
        "password",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
    ] {
        let body = format!("grant_type={grant}");
        let words = format!("client is not authorized to use the {grant} grant type");
        let headers = authorized(&sandbox);
        refused(
            &sandbox,
            &headers,
            &body,
            refusal("unauthorized_client", &words),
        )
        .await;
    }
    for grant in ["implicit", "client-credentials", "CLIENT_CREDENTIALS"] {
        let body = format!("grant_type={grant}");
        let answer = ask(&sandbox, token_request_with(&authorized(&sandbox), &body)).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json()["error"], "unsupported_grant_type");
    }
}

#[tokio::test]
async fn a_malformed_form_is_an_invalid_request() {
    let sandbox = Sandbox::start().await.unwrap();
    let headers = authorized(&sandbox);
    let twice = format!("{GRANT}&{GRANT}");
    let other_twice = format!("{GRANT}&orgName=a&orgName=b");
    for body in [
        "",
        "grant_type=",
        "grant_type",
        "Grant_Type=client_credentials",
        "{\"grant_type\":\"client_credentials\"}",
        "\u{0}\u{1}\u{2}",
        &twice,
        &other_twice,
    ] {
        let answer = ask(&sandbox, token_request_with(&headers, body)).await;
        assert_eq!(answer.status, 400, "{body}");
        let refused = answer.json();
        assert_eq!(refused["error"], "invalid_request", "{body}");
        assert_eq!(refused["description"], refused["error_description"]);
    }
}

#[tokio::test]
async fn a_form_is_one_however_it_is_encoded() {
    let sandbox = Sandbox::start().await.unwrap();
    for body in [
        "grant_type=client_credentials",
        "grant%5Ftype=client%5Fcredentials",
        "note=a+b%20c~d%7Ee&grant_type=client_credentials&empty=",
    ] {
        let answer = ask(&sandbox, token_request_with(&authorized(&sandbox), body)).await;
        assert_eq!(answer.status, 200, "{body}");
    }
    let requests = sandbox.requests();
    let form = requests[2].form();
    assert_eq!(form[0], ("note".into(), "a b c~d~e".into()));
    assert_eq!(form[1].0, "grant_type");
}

#[tokio::test]
async fn the_form_says_that_it_is_one() {
    let sandbox = Sandbox::start().await.unwrap();
    let basic = basic(sandbox.client_id(), sandbox.client_secret().expose_secret());
    for (content_type, status) in [
        ("application/x-www-form-urlencoded;charset=UTF-8", 200),
        ("application/x-www-form-urlencoded ; charset=utf-8", 200),
        ("Application/X-WWW-Form-Urlencoded", 200),
        ("application/json", 400),
        ("application/x-www-form-urlencoded-not", 400),
        ("", 400),
    ] {
        let headers = format!("Authorization: {basic}\r\nContent-Type: {content_type}\r\n");
        let answer = ask(&sandbox, token_request_with(&headers, GRANT)).await;
        assert_eq!(answer.status, status, "{content_type}");
        if status == 400 {
            assert_eq!(answer.json()["error"], "invalid_request");
        }
    }
    let headers = format!("Authorization: {basic}\r\n");
    let answer = ask(&sandbox, token_request_with(&headers, GRANT)).await;
    assert_eq!(answer.json()["error"], "invalid_request");
}

#[tokio::test]
async fn a_form_in_chunks_is_read_whole() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut wire = Wire::connect(&sandbox).await;
    let head = format!(
        "POST /login/oauth/token HTTP/1.1\r\nHost: x\r\n{}Transfer-Encoding: chunked\r\n\r\n",
        authorized(&sandbox)
    );
    wire.send(head).await;
    for chunk in ["grant_", "type=client_", "credentials"] {
        wire.send(format!("{:x}\r\n{chunk}\r\n", chunk.len())).await;
    }
    wire.send("0\r\n\r\n").await;
    assert_eq!(wire.answer().await.status, 200);
}

#[tokio::test]
async fn the_login_host_has_one_path_and_one_method() {
    let sandbox = Sandbox::start().await.unwrap();
    let get = "GET /login/oauth/token HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = ask(&sandbox, get).await;
    answer.refusal(405, "method.not.allowed");
    assert_eq!(answer.header("allow"), Some("POST"));
    let other = "POST /login/oauth/tokens HTTP/1.1\r\nHost: x\r\n\r\n";
    ask(&sandbox, other).await.refusal(404, "not.found");
    assert_eq!(sandbox.token_requests(), 0);
}

async fn refused(sandbox: &Sandbox, headers: &str, body: &str, refusal: Value) {
    let answer = ask(sandbox, token_request_with(headers, body)).await;
    assert_eq!((answer.status, answer.json()), (400, refusal), "{headers}");
}

fn authorized(sandbox: &Sandbox) -> String {
    let basic = basic(sandbox.client_id(), sandbox.client_secret().expose_secret());
    format!("Authorization: {basic}\r\n{FORM}")
}

fn invalid_client() -> Value {
    refusal("invalid_client", "authentication failed")
}

fn refusal(error: &str, words: &str) -> Value {
    json!({ "error": error, "description": words, "error_description": words })
}

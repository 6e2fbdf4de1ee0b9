//! `POST /oauth/token`.

use genesys_cloud_auth::sandbox::Sandbox;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{
    CLIENT_CREDENTIALS, FORM_HEADER, ORGANIZATION, Wire, assert_get_fails, basic_auth, get, send,
    send_form, start, start_with_token, text, token, token_request, token_request_with,
};

#[tokio::test]
async fn token_response_has_the_form_of_genesys_cloud() {
    let sandbox = Sandbox::start().await.unwrap();
    let response = send(&sandbox, token_request(&sandbox)).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let body = response.json();
    let token = text(&body, "access_token");
    assert_eq!(token.len(), 84);
    for byte in token.bytes() {
        assert!(byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    }
    assert_eq!(
        body,
        json!({ "access_token": token, "token_type": "bearer", "expires_in": 86_399 })
    );
}

#[tokio::test]
async fn other_credentials_are_invalid() {
    let sandbox = Sandbox::start().await.unwrap();
    let (id, secret) = (sandbox.client_id().to_owned(), sandbox.client_secret());
    let secret = secret.expose_secret();
    let right = basic_auth(&id, secret);
    let percent_encoded = basic_auth(&id.replace('-', "%2D"), secret);
    for authorization in [
        basic_auth(&id, "wrong"),
        basic_auth(&id, ""),
        basic_auth(&id, &format!("{secret} ")),
        basic_auth("wrong", secret),
        percent_encoded,
        right.replace("Basic", "Bearer"),
        "Basic".to_owned(),
        "Basic !!!".to_owned(),
        "Basic bm8tY29sb24=".to_owned(),
        "Basic //79".to_owned(),
    ] {
        let headers = format!("Authorization: {authorization}\r\n{FORM_HEADER}");
        let request = token_request_with(&headers, CLIENT_CREDENTIALS);
        send(&sandbox, request).await.assert_invalid_client();
    }
    let without = token_request_with(FORM_HEADER, CLIENT_CREDENTIALS);
    send(&sandbox, without).await.assert_invalid_client();
    let in_the_body = format!("{CLIENT_CREDENTIALS}&client_id={id}&client_secret={secret}");
    let in_the_body = token_request_with(FORM_HEADER, &in_the_body);
    send(&sandbox, in_the_body).await.assert_invalid_client();
}

#[tokio::test]
async fn basic_credentials_are_not_percent_decoded() {
    let secret = "p:ss~w%6Frd+/ ü";
    let sandbox = start(Sandbox::builder().client("client", secret)).await;
    assert_eq!(sandbox.client_secret().expose_secret(), secret);
    let response = send(&sandbox, token_request(&sandbox)).await;
    assert_eq!(response.status, 200);
    let lower = token_request(&sandbox).replace("Basic", "basic");
    assert_eq!(send(&sandbox, lower).await.status, 200);
}

#[tokio::test]
async fn rotation_ends_the_old_secret_and_no_token() {
    let sandbox = Sandbox::start().await.unwrap();
    let (old, token_before) = (token_request(&sandbox), token(&sandbox).await);
    let new = sandbox.rotate_secret();
    assert_eq!(new.expose_secret(), sandbox.client_secret().expose_secret());
    let response = send(&sandbox, old).await;
    response.assert_invalid_client();
    assert_eq!(send(&sandbox, token_request(&sandbox)).await.status, 200);
    assert_eq!(get(&sandbox, ORGANIZATION, &token_before).await.status, 200);
}

#[tokio::test]
async fn disabled_client_gets_and_keeps_no_token() {
    let (sandbox, token) = start_with_token().await;
    sandbox.disable_client();
    let response = send(&sandbox, token_request(&sandbox)).await;
    response.assert_invalid_client();
    assert_get_fails(&sandbox, ORGANIZATION, &token, 401, "bad.credentials").await;
}

#[tokio::test]
async fn client_may_use_one_grant_type() {
    let sandbox = start(Sandbox::builder().authorized_grant_type("CODE")).await;
    let response = send(&sandbox, token_request(&sandbox)).await;
    let description = "client is not authorized to use the client_credential grant type";
    response.assert_oauth_error("unauthorized_client", description);

    let sandbox = Sandbox::start().await.unwrap();
    for grant in [
        "authorization_code",
        "refresh_token",
        "password",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
    ] {
        let body = format!("grant_type={grant}");
        let description = format!("client is not authorized to use the {grant} grant type");
        let response = send_form(&sandbox, &body).await;
        response.assert_oauth_error("unauthorized_client", &description);
    }
    for grant in ["implicit", "client-credentials", "CLIENT_CREDENTIALS"] {
        let body = format!("grant_type={grant}");
        let response = send_form(&sandbox, &body).await;
        assert_eq!(response.status, 400);
        assert_eq!(response.json()["error"], "unsupported_grant_type");
    }
}

#[tokio::test]
async fn malformed_form_is_an_invalid_request() {
    let sandbox = Sandbox::start().await.unwrap();
    let twice = format!("{CLIENT_CREDENTIALS}&{CLIENT_CREDENTIALS}");
    let other_twice = format!("{CLIENT_CREDENTIALS}&orgName=a&orgName=b");
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
        let response = send_form(&sandbox, body).await;
        assert_eq!(response.status, 400, "{body}");
        let error = response.json();
        assert_eq!(error["error"], "invalid_request", "{body}");
        assert_eq!(error["description"], error["error_description"]);
    }
}

#[tokio::test]
async fn form_may_be_percent_encoded() {
    let sandbox = Sandbox::start().await.unwrap();
    for body in [
        "grant_type=client_credentials",
        "grant%5Ftype=client%5Fcredentials",
        "note=a+b%20c~d%7Ee&grant_type=client_credentials&empty=",
    ] {
        let response = send_form(&sandbox, body).await;
        assert_eq!(response.status, 200, "{body}");
    }
    let requests = sandbox.requests();
    let form = requests[2].form();
    assert_eq!(form[0], ("note".into(), "a b c~d~e".into()));
    assert_eq!(form[1].0, "grant_type");
}

#[tokio::test]
async fn form_must_have_its_content_type() {
    let sandbox = Sandbox::start().await.unwrap();
    let basic = basic_auth(sandbox.client_id(), sandbox.client_secret().expose_secret());
    for (content_type, status) in [
        ("application/x-www-form-urlencoded;charset=UTF-8", 200),
        ("application/x-www-form-urlencoded ; charset=utf-8", 200),
        ("Application/X-WWW-Form-Urlencoded", 200),
        ("application/json", 400),
        ("application/x-www-form-urlencoded-not", 400),
        ("", 400),
    ] {
        let headers = format!("Authorization: {basic}\r\nContent-Type: {content_type}\r\n");
        let response = send(&sandbox, token_request_with(&headers, CLIENT_CREDENTIALS)).await;
        assert_eq!(response.status, status, "{content_type}");
        if status == 400 {
            assert_eq!(response.json()["error"], "invalid_request");
        }
    }
    let headers = format!("Authorization: {basic}\r\n");
    let response = send(&sandbox, token_request_with(&headers, CLIENT_CREDENTIALS)).await;
    assert_eq!(response.json()["error"], "invalid_request");
}

#[tokio::test]
async fn chunked_form_is_accepted() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut wire = Wire::connect(&sandbox).await;
    let whole = token_request(&sandbox);
    let (head, _) = whole.split_once("Content-Length").unwrap();
    wire.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n"))
        .await;
    for chunk in ["grant_", "type=client_", "credentials"] {
        wire.send(format!("{:x}\r\n{chunk}\r\n", chunk.len())).await;
    }
    wire.send("0\r\n\r\n").await;
    assert_eq!(wire.response().await.status, 200);
}

#[tokio::test]
async fn token_endpoint_has_one_path_and_one_method() {
    let sandbox = Sandbox::start().await.unwrap();
    let get = "GET /oauth/token HTTP/1.1\r\nHost: login.mypurecloud.ie\r\n\r\n";
    let response = send(&sandbox, get).await;
    response.assert_api_error(405, "method.not.allowed");
    assert_eq!(response.header("allow"), Some("POST"));
    let other = "POST /oauth/tokens HTTP/1.1\r\nHost: login.mypurecloud.ie\r\n\r\n";
    let response = send(&sandbox, other).await;
    response.assert_api_error(404, "not.found");
    assert_eq!(sandbox.token_requests(), 0);
}

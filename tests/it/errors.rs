//! What the texts of errors name.

use std::time::Duration;

use genesys_cloud_auth::{
    Assertion, AuthorizationCode, Error, FixedToken, PlatformClient, Region, Saml2Bearer,
    TokenProvider, client::RetryPolicy,
};

use crate::support::{
    CLIENT_ID, SECRET, TOKEN, assert_contains,
    cloud::Cloud,
    credentials, good_token, kind_of, payload, provider_at, provider_of, region_of,
    runtime::runtime,
    server::{End, Reply, Server},
};

#[tokio::test]
async fn expired_token_keeps_the_401_that_rejected_it() {
    let rejection = Reply::of(
        401,
        "ININ-Correlation-Id: abc-1\r\n",
        r#"{"code":"bad.credentials","message":"Invalid login credentials."}"#,
    );
    let login = Server::start(good_token(TOKEN));
    let api = Server::start(rejection);
    let region = region_of(&login, &api);
    let fixed = TokenProvider::new(region.clone(), FixedToken::new(TOKEN).unwrap()).unwrap();
    let assertion = Assertion::from(ASSERTION);
    let saml = Saml2Bearer::new(CLIENT_ID, SECRET, "my-org", assertion).unwrap();
    let saml = TokenProvider::new(region, saml).unwrap();
    for tokens in [fixed, saml] {
        let error = PlatformClient::new(tokens)
            .get(PATH)
            .send()
            .await
            .unwrap_err();
        let expired = payload!(error, TokenExpired);
        assert_eq!(error.status().map(u16::from), Some(401));
        assert_eq!(error.correlation_id(), Some("abc-1"));
        let code = expired.response().unwrap().code.as_deref();
        assert_eq!(code, Some("bad.credentials"));
        let text = error.to_string();
        let start = format!(
            "GET {}/api/v2/users/me returned HTTP 401 bad.credentials: Invalid login credentials. \
             (correlation id abc-1); ",
            api.address()
        );
        assert!(text.starts_with(&start), "{text}");
        assert!(
            !error.is_transient() && error.retry_after().is_none(),
            "{text}"
        );
    }
    assert_eq!(api.requests().len(), 2);
}

/// Behind a gateway a program's own settings do not tell which host responded.
#[tokio::test]
async fn error_response_of_each_host_names_it() {
    let (login, api) = (
        Server::start(Reply::json(404, "{}")),
        Server::start(Reply::json(404, "{}")),
    );
    let region = region_of(&login, &api);
    let tokens = TokenProvider::new(region.clone(), credentials()).unwrap();
    let error = tokens.token().await.unwrap_err().to_string();
    let start = format!("POST {}/oauth/token returned HTTP 404", login.address());
    assert!(error.starts_with(&start), "{error}");
    let tokens = TokenProvider::new(region, FixedToken::new(TOKEN).unwrap()).unwrap();
    let call = PlatformClient::new(tokens).get("/api/v2/users?pageSize=1");
    let error = call.send().await.unwrap_err().to_string();
    let start = format!("GET {}/api/v2/users returned HTTP 404", api.address());
    assert!(error.starts_with(&start), "{error}");
}

#[tokio::test]
async fn assertion_that_was_used_has_no_wait() {
    let server = Server::start(good_token(TOKEN));
    let saml = Saml2Bearer::new(CLIENT_ID, SECRET, "my-org", Assertion::from(ASSERTION)).unwrap();
    let tokens = TokenProvider::new(region_of(&server, &server), saml).unwrap();
    let token = tokens.token().await.unwrap();
    tokens.invalidate(&token);
    for _ in 0..2 {
        let error = tokens.token().await.unwrap_err();
        assert_eq!(kind_of(&error), "TokenExpired", "{error}");
        assert_eq!(error.retry_after(), None, "{error}");
    }
    assert_eq!(server.requests().len(), 1);
}

/// Only the login host may have noticed it, by its own clock.
#[tokio::test]
async fn assertion_that_is_not_valid_yet_names_the_clocks() {
    let body = r#"{"error":"invalid_grant","error_description":"Assertion is not yet valid"}"#;
    let server = Server::start(Reply::json(400, body));
    let saml = Saml2Bearer::new(CLIENT_ID, SECRET, "my-org", Assertion::from(ASSERTION)).unwrap();
    let tokens = TokenProvider::new(region_of(&server, &server), saml).unwrap();
    let text = tokens.token().await.unwrap_err().to_string();
    let cure = "compare the clocks of this machine and of the identity provider";
    assert_contains(&text, "not yet valid");
    assert_contains(&text, cure);
}

#[tokio::test]
async fn time_that_is_over_is_named_with_its_call() {
    let server = Server::start(Reply::none(End::Hold));
    let region = region_of(&server, &server);
    let tokens = provider_of(region).0.build().unwrap();
    let api = PlatformClient::new(tokens);
    let call = api.get(PATH).timeout(Duration::ZERO);
    let error = call.send().await.unwrap_err();
    assert_eq!(kind_of(&error), "Timeout", "{error}");
    let text = error.to_string();
    let host = server.address().to_string();
    assert!(text.contains(&host) && text.contains("0 s"), "{text}");

    let short = Duration::from_nanos(1_000_001);
    let error = api.get(PATH).timeout(short).send().await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("within the allowed 0.001 s; "), "{text}");

    // The limit of one attempt, too.
    let attempt = Duration::from_millis(50);
    let (builder, _) = provider_of(region_of(&server, &server));
    let tokens = builder.attempt_timeout(attempt).build().unwrap();
    let error = tokens.token().await.unwrap_err();
    assert_eq!(kind_of(&error), "Transport Timeout", "{error}");
    let expected =
        format!("{host} did not send a complete response to POST /oauth/token within 0.05 s");
    assert!(error.to_string().starts_with(&expected), "{error}");
    let half = Server::start(Reply::raw(
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1",
        End::Hold,
    ));
    for server in [&server, &half] {
        let fixed = FixedToken::new(TOKEN).unwrap();
        let tokens = TokenProvider::new(region_of(server, server), fixed).unwrap();
        let api = PlatformClient::builder(tokens).retry(RetryPolicy::never());
        let call = api.build().get("/api/v2/users?pageSize=1").timeout(attempt);
        let error = call.fetch::<u32>().await.unwrap_err();
        assert_eq!(kind_of(&error), "Transport Timeout", "{error}");
        let (start, end) = (server.address().to_string(), " within 0.05 s");
        let text = error.to_string();
        assert!(text.starts_with(&start) && text.ends_with(end), "{text}");
        assert!(text.contains("to GET /api/v2/users within"), "{text}");
    }

    let own = api.get(PATH).header("Authorization", "Bearer own");
    let error = own.timeout(Duration::ZERO).send().await.unwrap_err();
    let text = error.to_string();
    let expected = format!("GET {host}/api/v2/users/me did not end within the allowed 0 s; ");
    assert!(text.starts_with(&expected), "{text}");
}

#[test]
fn character_that_must_not_be_there_is_named() {
    let tokens = || TokenProvider::new(Region::EuWest1, FixedToken::new(TOKEN).unwrap()).unwrap();
    let api = PlatformClient::new(tokens());
    let call = |name: &str, value: &str| {
        let runtime = runtime();
        let call = api.get(PATH).header(name, value).send();
        runtime.block_on(call).unwrap_err()
    };
    let redirect_uri = |text| AuthorizationCode::public(CLIENT_ID, text).unwrap_err();
    let app = |name| {
        let builder = TokenProvider::builder(Region::EuWest1, FixedToken::new(TOKEN).unwrap());
        builder.app(name).build().unwrap_err()
    };
    for (error, says) in [
        (
            call("x-request", "a\n"),
            "the header x-request contains a line break or",
        ),
        (call("x\n", "a"), "the name of a header is malformed"),
        (
            redirect_uri("http://localhost/\n"),
            "redirect URI contains a line break",
        ),
        (
            redirect_uri("http://localhost/ x"),
            "redirect URI contains a space",
        ),
        (
            redirect_uri("http://localhost\\x"),
            "redirect URI contains a backslash",
        ),
        (app("crm\n"), "and contains a line break"),
        (app("crm\u{1b}"), "and contains a control character"),
        (
            app("cr\u{e9}me"),
            "and contains a character other than visible ASCII",
        ),
        (app(""), "must be 1 to 128 visible ASCII characters"),
    ] {
        assert!(!error.is_transient(), "{error}");
        assert_contains(&error, says);
    }
}

#[tokio::test]
async fn body_that_breaks_off_keeps_the_correlation_id() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nININ-Correlation-Id: abc-1\r\n\r\n{";
    let server = Server::start(Reply::raw(head, End::Close));
    let tokens = TokenProvider::builder(region_of(&server, &server), credentials());
    let error = tokens.build().unwrap().token().await.unwrap_err();
    assert_interrupted(&error, &server);
    let tokens = FixedToken::new(TOKEN).unwrap();
    let tokens = TokenProvider::new(region_of(&server, &server), tokens).unwrap();
    let call = PlatformClient::new(tokens).post(PATH);
    assert_interrupted(&call.fetch::<()>().await.unwrap_err(), &server);
}

#[tokio::test]
async fn empty_correlation_id_counts_as_missing() {
    let empty = "ININ-Correlation-Id: \r\n";
    let second = format!("{empty}Genesys-Correlation-Id: g-1\r\n");
    for (headers, expected) in [(empty, "c-1"), (&second, "g-1")] {
        let reply = Reply::of(404, headers, r#"{"code":"not.found","contextId":"c-1"}"#);
        let cloud = Cloud::start();
        cloud.api.answers([reply.clone()]);
        let error = cloud.client.get("/api/v2/users").send().await.unwrap_err();
        assert_eq!(error.correlation_id(), Some(expected), "{error}");
        let server = Server::start(reply);
        let error = provider_at(&server).0.token().await.unwrap_err();
        assert_eq!(error.correlation_id(), Some(expected), "{error}");
    }
}

fn assert_interrupted(error: &Error, server: &Server) {
    assert_eq!(kind_of(error), "Transport Interrupted", "{error}");
    assert_eq!(error.correlation_id(), Some("abc-1"));
    let text = error.to_string();
    let address = server.address().to_string();
    assert_contains(&text, "(correlation id abc-1)");
    assert_contains(&text, &address);
}

const PATH: &str = "/api/v2/users/me";

/// A signed assertion without an end.
const ASSERTION: &str = concat!(
    r#"<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a" Version="2.0" IssueInstant="2026-01-31T12:00:00Z">"#,
    r#"<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignatureValue>AA==</SignatureValue></Signature></Assertion>"#,
);

//! The requests that `/oauth/authorize` accepts, and what it sends back to the client.

use genesys_cloud_auth::sandbox::{Sandbox, SandboxBuilder, SandboxUser};

use super::{
    Response,
    browser::{Browser, parameter},
    codes::exchange_redirect,
    start,
};

pub(super) fn builder() -> SandboxBuilder {
    Sandbox::builder().code_client(["http://localhost", CALLBACK])
}

/// Returns the path of an authorization request with these parameters, too.
pub(super) fn path(sandbox: &Sandbox, more: &str) -> String {
    let id = sandbox.client_id();
    format!("/oauth/authorize?response_type=code&client_id={id}&{more}")
}

pub(super) fn url(sandbox: &Sandbox, more: &str) -> String {
    format!("{}{}", sandbox.url(), path(sandbox, more))
}

/// Starts a sandbox for logins, and returns its first user with it.
pub(super) async fn start_with_user() -> (Sandbox, SandboxUser) {
    let sandbox = start(builder()).await;
    let user = sandbox.users().remove(0);
    (sandbox, user)
}

async fn open(sandbox: &Sandbox, path: &str) -> Response {
    Browser::default().open(sandbox, path).await
}

#[tokio::test]
async fn consent_gives_a_code_and_denial_an_error() {
    let sandbox = start(builder()).await;
    let url = url(&sandbox, &format!("{REDIRECT}&state=s"));
    for user in sandbox.users() {
        let redirected = sandbox.log_in(&url, &user).await;
        let is_code = redirected.starts_with("http://localhost:7890?code=");
        assert!(is_code, "{redirected}");
        assert_eq!(parameter(&redirected, "state").unwrap(), "s");
    }
    let redirected = sandbox.deny(&url).await;
    let is_denied = redirected.starts_with("http://localhost:7890?error=access_denied&");
    assert!(is_denied, "{redirected}");
    assert!(parameter(&redirected, "error_description").is_some());
    assert_eq!(parameter(&redirected, "state").unwrap(), "s");
    assert_eq!(parameter(&redirected, "code"), None);
}

#[tokio::test]
async fn state_is_sent_back_unchanged() {
    let (sandbox, user) = start_with_user().await;
    let long = "a%20b+c~/?:@!$()*,;%26%3D%23%00%C3%A9%FF";
    for state in [long, "", "%", "%7E=%zz"] {
        let url = url(&sandbox, &format!("{REDIRECT}&state={state}"));
        for redirected in [sandbox.log_in(&url, &user).await, sandbox.deny(&url).await] {
            let state = format!("&state={state}");
            assert!(redirected.ends_with(&state), "{redirected}");
        }
    }
    let redirected = sandbox.log_in(&url(&sandbox, REDIRECT), &user).await;
    assert!(!redirected.contains("state"), "{redirected}");
}

#[tokio::test]
async fn redirect_uri_matches_exactly_and_loopback_with_any_port() {
    let (sandbox, user) = start_with_user().await;
    for (uri, start) in [
        (CALLBACK, "https://app.example/callback?x=1&code="),
        ("http://localhost", "http://localhost?code="),
        ("http://localhost:49152", "http://localhost:49152?code="),
    ] {
        let url = url(&sandbox, &format!("redirect_uri={}", encoded(uri)));
        let redirected = sandbox.log_in(&url, &user).await;
        assert!(redirected.starts_with(start), "{redirected}");
    }
    for uri in [
        "https://app.example/callback",
        "https://app.example/callback?x=2",
        "http://localhost:49152/",
        "http://localhost:49152@evil.example",
        "http://127.0.0.1:49152",
        "",
    ] {
        let path = path(&sandbox, &format!("redirect_uri={}", encoded(uri)));
        assert_login_not_possible(&open(&sandbox, &path).await);
    }
}

#[tokio::test]
async fn unknown_client_or_redirect_uri_is_not_sent_back() {
    let sandbox = start(builder()).await;
    let id = sandbox.client_id();
    for query in [
        String::new(),
        format!("client_id={id}"),
        REDIRECT.to_owned(),
        format!("client_id=another&{REDIRECT}"),
        format!("client_id={}&{REDIRECT}", id.to_uppercase()),
        format!("client_id={id}&client_id={id}&{REDIRECT}"),
        format!("client_id={id}&{REDIRECT}&{REDIRECT}"),
    ] {
        let path = format!("/oauth/authorize?response_type=code&{query}&state=s&prompt=none");
        assert_login_not_possible(&open(&sandbox, &path).await);
    }
    assert_login_not_possible(&open(&sandbox, "/oauth/authorize").await);
    sandbox.disable_client();
    assert_login_not_possible(&open(&sandbox, &path(&sandbox, REDIRECT)).await);

    let other = Sandbox::start().await.unwrap();
    assert_login_not_possible(&open(&other, &path(&other, REDIRECT)).await);
}

fn assert_login_not_possible(response: &Response) {
    assert_eq!(response.status, 400);
    assert_eq!(response.header("location"), None);
    let message = "The OAuth client ID or redirect URI is invalid.";
    assert!(response.text().contains(message), "{}", response.text());
    assert!(!response.text().contains("<form"));
}

#[tokio::test]
async fn other_invalid_parameters_are_sent_back_as_errors() {
    let sandbox = start(builder()).await;
    let challenge = format!("code_challenge={CHALLENGE}");
    let method = "code_challenge_method=S256";
    let (invalid_request, invalid_pkce) = ("invalid_request", "invalid_pkce_package");
    for (more, error) in [
        ("org=acme", invalid_request),
        ("provider=okta", invalid_request),
        ("org=acme&provider=", invalid_request),
        ("prompt=none", invalid_request),
        ("response_type=code", invalid_request),
        ("scope=a&scope=b", invalid_request),
        (&*challenge, invalid_pkce),
        (method, invalid_pkce),
        (
            &format!("{challenge}&code_challenge_method=plain"),
            invalid_pkce,
        ),
        (
            &format!("{challenge}&code_challenge_method=s256"),
            invalid_pkce,
        ),
        (&format!("{challenge}%3D&{method}"), invalid_pkce),
        (
            &format!("code_challenge={}&{method}", &CHALLENGE[1..]),
            invalid_pkce,
        ),
    ] {
        let path = path(&sandbox, &format!("{REDIRECT}&state=s%20&{more}"));
        let response = open(&sandbox, &path).await;
        assert_eq!(response.status, 302, "{more}");
        let location = response.location();
        let is_error = location.starts_with("http://localhost:7890?error=");
        assert!(is_error, "{location}");
        assert_eq!(parameter(location, "error").unwrap(), error, "{more}");
        assert!(parameter(location, "error_description").is_some());
        assert!(location.ends_with("&state=s%20"), "{location}");
        // Submitting a form gets the same error.
        let submitted = Browser::default().submit(&sandbox, &path, &[]).await;
        assert_eq!(submitted.location(), location);
    }
}

#[tokio::test]
async fn other_response_types_are_not_supported() {
    let sandbox = start(builder()).await;
    let id = sandbox.client_id();
    let unsupported = "unsupported_response_type";
    for (response_type, error, separator) in [
        ("", "invalid_request", '?'),
        ("response_type=", "invalid_request", '?'),
        ("response_type=token", unsupported, '#'),
        ("response_type=code%20token", unsupported, '?'),
        ("response_type=CODE", unsupported, '?'),
    ] {
        let path = format!("/oauth/authorize?{response_type}&client_id={id}&{REDIRECT}&state=s");
        let response = open(&sandbox, &path).await;
        let start = format!("http://localhost:7890{separator}error={error}&error_description=");
        assert!(response.location().starts_with(&start), "{response:?}");
        assert!(response.location().ends_with("&state=s"));
    }
}

#[tokio::test]
async fn client_of_another_grant_type_is_not_authorized() {
    let sandbox = builder().authorized_grant_type("TOKEN");
    let sandbox = sandbox.start().await.unwrap();
    let response = open(&sandbox, &path(&sandbox, REDIRECT)).await;
    let error = parameter(response.location(), "error").unwrap();
    assert_eq!(error, "unauthorized_client");
}

#[tokio::test]
async fn errors_set_by_the_test_are_sent_back_in_order() {
    let (sandbox, user) = start_with_user().await;
    let url = url(&sandbox, &format!("{REDIRECT}&state=s"));
    let errors = ["server_error", "temporarily_unavailable", "invalid_scope"];
    for error in errors {
        sandbox.fail_next_authorization(error);
    }
    for error in errors {
        let redirected = sandbox.log_in(&url, &user).await;
        assert_eq!(parameter(&redirected, "error").unwrap(), error);
        assert_eq!(parameter(&redirected, "state").unwrap(), "s");
    }
    let redirected = sandbox.log_in(&url, &user).await;
    exchange_redirect(&sandbox, &redirected).await;
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub(super) const CALLBACK: &str = "https://app.example/callback?x=1";
pub(super) const REDIRECT: &str = "redirect_uri=http%3A%2F%2Flocalhost%3A7890";

/// RFC 7636 appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

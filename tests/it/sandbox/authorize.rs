//! What `/oauth/authorize` takes, and what goes back to the client.

use genesys_cloud_auth::sandbox::{Sandbox, SandboxBuilder};

use super::{
    Answer,
    browser::{Browser, parameter},
    codes::exchanged,
};

pub(super) fn builder() -> SandboxBuilder {
    Sandbox::builder().code_client(["http://localhost", CALLBACK])
}

/// The path that asks for an authorization, with these parameters besides.
pub(super) fn path(sandbox: &Sandbox, more: &str) -> String {
    let id = sandbox.client_id();
    format!("/oauth/authorize?response_type=code&client_id={id}&{more}")
}

pub(super) fn url(sandbox: &Sandbox, more: &str) -> String {
    format!("{}/login{}", sandbox.url(), path(sandbox, more))
}

async fn open(sandbox: &Sandbox, path: &str) -> Answer {
    Browser::default().open(sandbox, path).await
}

#[tokio::test]
async fn a_user_who_allows_gives_a_code_and_one_who_denies_an_error() {
    let sandbox = builder().start().await.unwrap();
    let url = url(&sandbox, &format!("{REDIRECT}&state=s"));
    for user in sandbox.users() {
        let back = sandbox.log_in(&url, &user).await;
        assert!(back.starts_with("http://localhost:7890?code="), "{back}");
        assert_eq!(parameter(&back, "state").unwrap(), "s");
    }
    let back = sandbox.deny(&url).await;
    assert!(
        back.starts_with("http://localhost:7890?error=access_denied&"),
        "{back}"
    );
    assert!(parameter(&back, "error_description").is_some());
    assert_eq!(parameter(&back, "state").unwrap(), "s");
    assert_eq!(parameter(&back, "code"), None);
}

#[tokio::test]
async fn the_state_goes_back_as_it_came() {
    let sandbox = builder().start().await.unwrap();
    let user = sandbox.users().remove(0);
    for state in [
        "a%20b+c~/?:@!$()*,;%26%3D%23%00%C3%A9%FF",
        "",
        "%",
        "%7E=%zz",
    ] {
        let url = url(&sandbox, &format!("{REDIRECT}&state={state}"));
        let back = sandbox.log_in(&url, &user).await;
        assert!(back.ends_with(&format!("&state={state}")), "{back}");
        assert!(
            sandbox
                .deny(&url)
                .await
                .ends_with(&format!("&state={state}"))
        );
    }
    let back = sandbox.log_in(&url(&sandbox, REDIRECT), &user).await;
    assert!(!back.contains("state"), "{back}");
}

#[tokio::test]
async fn a_redirect_uri_is_registered_whole_and_loopback_with_any_port() {
    let sandbox = builder().start().await.unwrap();
    let user = sandbox.users().remove(0);
    for (uri, start) in [
        (CALLBACK, "https://app.example/callback?x=1&code="),
        ("http://localhost", "http://localhost?code="),
        ("http://localhost:49152", "http://localhost:49152?code="),
    ] {
        let url = url(&sandbox, &format!("redirect_uri={}", encoded(uri)));
        let back = sandbox.log_in(&url, &user).await;
        assert!(back.starts_with(start), "{back}");
    }
    for uri in [
        "https://app.example/callback",
        "https://app.example/callback?x=2",
        "http://localhost:49152/",
        "http://localhost:49152@evil.example",
        "http://127.0.0.1:49152",
        "",
    ] {
        let answer = open(
            &sandbox,
            &path(&sandbox, &format!("redirect_uri={}", encoded(uri))),
        )
        .await;
        is_page_of_no_login(&answer);
    }
}

#[tokio::test]
async fn without_a_client_or_redirect_uri_nothing_goes_back() {
    let sandbox = builder().start().await.unwrap();
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
        is_page_of_no_login(&open(&sandbox, &path).await);
    }
    is_page_of_no_login(&open(&sandbox, "/oauth/authorize").await);
    sandbox.disable_client();
    is_page_of_no_login(&open(&sandbox, &path(&sandbox, REDIRECT)).await);

    let other = Sandbox::start().await.unwrap();
    is_page_of_no_login(&open(&other, &path(&other, REDIRECT)).await);
}

fn is_page_of_no_login(answer: &Answer) {
    assert_eq!((answer.status, answer.header("location")), (400, None));
    let words = "The OAuth client ID or redirect URI is invalid.";
    assert!(answer.text().contains(words), "{}", answer.text());
    assert!(!answer.text().contains("<form"));
}

#[tokio::test]
async fn what_is_wrong_besides_goes_back_as_an_error() {
    let sandbox = builder().start().await.unwrap();
    let challenge = format!("code_challenge={CHALLENGE}");
    let cut = format!(
        "code_challenge={}&code_challenge_method=S256",
        &CHALLENGE[1..]
    );
    for (more, error) in [
        ("org=acme", "invalid_request"),
        ("provider=okta", "invalid_request"),
        ("org=acme&provider=", "invalid_request"),
        ("prompt=none", "invalid_request"),
        ("response_type=code", "invalid_request"),
        ("scope=a&scope=b", "invalid_request"),
        (&*challenge, "invalid_pkce_package"),
        ("code_challenge_method=S256", "invalid_pkce_package"),
        (
            &format!("{challenge}&code_challenge_method=plain"),
            "invalid_pkce_package",
        ),
        (
            &format!("{challenge}&code_challenge_method=s256"),
            "invalid_pkce_package",
        ),
        (
            &format!("{challenge}%3D&code_challenge_method=S256"),
            "invalid_pkce_package",
        ),
        (&*cut, "invalid_pkce_package"),
    ] {
        let path = path(&sandbox, &format!("{REDIRECT}&state=s%20&{more}"));
        let answer = open(&sandbox, &path).await;
        assert_eq!(answer.status, 302, "{more}");
        let location = answer.location();
        assert!(
            location.starts_with("http://localhost:7890?error="),
            "{location}"
        );
        assert_eq!(parameter(location, "error").unwrap(), error, "{more}");
        assert!(parameter(location, "error_description").is_some());
        assert!(location.ends_with("&state=s%20"), "{location}");
        // Neither can a form that was opened before be sent for it.
        let sent = Browser::default().send(&sandbox, &path, &[]).await;
        assert_eq!(sent.location(), location);
    }
}

#[tokio::test]
async fn other_response_types_are_not_supported_and_the_implicit_grants_answer_is_in_the_fragment()
{
    let sandbox = builder().start().await.unwrap();
    let id = sandbox.client_id();
    for (response_type, error, mark) in [
        ("", "invalid_request", '?'),
        ("response_type=", "invalid_request", '?'),
        ("response_type=token", "unsupported_response_type", '#'),
        (
            "response_type=code%20token",
            "unsupported_response_type",
            '?',
        ),
        ("response_type=CODE", "unsupported_response_type", '?'),
    ] {
        let path = format!("/oauth/authorize?{response_type}&client_id={id}&{REDIRECT}&state=s");
        let answer = open(&sandbox, &path).await;
        let start = format!("http://localhost:7890{mark}error={error}&error_description=");
        assert!(answer.location().starts_with(&start), "{answer:?}");
        assert!(answer.location().ends_with("&state=s"));
    }
}

#[tokio::test]
async fn a_client_of_another_grant_type_is_not_authorized() {
    let sandbox = builder().authorized_grant_type("TOKEN");
    let sandbox = sandbox.start().await.unwrap();
    let answer = open(&sandbox, &path(&sandbox, REDIRECT)).await;
    assert_eq!(
        parameter(answer.location(), "error").unwrap(),
        "unauthorized_client"
    );
}

#[tokio::test]
async fn a_test_sets_the_next_errors() {
    let sandbox = builder().start().await.unwrap();
    let user = sandbox.users().remove(0);
    let url = url(&sandbox, &format!("{REDIRECT}&state=s"));
    let errors = ["server_error", "temporarily_unavailable", "invalid_scope"];
    for error in errors {
        sandbox.fail_next_authorization(error);
    }
    for error in errors {
        let back = sandbox.log_in(&url, &user).await;
        assert_eq!(parameter(&back, "error").unwrap(), error);
        assert_eq!(parameter(&back, "state").unwrap(), "s");
    }
    let back = sandbox.log_in(&url, &user).await;
    exchanged(&sandbox, &back).await;
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub(super) const CALLBACK: &str = "https://app.example/callback?x=1";
pub(super) const REDIRECT: &str = "redirect_uri=http%3A%2F%2Flocalhost%3A7890";

/// RFC 7636 appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

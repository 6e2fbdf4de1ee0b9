//! What a code gives, and to whom.

use std::time::Duration;

use genesys_cloud_auth::sandbox::{RefreshTokens, Sandbox};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{
    Answer, FORM, ORGANIZATION, USER, ask,
    authorize::{CHALLENGE, REDIRECT, VERIFIER, builder, url},
    basic,
    browser::parameter,
    get, token_request_with,
};

/// A code for a client that proves itself by its secret.
pub(super) async fn code(sandbox: &Sandbox) -> String {
    code_with(sandbox, "").await
}

/// A code that is bound to [`VERIFIER`].
pub(super) async fn pkce_code(sandbox: &Sandbox) -> String {
    let pkce = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
    code_with(sandbox, &pkce).await
}

async fn code_with(sandbox: &Sandbox, more: &str) -> String {
    let url = url(sandbox, &format!("{REDIRECT}{more}"));
    let user = sandbox.users().remove(0);
    parameter(&sandbox.log_in(&url, &user).await, "code").unwrap()
}

/// The tokens for the code in `back`, by the client's secret.
pub(super) async fn exchanged(sandbox: &Sandbox, back: &str) -> Value {
    let code = parameter(back, "code").unwrap();
    let answer = exchange(sandbox, &code).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn exchange(sandbox: &Sandbox, code: &str) -> Answer {
    ask_with(
        sandbox,
        &secret_of(sandbox),
        &format!("code={code}&{REDIRECT}"),
    )
    .await
}

async fn ask_with(sandbox: &Sandbox, authorization: &str, fields: &str) -> Answer {
    let body = format!("grant_type=authorization_code&{fields}");
    ask(
        sandbox,
        token_request_with(&format!("{authorization}{FORM}"), &body),
    )
    .await
}

fn secret_of(sandbox: &Sandbox) -> String {
    authorization(sandbox.client_id(), sandbox.client_secret().expose_secret())
}

fn authorization(id: &str, secret: &str) -> String {
    format!("Authorization: {}\r\n", basic(id, secret))
}

#[track_caller]
fn refused(answer: &Answer, error: &str, words: &str) {
    let expected = json!({ "error": error, "description": words, "error_description": words });
    assert_eq!((answer.status, answer.json()), (400, expected));
}

#[tokio::test]
async fn a_code_gives_tokens_of_the_user() {
    let sandbox = builder().start().await.unwrap();
    for user in sandbox.users() {
        let back = sandbox.log_in(&url(&sandbox, REDIRECT), &user).await;
        let body = exchanged(&sandbox, &back).await;
        let (access, refresh) = (&body["access_token"], &body["refresh_token"]);
        assert_eq!(
            body,
            json!({
                "access_token": access,
                "token_type": "bearer",
                "expires_in": 86_399,
                "refresh_token": refresh,
            })
        );
        assert_ne!(access, refresh);
        let me = get(&sandbox, USER, access.as_str().unwrap()).await.json();
        assert_eq!(
            (&me["id"], &me["name"]),
            (&user.id().into(), &user.name().into())
        );
    }
    let none = builder().refresh_tokens(RefreshTokens::None);
    let sandbox = none.start().await.unwrap();
    let answer = exchange(&sandbox, &code(&sandbox).await).await;
    assert_eq!(answer.json().get("refresh_token"), None);
}

#[tokio::test]
async fn a_client_proves_itself_by_secret_verifier_or_both() {
    let sandbox = builder().start().await.unwrap();
    let id = sandbox.client_id();
    let secret = secret_of(&sandbox);
    let verifier = format!("&code_verifier={VERIFIER}");
    let quirk = authorization(id, "");
    for (pkce, authorization, more) in [
        (false, &*secret, String::new()),
        (false, &secret, format!("&client_id={id}")),
        (true, &secret, verifier.clone()),
        (true, &secret, format!("{verifier}&client_id={id}")),
        (true, "", format!("{verifier}&client_id={id}")),
        // As Genesys' own command line does it.
        (true, &quirk, format!("{verifier}&client_id={id}")),
    ] {
        let code = if pkce {
            pkce_code(&sandbox).await
        } else {
            code(&sandbox).await
        };
        let fields = format!("code={code}&{REDIRECT}{more}");
        let answer = ask_with(&sandbox, authorization, &fields).await;
        assert_eq!(answer.status, 200, "{more} {answer:?}");
        assert!(answer.json()["refresh_token"].is_string());
    }
}

#[tokio::test]
async fn a_client_that_does_not_is_refused_and_the_code_stays_good() {
    let sandbox = builder().start().await.unwrap();
    let id = sandbox.client_id();
    let (code, pkce_code) = (code(&sandbox).await, pkce_code(&sandbox).await);
    let verifier = format!("&code_verifier={VERIFIER}");
    let secret = secret_of(&sandbox);
    for (code, authorization, more) in [
        (&code, String::new(), String::new()),
        (&code, String::new(), format!("&client_id={id}")),
        (&code, authorization(id, ""), format!("&client_id={id}")),
        (&code, authorization(id, "wrong"), String::new()),
        (&pkce_code, String::new(), verifier.clone()),
        (
            &pkce_code,
            String::new(),
            format!("{verifier}&client_id=another"),
        ),
        (&pkce_code, authorization(id, ""), verifier.clone()),
        (
            &pkce_code,
            authorization(id, "wrong"),
            format!("{verifier}&client_id={id}"),
        ),
        (
            &pkce_code,
            authorization("another", ""),
            format!("{verifier}&client_id={id}"),
        ),
        (
            &pkce_code,
            secret.clone(),
            format!("{verifier}&client_id=another"),
        ),
    ] {
        let fields = format!("code={code}&{REDIRECT}{more}");
        let answer = ask_with(&sandbox, &authorization, &fields).await;
        refused(&answer, "invalid_client", "authentication failed");
    }
    assert_eq!(exchange(&sandbox, &code).await.status, 200);
    let fields = format!("code={pkce_code}&{REDIRECT}{verifier}&client_id={id}");
    assert_eq!(ask_with(&sandbox, "", &fields).await.status, 200);
}

#[tokio::test]
async fn the_verifier_belongs_to_the_challenge() {
    let sandbox = builder().start().await.unwrap();
    let id = sandbox.client_id();
    let words = "the code verifier does not match the code challenge";
    for verifier in [
        "",
        &VERIFIER.to_uppercase(),
        &VERIFIER[1..],
        &format!("{VERIFIER}="),
        CHALLENGE,
        &"a".repeat(42),
        &"a".repeat(129),
    ] {
        let code = pkce_code(&sandbox).await;
        let fields = format!("code={code}&{REDIRECT}&client_id={id}&code_verifier=");
        let answer = ask_with(&sandbox, "", &format!("{fields}{verifier}")).await;
        refused(&answer, "invalid_grant", words);
        // It is used up all the same.
        let again = ask_with(&sandbox, "", &format!("{fields}{VERIFIER}")).await;
        assert_eq!(again.json()["error"], "invalid_grant", "{verifier}");
    }
    // And where there was no challenge there is no verifier (RFC 9700 section 2.1.1).
    let fields = format!(
        "code={}&{REDIRECT}&code_verifier={VERIFIER}",
        code(&sandbox).await
    );
    let answer = ask_with(&sandbox, &secret_of(&sandbox), &fields).await;
    refused(&answer, "invalid_grant", words);
}

#[tokio::test]
async fn the_redirect_uri_is_that_of_the_authorization_request() {
    let sandbox = builder().start().await.unwrap();
    let words = "the redirect URI is not that of the authorization request";
    for uri in [
        "http%3A%2F%2Flocalhost",
        "http%3A%2F%2Flocalhost%3A7891",
        "x",
    ] {
        let code = code(&sandbox).await;
        let fields = format!("code={code}&redirect_uri={uri}");
        let answer = ask_with(&sandbox, &secret_of(&sandbox), &fields).await;
        refused(&answer, "invalid_grant", words);
    }
    for (fields, missing) in [(REDIRECT, "code"), ("code=x", "redirect_uri")] {
        let answer = ask_with(&sandbox, &secret_of(&sandbox), fields).await;
        refused(&answer, "invalid_request", &format!("{missing} is missing"));
    }
}

#[tokio::test]
async fn a_code_that_comes_twice_ends_all_that_it_gave() {
    let sandbox = builder().start().await.unwrap();
    let words = "the authorization code is not valid";
    let (code, other) = (code(&sandbox).await, code(&sandbox).await);
    let tokens = exchange(&sandbox, &code).await.json();
    let others = exchange(&sandbox, &other).await.json();
    let renewed = super::refresh::refreshed(&sandbox, &tokens).await;
    refused(&exchange(&sandbox, &code).await, "invalid_grant", words);
    for tokens in [&tokens, &renewed] {
        let access = tokens["access_token"].as_str().unwrap();
        get(&sandbox, ORGANIZATION, access)
            .await
            .refusal(401, "bad.credentials");
    }
    let refresh = super::refresh::refresh(&sandbox, &renewed).await;
    refused(&refresh, "invalid_grant", "the refresh token is not valid");
    // Another login of the same user is none of it.
    let access = others["access_token"].as_str().unwrap();
    assert_eq!(get(&sandbox, ORGANIZATION, access).await.status, 200);
    refused(&exchange(&sandbox, &code).await, "invalid_grant", words);
    refused(&exchange(&sandbox, "unknown").await, "invalid_grant", words);
    assert_eq!(sandbox.refresh_reuses(), 0);
}

#[tokio::test]
async fn a_code_lives_a_minute_or_as_long_as_is_said() {
    let words = "the authorization code is not valid";
    for (builder, seconds) in [
        (builder(), 60),
        (builder().code_lifetime(Duration::from_secs(600)), 600),
    ] {
        let sandbox = builder.start().await.unwrap();
        let (in_time, late) = (code(&sandbox).await, code(&sandbox).await);
        sandbox.advance(Duration::from_secs(seconds - 5));
        assert_eq!(exchange(&sandbox, &in_time).await.status, 200);
        sandbox.advance(Duration::from_secs(5));
        refused(&exchange(&sandbox, &late).await, "invalid_grant", words);
    }
}

#[tokio::test]
async fn a_disabled_clients_codes_and_refresh_tokens_end() {
    let sandbox = builder().start().await.unwrap();
    let unused = code(&sandbox).await;
    let answer = exchange(&sandbox, &code(&sandbox).await).await;
    sandbox.disable_client();
    for answer in [
        exchange(&sandbox, &unused).await,
        super::refresh::refresh(&sandbox, &answer.json()).await,
    ] {
        refused(&answer, "invalid_client", "authentication failed");
    }
}

//! The exchange of a code.

use std::time::Duration;

use genesys_cloud_auth::sandbox::{RefreshTokens, Sandbox};
use serde_json::{Value, json};

use super::{
    FORM_HEADER, ORGANIZATION, Response, USERS_ME, assert_get_fails,
    authorize::{CHALLENGE, REDIRECT, VERIFIER, builder, url},
    browser::parameter,
    client_headers, form_headers, get, get_json,
    refresh::{self, refreshed},
    send, start, text, token_request_with,
};

/// Returns a code without a challenge.
pub(super) async fn code(sandbox: &Sandbox) -> String {
    code_with(sandbox, "").await
}

/// Returns a code whose challenge matches [`VERIFIER`].
pub(super) async fn pkce_code(sandbox: &Sandbox) -> String {
    let pkce = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
    code_with(sandbox, &pkce).await
}

async fn code_with(sandbox: &Sandbox, more: &str) -> String {
    let url = url(sandbox, &format!("{REDIRECT}{more}"));
    let user = sandbox.users().remove(0);
    parameter(&sandbox.log_in(&url, &user).await, "code").unwrap()
}

/// Exchanges the code in a redirect's target with the client's secret.
pub(super) async fn exchange_redirect(sandbox: &Sandbox, target: &str) -> Value {
    let code = parameter(target, "code").unwrap();
    let response = exchange(sandbox, &code).await;
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}

async fn exchange(sandbox: &Sandbox, code: &str) -> Response {
    exchange_fields(sandbox, &format!("code={code}&{REDIRECT}")).await
}

/// Exchanges with the client's secret.
async fn exchange_fields(sandbox: &Sandbox, fields: &str) -> Response {
    exchange_with(sandbox, &client_headers(sandbox), fields).await
}

async fn exchange_with(sandbox: &Sandbox, headers: &str, fields: &str) -> Response {
    let body = format!("grant_type=authorization_code&{fields}");
    send(sandbox, token_request_with(headers, &body)).await
}

#[tokio::test]
async fn code_gives_tokens_of_the_user() {
    let sandbox = start(builder()).await;
    for user in sandbox.users() {
        let redirected = sandbox.log_in(&url(&sandbox, REDIRECT), &user).await;
        let body = exchange_redirect(&sandbox, &redirected).await;
        let (access, refresh) = (&body["access_token"], &body["refresh_token"]);
        let expected = json!({
            "access_token": access,
            "token_type": "bearer",
            "expires_in": 86_399,
            "refresh_token": refresh,
        });
        assert_eq!(body, expected);
        assert_ne!(access, refresh);
        let me = get_json(&sandbox, USERS_ME, access.as_str().unwrap()).await;
        assert_eq!(me["id"], user.id());
        assert_eq!(me["name"], user.name());
    }
    let sandbox = start(builder().refresh_tokens(RefreshTokens::None)).await;
    let response = exchange(&sandbox, &code(&sandbox).await).await;
    assert_eq!(response.json().get("refresh_token"), None);
}

#[tokio::test]
async fn client_authenticates_by_secret_or_verifier_or_both() {
    let sandbox = start(builder()).await;
    let id = sandbox.client_id();
    let with_secret = client_headers(&sandbox);
    let verifier = format!("&code_verifier={VERIFIER}");
    let (with_id, with_both) = (
        format!("&client_id={id}"),
        format!("{verifier}&client_id={id}"),
    );
    let with_empty_secret = form_headers(id, "");
    for (has_challenge, headers, more) in [
        (false, &*with_secret, ""),
        (false, &with_secret, &with_id),
        (true, &with_secret, &verifier),
        (true, &with_secret, &with_both),
        (true, FORM_HEADER, &with_both),
        // Genesys' own command line sends this.
        (true, &with_empty_secret, &with_both),
    ] {
        let code = if has_challenge {
            pkce_code(&sandbox).await
        } else {
            code(&sandbox).await
        };
        let fields = format!("code={code}&{REDIRECT}{more}");
        let response = exchange_with(&sandbox, headers, &fields).await;
        assert_eq!(response.status, 200, "{more} {response:?}");
        assert!(response.json()["refresh_token"].is_string());
    }
}

#[tokio::test]
async fn invalid_client_does_not_use_up_the_code() {
    let sandbox = start(builder()).await;
    let id = sandbox.client_id();
    let (code, pkce_code) = (code(&sandbox).await, pkce_code(&sandbox).await);
    let verifier = format!("&code_verifier={VERIFIER}");
    let (with_id, with_both) = (
        format!("&client_id={id}"),
        format!("{verifier}&client_id={id}"),
    );
    let of_another = format!("{verifier}&client_id=another");
    let [empty, wrong, another] =
        [(id, ""), (id, "wrong"), ("another", "")].map(|(id, secret)| form_headers(id, secret));
    let right = client_headers(&sandbox);
    for (code, headers, more) in [
        (&code, FORM_HEADER, ""),
        (&code, FORM_HEADER, &with_id),
        (&code, &empty, &with_id),
        (&code, &wrong, ""),
        (&pkce_code, FORM_HEADER, &verifier),
        (&pkce_code, FORM_HEADER, &of_another),
        (&pkce_code, &empty, &verifier),
        (&pkce_code, &wrong, &with_both),
        (&pkce_code, &another, &with_both),
        (&pkce_code, &right, &of_another),
    ] {
        let fields = format!("code={code}&{REDIRECT}{more}");
        let response = exchange_with(&sandbox, headers, &fields).await;
        response.assert_invalid_client();
    }
    assert_eq!(exchange(&sandbox, &code).await.status, 200);
    let fields = format!("code={pkce_code}&{REDIRECT}{verifier}&client_id={id}");
    let response = exchange_with(&sandbox, FORM_HEADER, &fields).await;
    assert_eq!(response.status, 200);
}

#[tokio::test]
async fn verifier_must_match_the_challenge() {
    let sandbox = start(builder()).await;
    let id = sandbox.client_id();
    let description = "the code verifier does not match the code challenge";
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
        let first = format!("{fields}{verifier}");
        let response = exchange_with(&sandbox, FORM_HEADER, &first).await;
        response.assert_oauth_error("invalid_grant", description);
        // The code is used up.
        let second = format!("{fields}{VERIFIER}");
        let again = exchange_with(&sandbox, FORM_HEADER, &second).await;
        assert_eq!(again.json()["error"], "invalid_grant", "{verifier}");
    }
    // Without a challenge there must be no verifier (RFC 9700 section 2.1.1).
    let code = code(&sandbox).await;
    let fields = format!("code={code}&{REDIRECT}&code_verifier={VERIFIER}");
    let response = exchange_fields(&sandbox, &fields).await;
    response.assert_oauth_error("invalid_grant", description);
}

#[tokio::test]
async fn redirect_uri_must_be_that_of_the_request() {
    let sandbox = start(builder()).await;
    let description = "the redirect URI is not that of the authorization request";
    let localhost = "http%3A%2F%2Flocalhost";
    for uri in [localhost, &format!("{localhost}%3A7891"), "x"] {
        let fields = format!("code={}&redirect_uri={uri}", code(&sandbox).await);
        let response = exchange_fields(&sandbox, &fields).await;
        response.assert_oauth_error("invalid_grant", description);
    }
    for (fields, missing) in [(REDIRECT, "code"), ("code=x", "redirect_uri")] {
        let response = exchange_fields(&sandbox, fields).await;
        response.assert_oauth_error("invalid_request", &format!("{missing} is missing"));
    }
}

#[tokio::test]
async fn second_exchange_ends_the_tokens_of_the_first() {
    let sandbox = start(builder()).await;
    let description = "the authorization code is not valid";
    let (code, other) = (code(&sandbox).await, code(&sandbox).await);
    let tokens = exchange(&sandbox, &code).await.json();
    let other_tokens = exchange(&sandbox, &other).await.json();
    let renewed = refreshed(&sandbox, &tokens).await;
    let second = exchange(&sandbox, &code).await;
    second.assert_oauth_error("invalid_grant", description);
    for tokens in [&tokens, &renewed] {
        let access = text(tokens, "access_token");
        assert_get_fails(&sandbox, ORGANIZATION, access, 401, "bad.credentials").await;
    }
    let refresh = refresh::refresh(&sandbox, &renewed).await;
    refresh.assert_oauth_error("invalid_grant", "the refresh token is not valid");
    // Another login of the same user stays.
    let access = text(&other_tokens, "access_token");
    assert_eq!(get(&sandbox, ORGANIZATION, access).await.status, 200);
    let second = exchange(&sandbox, &code).await;
    second.assert_oauth_error("invalid_grant", description);
    let unknown = exchange(&sandbox, "unknown").await;
    unknown.assert_oauth_error("invalid_grant", description);
    assert_eq!(sandbox.refresh_reuses(), 0);
}

#[tokio::test]
async fn code_lifetime_is_a_minute_or_as_set() {
    let description = "the authorization code is not valid";
    let ten_minutes = builder().code_lifetime(Duration::from_secs(600));
    for (builder, seconds) in [(builder(), 60), (ten_minutes, 600)] {
        let sandbox = start(builder).await;
        let (in_time, late) = (code(&sandbox).await, code(&sandbox).await);
        sandbox.advance(Duration::from_secs(seconds - 5));
        assert_eq!(exchange(&sandbox, &in_time).await.status, 200);
        sandbox.advance(Duration::from_secs(5));
        let late = exchange(&sandbox, &late).await;
        late.assert_oauth_error("invalid_grant", description);
    }
}

#[tokio::test]
async fn disabling_the_client_ends_codes_and_refresh_tokens() {
    let sandbox = start(builder()).await;
    let unused = code(&sandbox).await;
    let response = exchange(&sandbox, &code(&sandbox).await).await;
    sandbox.disable_client();
    for response in [
        exchange(&sandbox, &unused).await,
        refresh::refresh(&sandbox, &response.json()).await,
    ] {
        response.assert_invalid_client();
    }
}

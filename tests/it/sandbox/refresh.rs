//! Refreshes, in each mode of `RefreshTokens`.

use std::time::Duration;

use genesys_cloud_auth::sandbox::{RefreshTokens, Sandbox};
use serde_json::{Value, json};

use super::{
    FORM_HEADER, ORGANIZATION, Response, Wire,
    authorize::{REDIRECT, VERIFIER, builder, url},
    client_headers,
    codes::{exchange_redirect, pkce_code},
    form_headers, get, send, send_form, start, text, token_request_with,
};

pub(super) async fn start_with(refresh_tokens: RefreshTokens) -> Sandbox {
    start(builder().refresh_tokens(refresh_tokens)).await
}

/// Logs a user in and returns the first tokens.
pub(super) async fn log_in(sandbox: &Sandbox) -> Value {
    let user = sandbox.users().remove(0);
    let redirected = sandbox.log_in(&url(sandbox, REDIRECT), &user).await;
    exchange_redirect(sandbox, &redirected).await
}

pub(super) async fn refresh(sandbox: &Sandbox, tokens: &Value) -> Response {
    send_form(sandbox, &refresh_form(tokens)).await
}

fn refresh_request(sandbox: &Sandbox, tokens: &Value) -> String {
    token_request_with(&client_headers(sandbox), &refresh_form(tokens))
}

fn refresh_form(tokens: &Value) -> String {
    let token = text(tokens, "refresh_token");
    format!("grant_type=refresh_token&refresh_token={token}")
}

pub(super) async fn refreshed(sandbox: &Sandbox, tokens: &Value) -> Value {
    let response = refresh(sandbox, tokens).await;
    assert_eq!(response.status, 200, "{response:?}");
    let renewed = response.json();
    assert_ne!(renewed["access_token"], tokens["access_token"]);
    assert_eq!(renewed["expires_in"], tokens["expires_in"]);
    assert_eq!(renewed["token_type"], "bearer");
    renewed
}

pub(super) async fn assert_not_refreshed(sandbox: &Sandbox, tokens: &Value) {
    let response = refresh(sandbox, tokens).await;
    response.assert_oauth_error("invalid_grant", "the refresh token is not valid");
}

pub(super) async fn is_live(sandbox: &Sandbox, tokens: &Value) -> bool {
    get(sandbox, ORGANIZATION, text(tokens, "access_token"))
        .await
        .status
        == 200
}

#[tokio::test]
async fn reuse_of_a_rotating_token_ends_the_login() {
    let sandbox = start(builder()).await;
    let (first, other) = (log_in(&sandbox).await, log_in(&sandbox).await);
    let second = refreshed(&sandbox, &first).await;
    let third = refreshed(&sandbox, &second).await;
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    for tokens in [&first, &second, &third] {
        assert!(is_live(&sandbox, tokens).await);
    }
    assert_eq!(sandbox.refresh_reuses(), 0);

    assert_not_refreshed(&sandbox, &first).await;
    assert_eq!(sandbox.refresh_reuses(), 1);
    for tokens in [&first, &second, &third] {
        assert!(!is_live(&sandbox, tokens).await);
    }
    assert_not_refreshed(&sandbox, &third).await;
    // The newest token had not been used before.
    assert_eq!(sandbox.refresh_reuses(), 1);
    assert_not_refreshed(&sandbox, &second).await;
    assert_eq!(sandbox.refresh_reuses(), 2);
    assert_eq!(sandbox.refresh_requests(), 5);
    assert!(is_live(&sandbox, &other).await);
    refreshed(&sandbox, &other).await;
}

#[tokio::test]
async fn reuse_within_the_grace_time_gives_another_token() {
    let sandbox = start_with(RefreshTokens::RotatingWithGrace(Duration::from_secs(30))).await;
    let first = log_in(&sandbox).await;
    let second = refreshed(&sandbox, &first).await;
    sandbox.advance(Duration::from_secs(25));
    let again = refreshed(&sandbox, &first).await;
    assert_eq!(sandbox.refresh_reuses(), 1);
    assert_ne!(again["refresh_token"], second["refresh_token"]);
    // Both work, and the time of grace starts with the first use.
    let second = refreshed(&sandbox, &second).await;
    let again = refreshed(&sandbox, &again).await;
    sandbox.advance(Duration::from_secs(5));
    assert_not_refreshed(&sandbox, &first).await;
    assert_eq!(sandbox.refresh_reuses(), 2);
    for tokens in [&second, &again] {
        assert!(!is_live(&sandbox, tokens).await);
        assert_not_refreshed(&sandbox, tokens).await;
    }
}

#[tokio::test]
async fn reusable_token_is_repeated_or_omitted() {
    for mode in [RefreshTokens::Reusable, RefreshTokens::ReusableOmitted] {
        let sandbox = start_with(mode).await;
        let first = log_in(&sandbox).await;
        for _ in 0..3 {
            let renewed = refreshed(&sandbox, &first).await;
            let expected = (mode == RefreshTokens::Reusable).then_some(&first["refresh_token"]);
            assert_eq!(renewed.get("refresh_token"), expected);
            assert!(is_live(&sandbox, &renewed).await);
        }
        assert_eq!(sandbox.refresh_reuses(), 0);
        assert_eq!(sandbox.refresh_requests(), 3);
    }
}

#[tokio::test]
async fn refresh_token_lifetime_is_30_days_or_as_set() {
    let day = 86_400;
    let one_day = builder().refresh_token_lifetime(Duration::from_secs(day));
    for (builder, lifetime) in [(builder(), 30 * day), (one_day, day)] {
        let sandbox = start(builder).await;
        let tokens = log_in(&sandbox).await;
        sandbox.advance(Duration::from_secs(lifetime - 60));
        let renewed = refreshed(&sandbox, &tokens).await;
        sandbox.advance(Duration::from_secs(60));
        let renewed = refreshed(&sandbox, &renewed).await;
        sandbox.advance(Duration::from_secs(lifetime));
        assert_not_refreshed(&sandbox, &renewed).await;
    }
    let sandbox = start(builder()).await;
    let tokens = log_in(&sandbox).await;
    sandbox.expire_refresh_tokens();
    assert!(is_live(&sandbox, &tokens).await);
    assert_not_refreshed(&sandbox, &tokens).await;
    assert_eq!(sandbox.refresh_reuses(), 0);
    refreshed(&sandbox, &log_in(&sandbox).await).await;
}

#[tokio::test]
async fn public_client_sends_its_id_in_the_form() {
    let sandbox = start_with(RefreshTokens::Reusable).await;
    let (id, code) = (sandbox.client_id(), pkce_code(&sandbox).await);
    let with_id = format!("&client_id={id}");
    let rest = format!("{REDIRECT}&code_verifier={VERIFIER}{with_id}");
    let body = format!("grant_type=authorization_code&code={code}&{rest}");
    let public = send(&sandbox, token_request_with(FORM_HEADER, &body)).await;
    let public = public.json();
    let confidential = log_in(&sandbox).await;
    let empty_secret = form_headers(id, "");
    for (headers, tokens, client, status) in [
        (FORM_HEADER, &public, &*with_id, 200),
        (&empty_secret, &public, &with_id, 200),
        (FORM_HEADER, &public, "", 400),
        (FORM_HEADER, &public, "&client_id=another", 400),
        (FORM_HEADER, &confidential, &with_id, 400),
    ] {
        let body = refresh_form(tokens) + client;
        let response = send(&sandbox, token_request_with(headers, &body)).await;
        assert_eq!(response.status, status, "{body}");
        if status == 400 {
            assert_eq!(response.json()["error"], "invalid_client");
        }
    }
    refreshed(&sandbox, &public).await;
    refreshed(&sandbox, &confidential).await;
}

#[tokio::test]
async fn dropped_response_has_rotated_the_token() {
    let with_grace = RefreshTokens::RotatingWithGrace(Duration::from_secs(30));
    for (mode, status) in [
        (RefreshTokens::Rotating, 400),
        (with_grace, 200),
        (RefreshTokens::Reusable, 200),
    ] {
        let sandbox = start_with(mode).await;
        let tokens = log_in(&sandbox).await;
        sandbox.at_token_endpoint().times(1).drop_response();
        let mut wire = Wire::with_request(&sandbox, refresh_request(&sandbox, &tokens)).await;
        assert!(wire.is_at_end().await);
        assert_eq!(refresh(&sandbox, &tokens).await.status, status, "{mode:?}");
        let reuses = usize::from(mode != RefreshTokens::Reusable);
        assert_eq!(sandbox.refresh_reuses(), reuses);
        assert_eq!(sandbox.refresh_requests(), 2);
        assert_eq!(is_live(&sandbox, &tokens).await, status == 200);
    }
}

#[tokio::test]
async fn unknown_refresh_token_is_an_error() {
    let sandbox = start(builder()).await;
    let tokens = log_in(&sandbox).await;
    for token in ["x", text(&tokens, "access_token")] {
        assert_not_refreshed(&sandbox, &json!({ "refresh_token": token })).await;
    }
    let response = refresh(&sandbox, &json!({ "refresh_token": "" })).await;
    assert_eq!(response.json()["error"], "invalid_request");
    let elsewhere = refresh_request(&sandbox, &tokens).replace("/oauth/token", "/logout");
    assert_eq!(send(&sandbox, elsewhere).await.status, 405);
    assert_eq!(sandbox.refresh_reuses(), 0);
    assert_eq!(sandbox.refresh_requests(), 3);
    assert!(is_live(&sandbox, &tokens).await);
}

#[tokio::test]
async fn only_one_of_concurrent_refreshes_succeeds() {
    let sandbox = start(builder()).await;
    let tokens = log_in(&sandbox).await;
    let gate = sandbox.at_token_endpoint().gate();
    let mut wires = Vec::new();
    for _ in 0..8 {
        wires.push(Wire::with_request(&sandbox, refresh_request(&sandbox, &tokens)).await);
    }
    gate.wait_for(8).await;
    gate.release();
    let mut statuses = Vec::new();
    for mut wire in wires {
        statuses.push(wire.response().await.status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400, 400, 400, 400, 400]);
    assert_eq!(sandbox.refresh_reuses(), 7);
}

//! What becomes of refresh tokens, in each of five ways.

use std::time::Duration;

use genesys_cloud_auth::sandbox::{RefreshTokens, Sandbox};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{
    Answer, FORM, ORGANIZATION, Wire, ask,
    authorize::{REDIRECT, VERIFIER, builder, url},
    basic,
    codes::{exchanged, pkce_code},
    get, token_request_with,
};

pub(super) async fn start(refresh_tokens: RefreshTokens) -> Sandbox {
    builder()
        .refresh_tokens(refresh_tokens)
        .start()
        .await
        .unwrap()
}

/// The first tokens of a new login, by the client's secret.
pub(super) async fn log_in(sandbox: &Sandbox) -> Value {
    let user = sandbox.users().remove(0);
    exchanged(
        sandbox,
        &sandbox.log_in(&url(sandbox, REDIRECT), &user).await,
    )
    .await
}

pub(super) async fn refresh(sandbox: &Sandbox, tokens: &Value) -> Answer {
    ask(sandbox, request(sandbox, tokens)).await
}

fn request(sandbox: &Sandbox, tokens: &Value) -> String {
    let basic = basic(sandbox.client_id(), sandbox.client_secret().expose_secret());
    let token = tokens["refresh_token"].as_str().unwrap();
    let body = format!("grant_type=refresh_token&refresh_token={token}");
    token_request_with(&format!("Authorization: {basic}\r\n{FORM}"), &body)
}

pub(super) async fn refreshed(sandbox: &Sandbox, tokens: &Value) -> Value {
    let answer = refresh(sandbox, tokens).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let renewed = answer.json();
    assert_ne!(renewed["access_token"], tokens["access_token"]);
    assert_eq!(renewed["expires_in"], tokens["expires_in"]);
    assert_eq!(renewed["token_type"], "bearer");
    renewed
}

pub(super) async fn is_refused(sandbox: &Sandbox, tokens: &Value) {
    let answer = refresh(sandbox, tokens).await;
    assert_eq!(answer.status, 400);
    let body = answer.json();
    assert_eq!(body["error"], "invalid_grant");
    assert_eq!(body["description"], "the refresh token is not valid");
    assert_eq!(body["description"], body["error_description"]);
}

pub(super) async fn lives(sandbox: &Sandbox, tokens: &Value) -> bool {
    let access = tokens["access_token"].as_str().unwrap();
    get(sandbox, ORGANIZATION, access).await.status == 200
}

#[tokio::test]
async fn a_rotating_token_that_is_used_again_ends_its_login() {
    let sandbox = builder().start().await.unwrap();
    let (first, other) = (log_in(&sandbox).await, log_in(&sandbox).await);
    let second = refreshed(&sandbox, &first).await;
    let third = refreshed(&sandbox, &second).await;
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    for tokens in [&first, &second, &third] {
        assert!(lives(&sandbox, tokens).await);
    }
    assert_eq!(sandbox.refresh_reuses(), 0);

    is_refused(&sandbox, &first).await;
    assert_eq!(sandbox.refresh_reuses(), 1);
    for tokens in [&first, &second, &third] {
        assert!(!lives(&sandbox, tokens).await);
    }
    is_refused(&sandbox, &third).await;
    // The newest had not been used before.
    assert_eq!(sandbox.refresh_reuses(), 1);
    is_refused(&sandbox, &second).await;
    assert_eq!(
        (sandbox.refresh_reuses(), sandbox.refresh_requests()),
        (2, 5)
    );
    assert!(lives(&sandbox, &other).await);
    refreshed(&sandbox, &other).await;
}

#[tokio::test]
async fn within_its_time_of_grace_a_used_token_gives_another() {
    let sandbox = start(RefreshTokens::RotatingWithGrace(Duration::from_secs(30))).await;
    let first = log_in(&sandbox).await;
    let second = refreshed(&sandbox, &first).await;
    sandbox.advance(Duration::from_secs(25));
    let again = refreshed(&sandbox, &first).await;
    assert_eq!(sandbox.refresh_reuses(), 1);
    assert_ne!(again["refresh_token"], second["refresh_token"]);
    // Both go on, and the time runs from the first use.
    let (second, again) = (
        refreshed(&sandbox, &second).await,
        refreshed(&sandbox, &again).await,
    );
    sandbox.advance(Duration::from_secs(5));
    is_refused(&sandbox, &first).await;
    assert_eq!(sandbox.refresh_reuses(), 2);
    for tokens in [&second, &again] {
        assert!(!lives(&sandbox, tokens).await);
        is_refused(&sandbox, tokens).await;
    }
}

#[tokio::test]
async fn a_kept_token_comes_back_or_is_left_out() {
    for mode in [RefreshTokens::Reusable, RefreshTokens::ReusableOmitted] {
        let sandbox = start(mode).await;
        let first = log_in(&sandbox).await;
        for _ in 0..3 {
            let renewed = refreshed(&sandbox, &first).await;
            let kept = (mode == RefreshTokens::Reusable).then_some(&first["refresh_token"]);
            assert_eq!(renewed.get("refresh_token"), kept);
            assert!(lives(&sandbox, &renewed).await);
        }
        assert_eq!(
            (sandbox.refresh_reuses(), sandbox.refresh_requests()),
            (0, 3)
        );
    }
}

#[tokio::test]
async fn a_refresh_token_lives_as_long_as_is_said() {
    let day = 86_400;
    let of_a_day = builder().refresh_token_lifetime(Duration::from_secs(day));
    for (builder, life) in [(builder(), 30 * day), (of_a_day, day)] {
        let sandbox = builder.start().await.unwrap();
        let tokens = log_in(&sandbox).await;
        sandbox.advance(Duration::from_secs(life - 60));
        let renewed = refreshed(&sandbox, &tokens).await;
        sandbox.advance(Duration::from_secs(60));
        let renewed = refreshed(&sandbox, &renewed).await;
        sandbox.advance(Duration::from_secs(life));
        is_refused(&sandbox, &renewed).await;
    }
    let sandbox = builder().start().await.unwrap();
    let tokens = log_in(&sandbox).await;
    sandbox.expire_refresh_tokens();
    assert!(lives(&sandbox, &tokens).await);
    is_refused(&sandbox, &tokens).await;
    assert_eq!(sandbox.refresh_reuses(), 0);
    refreshed(&sandbox, &log_in(&sandbox).await).await;
}

#[tokio::test]
async fn a_public_client_names_itself_in_the_form() {
    let sandbox = start(RefreshTokens::Reusable).await;
    let id = sandbox.client_id();
    let body = format!(
        "grant_type=authorization_code&code={}&client_id={id}&{REDIRECT}&code_verifier={VERIFIER}",
        pkce_code(&sandbox).await
    );
    let public = ask(&sandbox, token_request_with(FORM, &body)).await.json();
    let confidential = log_in(&sandbox).await;
    let token = |tokens: &Value| {
        let token = tokens["refresh_token"].as_str().unwrap();
        format!("grant_type=refresh_token&refresh_token={token}")
    };
    let quirk = format!("Authorization: {}\r\n{FORM}", basic(id, ""));
    for (headers, body, status) in [
        (FORM, format!("{}&client_id={id}", token(&public)), 200),
        (&quirk, format!("{}&client_id={id}", token(&public)), 200),
        (FORM, token(&public), 400),
        (FORM, format!("{}&client_id=another", token(&public)), 400),
        (
            FORM,
            format!("{}&client_id={id}", token(&confidential)),
            400,
        ),
    ] {
        let answer = ask(&sandbox, token_request_with(headers, &body)).await;
        assert_eq!(answer.status, status, "{body}");
        if status == 400 {
            assert_eq!(answer.json()["error"], "invalid_client");
        }
    }
    refreshed(&sandbox, &public).await;
    refreshed(&sandbox, &confidential).await;
}

#[tokio::test]
async fn a_reply_that_is_dropped_has_rotated_the_token() {
    for (mode, status) in [
        (RefreshTokens::Rotating, 400),
        (
            RefreshTokens::RotatingWithGrace(Duration::from_secs(30)),
            200,
        ),
        (RefreshTokens::Reusable, 200),
    ] {
        let sandbox = start(mode).await;
        let tokens = log_in(&sandbox).await;
        sandbox.at_token_endpoint().times(1).drop_response();
        let mut wire = Wire::connect(&sandbox).await;
        wire.send(request(&sandbox, &tokens)).await;
        assert!(wire.is_at_end().await);
        assert_eq!(refresh(&sandbox, &tokens).await.status, status, "{mode:?}");
        let reuses = usize::from(mode != RefreshTokens::Reusable);
        assert_eq!(
            (sandbox.refresh_reuses(), sandbox.refresh_requests()),
            (reuses, 2)
        );
        assert_eq!(lives(&sandbox, &tokens).await, status == 200);
    }
}

#[tokio::test]
async fn what_was_never_a_refresh_token_is_refused() {
    let sandbox = builder().start().await.unwrap();
    let tokens = log_in(&sandbox).await;
    for token in ["x", tokens["access_token"].as_str().unwrap()] {
        is_refused(&sandbox, &serde_json::json!({ "refresh_token": token })).await;
    }
    let answer = refresh(&sandbox, &serde_json::json!({ "refresh_token": "" })).await;
    assert_eq!(answer.json()["error"], "invalid_request");
    let elsewhere = request(&sandbox, &tokens).replace("/oauth/token", "/logout");
    assert_eq!(ask(&sandbox, elsewhere).await.status, 405);
    assert_eq!(
        (sandbox.refresh_reuses(), sandbox.refresh_requests()),
        (0, 3)
    );
    assert!(lives(&sandbox, &tokens).await);
}

#[tokio::test]
async fn of_many_uses_at_once_one_is_the_first() {
    let sandbox = builder().start().await.unwrap();
    let tokens = log_in(&sandbox).await;
    let gate = sandbox.at_token_endpoint().gate();
    let mut wires = Vec::new();
    for _ in 0..8 {
        let mut wire = Wire::connect(&sandbox).await;
        wire.send(request(&sandbox, &tokens)).await;
        wires.push(wire);
    }
    gate.wait_for(8).await;
    gate.release();
    let mut statuses = Vec::new();
    for mut wire in wires {
        statuses.push(wire.answer().await.status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400, 400, 400, 400, 400]);
    assert_eq!(sandbox.refresh_reuses(), 7);
}

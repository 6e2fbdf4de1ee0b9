//! The provider with the sandbox: real requests, and a server that expires and revokes tokens and fails.

mod closure;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use genesys_cloud_auth::{
    ClientCredentials, ClientSecret, PlatformClient, TokenProvider,
    error::{OAuthErrorKind, Troubleshooting},
    sandbox::Sandbox,
};
use secrecy::ExposeSecret;
use tokio::runtime::{Builder, Runtime};

use crate::support::{assert_contains, payload, with_clock};

fn tokens(sandbox: &Sandbox) -> TokenProvider {
    TokenProvider::new(sandbox.region(), sandbox.client_credentials()).unwrap()
}

async fn sandbox_and_tokens() -> (Sandbox, TokenProvider) {
    let sandbox = Sandbox::start().await.unwrap();
    let tokens = tokens(&sandbox);
    (sandbox, tokens)
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

#[tokio::test]
async fn token_is_returned_with_its_life_and_header() {
    let (sandbox, tokens) = sandbox_and_tokens().await;
    assert!(tokens.cached_token().is_none());
    tokens.ready(Duration::from_secs(60)).await.unwrap();
    let token = tokens.token().await.unwrap();
    assert_eq!(token.expires_in().unwrap().as_secs(), 86_398);
    assert!(token.expires_at().is_some());
    let header = tokens.authorization_header().await.unwrap();
    assert!(header.is_sensitive());
    assert_eq!(header, format!("Bearer {}", token.expose_secret()));
    assert_eq!(sandbox.token_requests(), 1);

    let record = sandbox.requests();
    assert_eq!(record[0].body(), b"grant_type=client_credentials");
}

#[tokio::test]
async fn revoke_ends_the_token_at_the_server() {
    let (sandbox, tokens) = sandbox_and_tokens().await;
    let old = tokens.token().await.unwrap();
    tokens.revoke().await.unwrap();
    let last = sandbox.requests().pop().unwrap();
    let sent = (last.method().as_str(), last.path());
    assert_eq!(sent, ("DELETE", "/api/v2/tokens/me"));

    let new = tokens.token().await.unwrap();
    assert_ne!(old.expose_secret(), new.expose_secret());
    tokens.token_info().await.unwrap();
    // A token that has ended already is no error.
    sandbox.revoke_access_tokens();
    tokens.revoke().await.unwrap();
}

#[tokio::test]
async fn token_of_a_refresh_during_revoke_is_dropped() {
    let sandbox = Sandbox::start().await.unwrap();
    let (tokens, clock) = with_clock(&sandbox, sandbox.client_credentials());
    tokens.token().await.unwrap();
    // The renewal is held; the token is still valid.
    clock.advance(Duration::from_secs(86_398 - 300));
    let gate = sandbox.at_token_endpoint().times(1).gate();
    tokens.token().await.unwrap();
    gate.wait_for(1).await;
    tokens.revoke().await.unwrap();
    assert!(tokens.cached_token().is_none());
    gate.release();
    tokens.token().await.unwrap();
    // The first, the renewal, whose token was dropped, and one more.
    assert_eq!(sandbox.token_requests(), 3);
}

#[tokio::test]
async fn token_info_keeps_the_idle_timer_and_notices_a_401() {
    let idle = Some(Duration::from_secs(900));
    let sandbox = Sandbox::builder().idle_timeout(idle).start().await.unwrap();
    let tokens = tokens(&sandbox);
    let idles = async || tokens.token_info().await.unwrap().date_token_idles.unwrap();
    let first = idles().await;
    sandbox.advance(Duration::from_secs(600));
    assert_eq!(idles().await, first);
    // A call resets it; nothing after it does.
    let api = PlatformClient::new(tokens.clone());
    api.get("/api/v2/organizations/me").send().await.unwrap();
    let second = idles().await;
    assert!(first < second, "{first:?} {second:?}");
    // The test itself takes some seconds, too.
    for step in [600, 270] {
        sandbox.advance(Duration::from_secs(step));
        assert_eq!(idles().await, second);
    }
    let info = tokens.token_info().await.unwrap();
    assert!(info.organization.unwrap().name.is_some());
    assert!(info.oauth_client.unwrap().id.is_some());
    assert_eq!(sandbox.token_requests(), 1);
    sandbox.advance(Duration::from_secs(30));
    let error = tokens.token_info().await.unwrap_err();
    assert_eq!(error.status().map(u16::from), Some(401));
    assert!(idles().await > second);
    assert_eq!(sandbox.token_requests(), 2);
}

#[tokio::test]
async fn rotated_secret_is_read_from_its_file() {
    let sandbox = Sandbox::start().await.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let write = |secret: &str| std::fs::write(file.path(), format!("{secret}\n")).unwrap();
    write(sandbox.client_secret().expose_secret());
    let secret = ClientSecret::from_file(file.path());
    let credentials = ClientCredentials::new(sandbox.client_id(), secret).unwrap();
    let (tokens, clock) = with_clock(&sandbox, credentials);
    tokens.token().await.unwrap();

    let rotated = sandbox.rotate_secret();
    sandbox.revoke_access_tokens();
    tokens.invalidate(&tokens.token().await.unwrap());
    let error = tokens.token().await.unwrap_err();
    let row = error.troubleshooting().unwrap();
    assert_eq!(row, Troubleshooting::IntegrationFailsAfterRotation);
    write(rotated.expose_secret());
    clock.advance(Duration::from_secs(1));
    tokens.token().await.unwrap();
    assert_eq!(sandbox.token_requests(), 3);
}

#[tokio::test]
async fn secret_rotated_in_its_vault_ends_failures_at_once() {
    let sandbox = Sandbox::start().await.unwrap();
    let vault = Arc::new(Mutex::new(sandbox.client_secret()));
    let source = Arc::clone(&vault);
    let secret = ClientSecret::from_fn(move || {
        let secret = source.lock().unwrap().clone();
        async move { Ok(secret) }
    });
    let credentials = ClientCredentials::new(sandbox.client_id(), secret).unwrap();
    let (tokens, clock) = with_clock(&sandbox, credentials);
    let api = PlatformClient::new(tokens.clone());
    let call = async || api.get("/api/v2/organizations/me").send().await.map(drop);
    call().await.unwrap();

    // The vault has the new secret before it is needed: no call fails.
    *vault.lock().unwrap() = sandbox.rotate_secret();
    sandbox.revoke_access_tokens();
    call().await.unwrap();
    assert_eq!(sandbox.token_requests(), 2);

    // The vault has it too late: calls fail until then.
    let old = tokens.token().await.unwrap();
    let rotated = sandbox.rotate_secret();
    sandbox.revoke_access_tokens();
    for _ in 0..10 {
        let error = call().await.unwrap_err();
        let invalid = payload!(error, InvalidClient);
        assert!(invalid.accepted_before.is_some());
        let row = error.troubleshooting().unwrap();
        assert_eq!(row, Troubleshooting::IntegrationFailsAfterRotation);
        assert!(error.retry_after().unwrap() > Duration::from_secs(2));
    }
    assert_eq!(sandbox.token_requests(), 3);
    *vault.lock().unwrap() = rotated;
    // This is long before the pause ends.
    clock.advance(Duration::from_secs(1));
    call().await.unwrap();
    assert_eq!(sandbox.token_requests(), 4);

    // The rejected token was sent once more, and never again.
    let bearer = format!("Bearer {}", old.expose_secret());
    let mut sent = sandbox.requests();
    sent.retain(|request| request.headers()["authorization"] == bearer);
    let statuses: Vec<_> = sent
        .iter()
        .map(|request| request.status().unwrap())
        .collect();
    assert_eq!(statuses, [200, 401]);
}

#[tokio::test]
async fn disabled_client_is_reported_like_a_wrong_secret() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.disable_client();
    let error = tokens(&sandbox).token().await.unwrap_err();
    let row = error.troubleshooting().unwrap();
    assert_eq!(row, Troubleshooting::TokenRequestFails);
    let region = sandbox.region().to_string();
    for cause in ["wrong", "disabled", "another region", &region] {
        assert_contains(&error, cause);
    }
}

#[tokio::test]
async fn client_of_another_grant_type_names_the_right_one() {
    let builder = Sandbox::builder().authorized_grant_type("CODE");
    let sandbox = builder.start().await.unwrap();
    let error = tokens(&sandbox).token().await.unwrap_err();
    let client = payload!(error, OAuth);
    assert_eq!(client.error, "unauthorized_client");
    let needed = "Client Credentials";
    assert_eq!(client.kind(), OAuthErrorKind::UnauthorizedClient { needed });
    assert_contains(&error, "another grant type");
    assert!(!error.is_transient());
}

#[test]
fn connection_of_a_dropped_runtime_costs_one_repeat() {
    let (first, second) = (runtime(), runtime());
    let sandbox = first.block_on(Sandbox::start()).unwrap();
    let api = PlatformClient::new(tokens(&sandbox));
    let call = || async {
        let call = api.get("/api/v2/organizations/me");
        call.fetch::<serde_json::Value>().await.unwrap();
    };
    first.block_on(call());
    first.shutdown_background();
    second.block_on(async {
        call().await;
        api.tokens()
            .invalidate(&api.tokens().token().await.unwrap());
        call().await;
    });
    assert_eq!(sandbox.token_requests(), 2);
    assert_eq!(sandbox.api_requests(), 3);
}

#[test]
fn provider_serves_two_runtimes_at_once() {
    let (first, second) = (runtime(), runtime());
    let sandbox = first.block_on(Sandbox::start()).unwrap();
    let tokens = tokens(&sandbox);
    let gate = sandbox.at_token_endpoint().times(1).gate();
    let call = |number: usize| {
        let (tokens, runtime) = (tokens.clone(), [&first, &second][number % 2]);
        runtime.spawn(async move { tokens.token().await })
    };
    let callers: Vec<_> = (0..100).map(call).collect();
    first.block_on(gate.wait_for(1));
    gate.release();
    for caller in callers {
        second.block_on(caller).unwrap().unwrap();
    }
    assert_eq!(sandbox.token_requests(), 1);
}

//! Calls of the Platform API as a user.

use genesys_cloud_auth::sandbox::RefreshTokens;
use tokio::time::timeout;

use super::*;

async fn client(sandbox: &Sandbox) -> PlatformClient {
    PlatformClient::new(log_in(sandbox, &login(sandbox, WEB), "jo").await)
}

async fn call(api: &PlatformClient) -> Result<Value, Error> {
    api.get("/api/v2/users/me").fetch().await
}

#[tokio::test]
async fn rejected_token_costs_one_refresh_and_the_call_succeeds() {
    let sandbox = sandbox().await;
    let api = client(&sandbox).await;
    for end in [Sandbox::expire_access_tokens, Sandbox::revoke_access_tokens] {
        let refreshes = sandbox.refresh_requests();
        end(&sandbox);
        let calls = sandbox.api_requests();
        let me = call(&api).await.unwrap();
        assert_eq!(me["email"], sandbox.users()[0].email());
        assert_eq!(sandbox.refresh_requests(), refreshes + 1);
        assert_eq!(sandbox.api_requests(), calls + 2);
    }
    // One exchange of a code and two refreshes.
    assert_eq!(sandbox.token_requests(), 3);
}

#[tokio::test]
async fn hundred_callers_with_a_rejected_token_cost_one_refresh() {
    let sandbox = sandbox().await;
    let api = client(&sandbox).await;
    call(&api).await.unwrap();
    sandbox.expire_access_tokens();
    let gate = sandbox.at_api().times(100).gate();
    let call = |_| tokio::spawn(api.get("/api/v2/users/me").send());
    let callers: Vec<_> = (0..100).map(call).collect();
    gate.wait_for(100).await;
    gate.release();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(sandbox.refresh_requests(), 1);
    assert_eq!(sandbox.api_requests(), 201);
}

#[tokio::test]
async fn call_does_not_wait_for_a_user_to_log_in() {
    let sandbox = Sandbox::builder()
        .code_client([WEB])
        .refresh_tokens(RefreshTokens::None);
    let sandbox = sandbox.start().await.unwrap();
    // This clock stands still, so that a pause would not end.
    let login = builder(&sandbox, WEB).clock(Clock::manual()).build();
    let tokens = log_in(&sandbox, &login.unwrap(), "session-1").await;
    sandbox.revoke_access_tokens();
    let api = PlatformClient::new(tokens.clone());
    for _ in 0..2 {
        let call = timeout(TEST_TIMEOUT, api.get("/api/v2/users/me").send()).await;
        assert!(call.expect("it waits").unwrap_err().needs_login());
        let ready = timeout(TEST_TIMEOUT, tokens.ready(Duration::from_secs(60))).await;
        assert!(ready.expect("it waits").unwrap_err().needs_login());
    }
    assert_eq!(sandbox.token_requests(), 1);
}

//! Calls of the Platform API as a user.

use genesys_cloud_auth::sandbox::RefreshTokens;

use super::*;

/// A client of a user who has just logged in.
async fn client(sandbox: &Sandbox) -> PlatformClient {
    let login = login(sandbox, WEB);
    let pending = login.begin().unwrap();
    let url = pending.authorize_url().clone();
    let back = sandbox.log_in(url.as_str(), &sandbox.users()[0]).await;
    PlatformClient::new(login.finish(pending, &back, "jo").await.unwrap())
}

async fn call(api: &PlatformClient) -> Result<Value, Error> {
    api.get("/api/v2/users/me").fetch().await
}

#[tokio::test]
async fn a_refused_token_costs_one_refresh_and_the_call_succeeds() {
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
    // One code, and no other kind of request.
    assert_eq!(sandbox.token_requests(), 3);
}

#[tokio::test]
async fn a_hundred_callers_whose_token_is_refused_cost_one_refresh() {
    let sandbox = sandbox().await;
    let api = client(&sandbox).await;
    call(&api).await.unwrap();
    sandbox.expire_access_tokens();
    let gate = sandbox.at_api().times(100).gate();
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let api = api.clone();
            tokio::spawn(async move { call(&api).await })
        })
        .collect();
    gate.wait_for(100).await;
    gate.release();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(sandbox.refresh_requests(), 1);
    assert_eq!(sandbox.api_requests(), 201);
}

#[tokio::test]
async fn a_call_does_not_wait_for_a_user_to_log_in() {
    let sandbox = Sandbox::builder()
        .code_client([WEB])
        .refresh_tokens(RefreshTokens::None);
    let sandbox = sandbox.start().await.unwrap();
    // Nobody moves it: a pause would not end.
    let builder = Login::builder(sandbox.region(), app(&sandbox, WEB)).clock(Clock::manual());
    let login = builder.build().unwrap();
    let pending = login.begin().unwrap();
    let user = &sandbox.users()[0];
    let back = sandbox.log_in(pending.authorize_url().as_str(), user).await;
    let tokens = login.finish(pending, &back, "session-1").await.unwrap();
    sandbox.revoke_access_tokens();
    let api = PlatformClient::new(tokens.clone());
    for _ in 0..2 {
        let call = api.get("/api/v2/users/me").send();
        let call = tokio::time::timeout(Duration::from_secs(10), call).await;
        assert!(call.expect("it waits").unwrap_err().needs_login());
        let ready = tokens.ready(Duration::from_secs(60));
        let ready = tokio::time::timeout(Duration::from_secs(10), ready).await;
        assert!(ready.expect("it waits").unwrap_err().needs_login());
    }
    assert_eq!(sandbox.token_requests(), 1);
}

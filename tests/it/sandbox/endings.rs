//! What ends with what: access tokens, refresh tokens, logins.

use std::time::Duration;

use genesys_cloud_auth::sandbox::{RefreshTokens, SandboxBuilder};

use super::{
    TOKEN, ask,
    authorize::builder,
    call,
    refresh::{is_refused, lives, log_in, refreshed, start},
};

#[tokio::test]
async fn the_end_of_access_tokens_is_not_that_of_refresh_tokens() {
    let sandbox = start(RefreshTokens::Reusable).await;
    let tokens = log_in(&sandbox).await;
    sandbox.revoke_access_tokens();
    assert!(!lives(&sandbox, &tokens).await);
    let renewed = refreshed(&sandbox, &tokens).await;
    sandbox.expire_access_tokens();
    assert!(!lives(&sandbox, &renewed).await);
    let renewed = refreshed(&sandbox, &tokens).await;
    sandbox.advance(Duration::from_secs(86_400));
    assert!(!lives(&sandbox, &renewed).await);
    refreshed(&sandbox, &tokens).await;
}

#[tokio::test]
async fn a_refresh_ends_the_access_tokens_before_it_only_where_that_is_said() {
    for ends in [false, true] {
        let builder = builder().refresh_ends_access_tokens(ends);
        let sandbox = builder.start().await.unwrap();
        let (first, other) = (log_in(&sandbox).await, log_in(&sandbox).await);
        let second = refreshed(&sandbox, &first).await;
        assert_eq!(lives(&sandbox, &first).await, !ends);
        assert!(lives(&sandbox, &second).await && lives(&sandbox, &other).await);
    }
}

#[tokio::test]
async fn a_revoked_access_token_takes_the_refresh_token_along_only_where_that_is_said() {
    for ends in [false, true] {
        let ends_both = |builder: SandboxBuilder| builder.revocation_ends_refresh_tokens(ends);
        let sandbox = ends_both(builder()).start().await.unwrap();
        let (mine, of_all) = (log_in(&sandbox).await, log_in(&sandbox).await);
        let access = mine["access_token"].as_str().unwrap();
        assert_eq!(
            ask(&sandbox, call("DELETE", TOKEN, access)).await.status,
            200
        );
        assert!(!lives(&sandbox, &mine).await && lives(&sandbox, &of_all).await);
        if ends {
            is_refused(&sandbox, &mine).await;
        } else {
            refreshed(&sandbox, &mine).await;
        }
        let path = format!("/api/v2/tokens/{}", sandbox.users()[0].id());
        let access = of_all["access_token"].as_str().unwrap();
        assert_eq!(
            ask(&sandbox, call("DELETE", &path, access)).await.status,
            200
        );
        assert!(!lives(&sandbox, &of_all).await);
        if ends {
            is_refused(&sandbox, &of_all).await;
        } else {
            refreshed(&sandbox, &of_all).await;
        }
    }
}

//! Which ends of access tokens and refresh tokens end the other.

use std::time::Duration;

use genesys_cloud_auth::sandbox::RefreshTokens;

use super::{
    TOKENS_ME,
    authorize::builder,
    delete,
    refresh::{assert_not_refreshed, is_live, log_in, refreshed, start_with},
    start, text,
};

#[tokio::test]
async fn access_tokens_end_without_refresh_tokens() {
    let sandbox = start_with(RefreshTokens::Reusable).await;
    let tokens = log_in(&sandbox).await;
    sandbox.revoke_access_tokens();
    assert!(!is_live(&sandbox, &tokens).await);
    let renewed = refreshed(&sandbox, &tokens).await;
    sandbox.expire_access_tokens();
    assert!(!is_live(&sandbox, &renewed).await);
    let renewed = refreshed(&sandbox, &tokens).await;
    sandbox.advance(Duration::from_secs(86_400));
    assert!(!is_live(&sandbox, &renewed).await);
    refreshed(&sandbox, &tokens).await;
}

#[tokio::test]
async fn refresh_ends_earlier_access_tokens_only_if_set() {
    for ends in [false, true] {
        let sandbox = start(builder().refresh_ends_access_tokens(ends)).await;
        let (first, other) = (log_in(&sandbox).await, log_in(&sandbox).await);
        let second = refreshed(&sandbox, &first).await;
        assert_eq!(is_live(&sandbox, &first).await, !ends);
        assert!(is_live(&sandbox, &second).await && is_live(&sandbox, &other).await);
    }
}

#[tokio::test]
async fn revocation_ends_refresh_tokens_only_if_set() {
    for ends in [false, true] {
        let sandbox = start(builder().revocation_ends_refresh_tokens(ends)).await;
        let (first, second) = (log_in(&sandbox).await, log_in(&sandbox).await);
        let of_user = format!("/api/v2/tokens/{}", sandbox.users()[0].id());
        for (path, revoked, other_lives) in [(TOKENS_ME, &first, true), (&of_user, &second, false)]
        {
            let access = text(revoked, "access_token");
            assert_eq!(delete(&sandbox, path, access).await.status, 200);
            assert!(!is_live(&sandbox, revoked).await);
            assert_eq!(is_live(&sandbox, &second).await, other_lives);
            if ends {
                assert_not_refreshed(&sandbox, revoked).await;
            } else {
                refreshed(&sandbox, revoked).await;
            }
        }
    }
}

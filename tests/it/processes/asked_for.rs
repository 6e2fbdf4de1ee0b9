//! A stored login is taken only by who asks for that very one.

use super::*;
use crate::support::alone::alone;

/// Where no browser can be opened, `in_browser` gives a stored login, or the error that says so.
#[test]
fn a_login_of_another_organisation_or_before_a_prompt_is_not_taken() {
    let test =
        "processes::asked_for::a_login_of_another_organisation_or_before_a_prompt_is_not_taken";
    if alone(test).is_none() {
        runtime().block_on(asks());
    }
}

async fn asks() {
    let site = Site::new(RefreshTokens::Rotating).await;
    let plain = || site.here().app();
    let apps = [
        plain(),
        plain().target_org("org-a"),
        plain().target_org("org-b"),
        plain().identity_provider("org-a", "okta"),
        plain().identity_provider("org-a", "adfs"),
        plain().identity_provider("org-b", "okta"),
        plain()
            .identity_provider("org-a", "okta")
            .target_org("org-a"),
    ];
    for stored in 0..apps.len() {
        let there = login_by(&site, apps[stored].clone());
        site.log_in_by(&there).await;
        for (at, app) in apps.iter().enumerate() {
            // Another login, as in another process.
            let login = login_by(&site, app.clone());
            let saved = login.saved(USER).await.unwrap();
            assert_eq!(saved.is_some(), at == stored, "{app:?}");
            let taken = login.in_browser(USER, |_| {}).await;
            match taken {
                Ok(_) => assert_eq!(at, stored, "{app:?}"),
                Err(error) => {
                    assert_ne!(at, stored, "{app:?}");
                    is(&error, "NoBrowser");
                }
            }
            // Who prompts takes none, and does not end it either.
            let prompts = login_by(&site, app.clone().prompt_login());
            is(
                &prompts.in_browser(USER, |_| {}).await.unwrap_err(),
                "NoBrowser",
            );
        }
        let tokens = there.saved(USER).await.unwrap().unwrap();
        tokens.revoke().await.unwrap();
    }
    assert_eq!(site.sandbox.token_requests(), apps.len());
}

fn login_by(site: &Site, app: AuthorizationCode) -> Login {
    let builder = Login::builder(site.here().region(), app).connections(connections());
    let key = SealingKey::from_bytes([7; 32]);
    builder.store(site.here().store(), key).build().unwrap()
}

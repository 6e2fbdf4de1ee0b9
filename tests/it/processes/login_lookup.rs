//! A stored login is used only by a caller that asks for exactly that login.

use super::*;
use crate::support::isolated::run_isolated;

/// Where no browser can be opened, `in_browser` returns a stored login or `NoBrowser`.
#[test]
fn login_of_another_organisation_or_prompt_is_not_used() {
    let test = "processes::login_lookup::login_of_another_organisation_or_prompt_is_not_used";
    if run_isolated(test).is_none() {
        runtime().block_on(look_up());
    }
}

async fn look_up() {
    let site = Site::new(RefreshTokens::Rotating).await;
    let plain = || site.here().app();
    let both = plain()
        .identity_provider("org-a", "okta")
        .target_org("org-a");
    let apps = [
        plain(),
        plain().target_org("org-a"),
        plain().target_org("org-b"),
        plain().identity_provider("org-a", "okta"),
        plain().identity_provider("org-a", "adfs"),
        plain().identity_provider("org-b", "okta"),
        both,
    ];
    for stored in 0..apps.len() {
        let there = login_by(&site, apps[stored].clone());
        site.log_in_by(&there).await;
        for (at, app) in apps.iter().enumerate() {
            // Another `Login` value, as in another process.
            let login = login_by(&site, app.clone());
            let saved = login.saved(USER).await.unwrap();
            assert_eq!(saved.is_some(), at == stored, "{app:?}");
            let taken = login.in_browser(USER, |_| {}).await;
            match taken {
                Ok(_) => assert_eq!(at, stored, "{app:?}"),
                Err(error) => {
                    assert_ne!(at, stored, "{app:?}");
                    assert_kind(&error, "NoBrowser");
                }
            }
            // A login with a prompt does not use the stored one and does not end it.
            let prompts = login_by(&site, app.clone().prompt_login());
            let prompted = prompts.in_browser(USER, |_| {}).await;
            assert_kind(&prompted.unwrap_err(), "NoBrowser");
        }
        let tokens = there.saved(USER).await.unwrap().unwrap();
        tokens.revoke().await.unwrap();
    }
    assert_eq!(site.sandbox.token_requests(), apps.len());
}

#[tokio::test]
async fn login_names_are_unique_and_stay_in_the_folder() {
    let site = Site::new(RefreshTokens::Rotating).await;
    let mut here = site.here();
    here.folder = here.folder.join("tokens");
    let long = "n".repeat(10_000);
    let names = ["../../x", "/etc/x", "x\0y", "x", "X", "CON", " ", &long];
    let login = here.login(here.store(), &site.clock);
    let mut tokens = Vec::new();
    for name in names {
        let provider = log_in(&site.sandbox, &login, name).await;
        tokens.push(hash_of(&provider.token().await.unwrap()));
    }
    assert_eq!(site.names(), ["tokens"]);
    let files = crate::support::files::names(&here.folder);
    assert_eq!(files.len(), 2 * names.len());
    for file in files {
        let name = file.trim_end_matches(".lock");
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!(name.len() == 43 && name.bytes().all(is_plain), "{file}");
    }
    let again = here.login(here.store(), &site.clock);
    for (name, token) in names.into_iter().zip(tokens) {
        let provider = again.saved(name).await.unwrap().unwrap();
        assert_eq!(hash_of(&provider.token().await.unwrap()), token);
    }
    assert_eq!(site.sandbox.token_requests(), names.len());
}

fn login_by(site: &Site, app: AuthorizationCode) -> Login {
    let builder = Login::builder(site.here().region(), app).http_client(connections());
    let key = SealingKey::from_bytes([7; 32]);
    builder.store(site.here().store(), key).build().unwrap()
}

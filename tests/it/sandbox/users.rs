//! The users, and their tokens.

use std::collections::HashSet;

use genesys_cloud_auth::sandbox::{Sandbox, SandboxUser};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{
    ORGANIZATION, TOKENS_ME, USERS_ME,
    authorize::{REDIRECT, builder, url},
    codes::exchange_redirect,
    delete, get, get_json, start, text,
};

/// Returns a token of each user.
async fn tokens(sandbox: &Sandbox) -> Vec<String> {
    let url = url(sandbox, REDIRECT);
    let mut tokens = Vec::new();
    for user in sandbox.users() {
        let redirected = sandbox.log_in(&url, &user).await;
        let response = exchange_redirect(sandbox, &redirected).await;
        tokens.push(text(&response, "access_token").to_owned());
    }
    tokens
}

#[tokio::test]
async fn users_are_listed_and_have_passwords() {
    let sandbox = builder().users(30).start().await.unwrap();
    let users = sandbox.users();
    let token = &tokens(&sandbox).await[0];
    let page = get_json(&sandbox, "/api/v2/users?pageSize=100", token).await;
    let listed = page["entities"].as_array().unwrap();
    assert_eq!(listed.len(), 30);
    for (user, listed) in users.iter().zip(listed) {
        let names = ["id", "name", "email", "username"];
        let expected = [user.id(), user.name(), user.email(), user.email()];
        assert_eq!(names.map(|name| text(listed, name)), expected);
    }
    let other = Sandbox::start().await.unwrap().users();
    assert_eq!((other.len(), other[0].id()), (3, users[0].id()));
    let passwords = users.iter().chain(&other).map(SandboxUser::password);
    let passwords = passwords.map(|one| one.expose_secret().to_owned());
    let passwords: HashSet<_> = passwords.collect();
    assert_eq!(passwords.len(), 33);

    let sandbox = start(Sandbox::builder().password("mine")).await;
    for user in sandbox.users() {
        assert_eq!(user.password().expose_secret(), "mine");
    }
}

#[tokio::test]
async fn users_token_is_for_that_user() {
    let sandbox = start(builder()).await;
    let page = get_json(&sandbox, "/api/v2/users", &tokens(&sandbox).await[0]).await;
    for (index, token) in tokens(&sandbox).await.iter().enumerate() {
        let me = get(&sandbox, USERS_ME, token).await;
        assert_eq!((me.status, &me.json()), (200, &page["entities"][index]));
        assert_eq!(get(&sandbox, ORGANIZATION, token).await.status, 200);
        let info = get_json(&sandbox, TOKENS_ME, token).await;
        assert_eq!(info["OAuthClient"]["id"], sandbox.client_id());
        assert_eq!(info["OAuthClient"]["authorizedGrantType"], "CODE");
    }
    let client = format!("/api/v2/oauth/clients/{}", sandbox.client_id());
    let client = get_json(&sandbox, &client, &tokens(&sandbox).await[0]).await;
    let uris = ["http://localhost", super::authorize::CALLBACK];
    assert_eq!(client["registeredRedirectUri"], json!(uris));
    assert_eq!(client["roleDivisions"], json!([]));
}

#[tokio::test]
async fn revoking_a_users_tokens_ends_no_others() {
    let sandbox = start(builder()).await;
    let (first, again) = (tokens(&sandbox).await, tokens(&sandbox).await);
    let path = format!("/api/v2/tokens/{}", sandbox.users()[1].id());
    assert_eq!(delete(&sandbox, &path, &first[0]).await.status, 200);
    for tokens in [first, again] {
        for (index, token) in tokens.iter().enumerate() {
            let status = if index == 1 { 401 } else { 200 };
            assert_eq!(get(&sandbox, ORGANIZATION, token).await.status, status);
        }
    }
}

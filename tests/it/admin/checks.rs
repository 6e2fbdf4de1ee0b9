//! What is checked before anything is sent.

use std::time::Duration;

use genesys_cloud_auth::{
    Error, ErrorKind,
    admin::{NewOAuthClient, WithRedirectUris, WithRoles},
    limits::{MAX_REDIRECT_URIS, MAX_SCIM_TOKEN_DURATION, TOKEN_DURATION},
};

use super::{assert_says, methods};
use crate::support::cloud::sandbox_and_client;

fn role() -> NewOAuthClient<WithRoles> {
    NewOAuthClient::client_credentials("a").role("role", "*")
}

fn uris(uris: &[&str]) -> NewOAuthClient<WithRedirectUris> {
    NewOAuthClient::authorization_code("a", uris.iter().copied(), ["users"])
}

fn scopes(scopes: &[&str]) -> NewOAuthClient<WithRedirectUris> {
    NewOAuthClient::saml2_bearer("a", ["https://app.example"], scopes.iter().copied())
}

fn many_uris(number: usize) -> NewOAuthClient<WithRedirectUris> {
    let uris = (0..number).map(|n| format!("https://app.example/{n}"));
    NewOAuthClient::authorization_code("a", uris, ["users"])
}

#[track_caller]
fn assert_invalid(result: Result<(), Error>, part: &str) {
    let error = result.unwrap_err();
    let is_configuration = matches!(error.kind(), ErrorKind::Configuration(_));
    assert!(is_configuration, "{error:?}");
    assert_says(&error, part);
}

#[track_caller]
fn assert_each_invalid<G, const N: usize>(cases: [(NewOAuthClient<G>, &str); N]) {
    for (new, part) in cases {
        assert_invalid(new.check(), part);
    }
}

#[test]
fn invalid_name_or_role_is_named() {
    let named = |name: &str| NewOAuthClient::client_credentials(name).role("r", "*");
    let without_role = NewOAuthClient::client_credentials("a");
    assert_each_invalid([
        (named(""), "name"),
        (named(" "), "name"),
        (named("a\nb"), "name"),
        (without_role, "needs at least one role"),
        (role().role("", "*"), "role"),
        (role().role("r", ""), "division"),
        (role().role("a b", "*"), "role"),
    ]);
}

#[test]
fn duration_outside_its_range_is_named() {
    let lasting = |seconds| role().token_duration(Duration::from_secs(seconds));
    let in_parts = role().token_duration(Duration::from_millis(300_500));
    assert_each_invalid([
        (lasting(0), "300 to 172800"),
        (lasting(299), "300 to 172800"),
        (lasting(172_801), "300 to 172800"),
        (lasting(38_880_000), "scim"),
        (lasting(38_880_001).scim(), "300 to 38880000"),
        (lasting(299).scim(), "300 to 38880000"),
        (in_parts, "whole seconds"),
    ]);
}

#[test]
fn invalid_redirect_uri_or_scope_is_named() {
    assert_each_invalid([
        (uris(&[]), "no redirect URI"),
        (many_uris(MAX_REDIRECT_URIS + 1), "126 redirect URIs"),
        (uris(&["http://app.example"]), "use https"),
        (
            uris(&["https://a.example", "myapp:/callback"]),
            "a URL with a host",
        ),
        (uris(&["https://app.example/#a"]), "fragment"),
        (uris(&[""]), "not a URL"),
        (scopes(&[]), "no scope"),
        (scopes(&["users", ""]), "a scope is empty"),
        (scopes(&["users routing"]), "contains a space"),
    ]);
}

#[test]
fn known_or_invalid_other_field_is_named() {
    let map = std::collections::BTreeMap::from([((1, 2), 3)]);
    let grant_type = "authorizedGrantType";
    assert_each_invalid([
        (role().field("roleIds", &["a"]), "roleIds"),
        (role().field(grant_type, "TOKEN"), grant_type),
        (role().field("secret", "mine"), "secret"),
        (role().field("", &1), "field"),
        (role().field("a", &map), "JSON"),
    ]);
    let tool = || uris(&["https://a.example"]);
    assert_each_invalid([
        (tool().field("roleDivisions", &["a"]), "roleDivisions"),
        (tool().field("ROLEDIVISIONS", &["a"]), "ROLEDIVISIONS"),
    ]);
}

#[test]
fn values_at_the_ends_of_their_ranges_are_accepted() {
    for duration in [*TOKEN_DURATION.start(), *TOKEN_DURATION.end()] {
        role().token_duration(duration).check().unwrap();
    }
    for new in [
        role().scim().token_duration(MAX_SCIM_TOKEN_DURATION),
        role().scim(),
        NewOAuthClient::client_credentials("é 日本 “x”").role("r", "d"),
    ] {
        new.check().unwrap();
    }
    for new in [
        many_uris(1),
        many_uris(MAX_REDIRECT_URIS),
        uris(&["http://127.0.0.1", "http://[::1]:7000/"]),
        scopes(&["users"]).description(""),
    ] {
        new.check().unwrap();
    }
}

#[tokio::test]
async fn invalid_client_is_not_sent() {
    let (sandbox, api) = sandbox_and_client().await;
    let without_role = NewOAuthClient::client_credentials("a");
    let error = api.oauth_clients().create(&without_role).await.unwrap_err();
    assert!(!error.is_outcome_unknown());
    assert_invalid(Err(error), "role");
    assert!(methods(&sandbox).is_empty());
    assert_eq!(sandbox.token_requests(), 0);
}

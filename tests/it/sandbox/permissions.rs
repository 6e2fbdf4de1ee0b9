//! The permissions that calls need.

use genesys_cloud_auth::sandbox::Sandbox;
use serde_json::json;

use super::{
    ORGANIZATION, Response, TOKENS_ME, api_request, assert_get_fails, get, get_json, send,
    start_with_token, token, with_token,
};

/// Asserts an error that names the missing permissions.
#[track_caller]
fn assert_missing(response: &Response, code: &str, text: &str, missing: &str) {
    let message = response.assert_api_error(403, code);
    let expected = format!("Unable to perform the requested action. {text}: {missing}");
    assert_eq!(message, expected);
    assert_eq!(response.json()["messageParams"]["permissions"], missing);
}

const MISSING_ALL: &str = "You are missing the following permission(s)";
const MISSING_ANY: &str = "You must have at least one of the following permissions assigned";

/// Each call that needs a permission, and what it needs; of several one is enough.
fn calls_with_permissions(sandbox: &Sandbox) -> Vec<(&'static str, String, &'static str)> {
    let client = format!("/api/v2/oauth/clients/{}", sandbox.client_id());
    let id = sandbox.data_action_id();
    let action = format!("/api/v2/integrations/actions/{id}/execute");
    let test = action.replace("/execute", "/test");
    let any = "integrations:action:execute, bridge:actions:execute";
    let usage = "oauth:client:view, usage:client:view";
    let organization = "oauth:client:view, usage:organization:view";
    let part = |end: &str| format!("{client}/{end}");
    let (secret, query, summary) = (part("secret"), part("usage/query"), part("usage/summary"));
    let results = part("usage/query/results/x");
    let role = format!("{ROLES}/{}", sandbox.role_id());
    let (authorizations, authorize) = ("/api/v2/oauth/authorizations", "oauth:client:authorize");
    let calls = vec![
        ("PUT", client.as_str(), "oauth:client:edit"),
        ("POST", secret.as_str(), "oauth:client:edit"),
        ("DELETE", client.as_str(), "oauth:client:delete"),
        ("GET", authorizations, authorize),
        ("GET", "/api/v2/oauth/authorizations/x", authorize),
        ("POST", query.as_str(), usage),
        ("GET", summary.as_str(), usage),
        ("GET", results.as_str(), usage),
        ("POST", "/api/v2/usage/query", organization),
        ("GET", "/api/v2/usage/query/x/results", organization),
        ("GET", ROLES, "authorization:role:view"),
        ("GET", &role, "authorization:role:view"),
        ("GET", CLIENTS, "oauth:client:view"),
        ("GET", client.as_str(), "oauth:client:view"),
        ("POST", CLIENTS, "oauth:client:add"),
        ("DELETE", "/api/v2/tokens/any", "oauth:token:delete"),
        ("GET", CREDENTIALS, "integrations:integration:view"),
        ("POST", action.as_str(), any),
        ("POST", test.as_str(), any),
    ];
    let owned = |(method, path, needed): (_, &str, _)| (method, path.to_owned(), needed);
    calls.into_iter().map(owned).collect()
}

/// Those of integrations and data actions.
fn integration_calls(calls: &mut Vec<(&'static str, String, &'static str)>) {
    let contacts = "/api/v2/externalcontacts/contacts".to_owned();
    calls.push(("GET", contacts, "externalContacts:contact:view"));
    let [see, add, edit, delete] = [
        "integrations:integration:view",
        "integrations:integration:add",
        "integrations:integration:edit",
        "integrations:integration:delete",
    ];
    for (method, path, needed) in [
        ("GET", "", see),
        ("POST", "", add),
        ("GET", "/types", see),
        ("GET", "/types/x", see),
        ("GET", "/credentials/types", see),
        ("POST", "/credentials", add),
        ("GET", "/credentials/x", see),
        ("PUT", "/credentials/x", edit),
        ("DELETE", "/credentials/x", delete),
        ("GET", "/x", see),
        ("PATCH", "/x", edit),
        ("DELETE", "/x", delete),
        ("GET", "/x/config/current", see),
        ("PUT", "/x/config/current", edit),
    ] {
        calls.push((method, format!("/api/v2/integrations{path}"), needed));
    }
    let view = "integrations:action:view, bridge:actions:view";
    let (add, edit) = ("integrations:action:add", "integrations:action:edit");
    let draft = "integrations:action:view";
    for (method, path, needed) in [
        ("GET", "", view),
        ("POST", "", add),
        ("GET", "/drafts", draft),
        ("POST", "/drafts", add),
        ("GET", "/x", view),
        ("PATCH", "/x", edit),
        ("DELETE", "/x", "integrations:action:delete"),
        ("GET", "/x/templates/requesttemplate.vm", view),
        ("GET", "/x/draft/templates/requesttemplate.vm", draft),
        ("GET", "/x/schemas/successschema.json", view),
        ("GET", "/x/draft/schemas/successschema.json", draft),
        ("GET", "/x/draft", draft),
        ("POST", "/x/draft", edit),
        ("PATCH", "/x/draft", edit),
        ("DELETE", "/x/draft", edit),
        ("GET", "/x/draft/validation", edit),
        ("POST", "/x/draft/publish", edit),
        ("POST", "/x/draft/test", "integrations:action:execute"),
    ] {
        let path = format!("/api/v2/integrations/actions{path}");
        calls.push((method, path, needed));
    }
}

#[tokio::test]
async fn each_call_names_its_missing_permission() {
    let (sandbox, token) =
        with_token(Sandbox::builder().permissions(["some:other:permission"])).await;
    let mut calls = calls_with_permissions(&sandbox);
    integration_calls(&mut calls);
    for (method, path, needed) in calls {
        let response = send(&sandbox, api_request(method, &path, &token)).await;
        let missing = format!("[{needed}]");
        if needed.contains(", ") {
            assert_missing(&response, "missing.any.permissions", MISSING_ANY, &missing);
        } else {
            assert_missing(&response, "missing.permissions", MISSING_ALL, &missing);
        }
        // A permission works at once, for a token in use.
        let first = needed.split(", ").next().unwrap();
        sandbox.set_permissions([first]);
        let response = send(&sandbox, api_request(method, &path, &token)).await;
        assert_ne!(response.status, 403, "{method} {path}");
        sandbox.set_permissions(["some:other:permission"]);
    }
    let timeout = "/api/v2/tokens/timeout";
    for path in [ORGANIZATION, TOKENS_ME, timeout, "/api/v2/users"] {
        assert_eq!(get(&sandbox, path, &token).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn permission_applies_in_its_divisions_only() {
    let (sandbox, token) = start_with_token().await;
    let users = get_json(&sandbox, "/api/v2/users", &token).await;
    let user = &users["entities"][0];
    assert_eq!(user["division"]["id"], sandbox.division_id());
    let path = format!("/api/v2/tokens/{}", user["id"].as_str().unwrap());
    let delete = api_request("DELETE", &path, &token);
    assert_eq!(send(&sandbox, &delete).await.status, 200);

    sandbox.set_permissions(["oauth:token:delete"]);
    sandbox.set_divisions(["elsewhere"]);
    let response = send(&sandbox, &delete).await;
    let message = response.assert_api_error(403, "missing.division.permission");
    for part in [sandbox.division_id(), "[oauth:token:delete]"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(
        response.json()["messageParams"],
        json!({ "permissions": "[oauth:token:delete]", "divisionId": sandbox.division_id() })
    );
    // Without an object any division is enough.
    let unknown = api_request("DELETE", "/api/v2/tokens/unknown", &token);
    let response = send(&sandbox, unknown).await;
    response.assert_api_error(404, "not.found");

    sandbox.set_divisions(["elsewhere", sandbox.division_id()]);
    assert_eq!(send(&sandbox, &delete).await.status, 200);
    sandbox.set_permissions(["oauth:client:view"]);
    let response = send(&sandbox, &delete).await;
    response.assert_api_error(403, "missing.permissions");
}

#[tokio::test]
async fn role_without_division_has_no_permission() {
    let (sandbox, token) = with_token(Sandbox::builder().divisions(Vec::<String>::new())).await;
    let response = get(&sandbox, CLIENTS, &token).await;
    let missing = "[oauth:client:view]";
    assert_missing(&response, "missing.permissions", MISSING_ALL, missing);
    sandbox.set_divisions(["one", "two"]);
    let clients = get_json(&sandbox, CLIENTS, &token).await;
    let roles = clients["entities"][0]["roleDivisions"].as_array().unwrap();
    let divisions: Vec<_> = roles.iter().map(|role| &role["divisionId"]).collect();
    assert_eq!(divisions, ["one", "two"]);
}

#[tokio::test]
async fn token_is_checked_before_permissions() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.set_permissions(Vec::<String>::new());
    assert_get_fails(&sandbox, CLIENTS, "dead", 401, "bad.credentials").await;
}

#[tokio::test]
async fn unauthorized_ip_is_rejected_and_tokens_stay() {
    let sandbox = Sandbox::start().await.unwrap();
    let live = token(&sandbox).await;
    sandbox.set_ip_authorized(false);
    for (method, path, token) in [
        ("GET", ORGANIZATION, live.as_str()),
        ("DELETE", TOKENS_ME, &live),
        ("POST", CLIENTS, &live),
        ("GET", "/api/v2/nothing", &live),
        ("GET", ORGANIZATION, "dead"),
    ] {
        let response = send(&sandbox, api_request(method, path, token)).await;
        response.assert_api_error(401, "ip.not.authorized");
        assert_eq!(response.header("inin-ratelimit-count"), None);
    }
    // The login host does not check the address.
    token(&sandbox).await;
    sandbox.set_ip_authorized(true);
    let response = get(&sandbox, ORGANIZATION, &live).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("inin-ratelimit-count"), Some("1"));
}

const CLIENTS: &str = "/api/v2/oauth/clients";
const CREDENTIALS: &str = "/api/v2/integrations/credentials/listing";
const ROLES: &str = "/api/v2/authorization/roles";

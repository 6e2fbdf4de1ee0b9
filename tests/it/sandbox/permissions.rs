//! What the client's role lacks.

use genesys_cloud_auth::sandbox::Sandbox;
use serde_json::json;

use super::{Answer, ORGANIZATION, TOKEN, ask, call, get, post, token};

/// The parts that say what is missing.
#[track_caller]
fn denied(answer: &Answer, code: &str, words: &str, missing: &str) {
    let message = answer.refusal(403, code);
    let expected = format!("Unable to perform the requested action. {words}: {missing}");
    assert_eq!(message, expected);
    assert_eq!(answer.json()["messageParams"]["permissions"], missing);
}

const ALL: &str = "You are missing the following permission(s)";
const ANY: &str = "You must have at least one of the following permissions assigned";

#[tokio::test]
async fn each_guarded_call_names_what_it_lacks() {
    let sandbox = Sandbox::builder()
        .permissions(["nothing:of:use"])
        .start()
        .await
        .unwrap();
    let token = token(&sandbox).await;
    let client = format!("/api/v2/oauth/clients/{}", sandbox.client_id());
    let action = format!(
        "/api/v2/integrations/actions/{}/execute",
        sandbox.data_action_id()
    );
    let any = "integrations:action:execute, bridge:actions:execute";
    let calls = [
        ("GET", ROLES, "authorization:role:view"),
        ("GET", CLIENTS, "oauth:client:view"),
        ("GET", client.as_str(), "oauth:client:view"),
        ("POST", CLIENTS, "oauth:client:add"),
        ("DELETE", "/api/v2/tokens/any", "oauth:token:delete"),
        ("GET", CREDENTIALS, "integrations:integration:view"),
        ("POST", action.as_str(), any),
        ("POST", &action.replace("/execute", "/test"), any),
    ];
    for (method, path, needed) in calls {
        let answer = ask(&sandbox, call(method, path, &token)).await;
        let missing = format!("[{needed}]");
        if needed == any {
            denied(&answer, "missing.any.permissions", ANY, &missing);
        } else {
            denied(&answer, "missing.permissions", ALL, &missing);
        }
        // Each call wants its own and no other; and it counts at once, for a token in use.
        let first = needed.split(", ").next().unwrap();
        sandbox.set_permissions([first]);
        let answer = ask(&sandbox, call(method, path, &token)).await;
        assert_ne!(answer.status, 403, "{method} {path}");
        sandbox.set_permissions(["nothing:of:use"]);
    }
    for path in [
        ORGANIZATION,
        TOKEN,
        "/api/v2/tokens/timeout",
        "/api/v2/users",
    ] {
        assert_eq!(get(&sandbox, path, &token).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn one_of_several_is_enough() {
    let sandbox = Sandbox::builder()
        .permissions(["bridge:actions:execute"])
        .start()
        .await
        .unwrap();
    let path = format!(
        "/api/v2/integrations/actions/{}/execute",
        sandbox.data_action_id()
    );
    let answer = post(&sandbox, &path, &token(&sandbox).await, "{}").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_permission_counts_in_its_divisions_only() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    let users = get(&sandbox, "/api/v2/users", &token).await.json();
    let user = &users["entities"][0];
    assert_eq!(user["division"]["id"], sandbox.division_id());
    let path = format!("/api/v2/tokens/{}", user["id"].as_str().unwrap());
    let delete = call("DELETE", &path, &token);
    assert_eq!(ask(&sandbox, &delete).await.status, 200);

    sandbox.set_permissions(["oauth:token:delete"]);
    sandbox.set_divisions(["elsewhere"]);
    let answer = ask(&sandbox, &delete).await;
    let message = answer.refusal(403, "missing.division.permission");
    for part in [sandbox.division_id(), "[oauth:token:delete]"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(
        answer.json()["messageParams"],
        json!({ "permissions": "[oauth:token:delete]", "divisionId": sandbox.division_id() })
    );
    // Where nothing is in a division, it counts wherever it is held.
    let unknown = call("DELETE", "/api/v2/tokens/unknown", &token);
    ask(&sandbox, unknown).await.refusal(404, "not.found");

    sandbox.set_divisions(["elsewhere", sandbox.division_id()]);
    assert_eq!(ask(&sandbox, &delete).await.status, 200);
    sandbox.set_permissions(["oauth:client:view"]);
    ask(&sandbox, &delete)
        .await
        .refusal(403, "missing.permissions");
}

#[tokio::test]
async fn a_role_in_no_division_gives_nothing() {
    let sandbox = Sandbox::builder()
        .divisions(Vec::<String>::new())
        .start()
        .await
        .unwrap();
    let token = token(&sandbox).await;
    let answer = get(&sandbox, CLIENTS, &token).await;
    denied(&answer, "missing.permissions", ALL, "[oauth:client:view]");
    sandbox.set_divisions(["one", "two"]);
    let clients = get(&sandbox, CLIENTS, &token).await.json();
    let roles = clients["entities"][0]["roleDivisions"].as_array().unwrap();
    let divisions: Vec<_> = roles.iter().map(|role| &role["divisionId"]).collect();
    assert_eq!(divisions, ["one", "two"]);
}

#[tokio::test]
async fn a_dead_token_is_told_so_before_anything_else() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.set_permissions(Vec::<String>::new());
    get(&sandbox, CLIENTS, "dead")
        .await
        .refusal(401, "bad.credentials");
}

#[tokio::test]
async fn an_address_that_is_not_authorized_costs_no_token() {
    let sandbox = Sandbox::start().await.unwrap();
    let live = token(&sandbox).await;
    sandbox.set_ip_authorized(false);
    for (method, path, token) in [
        ("GET", ORGANIZATION, live.as_str()),
        ("DELETE", TOKEN, &live),
        ("POST", CLIENTS, &live),
        ("GET", "/api/v2/nothing", &live),
        ("GET", ORGANIZATION, "dead"),
    ] {
        let answer = ask(&sandbox, call(method, path, token)).await;
        answer.refusal(401, "ip.not.authorized");
        assert_eq!(answer.header("inin-ratelimit-count"), None);
    }
    // The login host has no such list.
    token(&sandbox).await;
    sandbox.set_ip_authorized(true);
    let answer = get(&sandbox, ORGANIZATION, &live).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("inin-ratelimit-count"), Some("1"));
}

const CLIENTS: &str = "/api/v2/oauth/clients";
const CREDENTIALS: &str = "/api/v2/integrations/credentials/listing";
const ROLES: &str = "/api/v2/authorization/roles";

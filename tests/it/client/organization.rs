//! The listings and the permissions of the sandbox's organisation.

use genesys_cloud_auth::{Error, PlatformClient, error::AccessDenied, sandbox::Sandbox};
use http::Method;
use serde_json::{Value, json};

use crate::support::{
    cloud::{Requests, client_of, sandbox_and_client},
    next_of, payload,
};

#[tokio::test]
async fn listings_by_number_and_by_cursor_are_read_to_the_end() {
    let builder = Sandbox::builder().users(250).integration_credentials(70);
    let sandbox = builder.start().await.unwrap();
    let api = client_of(&sandbox);
    for (path, name, count, calls) in [
        ("/api/v2/users", "User", 250, 10),
        ("/api/v2/users?pageSize=100", "User", 250, 3),
        (CREDENTIALS, "Credential", 70, 3),
        (&format!("{CREDENTIALS}?pageSize=7"), "Credential", 70, 10),
        (&format!("{CREDENTIALS}?pageSize=200"), "Credential", 70, 1),
    ] {
        let before = sandbox.api_requests();
        let mut pages = api.get(path).pages::<Value>();
        let mut names = Vec::new();
        while let Some(entity) = next_of(&mut pages).await {
            names.push(entity.unwrap()["name"].as_str().unwrap().to_owned());
        }
        let expected: Vec<_> = (1..=count).map(|n| format!("{name} {n}")).collect();
        assert_eq!(names, expected, "{path}");
        assert_eq!(sandbox.api_requests(), before + calls, "{path}");
        assert_eq!(sandbox.token_requests(), 1, "{path}");
    }
}

#[tokio::test]
async fn missing_user_context_is_an_error_of_one_call() {
    let sandbox = Sandbox::start().await.unwrap();
    let call = client_of(&sandbox).get("/api/v2/users/me").send();
    let error = call.await.unwrap_err();
    assert!(payload!(error, Api).is_user_required(), "{error}");
    assert_eq!(error.status().unwrap(), 400);
    assert!(!error.is_transient() && !error.needs_login(), "{error}");
    assert_eq!(Requests::to(&sandbox), Requests { token: 1, api: 1 });
}

#[tokio::test]
async fn permission_in_another_division_is_denied_by_division() {
    let (sandbox, api) = sandbox_and_client().await;
    let users: Value = api.get("/api/v2/users").fetch().await.unwrap();
    let user = users["entities"][0]["id"].as_str().unwrap();
    let call = || api.delete("/api/v2/tokens").segment(user).send();

    sandbox.set_permissions(["oauth:client:view"]);
    let error = call().await.unwrap_err();
    let missing = denied(&error);
    assert!(!missing.is_division_missing() && !missing.is_any_of());
    assert_eq!(missing.division, None);
    assert_eq!(missing.permissions, ["oauth:token:delete"]);

    sandbox.set_permissions(["oauth:token:delete"]);
    sandbox.set_divisions(["elsewhere"]);
    let error = call().await.unwrap_err();
    let missing = denied(&error);
    assert!(missing.is_division_missing() && !missing.is_any_of());
    assert_eq!(missing.division.as_deref(), Some(sandbox.division_id()));
    assert_eq!(missing.permissions, ["oauth:token:delete"]);

    // A changed role applies to tokens that have been issued.
    sandbox.set_divisions([sandbox.division_id()]);
    call().await.unwrap();
    assert_eq!(Requests::to(&sandbox), Requests { token: 1, api: 4 });
}

#[tokio::test]
async fn one_of_several_permissions_is_enough() {
    let (sandbox, api) = sandbox_and_client().await;
    sandbox.set_permissions(["another:permission:view"]);
    let error = execute(&sandbox, &api).await.unwrap_err();
    let missing = denied(&error);
    assert!(missing.is_any_of() && !missing.is_division_missing());
    let any = ["integrations:action:execute", "bridge:actions:execute"];
    assert_eq!(missing.permissions, any);

    for one in any {
        sandbox.set_permissions([one]);
        execute(&sandbox, &api).await.unwrap();
    }
    assert_eq!(Requests::to(&sandbox), Requests { token: 1, api: 3 });
}

async fn execute(sandbox: &Sandbox, api: &PlatformClient) -> Result<Value, Error> {
    let call = api.request(Method::POST, "/api/v2/integrations/actions");
    let call = call.segment(sandbox.data_action_id()).segment("execute");
    call.json(&json!({})).fetch().await
}

fn denied(error: &Error) -> &AccessDenied {
    assert_eq!(error.status().unwrap(), 403);
    assert!(!error.is_transient() && !error.needs_login(), "{error}");
    payload!(error, AccessDenied)
}

const CREDENTIALS: &str = "/api/v2/integrations/credentials/listing";

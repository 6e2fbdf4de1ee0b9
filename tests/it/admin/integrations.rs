//! Integrations and their configurations.

use std::time::Duration;

use genesys_cloud_auth::{
    PlatformClient,
    admin::{Integration, IntegrationConfiguration, IntendedState, ReportedStateCode},
    sandbox::Sandbox,
};
use serde_json::{Value, json};

use super::{
    assert_says, assert_status,
    chain::{Chain, OAUTH_CLIENT, OWN},
    last_body,
};
use crate::support::{
    advance_until_done,
    cloud::{Cloud, client_of, sandbox_and_client},
    kind_of,
    runtime::runtime,
    server::Reply,
    with_clock,
};

#[tokio::test]
async fn integration_is_created_enabled_and_deleted() {
    let (sandbox, api) = sandbox_and_client().await;
    let integrations = api.integrations();
    let created = integrations.create(WEB, "CRM").await.unwrap();
    let body = json!({ "integrationType": { "id": WEB }, "name": "CRM" });
    assert_eq!(last_body(&sandbox), body);
    assert_eq!(created.integration_type.id.as_deref(), Some(WEB));
    assert_eq!(created.intended_state, IntendedState::Disabled);
    let id = &created.id;
    let enabled = integrations.enable(id).await.unwrap();
    assert_eq!(enabled.intended_state, IntendedState::Enabled);
    let active = integrations.wait_until_active(id).await.unwrap();
    assert_eq!(active.reported_state.code, ReportedStateCode::Active);
    integrations.disable(id).await.unwrap();
    let inactive = integrations.get(id).await.unwrap();
    assert_eq!(inactive.reported_state.code, ReportedStateCode::Inactive);
    assert_eq!(integrations.list().await.unwrap().len(), 2);
    assert_eq!(integrations.delete(id).await.unwrap().unwrap().name, "CRM");
    assert_status(&integrations.get(id).await.unwrap_err(), 404);
    // Without a name it gets that of its type.
    let unnamed = integrations.create(OWN, "").await.unwrap();
    assert_eq!(unnamed.name, OWN);
}

const WEB: &str = "custom-rest-actions";

/// Changes a configuration from elsewhere, while this thread waits.
fn change_elsewhere(sandbox: &Sandbox, id: &str) {
    std::thread::scope(|scope| {
        scope.spawn(move || {
            runtime().block_on(async {
                let integrations = client_of(sandbox).integrations();
                let change = |configuration: &mut IntegrationConfiguration| {
                    "theirs".clone_into(&mut configuration.notes);
                    let properties = &mut configuration.properties;
                    properties.set("clientSecret", "kept").unwrap();
                };
                integrations.configure(id, change).await.unwrap();
            });
        });
    });
}

#[tokio::test]
async fn configuration_is_changed_on_its_latest_version() {
    for bad_request in [false, true] {
        let builder = Sandbox::builder().version_conflicts_are_bad_requests(bad_request);
        let sandbox = builder.start().await.unwrap();
        let integrations = client_of(&sandbox).integrations();
        let id = integrations.create(WEB, "CRM").await.unwrap().id;
        let mut runs = 0;
        let configure = integrations.configure(&id, |configuration| {
            runs += 1;
            if runs == 1 {
                change_elsewhere(&sandbox, &id);
            }
            configuration.notes = format!("{} and ours", configuration.notes);
        });
        let configuration = configure.await.unwrap();
        assert_eq!((configuration.notes.as_str(), runs), ("theirs and ours", 2));
        assert_eq!(configuration.version, Some(3));
        // An update sends properties as they are, whatever their names.
        let kept: Option<String> = configuration.properties.get("clientSecret");
        assert_eq!(kept.as_deref(), Some("kept"));
    }
}

#[tokio::test]
async fn lasting_conflict_is_reported_after_ten_attempts() {
    let sandbox = Sandbox::start().await.unwrap();
    let (tokens, clock) = with_clock(&sandbox, sandbox.client_credentials());
    let integrations = PlatformClient::new(tokens).integrations();
    let id = integrations.create(WEB, "CRM").await.unwrap().id;
    let mut runs = 0;
    let configure = integrations.configure(&id, |_| {
        runs += 1;
        change_elsewhere(&sandbox, &id);
    });
    let (result, _) = advance_until_done(&clock, configure).await;
    assert_status(&result.unwrap_err(), 409);
    assert_eq!(runs, 10);
}

#[tokio::test]
async fn other_errors_of_a_change_are_not_repeated() {
    let cloud = Cloud::start();
    let integrations = cloud.client.integrations();
    for status in [400, 403, 404, 408, 422] {
        let before = cloud.requests().api;
        let configuration = Reply::json(200, r#"{"id":"a","version":1}"#);
        let error = Reply::json(status, r#"{"code":"x","message":"no"}"#);
        cloud.api.answers([configuration, error]);
        let error = integrations.configure("a", |_| {}).await.unwrap_err();
        assert_status(&error, status);
        assert_eq!(cloud.requests().api, before + 2);
    }
}

#[tokio::test]
async fn credential_of_another_type_is_rejected() {
    let chain = Chain::start().await;
    let integrations = chain.api.integrations();
    let id = integrations.create(WEB, "CRM").await.unwrap().id;
    let own = chain.credential.id.as_str();
    for (name, credential) in [
        ("basicAuth", own),
        ("basicAuth", "unknown"),
        (OAUTH_CLIENT, own),
    ] {
        let configure = integrations.configure(&id, |configuration| {
            configuration.set_credential(name, credential);
        });
        let error = configure.await.unwrap_err();
        assert_status(&error, 400);
        assert_says(&error, &format!("credentials.{name}"));
    }
}

#[tokio::test]
async fn integration_that_never_becomes_active_ends_the_wait() {
    let lacking = "ERROR (The credential pureCloudOAuthClient is missing.)";
    for (times, kind, text) in [(usize::MAX, WEB, "ACTIVATING"), (0, OWN, lacking)] {
        let builder = Sandbox::builder().integration_activating(times);
        let sandbox = builder.start().await.unwrap();
        let api = client_of(&sandbox);
        let integrations = api.integrations().wait(Duration::ZERO);
        let id = integrations.create(kind, "CRM").await.unwrap().id;
        integrations.enable(&id).await.unwrap();
        let error = integrations.wait_until_active(&id).await.unwrap_err();
        assert_eq!(kind_of(&error), "Timeout");
        assert_says(&error, text);
    }
}

#[tokio::test]
async fn integrations_of_a_credential_are_found_without_the_filter() {
    for ignored in [false, true] {
        let builder = Sandbox::builder().integration_activating(0);
        let chain = Chain::start_with(builder.ignore_credential_filter(ignored)).await;
        let integrations = chain.api.integrations();
        integrations.create(WEB, "CRM").await.unwrap();
        let found = integrations.using_credential(&chain.credential.id).await;
        let ids: Vec<_> = found.unwrap().into_iter().map(|one| one.id).collect();
        assert_eq!(ids, [chain.integration.id.as_str()]);
        let found = integrations.using_credential("unknown").await;
        assert!(found.unwrap().is_empty());
    }
}

/// A page of a listing of two to a page.
fn page(ids: &[&str], number: u32, pages: u32) -> Reply {
    let entities: Vec<_> = ids.iter().map(|id| json!({ "id": id })).collect();
    let page = json!({
        "entities": entities, "pageNumber": number, "pageSize": 2, "pageCount": pages,
        "total": 2 * pages,
    });
    Reply::json(200, &page.to_string())
}

#[tokio::test]
async fn listing_that_changes_between_pages_has_each_entity_once() {
    for (second, expected) in [
        // One was added before them.
        (page(&["b", "c"], 2, 2), vec!["a", "b", "c"]),
        // Some were deleted.
        (page(&["c"], 2, 2), vec!["a", "b", "c"]),
        (page(&[], 2, 1), vec!["a", "b"]),
    ] {
        let cloud = Cloud::start();
        cloud.api.answers([page(&["a", "b"], 1, 2), second]);
        let listed = cloud.client.integrations().list().await.unwrap();
        let ids: Vec<_> = listed.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, expected);
        assert_eq!(cloud.requests().api, 2);
    }
}

#[tokio::test]
async fn integration_deleted_after_the_listing_uses_nothing() {
    let cloud = Cloud::start();
    let integrations = cloud.client.integrations();
    let gone = Reply::json(404, r#"{"code":"not.found","status":404}"#);
    let uses = json!({ "id": "b", "credentials": { "x": { "id": "c" } } });
    let uses = Reply::json(200, &uses.to_string());
    cloud.api.answers([page(&["a", "b"], 1, 1), gone, uses]);
    let using = integrations.using_credential("c").await.unwrap();
    let ids: Vec<_> = using.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["b"]);
    let denied = Reply::json(403, r#"{"code":"not.authorized","status":403}"#);
    cloud.api.answers([page(&["a"], 1, 1), denied]);
    let error = integrations.using_credential("c").await.unwrap_err();
    assert_status(&error, 403);
}

#[test]
fn integration_of_tomorrow_is_kept() {
    let integration: Integration = serde_json::from_value(json!({
        "id": "an-id",
        "integrationType": null,
        "intendedState": "PAUSED",
        "reportedState": { "code": "WARMING_UP", "detail": "soon", "of": "tomorrow" },
        "attributes": { "a": "b" },
        "name": null,
    }))
    .unwrap();
    let paused = IntendedState::Other("PAUSED".to_owned());
    assert_eq!(integration.intended_state, paused);
    assert_eq!(integration.reported_state.code.as_str(), "WARMING_UP");
    assert_eq!(integration.reported_state.detail.as_deref(), Some("soon"));
    assert!(integration.other.get::<Value>("attributes").is_some());

    let sent = json!({
        "name": "CRM",
        "version": 7,
        "notes": "node_dynamodb_empty_string",
        "properties": { "secret": { "deep": 1 } },
        "advanced": null,
        "credentials": { "a": { "id": "1", "name": "x" }, "b": null },
        "ofTomorrow": [1],
        "selfUri": "/api/v2/x",
    });
    let read: IntegrationConfiguration = serde_json::from_value(sent).unwrap();
    let expected = json!({
        "name": "CRM",
        "version": 7,
        "notes": "",
        "properties": { "secret": { "deep": 1 } },
        "advanced": {},
        "credentials": { "a": { "id": "1" } },
        "ofTomorrow": [1],
    });
    assert_eq!(serde_json::to_value(&read).unwrap(), expected);
    let bare: Integration = serde_json::from_value(json!({ "id": "an-id" })).unwrap();
    assert_eq!(bare.reported_state.code.as_str(), "");
}

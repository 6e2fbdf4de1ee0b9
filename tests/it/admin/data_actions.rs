//! Data actions: created, read, changed, published, deleted.

use std::time::Duration;

use genesys_cloud_auth::{
    PlatformClient,
    admin::{DataAction, DataActionConfig, DataActionFilter, JsonDocument, NewDataAction},
    error::DataActionErrorClass,
    sandbox::Sandbox,
};
use serde_json::{Value, json};

use super::{
    assert_says, assert_status, body_of,
    chain::{Chain, OWN, class_of, contract, lookup},
    last_body, methods,
};
use crate::support::{
    advance_until_done,
    cloud::{Cloud, sandbox_and_client},
    kind_of,
    server::Reply,
    with_clock,
};

#[tokio::test]
async fn draft_is_tested_published_and_changed() {
    let chain = Chain::start().await;
    let actions = chain.api.data_actions();
    let (new, input) = (chain.new_action(lookup()), json!({ "email": "ada" }));
    let id = &actions.create_draft(&new).await.unwrap().id;
    assert!(actions.validate_draft(id).await.unwrap().valid);
    let test = actions.test_draft(id, &input).await.unwrap();
    assert!(test.success, "{test:?}");
    let name = test.final_result.get::<String>("/name");
    assert_eq!(name.as_deref(), Some("Ada"));
    let names: Vec<_> = test.steps.iter().map(|step| step.name.as_str()).collect();
    let expected = [
        "Check the input",
        "Authenticate",
        "Fill in the request",
        "Execute",
        "Translate the response",
    ];
    assert_eq!(names, expected);
    assert_status(&actions.get(id).await.unwrap_err(), 404);
    assert_eq!(actions.list_drafts().await.unwrap().len(), 1);
    let published = actions.publish(id).await.unwrap();
    assert_eq!((&published.id, published.version), (id, Some(1)));
    assert!(actions.list_drafts().await.unwrap().is_empty());

    // A change of the contract keeps the id.
    actions.start_draft(id).await.unwrap();
    let schema = JsonDocument::parse(r#"{"type":"object","required":["phone"]}"#).unwrap();
    let change = |draft: &mut DataAction| {
        draft.contract.as_mut().unwrap().input_schema = schema.clone();
    };
    actions.update_draft(id, change).await.unwrap();
    let published = actions.publish(id).await.unwrap();
    assert_eq!((&published.id, published.version), (id, Some(2)));
    let error = actions.execute::<_, Value>(id, &input).await.unwrap_err();
    assert_eq!(class_of(&error), Some(DataActionErrorClass::Schema));

    actions.start_draft(id).await.unwrap();
    actions.delete_draft(id).await.unwrap();
    assert_eq!(actions.list().await.unwrap().len(), 2);
    actions.delete(id).await.unwrap();
    assert_status(&actions.delete(id).await.unwrap_err(), 404);
}

#[tokio::test]
async fn filter_selects_by_category_name_and_secure() {
    let chain = Chain::start().await;
    let actions = chain.api.data_actions();
    let new = chain.new_action(lookup()).secure();
    actions.create(&new).await.unwrap();
    let filter = DataActionFilter::default;
    for (filter, query, count) in [
        (filter(), "", 2),
        (filter().category("CRM lookup"), "&category=CRM+lookup", 1),
        (filter().category("other"), "&category=other", 0),
        (filter().name("a cont"), "&name=a+cont", 1),
        (filter().secure(true), "&secure=true", 1),
        (filter().secure(false).name("d"), "&name=d&secure=false", 1),
    ] {
        let found = actions.list_by(&filter).await.unwrap();
        assert_eq!(found.len(), count, "{query}");
        let requests = chain.sandbox.requests();
        let sent = requests.last().unwrap().query().unwrap_or_default();
        let expected = format!("pageSize=100&includeAuthActions=true{query}");
        assert!(sent.starts_with(&expected), "{sent}");
    }
}

#[tokio::test]
async fn update_sends_the_whole_configuration_with_its_templates() {
    let chain = Chain::start().await;
    let actions = chain.api.data_actions();
    let config = lookup().timeout(Duration::from_secs(20));
    let created = actions.create(&chain.new_action(config)).await.unwrap();
    let id = &created.id;
    let update = actions.update(id, |action| action.name = "Renamed".to_owned());
    assert_eq!(update.await.unwrap().version, Some(2));
    let config = json!({
        "timeoutSeconds": 20,
        "request": {
            "requestUrlTemplate": "/api/v2/externalcontacts/contacts?q=$esc.url(${input.email})",
            "requestTemplate": "${input.rawRequest}",
            "requestType": "GET",
            "headers": { "UserAgent": "CRM lookup" },
        },
        "response": {
            "translationMap": { "name": "$.entities[0].firstName" },
            "translationMapDefaults": { "name": "\"nobody\"" },
            "successTemplate": "{\"name\": ${name}}",
        },
    });
    let body = json!({
        "name": "Renamed",
        "category": "CRM lookup",
        "version": 1,
        "config": config,
    });
    assert_eq!(last_body(&chain.sandbox), body);
    let fetched = actions.get(id).await.unwrap();
    let template = fetched.config.unwrap().response.success_template;
    assert_eq!(template.as_deref(), Some("{\"name\": ${name}}"));
    assert_eq!(fetched.contract, Some(contract()));
}

#[tokio::test]
async fn changes_that_cannot_be_made_are_not_sent() {
    let chain = Chain::start().await;
    let actions = chain.api.data_actions();
    let id = chain.publish(lookup()).await;
    let before = methods(&chain.sandbox).len();
    let changes: [fn(&mut DataAction); 4] = [
        |action| action.contract.as_mut().unwrap().success_schema = JsonDocument::default(),
        |action| action.secure = true,
        |action| action.config.as_mut().unwrap().timeout = Some(Duration::from_secs(61)),
        |action| action.config.as_mut().unwrap().request.url_template.clear(),
    ];
    for change in changes {
        let error = actions.update(&id, change).await.unwrap_err();
        assert_eq!(kind_of(&error), "Configuration");
    }
    let changed = methods(&chain.sandbox).split_off(before);
    assert!(changed.iter().all(|method| method == "GET"), "{changed:?}");
}

#[tokio::test]
async fn action_that_cannot_be_changed_is_not_asked_for() {
    let (sandbox, api) = sandbox_and_client().await;
    let actions = api.data_actions();
    let input = json!({});
    for (is_static, id) in [(true, "static_-_1"), (false, "customAuth_-_an-id")] {
        let mut errors = vec![actions.delete(id).await.unwrap_err()];
        if is_static {
            errors.push(actions.update(id, |_| {}).await.unwrap_err());
            errors.push(actions.start_draft(id).await.unwrap_err());
            errors.push(actions.update_draft(id, |_| {}).await.unwrap_err());
            errors.push(actions.publish(id).await.unwrap_err());
            errors.push(actions.delete_draft(id).await.unwrap_err());
        } else {
            errors.push(actions.execute::<_, Value>(id, &input).await.unwrap_err());
            errors.push(actions.test(id, &input).await.unwrap_err());
            errors.push(actions.test_draft(id, &input).await.unwrap_err());
        }
        for error in errors {
            assert_eq!(kind_of(&error), "Configuration", "{error}");
        }
    }
    for (name, category, integration, config) in [
        ("", "c", "i", lookup()),
        ("n", " ", "i", lookup()),
        ("n", "c", "", lookup()),
        ("n", "c", "i", DataActionConfig::new("GET", "")),
        ("n", "c", "i", DataActionConfig::new("", "/api/v2/x")),
        ("n", "c", "i", lookup().timeout(Duration::ZERO)),
        (
            "n",
            "c",
            "i",
            lookup().timeout(Duration::from_millis(1_500)),
        ),
    ] {
        let new = NewDataAction::new(name, category, integration, config, contract());
        let error = actions.create(&new).await.unwrap_err();
        assert_eq!(kind_of(&error), "Configuration");
    }
    assert_eq!(sandbox.api_requests(), 0);
}

#[tokio::test]
async fn fresh_integration_is_asked_again_for_a_limited_time() {
    for (times, succeeds) in [(3, true), (usize::MAX, false)] {
        let sandbox = Sandbox::builder().integration_unknown(times);
        let sandbox = sandbox.start().await.unwrap();
        let (tokens, clock) = with_clock(&sandbox, sandbox.client_credentials());
        let api = PlatformClient::new(tokens);
        let integration = api.integrations().create(OWN, "CRM").await.unwrap();
        let new = NewDataAction::new("n", "c", integration.id, lookup(), contract());
        let actions = api.data_actions();
        let (result, waited) = advance_until_done(&clock, actions.create_draft(&new)).await;
        if succeeds {
            result.unwrap();
            assert_eq!(methods(&sandbox), ["POST"; 5]);
        } else {
            let error = result.unwrap_err();
            assert_status(&error, 400);
            assert_says(&error, "ACTION.PROCESSING");
            // The clock moves on by itself, too.
            assert!(waited >= Duration::from_secs(25), "{waited:?}");
        }
    }
}

#[tokio::test]
async fn wrong_action_is_reported_at_once() {
    let chain = Chain::start().await;
    let actions = chain.api.data_actions();
    let integrations = chain.api.integrations();
    let function = integrations.create("function-data-actions", "F").await;
    for (name, integration, text) in [
        ("n", &function.unwrap().id, "does not support"),
        (&"n".repeat(257), &chain.integration.id, "name"),
    ] {
        let new = NewDataAction::new(name, "c", integration.as_str(), lookup(), contract());
        let before = chain.sandbox.api_requests();
        let error = actions.create(&new).await.unwrap_err();
        assert_status(&error, 400);
        assert_says(&error, text);
        assert_eq!(chain.sandbox.api_requests(), before + 1);
    }
    // An integration that does not exist looks like a fresh one.
    let new = NewDataAction::new("n", "c", "unknown", lookup(), contract());
    let error = actions.wait(Duration::ZERO).create(&new).await.unwrap_err();
    assert_says(&error, "integrationId");
}

#[tokio::test]
async fn version_conflicts_are_repeated() {
    let cloud = Cloud::start();
    let actions = cloud.client.data_actions();
    let action = |version: i64| {
        let action = json!({ "id": "a", "name": "n", "category": "c", "version": version });
        Reply::json(200, &action.to_string())
    };
    let message = "Version 1 does not match the current version 2";
    let conflict = json!({ "code": "bad.request", "message": message });
    let conflict = Reply::json(400, &conflict.to_string());
    let versions = || {
        let requests = cloud.api.requests();
        let sent = requests.iter().filter(|request| request.method != "GET");
        sent.map(|request| body_of(request)["version"].clone())
            .collect::<Vec<_>>()
    };
    let replies = |first, conflict: &Reply| {
        let [second, third] = [action(first + 1), action(first + 2)];
        cloud
            .api
            .answers([action(first), conflict.clone(), second, third]);
    };
    replies(1, &conflict);
    let (result, _) = advance_until_done(&cloud.clock, actions.update("a", |_| {})).await;
    result.unwrap();
    assert_eq!(versions(), [1, 2]);
    replies(3, &Reply::json(409, "{}"));
    let (result, _) = advance_until_done(&cloud.clock, actions.publish("a")).await;
    result.unwrap();
    assert_eq!(versions(), [1, 2, 3, 4]);
    replies(5, &conflict);
    let (result, _) = advance_until_done(&cloud.clock, actions.update_draft("a", |_| {})).await;
    result.unwrap();
    assert_eq!(versions(), [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn template_elsewhere_is_not_fetched() {
    let elsewhere = "//elsewhere.example/x.vm";
    for uri in [&format!("https:{elsewhere}"), elsewhere, "x.vm"] {
        let cloud = Cloud::start();
        let action = json!({ "id": "a", "config": { "request": { "requestTemplateUri": uri } } });
        cloud.api.answers([Reply::json(200, &action.to_string())]);
        let error = cloud.client.data_actions().get("a").await.unwrap_err();
        let kind = kind_of(&error);
        assert!(["Configuration", "InvalidPath"].contains(&&*kind), "{uri}");
        assert_eq!(cloud.requests().api, 1);
    }
}

#[tokio::test]
async fn action_of_tomorrow_is_kept() {
    let cloud = Cloud::start();
    let action = json!({
        "id": "customAuth_-_1",
        "name": null,
        "category": null,
        "secure": null,
        "version": 1,
        "ofTomorrow": { "a": 1 },
        "config": {
            "retries": 3,
            "request": {
                "requestUrlTemplate": "/x",
                "requestType": "QUERY",
                "headers": null,
                "signed": true,
            },
            "response": { "translationMap": null, "strict": [1] },
        },
    });
    cloud.api.answers([Reply::json(200, &action.to_string())]);
    let actions = cloud.client.data_actions();
    let read = actions.get("customAuth_-_1").await.unwrap();
    assert!(read.is_custom_auth() && !read.is_static());
    assert!(read.other.get::<Value>("ofTomorrow").is_some());
    actions.update("customAuth_-_1", |_| {}).await.unwrap();
    let sent = body_of(cloud.api.requests().last().unwrap());
    assert_eq!(sent["config"]["retries"], 3);
    assert_eq!(sent["config"]["request"]["signed"], true);
    assert_eq!(sent["config"]["request"]["requestType"], "QUERY");
    assert_eq!(sent["config"]["response"]["strict"], json!([1]));

    let result = json!({ "success": "perhaps?", "operations": [] });
    cloud.api.answers([Reply::json(200, &result.to_string())]);
    let error = actions.test("a", &json!({})).await.unwrap_err();
    assert_eq!(kind_of(&error), "UnexpectedResponse");
    let result = json!({
        "operations": [{ "step": null, "name": null, "error": { "errorCode": "X", "userMessage": "a\u{1b}[2J" } }],
        "ofTomorrow": 1,
    });
    cloud.api.answers([Reply::json(200, &result.to_string())]);
    let test = actions.test("a", &json!({})).await.unwrap();
    let error = test.steps[0].error.as_ref().unwrap();
    assert_eq!(error.code.as_deref(), Some("X"));
    assert_eq!(error.message.as_deref(), Some("a\\u{1b}[2J"));
}

//! The templates that the sandbox's data actions run.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use genesys_cloud_auth::{
    admin::{DataActionConfig, DataActionContract, JsonDocument, NewDataAction, NewOAuthClient},
    error::DataActionErrorClass,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{
    assert_status,
    chain::{Chain, class_of, credential_of, lookup},
};

/// An action that creates an integration, and returns the name that its template made.
async fn rendered(chain: &Chain, name: &str) -> Value {
    let body = r#"{"integrationType": {"id": "custom-rest-actions"}, "name": "NAME"}"#;
    let config = DataActionConfig::new("POST", "/api/v2/integrations")
        .body(body.replace("NAME", name))
        .map("name", "$.name")
        .success_template("${name}");
    let any = JsonDocument::parse("{}").unwrap();
    let contract = DataActionContract::new(any.clone(), any);
    let id = chain.integration.id.as_str();
    let new = NewDataAction::new("Create", "CRM lookup", id, config, contract);
    let action = chain.api.data_actions().create(&new).await.unwrap();
    let input = json!({ "a": "x y", "n": 7, "quoted": "\"q\"", "none": null });
    let result = chain.api.data_actions().execute(&action.id, &input).await;
    result.unwrap()
}

#[tokio::test]
async fn request_refers_to_input_credential_and_token() {
    let chain = Chain::start().await;
    // Its client may create integrations.
    let role = chain.sandbox.add_role(["integrations:integration:add"]);
    let new = NewOAuthClient::client_credentials("CRM lookup").role(role, "*");
    let client = chain.api.oauth_clients().create(&new).await.unwrap();
    let integrations = chain.api.integrations();
    let credential = credential_of(&client);
    let id = &chain.credential.id;
    integrations
        .replace_credential(id, &credential)
        .await
        .unwrap();

    let (id, secret) = (&client.client.id, client.secret.expose_secret());
    let basic = STANDARD.encode(format!("{id}:{secret}"));
    for (template, expected) in [
        ("${input.a} $input.n", "x y 7"),
        ("${Input.a}${INPUT.n}", "x y7"),
        ("${input.none}|$!{input.none}|", "${input.none}||"),
        ("$esc.url(${input.a})", "x+y"),
        ("$esc.jsonString(${input.quoted})", "\"q\""),
        ("$esc.jsonEncode(${input.quoted})", "\"q\""),
        ("${credentials.clientId}", id.as_str()),
        (
            "$encoding.base64(\"${credentials.clientId}:${credentials.clientSecret}\")",
            basic.as_str(),
        ),
        ("${authResponse.token_type}", "bearer"),
        ("${credentials.other}", "${credentials.other}"),
    ] {
        assert_eq!(rendered(&chain, template).await, expected, "{template}");
    }
}

#[tokio::test]
async fn own_authorization_has_the_token_of_each_attempt() {
    let chain = Chain::start().await;
    let input = json!({ "email": "ada" });
    let actions = chain.api.data_actions();
    let own = "${authResponse.token_type} ${authResponse.access_token}";
    let id = chain.publish(lookup().header("Authorization", own)).await;
    let result = actions.execute::<_, Value>(&id, &input).await.unwrap();
    assert_eq!(result, json!({ "name": "Ada" }));
    // The second attempt has the new token.
    chain.sandbox.revoke_access_tokens();
    let result = actions.execute::<_, Value>(&id, &input).await.unwrap();
    assert_eq!(result, json!({ "name": "Ada" }));

    let wrong = lookup().header("Authorization", "bearer of-nobody");
    let id = chain.publish(wrong).await;
    let error = actions.execute::<_, Value>(&id, &input).await.unwrap_err();
    assert_eq!(class_of(&error), Some(DataActionErrorClass::RemoteEndpoint));
}

#[tokio::test]
async fn response_is_translated_by_paths_and_templates() {
    let chain = Chain::start().await;
    for (path, template, expected) in [
        ("$.entities[0].firstName", "${x}", json!("Ada")),
        ("$.total", "{\"n\": ${x}}", json!({ "n": 3 })),
        (
            "$.entities[*].firstName",
            "${x}",
            json!(["Ada", "Ben", "Cleo"]),
        ),
        ("$..firstName", "${x}", json!(["Ada", "Ben", "Cleo"])),
        (
            "$.entities[?(@.firstName=='Ben')].firstName",
            "${successTemplateUtils.firstFromArray(\"${x}\", \"none\")}",
            json!("Ben"),
        ),
        (
            "$.entities[?(@.firstName=='nobody')].firstName",
            "${successTemplateUtils.firstFromArray(\"${x}\", \"$esc.quote$esc.quote\")}",
            json!(""),
        ),
    ] {
        let config = DataActionConfig::new("GET", "/api/v2/externalcontacts/contacts?q=")
            .map("x", path)
            .default_value("x", "[]")
            .success_template(template);
        let id = chain.publish(config).await;
        let actions = chain.api.data_actions();
        let input = json!({ "email": "x" });
        let result = actions.execute::<_, Value>(&id, &input).await;
        assert_eq!(result.unwrap(), expected, "{path}");
    }
}

#[tokio::test]
async fn flat_inputs_and_files_of_schemas_are_not_there() {
    let chain = Chain::start().await;
    let published = chain.publish(lookup()).await;
    let actions = chain.api.data_actions();
    actions.start_draft(&published).await.unwrap();
    let at = |path: &str| format!("/api/v2/integrations/actions/{published}/{path}");
    let input = json!({ "email": "ada" });
    let mut requests = Vec::new();
    for path in ["execute", "test", "draft/test"] {
        let path = at(&format!("{path}?flatten=true"));
        requests.push(chain.api.post(&path).json(&input));
    }
    for path in ["schemas/input.json", "draft/schemas/successschema.json"] {
        requests.push(chain.api.get(&at(path)));
    }
    for request in requests {
        let error = request.send().await.unwrap_err();
        assert_status(&error, 400);
        assert!(error.to_string().contains("not in the sandbox"), "{error}");
    }
    let request = chain.api.post(&at("execute?flatten=false")).json(&input);
    let result: Value = request.fetch().await.unwrap();
    assert_eq!(result, json!({ "name": "Ada" }));
}

//! From nothing to a customer's result: OAuth client, credential, integration, data action, flow.

use genesys_cloud_auth::{
    PlatformClient,
    admin::{
        Credential, DataActionConfig, DataActionContract, Integration, JsonDocument, NewCredential,
        NewDataAction, NewOAuthClient, OAuthClientWithSecret,
    },
    error::{DataActionErrorClass, Troubleshooting},
    sandbox::{Sandbox, SandboxBuilder},
};
use serde_json::{Value, json};

use crate::support::cloud::client_of;

pub const OWN: &str = "purecloud-data-actions";
pub const OAUTH_CLIENT: &str = "pureCloudOAuthClient";

/// Everything that a data action needs, and the client that made it.
pub struct Chain {
    pub sandbox: Sandbox,
    pub api: PlatformClient,
    pub client: OAuthClientWithSecret,
    pub credential: Credential,
    pub integration: Integration,
}

impl Chain {
    pub async fn start() -> Self {
        Self::start_with(Sandbox::builder().integration_activating(0)).await
    }

    /// Makes an OAuth client that may view contacts, and an active integration with its credential.
    pub async fn start_with(builder: SandboxBuilder) -> Self {
        let sandbox = builder.start().await.unwrap();
        let api = client_of(&sandbox);
        let role = sandbox.add_role(["externalContacts:contact:view"]);
        let new = NewOAuthClient::client_credentials("CRM lookup").role(role, "*");
        let client = api.oauth_clients().create(&new).await.unwrap();
        let integrations = api.integrations();
        let new = credential_of(&client);
        let credential = integrations.create_credential(&new).await.unwrap();
        let integration = integrations.create(OWN, "CRM lookup").await.unwrap();
        let id = &integration.id;
        let configure = integrations.configure(id, |configuration| {
            configuration.set_credential(OAUTH_CLIENT, &credential.id);
        });
        configure.await.unwrap();
        integrations.enable(id).await.unwrap();
        let integration = integrations.wait_until_active(id).await.unwrap();
        Self {
            sandbox,
            api,
            client,
            credential,
            integration,
        }
    }

    pub fn new_action(&self, config: DataActionConfig) -> NewDataAction {
        let id = self.integration.id.as_str();
        NewDataAction::new("Find a contact", "CRM lookup", id, config, contract())
    }

    /// Creates and publishes an action, and returns its id.
    pub async fn publish(&self, config: DataActionConfig) -> String {
        let actions = self.api.data_actions();
        let draft = actions.create_draft(&self.new_action(config)).await;
        let id = draft.unwrap().id;
        actions.publish(&id).await.unwrap().id
    }

    /// Runs the sandbox's flow with an action.
    pub async fn run_flow(&self, action: &str) -> Value {
        let request = self.api.post("/api/v2/sandbox/flows").segment(action);
        let request = request.json(&json!({ "email": "ada" }));
        request.fetch().await.unwrap()
    }
}

pub fn credential_of(client: &OAuthClientWithSecret) -> NewCredential {
    let id = client.client.id.as_str();
    NewCredential::oauth_client("CRM lookup", id, client.secret.clone())
}

/// An input with an email address, and a result with a name.
pub fn contract() -> DataActionContract {
    let schema = |field: &str, required: bool| {
        let mut schema = json!({ "type": "object", "properties": { field: { "type": "string" } } });
        if required {
            schema["required"] = json!([field]);
        }
        JsonDocument::new(&schema).unwrap()
    };
    DataActionContract::new(schema("email", true), schema("name", false))
}

/// Looks up a contact.
pub fn lookup() -> DataActionConfig {
    let url = "/api/v2/externalcontacts/contacts?q=$esc.url(${input.email})";
    DataActionConfig::new("GET", url)
        .header("UserAgent", "CRM lookup")
        .map("name", "$.entities[0].firstName")
        .default_value("name", "\"nobody\"")
        .success_template(r#"{"name": ${name}}"#)
}

#[tokio::test]
async fn chain_returns_the_customers_result() {
    let chain = Chain::start().await;
    let id = chain.publish(lookup()).await;
    let actions = chain.api.data_actions();
    for (email, name) in [("ada@customer.example", "Ada"), ("x@y.example", "nobody")] {
        let input = json!({ "email": email });
        let result: Value = actions.execute(&id, &input).await.unwrap();
        assert_eq!(result, json!({ "name": name }));
    }
    let flow = chain.run_flow(&id).await;
    assert_eq!(flow["path"], "success");
    assert_eq!(flow["result"], json!({ "name": "Ada" }));
    // The credential's client made the calls.
    let client = &chain.client.client.id;
    let clients = chain.api.oauth_clients();
    let usage = clients.usage(client, &super::all_calls()).await;
    assert_eq!(usage.unwrap().rows[0].requests, 3);
}

#[tokio::test]
async fn tokens_of_an_action_end_with_the_rotation_or_survive_it() {
    for survives in [false, true] {
        let builder = Sandbox::builder()
            .integration_activating(0)
            .data_action_tokens_survive_rotation(survives);
        let chain = Chain::start_with(builder).await;
        let id = chain.publish(lookup()).await;
        let (actions, clients) = (chain.api.data_actions(), chain.api.oauth_clients());
        let input = json!({ "email": "ada" });
        let execute = || actions.execute::<_, Value>(&id, &input);
        execute().await.unwrap();
        let client = clients.regenerate_secret(&chain.client.client.id).await;
        let result = execute().await;
        assert_eq!(result.is_ok(), survives);
        chain.sandbox.revoke_access_tokens();
        let error = execute().await.unwrap_err();
        let row = Troubleshooting::IntegrationFailsAfterRotation;
        assert_eq!(error.troubleshooting(), Some(row));
        assert_eq!(class_of(&error), Some(DataActionErrorClass::Authentication));
        assert_eq!(chain.run_flow(&id).await["path"], "failure");

        let integrations = chain.api.integrations();
        let new = credential_of(&client.unwrap());
        let replace = integrations.replace_credential(&chain.credential.id, &new);
        replace.await.unwrap();
        assert_eq!(execute().await.unwrap(), json!({ "name": "Ada" }));
    }
}

pub fn class_of(error: &genesys_cloud_auth::Error) -> Option<DataActionErrorClass> {
    let genesys_cloud_auth::ErrorKind::Api(response) = error.kind() else {
        return None;
    };
    response.data_action.as_ref().map(|failure| failure.class)
}

//! Integrations and data actions: the values of credentials, and what a server sends back of them.

use genesys_cloud_auth::{
    ErrorKind, PlatformClient,
    admin::{
        CredentialKind, DataActionConfig, DataActionFilter, IntegrationConfiguration,
        NewCredential, NewDataAction,
    },
    sandbox::Sandbox,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{Run, replies::SECRET};
use crate::{
    admin::chain::{OAUTH_CLIENT, OWN, contract, lookup},
    support::{
        CLIENT_ID, good_token, region_of,
        server::{Reply, Server},
    },
};

pub async fn all(run: &mut Run) {
    run.add_secret("a credential's value", VALUE);
    let new = NewCredential::oauth_client("CRM", CLIENT_ID, SECRET);
    let other = NewCredential::new("CRM", CredentialKind::UserDefinedOAuth).field("key", VALUE);
    run.debug(&new);
    run.debug(&other);
    chain(run, &new, &other).await;
    servers(run, &other).await;
}

/// From a credential to a result, and the failure after a rotation.
async fn chain(run: &mut Run, new: &NewCredential, other: &NewCredential) {
    let (sandbox, api) = run.service(Sandbox::builder()).await;
    let integrations = api.integrations();
    run.debug(&integrations);
    let credential = integrations.create_credential(new).await.unwrap();
    run.debug(&credential);
    run.debug(&credential.kind);
    run.debug(&integrations.credential_types().await.unwrap()[0]);
    run.debug(&integrations.list_credentials().await.unwrap());
    let integration = integrations.create(OWN, "CRM").await.unwrap();
    let configure = integrations.configure(&integration.id, |configuration| {
        configuration.set_credential(OAUTH_CLIENT, &credential.id);
        configuration.properties.set("clientSecret", VALUE).unwrap();
    });
    let configuration: IntegrationConfiguration = configure.await.unwrap();
    run.debug(&configuration);
    integrations.enable(&integration.id).await.unwrap();
    let active = integrations.wait_until_active(&integration.id).await;
    let active = active.unwrap();
    run.debug(&active);
    run.debug(&active.intended_state);
    run.debug(&active.reported_state);
    run.debug(&active.reported_state.code);
    run_action(run, &sandbox, &api, &integration.id).await;
    sandbox.at_api().times(1).drop_response();
    run.error(&integrations.create_credential(other).await.unwrap_err());
    run.requests(&sandbox);
}

/// A data action from its draft to its failure.
async fn run_action(run: &mut Run, sandbox: &Sandbox, api: &PlatformClient, integration_id: &str) {
    let actions = api.data_actions();
    run.debug(&DataActionFilter::default().name("x"));
    run.debug(&actions);
    let config: DataActionConfig = lookup();
    let new = NewDataAction::new("Find", "CRM", integration_id, config, contract());
    run.debug(&new);
    let draft = actions.create_draft(&new).await.unwrap();
    run.debug(&actions.validate_draft(&draft.id).await.unwrap());
    let action = actions.publish(&draft.id).await.unwrap();
    let whole = actions.get(&action.id).await.unwrap();
    run.debug(&whole);
    let config = whole.config.as_ref().unwrap();
    run.debug(config);
    run.debug(&config.request);
    run.debug(&config.response);
    let contract = whole.contract.as_ref().unwrap();
    run.debug(contract);
    run.debug(&contract.input_schema);
    let input = json!({ "email": "ada" });
    let test = actions.test(&action.id, &input).await.unwrap();
    run.debug(&test);
    run.debug(&test.steps[0]);
    let secret = sandbox.rotate_secret();
    run.add_secret("the rotated secret", secret.expose_secret());
    let executed = actions.execute::<_, Value>(&action.id, &input).await;
    let error = executed.unwrap_err();
    if let ErrorKind::Api(response) = error.kind() {
        let failure = response.data_action.as_ref().unwrap();
        run.debug(failure);
        run.debug(&failure.class);
    }
    run.error(&error);
}

/// Values that a server repeats.
async fn servers(run: &mut Run, new: &NewCredential) {
    let body = json!({
        "id": "a", "name": "CRM", "credentialFields": { "key": VALUE }, "tomorrow": VALUE,
        "message": format!("the key {VALUE} is wrong"), "code": VALUE,
        "details": [{ "errorCode": VALUE, "fieldName": VALUE }],
    });
    for status in [200, 400, 403, 409, 429, 500] {
        let login = Server::start(good_token(super::replies::TOKEN));
        let api = Server::start(Reply::json(status, &body.to_string()));
        let (api, _clock) = run.client(region_of(&login, &api));
        let integrations = api.integrations();
        for result in [
            integrations.create_credential(new).await,
            integrations.replace_credential("a", new).await,
        ] {
            run.result(result);
        }
    }
}

const VALUE: &str = "yV8pN3rLw6Tq1Zs5Jc9K";

//! The chain: OAuth client, credential, integration, data action.

use std::{error::Error as StdError, io::Write, time::Duration};

use genesys_cloud_auth::{
    Error, PlatformClient,
    admin::{
        DataActionConfig, DataActionContract, JsonDocument, NewCredential, NewDataAction,
        NewOAuthClient, OAuthClientWithSecret,
    },
};
use serde::{Deserialize, Serialize};

use super::terminal::Output;

/// Where the example runs, and with what.
pub(crate) struct Setting<'a> {
    pub(crate) api: PlatformClient,
    /// The id of the role that the data action needs.
    pub(crate) role: &'a str,
    /// The customer's email address.
    pub(crate) email: &'a str,
    /// The path of a flow that calls the data action.
    pub(crate) flow: Option<&'a str>,
    pub(crate) load: LoadSetting,
}

/// How many executions there are under load.
#[derive(Clone, Copy)]
pub(crate) struct LoadSetting {
    /// The pause between two executions, which keeps them below the API's rate limit.
    pub(crate) pause: Duration,
    /// How many executions each worker ends before the next step.
    pub(crate) executions: usize,
}

/// The input of the data action.
#[derive(Clone, Serialize)]
pub(crate) struct Input {
    email: String,
}

/// Its result.
#[derive(Deserialize)]
pub(crate) struct Contact {
    pub(crate) name: String,
}

/// The ids of what was created, and is deleted at the end.
#[derive(Default)]
pub(crate) struct Created {
    pub(crate) clients: Vec<String>,
    credential: Option<String>,
    integration: Option<String>,
}

/// A data action with all that it needs.
pub(crate) struct Chain {
    pub(crate) api: PlatformClient,
    pub(crate) credential_id: String,
    pub(crate) action_id: String,
    pub(crate) input: Input,
    pub(crate) load: LoadSetting,
}

impl Chain {
    pub(crate) async fn execute(&self) -> Result<Contact, Error> {
        let actions = self.api.data_actions();
        actions.execute(&self.action_id, &self.input).await
    }

    /// Gives the integration's credential another client or secret.
    pub(crate) async fn set_client(&self, client: &OAuthClientWithSecret) -> Result<(), Error> {
        let integrations = self.api.integrations();
        let credential = credential_of(client);
        integrations
            .replace_credential(&self.credential_id, &credential)
            .await?;
        Ok(())
    }
}

pub(crate) async fn create_chain(
    setting: &Setting<'_>,
    created: &mut Created,
    out: &mut Output<impl Write>,
) -> Result<Chain, Box<dyn StdError>> {
    let api = &setting.api;
    let new = NewOAuthClient::client_credentials(NAME)
        .description("Made by an example; can be deleted")
        .role(setting.role, "*");
    let client = api.oauth_clients().create(&new).await?;
    created.clients.push(client.client.id.clone());
    out.row("OAuth client", &client.client.id)?;

    let integrations = api.integrations();
    let credential = credential_of(&client);
    let credential_id = integrations.create_credential(&credential).await?.id;
    created.credential = Some(credential_id.clone());
    out.row("credential", &credential_id)?;

    let integration_id = create_integration(api, &credential_id, created, out).await?;
    let input = Input {
        email: setting.email.to_owned(),
    };
    Ok(Chain {
        api: api.clone(),
        credential_id,
        action_id: create_action(api, &integration_id, &input, out).await?,
        input,
        load: setting.load,
    })
}

/// Creates an integration with the credential, and waits until it is active. Returns its id.
async fn create_integration(
    api: &PlatformClient,
    credential_id: &str,
    created: &mut Created,
    out: &mut Output<impl Write>,
) -> Result<String, Box<dyn StdError>> {
    let integrations = api.integrations();
    let integration = integrations.create("purecloud-data-actions", NAME).await?;
    let id = &integration.id;
    created.integration = Some(id.clone());
    let configure = integrations.configure(id, |configuration| {
        configuration.set_credential("pureCloudOAuthClient", credential_id);
    });
    configure.await?;
    integrations.enable(id).await?;
    let active = integrations.wait_until_active(id).await?;
    out.row(
        "integration",
        format_args!("{id} {}", active.reported_state.code),
    )?;
    Ok(integration.id)
}

/// Creates a draft, tests and publishes it. Returns the action's id.
async fn create_action(
    api: &PlatformClient,
    integration_id: &str,
    input: &Input,
    out: &mut Output<impl Write>,
) -> Result<String, Box<dyn StdError>> {
    let contract = DataActionContract::new(
        JsonDocument::parse(
            r#"{"type": "object", "required": ["email"], "properties": {"email": {"type": "string"}}}"#,
        )?,
        JsonDocument::parse(r#"{"type": "object", "properties": {"name": {"type": "string"}}}"#)?,
    );
    let url = "/api/v2/externalcontacts/contacts?q=$esc.url(${input.email})";
    let config = DataActionConfig::new("GET", url)
        .map("name", "$.entities[0].firstName")
        .default_value("name", "\"nobody\"")
        .success_template(r#"{"name": ${name}}"#);
    let new = NewDataAction::new("Find a contact", NAME, integration_id, config, contract);
    let actions = api.data_actions();
    let draft = actions.create_draft(&new).await?;
    let test = actions.test_draft(&draft.id, input).await?;
    let steps: Vec<_> = test.steps.iter().map(|step| step.name.as_str()).collect();
    out.row("test", steps.join(", "))?;
    let action = actions.publish(&draft.id).await?;
    out.row("data action", &action.id)?;
    Ok(action.id)
}

/// Deletes what was created, in the opposite order.
pub(crate) async fn delete(api: &PlatformClient, created: Created) -> Result<(), Error> {
    let integrations = api.integrations();
    if let Some(id) = created.integration {
        integrations.delete(&id).await?;
    }
    if let Some(id) = created.credential {
        integrations.delete_credential(&id).await?;
    }
    for id in created.clients {
        api.oauth_clients().delete(&id).await?;
    }
    Ok(())
}

fn credential_of(client: &OAuthClientWithSecret) -> NewCredential {
    NewCredential::oauth_client(NAME, &client.client.id, client.secret.clone())
}

pub(crate) const NAME: &str = "CRM lookup";

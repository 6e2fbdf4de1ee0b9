//! Creates a data action from nothing, executes it, and cures it after a rotation of its secret.
//!
//! Without arguments it starts a sandbox, a Genesys Cloud on this machine:
//!
//! ```sh
//! cargo run --example data_action
//! ```
//!
//! ```text
//! A sandbox on this machine stands in for Genesys Cloud.
//!
//! From nothing to a data action
//!   OAuth client      …
//!   credential        …
//!   integration       … ACTIVE
//!   test              Check the input, Fill in the request, Authenticate, Execute,
//!                     Translate the response
//!   data action       …
//!
//! A customer's result
//!   executed          Ada
//!   by a flow         {"name":"Ada"}
//!
//! The secret is rotated, and the credential still has the old one
//!   error             … INVALID_CREDENTIALS: …
//!   issue             Integration fails after secret rotation
//!   likely cause      the old secret is still in use
//!   resolution        put the new secret into the integration's or program's
//!                     configuration: Admin → Integrations → the integration →
//!                     Configuration → Credentials
//!
//! The credential gets the new secret
//!   executed          Ada
//! ```
//!
//! With the variables `GENESYSCLOUD_OAUTHCLIENT_ID`, `GENESYSCLOUD_OAUTHCLIENT_SECRET` and
//! `GENESYSCLOUD_REGION` set, it does the same in that organisation, where no flow is run, and deletes at
//! the end what it has created. Its arguments are then the id of a role with
//! `externalContacts:contact:view`, which the caller has, too, and a customer's email address.
#![allow(
    clippy::disallowed_methods,
    reason = "an example may read the environment"
)]

#[path = "common/terminal.rs"]
#[allow(
    clippy::duplicate_mod,
    dead_code,
    reason = "the examples share it, and not all use all of it"
)]
pub(crate) mod terminal;

use std::{
    error::Error as StdError,
    io::{self, Write},
    process::ExitCode,
};

use genesys_cloud_auth::{
    Error, PlatformClient, TokenProvider,
    admin::{
        DataActionConfig, DataActionContract, JsonDocument, NewCredential, NewDataAction,
        NewOAuthClient, OAuthClientWithSecret,
    },
    sandbox::Sandbox,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use terminal::{Help, Output};

/// The input of the data action.
#[derive(Serialize)]
struct Input<'a> {
    email: &'a str,
}

/// Its result.
#[derive(Deserialize)]
struct Contact {
    name: String,
}

/// What a flow has after it called the data action.
#[derive(Deserialize)]
struct Flow {
    result: Value,
}

/// The ids of what was created.
#[derive(Default)]
struct Created {
    client: Option<String>,
    credential: Option<String>,
    integration: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    terminal::run(&HELP, run).await
}

async fn run(out: &mut Output, arguments: &[String]) -> Result<(), Box<dyn StdError>> {
    match arguments {
        [] => run_on_sandbox(out).await,
        [role, email] => {
            let tokens = TokenProvider::from_env()?;
            out.text(format_args!("Against region {}.", tokens.region()))?;
            let api = PlatformClient::new(tokens);
            let mut created = Created::default();
            let result = run_chain(&api, role, email, &mut created, None, out).await;
            delete(&api, created).await?;
            result
        }
        _ => Err(HELP.wrong_arguments()),
    }
}

/// Runs all steps against a Genesys Cloud on this machine.
///
/// # Errors
/// Those of the platform client.
pub(crate) async fn run_on_sandbox(out: &mut Output<impl Write>) -> Result<(), Box<dyn StdError>> {
    out.text("A sandbox on this machine stands in for Genesys Cloud.")?;
    let sandbox = Sandbox::start().await?;
    let role = sandbox.add_role(["externalContacts:contact:view"]);
    let tokens = TokenProvider::new(sandbox.region(), sandbox.client_credentials())?;
    let api = PlatformClient::new(tokens);
    let flow = Some("/api/v2/sandbox/flows");
    let created = &mut Created::default();
    run_chain(&api, &role, "ada@customer.example", created, flow, out).await
}

async fn run_chain(
    api: &PlatformClient,
    role: &str,
    email: &str,
    created: &mut Created,
    flow: Option<&str>,
    out: &mut Output<impl Write>,
) -> Result<(), Box<dyn StdError>> {
    heading(out, "From nothing to a data action")?;
    let new = NewOAuthClient::client_credentials(NAME)
        .description("Made by an example; can be deleted")
        .role(role, "*");
    let client = api.oauth_clients().create(&new).await?;
    created.client = Some(client.client.id.clone());
    out.row("OAuth client", &client.client.id)?;

    let integrations = api.integrations();
    let credential = integrations
        .create_credential(&credential_of(&client))
        .await?;
    created.credential = Some(credential.id.clone());
    out.row("credential", &credential.id)?;

    let integration_id = create_integration(api, &credential.id, created, out).await?;
    let input = Input { email };
    let action = create_action(api, &integration_id, &input, out).await?;
    heading(out, "A customer's result")?;
    let actions = api.data_actions();
    let execute = || actions.execute::<_, Contact>(&action, &input);
    out.row("executed", execute().await?.name)?;
    if let Some(flow) = flow {
        let request = api.post(flow).segment(&action).json(&input);
        let flow: Flow = request.fetch().await?;
        out.row("by a flow", flow.result)?;
    }

    heading(
        out,
        "The secret is rotated, and the credential still has the old one",
    )?;
    let renewed = api
        .oauth_clients()
        .regenerate_secret(&client.client.id)
        .await?;
    match execute().await {
        Ok(contact) => out.row(
            "executed",
            format_args!("{}, with its old token", contact.name),
        )?,
        Err(error) => out.failure(&error)?,
    }

    heading(out, "The credential gets the new secret")?;
    let new = credential_of(&renewed);
    integrations
        .replace_credential(&credential.id, &new)
        .await?;
    out.row("executed", execute().await?.name)?;
    Ok(())
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
    input: &Input<'_>,
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
async fn delete(api: &PlatformClient, created: Created) -> Result<(), Error> {
    let integrations = api.integrations();
    if let Some(id) = created.integration {
        integrations.delete(&id).await?;
    }
    if let Some(id) = created.credential {
        integrations.delete_credential(&id).await?;
    }
    if let Some(id) = created.client {
        api.oauth_clients().delete(&id).await?;
    }
    Ok(())
}

fn credential_of(client: &OAuthClientWithSecret) -> NewCredential {
    NewCredential::oauth_client(NAME, &client.client.id, client.secret.clone())
}

fn heading(out: &mut Output<impl Write>, text: &str) -> io::Result<()> {
    out.text(format_args!("\n{text}"))
}

const NAME: &str = "CRM lookup";

const HELP: Help = Help {
    about: "Creates a data action from nothing, executes it, and cures it after a rotation.",
    arguments: "none, or ROLE EMAIL",
    rows: &[
        ("none", "everything happens in a sandbox on this machine"),
        (
            "ROLE EMAIL",
            "the id of a role with externalContacts:contact:view, and a customer's email address; \
             everything happens in the organisation of the variables GENESYSCLOUD_…, and is deleted \
             at the end",
        ),
    ],
};

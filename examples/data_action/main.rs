//! Creates a data action from nothing, executes it, and rotates its secret while it is executed.
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
//!   test              Check the input, Authenticate, Fill in the request, Execute,
//!                     Translate the response
//!   data action       …
//!
//! A customer's result
//!   executed          Ada
//!   by a flow         {"name":"Ada"}
//!
//! A rotation under load, with a second client
//!   second client     …
//!   credential        has the second client's id and secret
//!   first client      disabled, so that its tokens end; deleted
//!   executions        … succeeded, 0 failed
//!
//! A rotation under load, without a second client
//!   interrupted       the rotation of the secret of the OAuth client
//!                     … stopped at the step “store
//!                     the secret”; remove the cause and resume it; the vault does
//!                     not have the new secret, which `into_secret` returns
//!   executions        … succeeded, … failed
//!   error             … INVALID_CREDENTIALS: …
//!   issue             Integration fails after secret rotation
//!   likely cause      the old secret is still in use
//!   resolution        put the new secret into the integration's or program's
//!                     configuration: Admin → Integrations → the integration →
//!                     Configuration → Credentials
//!
//! The rotation is resumed
//!   secret            is in the vault, and the token endpoint accepts it
//!   credential        has the new secret
//!   executions        … succeeded, 0 failed
//!   recheck           succeeded; once more in 18 h, when no token from before is
//!                     left
//! ```
//!
//! With the variables `GENESYSCLOUD_OAUTHCLIENT_ID`, `GENESYSCLOUD_OAUTHCLIENT_SECRET` and
//! `GENESYSCLOUD_REGION` set, it does the same in that organisation, where no flow is run, and deletes at
//! the end what it has created. Its arguments are then the id of a role with
//! `externalContacts:contact:view`, which the caller has, too, and a customer's email address. In the
//! rotation without a second client executions may succeed there with tokens from before.
#![allow(
    clippy::disallowed_methods,
    reason = "an example may read the clock and the environment"
)]

mod chain;
mod load;
mod rotation;
#[path = "../common/terminal.rs"]
pub(crate) mod terminal;

use std::{error::Error as StdError, io::Write, process::ExitCode, time::Duration};

use genesys_cloud_auth::{PlatformClient, TokenProvider, sandbox::Sandbox};
use serde::Deserialize;
use serde_json::Value;

use chain::{Created, LoadSetting, Setting, create_chain, delete};
use load::Executions;
use terminal::{Help, Output};

/// What a flow has after it called the data action.
#[derive(Deserialize)]
struct Flow {
    result: Value,
}

/// The executions during the rotations.
#[allow(dead_code, reason = "a test reads them")]
pub(crate) struct Counts {
    pub(crate) with_second_client: Executions,
    pub(crate) until_interrupted: Executions,
    pub(crate) since_resumed: Executions,
}

#[tokio::main]
async fn main() -> ExitCode {
    terminal::run(&HELP, run).await
}

async fn run(out: &mut Output, arguments: &[String]) -> Result<(), Box<dyn StdError>> {
    match arguments {
        [] => run_on_sandbox(out).await.map(drop),
        [role, email] => {
            let tokens = TokenProvider::from_env()?;
            out.text(format_args!("Against region {}.", tokens.region()))?;
            let setting = Setting {
                api: PlatformClient::new(tokens),
                role,
                email,
                flow: None,
                load: LoadSetting {
                    pause: Duration::from_millis(500),
                    executions: 1,
                },
            };
            let mut created = Created::default();
            let result = run_chain(&setting, &mut created, out).await;
            delete(&setting.api, created).await?;
            result.map(drop)
        }
        _ => Err(HELP.wrong_arguments()),
    }
}

/// Runs all steps against a Genesys Cloud on this machine.
///
/// # Errors
/// Those of the platform client.
pub(crate) async fn run_on_sandbox(
    out: &mut Output<impl Write>,
) -> Result<Counts, Box<dyn StdError>> {
    out.text("A sandbox on this machine stands in for Genesys Cloud.")?;
    let sandbox = Sandbox::start().await?;
    let tokens = TokenProvider::new(sandbox.region(), sandbox.client_credentials())?;
    let setting = Setting {
        api: PlatformClient::new(tokens),
        role: &sandbox.add_role(["externalContacts:contact:view"]),
        email: "ada@customer.example",
        flow: Some("/api/v2/sandbox/flows"),
        load: LoadSetting {
            pause: Duration::from_millis(5),
            executions: 20,
        },
    };
    run_chain(&setting, &mut Created::default(), out).await
}

async fn run_chain(
    setting: &Setting<'_>,
    created: &mut Created,
    out: &mut Output<impl Write>,
) -> Result<Counts, Box<dyn StdError>> {
    out.heading("From nothing to a data action")?;
    let chain = create_chain(setting, created, out).await?;

    out.heading("A customer's result")?;
    out.row("executed", chain.execute().await?.name)?;
    if let Some(flow) = setting.flow {
        let request = setting.api.post(flow).segment(&chain.action_id);
        let flow: Flow = request.json(&chain.input).fetch().await?;
        out.row("by a flow", flow.result)?;
    }

    out.heading("A rotation under load, with a second client")?;
    let with_second_client = rotation::with_second_client(&chain, created, out).await?;

    out.heading("A rotation under load, without a second client")?;
    let rotation = rotation::without_second_client(&chain, created)?;
    let until_interrupted = rotation.interrupt(out).await?;

    out.heading("The rotation is resumed")?;
    let since_resumed = rotation.resume(&chain, out).await?;
    Ok(Counts {
        with_second_client,
        until_interrupted,
        since_resumed,
    })
}

const HELP: Help = Help {
    about: "Creates a data action from nothing, executes it, and rotates its secret under load.",
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

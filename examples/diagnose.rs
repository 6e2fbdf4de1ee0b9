//! Names the row of Genesys Cloud's troubleshooting table that applies, and what to do about it.
//!
//! Without configuration it causes the errors of all six rows, one after the other, in a sandbox on this
//! machine:
//!
//! ```sh
//! cargo run --example diagnose
//! ```
//!
//! With the variables `GENESYSCLOUD_*` set it checks the region, stops at the first check that fails, and
//! names the row that applies. Add the API paths that your program calls as arguments:
//! `cargo run --example diagnose -- /api/v2/users`. It only reads.
#![allow(
    clippy::disallowed_methods,
    reason = "an example may read the environment"
)]

#[path = "common/terminal.rs"]
pub(crate) mod terminal;

use std::{
    error::Error as StdError,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use genesys_cloud_auth::{
    ClientCredentials, Error, FixedToken, PlatformClient, TokenProvider, error::Troubleshooting,
    sandbox::Sandbox,
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use terminal::{Help, Output};

#[derive(Deserialize)]
struct Client {
    secret: Option<SecretString>,
}

#[tokio::main]
async fn main() -> ExitCode {
    terminal::run(&HELP, run).await
}

async fn run(out: &mut Output, paths: &[String]) -> Result<(), Box<dyn StdError>> {
    if paths.iter().any(|path| !path.starts_with('/')) {
        return Err(HELP.wrong_arguments());
    }
    let configured = std::env::vars_os().any(|(name, _)| {
        let name = name.to_string_lossy();
        name.starts_with("GENESYSCLOUD_")
    });
    if !configured {
        return against_the_sandbox(out).await;
    }
    let organization = ["/api/v2/organizations/me".to_owned()];
    let paths = if paths.is_empty() {
        &organization
    } else {
        paths
    };
    let worked = match TokenProvider::from_env() {
        Ok(tokens) => against_the_region(tokens, paths, out).await?,
        Err(error) => report(out, "the configuration", &error)?,
    };
    if worked {
        Ok(())
    } else {
        Err("one of the checks failed".into())
    }
}

/// Causes the errors of all six rows, each in a sandbox of its own.
///
/// # Errors
/// An operation succeeded that should have failed, or the output was closed.
pub(crate) async fn against_the_sandbox(
    out: &mut Output<impl Write>,
) -> Result<(), Box<dyn StdError>> {
    out.text("The six rows of the troubleshooting table, in a sandbox on this machine.")?;
    out.text(
        "For your own organisation set GENESYSCLOUD_OAUTHCLIENT_ID, \
         GENESYSCLOUD_OAUTHCLIENT_SECRET and GENESYSCLOUD_REGION.",
    )?;
    show(out, "a token, with a wrong secret", &wrong_secret().await?)?;
    show(
        out,
        "the OAuth clients, with a role that may not see them",
        &missing_permission().await?,
    )?;
    show(
        out,
        "a call, a day after its token was issued",
        &expired_token().await?,
    )?;
    show(
        out,
        "a new OAuth client of the grant type CODE, with roles",
        &roles_of_another_grant().await?,
    )?;
    show(
        out,
        "credentials, from a client that was fetched",
        &no_secret().await?,
    )?;
    show(
        out,
        "a token, after the secret was regenerated",
        &rotated_secret().await?,
    )?;
    show(
        out,
        "a data action, after the secret was regenerated",
        &outdated_integration().await?,
    )?;
    Ok(())
}

async fn wrong_secret() -> Result<Error, Box<dyn StdError>> {
    let sandbox = Sandbox::start().await?;
    let credentials = ClientCredentials::new(sandbox.client_id(), "not-the-secret")?;
    let tokens = TokenProvider::new(sandbox.region(), credentials)?;
    failure(tokens.token().await)
}

async fn missing_permission() -> Result<Error, Box<dyn StdError>> {
    let sandbox = Sandbox::builder()
        .permissions(["directory:user:view"])
        .start()
        .await?;
    failure(client(&sandbox)?.get("/api/v2/oauth/clients").send().await)
}

async fn expired_token() -> Result<Error, Box<dyn StdError>> {
    let sandbox = Sandbox::start().await?;
    let token = client(&sandbox)?.tokens().token().await?;
    sandbox.advance(Duration::from_secs(86_400));
    // Nothing can renew a fixed token.
    let fixed = FixedToken::new(token.expose_secret())?;
    let api = PlatformClient::new(TokenProvider::new(sandbox.region(), fixed)?);
    failure(api.get("/api/v2/organizations/me").send().await)
}

async fn roles_of_another_grant() -> Result<Error, Box<dyn StdError>> {
    let sandbox = Sandbox::start().await?;
    let new = json!({
        "name": "CRM sync",
        "authorizedGrantType": "CODE",
        "registeredRedirectUri": ["https://crm.example/callback"],
        "roleDivisions": [{ "roleId": "any", "divisionId": "*" }],
    });
    let call = client(&sandbox)?.post("/api/v2/oauth/clients").json(&new);
    failure(call.send().await)
}

/// The API never returns the secret of an existing client.
async fn no_secret() -> Result<Error, Box<dyn StdError>> {
    let sandbox = Sandbox::start().await?;
    let api = client(&sandbox)?;
    let fetched: Client = api
        .get("/api/v2/oauth/clients")
        .segment(sandbox.client_id())
        .fetch()
        .await?;
    let secret = fetched.secret.unwrap_or_default();
    failure(ClientCredentials::new(sandbox.client_id(), secret))
}

async fn rotated_secret() -> Result<Error, Box<dyn StdError>> {
    let sandbox = Sandbox::start().await?;
    let tokens = TokenProvider::new(sandbox.region(), sandbox.client_credentials())?;
    let token = tokens.token().await?;
    sandbox.rotate_secret();
    tokens.invalidate(&token);
    failure(tokens.token().await)
}

async fn outdated_integration() -> Result<Error, Box<dyn StdError>> {
    let sandbox = Sandbox::start().await?;
    let api = client(&sandbox)?;
    api.tokens().token().await?;
    sandbox.rotate_secret();
    let action = format!(
        "/api/v2/integrations/actions/{}/execute",
        sandbox.data_action_id()
    );
    failure(api.post(&action).json(&json!({})).send().await)
}

fn client(sandbox: &Sandbox) -> Result<PlatformClient, Error> {
    let credentials = sandbox.client_credentials();
    Ok(PlatformClient::new(TokenProvider::new(
        sandbox.region(),
        credentials,
    )?))
}

fn failure<T>(outcome: Result<T, Error>) -> Result<Error, Box<dyn StdError>> {
    match outcome {
        Ok(_) => Err("this call should have failed".into()),
        Err(error) => Ok(error),
    }
}

/// Checks what can be checked without changing anything. Returns whether everything worked.
///
/// # Errors
/// The output was closed.
pub(crate) async fn against_the_region(
    tokens: TokenProvider,
    paths: &[String],
    out: &mut Output<impl Write>,
) -> io::Result<bool> {
    let api = PlatformClient::new(tokens);
    out.text(format_args!("Against region {}.", api.tokens().region()))?;
    works(out, "the configuration")?;
    if let Err(error) = api.tokens().ready(Duration::from_secs(10)).await {
        return report(out, "a token", &error);
    }
    works(out, "a token")?;
    if let Err(error) = api.tokens().token_info().await {
        return report(out, "the token at the API", &error);
    }
    works(out, "the token at the API")?;
    for path in paths {
        if let Err(error) = api.get(path).send().await {
            return report(out, path, &error);
        }
        works(out, path)?;
    }
    out.text(
        "\nNo row applies. Two are not checked, because that would change something: new OAuth \
         clients (row 4), and data actions (row 6).",
    )?;
    Ok(true)
}

fn works(out: &mut Output<impl Write>, what: &str) -> io::Result<()> {
    out.text(format_args!("  works   {what}"))
}

fn report(out: &mut Output<impl Write>, tried: &str, error: &Error) -> io::Result<bool> {
    out.text(format_args!("  fails   {tried}"))?;
    if error.troubleshooting().is_some() {
        show(out, tried, error)?;
    } else {
        out.text("\nNo row of the table applies:")?;
        out.row("error", error)?;
    }
    Ok(false)
}

/// Prints a row of the table with the error.
fn show(out: &mut Output<impl Write>, tried: &str, error: &Error) -> io::Result<()> {
    let row = error.troubleshooting();
    let row = row.ok_or_else(|| io::Error::other(format!("no row for {error}")))?;
    let number = Troubleshooting::ALL.iter().position(|other| *other == row);
    let number = number.map_or(0, |index| index + 1);
    out.text(format_args!("\n{number}. {}", row.issue()))?;
    out.row("tried", tried)?;
    out.row("likely cause", row.likely_cause())?;
    out.row("resolution", row.resolution())?;
    out.row("error", error)
}

const HELP: Help = Help {
    about: "Names the row of Genesys Cloud's troubleshooting table that applies, and what to do \
            about it. It only reads.",
    arguments: "[PATH …]",
    rows: &[
        (
            "PATH",
            "a path of the API that your program calls, such as /api/v2/users",
        ),
        (
            "GENESYSCLOUD_…",
            "the variables that your program has; without them the errors of all rows are caused \
             in a sandbox",
        ),
    ],
};

//! Shows what the crate is for: a valid token, in all circumstances.
//!
//! Without any configuration it starts a sandbox, a Genesys Cloud on this machine:
//!
//! ```sh
//! cargo run --example quickstart
//! ```
//!
//! ```text
//! A sandbox on this machine stands in for Genesys Cloud.
//! For your own organisation set GENESYSCLOUD_OAUTHCLIENT_ID,
//! GENESYSCLOUD_OAUTHCLIENT_SECRET and GENESYSCLOUD_REGION.
//!
//! The first token
//!   arrived after     8.9 ms
//!   valid for         23 h 59 min
//!   each later call   201 ns
//!
//! 1,000 concurrent callers without a token
//!   all served after  8.4 ms
//!   different tokens  1
//!   token requests    1
//!
//! The server revokes the token, and the next call succeeds
//!   organisation      Sandbox
//!   API requests      2
//!   token requests    1
//!
//! A wrong secret, and what to do about it
//!   error             POST 127.0.0.1:44353/oauth/token returned HTTP 400
//!                     invalid_client: authentication failed (correlation id
//!                     a7361f9f-5660-49ae-850d-c202f589ef7f); region
//!                     http://127.0.0.1:44353/ does not accept this client id
//!                     with this secret: one of them is wrong, the client is
//!                     disabled, or it belongs to another region; check them, and
//!                     regenerate the secret if it is lost (Admin → Integrations →
//!                     OAuth); the next token request is due in 4.2 s
//!   issue             Token request fails
//!   likely cause      wrong client id or secret
//!   resolution        check the client id, the secret and the region under Admin →
//!                     Integrations → OAuth; regenerate the secret if it is lost
//! ```
//!
//! With `GENESYSCLOUD_OAUTHCLIENT_ID`, `GENESYSCLOUD_OAUTHCLIENT_SECRET` and `GENESYSCLOUD_REGION`
//! set it runs against that region, and leaves out what would disturb other programs there.
#![allow(
    clippy::disallowed_methods,
    reason = "an example may read the clock and the environment"
)]

#[path = "common/terminal.rs"]
pub(crate) mod terminal;

use std::{collections::HashSet, error::Error, io::Write, process::ExitCode, time::Instant};

use genesys_cloud_auth::{ClientCredentials, PlatformClient, TokenProvider, sandbox::Sandbox};
use serde::Deserialize;

use terminal::{Help, Output, milliseconds};

#[derive(Deserialize)]
struct Organization {
    name: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    terminal::run(&HELP, run).await
}

async fn run(out: &mut Output, arguments: &[String]) -> Result<(), Box<dyn Error>> {
    if !arguments.is_empty() {
        return Err(HELP.wrong_arguments());
    }
    let configured = ["GENESYSCLOUD_OAUTHCLIENT_ID", "GENESYSCLOUD_ACCESS_TOKEN"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    if configured {
        against_the_region(out).await
    } else {
        let sandbox = Sandbox::start().await?;
        against_the_sandbox(&sandbox, out).await
    }
}

/// Runs all steps against a Genesys Cloud on this machine.
///
/// # Errors
/// Those of a service.
pub(crate) async fn against_the_sandbox(
    sandbox: &Sandbox,
    out: &mut Output<impl Write>,
) -> Result<(), Box<dyn Error>> {
    out.text("A sandbox on this machine stands in for Genesys Cloud.")?;
    out.text(
        "For your own organisation set GENESYSCLOUD_OAUTHCLIENT_ID, \
         GENESYSCLOUD_OAUTHCLIENT_SECRET and GENESYSCLOUD_REGION.",
    )?;

    let tokens = TokenProvider::new(sandbox.region(), sandbox.client_credentials())?;
    first_token(&tokens, out).await?;

    let before = sandbox.token_requests();
    let fresh = TokenProvider::new(sandbox.region(), sandbox.client_credentials())?;
    herd(&fresh, out).await?;
    let requests = sandbox.token_requests() - before;
    out.row("token requests", requests)?;

    out.heading("The server revokes the token, and the next call succeeds")?;
    let (before, calls) = (sandbox.token_requests(), sandbox.api_requests());
    sandbox.revoke_access_tokens();
    let api = PlatformClient::new(tokens);
    let organization: Organization = api.get("/api/v2/organizations/me").fetch().await?;
    out.row("organisation", &organization.name)?;
    out.row("API requests", sandbox.api_requests() - calls)?;
    out.row("token requests", sandbox.token_requests() - before)?;

    out.heading("A wrong secret, and what to do about it")?;
    let wrong = ClientCredentials::new(sandbox.client_id(), "not-the-secret")?;
    let tokens = TokenProvider::new(sandbox.region(), wrong)?;
    if let Err(error) = tokens.token().await {
        out.failure(&error)?;
    }
    Ok(())
}

/// Runs the harmless steps against the region that the environment names.
async fn against_the_region(out: &mut Output<impl Write>) -> Result<(), Box<dyn Error>> {
    let tokens = TokenProvider::from_env()?;
    out.text(format_args!("Against region {}.", tokens.region()))?;
    first_token(&tokens, out).await?;
    herd(&TokenProvider::from_env()?, out).await?;

    out.heading("The owner of the token")?;
    let info = tokens.token_info().await?;
    let name = |entity: Option<genesys_cloud_auth::NamedEntity>| {
        entity
            .and_then(|entity| entity.name)
            .unwrap_or_else(|| "unknown".into())
    };
    out.row("organisation", name(info.organization))?;
    out.row("OAuth client", name(info.oauth_client))?;
    out.text("\nRevoking the token and trying a wrong secret are left out.")?;
    Ok(())
}

async fn first_token(
    tokens: &TokenProvider,
    out: &mut Output<impl Write>,
) -> Result<(), Box<dyn Error>> {
    out.heading("The first token")?;
    let start = Instant::now();
    let token = tokens.token().await?;
    out.row("arrived after", milliseconds(start.elapsed()))?;
    if let Some(life) = token.expires_in() {
        let minutes = life.as_secs() / 60;
        out.row(
            "valid for",
            format_args!("{} h {} min", minutes / 60, minutes % 60),
        )?;
    }
    let start = Instant::now();
    for _ in 0..1_000 {
        tokens.token().await?;
    }
    let each = start.elapsed().as_nanos() / 1_000;
    out.row("each later call", format_args!("{each} ns"))?;
    Ok(())
}

async fn herd(tokens: &TokenProvider, out: &mut Output<impl Write>) -> Result<(), Box<dyn Error>> {
    out.heading("1,000 concurrent callers without a token")?;
    let start = Instant::now();
    let callers: Vec<_> = (0..1_000)
        .map(|_| {
            let tokens = tokens.clone();
            tokio::spawn(async move { tokens.token().await })
        })
        .collect();
    let mut different = HashSet::new();
    for caller in callers {
        different.insert(caller.await??.expose_secret().to_owned());
    }
    out.row("all served after", milliseconds(start.elapsed()))?;
    out.row("different tokens", different.len())?;
    Ok(())
}

const HELP: Help = Help {
    about: "Shows what the crate is for: a valid token, in all circumstances.",
    arguments: "none",
    rows: &[(
        "GENESYSCLOUD_…",
        "the variables OAUTHCLIENT_ID, OAUTHCLIENT_SECRET and REGION name a client of your own \
         organisation; without them it runs in a sandbox",
    )],
};

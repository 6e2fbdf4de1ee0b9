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
//!   arrived after     2.0 ms
//!   valid for         23 h 59 min
//!   each later call   197 ns
//!
//! 1,000 concurrent callers without a token
//!   all served after  11.8 ms
//!   different tokens  1
//!   token requests    1
//!
//! The server revokes the token, and the next call succeeds
//!   organisation      Sandbox
//!   API requests      2
//!   token requests    1
//!
//! A wrong secret, and what to do about it
//!   error             POST /oauth/token returned HTTP 400 invalid_client:
//!                     authentication failed (correlation id
//!                     a7361f9f-5660-49ae-850d-c202f589ef7f); region
//!                     http://127.0.0.1:44353/ does not accept this client id
//!                     with this secret: one of them is wrong, the client is
//!                     disabled, or it belongs to another region; check them, and
//!                     regenerate the secret if it is lost (Admin → Integrations
//!                     → OAuth) (the next token request is due in 5.3 s)
//!   issue             Token request fails
//!   likely cause      wrong client id or secret
//!   resolution        check the client id, the secret and the region under Admin
//!                     → Integrations → OAuth; regenerate the secret if it is
//!                     lost
//! ```
//!
//! With `GENESYSCLOUD_OAUTHCLIENT_ID`, `GENESYSCLOUD_OAUTHCLIENT_SECRET` and `GENESYSCLOUD_REGION`
//! set it runs against that region, and leaves out what would disturb other programs there.
#![allow(
    clippy::disallowed_methods,
    reason = "an example may read the clock and the environment"
)]

use std::{
    collections::HashSet,
    error::Error,
    io::{self, Write},
    time::{Duration, Instant},
};

use genesys_cloud_auth::{ClientCredentials, PlatformClient, TokenProvider, sandbox::Sandbox};
use serde::Deserialize;

#[derive(Deserialize)]
struct Organization {
    name: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let out = &mut io::stdout();
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
pub async fn against_the_sandbox(
    sandbox: &Sandbox,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    writeln!(
        out,
        "A sandbox on this machine stands in for Genesys Cloud."
    )?;
    writeln!(
        out,
        "For your own organisation set GENESYSCLOUD_OAUTHCLIENT_ID,"
    )?;
    writeln!(
        out,
        "GENESYSCLOUD_OAUTHCLIENT_SECRET and GENESYSCLOUD_REGION."
    )?;

    let tokens = TokenProvider::new(sandbox.region(), sandbox.client_credentials())?;
    first_token(&tokens, out).await?;

    let before = sandbox.token_requests();
    let fresh = TokenProvider::new(sandbox.region(), sandbox.client_credentials())?;
    herd(&fresh, out).await?;
    let requests = sandbox.token_requests() - before;
    row(out, "token requests", requests)?;

    heading(
        out,
        "The server revokes the token, and the next call succeeds",
    )?;
    let (before, calls) = (sandbox.token_requests(), sandbox.api_requests());
    sandbox.revoke_access_tokens();
    let api = PlatformClient::new(tokens);
    let organization: Organization = api.get("/api/v2/organizations/me").fetch().await?;
    row(out, "organisation", &organization.name)?;
    row(out, "API requests", sandbox.api_requests() - calls)?;
    row(out, "token requests", sandbox.token_requests() - before)?;

    heading(out, "A wrong secret, and what to do about it")?;
    let wrong = ClientCredentials::new(sandbox.client_id(), "not-the-secret")?;
    let tokens = TokenProvider::new(sandbox.region(), wrong)?;
    if let Err(error) = tokens.token().await {
        paragraph(out, "error", &error.to_string())?;
        if let Some(help) = error.troubleshooting() {
            paragraph(out, "issue", help.issue())?;
            paragraph(out, "likely cause", help.likely_cause())?;
            paragraph(out, "resolution", help.resolution())?;
        }
    }
    Ok(())
}

/// Runs the harmless steps against the region that the environment names.
async fn against_the_region(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let tokens = TokenProvider::from_env()?;
    writeln!(out, "Against region {}.", tokens.region())?;
    first_token(&tokens, out).await?;
    herd(&TokenProvider::from_env()?, out).await?;

    heading(out, "The owner of the token")?;
    let info = tokens.token_info().await?;
    let name = |entity: Option<genesys_cloud_auth::NamedEntity>| {
        entity
            .and_then(|entity| entity.name)
            .unwrap_or_else(|| "unknown".into())
    };
    row(out, "organisation", name(info.organization))?;
    row(out, "OAuth client", name(info.oauth_client))?;
    writeln!(
        out,
        "\nRevoking the token and trying a wrong secret are left out."
    )?;
    Ok(())
}

async fn first_token(tokens: &TokenProvider, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    heading(out, "The first token")?;
    let start = Instant::now();
    let token = tokens.token().await?;
    row(out, "arrived after", milliseconds(start.elapsed()))?;
    if let Some(life) = token.expires_in() {
        let minutes = life.as_secs() / 60;
        row(
            out,
            "valid for",
            format_args!("{} h {} min", minutes / 60, minutes % 60),
        )?;
    }
    let start = Instant::now();
    for _ in 0..1_000 {
        tokens.token().await?;
    }
    let each = start.elapsed().as_nanos() / 1_000;
    row(out, "each later call", format_args!("{each} ns"))?;
    Ok(())
}

async fn herd(tokens: &TokenProvider, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    heading(out, "1,000 concurrent callers without a token")?;
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
    row(out, "all served after", milliseconds(start.elapsed()))?;
    row(out, "different tokens", different.len())?;
    Ok(())
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}

fn heading(out: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(out, "\n{text}")
}

fn row(out: &mut impl Write, name: &str, value: impl std::fmt::Display) -> io::Result<()> {
    writeln!(out, "  {name:<17} {value}")
}

/// Prints a row whose text is wrapped.
fn paragraph(out: &mut impl Write, name: &str, text: &str) -> io::Result<()> {
    let (mut name, mut line) = (name, String::new());
    for word in text.split(' ') {
        if line.chars().count() + word.chars().count() > 57 {
            row(out, name, &line)?;
            name = "";
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    row(out, name, &line)
}

//! Exchanges a SAML assertion for the token of the user that it names.
//!
//! Without arguments it starts a sandbox, a Genesys Cloud on this machine, makes assertions for it,
//! and lets days pass:
//!
//! ```sh
//! cargo run --example saml2_bearer
//! ```
//!
//! ```text
//! A sandbox on this machine stands in for Genesys Cloud and for an identity
//! provider.
//!
//! An assertion becomes a token
//!   user              User 1
//!   email address     user1@sandbox.example
//!   organisation      Sandbox
//!   token requests    1
//!
//! A day later the source is asked for another one
//!   user              User 1
//!   email address     user1@sandbox.example
//!   organisation      Sandbox
//!   token requests    2
//!
//! A used assertion is not sent again
//!   error             the SAML assertion was already used; get a new one from the
//!                     identity provider. To renew automatically use
//!                     `Assertion::from_fn`; a longer token duration (Admin →
//!                     Integrations → OAuth) makes renewals rarer
//!   issue             Token expired
//!   likely cause      the token's lifetime is exceeded
//!   resolution        use a grant that renews the token before it expires (client
//!                     credentials), or set a token duration that fits under Admin
//!                     → Integrations → OAuth → the client
//!
//! An expired assertion is not sent
//!   error             the SAML assertion expired at … GMT;
//!                     get a new one from the identity provider. To renew
//!                     automatically use `Assertion::from_fn`; a longer token
//!                     duration (Admin → Integrations → OAuth) makes renewals rarer
//!   issue             Token expired
//!   likely cause      the token's lifetime is exceeded
//!   resolution        use a grant that renews the token before it expires (client
//!                     credentials), or set a token duration that fits under Admin
//!                     → Integrations → OAuth → the client
//!   token requests    3
//! ```
//!
//! For your own organisation, pass the region, an OAuth client of the grant type "SAML2 Bearer", the
//! organisation's short name, and a file with an assertion, or `-` for standard input: the value of
//! `SAMLResponse` as an identity provider posts it, or XML. The client's secret is read from
//! `GENESYSCLOUD_OAUTHCLIENT_SECRET`, or from the file that `GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE`
//! names:
//!
//! ```sh
//! cargo run --example saml2_bearer -- eu-west-1 CLIENT_ID my-org assertion.txt
//! ```
#![allow(
    clippy::disallowed_methods,
    reason = "an example may read the environment and its arguments"
)]

#[path = "common/client_secret.rs"]
mod client_secret;
#[path = "common/terminal.rs"]
pub(crate) mod terminal;

use std::{
    error::Error as StdError,
    fs,
    io::{self, Read, Write},
    process::ExitCode,
    time::Duration,
};

use genesys_cloud_auth::{
    Assertion, Clock, Error, PlatformClient, Region, Saml2Bearer, TokenProvider, sandbox::Sandbox,
};
use serde::Deserialize;

use client_secret::client_secret;
use terminal::{Help, Output};

#[derive(Deserialize)]
struct User {
    name: String,
    email: Option<String>,
}

#[derive(Deserialize)]
struct Organization {
    name: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    terminal::run(&HELP, run).await
}

async fn run(out: &mut Output, arguments: &[String]) -> Result<(), Box<dyn StdError>> {
    match arguments {
        [] => run_on_sandbox(out).await,
        [region, client_id, org, file] => {
            let grant = Saml2Bearer::new(client_id, client_secret()?, org, read(file)?)?;
            run_on_region(region.parse()?, grant, out).await
        }
        _ => Err(HELP.wrong_arguments()),
    }
}

fn read(file: &str) -> Result<Vec<u8>, Box<dyn StdError>> {
    if file != "-" {
        return fs::read(file).map_err(|error| format!("{file}: {error}").into());
    }
    let mut assertion = Vec::new();
    io::stdin().read_to_end(&mut assertion)?;
    Ok(assertion)
}

/// Prints the user whose token the assertion gets. An assertion gets one token: a program that runs
/// for longer than its life uses `Assertion::from_fn`.
///
/// # Errors
/// If the assertion gets no token, or the output was closed.
pub(crate) async fn run_on_region(
    region: Region,
    grant: Saml2Bearer,
    out: &mut Output<impl Write>,
) -> Result<(), Box<dyn StdError>> {
    let tokens = TokenProvider::new(region, grant)?;
    print_user(&tokens, out).await
}

/// Runs through several days in a sandbox whose clock the program moves.
///
/// # Errors
/// If a step has another outcome than expected, or the output was closed.
pub(crate) async fn run_on_sandbox(out: &mut Output<impl Write>) -> Result<(), Box<dyn StdError>> {
    out.text(
        "A sandbox on this machine stands in for Genesys Cloud and for an identity provider.",
    )?;
    let builder = Sandbox::builder().saml_client("https://app.example/saml");
    let sandbox = builder.start().await?;
    let user = sandbox.users().remove(0);
    // Each call makes a new assertion.
    let idp = sandbox.assertions(&user);

    let source = idp.clone();
    let assertion = Assertion::from_fn(move || {
        let assertion = source.saml_response();
        async move { Ok(assertion.into()) }
    });
    let clock = Clock::manual();
    let tokens = provider(&sandbox, assertion, &clock)?;
    out.heading("An assertion becomes a token")?;
    print_user(&tokens, out).await?;
    out.row("token requests", sandbox.token_requests())?;

    advance_a_day(&sandbox, &clock);
    out.heading("A day later the source is asked for another one")?;
    print_user(&tokens, out).await?;
    out.row("token requests", sandbox.token_requests())?;

    out.heading("A used assertion is not sent again")?;
    let used = idp.clone().lifetime(Duration::from_secs(7 * 86_400));
    let tokens = provider(&sandbox, used.saml_response().into(), &clock)?;
    tokens.token().await?;
    advance_a_day(&sandbox, &clock);
    out.failure(&expect_error(tokens.token().await)?)?;

    out.heading("An expired assertion is not sent")?;
    let tokens = provider(&sandbox, idp.saml_response().into(), &clock)?;
    advance_a_day(&sandbox, &clock);
    out.failure(&expect_error(tokens.token().await)?)?;
    out.row("token requests", sandbox.token_requests())?;
    Ok(())
}

fn provider(
    sandbox: &Sandbox,
    assertion: Assertion,
    clock: &Clock,
) -> Result<TokenProvider, Error> {
    let (id, secret) = (sandbox.client_id(), sandbox.client_secret());
    let grant = Saml2Bearer::new(id, secret, sandbox.org_short_name(), assertion)?;
    TokenProvider::builder(sandbox.region(), grant)
        .clock(clock.clone())
        .build()
}

fn advance_a_day(sandbox: &Sandbox, clock: &Clock) {
    let day = Duration::from_secs(86_400);
    sandbox.advance(day);
    clock.advance(day);
}

/// Prints the user as Genesys Cloud knows it, since nothing here has verified the assertion.
async fn print_user(
    tokens: &TokenProvider,
    out: &mut Output<impl Write>,
) -> Result<(), Box<dyn StdError>> {
    let api = PlatformClient::new(tokens.clone());
    let user: User = api.get("/api/v2/users/me").fetch().await?;
    let organization: Organization = api.get("/api/v2/organizations/me").fetch().await?;
    out.row("user", user.name)?;
    if let Some(email) = user.email {
        out.row("email address", email)?;
    }
    out.row("organisation", organization.name)?;
    Ok(())
}

fn expect_error<T>(outcome: Result<T, Error>) -> Result<Error, Box<dyn StdError>> {
    outcome
        .err()
        .ok_or_else(|| "this should not have succeeded".into())
}

const HELP: Help = Help {
    about: "Exchanges a SAML assertion for the token of the user that it names.",
    arguments: "REGION CLIENT_ID ORG FILE, or none for the sandbox",
    rows: &[
        ("REGION", "the region, such as eu-west-1"),
        (
            "CLIENT_ID",
            "an OAuth client of the grant type SAML2 Bearer; its secret is in \
             GENESYSCLOUD_OAUTHCLIENT_SECRET, or in the file that \
             GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE names",
        ),
        ("ORG", "the organisation's short name"),
        (
            "FILE",
            "an assertion in XML or base64, or - for the standard input",
        ),
    ],
};

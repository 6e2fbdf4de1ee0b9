//! A SAML assertion becomes the token of the user whom it names.
//!
//! With no argument it starts a sandbox, a Genesys Cloud on this machine, with assertions made for
//! the run, and lets a day pass:
//!
//! ```sh
//! cargo run --example saml2_bearer
//! ```
//!
//! For your own organisation name the region, an OAuth client of the grant type "SAML2 Bearer", the
//! organisation's short name, and a file with an assertion, or `-` for standard input: the value of
//! `SAMLResponse` as an identity provider posts it, or XML. The client's secret is in
//! `GENESYSCLOUD_OAUTHCLIENT_SECRET`, or in the file that `GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE`
//! names:
//!
//! ```sh
//! cargo run --example saml2_bearer -- eu-west-1 CLIENT_ID my-org assertion.txt
//! ```
#![allow(
    clippy::disallowed_methods,
    reason = "an example may read the environment and its arguments"
)]

use std::{
    env,
    error::Error as StdError,
    fmt::Display,
    fs,
    io::{self, Read, Write},
    process::ExitCode,
    time::Duration,
};

use genesys_cloud_auth::{
    Assertion, ClientSecret, Clock, Error, PlatformClient, Region, Saml2Bearer, TokenProvider,
    sandbox::Sandbox,
};
use serde::Deserialize;

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
    let out = &mut io::stdout();
    match run(out).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(out, "\nThis did not succeed");
            let _ = match error.downcast_ref::<Error>() {
                Some(error) => explain(out, error),
                None => paragraph(out, "error", &error.to_string()),
            };
            ExitCode::FAILURE
        }
    }
}

async fn run(out: &mut impl Write) -> Result<(), Box<dyn StdError>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => against_the_sandbox(out).await,
        [region, client_id, org, file] => {
            let secret = match env::var_os("GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE") {
                Some(file) => ClientSecret::from_file(file),
                None => ClientSecret::from_env("GENESYSCLOUD_OAUTHCLIENT_SECRET"),
            };
            let grant = Saml2Bearer::new(client_id, secret, org, read(file)?)?;
            against_the_region(region.parse()?, grant, out).await
        }
        _ => Err("the arguments are REGION CLIENT_ID ORG FILE, or none for the sandbox".into()),
    }
}

fn read(file: &str) -> io::Result<Vec<u8>> {
    if file != "-" {
        return fs::read(file);
    }
    let mut assertion = Vec::new();
    io::stdin().read_to_end(&mut assertion)?;
    Ok(assertion)
}

/// Says whose token an assertion becomes. It gives one: a program that runs for longer than that
/// lives takes `Assertion::from_fn`.
///
/// # Errors
/// Why it became none, or that the output was closed.
pub async fn against_the_region(
    region: Region,
    grant: Saml2Bearer,
    out: &mut impl Write,
) -> Result<(), Box<dyn StdError>> {
    let tokens = TokenProvider::new(region, grant)?;
    who(&tokens, out).await
}

/// What a day brings, in a sandbox whose clock the program moves.
///
/// # Errors
/// That something did not go as it should, or that the output was closed.
pub async fn against_the_sandbox(out: &mut impl Write) -> Result<(), Box<dyn StdError>> {
    writeln!(
        out,
        "A sandbox on this machine stands in for Genesys Cloud and for an identity provider."
    )?;
    let builder = Sandbox::builder().saml_client("https://app.example/saml");
    let sandbox = builder.start().await?;
    let user = sandbox.users().remove(0);
    // Each that it gives is a new one.
    let idp = sandbox.assertions(&user);

    let source = idp.clone();
    let assertion = Assertion::from_fn(move || {
        let assertion = source.saml_response();
        async move { Ok(assertion.into()) }
    });
    let clock = Clock::manual();
    let tokens = provider(&sandbox, assertion, &clock)?;
    writeln!(out, "\nAn assertion becomes a token")?;
    who(&tokens, out).await?;
    row(out, "token requests", sandbox.token_requests())?;

    a_day_passes(&sandbox, &clock);
    writeln!(out, "\nA day later the source is asked for another one")?;
    who(&tokens, out).await?;
    row(out, "token requests", sandbox.token_requests())?;

    writeln!(out, "\nOne that was used before is not sent again")?;
    let used = idp.clone().lifetime(Duration::from_secs(7 * 86_400));
    let tokens = provider(&sandbox, used.saml_response().into(), &clock)?;
    tokens.token().await?;
    a_day_passes(&sandbox, &clock);
    explain(out, &failure(tokens.token().await)?)?;

    writeln!(out, "\nNor is one that is out of date")?;
    let tokens = provider(&sandbox, idp.saml_response().into(), &clock)?;
    a_day_passes(&sandbox, &clock);
    explain(out, &failure(tokens.token().await)?)?;
    row(out, "token requests", sandbox.token_requests())?;
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

fn a_day_passes(sandbox: &Sandbox, clock: &Clock) {
    let day = Duration::from_secs(86_400);
    sandbox.advance(day);
    clock.advance(day);
}

/// Whose token it is, as Genesys Cloud says it: what the assertion says, nobody here has verified.
async fn who(tokens: &TokenProvider, out: &mut impl Write) -> Result<(), Box<dyn StdError>> {
    let api = PlatformClient::new(tokens.clone());
    let user: User = api.get("/api/v2/users/me").fetch().await?;
    let organization: Organization = api.get("/api/v2/organizations/me").fetch().await?;
    row(out, "user", user.name)?;
    if let Some(email) = user.email {
        row(out, "email address", email)?;
    }
    row(out, "organisation", organization.name)?;
    Ok(())
}

fn failure<T>(outcome: Result<T, Error>) -> Result<Error, Box<dyn StdError>> {
    outcome
        .err()
        .ok_or_else(|| "this should have failed".into())
}

/// What went wrong, and what to do about it.
fn explain(out: &mut impl Write, error: &Error) -> io::Result<()> {
    paragraph(out, "error", &error.to_string())?;
    if let Some(help) = error.troubleshooting() {
        paragraph(out, "issue", help.issue())?;
        paragraph(out, "likely cause", help.likely_cause())?;
        paragraph(out, "resolution", help.resolution())?;
    }
    Ok(())
}

fn row(out: &mut impl Write, name: &str, value: impl Display) -> io::Result<()> {
    writeln!(out, "  {name:<17} {value}")
}

/// A row whose text goes on below itself.
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

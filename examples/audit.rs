//! Checks the OAuth clients and credentials of an organisation against good practice.
//!
//! Without configuration it makes some clients in a sandbox on this machine, most with a fault, and lets
//! 100 days pass:
//!
//! ```sh
//! cargo run --example audit
//! ```
//!
//! ```text
//! The clients of a sandbox on this machine, 100 days after most were created.
//! For your own organisation set GENESYSCLOUD_OAUTHCLIENT_ID,
//! GENESYSCLOUD_OAUTHCLIENT_SECRET and GENESYSCLOUD_REGION.
//!
//! OAuth clients: 4. Findings: 15. Not checked: 2.
//!
//! implicit grant
//!   subject           client Old wallboard (…)
//!   finding           it has the implicit grant, whose published end is May 2027 …
//!   cure              move its app to the authorization code with PKCE, and change
//!                     the grant type
//!
//! administrative roles
//!   subject           client Sandbox client (…)
//!   finding           its roles may administer: Sandbox (*:*:*)
//!   cure              give it a role with only the permissions for the calls that
//!                     it makes
//!
//! …
//!
//! age of the secret, not checked
//!   subject           client Nightly export (…)
//!   reason            its secret is 0 to 100 days old, and 90 are allowed; the API
//!                     does not tell
//!   cure              give the audit the date of the secret, or rotate the secret
//!
//! Passed
//!   implicit grant        3
//!   administrative roles  3
//!   all divisions         2
//!   redirect URIs         4
//!   token duration        2
//!   age of the secret     1
//!   use                   2
//!   state                 3
//!   description           1
//!   credentials           0
//!   idle timeout          0
//! ```
//!
//! With the variables `GENESYSCLOUD_*` set it checks the clients of your organisation. It only reads.
//! `--markdown` prints tables for a review, and `--json` the report for a program.
#![allow(
    clippy::disallowed_methods,
    reason = "an example may read the clock and the environment"
)]

#[path = "common/terminal.rs"]
pub(crate) mod terminal;

use std::{
    error::Error as StdError,
    io::{self, Write},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use genesys_cloud_auth::{
    ClientCredentials, PlatformClient, TokenProvider,
    admin::{NewCredential, NewOAuthClient},
    audit::AuditReport,
    sandbox::Sandbox,
};
use serde_json::{Value, json};

use terminal::{Help, Output};

#[tokio::main]
async fn main() -> ExitCode {
    terminal::run(&HELP, run).await
}

async fn run(out: &mut Output, arguments: &[String]) -> Result<(), Box<dyn StdError>> {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let form = match arguments[..] {
        [] => Form::Text,
        ["--markdown"] => Form::Markdown,
        ["--json"] => Form::Json,
        _ => return Err(HELP.wrong_arguments()),
    };
    let configured = std::env::vars_os().any(|(name, _)| {
        let name = name.to_string_lossy();
        name.starts_with("GENESYSCLOUD_")
    });
    let report = if configured {
        PlatformClient::new(TokenProvider::from_env()?)
            .audit()
            .run()
            .await?
    } else {
        if matches!(form, Form::Text) {
            out.text(
                "The clients of a sandbox on this machine, 100 days after most were created.",
            )?;
            out.text(
                "For your own organisation set GENESYSCLOUD_OAUTHCLIENT_ID, \
                 GENESYSCLOUD_OAUTHCLIENT_SECRET and GENESYSCLOUD_REGION.",
            )?;
        }
        of_the_sandbox().await?
    };
    show(out, &report, form)?;
    Ok(())
}

#[derive(Clone, Copy)]
pub(crate) enum Form {
    Text,
    Markdown,
    Json,
}

/// Audits a sandbox with clients that have faults.
///
/// # Errors
/// A call failed.
pub(crate) async fn of_the_sandbox() -> Result<AuditReport, Box<dyn StdError>> {
    let sandbox = Sandbox::builder().integration_credentials(0);
    let sandbox = sandbox.start().await?;
    let tokens = TokenProvider::new(sandbox.region(), sandbox.client_credentials())?;
    let api = PlatformClient::new(tokens);
    let clients = api.oauth_clients();
    let reader = sandbox.add_role(["directory:user:view", "oauth:client:view"]);

    let sync = NewOAuthClient::client_credentials("CRM sync").role(&reader, sandbox.division_id());
    let sync = clients.create(&sync).await?;
    let export = NewOAuthClient::client_credentials("Nightly export")
        .role(&reader, "*")
        .token_duration(Duration::from_secs(172_800));
    let export = clients.create(&export).await?;
    // Such a client is older than the library, which creates none.
    let implicit = json!({
        "name": "Old wallboard",
        "authorizedGrantType": "TOKEN",
        "registeredRedirectUri": ["https://wallboard.example/"],
        "scope": ["users:readonly"],
        "accessTokenValiditySeconds": 64_800,
    });
    let request = api.post("/api/v2/oauth/clients").json(&implicit);
    request.fetch::<Value>().await?;

    // Its integration was deleted.
    let left = NewCredential::basic_auth("Old CRM", "jo", "a password");
    api.integrations().create_credential(&left).await?;

    let days = Duration::from_secs(100 * 86_400);
    sandbox.advance(days);
    clients.disable(&export.client.id).await?;
    let owner = "Copies contacts. Owner: crm-team@example.com";
    clients
        .update(&sync.client.id, |client| {
            client.description = Some(owner.into());
        })
        .await?;
    let credentials = ClientCredentials::new(sync.client.id, sync.secret)?;
    let sync = PlatformClient::new(TokenProvider::new(sandbox.region(), credentials)?);
    sync.oauth_clients().list().await?;

    let now = SystemTime::now() + days;
    let audit = api.audit().at(now);
    Ok(audit
        .max_secret_age(Duration::from_secs(90 * 86_400))
        .run()
        .await?)
}

/// Prints a report.
///
/// # Errors
/// The output was closed.
pub(crate) fn show(
    out: &mut Output<impl Write>,
    report: &AuditReport,
    form: Form,
) -> io::Result<()> {
    match form {
        Form::Text => show_text(out, report),
        Form::Markdown => out.verbatim(report.markdown().trim_end()),
        Form::Json => out.verbatim(serde_json::to_string_pretty(report)?),
    }
}

fn show_text(out: &mut Output<impl Write>, report: &AuditReport) -> io::Result<()> {
    let (findings, not_checked) = (report.findings.len(), report.not_checked.len());
    out.text(format_args!(
        "\nOAuth clients: {}. Findings: {findings}. Not checked: {not_checked}.",
        report.clients
    ))?;
    for finding in &report.findings {
        out.heading(finding.check())?;
        out.row("subject", &finding.subject)?;
        out.row("finding", finding)?;
        out.row("cure", finding.cure())?;
    }
    for one in &report.not_checked {
        out.heading(format_args!("{}, not checked", one.check))?;
        out.row("subject", &one.subject)?;
        out.row("reason", one)?;
        out.row("cure", &one.cure)?;
    }
    out.heading("Passed")?;
    for (check, number) in &report.passed {
        out.text(format_args!("  {check:<21} {number}"))?;
    }
    Ok(())
}

const HELP: Help = Help {
    about: "Checks the OAuth clients and credentials of an organisation against good practice. It only \
        reads.",
    arguments: "[--markdown | --json]",
    rows: &[
        ("--markdown", "prints tables for a review"),
        ("--json", "prints the report for a program"),
        (
            "GENESYSCLOUD_…",
            "the variables that your program has; without them the clients are those of a sandbox",
        ),
    ],
};

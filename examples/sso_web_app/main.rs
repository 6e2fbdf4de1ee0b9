//! A web application whose users log in at their company's identity provider, by SAML: it calls the
//! Genesys Cloud API as each of them.
//!
//! Without arguments it starts a sandbox, a Genesys Cloud on this machine, and an identity provider
//! that lets each visitor log in as any user:
//!
//! ```sh
//! cargo run --example sso_web_app
//! ```
//!
//! ```text
//! A sandbox on this machine stands in for Genesys Cloud and for an identity provider.
//!
//! Open http://localhost:…/
//! ```
//!
//! For your own organisation, pass the region, an OAuth client of the grant type "SAML2 Bearer", the
//! organisation's short name, the identity provider's address for logins (HTTP-Redirect), and the
//! address under which browsers find the application. In the identity provider, single sign-on URL
//! and audience are that address with `/saml`. The client's secret is read from
//! `GENESYSCLOUD_OAUTHCLIENT_SECRET`, or from the file that `GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE`
//! names. Behind a proxy that ends TLS, also pass the address to listen on:
//!
//! ```sh
//! cargo run --example sso_web_app -- eu-west-1 CLIENT_ID my-org https://idp.example/sso \
//!     https://app.example/ 127.0.0.1:8080
//! ```
#![allow(
    clippy::disallowed_methods,
    reason = "an example may read the clock, the environment and its arguments"
)]

mod app;
#[path = "../common/client_secret.rs"]
mod client_secret;
mod idp;
#[path = "../web_app/page.rs"]
mod page;
mod request;
#[path = "../web_app/sessions.rs"]
mod sessions;
#[path = "../common/terminal.rs"]
pub(crate) mod terminal;

use std::{error::Error, process::ExitCode, sync::Arc};

use genesys_cloud_auth::sandbox::Sandbox;
use tokio::net::TcpListener;
use url::Url;

pub(crate) use app::{Sso, serve};
use client_secret::client_secret;
pub(crate) use idp::serve as serve_idp;
use sessions::require_https;
use terminal::{Help, Output};

#[tokio::main]
async fn main() -> ExitCode {
    terminal::run(&HELP, run).await
}

async fn run(out: &mut Output, arguments: &[String]) -> Result<(), Box<dyn Error>> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => run_on_sandbox(out).await,
        [region, client_id, org, idp, base] => {
            let port = Url::parse(base)?.port_or_known_default().unwrap_or(80);
            let address = format!("127.0.0.1:{port}");
            run_on_region(out, [region, client_id, org, idp, base], &address).await
        }
        [region, client_id, org, idp, base, address] => {
            run_on_region(out, [region, client_id, org, idp, base], address).await
        }
        _ => Err(HELP.wrong_arguments()),
    }
}

async fn run_on_sandbox(out: &mut Output) -> Result<(), Box<dyn Error>> {
    let (listener, idp) = (
        TcpListener::bind("127.0.0.1:0").await?,
        TcpListener::bind("127.0.0.1:0").await?,
    );
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
    let base = Url::parse(&format!("http://localhost:{}/", port(&listener)?))?;
    // Another host name, so that browsers see another site.
    let idp_url = Url::parse(&format!("http://127.0.0.1:{}/sso", port(&idp)?))?;
    let builder = Sandbox::builder().saml_client(base.join("/saml")?);
    let sandbox = Arc::new(builder.start().await?);
    tokio::spawn(serve_idp(idp, Arc::clone(&sandbox), base.join("/saml")?));
    out.text(
        "A sandbox on this machine stands in for Genesys Cloud and for an identity provider.",
    )?;
    out.verbatim(format_args!("\nOpen {base}"))?;
    let sso = Sso {
        region: sandbox.region(),
        client_id: sandbox.client_id().to_owned(),
        secret: sandbox.client_secret().into(),
        org: sandbox.org_short_name().to_owned(),
        idp: idp_url,
        base,
    };
    Ok(serve(listener, sso).await?)
}

async fn run_on_region(
    out: &mut Output,
    arguments: [&str; 5],
    address: &str,
) -> Result<(), Box<dyn Error>> {
    let [region, client_id, org, idp, base] = arguments;
    let base = base.parse()?;
    require_https(&base)?;
    let sso = Sso {
        region: region.parse()?,
        client_id: client_id.to_owned(),
        secret: client_secret()?,
        org: org.to_owned(),
        idp: idp.parse()?,
        base,
    };
    let listener = TcpListener::bind(address).await?;
    out.verbatim(format_args!("Open {}", sso.base))?;
    Ok(serve(listener, sso).await?)
}

const HELP: Help = Help {
    about: "A web application whose users log in at their company's identity provider, by SAML.",
    arguments: "REGION CLIENT_ID ORG IDP_URL BASE_URL [ADDRESS], or none for the sandbox",
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
            "IDP_URL",
            "the identity provider's address for logins (HTTP-Redirect)",
        ),
        (
            "BASE_URL",
            "the address under which browsers find the application; with /saml it is the single \
             sign-on URL and the audience",
        ),
        (
            "ADDRESS",
            "where to listen behind a proxy, such as 127.0.0.1:8080",
        ),
    ],
};

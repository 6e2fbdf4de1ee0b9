//! A web application whose users log in to Genesys Cloud. It calls the API as each of them.
//!
//! Without arguments it starts a sandbox, a Genesys Cloud on this machine, and names its users:
//!
//! ```sh
//! cargo run --example web_app
//! ```
//!
//! ```text
//! A sandbox on this machine stands in for Genesys Cloud. Its users:
//!
//!   user1@sandbox.example  …
//!   user2@sandbox.example  …
//!   user3@sandbox.example  …
//!
//! Open http://localhost:…/
//! ```
//!
//! The session changes at each login, a callback counts only in the browser that started the login,
//! and other sites cannot log a user out.
//!
//! For your own organisation pass the region, the id of an OAuth client with the grant type *Code
//! Authorization* (Admin → Integrations → OAuth), and the address of the application. The client's
//! authorized redirect URIs are that address with `/callback`, for the login, and with `/`, for the
//! logout. Its secret is in `GENESYSCLOUD_OAUTHCLIENT_SECRET`, or in the file that
//! `GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE` names. Behind a proxy that terminates TLS, pass also the
//! address to listen at:
//!
//! ```sh
//! cargo run --example web_app -- eu-west-1 CLIENT_ID http://localhost:8080/
//! cargo run --example web_app -- eu-west-1 CLIENT_ID https://app.example/ 127.0.0.1:8080
//! ```
#![allow(
    clippy::disallowed_methods,
    reason = "an example may read the clock, the environment and its arguments"
)]

mod app;
#[path = "../common/client_secret.rs"]
mod client_secret;
mod page;
pub(crate) mod sessions;
#[path = "../common/terminal.rs"]
pub(crate) mod terminal;

use std::{error::Error, process::ExitCode};

use genesys_cloud_auth::{
    AuthorizationCode, ClientSecret, Login, Region,
    sandbox::Sandbox,
    store::{MemoryStore, SealingKey},
};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use url::Url;

pub use app::serve;
use client_secret::client_secret;
use sessions::require_https;
use terminal::{Help, Output};

#[tokio::main]
async fn main() -> ExitCode {
    terminal::run(&HELP, run).await
}

async fn run(out: &mut Output, arguments: &[String]) -> Result<(), Box<dyn Error>> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => on_the_sandbox(out).await,
        [region, client_id, base] => {
            let base: Url = base.parse()?;
            let port = base.port_or_known_default().unwrap_or_default();
            let address = format!("127.0.0.1:{port}");
            on_the_region(out, [region, client_id], base, &address).await
        }
        [region, client_id, base, address] => {
            on_the_region(out, [region, client_id], base.parse()?, address).await
        }
        _ => Err(HELP.wrong_arguments()),
    }
}

async fn on_the_sandbox(out: &mut Output) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = Url::parse(&format!(
        "http://localhost:{}/",
        listener.local_addr()?.port()
    ))?;
    let sandbox = Sandbox::builder()
        .code_client([base.join("callback")?, base.clone()])
        .start()
        .await?;
    out.text("A sandbox on this machine stands in for Genesys Cloud. Its users:\n")?;
    for user in sandbox.users() {
        // A real password would not be shown.
        let password = user.password();
        out.verbatim(format_args!(
            "  {}  {}",
            user.email(),
            password.expose_secret()
        ))?;
    }
    let secret = sandbox.client_secret().into();
    let login = login(sandbox.region(), sandbox.client_id(), secret, &base)?;
    out.verbatim(format_args!("\nOpen {base}"))?;
    Ok(serve(listener, login, base).await?)
}

async fn on_the_region(
    out: &mut Output,
    [region, client_id]: [&str; 2],
    base: Url,
    address: &str,
) -> Result<(), Box<dyn Error>> {
    require_https(&base)?;
    let login = login(region.parse()?, client_id, client_secret()?, &base)?;
    let listener = TcpListener::bind(address).await?;
    out.verbatim(format_args!("Open {base}"))?;
    Ok(serve(listener, login, base).await?)
}

/// Logins end with the program, as its sessions do. If your sessions outlive it, use a persistent
/// store and a key that is kept elsewhere, such as `SealingKey::file`.
fn login(
    region: Region,
    client_id: &str,
    secret: ClientSecret,
    base: &Url,
) -> Result<Login, Box<dyn Error>> {
    let redirect_uri = base.join("/callback")?;
    let app = AuthorizationCode::confidential(client_id, secret, redirect_uri.as_str())?;
    let login = Login::builder(region, app).store(MemoryStore::new(), SealingKey::generate()?);
    Ok(login.app("web_app").build()?)
}

const HELP: Help = Help {
    about: "A web application whose users log in to Genesys Cloud. It calls the API as each of them.",
    arguments: "REGION CLIENT_ID BASE_URL [ADDRESS], or none for the sandbox",
    rows: &[
        ("REGION", "the region, such as eu-west-1"),
        (
            "CLIENT_ID",
            "an OAuth client of the grant type Code Authorization; its secret is in \
             GENESYSCLOUD_OAUTHCLIENT_SECRET, or in the file that \
             GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE names",
        ),
        (
            "BASE_URL",
            "the address under which browsers find the application; the client's redirect URIs are \
             this address with /callback and with /",
        ),
        (
            "ADDRESS",
            "where to listen behind a proxy, such as 127.0.0.1:8080",
        ),
    ],
};

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
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "an example may print, and read the clock, the environment and its arguments"
)]

mod app;
mod expiring_map;
mod idp;
#[path = "../web_app/page.rs"]
#[allow(
    clippy::duplicate_mod,
    dead_code,
    reason = "the example web_app uses it too, and more of it"
)]
mod page;
mod request;

use std::{env, error::Error, sync::Arc};

use genesys_cloud_auth::{ClientSecret, sandbox::Sandbox};
use tokio::net::TcpListener;
use url::Url;

pub(crate) use app::{Sso, serve};
pub(crate) use idp::serve as serve_idp;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => run_on_sandbox().await,
        [region, client_id, org, idp, base] => {
            let port = Url::parse(base)?.port_or_known_default().unwrap_or(80);
            let address = format!("127.0.0.1:{port}");
            run_on_region([region, client_id, org, idp, base], &address).await
        }
        [region, client_id, org, idp, base, address] => {
            run_on_region([region, client_id, org, idp, base], address).await
        }
        _ => {
            Err("the arguments are REGION CLIENT_ID ORG IDP_URL BASE_URL [ADDRESS], or none".into())
        }
    }
}

async fn run_on_sandbox() -> Result<(), Box<dyn Error>> {
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
    println!("A sandbox on this machine stands in for Genesys Cloud and for an identity provider.");
    println!("\nOpen {base}");
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

async fn run_on_region(arguments: [&str; 5], address: &str) -> Result<(), Box<dyn Error>> {
    let [region, client_id, org, idp, base] = arguments;
    let sso = Sso {
        region: region.parse()?,
        client_id: client_id.to_owned(),
        secret: match env::var_os("GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE") {
            Some(file) => ClientSecret::from_file(file),
            None => ClientSecret::from_env("GENESYSCLOUD_OAUTHCLIENT_SECRET"),
        },
        org: org.to_owned(),
        idp: idp.parse()?,
        base: base.parse()?,
    };
    let is_local = ["localhost", "127.0.0.1", "[::1]"]
        .map(Some)
        .contains(&sso.base.host_str());
    if sso.base.scheme() != "https" && !is_local {
        return Err("beyond this machine the address must be https, to protect the cookies".into());
    }
    let listener = TcpListener::bind(address).await?;
    println!("Open {}", sso.base);
    Ok(serve(listener, sso).await?)
}

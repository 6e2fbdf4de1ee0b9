//! Logs a user in on this machine and shows who it is.
//!
//! Without arguments it starts a sandbox, a Genesys Cloud on this machine, and names one of its users:
//!
//! ```sh
//! cargo run --example login
//! ```
//!
//! ```text
//! A sandbox on this machine stands in for Genesys Cloud. Log in there as
//!
//!   email address     user1@sandbox.example
//!   password          …
//!
//! Your browser opens this address:
//!
//! http://127.0.0.1:…/oauth/authorize?response_type=code&…
//!
//! Logged in
//!   user              User 1
//!   email address     user1@sandbox.example
//!   organisation      Sandbox
//!   region            http://127.0.0.1:…/
//! ```
//!
//! For your own organisation pass the region and the id of an OAuth client with the grant type *Code
//! Authorization* (Admin → Integrations → OAuth). It needs no secret. Its authorized redirect URI is
//! `http://localhost`, which matches every port, or the one that you pass as third argument:
//!
//! ```sh
//! cargo run --example login -- eu-west-1 CLIENT_ID
//! ```
//!
//! That login is stored, and the next run needs no browser; `--logout` ends it. Over SSH, in a
//! container or without a display no browser is opened, and the example asks for the address that the
//! user's browser was sent to. `--open-browser` opens a browser anyway.
#![allow(
    clippy::disallowed_methods,
    reason = "an example may read its arguments"
)]

use std::{
    error::Error as StdError,
    fmt::Display,
    io::{self, Write},
    pin::pin,
    process::ExitCode,
};

use genesys_cloud_auth::{
    AuthorizationCode, Error, ErrorKind, Login, LoginBuilder, PlatformClient, Region,
    TokenProvider,
    error::LoginErrorKind,
    sandbox::Sandbox,
    store::{FileStore, SealingKey},
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::sync::mpsc;

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
            let _ = explain(out, &*error);
            ExitCode::FAILURE
        }
    }
}

async fn run(out: &mut impl Write) -> Result<(), Box<dyn StdError>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut flag = |name| {
        let before = arguments.len();
        arguments.retain(|argument| argument != name);
        arguments.len() < before
    };
    let (logout, open_browser) = (flag("--logout"), flag("--open-browser"));
    let (region, client_id, redirect_uri) = match arguments.as_slice() {
        [] if !logout => return on_the_sandbox(open_browser, out).await,
        [region, client_id] => (region, client_id, "http://localhost"),
        [region, client_id, redirect_uri] => (region, client_id, redirect_uri.as_str()),
        _ => return Err(USAGE.into()),
    };

    let app = AuthorizationCode::public(client_id, redirect_uri)?;
    let store = FileStore::new()?;
    // A key in a file next to the store would protect nothing: whoever reads one can read the other.
    let login =
        Login::builder(region.parse::<Region>()?, app).store(store.clone(), SealingKey::unsealed());
    if logout {
        return log_out(&login.build()?, out).await;
    }
    let tokens = log_in(&build(login, open_browser)?, out).await?;
    show_user(tokens, out).await?;
    row(out, "stored in", store.folder().display())?;
    writeln!(
        out,
        "\nThe next run uses it. Run it with --logout to end it."
    )?;
    Ok(())
}

async fn on_the_sandbox(open_browser: bool, out: &mut impl Write) -> Result<(), Box<dyn StdError>> {
    let redirect_uri = "http://localhost";
    let sandbox = Sandbox::builder()
        .code_client([redirect_uri])
        .start()
        .await?;
    writeln!(
        out,
        "A sandbox on this machine stands in for Genesys Cloud. Log in there as\n"
    )?;
    if let Some(user) = sandbox.users().first() {
        row(out, "email address", user.email())?;
        // A real password would not be shown.
        row(out, "password", user.password().expose_secret())?;
    }
    writeln!(out)?;
    let app = AuthorizationCode::public(sandbox.client_id(), redirect_uri)?;
    let login = Login::builder(sandbox.region(), app);
    let tokens = log_in(&build(login, open_browser)?, out).await?;
    show_user(tokens, out).await
}

fn build(login: LoginBuilder, open_browser: bool) -> Result<Login, Error> {
    if open_browser {
        login.open_browser_anyway().build()
    } else {
        login.build()
    }
}

/// Returns the stored login, logs in with the browser of this machine, or asks the user to paste.
///
/// # Errors
/// Why the login failed, or that the output was closed.
pub async fn log_in(
    login: &Login,
    out: &mut impl Write,
) -> Result<TokenProvider, Box<dyn StdError>> {
    let in_browser = login.in_browser(NAME, |url| {
        let _ = writeln!(out, "Your browser opens this address:\n\n{url}\n");
    });
    let error = match in_browser.await {
        Ok(tokens) => return Ok(tokens),
        Err(error) => error,
    };
    let reason = match error.kind() {
        ErrorKind::Login(login) => match login.kind() {
            LoginErrorKind::NoBrowser { reason } => reason,
            _ => return Err(error.into()),
        },
        _ => return Err(error.into()),
    };
    writeln!(out, "No browser is opened: {reason}.\n")?;
    by_hand(login, typed_lines(), out).await
}

/// Shows the login page's URL, and waits until a browser comes back or the user pastes the address
/// that it was sent to.
///
/// # Errors
/// Why the login failed, or that the output was closed.
pub async fn by_hand(
    login: &Login,
    mut lines: mpsc::Receiver<String>,
    out: &mut impl Write,
) -> Result<TokenProvider, Box<dyn StdError>> {
    let local = login.listen(NAME)?;
    writeln!(
        out,
        "Open this address in a browser, log in, and allow access:\n\n{}\n\n\
         The browser is then sent to an address on localhost. Where it shows an error\n\
         instead of a page, copy that address from its address bar, and paste it here:",
        local.authorize_url()
    )?;
    let mut redirected = pin!(local.redirected());
    loop {
        let line = tokio::select! {
            tokens = &mut redirected => return Ok(tokens?),
            line = lines.recv() => line,
        };
        let Some(line) = line else {
            // The input is closed: only the browser can come back.
            return Ok(redirected.await?);
        };
        match local.pasted(&line).await {
            Err(error) if is_not_the_callback(&error) => writeln!(out, "{error}\nPaste it again:")?,
            tokens => return Ok(tokens?),
        }
    }
}

/// Whether nothing was sent and the login can still be finished.
fn is_not_the_callback(error: &Error) -> bool {
    let ErrorKind::Login(login) = error.kind() else {
        return false;
    };
    matches!(
        login.kind(),
        LoginErrorKind::Callback | LoginErrorKind::ImplicitGrant
    )
}

/// The lines that the user types. A thread reads them, since reading cannot be cancelled.
fn typed_lines() -> mpsc::Receiver<String> {
    let (send, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            if !line.trim().is_empty() && send.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Shows the user. Another person may have logged in with the address that was shown, so a program
/// should show the user before it acts.
///
/// # Errors
/// Why the API call failed, or that the output was closed.
pub async fn show_user(
    tokens: TokenProvider,
    out: &mut impl Write,
) -> Result<(), Box<dyn StdError>> {
    let api = PlatformClient::new(tokens);
    let user: User = api.get("/api/v2/users/me").fetch().await?;
    let organization: Organization = api.get("/api/v2/organizations/me").fetch().await?;
    writeln!(out, "\nLogged in")?;
    row(out, "user", user.name)?;
    if let Some(email) = user.email {
        row(out, "email address", email)?;
    }
    row(out, "organisation", organization.name)?;
    row(out, "region", api.tokens().region())?;
    Ok(())
}

/// Ends the stored login, if there is one.
///
/// # Errors
/// Why the login could not be ended, or that the output was closed.
pub async fn log_out(login: &Login, out: &mut impl Write) -> Result<(), Box<dyn StdError>> {
    match login.saved(NAME).await? {
        None => writeln!(out, "No login is stored here.")?,
        Some(tokens) => {
            tokens.revoke().await?;
            writeln!(out, "The login has ended and is no longer stored.")?;
        }
    }
    writeln!(
        out,
        "You stay logged in at the login page until you open this address:\n\n{}",
        login.logout_url(None)
    )?;
    Ok(())
}

/// Shows what failed and what to do.
///
/// # Errors
/// The output was closed.
pub fn explain(out: &mut impl Write, error: &(dyn StdError + 'static)) -> io::Result<()> {
    writeln!(out, "\nError: {error}")?;
    let error = error.downcast_ref::<Error>();
    if let Some(help) = error.and_then(Error::troubleshooting) {
        row(out, "issue", help.issue())?;
        row(out, "likely cause", help.likely_cause())?;
        row(out, "resolution", help.resolution())?;
    }
    Ok(())
}

fn row(out: &mut impl Write, name: &str, value: impl Display) -> io::Result<()> {
    writeln!(out, "  {name:<17} {value}")
}

const NAME: &str = "default";

const USAGE: &str = "the arguments are REGION CLIENT_ID [REDIRECT_URI] [--logout] [--open-browser], \
    or none for the sandbox";

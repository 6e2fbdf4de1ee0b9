//! A person logs in on this machine, and the program says who it was before it does anything.
//!
//! With no argument it starts a sandbox, a Genesys Cloud on this machine, and names a user of it:
//!
//! ```sh
//! cargo run --example login
//! ```
//!
//! For your own organisation name the region and an OAuth client of the grant type "Code
//! Authorization". It needs no secret, and `http://localhost` as authorized redirect URI, or the one
//! that you name third:
//!
//! ```sh
//! cargo run --example login -- eu-west-1 CLIENT_ID
//! ```
//!
//! That login is kept, and the next run needs no browser; `--logout` ends it. Over SSH, in a
//! container or without a display no browser is opened, unless `--open-browser` says that one here
//! comes back to this machine.
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
    let (logout, anyway) = (flag("--logout"), flag("--open-browser"));
    let (region, client_id, redirect_uri) = match arguments.as_slice() {
        [] if !logout => return on_the_sandbox(anyway, out).await,
        [region, client_id] => (region, client_id, "http://localhost"),
        [region, client_id, redirect_uri] => (region, client_id, redirect_uri.as_str()),
        _ => return Err(USAGE.into()),
    };

    let app = AuthorizationCode::public(client_id, redirect_uri)?;
    let store = FileStore::new()?;
    // A key in a file beside it would protect nothing: whoever reads the one, reads the other.
    let login =
        Login::builder(region.parse::<Region>()?, app).store(store.clone(), SealingKey::unsealed());
    if logout {
        return log_out(&login.build()?, out).await;
    }
    let tokens = log_in(&opening(login, anyway)?, out).await?;
    who(tokens, out).await?;
    row(out, "kept in", store.folder().display())?;
    writeln!(
        out,
        "\nThe next run takes it from there. The same with --logout ends it."
    )?;
    Ok(())
}

async fn on_the_sandbox(anyway: bool, out: &mut impl Write) -> Result<(), Box<dyn StdError>> {
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
        // A real one would never be shown.
        row(out, "password", user.password().expose_secret())?;
    }
    writeln!(out)?;
    let app = AuthorizationCode::public(sandbox.client_id(), redirect_uri)?;
    let login = Login::builder(sandbox.region(), app);
    let tokens = log_in(&opening(login, anyway)?, out).await?;
    who(tokens, out).await
}

fn opening(login: LoginBuilder, anyway: bool) -> Result<Login, Error> {
    if anyway {
        login.open_browser_anyway().build()
    } else {
        login.build()
    }
}

/// The login that is kept, or one in the browser of this machine, or one by hand.
///
/// # Errors
/// Why it did not succeed, or that the output was closed.
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

/// Waits for a browser that the user opens, wherever it is, and for the address that it came to,
/// should the user paste that.
///
/// # Errors
/// Why the login did not succeed, or that the output was closed.
pub async fn by_hand(
    login: &Login,
    mut lines: mpsc::Receiver<String>,
    out: &mut impl Write,
) -> Result<TokenProvider, Box<dyn StdError>> {
    let waiting = login.listen(NAME)?;
    writeln!(
        out,
        "Open this address in a browser, log in, and allow the program in:\n\n{}\n\n\
         The browser is then sent to an address on localhost. Where it shows an error\n\
         instead of a page, copy that address from its address bar, and paste it here:",
        waiting.authorize_url()
    )?;
    let mut redirected = pin!(waiting.redirected());
    loop {
        let line = tokio::select! {
            tokens = &mut redirected => return Ok(tokens?),
            line = lines.recv() => line,
        };
        let Some(line) = line else {
            // Nobody types here: only the browser can come back.
            return Ok(redirected.await?);
        };
        match waiting.pasted(&line).await {
            Err(error) if is_no_answer(&error) => writeln!(out, "{error}\nPaste it again:")?,
            tokens => return Ok(tokens?),
        }
    }
}

/// Nothing was sent for it, and the login still waits.
fn is_no_answer(error: &Error) -> bool {
    let ErrorKind::Login(login) = error.kind() else {
        return false;
    };
    matches!(
        login.kind(),
        LoginErrorKind::Callback | LoginErrorKind::ImplicitGrant
    )
}

/// What the user types. A thread reads it that nobody waits for: none can be called off a terminal.
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

/// Says whose login it is. Another person may have logged in with the address that was shown, so a
/// program shows this before it acts.
///
/// # Errors
/// Why the API did not tell, or that the output was closed.
pub async fn who(tokens: TokenProvider, out: &mut impl Write) -> Result<(), Box<dyn StdError>> {
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

/// Ends the login that is kept, if there is one.
///
/// # Errors
/// What of it could not be ended, or that the output was closed.
pub async fn log_out(login: &Login, out: &mut impl Write) -> Result<(), Box<dyn StdError>> {
    match login.saved(NAME).await? {
        None => writeln!(out, "No login is kept here.")?,
        Some(tokens) => {
            tokens.revoke().await?;
            writeln!(out, "The login is ended, and not kept any more.")?;
        }
    }
    writeln!(
        out,
        "The browser remembers you at the login page until you open this address:\n\n{}",
        login.logout_url(None)
    )?;
    Ok(())
}

/// What went wrong, and what to do about it.
///
/// # Errors
/// That the output was closed.
pub fn explain(out: &mut impl Write, error: &(dyn StdError + 'static)) -> io::Result<()> {
    writeln!(out, "\nThis did not succeed: {error}")?;
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

/// There is one user here.
const NAME: &str = "default";

const USAGE: &str = "the arguments are REGION CLIENT_ID [REDIRECT_URI] [--logout] [--open-browser], \
    or none for the sandbox";

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

#[path = "common/terminal.rs"]
pub(crate) mod terminal;

use std::{
    error::Error as StdError,
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
use url::Url;

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
    let mut arguments = arguments.to_vec();
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
        _ => return Err(HELP.wrong_arguments()),
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
    out.row("stored in", store.folder().display())?;
    out.text("\nThe next run uses it. Run it with --logout to end it.")?;
    Ok(())
}

async fn on_the_sandbox(
    open_browser: bool,
    out: &mut Output<impl Write>,
) -> Result<(), Box<dyn StdError>> {
    let redirect_uri = "http://localhost";
    let sandbox = Sandbox::builder()
        .code_client([redirect_uri])
        .start()
        .await?;
    out.text("A sandbox on this machine stands in for Genesys Cloud. Log in there as\n")?;
    if let Some(user) = sandbox.users().first() {
        out.row("email address", user.email())?;
        // A real password would not be shown.
        out.row("password", user.password().expose_secret())?;
    }
    out.text("")?;
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
pub(crate) async fn log_in(
    login: &Login,
    out: &mut Output<impl Write>,
) -> Result<TokenProvider, Box<dyn StdError>> {
    let in_browser = login.in_browser(NAME, |url| {
        // The login continues without this text.
        let _ = show_url(out, "Your browser opens this address:", url);
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
    out.text(format_args!("No browser is opened: {reason}.\n"))?;
    by_hand(login, typed_lines(), out).await
}

/// Shows the login page's URL, and waits until a browser comes back or the user pastes the address
/// that it was sent to.
///
/// # Errors
/// Why the login failed, or that the output was closed.
pub(crate) async fn by_hand(
    login: &Login,
    mut lines: mpsc::Receiver<String>,
    out: &mut Output<impl Write>,
) -> Result<TokenProvider, Box<dyn StdError>> {
    let local = login.listen(NAME)?;
    let open = "Open this address in a browser, log in, and allow access:";
    show_url(out, open, local.authorize_url())?;
    out.text(
        "\nThe browser is then sent to an address on localhost. Where it shows an error instead of \
         a page, copy that address from its address bar, and paste it here:",
    )?;
    let mut redirected = pin!(local.redirected());
    let mut typed = String::new();
    loop {
        let line = tokio::select! {
            tokens = &mut redirected => return Ok(tokens?),
            line = lines.recv() => line,
        };
        let Some(line) = line else {
            out.text("There is no more input, so this waits for the browser alone.")?;
            return Ok(redirected.await?);
        };
        // A terminal may have wrapped the address: then its lines are typed one after the other.
        if line.contains("://") {
            typed.clear();
        }
        typed += &line;
        let mut tokens = local.pasted(&line).await;
        if tokens.as_ref().is_err_and(is_not_the_callback) && typed != line {
            tokens = local.pasted(&typed).await;
        }
        match tokens {
            Err(error) if is_not_the_callback(&error) => {
                out.text(format_args!("{error}\nPaste it again:"))?;
            }
            tokens => return Ok(tokens?),
        }
    }
}

/// Shows an address in a line of its own, which is not wrapped.
fn show_url(out: &mut Output<impl Write>, text: &str, url: &Url) -> io::Result<()> {
    out.text(text)?;
    out.verbatim(format_args!("\n{url}"))
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
pub(crate) async fn show_user(
    tokens: TokenProvider,
    out: &mut Output<impl Write>,
) -> Result<(), Box<dyn StdError>> {
    let api = PlatformClient::new(tokens);
    let user: User = api.get("/api/v2/users/me").fetch().await?;
    let organization: Organization = api.get("/api/v2/organizations/me").fetch().await?;
    out.heading("Logged in")?;
    out.row("user", user.name)?;
    if let Some(email) = user.email {
        out.row("email address", email)?;
    }
    out.row("organisation", organization.name)?;
    out.row("region", api.tokens().region())?;
    Ok(())
}

/// Ends the stored login, if there is one.
///
/// # Errors
/// Why the login could not be ended, or that the output was closed.
pub(crate) async fn log_out(
    login: &Login,
    out: &mut Output<impl Write>,
) -> Result<(), Box<dyn StdError>> {
    match login.saved(NAME).await? {
        None => out.text("No login is stored here.")?,
        Some(tokens) => {
            tokens.revoke().await?;
            out.text("The login has ended and is no longer stored.")?;
        }
    }
    let text = "You stay logged in at the login page until you open this address:";
    show_url(out, text, &login.logout_url(None))?;
    Ok(())
}

const NAME: &str = "default";

const HELP: Help = Help {
    about: "Logs a user in on this machine and shows who it is.",
    arguments: "REGION CLIENT_ID [REDIRECT_URI] [--logout] [--open-browser], or none for the \
                sandbox",
    rows: &[
        ("REGION", "the region, such as eu-west-1"),
        (
            "CLIENT_ID",
            "an OAuth client of the grant type Code Authorization; it needs no secret",
        ),
        (
            "REDIRECT_URI",
            "one of the client's redirect URIs on localhost; by default http://localhost, which \
             matches every port",
        ),
        ("--logout", "ends the login that is stored"),
        (
            "--open-browser",
            "opens a browser also over SSH, in a container or without a display",
        ),
    ],
};

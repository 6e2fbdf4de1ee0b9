//! Which browser is opened, and with which arguments. Each test runs in its own process.

use std::{fs, path::Path};

use genesys_cloud_auth::store::{MemoryStore, SealingKey};

use super::*;
use crate::support::child_process::{command_after, job, messages_of, send_to_parent};

/// Variables that describe the machine. A child process must not inherit them.
const VARIABLES: [&str; 12] = [
    "BROWSER",
    "DISPLAY",
    "KUBERNETES_SERVICE_HOST",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "SSH_TTY",
    "WAYLAND_DISPLAY",
    "WSL_DISTRO_NAME",
    "WSL_INTEROP",
    "XDG_CURRENT_DESKTOP",
    "container",
    "DESKTOP_SESSION",
];

const HINT: &str = "a b\" & calc $(x)";

/// Runs this test again as a child process with these variables. Returns the messages of the child
/// and its browsers, which write to its output through descriptor 9.
fn child(test: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let test = format!("login::browser::{test}");
    let mut child = command_after("exec 9>&1", &test, &["child"]);
    for name in VARIABLES {
        child.env_remove(name);
    }
    messages_of(&child.envs(variables.iter().copied()).output().unwrap())
}

fn is_child() -> bool {
    job().is_some()
}

/// A program that reports each of its arguments, and that it was called.
fn recorder(folder: &Path) -> String {
    use std::os::unix::fs::PermissionsExt;
    let script = folder.join("browser");
    let text = "#!/bin/sh\n\
        for arg in \"$@\"; do printf '\\nsays: opens %s\\n' \"$arg\" >&9; done\n\
        printf '\\nsays: opened\\n' >&9\n";
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    script.display().to_string()
}

/// The messages of browsers.
fn browsers(messages: &[String]) -> Vec<&str> {
    let browsers = messages.iter().filter(|word| word.starts_with("open"));
    browsers.map(String::as_str).collect()
}

/// The rest of the message that starts with `name`.
#[track_caller]
fn value<'a>(messages: &'a [String], name: &str) -> &'a str {
    let value = messages.iter().find_map(|word| word.strip_prefix(name));
    value.unwrap_or_else(|| panic!("no {name}: {messages:?}"))
}

#[test]
fn browser_receives_one_argument_and_opens_once() {
    if is_child() {
        return opens();
    }
    for after in ["", " %s"] {
        let folder = tempfile::tempdir().unwrap();
        let browser = format!("{}{after}", recorder(folder.path()));
        let test = "browser_receives_one_argument_and_opens_once";
        let messages = child(test, &[("BROWSER", &browser)]);
        let url = value(&messages, "URL ");
        let opens = format!("opens {url}");
        assert_eq!(browsers(&messages), [&*opens, "opened"], "{browser}");
        let hint = "&login_hint=a+b%22+%26+calc+%24%28x%29";
        assert!(url.ends_with(hint), "{url}");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn opens() {
    let app = AuthorizationCode::public("an-id", LOCAL).unwrap();
    let app = app.login_hint(HINT);
    let login = Login::new(Region::EuWest1, app).unwrap();
    let local = login.listen("default").unwrap();
    send_to_parent(&format!("URL {}", local.authorize_url()));
    let (first, second) = tokio::join!(local.open_browser(), local.open_browser());
    first.unwrap();
    second.unwrap();
    local.open_browser().await.unwrap();
}

#[test]
fn machine_without_a_browser_is_reported_at_once() {
    if is_child() {
        return reports_reason();
    }
    let test = "machine_without_a_browser_is_reported_at_once";
    let display = ("DISPLAY", ":0");
    let ssh = "no browser was opened: this is an SSH session, which";
    let container = "no browser was opened: this is a container, which";
    for (variables, reason) in [
        (&[("SSH_CONNECTION", "x"), display][..], ssh),
        (&[("SSH_TTY", "x")], ssh),
        (&[("KUBERNETES_SERVICE_HOST", "x"), display], container),
        (&[("container", "podman"), display], container),
        // No display, or a container where the tests run in one.
        (&[], "no browser was opened: th"),
    ] {
        let messages = child(test, variables);
        let shown = value(&messages, "REASON ");
        assert!(shown.starts_with(reason), "{messages:?}");
        assert_eq!(messages.len(), 1, "{messages:?}");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn reports_reason() {
    let login = unknown_client().build().unwrap();
    let shown = login.in_browser("default", |url| send_to_parent(&format!("SHOWN {url}")));
    let error = shown.await.unwrap_err();
    assert_kind(&error, "NoBrowser");
    assert_contains(&error, "Login::listen");
    send_to_parent(&format!("REASON {error}"));
}

#[test]
fn open_browser_anyway_opens_the_browser() {
    let test = "open_browser_anyway_opens_the_browser";
    if is_child() {
        return logs_in_anyway();
    }
    let folder = tempfile::tempdir().unwrap();
    let browser = recorder(folder.path());
    let messages = child(test, &[("BROWSER", &browser), ("SSH_CONNECTION", "x")]);
    let opens = format!("opens {}", value(&messages, "SHOWN "));
    assert_eq!(browsers(&messages), [&*opens, "opened"]);
    value(&messages, "LOGGED IN");
}

#[tokio::main(flavor = "current_thread")]
async fn logs_in_anyway() {
    let sandbox = sandbox().await;
    let builder = builder(&sandbox, LOCAL).open_browser_anyway();
    let login = builder.build().unwrap();
    let (send, shown) = tokio::sync::oneshot::channel();
    let show = |url: &Url| {
        send_to_parent(&format!("SHOWN {url}"));
        send.send(url.clone()).unwrap();
    };
    let browser = async {
        let callback = callback_of(&sandbox, &shown.await.unwrap()).await;
        browse(&callback).await;
    };
    let (tokens, ()) = tokio::join!(login.in_browser("default", show), browser);
    assert_first_user(&sandbox, &tokens.unwrap()).await;
    send_to_parent("LOGGED IN");
}

#[test]
fn stored_login_is_used_unless_the_app_prompts() {
    let test = "stored_login_is_used_unless_the_app_prompts";
    if is_child() {
        return uses_the_stored_login();
    }
    // This error shows that a browser would have been opened.
    let messages = child(test, &[("SSH_CONNECTION", "x")]);
    assert_eq!(messages, ["prompted NoBrowser", "refused NoBrowser"]);
}

#[tokio::main(flavor = "current_thread")]
async fn uses_the_stored_login() {
    let sandbox = sandbox().await;
    let (store, clock) = (MemoryStore::new(), Clock::manual());
    let with = |app| {
        let builder = Login::builder(sandbox.region(), app).clock(clock.clone());
        let builder = builder.store(store.clone(), SealingKey::unsealed());
        builder.build().unwrap()
    };
    let login = with(app(&sandbox, LOCAL));
    let (local, callback) = listen(&sandbox, &login).await;
    local.pasted(&callback).await.unwrap();
    drop(local);
    let no_browser = |_: &Url| panic!("there is a stored login");
    login.in_browser("default", no_browser).await.unwrap();
    let prompts = with(app(&sandbox, LOCAL).prompt_login());
    let prompted = prompts.in_browser("default", |_| {}).await.unwrap_err();
    send_to_parent(&format!("prompted {}", kind_of(&prompted)));

    // An unreachable login host is an error; a login that has ended is replaced.
    clock.advance(Duration::from_secs(86_400));
    let fault = sandbox.at_token_endpoint().respond(503);
    let unreachable = login.in_browser("default", |_| {}).await.unwrap_err();
    assert_kind(&unreachable, "UnexpectedResponse");
    fault.remove();
    sandbox.expire_refresh_tokens();
    clock.advance(Duration::from_secs(60));
    let refused = login.in_browser("default", |_| {}).await.unwrap_err();
    send_to_parent(&format!("refused {}", kind_of(&refused)));
}

#[test]
fn browser_that_does_not_open_is_an_error() {
    let test = "browser_that_does_not_open_is_an_error";
    if is_child() {
        return fails();
    }
    let folder = tempfile::tempdir().unwrap();
    // An empty search path: there is no program that opens a browser.
    let path = folder.path().display().to_string();
    let messages = child(test, &[("BROWSER", "/nowhere/browser"), ("PATH", &path)]);
    assert_eq!(messages, ["failed"]);
}

#[tokio::main(flavor = "current_thread")]
async fn fails() {
    let login = unknown_client().build().unwrap();
    let local = login.listen("default").unwrap();
    let error = local.open_browser().await.unwrap_err();
    assert_kind(&error, "NoBrowser");
    assert!(std::error::Error::source(&error).is_some());
    send_to_parent("failed");
}

#[test]
fn cancelled_login_in_the_browser_frees_its_port() {
    let test = "cancelled_login_in_the_browser_frees_its_port";
    if is_child() {
        return cancels();
    }
    let folder = tempfile::tempdir().unwrap();
    let browser = recorder(folder.path());
    let messages = child(test, &[("BROWSER", &browser), ("SSH_CONNECTION", "x")]);
    value(&messages, "free");
    value(&messages, "opened");
}

#[tokio::main(flavor = "current_thread")]
async fn cancels() {
    let port = free_port();
    let builder = unknown_client().ports([port]);
    let login = builder.open_browser_anyway().build().unwrap();
    let (send, shown) = tokio::sync::oneshot::channel();
    let stranger = async {
        shown.await.unwrap();
        // The response shows that the login waits.
        let (status, _) = browse(&format!("http://localhost:{port}/cb?state=another")).await;
        assert_eq!((status, is_free(port)), (400, false));
    };
    tokio::select! {
        _ = login.in_browser("default", |_| send.send(()).unwrap()) => panic!("no user logs in"),
        () = stranger => {}
    }
    assert!(is_free(port));
    send_to_parent("free");
}

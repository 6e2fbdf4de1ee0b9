//! Whether a browser is opened, and with what: each case in a process of its own.

use std::{fs, path::Path};

use genesys_cloud_auth::store::{MemoryStore, SealingKey};

use super::*;
use crate::support::child_process::{command_after, job, messages_of, send_to_parent};

/// What tells a machine apart, which a child must not inherit.
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

/// Runs this test again as a child with these variables, and gives what was said before it and
/// its browsers had ended: they all have its output, as their descriptor 9.
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

/// A program that says each of its arguments, and that it was called.
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

/// What browsers said of all that was said.
fn browsers(said: &[String]) -> Vec<&str> {
    let browsers = said.iter().filter(|word| word.starts_with("open"));
    browsers.map(String::as_str).collect()
}

/// What follows `name` in what was said.
#[track_caller]
fn value<'a>(said: &'a [String], name: &str) -> &'a str {
    let value = said.iter().find_map(|word| word.strip_prefix(name));
    value.unwrap_or_else(|| panic!("no {name}: {said:?}"))
}

#[test]
fn the_browser_gets_one_argument_and_is_opened_once() {
    if is_child() {
        return opens();
    }
    for after in ["", " %s"] {
        let folder = tempfile::tempdir().unwrap();
        let browser = format!("{}{after}", recorder(folder.path()));
        let said = child(
            "the_browser_gets_one_argument_and_is_opened_once",
            &[("BROWSER", &browser)],
        );
        let url = value(&said, "URL ");
        let opens = format!("opens {url}");
        assert_eq!(browsers(&said), [&*opens, "opened"], "{browser}");
        assert!(
            url.ends_with("&login_hint=a+b%22+%26+calc+%24%28x%29"),
            "{url}"
        );
    }
}

#[tokio::main(flavor = "current_thread")]
async fn opens() {
    let app = AuthorizationCode::public("an-id", LOCAL).unwrap();
    let app = app.login_hint(HINT);
    let login = Login::new(Region::EuWest1, app).unwrap();
    let waiting = login.listen("default").unwrap();
    send_to_parent(&format!("URL {}", waiting.authorize_url()));
    let (first, second) = tokio::join!(waiting.open_browser(), waiting.open_browser());
    first.unwrap();
    second.unwrap();
    waiting.open_browser().await.unwrap();
}

#[test]
fn where_no_browser_comes_back_the_reason_is_told_at_once() {
    if is_child() {
        return tells_why();
    }
    let test = "where_no_browser_comes_back_the_reason_is_told_at_once";
    for (variables, reason) in [
        (
            &[("SSH_CONNECTION", "x"), ("DISPLAY", ":0")][..],
            "this is an SSH session",
        ),
        (&[("SSH_TTY", "x")], "this is an SSH session"),
        (
            &[("KUBERNETES_SERVICE_HOST", "x"), ("DISPLAY", ":0")],
            "this is a container",
        ),
        (
            &[("container", "podman"), ("DISPLAY", ":0")],
            "this is a container",
        ),
    ] {
        let said = child(test, variables);
        assert!(value(&said, "REASON ").starts_with(reason), "{said:?}");
        assert_eq!(said.len(), 1, "{said:?}");
    }
    // No display, or a container where the tests run in one.
    let said = child(test, &[]);
    assert!(value(&said, "REASON ").starts_with("th"), "{said:?}");
    assert_eq!(said.len(), 1, "{said:?}");
}

#[tokio::main(flavor = "current_thread")]
async fn tells_why() {
    let app = AuthorizationCode::public("an-id", LOCAL).unwrap();
    let login = Login::new(Region::EuWest1, app).unwrap();
    let shown = login.in_browser("default", |url| send_to_parent(&format!("SHOWN {url}")));
    let error = shown.await.unwrap_err();
    is(&error, "NoBrowser");
    assert!(error.to_string().contains("Login::listen"), "{error}");
    send_to_parent(&format!("REASON {error}"));
}

#[test]
fn told_otherwise_it_opens_one_all_the_same_and_the_login_ends_there() {
    let test = "told_otherwise_it_opens_one_all_the_same_and_the_login_ends_there";
    if is_child() {
        return logs_in_all_the_same();
    }
    let folder = tempfile::tempdir().unwrap();
    let browser = recorder(folder.path());
    let said = child(test, &[("BROWSER", &browser), ("SSH_CONNECTION", "x")]);
    let opens = format!("opens {}", value(&said, "SHOWN "));
    assert_eq!(browsers(&said), [&*opens, "opened"]);
    value(&said, "LOGGED IN");
}

#[tokio::main(flavor = "current_thread")]
async fn logs_in_all_the_same() {
    let sandbox = sandbox().await;
    let builder = builder(&sandbox, LOCAL).open_browser_anyway();
    let login = builder.build().unwrap();
    let user = &sandbox.users()[0];
    let (send, shown) = tokio::sync::oneshot::channel();
    let show = |url: &str| {
        send_to_parent(&format!("SHOWN {url}"));
        send.send(url.to_owned()).unwrap();
    };
    let browser = async {
        let back = sandbox.log_in(&shown.await.unwrap(), user).await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        http.get(back).send().await.unwrap();
    };
    let (tokens, ()) = tokio::join!(login.in_browser("default", show), browser);
    assert_eq!(user_of(&tokens.unwrap()).await, user.email());
    send_to_parent("LOGGED IN");
}

#[test]
fn a_stored_login_is_taken_while_it_lives_unless_the_app_prompts() {
    let test = "a_stored_login_is_taken_while_it_lives_unless_the_app_prompts";
    if is_child() {
        return takes_what_is_stored();
    }
    // A browser is called for where this error comes.
    let said = child(test, &[("SSH_CONNECTION", "x")]);
    assert_eq!(said, ["prompted NoBrowser", "refused NoBrowser"]);
}

#[tokio::main(flavor = "current_thread")]
async fn takes_what_is_stored() {
    let sandbox = sandbox().await;
    let (store, clock) = (MemoryStore::new(), Clock::manual());
    let with = |app| {
        let builder = Login::builder(sandbox.region(), app).clock(clock.clone());
        builder
            .store(store.clone(), SealingKey::unsealed())
            .build()
            .unwrap()
    };
    let login = with(app(&sandbox, LOCAL));
    let waiting = login.listen("default").unwrap();
    let back = sandbox
        .log_in(waiting.authorize_url().as_str(), &sandbox.users()[0])
        .await;
    waiting.pasted(&back).await.unwrap();
    drop(waiting);
    login
        .in_browser("default", |_| panic!("the login lives"))
        .await
        .unwrap();
    let prompts = with(app(&sandbox, LOCAL).prompt_login());
    let prompted = prompts.in_browser("default", |_| {}).await.unwrap_err();
    send_to_parent(&format!("prompted {}", kind_of(&prompted)));

    // A login host that is away is no reason to log in anew; one that refuses the login is.
    clock.advance(Duration::from_secs(86_400));
    let fault = sandbox.at_token_endpoint().respond(503);
    let away = login.in_browser("default", |_| {}).await.unwrap_err();
    is(&away, "UnexpectedResponse");
    fault.remove();
    sandbox.expire_refresh_tokens();
    clock.advance(Duration::from_secs(60));
    let refused = login.in_browser("default", |_| {}).await.unwrap_err();
    send_to_parent(&format!("refused {}", kind_of(&refused)));
}

#[test]
fn a_browser_that_does_not_open_is_an_error() {
    let test = "a_browser_that_does_not_open_is_an_error";
    if is_child() {
        return fails();
    }
    let folder = tempfile::tempdir().unwrap();
    // Nothing is found there that could open anything.
    let path = folder.path().display().to_string();
    let said = child(test, &[("BROWSER", "/nowhere/browser"), ("PATH", &path)]);
    assert_eq!(said, ["failed"]);
}

#[tokio::main(flavor = "current_thread")]
async fn fails() {
    let app = AuthorizationCode::public("an-id", LOCAL).unwrap();
    let login = Login::new(Region::EuWest1, app).unwrap();
    let waiting = login.listen("default").unwrap();
    let error = waiting.open_browser().await.unwrap_err();
    is(&error, "NoBrowser");
    assert!(std::error::Error::source(&error).is_some());
    send_to_parent("failed");
}

#[test]
fn a_login_in_the_browser_that_is_cancelled_frees_its_port() {
    let test = "a_login_in_the_browser_that_is_cancelled_frees_its_port";
    if is_child() {
        return cancels();
    }
    let folder = tempfile::tempdir().unwrap();
    let browser = recorder(folder.path());
    let said = child(test, &[("BROWSER", &browser), ("SSH_CONNECTION", "x")]);
    value(&said, "free");
    value(&said, "opened");
}

#[tokio::main(flavor = "current_thread")]
async fn cancels() {
    let port = free_port();
    let app = AuthorizationCode::public("an-id", LOCAL).unwrap();
    let builder = Login::builder(Region::EuWest1, app).ports([port]);
    let login = builder.open_browser_anyway().build().unwrap();
    let (send, shown) = tokio::sync::oneshot::channel();
    let stranger = async {
        shown.await.unwrap();
        // Only who waits for the browser answers.
        let (status, _) = come_back(&format!("http://localhost:{port}/cb?state=another")).await;
        assert_eq!((status, is_free(port)), (400, false));
    };
    tokio::select! {
        _ = login.in_browser("default", |_| send.send(()).unwrap()) => panic!("nobody logs in"),
        () = stranger => {}
    }
    assert!(is_free(port));
    send_to_parent("free");
}

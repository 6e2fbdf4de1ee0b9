//! Whether a browser is opened, and with what: each case in a process of its own.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the child tells what it was started for"
)]

use std::{fs, path::Path, process::Command};

use genesys_cloud_auth::{MemoryStore, SealingKey};

use super::*;

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

const CASE: &str = "TEST_OPENS_A_BROWSER";

const HINT: &str = "a b\" & calc $(x)";

/// Runs this test's own child with these variables, and gives what it printed.
fn child(test: &str, variables: &[(&str, &str)]) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    for name in VARIABLES {
        child.env_remove(name);
    }
    let output = child
        .args(["--exact", &format!("login::browser::{test}"), "--nocapture"])
        .env(CASE, "yes")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

fn is_child() -> bool {
    std::env::var_os(CASE).is_some()
}

/// A program that writes each of its arguments on a line, and then a mark.
fn recorder(folder: &Path) -> String {
    use std::os::unix::fs::PermissionsExt;
    let (script, record) = (folder.join("browser"), folder.join("record"));
    let text = format!(
        "#!/bin/sh\nfor arg in \"$@\"; do printf '%s\\n' \"$arg\"; done >> '{0}'\necho end >> '{0}'\n",
        record.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    script.display().to_string()
}

/// What the recorder wrote, once it has ended.
fn recorded(folder: &Path) -> Vec<String> {
    for _ in 0..1_000 {
        let text = fs::read_to_string(folder.join("record")).unwrap_or_default();
        if text.ends_with("end\n") {
            return text.lines().map(str::to_owned).collect();
        }
        let _ = Command::new("sleep").arg("0.01").status();
    }
    panic!("the browser was not opened")
}

#[test]
fn the_browser_gets_one_argument_and_is_opened_once() {
    if is_child() {
        return opens();
    }
    for after in ["", " %s"] {
        let folder = tempfile::tempdir().unwrap();
        let browser = format!("{}{after}", recorder(folder.path()));
        let printed = child(
            "the_browser_gets_one_argument_and_is_opened_once",
            &[("BROWSER", &browser)],
        );
        let url = printed.lines().find_map(|line| line.strip_prefix("URL "));
        let url = url.unwrap();
        assert_eq!(recorded(folder.path()), [url, "end"], "{browser}");
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
    let login = Login::new(genesys_cloud_auth::Region::EuWest1, app).unwrap();
    let waiting = login.listen("default").unwrap();
    println!("URL {}", waiting.authorize_url());
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
        let printed = child(test, variables);
        let told = printed.contains(&format!("REASON {reason}"));
        assert!(
            told && !printed.contains("SHOWN"),
            "{variables:?}: {printed}"
        );
    }
    // No display, or a container where the tests run in one.
    let printed = child(test, &[]);
    assert!(
        printed.contains("REASON th") && !printed.contains("SHOWN"),
        "{printed}"
    );
}

#[tokio::main(flavor = "current_thread")]
async fn tells_why() {
    let app = AuthorizationCode::public("an-id", LOCAL).unwrap();
    let login = Login::new(genesys_cloud_auth::Region::EuWest1, app).unwrap();
    let shown = login.in_browser("default", |url| println!("SHOWN {url}"));
    let error = shown.await.unwrap_err();
    is(&error, "NoBrowser");
    assert!(error.to_string().contains("Login::listen"), "{error}");
    println!("REASON {error}");
}

#[test]
fn told_otherwise_it_opens_one_all_the_same_and_the_login_ends_there() {
    let test = "told_otherwise_it_opens_one_all_the_same_and_the_login_ends_there";
    if is_child() {
        return logs_in_all_the_same();
    }
    let folder = tempfile::tempdir().unwrap();
    let browser = recorder(folder.path());
    let printed = child(test, &[("BROWSER", &browser), ("SSH_CONNECTION", "x")]);
    let [url, _] = &recorded(folder.path())[..] else {
        panic!("{printed}")
    };
    assert!(printed.contains(&format!("SHOWN {url}")), "{printed}");
    assert!(printed.contains("LOGGED IN"), "{printed}");
}

#[tokio::main(flavor = "current_thread")]
async fn logs_in_all_the_same() {
    let sandbox = sandbox().await;
    let builder = builder(&sandbox, LOCAL).open_browser_anyway();
    let login = builder.build().unwrap();
    let user = &sandbox.users()[0];
    let (send, shown) = tokio::sync::oneshot::channel();
    let show = |url: &str| {
        println!("SHOWN {url}");
        send.send(url.to_owned()).unwrap();
    };
    let browser = async {
        let back = sandbox.log_in(&shown.await.unwrap(), user).await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        http.get(back).send().await.unwrap();
    };
    let (tokens, ()) = tokio::join!(login.in_browser("default", show), browser);
    assert_eq!(user_of(&tokens.unwrap()).await, user.email());
    println!("LOGGED IN");
}

#[test]
fn a_stored_login_is_taken_while_it_lives_unless_the_app_prompts() {
    let test = "a_stored_login_is_taken_while_it_lives_unless_the_app_prompts";
    if is_child() {
        return takes_what_is_stored();
    }
    // A browser is called for where this error comes.
    let printed = child(test, &[("SSH_CONNECTION", "x")]);
    assert!(
        printed.contains("TAKEN, NoBrowser, Status, NoBrowser"),
        "{printed}"
    );
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

    // A login host that is away is no reason to log in anew; one that refuses the login is.
    clock.advance(Duration::from_secs(86_400));
    let fault = sandbox.at_token_endpoint().answer(503);
    let away = login.in_browser("default", |_| {}).await.unwrap_err();
    is(&away, "UnexpectedAnswer");
    fault.remove();
    sandbox.expire_refresh_tokens();
    clock.advance(Duration::from_secs(60));
    let refused = login.in_browser("default", |_| {}).await.unwrap_err();
    println!(
        "TAKEN, {}, Status, {}",
        kind_of(&prompted),
        kind_of(&refused)
    );
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
    let printed = child(test, &[("BROWSER", "/nowhere/browser"), ("PATH", &path)]);
    assert!(printed.contains("FAILED"), "{printed}");
}

#[tokio::main(flavor = "current_thread")]
async fn fails() {
    let app = AuthorizationCode::public("an-id", LOCAL).unwrap();
    let login = Login::new(genesys_cloud_auth::Region::EuWest1, app).unwrap();
    let waiting = login.listen("default").unwrap();
    let error = waiting.open_browser().await.unwrap_err();
    is(&error, "NoBrowser");
    assert!(std::error::Error::source(&error).is_some());
    println!("FAILED {error}");
}

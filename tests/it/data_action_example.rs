//! The example `data_action`, on the sandbox.

use std::process::Stdio;

use genesys_cloud_auth::sandbox::Sandbox;
use secrecy::ExposeSecret;
use tokio::process::Command;

use super::{
    quickstart::program,
    readme::assert_is_documented,
    support::{cloud::client_of, example::in_one_line},
};

#[path = "../../examples/data_action/main.rs"]
#[allow(dead_code, reason = "a program with parts of its own")]
mod data_action;

#[tokio::test]
async fn second_client_costs_no_execution_and_a_resume_repairs() {
    let mut out = Vec::new();
    let output = &mut data_action::terminal::Output::new(&mut out, 80);
    let counts = data_action::run_on_sandbox(output).await.unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_is_documented(&text);
    for (executions, fails) in [
        (counts.with_second_client, false),
        (counts.until_interrupted, true),
        (counts.since_resumed, false),
    ] {
        // Each of the two workers has ended that many.
        assert!(executions.succeeded >= 2 * 20, "{executions:?}");
        assert_eq!(executions.failed > 0, fails, "{executions:?}");
        let row = format!("executions        {executions}");
        assert!(text.contains(&row), "{text}");
    }
    for line in text.lines() {
        // Words are not broken, so that an id or a path can be copied.
        let is_one_word = line.split_whitespace().count() == 1;
        assert!(line.chars().count() <= 80 || is_one_word, "{line}");
        assert!(!line.contains('\u{1b}'), "{line}");
    }
}

/// The program in a process of its own, and a sandbox here in the place of an organisation.
#[tokio::test]
async fn program_deletes_in_an_organisation_what_it_created() {
    let sandbox = Sandbox::start().await.unwrap();
    let role = sandbox.add_role(["externalContacts:contact:view"]);
    let url = url::Url::parse(&sandbox.url()).unwrap();
    let secret = sandbox.client_secret();
    let mut command = Command::new(program("data_action"));
    command
        .args([role.as_str(), "ada@customer.example"])
        .env_clear()
        .env("GENESYSCLOUD_GATEWAY_HOST", url.host_str().unwrap())
        .env("GENESYSCLOUD_GATEWAY_PORT", url.port().unwrap().to_string())
        .env("GENESYSCLOUD_GATEWAY_PROTOCOL", "http")
        .env("GENESYSCLOUD_OAUTHCLIENT_ID", sandbox.client_id())
        .env("GENESYSCLOUD_OAUTHCLIENT_SECRET", secret.expose_secret())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let output = command.output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}{errors}");
    let shown = in_one_line(&text);
    for part in [
        "Against region ",
        "executed Ada",
        "second client's id and secret",
        " succeeded, 0 failed A rotation under load, without a second client",
        "the step “store the secret”",
        "INVALID_CREDENTIALS",
        "recheck succeeded",
    ] {
        assert!(shown.contains(part), "{part}: {text}");
    }
    assert!(!shown.contains("by a flow"), "{text}");

    let api = client_of(&sandbox);
    let clients = api.oauth_clients().list().await.unwrap();
    let integrations = api.integrations();
    let left = (
        clients.len(),
        integrations.list().await.unwrap().len(),
        integrations.list_credentials().await.unwrap().len(),
        api.data_actions().list().await.unwrap().len(),
    );
    // What the sandbox has from its start.
    assert_eq!(left, (1, 1, 3, 1));
}

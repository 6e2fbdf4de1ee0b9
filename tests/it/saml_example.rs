//! The example `saml2_bearer`, on the sandbox and with arguments.

use std::process::{Command, Output};

use genesys_cloud_auth::{Error, Saml2Bearer, error::Troubleshooting, sandbox::Sandbox};

use super::{quickstart::program, readme::assert_is_documented, support::example::in_one_line};

#[path = "../../examples/saml2_bearer.rs"]
#[allow(dead_code, reason = "a program with parts of its own")]
mod saml2_bearer;

#[tokio::test]
async fn it_shows_a_day_of_two_assertions() {
    let mut out = Vec::new();
    let output = &mut saml2_bearer::terminal::Output::new(&mut out, 80);
    saml2_bearer::run_on_sandbox(output).await.unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_is_documented(&text);
    let sections: Vec<String> = text.split("\n\n").skip(1).map(in_one_line).collect();
    let [first, second, used, old] = &sections[..] else {
        panic!("{text}")
    };
    for (section, requests) in [(first, 1), (second, 2)] {
        let expected =
            format!("user1@sandbox.example organisation Sandbox token requests {requests}");
        assert!(section.ends_with(&expected), "{section}");
    }
    let row = Troubleshooting::TokenExpired;
    for (section, why) in [(used, "already used"), (old, "expired at")] {
        for expected in [why, row.issue(), row.likely_cause(), row.resolution()] {
            assert!(section.contains(expected), "{section}");
        }
    }
    // The used assertion was sent once.
    assert!(old.ends_with("token requests 3"), "{old}");
}

#[tokio::test]
async fn an_assertion_becomes_the_token_of_its_user() {
    let sandbox = Sandbox::builder().saml_client("https://app.example/saml");
    let sandbox = sandbox.start().await.unwrap();
    let assertions = sandbox.assertions(&sandbox.users()[1]);
    let given = assertions.response();
    let exchange = async || {
        let (id, secret) = (sandbox.client_id(), sandbox.client_secret());
        let grant = Saml2Bearer::new(id, secret, sandbox.org_short_name(), &*given).unwrap();
        let mut out = Vec::new();
        let output = &mut saml2_bearer::terminal::Output::new(&mut out, 80);
        let outcome = saml2_bearer::run_on_region(sandbox.region(), grant, output).await;
        let error = outcome
            .err()
            .map(|error| *error.downcast::<Error>().unwrap());
        (in_one_line(&String::from_utf8(out).unwrap()), error)
    };
    let (text, error) = exchange().await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(
        text,
        "user User 2 email address user2@sandbox.example organisation Sandbox"
    );
    let (text, error) = exchange().await;
    assert!(error.unwrap().needs_login());
    assert_eq!(text, "");
}

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(program("saml2_bearer"));
    command.env("GENESYSCLOUD_OAUTHCLIENT_SECRET", "a-secret");
    command.args(arguments).output().unwrap()
}

#[test]
fn invalid_arguments_are_errors_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("assertion.txt");
    std::fs::write(&file, "no assertion!").unwrap();
    let file = file.to_str().unwrap();
    let standard_input = "it is empty";
    for (arguments, expected) in [
        (
            &["eu-west-1", "an-id", "my-org", file][..],
            "neither XML nor base64",
        ),
        (&["eu-west-1", "an-id", "my-org", "-"], standard_input),
        (
            &["eu-west-1", "an-id", "my-org", "no-such-file.xml"],
            "no-such-file.xml: ",
        ),
        (&["eu-west-1", "an-id", "my org", file], "short name"),
        (
            &["eu-west-1", "an-id"],
            "the arguments are REGION CLIENT_ID ORG FILE",
        ),
    ] {
        let output = run(arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{text}");
        assert!(in_one_line(&text).contains(expected), "{text}");
    }
}

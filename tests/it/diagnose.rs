//! The example that names the row of the troubleshooting table.

use std::time::Duration;

use genesys_cloud_auth::{FixedToken, TokenProvider, error::Troubleshooting, sandbox::Sandbox};

use super::{
    quickstart::run,
    support::{assert_contains, example::in_one_line},
};

#[path = "../../examples/diagnose.rs"]
#[allow(
    clippy::module_inception,
    dead_code,
    reason = "a program with parts of its own"
)]
mod diagnose;

#[tokio::test]
async fn sandbox_run_shows_all_six_rows() {
    let mut out = Vec::new();
    let output = &mut diagnose::terminal::Output::new(&mut out, 80);
    diagnose::against_the_sandbox(output).await.unwrap();
    let text = String::from_utf8(out).unwrap();
    let sections: Vec<String> = text.split("\n\n").skip(1).map(in_one_line).collect();
    // Two errors lead to the last row.
    assert_eq!(sections.len(), 7, "{text}");
    let rows = Troubleshooting::ALL
        .into_iter()
        .chain([Troubleshooting::ALL[5]]);
    for ((number, row), section) in (1..=7).zip(rows).zip(&sections) {
        let begins = format!("{}. {} tried", number.min(6), row.issue());
        assert!(section.starts_with(&begins), "{section}");
        for part in [row.likely_cause(), row.resolution(), "error "] {
            assert!(section.contains(part), "{section}");
        }
    }
    // Only a single word may be wider than a terminal.
    for line in text.lines().filter(|line| line.chars().count() > 80) {
        assert_eq!(line.split_whitespace().count(), 1, "{line}");
    }
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
}

/// Runs against a region. Returns whether everything worked, and the output.
async fn run_against(tokens: TokenProvider, path: &str) -> (bool, String) {
    let mut out = Vec::new();
    let output = &mut diagnose::terminal::Output::new(&mut out, 80);
    let worked = diagnose::against_the_region(tokens, &[path.to_owned()], output)
        .await
        .unwrap();
    (worked, in_one_line(&String::from_utf8(out).unwrap()))
}

#[tokio::test]
async fn region_run_names_the_row_that_applies() {
    let sandbox = Sandbox::start().await.unwrap();
    let tokens = || TokenProvider::new(sandbox.region(), sandbox.client_credentials()).unwrap();

    let (worked, text) = run_against(tokens(), "/api/v2/organizations/me").await;
    assert!(worked && text.contains("No row applies"), "{text}");

    sandbox.set_permissions(["directory:user:view"]);
    let (worked, text) = run_against(tokens(), "/api/v2/oauth/clients").await;
    assert!(!worked && text.contains("2. API access denied"), "{text}");
    assert!(text.contains("oauth:client:view"), "{text}");

    let (worked, text) = run_against(tokens(), "/api/v2/nowhere").await;
    assert!(!worked && text.contains("No row of the table"), "{text}");
    assert!(text.contains("not.found"), "{text}");

    let token = tokens().token().await.unwrap();
    sandbox.advance(Duration::from_secs(86_400));
    let fixed = FixedToken::new(token.expose_secret()).unwrap();
    let fixed = TokenProvider::new(sandbox.region(), fixed).unwrap();
    let (worked, text) = run_against(fixed, "/api/v2/organizations/me").await;
    assert!(!worked && text.contains("the token at the API"), "{text}");

    sandbox.disable_client();
    let (worked, text) = run_against(tokens(), "/api/v2/organizations/me").await;
    assert!(!worked && text.contains("1. Token request fails"), "{text}");
}

#[test]
fn client_id_without_secret_is_row_five() {
    let output = run(
        "diagnose",
        &[
            ("GENESYSCLOUD_OAUTHCLIENT_ID", "an-id"),
            ("GENESYSCLOUD_REGION", "eu-west-1"),
        ],
    );
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("5. Secret not visible"), "{text}");
    assert_contains(in_one_line(&text), "GENESYSCLOUD_OAUTHCLIENT_SECRET is not");
}

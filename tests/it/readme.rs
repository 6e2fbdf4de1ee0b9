//! The README's program and the README's output, both tried.

use genesys_cloud_auth::{Error, PlatformClient, Sandbox, TokenProvider};
use serde_json::Value;

use super::quickstart::quickstart;

const README: &str = include_str!("../../README.md");

/// The shortest program's lines between its credentials and its output, against the sandbox.
const PROGRAM: &str = r#"
    let tokens = TokenProvider::new(Region::EuWest1, credentials)?;
    let api = PlatformClient::new(tokens);

    let organization: Value = api.get("/api/v2/organizations/me").fetch().await?;
    println!("{}", organization["name"]);
"#;

#[tokio::test]
async fn the_shortest_program_does_what_it_says() -> Result<(), Error> {
    assert!(README.contains(PROGRAM));
    let sandbox = Sandbox::start().await.unwrap();
    let credentials = sandbox.client_credentials();
    let tokens = TokenProvider::new(sandbox.region(), credentials)?;
    let api = PlatformClient::new(tokens);
    let organization: Value = api.get("/api/v2/organizations/me").fetch().await?;
    assert!(organization["name"].is_string());
    Ok(())
}

/// Text with its numbers and its line breaks taken out: they differ from run to run.
fn shape(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words
        .split(|c: char| c.is_ascii_digit())
        .filter(|part| !matches!(*part, "" | "."))
        .collect()
}

#[tokio::test]
async fn the_quickstart_prints_what_the_readme_shows() {
    let shown = README.split("```text\n").nth(1).unwrap();
    let shown = shown.split("```").next().unwrap();
    let sandbox = Sandbox::start().await.unwrap();
    let mut out = Vec::new();
    quickstart::against_the_sandbox(&sandbox, &mut out)
        .await
        .unwrap();
    assert_eq!(shape(shown), shape(&String::from_utf8(out).unwrap()));
}

//! The README's program and the README's output, both tried.

use genesys_cloud_auth::{
    AuthorizationCode, Error, Login, PlatformClient, TokenProvider,
    sandbox::Sandbox,
    store::{FileStore, SealingKey},
};
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

/// The login's lines from its store to its output.
const LOGIN: &str = r#"
        .store(FileStore::new()?, SealingKey::unsealed())
        .build()?;
    let tokens = login
        .in_browser("default", |url| eprintln!("Log in at {url}"))
        .await?;

    let api = PlatformClient::new(tokens);
    let user: Value = api.get("/api/v2/users/me").fetch().await?;
    println!("{}", user["name"]);
"#;

#[tokio::test]
async fn the_login_is_kept_for_the_next_run() -> Result<(), Error> {
    assert!(README.contains(LOGIN));
    let sandbox = Sandbox::builder().code_client(["http://localhost"]);
    let sandbox = sandbox.start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let login = || {
        let app = AuthorizationCode::public(sandbox.client_id(), "http://localhost")?;
        Login::builder(sandbox.region(), app)
            .store(FileStore::in_folder(folder.path()), SealingKey::unsealed())
            .build()
    };
    // The first run, in whatever browser.
    let (first, user) = (login()?, &sandbox.users()[0]);
    let waiting = first.listen("default")?;
    let url = waiting.authorize_url().as_str();
    waiting.pasted(&sandbox.log_in(url, user).await).await?;

    let tokens = login()?
        .in_browser("default", |url| panic!("a browser opens {url}"))
        .await?;
    let api = PlatformClient::new(tokens);
    let me: Value = api.get("/api/v2/users/me").fetch().await?;
    assert_eq!(me["email"], user.email());
    assert!(me["name"].is_string());
    Ok(())
}

/// Text with its numbers, ids and line breaks taken out: they differ from run to run.
fn shape(text: &str) -> String {
    let is_id = |word: &&str| word.matches('-').count() == 4;
    let words = text.split_whitespace().filter(|word| !is_id(word));
    let words = words.collect::<Vec<_>>().join(" ");
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

/// Whether `text` is what the README shows of it, where `…` stands for what differs from run to run.
#[track_caller]
pub(super) fn is_in_the_readme(text: &str) {
    let blocks = README.split("```text\n").skip(1);
    let mut blocks = blocks.map(|block| block.split("```").next().unwrap());
    assert!(blocks.any(|shown| is_as_shown(text, shown)), "{text}");
}

fn is_as_shown(text: &str, shown: &str) -> bool {
    let mut parts = shown.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.is_empty()
}

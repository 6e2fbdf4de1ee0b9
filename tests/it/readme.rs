//! The README's programs and the transcripts in the documentation, checked against real runs.

use genesys_cloud_auth::{
    AuthorizationCode, Error, Login, PlatformClient, TokenProvider,
    sandbox::Sandbox,
    store::{FileStore, SealingKey},
};
use serde_json::Value;

use super::support::example::in_one_line;

const README: &str = include_str!("../../README.md");
const QUICKSTART: &str = include_str!("../../examples/quickstart.rs");

/// All documents that may show a transcript.
const DOCUMENTS: [&str; 9] = [
    README,
    QUICKSTART,
    include_str!("../../examples/audit.rs"),
    include_str!("../../examples/data_action/main.rs"),
    include_str!("../../examples/fleet/main.rs"),
    include_str!("../../examples/login.rs"),
    include_str!("../../examples/saml2_bearer.rs"),
    include_str!("../../examples/web_app/main.rs"),
    include_str!("../../examples/sso_web_app/main.rs"),
];

/// The lines of the README's shortest program that follow its credentials.
const PROGRAM: &str = r#"
    let tokens = TokenProvider::new(Region::EuWest1, credentials)?;
    let api = PlatformClient::new(tokens);

    let organization: Value = api.get("/api/v2/organizations/me").fetch().await?;
    println!("{}", organization["name"]);
"#;

#[tokio::test]
async fn shortest_program_gets_the_organization() -> Result<(), Error> {
    assert!(README.contains(PROGRAM));
    let sandbox = Sandbox::start().await.unwrap();
    let credentials = sandbox.client_credentials();
    let tokens = TokenProvider::new(sandbox.region(), credentials)?;
    let api = PlatformClient::new(tokens);
    let organization: Value = api.get("/api/v2/organizations/me").fetch().await?;
    assert!(organization["name"].is_string());
    Ok(())
}

/// The lines of the program in the documentation of `Login` that begin with its store.
const LOGIN: &str = r#"
///     .store(FileStore::new()?, SealingKey::unsealed())
///     .build()?;
/// let tokens = login.in_browser("default", |url| eprintln!("Log in at {url}")).await?;
"#;

#[tokio::test]
async fn login_is_stored_for_the_next_run() -> Result<(), Error> {
    assert!(include_str!("../../src/login.rs").contains(LOGIN));
    let sandbox = Sandbox::builder().code_client(["http://localhost"]);
    let sandbox = sandbox.start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let login = || {
        let app = AuthorizationCode::public(sandbox.client_id(), "http://localhost")?;
        Login::builder(sandbox.region(), app)
            .store(FileStore::in_folder(folder.path()), SealingKey::unsealed())
            .build()
    };
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

#[test]
fn guide_shows_the_store_on_a_sql_table_that_is_tested() {
    let store = include_str!("../fixtures/sql_store/src/lib.rs");
    let guide = include_str!("../../src/guide/stores.md");
    assert!(guide.contains(&format!("```rust,ignore\n{store}```\n")));
}

/// Asserts that the documentation of the example `quickstart` shows what it printed.
#[track_caller]
pub(super) fn assert_quickstart_shows(printed: &str) {
    let shown = transcripts(QUICKSTART).remove(0);
    assert_eq!(without_numbers(&shown), without_numbers(printed));
}

/// Returns the text without numbers, ids and line breaks, which differ from run to run.
fn without_numbers(text: &str) -> String {
    let is_id = |word: &&str| word.matches('-').count() == 4;
    let words = text.split_whitespace().filter(|word| !is_id(word));
    let words = words.collect::<Vec<_>>().join(" ");
    words
        .split(|c: char| c.is_ascii_digit())
        .filter(|part| !matches!(*part, "" | "."))
        .collect()
}

/// Asserts that a transcript in the README or in an example's documentation shows `text`. In a
/// transcript, `…` stands for what differs from run to run.
#[track_caller]
pub(super) fn assert_is_documented(text: &str) {
    let text = in_one_line(text);
    let mut shown = DOCUMENTS.into_iter().flat_map(transcripts);
    let is_shown = shown.any(|shown| matches_transcript(&text, &in_one_line(&shown)));
    assert!(is_shown, "{text}");
}

/// Returns the blocks of text in a Markdown file or in the module documentation of a Rust file.
fn transcripts(document: &str) -> Vec<String> {
    let lines = document.lines().map(|line| {
        let line = line
            .strip_prefix("//!")
            .map_or(line, |doc| doc.strip_prefix(' ').unwrap_or(doc));
        format!("{line}\n")
    });
    let document: String = lines.collect();
    let blocks = document.split("```text\n").skip(1);
    blocks
        .filter_map(|block| Some(block.split_once("```")?.0.to_owned()))
        .collect()
}

fn matches_transcript(text: &str, shown: &str) -> bool {
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

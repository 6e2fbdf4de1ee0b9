//! The example `quickstart`: it prints what the sandbox has recorded.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use genesys_cloud_auth::sandbox::Sandbox;

use super::{environment::VARIABLES, readme::assert_quickstart_shows, support::assert_contains};

#[path = "../../examples/quickstart.rs"]
#[allow(
    clippy::module_inception,
    dead_code,
    reason = "a program with parts of its own"
)]
pub(super) mod quickstart;

/// Returns the number after `name` under `heading`.
fn printed(text: &str, heading: &str, name: &str) -> usize {
    let section = text
        .split("\n\n")
        .find(|section| section.starts_with(heading));
    let row = section
        .unwrap()
        .lines()
        .find(|line| line.trim().starts_with(name));
    row.unwrap()
        .trim()
        .trim_start_matches(name)
        .trim()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn output_matches_the_sandbox_and_the_documentation() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut out = Vec::new();
    let output = &mut quickstart::terminal::Output::new(&mut out, 80);
    quickstart::against_the_sandbox(&sandbox, output)
        .await
        .unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_quickstart_shows(&text);

    let herd = "1,000 concurrent callers";
    assert_eq!(printed(&text, herd, "token requests"), 1);
    assert_eq!(printed(&text, herd, "different tokens"), 1);
    let revoked = "The server revokes the token";
    assert_eq!(
        printed(&text, revoked, "API requests"),
        sandbox.api_requests()
    );
    assert_eq!(printed(&text, revoked, "token requests"), 1);
    // For the first token, the concurrent callers, after the revocation, and with the wrong secret.
    assert_eq!(sandbox.token_requests(), 1 + 1 + 1 + 1);
    let statuses: Vec<_> = sandbox
        .requests()
        .iter()
        .map(|request| {
            (
                request.path().to_owned(),
                request.status().unwrap().as_u16(),
            )
        })
        .collect();
    let token = |status| ("/oauth/token".to_owned(), status);
    let organization = |status| ("/api/v2/organizations/me".to_owned(), status);
    assert_eq!(
        statuses,
        [
            token(200),
            token(200),
            organization(401),
            token(200),
            organization(200),
            token(400)
        ]
    );
    for row in ["issue ", "likely cause", "resolution"] {
        assert!(text.contains(row), "{text}");
    }
}

/// Returns the path of an example that was built with the tests.
pub(super) fn program(example: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let name = format!("{example}{}", std::env::consts::EXE_SUFFIX);
    let folder = tests.ancestors().nth(2).unwrap();
    folder.join("examples").join(name)
}

/// Runs an example without other variables of this crate.
pub(super) fn run(example: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program(example));
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied()).output().unwrap()
}

#[test]
fn runs_without_configuration_behind_an_unreachable_proxy() {
    let nowhere = "http://127.0.0.1:9";
    let proxies = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"];
    for variables in [vec![], proxies.map(|name| (name, nowhere)).to_vec()] {
        let output = run("quickstart", &variables);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_contains(&text, "likely cause      wrong client id or secret");
    }
}

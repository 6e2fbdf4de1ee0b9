//! Configuration by environment variables, each case in a process of its own.
#![allow(
    clippy::disallowed_methods,
    reason = "a variable tells the child process which case it runs"
)]

use std::process::Command;

use genesys_cloud_auth::TokenProvider;

/// Variables that a child process must not inherit.
pub(super) const VARIABLES: [&str; 10] = [
    "GENESYSCLOUD_REGION",
    "GENESYSCLOUD_OAUTHCLIENT_ID",
    "GENESYSCLOUD_OAUTHCLIENT_SECRET",
    "GENESYSCLOUD_ACCESS_TOKEN",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

const CASE: &str = "TEST_READS_THE_ENVIRONMENT";

/// Variables, and what the output of the child process contains.
const CASES: &[(&[(&str, &str)], &str)] = &[
    (&[], "error: GENESYSCLOUD_REGION is not set"),
    (
        &[("GENESYSCLOUD_REGION", "eu-west-9")],
        "error: \"eu-west-9\" is not a Genesys Cloud region",
    ),
    (
        &[("GENESYSCLOUD_REGION", "mypurecloud.ie")],
        "error: neither GENESYSCLOUD_OAUTHCLIENT_ID nor GENESYSCLOUD_ACCESS_TOKEN is set",
    ),
    (
        &[
            ("GENESYSCLOUD_REGION", "eu-west-1"),
            ("GENESYSCLOUD_OAUTHCLIENT_ID", "an-id"),
            ("GENESYSCLOUD_OAUTHCLIENT_SECRET", ""),
        ],
        "Secret not visible after creation: GENESYSCLOUD_OAUTHCLIENT_ID is set and",
    ),
    (
        &[
            ("GENESYSCLOUD_REGION", "EU_WEST_1"),
            ("GENESYSCLOUD_OAUTHCLIENT_ID", "an-id"),
            ("GENESYSCLOUD_OAUTHCLIENT_SECRET", "sentinel"),
        ],
        "mypurecloud.ie: ClientCredentials { client_id: \"an-id\", secret: ClientSecret(from a variable) }",
    ),
    (
        &[
            ("GENESYSCLOUD_REGION", "eu-west-1"),
            ("GENESYSCLOUD_OAUTHCLIENT_ID", "an-id"),
            ("GENESYSCLOUD_OAUTHCLIENT_SECRET", "sentinel"),
            ("GENESYSCLOUD_ACCESS_TOKEN", "sentinel-token"),
        ],
        "mypurecloud.ie: FixedToken([redacted, 14 bytes])",
    ),
    (
        &[
            ("GENESYSCLOUD_REGION", "eu-west-1"),
            ("GENESYSCLOUD_ACCESS_TOKEN", "Bearer sentinel-token"),
        ],
        "error: this is no access token",
    ),
];

/// Starts this test once more for each case, in a process that prints the provider or the error.
#[test]
fn from_env_reads_four_variables() {
    if std::env::var_os(CASE).is_some() {
        println!("{}", provider_or_error());
        return;
    }
    for (variables, expected) in CASES {
        let mut child = Command::new(std::env::current_exe().unwrap());
        for name in VARIABLES {
            child.env_remove(name);
        }
        let child = child
            .args(["--exact", "environment::from_env_reads_four_variables"])
            .arg("--nocapture")
            .env(CASE, "yes")
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let output = String::from_utf8(child.stdout).unwrap();
        assert!(output.contains(expected), "{variables:?}: {output}");
        assert!(!output.contains("sentinel"), "{variables:?}: {output}");
    }
}

fn provider_or_error() -> String {
    match TokenProvider::from_env() {
        Ok(tokens) => {
            let shown = format!("{tokens:?}");
            let (_, grant) = shown.split_once("grant: ").unwrap();
            format!("{}: {grant}", tokens.region())
        }
        Err(error) => {
            let row = error.troubleshooting().map_or("error", |row| row.issue());
            format!("{row}: {error}")
        }
    }
}

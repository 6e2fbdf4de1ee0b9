//! Configuration by environment variables, each case in a process of its own.

use std::process::Command;

use genesys_cloud_auth::{PlatformClient, TokenProvider, sandbox::Sandbox};
use secrecy::ExposeSecret as _;

use crate::support::{
    assert_contains,
    child_process::{command, job, messages_of, send_to_parent},
    good_token,
    runtime::runtime,
    server::{Reply, Server},
};

/// Variables that a child process must not inherit.
pub(super) const VARIABLES: [&str; 15] = [
    "GENESYSCLOUD_REGION",
    "GENESYSCLOUD_OAUTHCLIENT_ID",
    "GENESYSCLOUD_OAUTHCLIENT_SECRET",
    "GENESYSCLOUD_ACCESS_TOKEN",
    "GENESYSCLOUD_GATEWAY_HOST",
    "GENESYSCLOUD_GATEWAY_PORT",
    "GENESYSCLOUD_GATEWAY_PROTOCOL",
    "GENESYSCLOUD_GATEWAY_PATH_NAME",
    "GENESYSCLOUD_GATEWAY_PATH_VALUE",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Variables, without the common beginning of their names, and what the output of the child process
/// contains.
const CASES: &[(&[(&str, &str)], &str)] = &[
    (
        &[],
        "error: neither GENESYSCLOUD_REGION nor GENESYSCLOUD_GATEWAY_HOST is set",
    ),
    (
        &[("REGION", "eu-west-9")],
        "error: GENESYSCLOUD_REGION: \"eu-west-9\" is not a Genesys Cloud region; the nearest are eu-west-1",
    ),
    (
        &[("REGION", "mypurecloud.ie")],
        "nor GENESYSCLOUD_ACCESS_TOKEN is set; set the id and the secret of an OAuth client, or a token",
    ),
    (
        &[("REGION", "eu-west-1"), ID, ("OAUTHCLIENT_SECRET", "")],
        "Secret not visible after creation: GENESYSCLOUD_OAUTHCLIENT_ID is set and",
    ),
    (
        &[("REGION", "EU_WEST_1"), ID, SECRET],
        "mypurecloud.ie: ClientCredentials { client_id: \"an-id\", secret: ClientSecret(from a variable) }",
    ),
    (
        &[("REGION", "eu-west-1"), ID, SECRET, TOKEN],
        "mypurecloud.ie: FixedToken([redacted, 14 bytes])",
    ),
    // A line break at the end, and a byte order mark.
    (
        &[
            ("REGION", "\u{feff}euw1\r\n"),
            ("OAUTHCLIENT_ID", "\u{feff}an-id\r\n"),
            SECRET,
        ],
        "mypurecloud.ie: ClientCredentials { client_id: \"an-id\", secret",
    ),
    (
        &[
            ("REGION", "https://apps.mypurecloud.ie/directory\n"),
            ("ACCESS_TOKEN", "sentinel-token\r\n"),
        ],
        "mypurecloud.ie: FixedToken([redacted, 14 bytes])",
    ),
    (
        &[REGION, ("ACCESS_TOKEN", "Bearer sentinel-token")],
        "error: GENESYSCLOUD_ACCESS_TOKEN: the access token begins with a part of a header",
    ),
    (
        &[REGION, ("ACCESS_TOKEN", "'sentinel-token'")],
        "error: GENESYSCLOUD_ACCESS_TOKEN: the access token begins or ends with a quotation mark",
    ),
    (
        &[REGION, ("OAUTHCLIENT_ID", "\"an-id\""), SECRET],
        "error: the variable GENESYSCLOUD_OAUTHCLIENT_ID begins or ends with a quotation mark",
    ),
    (
        &[REGION, ("OAUTHCLIENT_ID", "an id"), SECRET],
        "error: GENESYSCLOUD_OAUTHCLIENT_ID: the client id contains a colon, a space",
    ),
    (
        &[REGION, ID, ("OAUTHCLIENT_SECRET", "\"sentinel\"")],
        "error: GENESYSCLOUD_OAUTHCLIENT_SECRET: the client secret begins or ends with a quotation mark",
    ),
    (
        &[REGION, ID, ("OAUTHCLIENT_SECRET", "sentinel\nsentinel")],
        "error: GENESYSCLOUD_OAUTHCLIENT_SECRET: the client secret contains a line break",
    ),
    (
        &[("REGION", "'eu-west-1'"), ID, SECRET],
        "error: GENESYSCLOUD_REGION: the region begins or ends with a quotation mark",
    ),
    // A gateway.
    (
        &[("GATEWAY_HOST", "gw.example"), ID, SECRET],
        "login https://gw.example/, API https://gw.example/, apps https://gw.example/: Client",
    ),
    (
        &[
            REGION,
            ("GATEWAY_HOST", "localhost"),
            ("GATEWAY_PORT", "9000"),
            ("GATEWAY_PROTOCOL", "http"),
            ("GATEWAY_PATH_NAME", "login"),
            ("GATEWAY_PATH_VALUE", "/genesys/login"),
            ("GATEWAY_AUTH_USERNAME", "sentinel"),
            ("GATEWAY_AUTH_PASSWORD", "sentinel"),
            TOKEN,
        ],
        "login http://localhost:9000/genesys/login, API http://localhost:9000/, apps \
         https://apps.mypurecloud.ie/: FixedToken",
    ),
    (
        &[
            ("GATEWAY_HOST", "gw.example"),
            ("GATEWAY_PROTOCOL", "http"),
            TOKEN,
        ],
        "error: GENESYSCLOUD_GATEWAY_PROTOCOL is http, which is accepted only for a host of this machine",
    ),
    (
        &[("GATEWAY_HOST", "gw.example"), ("GATEWAY_PORT", "x"), TOKEN],
        "error: GENESYSCLOUD_GATEWAY_PORT is not a port",
    ),
    (
        &[
            ("REGION", "eu-west-9"),
            ("GATEWAY_HOST", "gw.example"),
            TOKEN,
        ],
        "error: GENESYSCLOUD_REGION: \"eu-west-9\"",
    ),
    (
        &[REGION, ("GATEWAY_PORT", "8443"), TOKEN],
        "error: GENESYSCLOUD_GATEWAY_PORT is set and GENESYSCLOUD_GATEWAY_HOST is not",
    ),
];

const REGION: (&str, &str) = ("REGION", "eu-west-1");
const ID: (&str, &str) = ("OAUTHCLIENT_ID", "an-id");
const SECRET: (&str, &str) = ("OAUTHCLIENT_SECRET", "sentinel");
const TOKEN: (&str, &str) = ("ACCESS_TOKEN", "sentinel-token");

/// Starts this test once more for each case, in a process that prints the provider or the error.
#[test]
fn variables_lead_to_a_provider_or_an_error_that_names_one() {
    const NAME: &str = "environment::variables_lead_to_a_provider_or_an_error_that_names_one";
    if job().is_some() {
        return send_to_parent(&provider_or_error());
    }
    for (variables, expected) in CASES {
        let said = child_says(NAME, variables);
        assert!(said.contains(expected), "{variables:?}: {said}");
        assert!(!said.contains("sentinel"), "{variables:?}: {said}");
    }
}

/// Latin-1 in a variable is not reported as a missing one.
#[cfg(unix)]
#[test]
fn variable_that_is_not_unicode_is_named() {
    use std::os::unix::ffi::OsStrExt;
    if job().is_some() {
        return send_to_parent(&provider_or_error());
    }
    let mut child = child(
        "environment::variable_that_is_not_unicode_is_named",
        &[REGION, ID],
    );
    let latin_1 = std::ffi::OsStr::from_bytes(b"s\xe9cret");
    child.env("GENESYSCLOUD_OAUTHCLIENT_SECRET", latin_1);
    let said = messages_of(&child.output().unwrap()).join("\n");
    assert_contains(
        &said,
        "GENESYSCLOUD_OAUTHCLIENT_SECRET is not valid Unicode",
    );
}

/// The environment alone points a program at a server on this machine.
#[test]
fn gateway_variables_lead_to_the_server() {
    const NAME: &str = "environment::gateway_variables_lead_to_the_server";
    if job().is_some() {
        let call = async {
            let tokens = TokenProvider::builder_from_env()?
                .app("crm-sync/1.4")
                .build()?;
            let api = PlatformClient::new(tokens);
            api.get("/api/v2/organizations/me")
                .fetch::<serde_json::Value>()
                .await
        };
        return match runtime().block_on(call) {
            Ok(body) => send_to_parent(&body.to_string()),
            Err(error) => send_to_parent(&error.to_string()),
        };
    }
    let server = Server::start(good_token("a-token"));
    let port = server.address().port().to_string();
    for (name, token_path, api_path) in [
        ("login", "/gw/oauth/token", "/api/v2/organizations/me"),
        ("api", "/oauth/token", "/gw/api/v2/organizations/me"),
    ] {
        server.answers([
            good_token("a-token"),
            Reply::json(200, "{\"name\":\"Org\"}"),
        ]);
        let before = server.requests().len();
        let said = child_says(
            NAME,
            &[
                ("GATEWAY_HOST", "localhost"),
                ("GATEWAY_PORT", &port),
                ("GATEWAY_PROTOCOL", "http"),
                ("GATEWAY_PATH_NAME", name),
                ("GATEWAY_PATH_VALUE", "gw"),
                ID,
                SECRET,
            ],
        );
        assert_eq!(said, "{\"name\":\"Org\"}");
        let sent = server.requests();
        let paths: Vec<_> = sent.iter().skip(before).map(|sent| &*sent.target).collect();
        assert_eq!(paths, [token_path, api_path]);
    }
}

/// The host, its port and its protocol are enough. The paths of the official SDKs work, too.
#[test]
fn gateway_variables_lead_to_a_sandbox() {
    const NAME: &str = "environment::gateway_variables_lead_to_a_sandbox";
    if job().is_some() {
        return runtime().block_on(report_token_and_organization());
    }
    let sandbox = runtime().block_on(Sandbox::start()).unwrap();
    let port = sandbox.url().rsplit(':').next().unwrap().to_owned();
    let gateway = [
        ("GATEWAY_HOST", "localhost"),
        ("GATEWAY_PORT", &*port),
        ("GATEWAY_PROTOCOL", "http"),
    ];
    let secret = sandbox.client_secret();
    let client = [
        ("OAUTHCLIENT_ID", sandbox.client_id()),
        ("OAUTHCLIENT_SECRET", secret.expose_secret()),
    ];
    for name in [None, Some("login"), Some("api")] {
        let path = name.map(|name| [("GATEWAY_PATH_NAME", name), ("GATEWAY_PATH_VALUE", name)]);
        let path = path.as_ref().map_or(&[][..], |path| path);
        let said = child_says(NAME, &[&gateway, path, &client].concat());
        let (organization, token) = said.split_once('\n').unwrap();
        assert_eq!(organization, "Sandbox", "{name:?}");
        let token = [("ACCESS_TOKEN", token)];
        let said = child_says(NAME, &[&gateway, path, &client, &token].concat());
        assert!(said.starts_with("Sandbox\n"), "{name:?}: {said}");
    }
    assert_eq!((sandbox.token_requests(), sandbox.api_requests()), (3, 6));
}

async fn report_token_and_organization() {
    let tokens = TokenProvider::from_env().unwrap();
    let api = PlatformClient::new(tokens.clone());
    let call = api.get("/api/v2/organizations/me");
    let organization: serde_json::Value = call.fetch().await.unwrap();
    send_to_parent(organization["name"].as_str().unwrap());
    send_to_parent(tokens.token().await.unwrap().expose_secret());
}

fn child(test: &str, variables: &[(&str, &str)]) -> Command {
    let mut child = command(test, &["yes"]);
    for name in VARIABLES {
        child.env_remove(name);
    }
    for (name, value) in variables {
        child.env(format!("GENESYSCLOUD_{name}"), value);
    }
    child
}

fn child_says(test: &str, variables: &[(&str, &str)]) -> String {
    messages_of(&child(test, variables).output().unwrap()).join("\n")
}

fn provider_or_error() -> String {
    match TokenProvider::from_env() {
        Ok(tokens) => {
            let shown = format!("{tokens:?}");
            let (_, grant) = shown.split_once("grant: ").unwrap();
            let region = tokens.region();
            let hosts = region.domain().map_or_else(
                || {
                    let (login, api) = (region.login_url(), region.api_url());
                    format!("login {login}, API {api}, apps {}", region.apps_url())
                },
                str::to_owned,
            );
            format!("{hosts}: {grant}")
        }
        Err(error) => {
            let row = error.troubleshooting().map_or("error", |row| row.issue());
            format!("{row}: {error}")
        }
    }
}

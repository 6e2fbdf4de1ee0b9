//! What profiles lead to, and which errors. No error shows what is in the file.

mod faulty;

use std::fs;

use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use super::*;

const ID: &str = "b6f0c1de-1111-4222-8333-c0ffee000001";

/// A folder with the file.
fn folder_with(content: impl AsRef<[u8]>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.toml"), content).unwrap();
    folder
}

fn file_in(folder: &TempDir, profile: &str) -> ProfileFile {
    ProfileFile {
        path: folder.path().join("config.toml"),
        profile: profile.to_owned(),
    }
}

fn build(content: impl AsRef<[u8]>, profile: &str) -> Result<TokenProvider, Error> {
    builder(file_in(&folder_with(content), profile))?.build()
}

/// The error, whose texts show nothing of the file.
#[track_caller]
fn error_of(content: impl AsRef<[u8]>, profile: &str) -> Error {
    let error = build(content, profile).unwrap_err();
    for shown in [
        format!("{error}"),
        format!("{error:?}"),
        format!("{error:#?}"),
    ] {
        assert!(!shown.to_lowercase().contains("sentinel"), "{shown}");
    }
    error
}

/// As `gc profiles new` writes it: names in lower case, and settings that it was not given as empty texts.
const WRITTEN: &str = "[default]
  access_token = \"\"
  client_credentials = \"b6f0c1de-1111-4222-8333-c0ffee000001\"
  client_secret = \"a-secret\"
  environment = \"mypurecloud.ie\"
  gateway_host = \"\"
  gateway_password = \"\"
  gateway_pathparams = \"{}\"
  gateway_port = \"\"
  gateway_protocol = \"\"
  gateway_username = \"\"
  grant_type = \"1\"
  oauth_token_data = \"{\\\"access_token\\\":\\\"other\\\",\\\"expires_in\\\":86399}\"
  proxy_host = \"\"
  proxy_protocol = \"\"
  redirect_uri = \"\"
  secure_login_enabled = false
";

/// A profile, the domain or the hosts of its region, and its grant.
const GOOD: &[(&str, &str, &str)] = &[
    (WRITTEN, "mypurecloud.ie", "client credentials"),
    (
        "[DEFAULT]\nenvironment=\"mypurecloud.com\"\nclient_credentials='an-id'\nclient_secret='s'",
        "mypurecloud.com",
        "client credentials",
    ),
    (
        "# mine\r\n[Default]\r\nEnvironment = 'US-EAST-1'\r\nClient_Credentials = 'i'\r\n\
         CLIENT_SECRET = 's'\r\ngrant_type = 1\r\n",
        "mypurecloud.com",
        "client credentials",
    ),
    (
        "\u{feff}[DEFAULT]\nenvironment='me_central_1'\naccess_token='t'\ngrant_type='0'",
        "mec1.pure.cloud",
        "a fixed token",
    ),
    (
        "[DEFAULT]\nenvironment='https://apps.mypurecloud.de/x'\naccess_token='t'\n\
         client_credentials='i'\nclient_secret='s'\ngrant_type='3'\nredirect_uri='http://localhost:0'",
        "mypurecloud.de",
        "a fixed token",
    ),
    (
        "DEFAULT = { environment = 'sae1.pure.cloud', access_token = 't' }\n[other]\nx = [1, [2.5]]\n\
         d = 2026-11-29\n[[tables]]\ny = true",
        "sae1.pure.cloud",
        "a fixed token",
    ),
    (
        "[DEFAULT]\naccess_token='t'\ngateway_host='gw.example'\ngateway_port=8443\n\
         gateway_protocol='https'\ngateway_pathparams='{login: a/b, api: /c}'",
        "https://gw.example:8443/a/b https://gw.example:8443/c https://gw.example:8443/a/b",
        "a fixed token",
    ),
    (
        "[DEFAULT]\nenvironment='mypurecloud.jp'\naccess_token='t'\ngateway_host='localhost'\n\
         gateway_port='9000'\ngateway_protocol='http'\ngateway_username='u'",
        "http://localhost:9000/ http://localhost:9000/ https://apps.mypurecloud.jp/",
        "a fixed token",
    ),
];

#[test]
fn profiles_lead_to_region_and_grant() {
    for (content, hosts, grant) in GOOD {
        for name in ["DEFAULT", "default", "Default"] {
            let tokens = build(content, name).unwrap();
            let region = tokens.region();
            let (login, api) = (region.login_url(), region.api_url());
            let named = match region.domain() {
                Some(domain) => domain.to_owned(),
                None => format!("{login} {api} {}", region.apps_url()),
            };
            assert_eq!(named, *hosts, "{content}");
            let shown = format!("{tokens:?}").to_lowercase();
            let kind = if *grant == "a fixed token" {
                "fixed"
            } else {
                "clientcredentials"
            };
            assert!(shown.contains(kind), "{content}: {shown}");
        }
    }
}

#[test]
fn each_profile_has_its_own_settings() {
    let content = "[a]\nenvironment='mypurecloud.com'\naccess_token='t'\n\
         [b]\nenvironment='mypurecloud.de'\naccess_token='t'\n\
         [team.b]\nenvironment='mypurecloud.ie'\naccess_token='t'\n\
         ['flat.b']\nenvironment='mypurecloud.jp'\naccess_token='t'\n\
         ['Größe']\nenvironment='cac1.pure.cloud'\naccess_token='t'";
    for (name, domain) in [
        ("a", "mypurecloud.com"),
        ("B", "mypurecloud.de"),
        ("team.b", "mypurecloud.ie"),
        ("Flat.B", "mypurecloud.jp"),
        ("GRÖSSE", ""),
        ("grÖße", "cac1.pure.cloud"),
    ] {
        match build(content, name) {
            Ok(tokens) => assert_eq!(tokens.region().domain(), Some(domain), "{name}"),
            Err(error) => assert!(domain.is_empty(), "{name}: {error}"),
        }
    }
    for name in [
        "",
        "c",
        "team",
        "team.c",
        "a.b",
        "a.",
        ".",
        "environment",
        "..b",
    ] {
        let error = error_of(content, name).to_string();
        assert!(error.contains(&format!("“{name}”")), "{error}");
    }
}

#[test]
fn hostile_name_of_a_profile_is_escaped() {
    let name = format!("\u{1b}[31m\u{202e}{}", "x".repeat(2_000));
    let empty = format!("[\"\\u001b[31m\\u202e{}\"]\n", "x".repeat(2_000));
    for content in [WRITTEN, &empty] {
        let error = error_of(content, &name).to_string();
        let is_there = error.contains("`environment` is missing");
        assert_eq!(is_there, content != WRITTEN, "{error}");
        assert!(error.contains("\\u{1b}[31m\\u{202e}xxx"), "{error}");
        assert!(error.len() < 1_000 && !error.contains('\u{1b}'), "{error}");
    }
}

#[test]
fn secret_is_read_again_for_its_client_only() {
    let folder = folder_with(WRITTEN);
    let file = file_in(&folder, "DEFAULT");
    let write = |content: &str| fs::write(&file.path, content).unwrap();
    let secret = || {
        file.secret_of(ID)
            .map(|secret| secret.expose_secret().to_owned())
    };
    assert_eq!(secret().unwrap(), "a-secret");
    write(&WRITTEN.replace("a-secret", "another"));
    assert_eq!(secret().unwrap(), "another");
    for (content, says) in [
        (
            WRITTEN.replace(ID, "sentinel"),
            "the profile of another OAuth client now",
        ),
        (
            WRITTEN.replace(ID, ""),
            "the profile of another OAuth client now",
        ),
        (WRITTEN.replace("a-secret", ""), "`client_secret` is not"),
        (
            WRITTEN.replace("a-secret", " sentinel"),
            "`client_secret`: ",
        ),
        (WRITTEN.replace("default", "other"), "has no profile"),
        ("sentinel".to_owned(), "not valid TOML"),
    ] {
        write(&content);
        let error = secret().unwrap_err();
        let shown = format!("{error:?} {error:#?}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(!shown.contains("sentinel"), "{shown}");
    }
    fs::remove_file(&file.path).unwrap();
    assert!(secret().unwrap_err().to_string().contains("does not exist"));
}

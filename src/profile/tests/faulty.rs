//! Profiles and files that cannot be used.

use std::io::Write as _;

use super::*;
use crate::error::{ConfigurationKind, ErrorKind, Troubleshooting};

/// What is in the profile, and what its error says.
const BAD: &[(&str, &str)] = &[
    (
        "",
        "`client_credentials`, which holds the client id, and `access_token` are missing",
    ),
    (
        "environment = ''\naccess_token = 'sentinel'",
        "`environment` is missing",
    ),
    ("environment = 'sentinel'", "`environment` is not a region"),
    (
        "environment = 'mypurecloud.com.sentinel.example'",
        "`environment` is not a region",
    ),
    ("environment = 'localhost'", "`environment` is not a region"),
    (
        "environment = ' mypurecloud.com'",
        "`environment` starts or ends with a space",
    ),
    (
        "environment = { sentinel = 1 }",
        "`environment` is a table instead of a text",
    ),
    (
        "environment = ['sentinel']",
        "`environment` is an array instead of a text",
    ),
    (
        "client_secret = 'sentinel'",
        "`client_credentials`, which holds the client id",
    ),
    ("client_credentials = 'sentinel'", "`client_secret` is not"),
    (
        "client_credentials = 'sentinel'\nclient_secret = ''",
        "`client_secret` is not",
    ),
    (
        "client_credentials = 'sentinel'\nclient_secret = true",
        "`client_secret` is true or false",
    ),
    (
        "client_credentials = 'sentinel'\nclient_secret = 1.5",
        "`client_secret` is a number with",
    ),
    (
        "client_credentials = 'sentinel'\nclient_secret = '\"sentinel\"'",
        "`client_secret`: the client",
    ),
    (
        "client_credentials = 'sentinel'\nclient_secret = \"sentinel\\nx\"",
        "line break",
    ),
    (
        "client_credentials = 'a sentinel:x'\nclient_secret = 's'",
        "`client_credentials`",
    ),
    (
        "client_credentials = 1\nCLIENT_CREDENTIALS = 'sentinel'",
        "is there twice",
    ),
    ("access_token = 'Bearer sentinel'", "`access_token`"),
    ("access_token = 'sentinel sentinel'", "`access_token`"),
    (
        "access_token = 2026-11-29",
        "`access_token` is a table instead of a text",
    ),
    ("grant_type = '0'", "`access_token` is needed"),
    (
        "grant_type = '2'\nclient_credentials = 'sentinel'",
        "implicit grant, which Genesys Cloud ends",
    ),
    ("grant_type = 2", "implicit grant, which Genesys Cloud ends"),
    (
        "redirect_uri = 'http://localhost:8080/sentinel'",
        "implicit grant, which Genesys Cloud ends",
    ),
    (
        "grant_type = '3'\nredirect_uri = 'http://localhost:0'",
        "a user logs in: use `Login`",
    ),
    ("grant_type = 'sentinel'", "`grant_type` is not known"),
    (
        "gateway_host = 'https://sentinel.example'",
        "`gateway_host` is not a host's name alone; set the port by `gateway_port`",
    ),
    (
        "gateway_host = 'h'\ngateway_port = 'sentinel'",
        "`gateway_port` is not a port",
    ),
    (
        "gateway_host = 'h'\ngateway_protocol = 'sentinel'",
        "`gateway_protocol` is neither",
    ),
    (
        "gateway_host = 'sentinel.example'\ngateway_protocol = 'http'",
        "`gateway_protocol` is http, which",
    ),
    (
        "gateway_host = 'h'\ngateway_pathparams = '{login: ../sentinel}'",
        "`gateway_pathparams` is not a path",
    ),
    (
        "gateway_host = 'h'\ngateway_pathparams = '{apps: sentinel}'",
        "`gateway_pathparams` is not `{login",
    ),
    (
        "gateway_host = 'h'\ngateway_pathparams = '{login: a, login: sentinel}'",
        "`gateway_pathparams` is not `{",
    ),
    (
        "gateway_host = 'h'\ngateway_pathparams = 'sentinel'",
        "`gateway_pathparams` is not `{login",
    ),
    (
        "access_token = 't'\nproxy_protocol = 'socks5'\nproxy_host = 'h'",
        "`proxy_protocol` is neither",
    ),
    (
        "access_token = 't'\nproxy_protocol = 'http'",
        "`proxy_host` is missing",
    ),
    (
        "access_token = 't'\nproxy_protocol = 'http'\nproxy_host = 'u:sentinel@h'",
        "`proxy_host` is not",
    ),
    (
        "access_token = 't'\nproxy_protocol = 'http'\nproxy_host = 'h'\nproxy_port = 0",
        "`proxy_port` is",
    ),
];

#[test]
fn error_names_profile_key_and_cure() {
    for (lines, says) in BAD {
        let mut content = format!("[x]\n{lines}\n");
        if !lines.contains("environment") && !lines.contains("gateway") {
            content.push_str("environment = 'mypurecloud.com'\n");
        }
        let error = error_of(&content, "x");
        let text = error.to_string();
        assert!(text.starts_with("the profile “x” in "), "{text}");
        assert!(text.contains(says), "{lines}: {text}");
        assert!(
            matches!(error.kind(), ErrorKind::Configuration(_)),
            "{error:?}"
        );
        let is_row_5 = text.contains("`client_secret` is not;");
        let row = is_row_5.then_some(Troubleshooting::SecretNotVisible);
        assert_eq!(error.troubleshooting(), row, "{text}");
        if let ErrorKind::Configuration(error) = error.kind() {
            let is_missing = matches!(error.kind(), ConfigurationKind::MissingSecret);
            assert_eq!(is_missing, is_row_5, "{text}");
        }
    }
}

#[test]
fn file_that_cannot_be_used_is_named_with_its_fault() {
    let deep = |part: &str| part.repeat(20_000);
    for (content, says) in [
        (b"".to_vec(), "has no profile “x”"),
        (b"x = 'sentinel'".to_vec(), "is no table"),
        (b"[X]\na = 1\n[x]\na = 1".to_vec(), "is there twice"),
        (
            b"[x]\nsecret = sentinel".to_vec(),
            "not valid TOML in line 2",
        ),
        (
            b"[x]\n\na = 'sentinel\nb = 1".to_vec(),
            "not valid TOML in line 3",
        ),
        (
            b"[x]\na = 'sentinel'\na = 'sentinel'".to_vec(),
            "not valid TOML",
        ),
        (b"[x]\n[x]\nsentinel = 1".to_vec(), "not valid TOML"),
        (b"sentinel".to_vec(), "not valid TOML in line 1"),
        (
            b"{\"x\": \"sentinel\"}".to_vec(),
            "not valid TOML in line 1",
        ),
        (b"\xff\xfe[\0x\0]\0".to_vec(), "is UTF-16"),
        (b"[x]\na = 'sentin\xe9l'".to_vec(), "is not UTF-8"),
        (deep("[").into(), "not valid TOML"),
        (format!("x = {}", deep("[")).into(), "not valid TOML"),
        (
            format!("x = {}{}", deep("["), deep("]")).into(),
            "not valid TOML",
        ),
        (format!("x = {}", deep("{a=")).into(), "not valid TOML"),
        (format!("[x{}]", deep(".a")).into(), "not valid TOML"),
        (format!("x{} = 1", deep(".a")).into(), "not valid TOML"),
        (vec![b'#'; 256 * 1024 + 1], "longer than 256 KiB"),
    ] {
        let error = error_of(&content, "x").to_string();
        assert!(error.contains("config.toml"), "{error}");
        assert!(error.contains(says), "{error}");
    }
    let folder = folder_with("");
    let absent = ProfileFile {
        path: folder.path().join("absent"),
        profile: "x".to_owned(),
    };
    let text = builder(absent).unwrap_err().to_string();
    assert!(
        text.contains("does not exist; `gc profiles new` makes it"),
        "{text}"
    );
    let itself = ProfileFile {
        path: folder.path().to_owned(),
        profile: "x".to_owned(),
    };
    let text = builder(itself).unwrap_err().to_string();
    assert!(text.contains("not a regular file"), "{text}");
}

#[test]
fn file_of_100_megabytes_is_not_read() {
    let folder = folder_with("");
    let path = folder.path().join("config.toml");
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(WRITTEN.as_bytes()).unwrap();
    file.set_len(100 << 20).unwrap();
    let mut text = String::new();
    let used = allocation_counter::measure(|| {
        text = builder(file_in(&folder, "DEFAULT"))
            .unwrap_err()
            .to_string();
    });
    assert!(text.contains("longer than 256 KiB"), "{text}");
    assert!(used.bytes_max < 1 << 20, "{} bytes", used.bytes_max);
}

#[test]
fn largest_file_is_read() {
    let mut content = WRITTEN.to_owned();
    content.push_str(&"# ".repeat((256 * 1024 - WRITTEN.len()) / 2));
    content.push_str(&"#".repeat(256 * 1024 - content.len()));
    assert!(build(&content, "DEFAULT").is_ok());
}

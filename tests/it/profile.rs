//! Profiles of Genesys Cloud's command line, in the home folder of a process of its own.

use std::{fs, path::Path};

use genesys_cloud_auth::{Error, PlatformClient, TokenProvider, sandbox::Sandbox};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    assert_contains,
    child_process::{command, job, messages_of, send_to_parent},
    isolated::test_name,
    kind_of, payload,
    runtime::runtime,
    server::{Reply, Server},
};

/// Runs the test again in a process with an empty home folder, and returns its messages.
fn in_another_home(name: &str) -> (TempDir, Vec<String>) {
    let home = tempfile::tempdir().unwrap();
    let mut child = command(name, &[home.path().to_str().unwrap()]);
    for variable in ["HOME", "USERPROFILE"] {
        child.env(variable, home.path());
    }
    // Unlike gc, which prefers them to the profile.
    child.env("GENESYSCLOUD_REGION", "sentinel");
    child.env("GENESYSCLOUD_OAUTHCLIENT_ID", "sentinel");
    child.env("GENESYSCLOUD_ACCESS_TOKEN", "sentinel");
    let messages = messages_of(&child.output().unwrap());
    (home, messages)
}

fn write_profiles(home: &str, content: &str) {
    let folder = Path::new(home).join(".gc");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), content).unwrap();
}

/// A profile that leads to the sandbox, as a gateway.
fn profile_of(sandbox: &Sandbox, id: &str, secret: &str) -> String {
    let port = sandbox.url().rsplit(':').next().unwrap().to_owned();
    format!(
        "[default]\nclient_credentials = '{id}'\nclient_secret = '{secret}'\ngrant_type = '1'\n\
         environment = 'mypurecloud.de'\ngateway_host = 'localhost'\ngateway_port = '{port}'\n\
         gateway_protocol = 'http'\ngateway_pathparams = '{{login: login, api: api}}'\n"
    )
}

#[test]
fn profile_is_used_and_its_secret_read_again() {
    let name = test_name!();
    let Some(job) = job() else {
        let (_home, messages) = in_another_home(name);
        assert_eq!(messages, ["Sandbox", "Sandbox", "CredentialSource", "2"]);
        return;
    };
    runtime().block_on(async {
        let home = &*job[0];
        let sandbox = Sandbox::start().await.unwrap();
        let id = sandbox.client_id();
        write_profiles(
            home,
            &profile_of(&sandbox, id, sandbox.client_secret().expose_secret()),
        );
        let tokens = TokenProvider::from_gc_profile("DEFAULT").unwrap();
        let apps = tokens.region().apps_url().as_str();
        assert_eq!(apps, "https://apps.mypurecloud.de/");
        let api = PlatformClient::new(tokens);
        let organization = async || -> Result<String, Error> {
            let get = api.get("/api/v2/organizations/me");
            let organization: Value = get.fetch().await?;
            Ok(organization["name"].as_str().unwrap().to_owned())
        };
        send_to_parent(&organization().await.unwrap());

        // Somebody rotates the secret, and gc's file gets the new one.
        let secret = sandbox.rotate_secret();
        write_profiles(home, &profile_of(&sandbox, id, secret.expose_secret()));
        sandbox.revoke_access_tokens();
        send_to_parent(&organization().await.unwrap());

        write_profiles(
            home,
            &profile_of(&sandbox, "another", secret.expose_secret()),
        );
        sandbox.revoke_access_tokens();
        let error = organization().await.unwrap_err();
        assert_contains(format!("{error:?}"), "another OAuth client now");
        send_to_parent(&kind_of(&error));
        send_to_parent(&sandbox.token_requests().to_string());
    });
}

#[test]
fn error_names_the_file_in_the_home_folder() {
    let name = test_name!();
    let Some(job) = job() else {
        let (home, messages) = in_another_home(name);
        let file = home.path().join(".gc").join("config.toml");
        assert_eq!(messages.len(), 2);
        for message in messages {
            assert!(message.contains(file.to_str().unwrap()), "{message}");
        }
        return;
    };
    let error = TokenProvider::builder_from_gc_profile("DEFAULT").unwrap_err();
    send_to_parent(&error.to_string());
    write_profiles(&job[0], "[other]\nenvironment = 'mypurecloud.com'\n");
    let error = TokenProvider::from_gc_profile("DEFAULT").unwrap_err();
    send_to_parent(&error.to_string());
}

#[test]
fn proxy_of_the_profile_is_used_and_named() {
    let name = test_name!();
    let Some(job) = job() else {
        let (_home, messages) = in_another_home(name);
        let connect = "CONNECT login.mypurecloud.de:443 Basic dTpzZW50aW5lbA==";
        assert_eq!(messages, [connect, "ProxyAuthentication"]);
        return;
    };
    let proxy = Server::start(Reply::of(407, "", ""));
    let (host, port) = (proxy.address().ip(), proxy.address().port());
    let content = format!(
        "[default]\nenvironment = 'mypurecloud.de'\nclient_credentials = 'i'\nclient_secret = 's'\n\
         proxy_protocol = 'http'\nproxy_host = '{host}'\nproxy_port = '{port}'\n\
         proxy_username = 'u'\nproxy_password = 'sentinel'\n"
    );
    write_profiles(&job[0], &content);
    let tokens = TokenProvider::from_gc_profile("DEFAULT").unwrap();
    let error = runtime().block_on(tokens.token()).unwrap_err();
    let sent = &proxy.requests()[0];
    let authorization = sent.header("proxy-authorization").unwrap();
    send_to_parent(&format!("{} {} {authorization}", sent.method, sent.target));
    let shown = format!("{error:?} {error:#?} {tokens:?}");
    assert_contains(&shown, &format!("the proxy {host}:{port}"));
    assert!(!shown.contains("sentinel"), "{shown}");
    let transport = payload!(error, Transport);
    send_to_parent(&format!("{:?}", transport.kind()));
}

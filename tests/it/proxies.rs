//! Proxies from the environment and from the program's closure, and the errors that name them.

use std::process::Stdio;

use genesys_cloud_auth::{Error, HttpClient, Region, TokenProvider, error::TransportKind};

use crate::support::{
    child_process::{command, job, messages_of, send_to_parent},
    credentials,
    isolated::test_name,
    kind_of, payload,
    server::{Closed, End, Reply, Server},
};

/// Variables can only be set for another process, so the test runs itself again.
#[test]
fn proxy_of_the_environment_is_used_and_named() {
    let name = test_name!();
    if job().is_some() {
        return report(HttpClient::default());
    }
    let [refusing, socks] = [Closed::new(), Closed::new()];
    let [refused, socks] = [&refusing, &socks].map(|closed| closed.address().to_string());
    let rejecting = Server::start(Reply::of(407, "", ""));
    let forbidding = Server::start(Reply::of(403, "", ""));
    let foreign = Server::start(Reply::raw("SSH-2.0-OpenSSH_9.6\r\n\r\n", End::Close));
    let servers = [&rejecting, &forbidding, &foreign];
    let [rejected, forbidden, foreign] = servers.map(|server| server.address().to_string());
    for (setting, address, kind, says) in [
        ("HTTPS_PROXY=http://", &*refused, "Refused", ""),
        ("https_proxy=http://user:PASSWORD@", &refused, "Refused", ""),
        ("ALL_PROXY=", &refused, "Refused", "refused the connection"),
        ("all_proxy=user:PASSWORD@", &refused, "Refused", ""),
        (
            "HTTPS_PROXY=http://u:PASSWORD@",
            &rejected,
            "ProxyAuthentication",
            "407",
        ),
        (
            "HTTPS_PROXY=http://",
            &forbidden,
            "ProxyTunnel",
            "did not open a tunnel",
        ),
        ("ALL_PROXY=http://", &foreign, "ProxyTunnel", ""),
        ("ALL_PROXY=socks5://", &socks, "ProxyTunnel", "SOCKS"),
        (
            "HTTPS_PROXY=http://",
            "proxy.invalid:3128",
            "Dns",
            "could not be resolved",
        ),
        (
            "HTTPS_PROXY=http://",
            "proxy.invalid",
            "Dns",
            "proxy.invalid:80",
        ),
    ] {
        let (variable, start) = setting.split_once('=').unwrap();
        let value = format!("{}{address}", start.replace("PASSWORD", PASSWORD));
        let (found, text) = run(name, &[(variable, &value)]);
        assert_eq!(found, format!("Transport {kind}"), "{value}: {text}");
        let proxy = format!("the proxy {address}");
        let origin = format!("(from the environment variable {variable})");
        for part in [says, &proxy, &origin, "login.proxied.invalid:443"] {
            assert!(text.contains(part), "{value}: {text}");
        }
        assert!(!text.contains(PASSWORD), "{value}: {text}");
    }
    let sent = rejecting.requests();
    assert_eq!(sent[0].method, "CONNECT");
    assert!(sent[0].header("proxy-authorization").is_some());
}

#[test]
fn host_in_no_proxy_is_reached_without_one() {
    let name = test_name!();
    if job().is_some() {
        return report(HttpClient::default());
    }
    let proxy = Server::start(Reply::of(407, "", ""));
    let url = proxy.url();
    for (variable, value) in [
        ("NO_PROXY", "login.proxied.invalid"),
        ("no_proxy", "other.example, .proxied.invalid"),
        ("NO_PROXY", "*"),
    ] {
        let (kind, text) = run(name, &[("HTTPS_PROXY", &url), (variable, value)]);
        assert_eq!(kind, "Transport Dns", "{text}");
        assert!(!text.contains("proxy"), "{text}");
    }
    // HTTP_PROXY is for plain http, which goes to this machine only, and never through a proxy.
    let (kind, text) = run(name, &[("HTTP_PROXY", &url), ("http_proxy", &url)]);
    assert_eq!(kind, "Transport Dns", "{text}");
    assert_eq!(proxy.connections(), 0);
    run(
        name,
        &[("HTTPS_PROXY", &url), ("NO_PROXY", "proxied.example")],
    );
    assert!(proxy.connections() > 0);
}

/// A closure that adds a proxy, or that turns proxies off, replaces those of the environment.
#[test]
fn proxy_of_the_closure_comes_before_the_environment() {
    let name = test_name!();
    if let Some(job) = job() {
        return report(configured(&job[0], &job[1]));
    }
    let environment = Closed::new();
    let value = format!("http://{}", environment.address());
    let closure = Server::start(Reply::of(407, "", ""));
    let url = format!("http://user:{PASSWORD}@{}", closure.address());
    for (mode, kind, says) in [
        (
            "all",
            "ProxyAuthentication",
            "set by the program's HttpClient",
        ),
        (
            "https",
            "ProxyAuthentication",
            "set by the program's HttpClient",
        ),
        (
            "chosen",
            "ProxyAuthentication",
            "a proxy (set by the program's HttpClient)",
        ),
        ("none", "Dns", "login.proxied.invalid:443"),
        (
            "other settings",
            "Refused",
            "from the environment variable HTTPS_PROXY",
        ),
    ] {
        let mut child = command(name, &[mode, &url]);
        without_proxies(&mut child).env("HTTPS_PROXY", &value);
        let (found, text) = outcome(child);
        assert_eq!(found, format!("Transport {kind}"), "{mode}: {text}");
        assert!(text.contains(says), "{mode}: {text}");
        let names_the_closures = text.contains(&closure.address().to_string());
        assert_eq!(
            names_the_closures,
            mode == "all" || mode == "https",
            "{mode}: {text}"
        );
        let names_the_environments = text.contains(&environment.address().to_string());
        assert_eq!(
            names_the_environments,
            mode == "other settings",
            "{mode}: {text}"
        );
        assert_eq!(text.contains("proxy"), mode != "none", "{mode}: {text}");
        assert!(!text.contains(PASSWORD), "{mode}: {text}");
    }
}

fn configured(mode: &str, url: &str) -> HttpClient {
    let (mode, url) = (mode.to_owned(), url.to_owned());
    let chosen = url.clone();
    let configure = move |reqwest: reqwest::ClientBuilder| match &*mode {
        "all" => reqwest.proxy(reqwest::Proxy::all(&url).unwrap()),
        "https" => reqwest.proxy(reqwest::Proxy::https(&url).unwrap()),
        "chosen" => {
            let chosen = chosen.clone();
            reqwest.proxy(reqwest::Proxy::custom(move |_| Some(chosen.clone())))
        }
        "none" => reqwest.no_proxy(),
        _ => reqwest,
    };
    HttpClient::new(configure).unwrap()
}

#[tokio::test]
async fn dead_proxy_is_named_when_its_time_is_over() {
    let dead = Server::start(Reply::none(End::Hold));
    let proxy = reqwest::Proxy::all(dead.url()).unwrap();
    let http_client = HttpClient::new(move |reqwest| {
        let proxy = proxy.clone();
        reqwest
            .proxy(proxy)
            .connect_timeout(std::time::Duration::from_millis(50))
    });
    let error = token_error(http_client.unwrap()).await;
    assert_eq!(
        kind_of(&error),
        format!("Transport {:?}", TransportKind::ConnectTimeout)
    );
    let address = dead.address().to_string();
    assert!(error.to_string().contains(&address), "{error}");
    let transport = payload!(error, Transport);
    assert_eq!(transport.proxy(), Some(&*address));
    assert_eq!(transport.host(), "login.proxied.invalid");
}

#[tokio::test]
async fn refusal_to_authenticate_is_lasting_and_others_are_not() {
    for (status, transient) in [(407, false), (403, true), (502, true), (503, true)] {
        let server = Server::start(Reply::of(status, "", ""));
        let proxy = reqwest::Proxy::all(server.url()).unwrap();
        let http_client = HttpClient::new(move |reqwest| reqwest.proxy(proxy.clone())).unwrap();
        let error = token_error(http_client).await;
        assert_eq!(error.is_transient(), transient, "{status}: {error}");
    }
}

pub async fn token_error(http_client: HttpClient) -> Error {
    let url = format!("https://{HOST}");
    let region = Region::custom(&url, &url).unwrap();
    let tokens = TokenProvider::builder(region, credentials()).http_client(http_client);
    tokens.build().unwrap().token().await.unwrap_err()
}

/// Reports the kind and the text of the error to the parent.
fn report(http_client: HttpClient) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = runtime.block_on(token_error(http_client));
    send_to_parent(&kind_of(&error));
    send_to_parent(&error.to_string());
}

/// Runs the test again with these variables, and returns the kind and the text of the error.
fn run(name: &str, variables: &[(&str, &str)]) -> (String, String) {
    let mut child = command(name, &["run"]);
    without_proxies(&mut child).envs(variables.iter().copied());
    outcome(child)
}

fn outcome(mut child: std::process::Command) -> (String, String) {
    let output = child.stdin(Stdio::null()).output().unwrap();
    let mut messages = messages_of(&output).into_iter();
    (messages.next().unwrap(), messages.next().unwrap())
}

fn without_proxies(child: &mut std::process::Command) -> &mut std::process::Command {
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        child.env_remove(name).env_remove(name.to_ascii_lowercase());
    }
    child
}

pub const HOST: &str = "login.proxied.invalid";
const PASSWORD: &str = "the-password-of-the-proxy";

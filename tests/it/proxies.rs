//! Proxies from the environment and from the program's closure, and the errors that name them.

use std::{net::SocketAddr, process::Stdio};

use genesys_cloud_auth::{
    Error, ErrorKind, HttpClient, Region, TokenProvider, error::TransportKind,
};

use tokio::{io::AsyncWriteExt, net::TcpListener};

use crate::support::{
    child_process::{command, job, messages_of, send_to_parent},
    credentials, good_token,
    isolated::test_name,
    kind_of,
    server::{Closed, End, Reply, Server},
    tls::Authority,
    with_sources,
};

/// Variables can only be set for another process, so the test runs itself again.
#[test]
fn proxy_of_the_environment_is_used_and_named() {
    let name = test_name!();
    if job().is_some() {
        return report(HttpClient::default());
    }
    let refusing = Closed::new();
    let refused = refusing.address().to_string();
    let rejecting = Server::start(Reply::of(407, "", ""));
    let rejected = rejecting.address().to_string();
    let forbidding = Server::start(Reply::of(403, "", ""));
    let forbidden = forbidding.address().to_string();
    let foreign = Server::start(Reply::raw("SSH-2.0-OpenSSH_9.6\r\n\r\n", End::Close));
    let socks = Closed::new();
    for (variable, value, kind, says) in [
        (
            "HTTPS_PROXY",
            format!("http://{refused}"),
            "Refused",
            &*refused,
        ),
        (
            "https_proxy",
            format!("http://user:{PASSWORD}@{refused}/"),
            "Refused",
            &refused,
        ),
        ("ALL_PROXY", refused.clone(), "Refused", &refused),
        (
            "all_proxy",
            format!("user:{PASSWORD}@{refused}"),
            "Refused",
            &refused,
        ),
        (
            "HTTPS_PROXY",
            format!("http://user:{PASSWORD}@{rejected}"),
            "ProxyAuthentication",
            "407",
        ),
        (
            "HTTPS_PROXY",
            format!("http://{forbidden}"),
            "ProxyTunnel",
            &forbidden,
        ),
        (
            "ALL_PROXY",
            format!("http://{}", foreign.address()),
            "ProxyTunnel",
            "tunnel",
        ),
        (
            "ALL_PROXY",
            format!("socks5://{}", socks.address()),
            "ProxyTunnel",
            "SOCKS",
        ),
        (
            "HTTPS_PROXY",
            "http://proxy.invalid:3128".to_owned(),
            "Dns",
            "proxy.invalid:3128",
        ),
        (
            "HTTPS_PROXY",
            "http://proxy.invalid".to_owned(),
            "Dns",
            "proxy.invalid:80",
        ),
    ] {
        let (found, text) = run(name, &[(variable, &value)]);
        assert_eq!(found, format!("Transport {kind}"), "{value}: {text}");
        let origin = format!("from the environment variable {variable}");
        for part in [says, &origin, "login.proxied.invalid:443", "the proxy "] {
            assert!(text.contains(part), "{value}: {text}");
        }
        assert!(!text.contains(PASSWORD), "{value}: {text}");
    }
    let sent = rejecting.requests();
    assert_eq!(
        (&*sent[0].method, &*sent[0].target),
        ("CONNECT", "login.proxied.invalid:443")
    );
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
    let address = |url: &str| url.rsplit('@').next().unwrap().to_owned();
    if let Some(job) = job() {
        let (mode, url) = (job[0].clone(), job[1].clone());
        let configure = move |reqwest: reqwest::ClientBuilder| match &*mode {
            "all" => reqwest.proxy(reqwest::Proxy::all(&url).unwrap()),
            "https" => reqwest.proxy(reqwest::Proxy::https(&url).unwrap()),
            "chosen" => {
                let url = url.clone();
                reqwest.proxy(reqwest::Proxy::custom(move |_| Some(url.clone())))
            }
            "none" => reqwest.no_proxy(),
            _ => reqwest,
        };
        return report(HttpClient::new(configure).unwrap());
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
        let names_the_closures = text.contains(&address(&url));
        assert_eq!(
            names_the_closures,
            mode == "all" || mode == "https",
            "{mode}: {text}"
        );
        let names_the_environments = text.contains(&address(&value["http://".len()..]));
        assert_eq!(
            names_the_environments,
            mode == "other settings",
            "{mode}: {text}"
        );
        assert_eq!(text.contains("proxy"), mode != "none", "{mode}: {text}");
        assert!(!text.contains(PASSWORD), "{mode}: {text}");
    }
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
    let ErrorKind::Transport(transport) = error.kind() else {
        panic!("{error}")
    };
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

#[tokio::test]
async fn certificate_that_is_not_accepted_is_named_with_its_cure() {
    let authority = Authority::new();
    let trusted = authority.certificate();
    for (host, trusts, says) in [
        (
            HOST,
            false,
            "this machine does not trust the authority that signed its certificate",
        ),
        (
            "another.invalid",
            true,
            "its certificate is for another name",
        ),
    ] {
        let server = Server::start_tls(authority.acceptor(host), good_token("never"));
        let error = token_error(client_of(server.address(), trusts.then(|| trusted.clone()))).await;
        let text = error.to_string();
        assert_eq!(kind_of(&error), "Transport Tls", "{text}");
        assert!(
            text.starts_with(&format!("TLS with {HOST}:443 failed; {says}")),
            "{text}"
        );
        assert!(server.requests().is_empty());
    }
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client_of(plain.local_addr().unwrap(), None);
    let responding = tokio::spawn(async move {
        loop {
            let (mut stream, _) = plain.accept().await.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let error = token_error(client).await;
    responding.abort();
    let text = error.to_string();
    assert!(
        text.contains("it does not use TLS on this port"),
        "{text}: {}",
        with_sources(&error)
    );
}

fn client_of(address: SocketAddr, trusted: Option<reqwest::Certificate>) -> HttpClient {
    HttpClient::new(move |reqwest| {
        let reqwest = reqwest.no_proxy().resolve(HOST, address);
        match &trusted {
            Some(trusted) => reqwest.tls_certs_only([trusted.clone()]),
            None => reqwest,
        }
    })
    .unwrap()
}

async fn token_error(http_client: HttpClient) -> Error {
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

const HOST: &str = "login.proxied.invalid";
const PASSWORD: &str = "the-password-of-the-proxy";

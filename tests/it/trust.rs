//! The certificates that are trusted, and the errors of those that are not.

use std::{fs, net::SocketAddr, process::Stdio};

use genesys_cloud_auth::{HttpClient, Region, TokenProvider};
use tokio::{io::AsyncWriteExt, net::TcpListener};

use crate::{
    proxies::{HOST, token_error},
    support::{
        TOKEN,
        child_process::{command, job, messages_of, send_to_parent},
        credentials, good_token,
        isolated::test_name,
        kind_of,
        server::Server,
        tls::Authority,
        with_sources,
    },
};

#[tokio::test]
async fn certificate_that_is_not_accepted_is_named_with_its_cure() {
    let authority = Authority::new();
    let trusted = Some(authority.certificate());
    let namesake = Some(Authority::new().certificate());
    for (host, years, trusts, says) in [
        (
            HOST,
            ALWAYS,
            &None,
            "this machine does not trust the authority that signed its certificate",
        ),
        (
            "another.invalid",
            ALWAYS,
            &trusted,
            "its certificate is for another name",
        ),
        (
            HOST,
            ALWAYS,
            &namesake,
            "its certificate is not signed by the authority of that name",
        ),
        (
            HOST,
            1999..=2001,
            &trusted,
            "its certificate has expired: check this machine's clock",
        ),
        (
            HOST,
            2999..=3001,
            &trusted,
            "its certificate is not valid yet: check this machine's clock",
        ),
    ] {
        let acceptor = authority.acceptor_of_years(host, years);
        let server = Server::start_tls(acceptor, good_token("never"));
        let error = token_error(client_of(server.address(), trusts.clone())).await;
        let text = error.to_string();
        assert_eq!(kind_of(&error), "Transport Tls", "{text}");
        assert!(
            text.starts_with(&format!("TLS with {HOST}:443 failed; {says}")),
            "{text}"
        );
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn port_without_tls_is_named() {
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

/// Variables can only be set for another process, so the test runs itself again. Elsewhere the
/// system's store decides.
#[cfg(target_os = "linux")]
#[test]
fn authority_of_a_file_or_folder_is_trusted() {
    let name = test_name!();
    if let Some(job) = job() {
        let client = client_of(job[0].parse().unwrap(), None);
        let url = format!("https://{HOST}");
        let region = Region::custom(&url, &url).unwrap();
        let tokens = TokenProvider::builder(region, credentials()).http_client(client);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let token = runtime.block_on(tokens.build().unwrap().token());
        let token = token.map(|token| token.expose_secret().to_owned());
        return send_to_parent(&token.unwrap_or_else(|error| kind_of(&error)));
    }
    let authority = Authority::new();
    let server = Server::start_tls(authority.acceptor(HOST), good_token(TOKEN));
    let [right, wrong] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    fs::write(right.path().join("company.pem"), authority.pem()).unwrap();
    fs::write(wrong.path().join("company.pem"), Authority::new().pem()).unwrap();
    for (variable, folder, file, expected) in [
        ("SSL_CERT_FILE", &right, "company.pem", TOKEN),
        ("SSL_CERT_DIR", &right, "", TOKEN),
        ("SSL_CERT_FILE", &wrong, "company.pem", "Transport Tls"),
        ("SSL_CERT_DIR", &wrong, "", "Transport Tls"),
    ] {
        let mut child = command(name, &[server.address().to_string()]);
        child.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
        child
            .env(variable, folder.path().join(file))
            .stdin(Stdio::null());
        assert_eq!(
            messages_of(&child.output().unwrap()),
            [expected],
            "{variable}"
        );
    }
}

const ALWAYS: std::ops::RangeInclusive<i32> = 1975..=4096;

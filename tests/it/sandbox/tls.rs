//! The sandbox over TLS.

use std::{io, sync::Arc};

use genesys_cloud_auth::{
    HttpClient, PlatformClient, Region, TokenProvider, error::TransportKind, reqwest::Certificate,
    sandbox::Sandbox,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

use super::{ORGANIZATION, Wire, start, token_request};
use crate::support::kind_of;

#[tokio::test]
async fn client_that_trusts_the_sandboxs_ca_gets_a_token_and_calls() {
    let sandbox = start(Sandbox::builder().tls()).await;
    assert!(sandbox.url().starts_with("https://127.0.0.1:"));
    assert_eq!(sandbox.region().api_url().scheme(), "https");
    let localhost = sandbox.url().replace("127.0.0.1", "localhost");
    for region in [
        sandbox.region(),
        Region::custom(&localhost, &localhost).unwrap(),
    ] {
        let tokens = TokenProvider::builder(region, sandbox.client_credentials())
            .http_client(trusting(&sandbox))
            .build()
            .unwrap();
        let api = PlatformClient::new(tokens);
        assert_eq!(api.get(ORGANIZATION).send().await.unwrap().status(), 200);
    }
    assert_eq!((sandbox.token_requests(), sandbox.api_requests()), (2, 2));
}

#[tokio::test]
async fn certificate_is_for_loopback_and_the_hosts_of_all_regions() {
    let sandbox = start(Sandbox::builder().tls()).await;
    let hosts = Region::ALL.into_iter().flat_map(|region| {
        let domain = region.domain().unwrap();
        [format!("login.{domain}"), format!("api.{domain}")]
    });
    let loopback = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    for name in hosts.chain(loopback) {
        handshake(&sandbox, &sandbox, &name).await.unwrap();
    }
    for name in ["evil.example", "apps.mypurecloud.ie", "127.0.0.2"] {
        assert!(handshake(&sandbox, &sandbox, name).await.is_err(), "{name}");
    }
    // Each sandbox has its own authority.
    let other = start(Sandbox::builder().tls()).await;
    assert!(handshake(&sandbox, &other, "localhost").await.is_err());
}

#[tokio::test]
async fn forms_of_a_regions_login_page_come_from_its_own_origin() {
    let sandbox = start(Sandbox::builder().tls()).await;
    for (origin, status) in [
        // The client is not one for logins.
        ("https://login.mypurecloud.ie", "400"),
        ("http://login.mypurecloud.ie", "403"),
        ("https://api.mypurecloud.ie", "403"),
        ("https://login.mypurecloud.ie:443", "403"),
        ("https://login.mypurecloud.ie.evil.example", "403"),
    ] {
        let host = "login.mypurecloud.ie";
        let mut stream = handshake(&sandbox, &sandbox, host).await.unwrap();
        let request = format!(
            "POST /oauth/authorize HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n\
             Connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        assert_eq!(response.split(' ').nth(1), Some(status), "{origin}");
    }
}

#[tokio::test]
async fn http_gets_no_response_from_a_sandbox_with_tls() {
    let sandbox = start(Sandbox::builder().tls()).await;
    let mut wire = Wire::with_request(&sandbox, token_request(&sandbox)).await;
    while wire.receive().await {}
    assert!(!wire.received.starts_with(b"HTTP"));
    assert!(sandbox.requests().is_empty());

    let tokens = TokenProvider::new(sandbox.region(), sandbox.client_credentials()).unwrap();
    let error = tokens.token().await.unwrap_err();
    let expected = format!("Transport {:?}", TransportKind::Tls);
    assert_eq!(kind_of(&error), expected);
}

#[tokio::test]
async fn ca_certificate_contains_no_key() {
    let sandbox = start(Sandbox::builder().tls()).await;
    let pem = sandbox.ca_certificate_pem();
    assert_eq!(pem.matches("-----BEGIN ").count(), 1);
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"));
}

#[tokio::test]
#[should_panic(expected = "started with `tls()`")]
async fn sandbox_without_tls_has_no_ca_certificate() {
    let sandbox = Sandbox::start().await.unwrap();
    let _ = sandbox.ca_certificate_pem();
}

fn trusting(sandbox: &Sandbox) -> HttpClient {
    let ca = Certificate::from_pem(sandbox.ca_certificate_pem().as_bytes()).unwrap();
    HttpClient::new(move |reqwest| reqwest.tls_certs_only([ca.clone()])).unwrap()
}

/// Connects to `sandbox` with the certificate authority of `trusted`.
async fn handshake(
    sandbox: &Sandbox,
    trusted: &Sandbox,
    name: &str,
) -> io::Result<TlsStream<TcpStream>> {
    let ca = CertificateDer::from_pem_slice(trusted.ca_certificate_pem().as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(ca).unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let address = sandbox.url().replace("https://", "");
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, stream).await
}

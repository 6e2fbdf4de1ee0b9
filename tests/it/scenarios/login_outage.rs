//! The login host cannot be reached, or fails, and a request handler calls the API.

use std::time::Duration;

use genesys_cloud_auth::PlatformClient;

use crate::support::{
    TOKEN,
    dns::{DnsStub, REMOTE},
    good_token, kind_of, provider_with,
    server::{Closed, Reply, Server},
    tls::Authority,
};

#[tokio::test]
async fn call_fails_within_its_wait_and_needs_no_restart() {
    let authority = Authority::new();
    let outage = async |name: &str, kind: &str| {
        let host = Server::start_tls(authority.acceptor(REMOTE), Reply::json(200, "{}").last());
        let (dns, closed) = (DnsStub::default(), Closed::new());
        match name {
            "no name" => dns.resolve_to_nothing(),
            "refused" => dns.resolve_to(closed.address()),
            _ => {
                dns.resolve_to(host.address());
                host.answers([Reply::json(503, "").last()]);
            }
        }
        let (tokens, _) = provider_with(&dns, &authority);
        let api = PlatformClient::builder(tokens.clone()).token_wait(Duration::from_secs(2));
        let api = api.build();
        for _ in 0..2 {
            let call = api.get("/api/v2/users/me").fetch::<serde_json::Value>();
            let error = call.await.unwrap_err();
            assert_eq!(kind_of(&error), kind, "{error}");
            assert!(error.is_transient() && error.retry_after().is_some());
            assert!(
                error.to_string().contains(REMOTE) || kind == UNEXPECTED,
                "{error}"
            );
        }
        let sent = host.requests();
        assert!(sent.iter().all(|request| request.target == "/oauth/token"));

        dns.resolve_to(host.address());
        host.answers([good_token(TOKEN).last(), Reply::json(200, "{}").last()]);
        tokens.ready(Duration::from_secs(60)).await.unwrap();
        api.get("/api/v2/users/me").send().await.unwrap();
        assert_eq!(host.requests().len(), sent.len() + 2, "{name}");
    };
    tokio::join!(
        outage("no name", "Transport Dns"),
        outage("refused", "Transport Refused"),
        outage("503", UNEXPECTED),
    );
}

const UNEXPECTED: &str = "UnexpectedResponse";

//! The login host is unavailable while the token expires.

use std::time::Duration;

use super::{bad_gateway, half};
use crate::support::{
    TOKEN,
    dns::{DnsStub, REMOTE},
    good_token, kind_of, provider_with,
    server::{Closed, End, Reply, Server},
    tls::Authority,
};

/// How the login host fails.
enum Outage {
    NoAddress,
    ConnectionRefused,
    Failing(Reply),
}

#[tokio::test]
async fn outage_past_the_expiry_ends_without_a_restart() {
    let authority = Authority::new();
    for (outage, kind) in [
        (Outage::NoAddress, "Transport Dns"),
        (Outage::ConnectionRefused, "Transport Refused"),
        (Outage::Failing(Reply::none(End::Reset)), "Transport"),
        (Outage::Failing(half(End::Close)), "Transport"),
        (Outage::Failing(half(End::Reset)), "Transport"),
        (Outage::Failing(server_error()), "UnexpectedResponse"),
        (Outage::Failing(bad_gateway().last()), "UnexpectedResponse"),
    ] {
        let first = good_token("the-first").last();
        let login = Server::start_tls(authority.acceptor(REMOTE), first);
        let (dns, closed) = (DnsStub::default(), Closed::new());
        dns.resolve_to(login.address());
        let (tokens, clock) = provider_with(&dns, &authority);
        assert_eq!(tokens.token().await.unwrap().expose_secret(), "the-first");

        let requests = if let Outage::Failing(_) = outage {
            2
        } else {
            1
        };
        match outage {
            Outage::NoAddress => dns.resolve_to_nothing(),
            Outage::ConnectionRefused => dns.resolve_to(closed.address()),
            Outage::Failing(response) => login.answers([response]),
        }
        clock.advance(A_DAY);
        assert!(tokens.cached_token().is_none(), "{kind}");
        let error = tokens.token().await.unwrap_err();
        assert!(kind_of(&error).starts_with(kind), "{kind}: {error}");
        assert!(error.is_transient() && !error.needs_login(), "{error}");
        assert_eq!(login.requests().len(), requests, "{error}");

        dns.resolve_to(login.address());
        login.answers([good_token(TOKEN).last()]);
        clock.advance(error.retry_after().unwrap());
        assert_eq!(tokens.token().await.unwrap().expose_secret(), TOKEN);
        tokens.token().await.unwrap();
        assert_eq!(login.requests().len(), requests + 1, "{error}");
    }
}

fn server_error() -> Reply {
    Reply::json(500, "{}").last()
}

const A_DAY: Duration = Duration::from_secs(86_400);

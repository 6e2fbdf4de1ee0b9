//! The login host is away while the token expires, and comes back.

use std::time::Duration;

use super::{gateway, half};
use crate::support::{
    TOKEN,
    dns::{DnsStub, REMOTE, remote_region},
    good_token, kind_of, provider_of,
    server::{Closed, Decision, End, Server},
    tls::Authority,
};

/// What is the matter with the login host.
enum Away {
    NoAddress,
    Refusing,
    Answering(Decision),
}

#[tokio::test]
async fn an_outage_that_outlasts_the_token_ends_without_a_restart() {
    let authority = Authority::new();
    for (away, kind) in [
        (Away::NoAddress, "Transport Dns"),
        (Away::Refusing, "Transport Refused"),
        (Away::Answering(Decision::none(End::Reset)), "Transport"),
        (Away::Answering(half(End::Close)), "Transport"),
        (Away::Answering(half(End::Reset)), "Transport"),
        (
            Away::Answering(Decision::json(500, "{}").last()),
            "Unexpected",
        ),
        (Away::Answering(gateway().last()), "UnexpectedResponse"),
    ] {
        let first = good_token("the-first").last();
        let login = Server::start_tls(authority.acceptor(REMOTE), first);
        let (dns, closed) = (DnsStub::default(), Closed::new());
        dns.resolve_to(login.address());
        let (builder, clock) = provider_of(remote_region());
        let builder = builder.http_client(dns.http_client(&authority.certificate()));
        let tokens = builder.build().unwrap();
        assert_eq!(tokens.token().await.unwrap().expose_secret(), "the-first");

        let asked = match away {
            Away::NoAddress => {
                dns.resolve_to_nothing();
                1
            }
            Away::Refusing => {
                dns.resolve_to(closed.address());
                1
            }
            Away::Answering(reply) => {
                login.answers([reply]);
                2
            }
        };
        clock.advance(A_DAY);
        assert!(tokens.cached_token().is_none(), "{kind}");
        let error = tokens.token().await.unwrap_err();
        assert!(kind_of(&error).starts_with(kind), "{kind}: {error}");
        assert!(error.is_transient() && !error.needs_login(), "{error}");
        assert_eq!(login.requests().len(), asked, "{error}");

        dns.resolve_to(login.address());
        login.answers([good_token(TOKEN).last()]);
        clock.advance(error.retry_after().unwrap());
        assert_eq!(tokens.token().await.unwrap().expose_secret(), TOKEN);
        tokens.token().await.unwrap();
        assert_eq!(login.requests().len(), asked + 1, "{error}");
    }
}

const A_DAY: Duration = Duration::from_secs(86_400);

//! Failures known from the field, one subject in each file.

mod api_outage;
mod api_rate_limit;
mod login_outage;
mod outage_past_expiry;
mod rejected_token;
mod repeated_calls;
mod token_rate_limit;

use genesys_cloud_auth::PlatformClient;
use tokio_rustls::TlsAcceptor;

use crate::support::{
    TOKEN,
    dns::{DnsStub, REMOTE},
    good_token, provider_with,
    server::{End, Reply, Server},
    tls::Authority,
};

/// A client with a token, whose API has a name on another machine. Returns also the names, how that
/// machine accepts connections, and the login host, which closes each connection.
async fn remote_api() -> (PlatformClient, DnsStub, TlsAcceptor, Server) {
    let authority = Authority::new();
    let acceptor = authority.acceptor(REMOTE);
    let login = Server::start_tls(acceptor.clone(), good_token(TOKEN).last());
    let dns = DnsStub::default();
    dns.resolve_to(login.address());
    let api = PlatformClient::new(provider_with(&dns, &authority).0);
    api.tokens().token().await.unwrap();
    (api, dns, acceptor, login)
}

/// A response that breaks off.
fn half(end: End) -> Reply {
    Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"na", end)
}

fn bad_gateway() -> Reply {
    let html = "<html><title>502 Bad Gateway</title></html>";
    Reply::of(502, "Content-Type: text/html\r\n", html)
}

const PATH: &str = "/api/v2/users/me";

//! Flows that succeed.

use genesys_cloud_auth::{
    ClientCredentials, ClientSecret, FixedToken, Grant, HttpClient, IntoGrant, NewToken, Region,
    TokenProvider,
    client::RetryPolicy,
    error::{StoreError, Troubleshooting},
    limits::SECRET_SHOWN_ONCE_SINCE,
};
use serde_json::json;

use super::{
    Run,
    replies::{A_DAY, BODY, OWN_TOKEN, QUERY, SECRET, TOKEN, good},
};
use crate::support::{
    CLIENT_ID,
    dns::{DnsStub, REMOTE, remote_region},
    kind_of, region_of,
    server::Server,
    tls::Authority,
};

pub async fn plain(run: &mut Run) {
    let (login, api) = (Server::start(good()), Server::start(good()));
    succeeds(run, region_of(&login, &api)).await;
    assert!(login.requests().len() == 2 && api.requests().len() == 4);
}

pub async fn tls(run: &mut Run) {
    let authority = Authority::new();
    let server = Server::start_tls(authority.acceptor(REMOTE), good());
    let dns = DnsStub::default();
    dns.resolve_to(server.address());
    run.http_client = verbose(&dns, &authority);
    succeeds(run, remote_region()).await;
    assert_eq!(server.requests().len(), 6);

    // A server whose certificate is not trusted.
    run.http_client = verbose(&dns, &Authority::new());
    let (client, _clock) = run.client(remote_region());
    let error = client.tokens().token().await.unwrap_err();
    assert_eq!(kind_of(&error), "Transport Tls");
    run.error(&error);
    assert_eq!(server.requests().len(), 6);
}

async fn succeeds(run: &mut Run, region: Region) {
    let (client, clock) = run.client(region.clone());
    let tokens = client.tokens().clone();
    settings(run, &region);
    run.debug(&clock);

    run.debug(&tokens);
    run.debug(&tokens.token().await.unwrap());
    run.debug(&tokens.authorization_header().await.unwrap());
    run.debug(&tokens.cached_token());
    run.debug(&tokens);
    run.debug(&client);
    let info = tokens.token_info().await.unwrap();
    run.debug(&info);
    run.debug(&info.organization.unwrap());
    let call = client.post("/api/v2/users").query(&[("q", QUERY)]);
    let call = call.json(&json!({"body": BODY}));
    run.debug(&call);
    let response = call.send().await.unwrap();
    run.debug(&response);
    run.debug(&response.rate_limit().unwrap());
    let own = client.get(&format!("/api/v2/users?q={QUERY}"));
    let own = own.header("Authorization", format!("Bearer {OWN_TOKEN}"));
    run.debug(&own);
    let mut chunks = own.send().await.unwrap().chunks();
    while let Some(chunk) = chunks.next().await {
        chunk.unwrap();
    }
    run.debug(&chunks);
    let listing = client.get("/api/v2/users").query(&[("q", QUERY)]);
    run.debug(&listing.pages::<u8>());
    clock.advance(A_DAY);
    tokens.token().await.unwrap();
    tokens.revoke().await.unwrap();
    run.debug(&tokens);
}

/// The settings of a provider.
fn settings(run: &mut Run, region: &Region) {
    let credentials = ClientCredentials::new(CLIENT_ID, SECRET).unwrap();
    run.debug(&credentials);
    run.debug(&credentials.into_grant());
    run.debug(&FixedToken::new(TOKEN).unwrap());
    run.debug(&FixedToken::new(TOKEN).unwrap().into_grant());
    let new_token = NewToken {
        secret: TOKEN.into(),
        expires_in: None,
    };
    run.debug(&new_token);
    run.debug(&Grant::from_fn("broker", move || {
        let new_token = new_token.clone();
        async move { Ok(new_token) }
    }));
    run.debug(&ClientSecret::from(SECRET));
    run.debug(&run.http_client.clone());
    run.debug(region);
    if let Region::Custom(custom) = region {
        run.debug(custom);
    }
    run.debug(&RetryPolicy::default());
    run.debug(&SECRET_SHOWN_ONCE_SINCE);
    run.error(&StoreError::new("the disk is full").into());
    for row in Troubleshooting::ALL {
        run.debug(&row);
    }
    let fixed = TokenProvider::new(region.clone(), FixedToken::new(TOKEN).unwrap()).unwrap();
    run.client_of(fixed);
}

fn verbose(dns: &DnsStub, authority: &Authority) -> HttpClient {
    let (dns, certificate) = (dns.clone(), authority.certificate());
    HttpClient::new(move |reqwest| {
        reqwest
            .connection_verbose(true)
            .no_proxy()
            .dns_resolver(dns.clone())
            .tls_certs_only([certificate.clone()])
    })
    .unwrap()
}

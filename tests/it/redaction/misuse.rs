//! Flows in which the caller makes a mistake.

use genesys_cloud_auth::{
    ClientCredentials, ClientSecret, Error, FixedToken, HttpClient, Region, TokenProvider,
};
use reqwest::dns::{Name, Resolve, Resolving};

use super::{
    Run,
    replies::{QUERY, SECRET, TOKEN, good},
};
use crate::support::{CLIENT_ID, dns::remote_region, kind_of, region_of, server::Server};

pub async fn wrong_place_or_form(run: &mut Run) {
    let errors: Vec<Error> = vec![
        ClientCredentials::new(CLIENT_ID, "").unwrap_err(),
        ClientCredentials::new(CLIENT_ID, line(SECRET)).unwrap_err(),
        ClientCredentials::new(format!("{CLIENT_ID}:{SECRET}"), SECRET).unwrap_err(),
        FixedToken::new(format!("Bearer {TOKEN}")).unwrap_err(),
        FixedToken::new(line(TOKEN)).unwrap_err(),
        SECRET.parse::<Region>().unwrap_err().into(),
        custom(&format!("https://user:{SECRET}@host.example")),
        custom(&format!("https://host.example/?{SECRET}")),
        custom(SECRET),
    ];
    for error in &errors {
        run.error(error);
    }

    let server = Server::start(good());
    for secret in [
        ClientSecret::from_fn(|| async { Ok(line(SECRET).into()) }),
        ClientSecret::from_fn(|| async { Err("the vault is closed".into()) }),
        ClientSecret::from_env("A_VARIABLE_THAT_IS_NOT_SET"),
        ClientSecret::from_file("/nowhere/secret"),
    ] {
        source_fails(run, &server, secret).await;
    }

    let (client, _clock) = run.client(region_of(&server, &server));
    let call = client.get("/api/v2/users");
    let call = call.header("Authorization", line(TOKEN));
    run.error(&call.send().await.unwrap_err());
    let call = client.get(&format!("/api/v2/users?q=a b{QUERY}"));
    run.debug(&call);
    run.error(&call.send().await.unwrap_err());
    let call = client.get(&format!("/api/v2/{SECRET}"));
    run.error(&call.send().await.unwrap_err());
    let token = client.tokens().token().await;
    run.debug(&token);
}

pub async fn something_panics(run: &mut Run) {
    let server = Server::start(good());
    let secret = ClientSecret::from_fn(|| async { panic!("the source is broken") });
    source_fails(run, &server, secret).await;

    run.http_client = HttpClient::new(|reqwest| reqwest.no_proxy().dns_resolver(Broken)).unwrap();
    let (client, _clock) = run.client(remote_region());
    let error = client.tokens().token().await.unwrap_err();
    assert_eq!(kind_of(&error), "Transport Other", "{error}");
    run.error(&error);
    run.debug(client.tokens());

    // A task that unwraps an error.
    let tokens = client.tokens().clone();
    let task = tokio::spawn(async move { tokens.token().await.unwrap() });
    run.debug(&task.await.unwrap_err());
}

async fn source_fails(run: &mut Run, server: &Server, secret: ClientSecret) {
    run.debug(&secret);
    let credentials = ClientCredentials::new(CLIENT_ID, secret).unwrap();
    run.debug(&credentials);
    let region = region_of(server, server);
    let tokens = TokenProvider::new(region, credentials).unwrap();
    run.error(&tokens.token().await.unwrap_err());
    run.debug(&tokens);
    assert!(server.requests().is_empty());
}

/// A resolver that panics.
struct Broken;

impl Resolve for Broken {
    fn resolve(&self, _: Name) -> Resolving {
        panic!("the resolver is broken")
    }
}

fn custom(url: &str) -> Error {
    Region::custom(url, url).unwrap_err().into()
}

fn line(text: &str) -> String {
    format!("{text}\n\n")
}

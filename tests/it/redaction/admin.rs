//! Administration: secrets that are generated, and those that a server sends where none belongs.

use genesys_cloud_auth::{
    PlatformClient,
    admin::{
        AuthorizationState, Deletion, GrantType, NewOAuthClient, OAuthAuthorization, OAuthClient,
        UsageDimension, UsageGranularity, UsageRow,
    },
    sandbox::Sandbox,
};
use secrecy::ExposeSecret;
use serde_json::json;

use super::{Run, integrations, replies::SECRET};
use crate::{
    admin::all_calls,
    support::{
        good_token, region_of,
        server::{Reply, Server},
    },
};

pub async fn all(run: &mut Run) {
    sandbox(run).await;
    servers(run).await;
    types(run);
    integrations::all(run).await;
}

/// A client from its creation to its deletion.
async fn sandbox(run: &mut Run) {
    let (sandbox, api) = run.service(Sandbox::builder()).await;
    let clients = api.oauth_clients();
    run.debug(&clients);
    let new = NewOAuthClient::client_credentials("job").role(sandbox.role_id(), "*");
    run.debug(&new);
    let created = clients.create(&new).await.unwrap();
    run.add_secret("a created secret", created.secret.expose_secret());
    let id = created.client.id.clone();
    let renewed = clients.regenerate_secret(&id).await.unwrap();
    run.add_secret("a renewed secret", renewed.secret.expose_secret());
    run.debug(&created);
    run.debug(&renewed);
    run.debug(&clients.get(&id).await.unwrap());
    run.debug(&clients.list().await.unwrap());
    run.debug(&clients.disable(&id).await.unwrap());
    run.debug(&clients.scopes().await.unwrap()[0]);
    let refused = clients.update(&id, |client| {
        client.grant_type = GrantType::AuthorizationCode;
    });
    run.error(&refused.await.unwrap_err());
    run.debug(&clients.usage_summary(&id, 7).await.unwrap());
    run.debug(&clients.delete(&id).await.unwrap());
    run.error(&clients.get(&id).await.unwrap_err());
    sandbox.at_api().times(1).drop_response();
    lost(run, &api).await;
    run.requests(&sandbox);
}

/// A created client whose response cannot be used.
async fn lost(run: &mut Run, api: &PlatformClient) {
    let new = NewOAuthClient::client_credentials("job").role("r", "*");
    let error = api.oauth_clients().create(&new).await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error:?}");
    run.error(&error);
}

/// Secrets where none belongs.
async fn servers(run: &mut Run) {
    let planted = "xQ7vK2mTz9Lp4Rw8aYs3";
    run.add_secret("a planted client secret", planted);
    let client = json!({
        "id": "a", "name": "job", "secret": planted, "clientSecret": planted,
        "tomorrow": planted, "authorizedGrantType": "CODE",
    });
    let listing = json!({ "entities": [client], "total": 2 });
    let bodies = [
        client.to_string(),
        listing.to_string(),
        json!({ "id": "a", "secret": [planted] }).to_string(),
        json!({ "id": [planted], "secret": planted }).to_string(),
        format!("{planted} {{"),
    ];
    for body in bodies {
        let login = Server::start(good_token(super::replies::TOKEN));
        let api = Server::start(Reply::json(200, &body));
        let (api, _clock) = run.client(region_of(&login, &api));
        let clients = api.oauth_clients();
        let new = NewOAuthClient::client_credentials("job").role("r", "*");
        let changed = clients.update("a", |client| client.name = "b".into()).await;
        for result in [
            clients.create(&new).await.map(|created| created.client),
            clients
                .regenerate_secret("a")
                .await
                .map(|renewed| renewed.client),
            clients.get("a").await,
            changed,
            clients.list().await.map(|mut list| list.remove(0)),
        ] {
            run.result(result);
        }
    }
}

/// The types that the flows do not return.
fn types(run: &mut Run) {
    let client = json!({
        "id": "a", "roleDivisions": [{ "roleId": "r", "divisionId": "*" }], "tomorrow": 1,
    });
    let client: OAuthClient = serde_json::from_value(client).unwrap();
    run.debug(&client.roles[0]);
    run.debug(&client.other);
    run.debug(&client.state);
    run.debug(&client.grant_type);
    let authorization: OAuthAuthorization = serde_json::from_value(json!({})).unwrap();
    run.debug(&authorization);
    run.debug(&AuthorizationState::Authorized);
    run.debug(&client);
    run.debug(&UsageRow::default());
    run.debug(&UsageDimension::User);
    run.debug(&UsageGranularity::Day);
    run.debug(&Deletion::Deleted);
    run.debug(&all_calls());
    let tool = NewOAuthClient::authorization_code("a", ["http://localhost"], ["users"]);
    run.debug(&tool.field("key", SECRET));
}

//! Listings that come whole, or not.

use genesys_cloud_auth::{
    PlatformClient, TokenProvider,
    admin::Deletion,
    sandbox::{FaultResponse, Sandbox},
};
use serde_json::{Value, json};

use super::{assert_says, assert_status, job, start_clients};
use crate::support::{cloud::client_of, kind_of};

#[tokio::test]
async fn ten_thousand_clients_are_listed_with_one_request() {
    let sandbox = Sandbox::builder().other_clients(9_999);
    let sandbox = sandbox.start().await.unwrap();
    let clients = client_of(&sandbox).oauth_clients().list().await.unwrap();
    assert_eq!(clients.len(), 10_000);
    assert_eq!(clients[0].id, sandbox.client_id());
    assert_eq!(clients[9_999].name, "Client 9999");
    assert_eq!(sandbox.api_requests(), 1);
    // Under a lower limit the same listing is an error.
    let tokens = TokenProvider::new(sandbox.region(), sandbox.client_credentials()).unwrap();
    let small = PlatformClient::builder(tokens).body_limit(1024 * 1024);
    let error = small.build().oauth_clients().list().await.unwrap_err();
    assert_eq!(kind_of(&error), "UnexpectedResponse");
    assert_says(&error, "more than 1048576 bytes");
}

async fn listed(body: Value) -> Result<usize, String> {
    let (sandbox, clients) = start_clients().await;
    let response = FaultResponse::new(200).body(body.to_string());
    sandbox.at_api().respond(response);
    let count = clients.list().await.map(|list| list.len());
    assert_eq!(clients.scopes().await.is_ok(), count.is_ok());
    assert_eq!(clients.authorizations().await.is_ok(), count.is_ok());
    count.map_err(|error| error.to_string())
}

#[tokio::test]
async fn incomplete_listing_is_an_error() {
    let entities = json!([{ "id": "a" }, { "id": "b" }]);
    for mut body in [
        json!({ "total": 3 }),
        json!({ "total": 2, "pageCount": 2 }),
        json!({ "pageCount": 400 }),
        json!({ "total": 10_000, "pageCount": 1 }),
        json!({ "total": u64::MAX }),
    ] {
        body["entities"] = entities.clone();
        let error = listed(body).await.unwrap_err();
        assert!(error.contains("incomplete listing: 2 of"), "{error}");
    }
    for mut body in [
        json!({}),
        json!({ "total": 2, "pageCount": 1, "pageNumber": 1, "pageSize": 25 }),
        // Clients were deleted meanwhile.
        json!({ "total": 1, "pageCount": 0 }),
        json!({ "total": null, "pageCount": null }),
    ] {
        body["entities"] = entities.clone();
        assert_eq!(listed(body).await, Ok(2));
    }
    assert_eq!(listed(json!({ "entities": null, "total": 0 })).await, Ok(0));
    for body in [json!({}), json!([]), json!(null), json!({ "entities": {} })] {
        assert!(listed(body).await.is_err());
    }
}

#[tokio::test]
async fn client_that_is_deleted_after_the_listing_is_not_found() {
    let (sandbox, clients) = start_clients().await;
    let created = clients.create(&job(&sandbox)).await.unwrap();
    let id = created.client.id;
    let before = clients.list().await.unwrap();
    assert_eq!(clients.delete(&id).await.unwrap(), Deletion::Deleted);
    let after = clients.list().await.unwrap();
    assert_eq!((before.len(), after.len()), (2, 1));
    let gone = before.iter().find(|client| client.id == id).unwrap();
    for error in [
        clients.get(&gone.id).await.unwrap_err(),
        clients.disable(&gone.id).await.unwrap_err(),
        clients.regenerate_secret(&gone.id).await.unwrap_err(),
        clients.usage_summary("unknown", 7).await.unwrap_err(),
    ] {
        assert_status(&error, 404);
        assert!(!error.is_outcome_unknown());
    }
}

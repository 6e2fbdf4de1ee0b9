//! Deletion, and the wait for it.

use std::time::Duration;

use genesys_cloud_auth::{
    ErrorKind, PlatformClient,
    admin::{ClientState, Deletion},
    sandbox::Sandbox,
};
use serde_json::json;

use super::{assert_says, assert_status, job, methods, start_clients};
use crate::support::{advance_until_done, cloud::Cloud, server::Reply, with_clock};

#[tokio::test]
async fn client_is_set_inactive_and_deleted() {
    let (sandbox, clients) = start_clients().await;
    let created = clients.create(&job(&sandbox)).await.unwrap();
    let id = &created.client.id;
    assert_eq!(clients.delete(id).await.unwrap(), Deletion::Deleted);
    assert_eq!(methods(&sandbox), ["POST", "GET", "PUT", "DELETE", "GET"]);
    assert_status(&clients.get(id).await.unwrap_err(), 404);
    assert_status(&clients.delete(id).await.unwrap_err(), 404);
}

#[tokio::test]
async fn old_client_has_a_date_and_can_be_restored() {
    let sandbox = Sandbox::start().await.unwrap();
    let (tokens, clock) = with_clock(&sandbox, sandbox.client_credentials());
    let api = PlatformClient::new(tokens);
    let clients = api.oauth_clients();
    let created = clients.create(&job(&sandbox)).await.unwrap();
    let id = &created.client.id;
    sandbox.advance(Duration::from_secs(30 * 86_400));
    let (deletion, waited) = advance_until_done(&clock, clients.delete(id)).await;
    let Deletion::Scheduled(date) = deletion.unwrap() else {
        panic!("the client is too old to be deleted at once")
    };
    // The clock moves on by itself, too.
    assert!(waited >= Duration::from_secs(25), "{waited:?}");
    let client = clients.get(id).await.unwrap();
    assert_eq!(client.state, ClientState::Inactive);
    assert_eq!(client.date_to_delete, Some(date));
    let restored = clients.enable(id).await.unwrap();
    assert_eq!(restored.state, ClientState::Active);
    assert_eq!(restored.date_to_delete, None);
    sandbox.advance(Duration::from_secs(8 * 86_400));
    assert!(clients.get(id).await.is_ok());
}

fn client(state: &str) -> Reply {
    let client = json!({ "id": "a", "name": "a", "state": state, "authorizedGrantType": "CODE" });
    Reply::json(200, &client.to_string())
}

fn not_found() -> Reply {
    Reply::json(404, r#"{"code":"not.found","status":404}"#)
}

fn still_active() -> Reply {
    Reply::json(400, r#"{"code":"cannot.delete.client","status":400}"#)
}

#[tokio::test]
async fn deletion_is_polled_until_it_is_seen() {
    let inactive = || client("inactive");
    let started = || vec![client("active"), inactive()];
    let (accepted, done) = (Reply::json(202, ""), || Reply::json(204, ""));
    for (replies, requests) in [
        (vec![accepted, inactive(), inactive(), not_found()], 6),
        (vec![done(), inactive(), client("deleted")], 5),
        (vec![done(), inactive(), client("DELETED")], 5),
        // The new state is not known everywhere at once.
        (vec![still_active(), still_active(), done(), not_found()], 6),
        // A repeated request finds nothing.
        (vec![not_found()], 3),
    ] {
        let cloud = Cloud::start();
        cloud.api.answers_all([started(), replies].concat());
        let clients = cloud.client.oauth_clients();
        let (deletion, _) = advance_until_done(&cloud.clock, clients.delete("a")).await;
        assert_eq!(deletion.unwrap(), Deletion::Deleted);
        assert_eq!(cloud.requests().api, requests);
    }
}

#[tokio::test]
async fn deletion_that_is_not_seen_ends_with_the_wait() {
    for last in [client("inactive"), still_active()] {
        let cloud = Cloud::start();
        let deleted = Reply::json(204, "");
        cloud
            .api
            .answers([client("active"), client("inactive"), deleted, last]);
        let clients = cloud.client.oauth_clients().wait(Duration::from_secs(10));
        let (deletion, waited) = advance_until_done(&cloud.clock, clients.delete("a")).await;
        let error = deletion.unwrap_err();
        // An error of the request itself is returned at once.
        if error.status().is_some() {
            assert_status(&error, 400);
            continue;
        }
        assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
        assert_says(&error, "OAuth client a");
        assert!(waited >= Duration::from_secs(8), "{waited:?}");
    }
}

#[tokio::test]
async fn refused_deletion_is_returned() {
    let cloud = Cloud::start();
    let refused = Reply::json(409, r#"{"code":"general.conflict","status":409}"#);
    cloud
        .api
        .answers([client("active"), client("inactive"), refused]);
    let error = cloud.client.oauth_clients().delete("a").await.unwrap_err();
    assert_status(&error, 409);
    assert_eq!(cloud.requests().api, 3);
}

//! Errors of the server.

use genesys_cloud_auth::{error::Troubleshooting, sandbox::FaultResponse};

use super::{assert_status, job, start_clients};
use crate::support::kind_of;

const CLIENTS: &str = "/api/v2/oauth/clients";

#[tokio::test]
async fn codes_about_roles_lead_to_the_roles_tab() {
    let (sandbox, clients) = start_clients().await;
    for code in ["bad.grant.type", "missing.client.roles"] {
        let body = format!(r#"{{"code":"{code}","status":400}}"#);
        let fault = sandbox.at_api().path(CLIENTS);
        let fault = fault.respond(FaultResponse::new(400).body(body));
        let error = clients.create(&job(&sandbox)).await.unwrap_err();
        let row = Some(Troubleshooting::RolesTabNotVisible);
        assert_eq!(error.troubleshooting(), row);
        fault.remove();
    }
}

#[tokio::test]
async fn statuses_keep_their_kinds() {
    let (sandbox, clients) = start_clients().await;
    for (status, kind) in [
        (404, "Api"),
        (409, "Api"),
        (429, "RateLimited"),
        (501, "Api"),
    ] {
        let response = FaultResponse::new(status).header("Retry-After", "200");
        let fault = sandbox.at_api().respond(response);
        for error in [
            clients.get("a").await.unwrap_err(),
            clients.list().await.unwrap_err(),
            clients.create(&job(&sandbox)).await.unwrap_err(),
        ] {
            assert_eq!(kind_of(&error), kind, "{error}");
            assert_status(&error, status);
        }
        fault.remove();
    }
    // An id that is no segment of a path never reaches the server.
    for id in ["", "..", "a\nb"] {
        let error = clients.get(id).await.unwrap_err();
        assert_eq!(kind_of(&error), "InvalidPath");
    }
}

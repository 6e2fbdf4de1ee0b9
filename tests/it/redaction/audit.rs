//! Audits: secrets where a server sends them, in each form of a report.

use genesys_cloud_auth::sandbox::{FaultResponse, Sandbox};
use serde_json::json;

use super::{Run, replies::SECRET};
use crate::support::CLIENT_ID;

pub async fn all(run: &mut Run) {
    let planted = "xQ7vK2mTz9Lp4Rw8aYs3";
    run.add_secret("a planted client secret", planted);
    let sandbox = Sandbox::builder()
        .client(CLIENT_ID, SECRET)
        .usage_running(0);
    let sandbox = sandbox.start().await.unwrap();
    let api = run.service_of(&sandbox);
    let client = json!({
        "id": "a", "name": "job", "secret": planted, "clientSecret": planted, "tomorrow": planted,
        "authorizedGrantType": "TOKEN", "description": planted, "scope": [planted],
        "registeredRedirectUri": [format!("http://u:{planted}@app.example/?key={planted}#{planted}"), planted],
        "roleDivisions": [{ "roleId": sandbox.role_id(), "divisionId": "*", "secret": planted }],
    });
    let other = json!({ "id": "b", "authorizedGrantType": "DEVICE" });
    let listing = json!({ "entities": [client, other] }).to_string();
    let clients = "/api/v2/oauth/clients";
    let role = format!("/api/v2/authorization/roles/{}", sandbox.role_id());
    let body = json!({ "secret": planted, "permissions": ["*"], "name": "r", "tomorrow": planted });
    sandbox
        .at_api()
        .path(clients)
        .respond(FaultResponse::new(200).body(listing));
    sandbox
        .at_api()
        .path(role)
        .respond(FaultResponse::new(200).body(body.to_string()));
    let credential = json!({ "entities": [
        { "id": "c", "name": "n", "credentialFields": { "clientSecret": planted }, "tomorrow": planted },
    ] });
    let configuration =
        json!({ "notes": planted, "properties": { "x": planted }, "tomorrow": planted });
    let integrations = api.integrations().list().await.unwrap();
    let current = format!("/api/v2/integrations/{}/config/current", integrations[0].id);
    for (path, body) in [
        ("/api/v2/integrations/credentials/listing", &credential),
        (&current, &configuration),
    ] {
        let response = FaultResponse::new(200).body(body.to_string());
        sandbox.at_api().path(path).respond(response);
    }
    let audit = api.audit();
    run.debug(&audit);
    let report = audit.run().await.unwrap();
    assert!(
        report.findings.len() > 7 && !report.not_checked.is_empty(),
        "{report:?}"
    );
    run.debug(&report);
    run.text(&report.markdown());
    run.text(&serde_json::to_string(&report).unwrap());
    for finding in &report.findings {
        run.debug(finding);
        run.debug(&finding.problem);
        run.debug(&finding.check());
        run.text(&format!("{finding} {}", finding.cure()));
        if let genesys_cloud_auth::audit::Problem::AllDivisions { roles, .. } = &finding.problem {
            run.debug(&roles[0]);
        }
    }
    run.debug(&report.findings[0].subject);
    run.debug(&report.not_checked[0]);

    sandbox.clear_faults();
    sandbox
        .at_api()
        .path(clients)
        .respond(FaultResponse::new(500).body(format!("{planted} {SECRET}")));
    run.error(&api.audit().run().await.unwrap_err());
}

//! Audits: secrets where a server sends them, in each form of a report.

use genesys_cloud_auth::sandbox::{FaultResponse, Sandbox};
use serde_json::json;

use super::{Run, replies::SECRET};

pub async fn all(run: &mut Run) {
    let planted = "xQ7vK2mTz9Lp4Rw8aYs3";
    run.add_secret("a planted client secret", planted);
    let (sandbox, api) = run.service(Sandbox::builder().usage_running(0)).await;
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
    let respond = |path: &str, status, body: String| {
        let response = FaultResponse::new(status).body(body);
        sandbox.at_api().path(path).respond(response)
    };
    respond(clients, 200, listing);
    respond(&role, 200, body.to_string());
    let audit = api.audit();
    run.debug(&audit);
    let report = audit.run().await.unwrap();
    let finds_all = report.findings.len() > 6 && !report.not_checked.is_empty();
    assert!(finds_all, "{report:?}");
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
    run.debug(report.findings[0].client.as_ref().unwrap());
    run.debug(&report.not_checked[0]);

    sandbox.clear_faults();
    respond(clients, 500, format!("{planted} {SECRET}"));
    run.error(&api.audit().run().await.unwrap_err());
}

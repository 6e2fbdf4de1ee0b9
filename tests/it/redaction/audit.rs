//! Audits: secrets where a server sends them, in each form of a report.

use genesys_cloud_auth::sandbox::{FaultResponse, Sandbox};
use serde_json::{Value, json};

use super::{Run, replies::SECRET};

pub async fn all(run: &mut Run) {
    let planted = "xQ7vK2mTz9Lp4Rw8aYs3";
    run.add_secret("a planted client secret", planted);
    let (sandbox, api) = run.service(Sandbox::builder().usage_running(0)).await;
    let integrations = api.integrations().list().await.unwrap();
    let current = format!("/api/v2/integrations/{}/config/current", integrations[0].id);
    let role = format!("/api/v2/authorization/roles/{}", sandbox.role_id());
    let listing = json!({ "entities": [credential(planted)] });
    for (path, body) in [
        (CLIENTS, clients(planted, sandbox.role_id())),
        (&role, role_of(planted)),
        ("/api/v2/integrations/credentials/listing", listing),
        (&current, configuration(planted)),
    ] {
        let response = FaultResponse::new(200).body(body.to_string());
        sandbox.at_api().path(path).respond(response);
    }
    let audit = api.audit();
    run.debug(&audit);
    let report = audit.run().await.unwrap();
    let finds_all = report.findings.len() > 7 && !report.not_checked.is_empty();
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
    run.debug(&report.findings[0].subject);
    run.debug(&report.not_checked[0]);

    sandbox.clear_faults();
    let failing = FaultResponse::new(500).body(format!("{planted} {SECRET}"));
    sandbox.at_api().path(CLIENTS).respond(failing);
    run.error(&api.audit().run().await.unwrap_err());
}

fn clients(planted: &str, role: &str) -> Value {
    let client = json!({
        "id": "a", "name": "job", "secret": planted, "clientSecret": planted, "tomorrow": planted,
        "authorizedGrantType": "TOKEN", "description": planted, "scope": [planted],
        "registeredRedirectUri": [format!("http://u:{planted}@app.example/?key={planted}#{planted}"), planted],
        "roleDivisions": [{ "roleId": role, "divisionId": "*", "secret": planted }],
    });
    let other = json!({ "id": "b", "authorizedGrantType": "DEVICE" });
    json!({ "entities": [client, other] })
}

fn role_of(planted: &str) -> Value {
    json!({ "secret": planted, "permissions": ["*"], "name": "r", "tomorrow": planted })
}

fn credential(planted: &str) -> Value {
    let fields = json!({ "clientSecret": planted });
    json!({ "id": "c", "name": "n", "credentialFields": fields, "tomorrow": planted })
}

fn configuration(planted: &str) -> Value {
    json!({ "notes": planted, "properties": { "x": planted }, "tomorrow": planted })
}

const CLIENTS: &str = "/api/v2/oauth/clients";

//! The check of the credentials of integrations.

use genesys_cloud_auth::{
    admin::NewCredential,
    audit::{AuditReport, Check, Problem, Subject},
    sandbox::Sandbox,
};
use serde_json::{Value, json};

use super::{CREDENTIALS, Organization, assert_others_passed};
use crate::support::cloud::client_of;

/// The ids of the credentials that are found to be unused, and of those that are not checked.
fn credentials(report: &AuditReport) -> [Vec<&str>; 2] {
    let found = report.findings.iter();
    let found = found.filter(|one| one.check() == Check::Credentials);
    let not_checked = report.not_checked.iter();
    let not_checked = not_checked.filter(|one| one.check == Check::Credentials);
    [
        found.map(|one| one.subject.id().unwrap()).collect(),
        not_checked.map(|one| one.subject.id().unwrap()).collect(),
    ]
}

fn path_of_configuration(integration: &str) -> String {
    format!("/api/v2/integrations/{integration}/config/current")
}

#[tokio::test]
async fn unused_credential_is_found_and_named() {
    let organization = Organization::with_client(&json!({})).await;
    let new = NewCredential::basic_auth("Old CRM", "jo", "a password");
    let integrations = client_of(&organization.sandbox).integrations();
    let unused = integrations.create_credential(&new).await.unwrap().id;
    let report = organization.report().await;
    // The other one is used.
    assert_others_passed(&report, None);
    let [finding] = &report.findings[..] else {
        panic!("{report:?}")
    };
    assert_eq!(finding.problem, Problem::UnusedCredential);
    assert_eq!(finding.to_string(), "no integration uses it");
    assert!(finding.cure().contains("delete it"));
    let subject = format!("credential Old CRM ({unused})");
    assert_eq!(finding.subject.to_string(), subject);
    let json = serde_json::to_value(finding).unwrap();
    let subject = json!({ "kind": "credential", "id": unused, "name": "Old CRM" });
    assert_eq!(
        (&json["subject"], &json["check"]),
        (&subject, &"credentials".into())
    );
    assert_eq!(json["problem"], json!({ "kind": "unused_credential" }));

    // An integration that is not enabled uses its credential as well.
    let other = integrations
        .create("custom-rest-actions", "CRM")
        .await
        .unwrap()
        .id;
    let configured = integrations.configure(&other, |configuration| {
        configuration.set_credential("basicAuth", &unused);
    });
    configured.await.unwrap();
    let report = organization.report().await;
    assert!(report.findings.is_empty(), "{report:?}");
    assert_eq!(report.passed[&Check::Credentials], 2);
    integrations.delete(&other).await.unwrap();
    assert_eq!(credentials(&organization.report().await)[0], [unused]);
}

#[tokio::test]
async fn what_a_configuration_holds_decides() {
    let id = |id: &str| json!({ "id": id });
    let used: &[&str] = &[];
    for (configured, unused) in [
        (
            json!({ "credentials": { "x": id("a"), "y": id("b") } }),
            used,
        ),
        (
            json!({ "credentials": { "x": id("a"), "y": id("a") } }),
            &["b"],
        ),
        (
            json!({ "credentials": { "x": null, "y": id("B") } }),
            &["a", "b"],
        ),
        (json!({ "credentials": {} }), &["a", "b"]),
        (json!({ "credentials": null }), &["a", "b"]),
        (json!({ "notes": "uses a and b" }), &["a", "b"]),
    ] {
        let organization = Organization::with_client(&json!({})).await;
        // A listing that changed between its pages has an entry twice.
        let listed = json!({ "entities": [id("a"), id("b"), id("a")] });
        organization.plant(CREDENTIALS, &listed);
        let path = path_of_configuration(&organization.integration);
        organization.plant(&path, &configured);
        let report = organization.report().await;
        assert_eq!(credentials(&report), [unused, &[]], "{configured}");
        assert_eq!(report.passed[&Check::Credentials], 2 - unused.len());
    }
}

#[tokio::test]
async fn credential_of_an_unread_configuration_is_not_checked() {
    let organization = Organization::with_client(&json!({})).await;
    let integrations = client_of(&organization.sandbox).integrations();
    let new = NewCredential::basic_auth("b", "b", "b");
    let other = integrations.create_credential(&new).await.unwrap().id;
    let unread = integrations
        .create("custom-rest-actions", "CRM\u{202e}")
        .await
        .unwrap()
        .id;
    let path = path_of_configuration(&unread);
    for (status, body) in [
        (200, json!({ "credentials": ["of tomorrow"] })),
        (
            200,
            json!({ "credentials": { "x": { "ref": "of tomorrow" } } }),
        ),
        (200, Value::Null),
        (403, json!({})),
        (500, json!({})),
    ] {
        let response = genesys_cloud_auth::sandbox::FaultResponse::new(status);
        organization.plant_response(&path, response.body(body.to_string()));
        let report = organization.report().await;
        // The first integration was read before, so that its credential passed.
        assert_eq!(credentials(&report), [vec![], vec![&other[..]]], "{body}");
        assert_others_passed(&report, None);
        let reason = &report.not_checked[0].reason;
        let name = format!("integration CRM\\u{{202e}} ({unread})");
        assert!(reason.contains(&name), "{reason}");
    }
    // It was deleted after it was listed.
    let response = genesys_cloud_auth::sandbox::FaultResponse::new(404).body("{}");
    organization.plant_response(&path, response);
    let report = organization.report().await;
    assert_eq!(credentials(&report), [vec![&other[..]], vec![]]);
}

#[tokio::test]
async fn configurations_are_read_until_all_are_used() {
    let sandbox = Sandbox::builder().integration_credentials(401);
    let sandbox = sandbox.start().await.unwrap();
    let api = client_of(&sandbox);
    let integrations = api.integrations();
    for name in ["a", "b", "c"] {
        integrations
            .create("purecloud-data-actions", name)
            .await
            .unwrap();
    }
    let audit = async || {
        let before = sandbox.requests().len();
        let report = api.audit().run().await.unwrap();
        let requests = sandbox.requests().into_iter().skip(before);
        let paths = requests.map(|one| one.path().to_owned());
        let paths = paths.filter(|path| path.starts_with("/api/v2/integrations"));
        (report, paths.collect::<Vec<_>>())
    };
    let (report, paths) = audit().await;
    assert_eq!(credentials(&report)[0].len(), 401);
    // 200 credentials a page, the integrations on one page, and the configuration of each of the four.
    let listings = paths.iter().filter(|path| *path == CREDENTIALS);
    assert_eq!((listings.count(), paths.len()), (3, 3 + 1 + 4), "{paths:?}");

    let all = integrations.list().await.unwrap();
    let credential = &integrations.list_credentials().await.unwrap()[0].id;
    for integration in &all[1..3] {
        let configured = integrations.configure(&integration.id, |configuration| {
            configuration.set_credential("pureCloudOAuthClient", credential);
        });
        configured.await.unwrap();
    }
    for other in &integrations.list_credentials().await.unwrap()[1..] {
        integrations.delete_credential(&other.id).await.unwrap();
    }
    let (report, paths) = audit().await;
    assert_eq!(report.passed[&Check::Credentials], 1);
    assert_eq!(paths.len(), 1 + 1 + 2, "{paths:?}");

    integrations.delete_credential(credential).await.unwrap();
    let (report, paths) = audit().await;
    assert_eq!(
        (credentials(&report)[0].len(), &paths[..]),
        (0, &[CREDENTIALS.to_owned()][..])
    );
    assert!(
        !report
            .not_checked
            .iter()
            .any(|one| one.subject == Subject::AllCredentials)
    );
}

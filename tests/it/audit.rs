//! The audit of OAuth clients.

mod checks;
mod credentials;
mod example;
mod shown;

use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use genesys_cloud_auth::{
    Error,
    audit::{Audit, AuditReport, Check, Subject},
    sandbox::{Fault, FaultResponse, Sandbox},
};
use serde_json::{Value, json};

use crate::support::{cloud::client_of, kind_of};

/// A sandbox whose listing of clients, usage and idle timeout are planted. Its integration uses its
/// credential.
struct Organization {
    sandbox: Sandbox,
    /// The id of a role that may only view.
    reader: String,
    /// The id of the integration.
    integration: String,
    /// By path.
    planted: Mutex<BTreeMap<String, Fault>>,
}

impl Organization {
    async fn with_clients(clients: &[Value]) -> Self {
        let sandbox = Sandbox::builder()
            .usage_running(0)
            .integration_credentials(1);
        let sandbox = sandbox.start().await.unwrap();
        let integrations = client_of(&sandbox).integrations();
        let credential = integrations.list_credentials().await.unwrap().remove(0).id;
        let integration = integrations.list().await.unwrap().remove(0).id;
        let configured = integrations.configure(&integration, |configuration| {
            configuration.set_credential("pureCloudOAuthClient", &credential);
        });
        configured.await.unwrap();
        let reader = sandbox.add_role(["directory:user:view", "oauth:client:view"]);
        let organization = Self {
            sandbox,
            reader,
            integration,
            planted: Mutex::default(),
        };
        organization.plant(CLIENTS, &json!({ "entities": clients }));
        let used = json!([{ "clientId": "a", "requests": 3, "new": [1] }]);
        organization.plant("/api/v2/usage/query", &json!({ "executionId": "e" }));
        organization.plant_usage(&json!({ "queryStatus": "Complete", "results": used }));
        let timeout = json!({ "enableIdleTokenTimeout": true, "idleTokenTimeoutSeconds": 900 });
        organization.plant(IDLE_TIMEOUT, &timeout);
        organization
    }

    /// One good client with these fields in the place of its own. `READER` is the role's id.
    async fn with_client(fields: &Value) -> Self {
        let organization = Self::with_clients(&[]).await;
        organization.plant_client(fields);
        organization
    }

    fn plant_client(&self, fields: &Value) {
        let mut client = good_client();
        for (name, value) in fields.as_object().unwrap() {
            client[name] = value.clone();
        }
        let text = json!({ "entities": [client] }).to_string();
        let text = text.replace("READER", &self.reader);
        let text = text.replace("SANDBOX", self.sandbox.role_id());
        self.plant(CLIENTS, &serde_json::from_str(&text).unwrap());
    }

    fn plant(&self, path: &str, body: &Value) {
        self.plant_response(path, FaultResponse::new(200).body(body.to_string()));
    }

    /// The last response for a path counts.
    fn plant_response(&self, path: &str, response: FaultResponse) {
        let mut planted = self.planted.lock().unwrap();
        if let Some(former) = planted.remove(path) {
            former.remove();
        }
        let fault = self.sandbox.at_api().path(path).respond(response);
        planted.insert(path.to_owned(), fault);
    }

    fn plant_usage(&self, results: &Value) {
        self.plant("/api/v2/usage/query/e/results", results);
    }

    async fn audit(&self, configure: impl FnOnce(Audit) -> Audit) -> Result<AuditReport, Error> {
        let audit = client_of(&self.sandbox).audit().at(now());
        configure(audit).run().await
    }

    async fn report(&self) -> AuditReport {
        self.audit(|audit| audit).await.unwrap()
    }
}

fn good_client() -> Value {
    json!({
        "id": "a",
        "name": "job",
        "description": "Copies contacts",
        "authorizedGrantType": "CLIENT-CREDENTIALS",
        "accessTokenValiditySeconds": 64_800,
        "registeredRedirectUri": [],
        "roleDivisions": [{ "roleId": "READER", "divisionId": "d" }],
        "state": "active",
        "dateCreated": "2026-01-31T12:00:00.000Z",
        "dateModified": "2026-05-31T12:00:00.000Z",
    })
}

/// 2026-11-29.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(20_786 * 86_400)
}

/// Asserts that all checks passed once, but this one.
#[track_caller]
fn assert_others_passed(report: &AuditReport, but: Option<Check>) {
    for check in Check::ALL {
        let passed = usize::from(Some(check) != but);
        assert_eq!(report.passed[&check], passed, "{check}: {report:?}");
    }
}

#[tokio::test]
async fn ten_thousand_clients_cost_one_listing_and_one_query() {
    let sandbox = Sandbox::builder().other_clients(9_999).usage_running(2);
    let sandbox = sandbox.start().await.unwrap();
    let report = client_of(&sandbox).audit().run().await.unwrap();
    assert_eq!(report.clients, 10_000);
    let count = |method: &str, path: &str| {
        let requests = sandbox.requests().into_iter();
        let requests = requests.filter(|one| one.method() == method && one.path() == path);
        requests.count()
    };
    assert_eq!(count("GET", CLIENTS), 1);
    assert_eq!(count("POST", "/api/v2/usage/query"), 1);
    // All clients have one role.
    let role = format!("/api/v2/authorization/roles/{}", sandbox.role_id());
    assert_eq!(count("GET", &role), 1);
    // Besides, the idle timeout, the results three times, and for three credentials their listing, that of
    // integrations, and the configuration of the only one.
    assert_eq!(sandbox.api_requests(), 10);
    for (check, findings) in [(Check::AdministrativeRoles, 10_000), (Check::Use, 0)] {
        let of_check = report.findings.iter().filter(|one| one.check() == check);
        assert_eq!(of_check.count() + report.passed[&check], 10_000);
        assert_eq!(report.passed[&check], 10_000 - findings);
    }
}

#[tokio::test]
async fn check_without_permission_is_not_passed() {
    let organization = Organization::with_client(&json!({})).await;
    let (clients, roles) = ("oauth:client:view", "authorization:role:view");
    let integrations = "integrations:integration:view";
    for (granted, check, missing, subject) in [
        (
            [clients, integrations],
            Check::AdministrativeRoles,
            roles,
            Subject::AllClients,
        ),
        (
            [clients, roles],
            Check::Credentials,
            integrations,
            Subject::AllCredentials,
        ),
    ] {
        organization.sandbox.set_permissions(granted);
        let report = organization.report().await;
        assert_others_passed(&report, Some(check));
        let [one] = &report.not_checked[..] else {
            panic!("{report:?}")
        };
        assert_eq!((one.check, &one.subject), (check, &subject));
        assert_eq!(one.missing_permissions, [missing]);
        assert!(one.to_string().contains(missing), "{one}");
        assert!(one.cure.contains("role with this permission"));
        assert!(report.findings.is_empty(), "{report:?}");
    }

    organization.sandbox.clear_faults();
    organization.sandbox.set_permissions(["other:other:view"]);
    let error = organization.audit(|audit| audit).await.unwrap_err();
    assert_eq!(kind_of(&error), "AccessDenied");
}

#[tokio::test]
async fn check_whose_request_fails_is_not_passed() {
    let (usage, integrations) = ("/api/v2/usage/query", "/api/v2/integrations");
    for (path, check) in [
        (usage, Check::Use),
        (IDLE_TIMEOUT, Check::IdleTimeout),
        (CREDENTIALS, Check::Credentials),
        (integrations, Check::Credentials),
    ] {
        let organization = Organization::with_client(&json!({})).await;
        for status in [403_u16, 404, 500] {
            let response = FaultResponse::new(status).body("{}");
            organization.plant_response(path, response);
            let report = organization.report().await;
            assert_others_passed(&report, Some(check));
            assert_eq!(report.not_checked.len(), 1, "{report:?}");
            assert_eq!(report.not_checked[0].check, check);
            let reason = &report.not_checked[0].reason;
            assert!(reason.contains(&status.to_string()), "{reason}");
        }
    }
    // Another role is still read.
    let roles = json!({ "roleDivisions": [
        { "roleId": "gone", "divisionId": "d" }, { "roleId": "READER", "divisionId": "d" },
    ] });
    let organization = Organization::with_client(&roles).await;
    let report = organization.report().await;
    assert_others_passed(&report, Some(Check::AdministrativeRoles));
    assert_eq!(report.not_checked[0].subject.id(), Some("a"));
}

#[tokio::test]
async fn unused_after_no_day_is_an_error() {
    let organization = Organization::with_client(&json!({})).await;
    let before = organization.sandbox.api_requests();
    let error = organization.audit(|audit| audit.unused_after(0)).await;
    assert_eq!(kind_of(&error.unwrap_err()), "Configuration");
    assert_eq!(organization.sandbox.api_requests(), before);
    let report = organization.audit(|audit| audit.unused_after(u32::MAX));
    assert_others_passed(&report.await.unwrap(), None);
}

const CLIENTS: &str = "/api/v2/oauth/clients";
const CREDENTIALS: &str = "/api/v2/integrations/credentials/listing";
const IDLE_TIMEOUT: &str = "/api/v2/tokens/timeout";

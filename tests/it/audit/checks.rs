//! What each check finds, accepts and cannot decide.

use std::time::{Duration, UNIX_EPOCH};

use genesys_cloud_auth::{
    audit::{Audit, Check, Problem},
    limits::HIPAA_IDLE_TIMEOUT,
};
use serde_json::{Value, json};

use super::{IDLE_TIMEOUT, Organization, assert_others_passed, now};

#[tokio::test]
async fn good_client_passes_every_check() {
    let minute = json!({ "accessTokenValiditySeconds": 300 });
    let user = json!({
        "authorizedGrantType": "CODE", "roleDivisions": null,
        "registeredRedirectUri": [
            "https://app.example/?a=b", "http://localhost:80/x", "http://127.8.0.1", "http://[::1]:1/",
            "com.example.app:/callback",
        ],
    });
    let saml = json!({ "authorizedGrantType": "SAML2BEARER", "state": "ACTIVE" });
    let new = json!({ "id": "never used", "dateCreated": "2026-11-20T12:00:00Z" });
    for fields in [json!({}), minute, user, saml, new] {
        let report = Organization::with_client(&fields).await.report().await;
        assert_others_passed(&report, None);
        assert!(report.findings.is_empty() && report.not_checked.is_empty());
    }
}

type Configure = Box<dyn FnOnce(Audit) -> Audit>;

/// The fields of a client, the check that finds a fault in them, and words of the finding.
const FAULTS: &[(&str, Check, &str)] = &[
    (
        r#"{"authorizedGrantType":"TOKEN"}"#,
        Check::ImplicitGrant,
        "is May 2027 (153 days left), or March 2027 (92 days left)",
    ),
    // It has no secret whose age would count.
    (
        r#"{"authorizedGrantType":"token","dateCreated":"2020-01-01T00:00:00Z"}"#,
        Check::ImplicitGrant,
        "May 2026 (212 days ago) and March 2026 (273 days ago)",
    ),
    (
        r#"{"roleDivisions":[{"roleId":"SANDBOX","divisionId":"d"}]}"#,
        Check::AdministrativeRoles,
        "Sandbox (*:*:*)",
    ),
    (
        r#"{"roleDivisions":[{"roleId":"READER","divisionId":"*"}]}"#,
        Check::AllDivisions,
        "Added by the test",
    ),
    (
        r#"{"roleDivisions":[{"roleId":"READER","divisionId":""}]}"#,
        Check::AllDivisions,
        "Added by the test",
    ),
    (
        r#"{"roleIds":["READER"]}"#,
        Check::AllDivisions,
        "Added by the test",
    ),
    (
        r#"{"authorizedGrantType":"CODE","registeredRedirectUri":["http://app.example/callback"]}"#,
        Check::RedirectUris,
        "http://app.example/callback",
    ),
    (
        r#"{"authorizedGrantType":"CODE","registeredRedirectUri":["http://localhost.evil.example"]}"#,
        Check::RedirectUris,
        "http://localhost.evil.example/",
    ),
    (
        r#"{"authorizedGrantType":"CODE","registeredRedirectUri":["http://10.0.0.1:8080/"]}"#,
        Check::RedirectUris,
        "http://10.0.0.1:8080/",
    ),
    (
        r#"{"authorizedGrantType":"CODE","registeredRedirectUri":["HTTP://app.example"]}"#,
        Check::RedirectUris,
        "http://app.example/",
    ),
    (
        r#"{"authorizedGrantType":"CODE","registeredRedirectUri":["app.example"]}"#,
        Check::RedirectUris,
        "a text that is no URI",
    ),
    (
        r#"{"accessTokenValiditySeconds":64801}"#,
        Check::TokenDuration,
        "64801 s, and 64800 s are allowed",
    ),
    (
        r#"{"accessTokenValiditySeconds":172801}"#,
        Check::TokenDuration,
        "172801 s, out of the range",
    ),
    (
        r#"{"accessTokenValiditySeconds":38880000}"#,
        Check::TokenDuration,
        "38880000 s, out of the range",
    ),
    (
        r#"{"accessTokenValiditySeconds":299}"#,
        Check::TokenDuration,
        "299 s, out of the range",
    ),
    (
        r#"{"dateCreated":"2025-11-28T00:00:00Z","dateModified":"2025-11-28T00:00:00Z"}"#,
        Check::SecretAge,
        "its secret is 366 days old",
    ),
    (r#"{"id":"never used"}"#, Check::Use, "no call in 90 days"),
    (r#"{"state":"disabled"}"#, Check::State, "it is disabled"),
    (r#"{"state":"Inactive"}"#, Check::State, "it is inactive"),
    (r#"{"state":"deleted"}"#, Check::State, "it is deleted"),
    (
        r#"{"description":null}"#,
        Check::Description,
        "no description",
    ),
    (
        r#"{"description":" \n"}"#,
        Check::Description,
        "no description",
    ),
];

#[tokio::test]
async fn each_fault_is_found_and_named() {
    for (fields, check, text) in FAULTS {
        let fields: Value = serde_json::from_str(fields).unwrap();
        let subject = format!("client job ({})", fields["id"].as_str().unwrap_or("a"));
        let report = Organization::with_client(&fields).await.report().await;
        let [finding] = &report.findings[..] else {
            panic!("{fields}: {report:?}")
        };
        assert_eq!(finding.check(), *check);
        assert!(finding.to_string().contains(text), "{finding}");
        assert!(!finding.cure().is_empty());
        assert_eq!(finding.subject.to_string(), subject);
        assert_others_passed(&report, Some(*check));
    }
}

#[tokio::test]
async fn roles_that_may_administer_are_told_from_others() {
    for (permissions, expected) in [
        (
            vec![
                "oauth:client:view",
                "authorization:role:view",
                "directory:user:edit",
            ],
            None,
        ),
        (vec!["directory:organization:view", "routing:queue:*"], None),
        (
            vec!["oauth:client:edit", "routing:queue:edit"],
            Some("oauth:client:edit"),
        ),
        (vec!["authorization:*:*"], Some("authorization:*:*")),
        (vec!["OAuth:Client:Add"], Some("OAuth:Client:Add")),
        (
            vec!["directory:organization:admin"],
            Some("directory:organization:admin"),
        ),
        (vec!["*"], Some("*:*:*")),
    ] {
        let organization = Organization::with_client(&json!({})).await;
        let role = organization.sandbox.add_role(permissions);
        let fields = json!({ "roleDivisions": [{ "roleId": role, "divisionId": "d" }] });
        organization.plant_client(&fields);
        let report = organization.report().await;
        let problem = report.findings.first().map(|finding| &finding.problem);
        match (problem, expected) {
            (None, None) => assert_others_passed(&report, None),
            (Some(Problem::AdministrativeRoles { roles, .. }), Some(expected)) => {
                assert_eq!(roles[0].permissions, [expected]);
                assert_eq!(roles[0].id, role);
            }
            _ => panic!("{expected:?}: {report:?}"),
        }
    }
}

/// Permissions of the older kind have one name; a role without any list may have all.
#[tokio::test]
async fn both_forms_of_permissions_are_read() {
    let policies = json!([{}, { "domain": "new" }]);
    for (body, expected) in [
        (
            json!({ "permissions": ["group_creation", "oauth", "oauth:client:view"] }),
            [1, 0, 0],
        ),
        (
            json!({ "permissions": null, "permissionPolicies": policies }),
            [1, 0, 0],
        ),
        (json!({ "permissions": ["oauth:client:delete"] }), [0, 1, 0]),
        (
            json!({ "permissions": ["*"], "permissionPolicies": [] }),
            [0, 1, 0],
        ),
        (json!({ "name": "r" }), [0, 0, 1]),
    ] {
        let organization = Organization::with_client(&json!({})).await;
        let path = format!("/api/v2/authorization/roles/{}", organization.reader);
        organization.plant(&path, &body);
        let report = organization.report().await;
        let passed = report.passed[&Check::AdministrativeRoles];
        let counts = [passed, report.findings.len(), report.not_checked.len()];
        assert_eq!(counts, expected, "{body}: {report:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_decided_is_not_passed() {
    for (fields, check, reason) in [
        (
            json!({ "authorizedGrantType": "DEVICE" }),
            Check::ImplicitGrant,
            "“DEVICE” is not known",
        ),
        (
            json!({ "authorizedGrantType": null }),
            Check::ImplicitGrant,
            "sent no grant type",
        ),
        (
            json!({ "state": "frozen\u{202e}" }),
            Check::State,
            "“frozen\\u{202e}” is not known",
        ),
        (json!({ "state": null }), Check::State, "sent no state"),
        (
            json!({ "accessTokenValiditySeconds": null }),
            Check::TokenDuration,
            "no token duration",
        ),
        (
            json!({ "dateCreated": "2025-01-01T00:00:00Z" }),
            Check::SecretAge,
            "181 to 697 days old",
        ),
        (
            json!({ "dateCreated": null }),
            Check::SecretAge,
            "at least 181 days old",
        ),
        (
            json!({ "dateCreated": null, "dateModified": null }),
            Check::SecretAge,
            "at least 0 days",
        ),
    ] {
        let report = Organization::with_client(&fields).await.report().await;
        assert!(report.findings.is_empty(), "{report:?}");
        assert_eq!(report.not_checked.len(), 1, "{report:?}");
        let one = &report.not_checked[0];
        assert_eq!((one.check, one.subject.id()), (check, Some("a")));
        assert!(one.reason.contains(reason), "{}", one.reason);
        assert!(!one.cure.is_empty() && one.missing_permissions.is_empty());
        assert_others_passed(&report, Some(check));
    }
    let organization = Organization::with_client(&json!({ "id": "never used" })).await;
    let row = json!({ "clientId": "never used", "requests": 0 });
    organization.plant_usage(&json!({ "queryStatus": "Complete", "results": [row] }));
    assert_eq!(organization.report().await.findings[0].check(), Check::Use);
    let results = json!({ "queryStatus": "Complete", "results": [], "cursors": { "after": "x" } });
    organization.plant_usage(&results);
    let report = organization.report().await;
    assert_eq!(report.not_checked[0].check, Check::Use);
    assert_others_passed(&report, Some(Check::Use));
}

#[tokio::test]
async fn policy_of_the_organization_decides() {
    let old = json!({ "dateCreated": "2025-01-01T00:00:00Z" });
    let scim = json!({ "accessTokenValiditySeconds": 38_880_000 });
    let day = |days: u64| Duration::from_secs(days * 86_400);
    let secret =
        |days: u64| move |audit: Audit| audit.secret_date("a", UNIX_EPOCH + day(20_786 - days));
    let cases: [(&Value, Configure, Option<&str>); 8] = [
        (
            &json!({}),
            Box::new(|audit| audit.max_token_duration(Duration::from_secs(600))),
            Some("64800 s, and 600 s are allowed"),
        ),
        (&scim, Box::new(|audit| audit.scim_client("a")), None),
        (
            &scim,
            Box::new(|audit| audit.scim_client("b")),
            Some("out of the range"),
        ),
        (&old, Box::new(secret(365)), None),
        (&old, Box::new(secret(366)), Some("366 days old")),
        (
            &old,
            Box::new(move |audit| audit.max_secret_age(day(180))),
            Some("181 to 697 days old"),
        ),
        (
            &json!({}),
            Box::new(|audit| audit.max_idle_timeout(HIPAA_IDLE_TIMEOUT)),
            None,
        ),
        (
            &json!({}),
            Box::new(|audit| audit.max_idle_timeout(Duration::from_secs(300))),
            Some("15 min, and 5 min are allowed"),
        ),
    ];
    for (fields, configure, expected) in cases {
        let organization = Organization::with_client(fields).await;
        let report = organization.audit(configure).await.unwrap();
        match expected {
            None => assert_others_passed(&report, None),
            Some(text) => {
                assert_eq!(report.findings.len(), 1, "{report:?}");
                assert!(report.findings[0].to_string().contains(text), "{report:?}");
            }
        }
    }
}

#[tokio::test]
async fn idle_timeout_that_is_off_or_not_sent_is_told() {
    for (body, found) in [
        (
            json!({ "enableIdleTokenTimeout": false, "idleTokenTimeoutSeconds": 900 }),
            true,
        ),
        (json!({ "enableIdleTokenTimeout": false }), true),
        (json!({ "enableIdleTokenTimeout": true }), false),
        (json!({}), false),
    ] {
        let organization = Organization::with_client(&json!({})).await;
        organization.plant(IDLE_TIMEOUT, &body);
        let report = organization.report().await;
        assert_others_passed(&report, Some(Check::IdleTimeout));
        assert_eq!(
            (report.findings.len(), report.not_checked.len()),
            (usize::from(found), usize::from(!found))
        );
    }
}

#[tokio::test]
async fn days_count_to_the_first_of_the_month() {
    let organization = Organization::with_client(&json!({ "authorizedGrantType": "TOKEN" })).await;
    // 2027-03-01 is 92 days after `now`.
    for (seconds, expected) in [
        (92 * 86_400 - 1, (1, 62)),
        (92 * 86_400, (0, 61)),
        (92 * 86_400 + 1, (0, 61)),
        (93 * 86_400, (-1, 60)),
        (154 * 86_400, (-62, -1)),
    ] {
        let at = now() + Duration::from_secs(seconds);
        let report = organization.audit(|audit| audit.at(at)).await.unwrap();
        let Problem::ImplicitGrant {
            days_to_earliest_end,
            days_to_end,
            ..
        } = report.findings[0].problem
        else {
            panic!("{report:?}")
        };
        assert_eq!((days_to_earliest_end, days_to_end), expected);
    }
}

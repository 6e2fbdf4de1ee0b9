//! The models: every field of Genesys Cloud's schemas, missing ones, and those of tomorrow.

use std::time::{Duration, UNIX_EPOCH};

use genesys_cloud_auth::admin::{
    AuthorizationState, ClientState, GrantType, OAuthAuthorization, OAuthClient, OAuthScope,
    RoleDivision, UsageRow,
};
use serde_json::{Value, json};

fn client(body: Value) -> OAuthClient {
    serde_json::from_value(body).unwrap()
}

#[test]
fn every_field_of_the_schema_is_known() {
    let parsed = client(json!({
        "id": "an-id",
        "name": "CRM sync",
        "description": "what it is for",
        "accessTokenValiditySeconds": 86_400,
        "registeredRedirectUri": ["https://app.example"],
        "secret": "planted",
        "authorizedGrantType": "SAML2-BEARER",
        "scope": ["users"],
        "roleDivisions": [{ "roleId": "r", "divisionId": "d" }],
        "roleIds": ["r"],
        "state": "inactive",
        "dateToDelete": "2026-01-31T12:00:00.000Z",
        "dateCreated": "2026-01-31T12:00:00Z",
        "dateModified": "2026-01-31T12:00:00Z",
        "createdBy": { "id": "jo", "selfUri": "/api/v2/users/jo" },
        "modifiedBy": { "id": "al" },
        "selfUri": "/api/v2/oauth/clients/an-id",
    }));
    let date = Some(UNIX_EPOCH + Duration::from_secs(1_769_860_800));
    assert_eq!(parsed.other.names().count(), 0, "{parsed:?}");
    assert_eq!(parsed.id, "an-id");
    assert_eq!(parsed.name, "CRM sync");
    assert_eq!(parsed.description.as_deref(), Some("what it is for"));
    assert_eq!(parsed.token_duration, Some(Duration::from_secs(86_400)));
    assert_eq!(parsed.redirect_uris, ["https://app.example"]);
    assert_eq!(parsed.grant_type, GrantType::Saml2Bearer);
    assert_eq!(parsed.scopes, ["users"]);
    assert_eq!(parsed.roles, [RoleDivision::new("r", "d")]);
    assert_eq!(parsed.role_ids, ["r"]);
    assert_eq!(parsed.state, ClientState::Inactive);
    assert_eq!(parsed.date_to_delete, date);
    assert_eq!((parsed.date_created, parsed.date_modified), (date, date));
    assert_eq!(parsed.created_by.unwrap().id.as_deref(), Some("jo"));
    assert_eq!(parsed.modified_by.unwrap().id.as_deref(), Some("al"));
    let uri = "/api/v2/oauth/clients/an-id";
    assert_eq!(parsed.self_uri.as_deref(), Some(uri));
}

#[test]
fn missing_and_null_fields_are_accepted() {
    let mut nulls = json!({ "id": "a" });
    for name in [
        "name",
        "description",
        "accessTokenValiditySeconds",
        "registeredRedirectUri",
        "scope",
        "authorizedGrantType",
        "roleDivisions",
        "roleIds",
        "state",
        "dateToDelete",
        "dateCreated",
        "dateModified",
        "createdBy",
        "modifiedBy",
        "selfUri",
    ] {
        nulls[name] = Value::Null;
    }
    for body in [json!({ "id": "a" }), nulls] {
        let parsed = client(body);
        assert_eq!(parsed.name, "");
        assert_eq!(parsed.state, ClientState::Other(String::new()));
        assert_eq!(parsed.grant_type, GrantType::Other(String::new()));
        assert_eq!(parsed.token_duration, None);
        assert!(parsed.roles.is_empty() && parsed.scopes.is_empty());
        assert_eq!(parsed.other.names().count(), 0);
    }
    let _: OAuthScope = serde_json::from_value(json!({ "id": "users" })).unwrap();
    let _: OAuthAuthorization = serde_json::from_value(json!({})).unwrap();
    let _: UsageRow = serde_json::from_value(json!({})).unwrap();
    assert!(serde_json::from_value::<OAuthClient>(json!({ "name": "a" })).is_err());
}

#[test]
fn values_are_recognised_in_every_spelling() {
    for (text, expected) in [
        ("CLIENT-CREDENTIALS", GrantType::ClientCredentials),
        ("CLIENT_CREDENTIALS", GrantType::ClientCredentials),
        ("client-credentials", GrantType::ClientCredentials),
        ("CODE", GrantType::AuthorizationCode),
        ("TOKEN", GrantType::Implicit),
        ("PASSWORD", GrantType::Password),
        ("SAML2BEARER", GrantType::Saml2Bearer),
        ("SAML2-BEARER", GrantType::Saml2Bearer),
        ("SAML2_BEARER", GrantType::Saml2Bearer),
        ("DEVICE_CODE", GrantType::Other("DEVICE_CODE".to_owned())),
        ("SAML3-BEARER", GrantType::Other("SAML3-BEARER".to_owned())),
        ("", GrantType::Other(String::new())),
    ] {
        let parsed = client(json!({ "id": "a", "authorizedGrantType": text }));
        assert_eq!(parsed.grant_type, expected);
    }
    for (text, expected) in [
        ("active", ClientState::Active),
        ("Disabled", ClientState::Disabled),
        ("inactive", ClientState::Inactive),
        ("deleted", ClientState::Deleted),
        ("suspended", ClientState::Other("suspended".to_owned())),
    ] {
        let parsed = client(json!({ "id": "a", "state": text }));
        assert_eq!(parsed.state, expected);
        // What the server wrote is kept where it is not known.
        assert_eq!(parsed.state.to_string().to_lowercase(), text.to_lowercase());
    }
    let state = AuthorizationState::from("Pending_Review");
    assert_eq!(state.as_str(), "Pending_Review");
}

#[test]
fn unknown_fields_are_kept_and_secrets_are_not() {
    let parsed = client(json!({
        "id": "a", "tomorrow": { "x": [1] }, "clientSecret": "planted", "Secret": "planted",
        "client_secret": "planted", "key": "planted-too",
    }));
    let other = &parsed.other;
    let names: Vec<_> = other.names().collect();
    assert_eq!(names, ["key", "tomorrow"]);
    assert_eq!(other.get::<Value>("tomorrow"), Some(json!({ "x": [1] })));
    assert_eq!(other.get::<u64>("tomorrow"), None);
    assert_eq!(other.get::<u64>("missing"), None);
    // `Debug` shows names only, because a value of tomorrow may be a secret.
    assert!(!format!("{parsed:?}").contains("planted"), "{parsed:?}");
}

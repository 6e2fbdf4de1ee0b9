//! Errors of the Platform API.

use super::*;

fn api_error(error: &Error) -> &ApiError {
    match error.kind() {
        ErrorKind::Api(error) => error,
        kind => panic!("{kind:?}"),
    }
}

/// Each row: the body, whether one permission is enough, the division, and the permissions.
#[test]
fn missing_permissions_are_read_from_every_form() {
    let any = r#"{"status":403,"code":"missing.any.permissions","message":"Unable to perform the requested action. You must have at least one of the following permissions assigned: [a:b:edit, a:b:view]"}"#;
    let all = r#"{"code":"missing.permissions","message":"No: x","messageParams":{"permissions":"a:b:c"}}"#;
    let division = r#"{"code":"missing.division.permission","message":"no","messageParams":{"permissions":["a:b:c"],"divisionId":"d-1"}}"#;
    for (body, is_any_of, division, permissions) in [
        (any, true, None, &["a:b:edit", "a:b:view"][..]),
        (all, false, None, &["a:b:c"]),
        (division, false, Some("d-1"), &["a:b:c"]),
    ] {
        let error = api(403, body);
        let denied = match error.kind() {
            ErrorKind::AccessDenied(denied) => denied,
            kind => panic!("{body}: {kind:?}"),
        };
        assert_eq!(denied.is_any_of(), is_any_of, "{body}");
        assert_eq!(denied.is_division_missing(), division.is_some(), "{body}");
        assert_eq!(denied.division.as_deref(), division, "{body}");
        assert_eq!(denied.permissions, permissions, "{body}");
        let row = error.troubleshooting();
        assert_eq!(row, Some(Troubleshooting::ApiAccessDenied), "{body}");
        let names_division = error.to_string().contains("the division d-1");
        assert_eq!(names_division, division.is_some(), "{error}");
    }
}

#[test]
fn malformed_body_keeps_status_and_correlation_id() {
    let no_texts = [r#"{"code":1}"#, r#"{"message":null}"#];
    for body in no_texts.into_iter().chain(["", "<html>", "null", "[]"]) {
        let error = api(502, body);
        assert_eq!(error.status(), Some(StatusCode::BAD_GATEWAY), "{body}");
        assert_eq!(error.correlation_id(), Some("abc-1"), "{body}");
        assert!(error.is_transient(), "{body}");
    }
}

#[test]
fn details_limits_and_ids_are_read_from_every_schema() {
    let error = api(
        400,
        r#"{"message":"Too many","code":"auth.too.many.clients","contextId":"ctx-7","messageParams":{},
            "details":[{"errorCode":"too.long","fieldName":"name","entityId":"e-1","entityName":"CRM"}],
            "errors":[{"code":"inner","message":"within","errors":[{"code":"deeper"}]}],
            "limit":{"key":"oauth.clients","namespace":"auth.api","value":200}}"#,
    );
    let response = api_error(&error);
    assert_eq!(response.correlation_id(), Some("abc-1"));
    assert_eq!(response.context_id.as_deref(), Some("ctx-7"));
    let details = &response.details;
    let codes: Vec<_> = details.iter().map(|one| one.code.as_deref()).collect();
    assert_eq!(codes, [Some("too.long"), Some("inner"), Some("deeper")]);
    assert_eq!(details[0].field.as_deref(), Some("name"));
    assert_eq!(details[0].entity_id.as_deref(), Some("e-1"));
    assert_eq!(details[0].entity_name.as_deref(), Some("CRM"));
    assert_eq!(details[1].message.as_deref(), Some("within"));
    let limit = PlatformLimit {
        key: "oauth.clients".to_owned(),
        namespace: Some("auth.api".to_owned()),
        value: Some(200),
    };
    assert_eq!(response.limit, Some(limit));
    assert_eq!(
        error.to_string(),
        "GET /x returned HTTP 400 auth.too.many.clients: Too many; too.long name CRM; inner within; \
         deeper; limit oauth.clients = 200 (correlation id abc-1)"
    );

    let nested = r#"{"status":400,"code":"outer","nested":{"code":"inner"},"details":[]}"#;
    let error = api(400, nested);
    let inner = api_error(&error).details[0].code.as_deref();
    assert_eq!(inner, Some("inner"));
}

#[test]
fn error_without_a_reason_names_what_to_check() {
    for (status, body, cure) in [
        (404, "", "check the path and the ids in it"),
        (404, "<html>", "check the path and the ids in it"),
        (400, "{}", "check the path, the query and the body"),
    ] {
        let text = api(status, body).to_string();
        let end = format!("(correlation id abc-1); the response has no reason; {cure}");
        assert!(text.ends_with(&end), "{text}");
    }
    for (status, body) in [
        (404, r#"{"code":"not.found"}"#),
        (400, r#"{"message":"no"}"#),
        (400, r#"{"details":[{"fieldName":"name"}]}"#),
        (400, r#"{"limit":{"key":"a.limit"}}"#),
        (409, ""),
    ] {
        let text = api(status, body).to_string();
        assert!(!text.contains("has no reason"), "{text}");
    }
}

#[test]
fn data_actions_invalid_credential_leads_to_the_integration() {
    let error = api(
        400,
        r#"{"errorCode":"INVALID_CREDENTIALS","status":400,"correlationId":"c-1","entityName":"msDynamics",
            "userMessage":"There was an issue validating the credentials.","userParams":[],
            "details":[{"errorCode":"ACTION.AUTHENTICATION"}],
            "errors":[{"errorCode":"INVALID_CREDENTIALS","status":400,"userMessage":"Request to backend service failed."}]}"#,
    );
    let response = api_error(&error);
    assert_eq!(response.code.as_deref(), Some("INVALID_CREDENTIALS"));
    assert_eq!(response.context_id.as_deref(), Some("c-1"));
    let message = response.message.as_deref().unwrap();
    assert!(message.starts_with("There was an issue"));
    let row = Troubleshooting::IntegrationFailsAfterRotation;
    assert_eq!(error.troubleshooting(), Some(row));
    assert!(error.to_string().ends_with(row.resolution()), "{error}");
}

#[test]
fn foreign_403_is_not_a_missing_permission() {
    for body in ["", "<html>Request blocked</html>", "{}", "[]"] {
        let error = api(403, body);
        assert!(matches!(error.kind(), ErrorKind::Api(_)), "{body}");
        assert_eq!(error.troubleshooting(), None, "{body}");
    }
}

#[test]
fn ip_address_and_missing_user_do_not_cost_the_token() {
    let address = api(401, r#"{"code":"ip.not.authorized"}"#);
    assert!(api_error(&address).is_ip_not_authorized());
    let body = r#"{"message":"This request requires a user context. Client credentials cannot be used for requests to this resource."}"#;
    let users = [400, 401, 403, 500].map(|status| api(status, body));
    for error in &users {
        assert!(api_error(error).is_user_required(), "{error:?}");
        assert!(error.to_string().contains("log in a user"), "{error:?}");
    }
    for error in users.iter().chain([&address]) {
        assert!(!error.invalidates_token(), "{error:?}");
        assert!(!error.is_transient());
        assert_eq!(error.troubleshooting(), None);
    }
    let rejected = api(401, "");
    assert!(rejected.invalidates_token());
    assert!(!api_error(&rejected).is_ip_not_authorized());
    assert!(!api_error(&rejected).is_user_required());
}

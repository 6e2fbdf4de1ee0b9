mod page;

use http::HeaderMap;

use super::*;

fn head(status: u16) -> ResponseHead {
    ResponseHead {
        endpoint: "GET /x".into(),
        status: status.try_into().unwrap(),
        retry_after: None,
        correlation_id: None,
    }
}

fn api(status: u16, body: &str) -> Error {
    let mut headers = HeaderMap::new();
    headers.insert("ININ-Correlation-Id", "abc-1".parse().unwrap());
    let mut head = head(status);
    head.correlation_id = correlation_id(&headers, &[]);
    classify_api(head, body.as_bytes(), &[]).into()
}

fn oauth(error: &str, status: u16, grant_type: &str) -> Error {
    let error = OAuthError::new(head(status), error.to_owned(), None, grant_type);
    ErrorKind::OAuth(error).into()
}

fn api_error(error: &Error) -> &ApiError {
    match error.kind() {
        ErrorKind::Api(error) => error,
        kind => panic!("{kind:?}"),
    }
}

fn access_denied(error: &Error) -> &AccessDenied {
    match error.kind() {
        ErrorKind::AccessDenied(denied) => denied,
        kind => panic!("{kind:?}"),
    }
}

fn is_sound<T: Clone + Send + Sync + std::error::Error + 'static>() {}

fn is_error<T: Send + Sync + std::error::Error + 'static>() {}

#[test]
fn error_is_one_pointer_wide_and_shared() {
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    is_sound::<Error>();
}

#[test]
fn every_payload_is_an_error() {
    is_error::<InvalidConfiguration>();
    is_error::<InvalidRegion>();
    is_error::<CredentialSourceError>();
    is_error::<InvalidAssertion>();
    is_error::<InvalidClient>();
    is_error::<OAuthError>();
    is_error::<LoginError>();
    is_error::<RateLimited>();
    is_error::<TokenExpired>();
    is_error::<AccessDenied>();
    is_error::<ApiError>();
    is_error::<TransportError>();
    is_error::<UnexpectedResponse>();
    is_error::<StoreError>();
}

#[test]
fn debug_shows_the_text_and_its_sources() {
    #[derive(Debug, thiserror::Error)]
    #[error("no answer")]
    struct NoAnswer(#[source] std::io::Error);

    let refused = std::io::Error::other("connection refused\nby the peer");
    let error = Error::credential_source("the vault failed", Some(Box::new(NoAnswer(refused))));
    assert_eq!(
        format!("{error:?}"),
        "the vault failed: no answer\nCaused by:\n    connection refused\\u{a}by the peer"
    );
    let ErrorKind::CredentialSource(failed) = error.kind() else {
        panic!("{error}")
    };
    assert!(failed.get_ref().unwrap().is::<NoAnswer>());
    // The text of a store's error contains that of its cause.
    let store = Error::from(StoreError::new(error.in_pause(Duration::from_secs(2))));
    assert_eq!(
        format!("{store:?}"),
        "the token store failed: the vault failed: no answer (the next token request is due in 2.0 s)\n\
         Caused by:\n    connection refused\\u{a}by the peer"
    );
    let plain = Error::configuration("the client id is empty");
    assert_eq!(format!("{plain:?}"), "the client id is empty");
    let fields = format!("{plain:#?}");
    assert!(fields.contains("InvalidConfiguration {"), "{fields}");
}

#[test]
fn pause_keeps_the_cause_and_shows_the_wait() {
    let cause = Error::from(ErrorKind::TokenRejected);
    let paused = cause
        .in_pause(Duration::from_secs(4))
        .in_pause(Duration::from_secs(3));
    assert!(matches!(paused.kind(), ErrorKind::TokenRejected));
    assert_eq!(paused.retry_after(), Some(Duration::from_secs(3)));
    assert_eq!(
        paused.to_string(),
        format!("{cause} (the next token request is due in 3.0 s)")
    );
}

#[test]
fn missing_permissions_are_read_from_the_message() {
    let error = api(
        403,
        r#"{"status":403,"code":"missing.any.permissions","message":"Unable to perform the requested action. You must have at least one of the following permissions assigned: [a:b:edit, a:b:view]"}"#,
    );
    let denied = access_denied(&error);
    assert!(denied.is_any_of());
    assert_eq!(denied.permissions, ["a:b:edit", "a:b:view"]);
    assert_eq!(
        error.troubleshooting(),
        Some(Troubleshooting::ApiAccessDenied)
    );
}

#[test]
fn missing_permissions_are_read_from_the_parameters() {
    let error = api(
        403,
        r#"{"code":"missing.permissions","message":"No: x","messageParams":{"permissions":"a:b:c"}}"#,
    );
    let denied = access_denied(&error);
    assert!(!denied.is_any_of());
    assert_eq!(denied.permissions, ["a:b:c"]);
}

#[test]
fn malformed_body_keeps_status_and_correlation_id() {
    for body in [
        "",
        "<html>",
        "null",
        "[]",
        r#"{"code":1}"#,
        r#"{"message":null}"#,
    ] {
        let error = api(502, body);
        assert_eq!(error.status(), Some(StatusCode::BAD_GATEWAY), "{body}");
        assert_eq!(error.correlation_id(), Some("abc-1"), "{body}");
        assert!(error.is_transient(), "{body}");
    }
}

#[test]
fn every_row_of_the_table_names_the_menu() {
    for row in Troubleshooting::ALL {
        assert!(!row.issue().is_empty() && !row.likely_cause().is_empty());
        assert!(row.resolution().contains("Admin → Integrations"), "{row:?}");
    }
}

#[test]
fn gateway_failures_are_not_invalid_credentials() {
    for (code, status, transient) in [
        ("Service Unavailable", 503, true),
        ("server_error", 400, true),
        ("invalid_client", 500, false),
        ("a_code_of_tomorrow", 400, false),
    ] {
        let error = oauth(code, status, "");
        assert_eq!(error.is_transient(), transient, "{code}");
        assert_eq!(error.has_invalid_credentials(), !transient, "{code}");
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
    assert_eq!(
        error.troubleshooting(),
        Some(Troubleshooting::IntegrationFailsAfterRotation)
    );
    let cure = Troubleshooting::IntegrationFailsAfterRotation.resolution();
    assert!(error.to_string().ends_with(cure), "{error}");
}

#[test]
fn missing_division_is_named() {
    let error = api(
        403,
        r#"{"code":"missing.division.permission","message":"no","messageParams":{"permissions":["a:b:c"],"divisionId":"d-1"}}"#,
    );
    let denied = access_denied(&error);
    assert!(denied.is_division_missing() && !denied.is_any_of());
    assert_eq!(denied.division.as_deref(), Some("d-1"));
    assert_eq!(denied.permissions, ["a:b:c"]);
    assert!(error.to_string().contains("the division d-1"), "{error}");
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

#[test]
fn invalid_refresh_token_is_the_end_of_the_login() {
    let error = oauth("invalid_grant", 400, "refresh_token").with_login_ended();
    let ErrorKind::Login(login) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(*login.kind(), LoginErrorKind::LoginRequired);
    assert_eq!(login.response().unwrap().error, "invalid_grant");
    assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST));
    assert_eq!(error.troubleshooting(), Some(Troubleshooting::TokenExpired));
    assert!(error.needs_login() && !error.is_transient());

    let error = oauth("invalid_grant", 400, "authorization_code").with_login_ended();
    assert!(matches!(error.kind(), ErrorKind::OAuth(_)), "{error:?}");
    let required = Error::from(LoginError::required());
    assert!(required.needs_login() && required.troubleshooting().is_none());
}

#[test]
fn only_an_expired_login_or_assertion_needs_a_login() {
    let needs_login = |expired: TokenExpired| Error::from(expired).needs_login();
    assert!(needs_login(TokenExpired::of_login()));
    assert!(!needs_login(TokenExpired::fixed()));
    assert!(!needs_login(TokenExpired::on_arrival()));
}

#[test]
fn stale_assertion_is_shown_with_its_time_and_cure() {
    let end = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_769_860_800);
    for (why, shown) in [
        (StaleAssertion::Used, "was already used"),
        (
            StaleAssertion::Ended(end),
            "expired at Sat, 31 Jan 2026 12:00:00 GMT",
        ),
    ] {
        let error = Error::from(TokenExpired::of_assertion(why));
        let text = error.to_string();
        assert!(
            text.contains(shown) && text.contains("SAML assertion"),
            "{text}"
        );
        let cure = "get a new one from the identity provider";
        assert!(text.contains(cure), "{text}");
        assert!(error.needs_login() && !error.is_transient());
        assert_eq!(error.troubleshooting(), Some(Troubleshooting::TokenExpired));
    }
}

/// No token has expired: a clock is wrong, or the identity provider's settings.
#[test]
fn assertion_that_is_not_yet_valid_names_the_clock() {
    let now = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_769_860_800);
    let start = now + Duration::from_secs(90);
    let early = AssertionFault::TooEarly { start, now };
    for (fault, cure) in [
        (early, "correct this clock"),
        (AssertionFault::NeverValid, "lifetime"),
    ] {
        let error = Error::from(InvalidAssertion::from(fault));
        let text = error.to_string();
        assert!(
            text.contains(cure) && text.contains("is not sent"),
            "{text}"
        );
        assert_eq!(error.troubleshooting(), None);
        assert!(!error.needs_login() && !error.is_transient());
        assert_eq!(error.retry_after(), None);
    }
}

mod page;

use http::HeaderMap;

use super::*;

fn head(status: u16) -> Head {
    Head {
        place: "GET /x".into(),
        status,
        retry_after: None,
        correlation_id: None,
    }
}

fn api(status: u16, body: &str) -> Error {
    let mut headers = HeaderMap::new();
    headers.insert("ININ-Correlation-Id", "abc-1".parse().unwrap());
    let mut head = head(status);
    head.correlation_id = correlation_id(&headers, &[]);
    api_error(head, body.as_bytes(), &[]).into()
}

fn sound<T: Clone + Send + Sync + std::error::Error + 'static>() {}

#[test]
fn an_error_is_one_pointer_wide_and_shared() {
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    sound::<Error>();
}

#[test]
fn a_pause_keeps_the_cause_and_tells_the_wait() {
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
fn missing_permissions_are_read_from_the_message_or_the_parameters() {
    let error = api(
        403,
        r#"{"status":403,"code":"missing.any.permissions","message":"Unable to perform the requested action. You must have at least one of the following permissions assigned: [a:b:edit, a:b:view]"}"#,
    );
    let ErrorKind::AccessDenied(denied) = error.kind() else {
        panic!("{error:?}")
    };
    assert!(denied.any_of());
    assert_eq!(denied.permissions(), ["a:b:edit", "a:b:view"]);
    assert_eq!(
        error.troubleshooting(),
        Some(Troubleshooting::ApiAccessDenied)
    );

    let error = api(
        403,
        r#"{"code":"missing.permissions","message":"No: x","messageParams":{"permissions":"a:b:c"}}"#,
    );
    let ErrorKind::AccessDenied(denied) = error.kind() else {
        panic!("{error:?}")
    };
    assert!(!denied.any_of());
    assert_eq!(denied.permissions(), ["a:b:c"]);
}

#[test]
fn an_api_error_survives_any_body() {
    for body in [
        "",
        "<html>",
        "null",
        "[]",
        r#"{"code":1}"#,
        r#"{"message":null}"#,
    ] {
        let error = api(502, body);
        assert_eq!(error.status(), Some(502), "{body}");
        assert_eq!(error.correlation_id(), Some("abc-1"), "{body}");
        assert!(error.is_transient(), "{body}");
    }
}

#[test]
fn every_row_of_the_table_says_what_to_do() {
    for row in Troubleshooting::ALL {
        assert!(!row.issue().is_empty() && !row.likely_cause().is_empty());
        assert!(row.resolution().contains("Admin → Integrations"), "{row:?}");
    }
}

#[test]
fn a_gateways_failure_is_no_refusal_of_the_credentials() {
    for (error, status, transient) in [
        ("Service Unavailable", 503, true),
        ("server_error", 400, true),
        ("invalid_client", 500, false),
        ("a_code_of_tomorrow", 400, false),
    ] {
        let answer = Error::from(ErrorKind::OAuth(OAuthError {
            head: head(status),
            error: error.to_owned(),
            description: None,
        }));
        assert_eq!(answer.is_transient(), transient, "{error}");
        assert_eq!(answer.refuses_credentials(), !transient, "{error}");
    }
}

#[test]
fn details_limits_and_ids_are_read_from_every_shape() {
    let error = api(
        400,
        r#"{"message":"Too many","code":"auth.too.many.clients","contextId":"ctx-7","messageParams":{},
            "details":[{"errorCode":"too.long","fieldName":"name","entityId":"e-1","entityName":"CRM"}],
            "errors":[{"code":"inner","message":"within","errors":[{"code":"deeper"}]}],
            "limit":{"key":"oauth.clients","namespace":"auth.api","value":200}}"#,
    );
    let ErrorKind::Api(answer) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(answer.correlation_id(), Some("abc-1"));
    assert_eq!(answer.context_id(), Some("ctx-7"));
    let codes: Vec<_> = answer.details().iter().map(ErrorDetail::code).collect();
    assert_eq!(codes, [Some("too.long"), Some("inner"), Some("deeper")]);
    let detail = &answer.details()[0];
    assert_eq!(
        (detail.field(), detail.entity_id(), detail.entity_name()),
        (Some("name"), Some("e-1"), Some("CRM"))
    );
    assert_eq!(answer.details()[1].message(), Some("within"));
    let limit = answer.limit().unwrap();
    assert_eq!(
        (limit.key(), limit.namespace(), limit.value()),
        ("oauth.clients", Some("auth.api"), Some(200))
    );
    assert_eq!(
        error.to_string(),
        "GET /x answered HTTP 400 auth.too.many.clients: Too many; too.long name CRM; inner within; \
         deeper; limit oauth.clients = 200 (correlation id abc-1)"
    );

    let nested = r#"{"status":400,"code":"outer","nested":{"code":"inner"},"details":[]}"#;
    let error = api(400, nested);
    let ErrorKind::Api(answer) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(answer.details()[0].code(), Some("inner"));
}

#[test]
fn a_data_actions_refused_credential_leads_to_the_integration() {
    let error = api(
        400,
        r#"{"errorCode":"INVALID_CREDENTIALS","status":400,"correlationId":"c-1","entityName":"msDynamics",
            "userMessage":"There was an issue validating the credentials.","userParams":[],
            "details":[{"errorCode":"ACTION.AUTHENTICATION"}],
            "errors":[{"errorCode":"INVALID_CREDENTIALS","status":400,"userMessage":"Request to backend service failed."}]}"#,
    );
    let ErrorKind::Api(answer) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(answer.code(), Some("INVALID_CREDENTIALS"));
    assert_eq!(answer.context_id(), Some("c-1"));
    assert!(answer.message().unwrap().starts_with("There was an issue"));
    assert_eq!(
        error.troubleshooting(),
        Some(Troubleshooting::IntegrationFailsAfterRotation)
    );
    let cure = Troubleshooting::IntegrationFailsAfterRotation.resolution();
    assert!(error.to_string().ends_with(cure), "{error}");
}

#[test]
fn a_missing_division_is_told_with_its_name() {
    let error = api(
        403,
        r#"{"code":"missing.division.permission","message":"no","messageParams":{"permissions":["a:b:c"],"divisionId":"d-1"}}"#,
    );
    let ErrorKind::AccessDenied(denied) = error.kind() else {
        panic!("{error:?}")
    };
    assert!(denied.division_missing() && !denied.any_of());
    assert_eq!(denied.division(), Some("d-1"));
    assert_eq!(denied.permissions(), ["a:b:c"]);
    assert!(error.to_string().contains("the division d-1"), "{error}");
}

#[test]
fn a_403_that_genesys_cloud_did_not_write_is_no_missing_permission() {
    for body in ["", "<html>Request blocked</html>", "{}", "[]"] {
        let error = api(403, body);
        assert!(matches!(error.kind(), ErrorKind::Api(_)), "{body}");
        assert_eq!(error.troubleshooting(), None, "{body}");
    }
}

#[test]
fn a_refused_address_and_a_missing_user_do_not_cost_the_token() {
    let address = api(401, r#"{"code":"ip.not.authorized"}"#);
    let user = r#"{"message":"This request requires a user context. Client credentials cannot be used for requests to this resource."}"#;
    for error in [address, api(400, user), api(401, user), api(403, user)] {
        assert!(!error.invalidates_token(), "{error:?}");
        assert!(!error.is_transient());
        assert!(!matches!(error.kind(), ErrorKind::Api(_)), "{error:?}");
    }
    assert!(api(401, "").invalidates_token());
}

#[cfg(feature = "login")]
#[test]
fn a_refused_refresh_token_is_the_end_of_the_login() {
    let refused = |grant_type| {
        let answer = OAuthError {
            head: head(400),
            error: "invalid_grant".to_owned(),
            description: None,
        };
        Error::from(oauth_error(answer, grant_type)).of_login()
    };
    let error = refused("refresh_token");
    let ErrorKind::LoginRequired(required) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(required.answer().unwrap().error(), "invalid_grant");
    assert_eq!(error.status(), Some(400));
    assert_eq!(error.troubleshooting(), Some(Troubleshooting::TokenExpired));
    assert!(error.needs_login() && !error.is_transient());

    let error = refused("authorization_code");
    assert!(
        matches!(error.kind(), ErrorKind::InvalidGrant(_)),
        "{error:?}"
    );
    let nobody = Error::from(ErrorKind::LoginRequired(LoginRequired::nobody()));
    assert!(nobody.needs_login() && nobody.troubleshooting().is_none());
    let expired = |expired: TokenExpired| Error::from(ErrorKind::TokenExpired(expired));
    assert!(expired(TokenExpired::of_login()).needs_login());
    assert!(!expired(TokenExpired::fixed()).needs_login());
    assert!(!expired(TokenExpired::on_arrival()).needs_login());
}

#[test]
fn an_assertion_that_brings_no_token_is_told_with_its_time_and_the_cure() {
    let noon = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_769_860_800);
    for (why, told) in [
        (StaleAssertion::Used, "was used already"),
        (
            StaleAssertion::Ended(noon),
            "is out of date since Sat, 31 Jan 2026 12:00:00 GMT",
        ),
        (
            StaleAssertion::NotBefore(noon),
            "is not valid before Sat, 31 Jan 2026 12:00:00 GMT",
        ),
    ] {
        let error = Error::from(ErrorKind::TokenExpired(TokenExpired::of_assertion(why)));
        let text = error.to_string();
        assert!(
            text.contains(told) && text.contains("SAML assertion"),
            "{text}"
        );
        assert!(
            text.contains("log in anew at the identity provider"),
            "{text}"
        );
        assert!(error.needs_login() && !error.is_transient());
        assert_eq!(error.troubleshooting(), Some(Troubleshooting::TokenExpired));
    }
}

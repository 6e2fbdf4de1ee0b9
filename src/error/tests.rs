use http::{HeaderMap, StatusCode};

use super::*;

fn api(status: u16, body: &str) -> Error {
    let status = StatusCode::from_u16(status).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("ININ-Correlation-Id", "abc-1".parse().unwrap());
    api_error(status, &headers, body.as_bytes(), "GET /x", None, &[]).into()
}

fn sound<T: Clone + Send + Sync + std::error::Error + 'static>() {}

#[test]
fn an_error_is_one_pointer_wide_and_shared() {
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    sound::<Error>();
}

#[test]
fn a_pause_keeps_the_cause_and_tells_the_wait() {
    let cause = Error::from(ErrorKind::TokenRefused);
    let paused = cause
        .in_pause(Duration::from_secs(4))
        .in_pause(Duration::from_secs(3));
    assert!(matches!(paused.kind(), ErrorKind::TokenRefused));
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
            error: error.to_owned(),
            description: None,
            status,
            retry_after: None,
            correlation_id: None,
        }));
        assert_eq!(answer.is_transient(), transient, "{error}");
        assert_eq!(answer.refuses_credentials(), !transient, "{error}");
    }
}

mod api;
mod page;

use std::time::SystemTime;

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

fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_769_860_800)
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
fn limit_is_shown_in_seconds_with_three_decimals_at_most() {
    for (nanoseconds, shown) in [
        (0, "0"),
        (49_999_999, "0.05"),
        (1_500_000_001, "1.5"),
        (9_999_999_391, "10"),
        (30_000_000_000, "30"),
    ] {
        let seconds = local::Seconds(Duration::from_nanos(nanoseconds));
        assert_eq!(seconds.to_string(), shown);
    }
}

#[test]
fn date_of_a_year_with_five_digits_is_described() {
    let year_10000 = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_800);
    let second = Duration::from_secs(1);
    for (time, shown) in [
        (year_10000 - second, "Fri, 31 Dec 9999 23:59:59 GMT"),
        (year_10000, "a time after the year 9999"),
        (SystemTime::UNIX_EPOCH, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (
            SystemTime::UNIX_EPOCH - second,
            "a time before the year 1970",
        ),
    ] {
        assert_eq!(local::Date(&time).to_string(), shown);
    }
}

#[test]
fn debug_shows_the_text_and_its_sources() {
    #[derive(Debug, thiserror::Error)]
    #[error("no answer")]
    struct NoAnswer(#[source] std::io::Error);

    let refused = std::io::Error::other("connection refused\nby the peer");
    let error = Error::credential_source("the vault failed", Some(Box::new(NoAnswer(refused))));
    let shown = "the vault failed: no answer\nCaused by:\n    connection refused\\u{a}by the peer";
    assert_eq!(format!("{error:?}"), shown);
    let ErrorKind::CredentialSource(failed) = error.kind() else {
        panic!("{error}")
    };
    assert!(failed.get_ref().unwrap().is::<NoAnswer>());
    // The text of a store's error contains that of its cause.
    let store = Error::from(StoreError::new(error.in_pause(Duration::from_secs(2))));
    assert_eq!(
        format!("{store:?}"),
        "the token store failed: the vault failed: no answer; the next token request is due in 2.0 s\n\
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
    let paused = cause.in_pause(Duration::from_secs(4));
    let paused = paused.in_pause(Duration::from_secs(3));
    assert!(matches!(paused.kind(), ErrorKind::TokenRejected));
    assert_eq!(paused.retry_after(), Some(Duration::from_secs(3)));
    let shown = format!("{cause}; the next token request is due in 3.0 s");
    assert_eq!(paused.to_string(), shown);
}

#[test]
fn every_row_of_the_table_names_the_menu() {
    for row in Troubleshooting::ALL {
        assert!(!row.issue().is_empty() && !row.likely_cause().is_empty());
        assert!(row.resolution().contains("Admin → Integrations"), "{row:?}");
        let shown = row.to_string();
        let parts = shown.split_once(": ");
        assert_eq!(parts, Some((row.issue(), row.resolution())));
        assert!(!shown.contains('\n'), "{shown}");
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
    let end = "expired at Sat, 31 Jan 2026 12:00:00 GMT";
    for (why, shown) in [
        (StaleAssertion::Used, "was already used"),
        (StaleAssertion::Ended(noon()), end),
    ] {
        let error = Error::from(TokenExpired::of_assertion(why));
        let text = error.to_string();
        let cure = "get a new one from the identity provider";
        for part in [shown, "SAML assertion", cure] {
            assert!(text.contains(part), "{text}");
        }
        assert!(error.needs_login() && !error.is_transient());
        assert_eq!(error.troubleshooting(), Some(Troubleshooting::TokenExpired));
    }
}

/// No token has expired: a clock is wrong, or the identity provider's settings.
#[test]
fn assertion_that_is_not_yet_valid_names_the_clock() {
    let now = noon();
    let start = now + Duration::from_secs(90);
    let early = AssertionFault::TooEarly { start, now };
    for (fault, cure) in [
        (early, "correct this clock"),
        (AssertionFault::NeverValid, "lifetime"),
    ] {
        let error = Error::from(InvalidAssertion::from(fault));
        let text = error.to_string();
        let names_both = text.contains(cure) && text.contains("is not sent");
        assert!(names_both, "{text}");
        assert_eq!(error.troubleshooting(), None);
        assert!(!error.needs_login() && !error.is_transient());
        assert_eq!(error.retry_after(), None);
    }
}

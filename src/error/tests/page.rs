//! The guide's page says what the code does.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use super::*;
use crate::{platform_limits::SECRET_SHOWN_ONCE_SINCE, region::Region};

#[test]
fn the_page_shows_the_table_and_the_kinds_that_lead_to_each_row() {
    let rows = table("| issue |");
    assert_eq!(rows.len(), Troubleshooting::ALL.len());
    for (row, cells) in Troubleshooting::ALL.into_iter().zip(&rows) {
        let told = [row.issue(), row.likely_cause(), row.resolution()];
        assert_eq!(cells[..3], told, "{row:?}");
        let leading: BTreeSet<_> = samples()
            .into_iter()
            .filter(|(_, error)| error.troubleshooting() == Some(row))
            .flat_map(|(code, error)| [Some(name(error.kind())), code])
            .flatten()
            .collect();
        assert_eq!(code_spans(&cells[3]), leading, "{row:?}");
    }
}

#[test]
fn the_page_lists_every_kind_and_whether_it_is_transient() {
    let mut transient: BTreeMap<_, BTreeSet<bool>> = BTreeMap::new();
    for (_, error) in samples() {
        let of_kind = transient.entry(name(error.kind())).or_default();
        of_kind.insert(error.is_transient());
    }
    let rows = table("| kind |");
    let listed: Vec<_> = rows
        .iter()
        .map(|cells| cells[0].trim_matches('`'))
        .collect();
    assert_eq!(
        listed.iter().copied().collect::<BTreeSet<_>>(),
        transient.keys().copied().collect()
    );
    for (kind, cells) in listed.iter().zip(&rows) {
        let told = match cells[1].as_str() {
            "yes" => BTreeSet::from([true]),
            "no" => BTreeSet::from([false]),
            _ => BTreeSet::from([false, true]),
        };
        assert_eq!(transient[kind], told, "{kind}");
    }
}

#[test]
fn the_row_of_hidden_secrets_names_the_month() {
    let cause = Troubleshooting::SecretNotVisible.likely_cause();
    assert!(cause.contains(&SECRET_SHOWN_ONCE_SINCE.to_string()));
}

/// One error of each kind and of each road to a row, with the code that it takes where that counts.
fn samples() -> Vec<(Option<&'static str>, Error)> {
    let mut samples = coded_answers();
    let plain = refusals()
        .into_iter()
        .chain(api_answers())
        .chain(others())
        .chain(logins());
    samples.extend(plain.map(|error| (None, error)));
    samples
}

fn coded_answers() -> Vec<(Option<&'static str>, Error)> {
    let codes = [
        "bad.grant.type",
        "missing.client.roles",
        "INVALID_CREDENTIALS",
        "invalid.credentials",
    ];
    let coded = codes.map(|code| (Some(code), api(400, &format!(r#"{{"code":"{code}"}}"#))));
    let action = r#"{"errorCode":"FAILED","details":[{"errorCode":"ACTION.AUTHENTICATION"}]}"#;
    let action = (Some("ACTION.AUTHENTICATION"), api(400, action));
    coded.into_iter().chain([action]).collect()
}

fn refusals() -> Vec<Error> {
    let client = |accepted_before| {
        oauth("invalid_client", 400, "").of_client(|answer| InvalidClient {
            answer,
            region: Region::EuWest1,
            accepted_before,
        })
    };
    vec![
        client(None),
        client(Some(SystemTime::UNIX_EPOCH)),
        oauth("unauthorized_client", 400, "client_credentials"),
        oauth("invalid_grant", 400, "refresh_token"),
        oauth("invalid_grant", 400, "authorization_code"),
        oauth("invalid_scope", 400, ""),
        oauth("server_error", 500, ""),
    ]
}

fn api_answers() -> Vec<Error> {
    vec![
        api(429, ""),
        api(403, r#"{"code":"missing.permissions"}"#),
        api(401, r#"{"code":"ip.not.authorized"}"#),
        api(
            400,
            r#"{"message":"This request requires a user context."}"#,
        ),
        api(404, r#"{"code":"not.found"}"#),
        api(403, "<html>"),
        api(502, ""),
    ]
}

fn others() -> Vec<Error> {
    let unexpected = |status| {
        let (head, problem) = (head(status), Problem::Status);
        Error::from(ErrorKind::UnexpectedResponse(UnexpectedResponse {
            head,
            problem,
        }))
    };
    let transport = |kind| {
        Error::from(ErrorKind::Transport(Transport {
            kind,
            host: "login".into(),
            nothing_sent: true,
            source: None,
        }))
    };
    let expired = |expired| ErrorKind::TokenExpired(expired).into();
    vec![
        "mars".parse::<Region>().unwrap_err().into(),
        Error::configuration("wrong"),
        Error::secret_missing("no secret"),
        ErrorKind::InvalidPath(InvalidPath::new("it is wrong")).into(),
        Error::secret("no", None),
        expired(TokenExpired::on_arrival()),
        expired(TokenExpired::fixed()),
        expired(TokenExpired::of_login()),
        expired(TokenExpired::of_assertion(StaleAssertion::Used)),
        InvalidAssertion::from(AssertionFault::Unsigned).into(),
        ErrorKind::TokenRejected.into(),
        transport(TransportKind::Dns),
        transport(TransportKind::Upload),
        unexpected(200),
        unexpected(503),
        StoreError::new("disk full").into(),
        ErrorKind::Timeout.into(),
        ErrorKind::NoRuntime.into(),
    ]
}

fn logins() -> Vec<Error> {
    let required = |why| ErrorKind::LoginRequired(why).into();
    let refused = |error| ErrorKind::LoginRefused(LoginRefused::new(error, None, &[])).into();
    let no_port = ListenerError::no_port(&"port 1 is taken");
    vec![
        required(LoginRequired::nobody()),
        required(LoginRequired::logged_out()),
        oauth("invalid_grant", 400, "refresh_token").of_login(),
        refused("access_denied"),
        refused("server_error"),
        CallbackFault::State.into(),
        ErrorKind::ImplicitGrant.into(),
        ErrorKind::NoBrowser(NoBrowser::here("no display")).into(),
        ErrorKind::Listener(no_port).into(),
    ]
}

fn oauth(error: &str, status: u16, grant_type: &str) -> Error {
    let answer = OAuthError {
        head: head(status),
        error: error.into(),
        description: None,
    };
    oauth_error(answer, grant_type).into()
}

/// Without a wildcard, so that a new kind has to be written down here.
fn name(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRegion(_) => "InvalidRegion",
        ErrorKind::Configuration(_) => "Configuration",
        ErrorKind::InvalidPath(_) => "InvalidPath",
        ErrorKind::Secret(_) => "Secret",
        ErrorKind::InvalidAssertion(_) => "InvalidAssertion",
        ErrorKind::InvalidClient(_) => "InvalidClient",
        ErrorKind::UnauthorizedClient(_) => "UnauthorizedClient",
        ErrorKind::InvalidGrant(_) => "InvalidGrant",
        ErrorKind::LoginRequired(_) => "LoginRequired",
        ErrorKind::LoginRefused(_) => "LoginRefused",
        ErrorKind::InvalidCallback(_) => "InvalidCallback",
        ErrorKind::ImplicitGrant => "ImplicitGrant",
        ErrorKind::NoBrowser(_) => "NoBrowser",
        ErrorKind::Listener(_) => "Listener",
        ErrorKind::OAuth(_) => "OAuth",
        ErrorKind::RateLimited(_) => "RateLimited",
        ErrorKind::TokenExpired(_) => "TokenExpired",
        ErrorKind::TokenRejected => "TokenRejected",
        ErrorKind::AccessDenied(_) => "AccessDenied",
        ErrorKind::IpNotAuthorized(_) => "IpNotAuthorized",
        ErrorKind::UserContextRequired(_) => "UserContextRequired",
        ErrorKind::Api(_) => "Api",
        ErrorKind::Transport(_) => "Transport",
        ErrorKind::UnexpectedResponse(_) => "UnexpectedResponse",
        ErrorKind::Store(_) => "Store",
        ErrorKind::Timeout => "Timeout",
        ErrorKind::NoRuntime => "NoRuntime",
    }
}

/// The rows of the page's table whose first line begins so.
fn table(begins: &str) -> Vec<Vec<String>> {
    let lines = PAGE.lines().skip_while(|line| !line.starts_with(begins));
    lines
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

fn code_spans(cell: &str) -> BTreeSet<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

const PAGE: &str = include_str!("../../guide/troubleshooting.md");

//! The guide's page agrees with the code.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{platform_limits::SECRET_SHOWN_ONCE_SINCE, region::Region};

#[test]
fn page_shows_the_table_and_the_kinds_of_each_row() {
    let rows = table("| issue |");
    assert_eq!(rows.len(), Troubleshooting::ALL.len());
    for (row, cells) in Troubleshooting::ALL.into_iter().zip(&rows) {
        let texts = [row.issue(), row.likely_cause(), row.resolution()];
        assert_eq!(cells[..3], texts, "{row:?}");
        let samples = samples();
        let leading: BTreeSet<_> = samples
            .iter()
            .filter(|(_, error)| error.troubleshooting() == Some(row))
            .flat_map(|(code, error)| name(error.kind()).split(' ').chain(*code))
            .collect();
        let listed: BTreeSet<_> = code_spans(&cells[3]).collect();
        assert_eq!(listed, leading, "{row:?}");
    }
}

#[test]
fn page_lists_every_kind_and_whether_it_is_transient() {
    let mut transient: BTreeMap<_, BTreeSet<bool>> = BTreeMap::new();
    for (_, error) in samples() {
        let of_kind = transient.entry(name(error.kind()).to_owned()).or_default();
        of_kind.insert(error.is_transient());
    }
    let rows = table("| kind |");
    let kind = |cells: &Vec<String>| code_spans(&cells[0]).collect::<Vec<_>>().join(" ");
    let listed: Vec<_> = rows.iter().map(kind).collect();
    let all: BTreeSet<_> = listed.iter().collect();
    assert_eq!(all, transient.keys().collect());
    for (kind, cells) in listed.iter().zip(&rows) {
        let expected = match cells[1].as_str() {
            "yes" => BTreeSet::from([true]),
            "no" => BTreeSet::from([false]),
            _ => BTreeSet::from([false, true]),
        };
        assert_eq!(transient[kind], expected, "{kind}");
    }
}

#[test]
fn row_of_hidden_secrets_names_the_month() {
    let cause = Troubleshooting::SecretNotVisible.likely_cause();
    assert!(cause.contains(&SECRET_SHOWN_ONCE_SINCE.to_string()));
}

/// One error of each kind and for each way to a row, with its code where the page names it.
fn samples() -> Vec<(Option<&'static str>, Error)> {
    let plain = [oauth_errors(), api_errors(), others(), logins()];
    let plain = plain.into_iter().flatten().map(|error| (None, error));
    coded_responses().into_iter().chain(plain).collect()
}

fn coded_responses() -> Vec<(Option<&'static str>, Error)> {
    let roles = ["bad.grant.type", "missing.client.roles"];
    let codes = roles
        .into_iter()
        .chain(["INVALID_CREDENTIALS", "invalid.credentials"]);
    let coded = codes.map(|code| (Some(code), api(400, &format!(r#"{{"code":"{code}"}}"#))));
    let action = r#"{"errorCode":"FAILED","details":[{"errorCode":"ACTION.AUTHENTICATION"}]}"#;
    let action = (Some("ACTION.AUTHENTICATION"), api(400, action));
    coded.chain([action]).collect()
}

fn oauth_errors() -> Vec<Error> {
    let client = |accepted_before| {
        oauth("invalid_client", 400, "").with_client(|response| InvalidClient {
            response,
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

fn api_errors() -> Vec<Error> {
    let user_required = r#"{"message":"This request requires a user context."}"#;
    vec![
        api(429, ""),
        api(403, r#"{"code":"missing.permissions"}"#),
        api(401, r#"{"code":"ip.not.authorized"}"#),
        api(400, user_required),
        api(404, r#"{"code":"not.found"}"#),
        api(403, "<html>"),
        api(502, ""),
    ]
}

fn others() -> Vec<Error> {
    let unexpected = |status| {
        let head = head(status);
        let problem = ResponseProblem::Status;
        let response = UnexpectedResponse { head, problem };
        Error::from(ErrorKind::UnexpectedResponse(response))
    };
    let transport = |kind| {
        Error::from(ErrorKind::Transport(TransportError {
            kind,
            peer: Peer::of(&"https://login.example".parse().unwrap()),
            nothing_sent: true,
            cause: None,
            correlation_id: None,
            source: None,
        }))
    };
    vec![
        "mars".parse::<Region>().unwrap_err().into(),
        Error::configuration("wrong"),
        Error::secret_missing("no secret"),
        Error::roles_without_client_credentials("no roles"),
        Error::invalid_path("it is wrong"),
        Error::credential_source("no", None),
        TokenExpired::on_arrival().into(),
        TokenExpired::fixed().into(),
        TokenExpired::of_login().into(),
        TokenExpired::of_assertion(StaleAssertion::Used).into(),
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
    vec![
        LoginError::required().into(),
        LoginError::logged_out().into(),
        oauth("invalid_grant", 400, "refresh_token").with_login_ended(),
        LoginError::denied("access_denied", None, &[]).into(),
        LoginError::denied("server_error", None, &[]).into(),
        LoginError::from(CallbackFault::State).into(),
        LoginError::implicit_grant().into(),
        LoginError::no_browser("no display").into(),
        LoginError::no_port(&"port 1 is taken").into(),
    ]
}

/// Returns the kind as the page names it. There is no wildcard, so that a new kind has to be added.
fn name(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Configuration(error) => match error.kind() {
            ConfigurationKind::InvalidRegion(_) => "Configuration InvalidRegion",
            ConfigurationKind::InvalidPath => "Configuration InvalidPath",
            ConfigurationKind::MissingSecret => "Configuration MissingSecret",
            ConfigurationKind::RolesWithoutClientCredentials => {
                "Configuration RolesWithoutClientCredentials"
            }
            ConfigurationKind::Other => "Configuration",
        },
        ErrorKind::CredentialSource(_) => "CredentialSource",
        ErrorKind::Assertion(_) => "Assertion",
        ErrorKind::InvalidClient(_) => "InvalidClient",
        ErrorKind::OAuth(error) => match error.kind() {
            OAuthErrorKind::UnauthorizedClient { .. } => "OAuth UnauthorizedClient",
            OAuthErrorKind::InvalidGrant(_) => "OAuth InvalidGrant",
            OAuthErrorKind::InvalidClient | OAuthErrorKind::Other => "OAuth",
        },
        ErrorKind::Login(error) => match error.kind() {
            LoginErrorKind::LoginRequired => "Login LoginRequired",
            LoginErrorKind::Denied { .. } => "Login Denied",
            LoginErrorKind::Callback => "Login Callback",
            LoginErrorKind::ImplicitGrant => "Login ImplicitGrant",
            LoginErrorKind::NoBrowser { .. } => "Login NoBrowser",
            LoginErrorKind::Listener { .. } => "Login Listener",
        },
        ErrorKind::RateLimited(_) => "RateLimited",
        ErrorKind::TokenExpired(_) => "TokenExpired",
        ErrorKind::TokenRejected => "TokenRejected",
        ErrorKind::AccessDenied(_) => "AccessDenied",
        ErrorKind::Api(error) if error.is_ip_not_authorized() => "Api is_ip_not_authorized()",
        ErrorKind::Api(error) if error.is_user_required() => "Api is_user_required()",
        ErrorKind::Api(_) => "Api",
        ErrorKind::Transport(_) => "Transport",
        ErrorKind::UnexpectedResponse(_) => "UnexpectedResponse",
        ErrorKind::Store(_) => "Store",
        ErrorKind::Timeout => "Timeout",
        ErrorKind::NoRuntime => "NoRuntime",
    }
}

/// Returns the rows of the page's table whose first line starts with `start`.
fn table(start: &str) -> Vec<Vec<String>> {
    let lines = PAGE.lines().skip_while(|line| !line.starts_with(start));
    lines
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

fn code_spans(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

const PAGE: &str = include_str!("../../guide/troubleshooting.md");

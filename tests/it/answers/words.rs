//! The servers' own words are safe to show, in every field that an error shows.

use std::{error::Error as _, iter::successors};

use base64::{Engine, engine::general_purpose::STANDARD};
use genesys_cloud_auth::{
    ClientCredentials, Error, ErrorKind, FixedToken, HttpClient, PlatformClient, TokenProvider,
    client::RetryPolicy,
    error::{ApiError, OAuthError},
};
use serde_json::json;

use super::fields::{IN_HEADERS, OF_THE_API, OF_THE_TOKEN_ENDPOINT, reply};
use crate::support::{
    CLIENT_ID, SECRET, TOKEN, assert_contains,
    capture::Capture,
    payload, provider_at, provider_of, region_of,
    sentinels::{Sentinel, Shown, find},
    server::{Reply, Server},
};

#[tokio::test]
async fn words_of_the_token_endpoint_are_shown_safely() {
    let basic = STANDARD.encode(format!("{CLIENT_ID}:{SECRET}"));
    let connections = HttpClient::default();
    let all = [
        (OF_THE_TOKEN_ENDPOINT, any as Kept),
        (IN_HEADERS, fits_http),
    ];
    for (fields, kept) in all {
        for field in fields {
            for (said, shown) in sayings(&[SECRET, &basic], kept) {
                let capture = Capture::start();
                let server = Server::start(reply(field, &said));
                let (builder, _clock) = provider_of(region_of(&server, &server));
                let tokens = builder.http_client(connections.clone()).build().unwrap();
                let error = tokens.token().await.unwrap_err();
                let sentinels = [("the secret", SECRET), ("the header", basic.clone().leak())];
                assert_safe(field, &error, &capture, &sentinels, shown);
            }
        }
    }
}

#[tokio::test]
async fn words_of_the_api_are_shown_safely() {
    let connections = HttpClient::default();
    for (fields, kept) in [(OF_THE_API, any as Kept), (IN_HEADERS, fits_http)] {
        for field in fields {
            for token in [TOKEN, LIKE_A_LIST] {
                for (said, shown) in sayings(&[token], kept) {
                    let capture = Capture::start();
                    let server = Server::start(reply(field, &said));
                    let call = client(&server, token, &connections).get("/api/v2/users/me");
                    let error = call.fetch::<()>().await.unwrap_err();
                    assert_safe(field, &error, &capture, &[("the token", token)], shown);
                }
            }
        }
    }
}

#[tokio::test]
async fn correlation_id_of_a_success_is_shown_safely() {
    let connections = HttpClient::default();
    for (said, expected) in sayings(&[TOKEN], fits_http) {
        let server = Server::start(reply("200 ININ-Correlation-Id: SAID", &said));
        let call = client(&server, TOKEN, &connections).get("/api/v2/users/me");
        let response = call.send().await.unwrap();
        let id = response.correlation_id().unwrap().to_owned();
        for shown in [id, format!("{response:?}")] {
            assert_contains(&shown, expected);
            assert!(!shown.contains(&harmful()[..]), "{shown:?}");
            assert!(!shown.contains(TOKEN), "{shown:?}");
        }
    }
}

#[tokio::test]
async fn long_words_are_cut() {
    let body = json!({"error": "x".repeat(60_000), "error_description": "é".repeat(2_000)});
    let server = Server::start(Reply::json(400, &body.to_string()));
    let (tokens, _clock) = provider_at(&server);
    let error = tokens.token().await.unwrap_err();
    let answer = payload!(error, OAuth);
    assert_eq!(answer.error.len(), 512);
    assert_eq!(answer.description.as_deref().unwrap().chars().count(), 512);
}

/// A search that tries each spelling of each character would take hours.
#[tokio::test]
async fn long_token_of_escapes_is_searched_in_every_field() {
    let connections = HttpClient::default();
    for unit in ["\\", "\\%", "%5C\\", "\\u005c", "%25\\u{5c}"] {
        let token = unit.repeat(8_192 / unit.len());
        let said = format!("{}!", &token[1..]);
        for field in OF_THE_API {
            let server = Server::start(reply(field, &said));
            let call = client(&server, &token, &connections).get("/api/v2/users/me");
            let error = call.fetch::<()>().await.unwrap_err();
            assert!(error.status().is_some(), "{field}: {error}");
        }
        for field in OF_THE_TOKEN_ENDPOINT {
            let server = Server::start(reply(field, &said[..4_000]));
            let secret = ClientCredentials::new(CLIENT_ID, &token[..4_001]).unwrap();
            let tokens = TokenProvider::builder(region_of(&server, &server), secret);
            let tokens = tokens.http_client(connections.clone()).build().unwrap();
            let error = tokens.token().await.unwrap_err();
            assert!(error.status().is_some(), "{field}: {error}");
        }
    }
}

fn client(api: &Server, token: &str, connections: &HttpClient) -> PlatformClient {
    let fixed = FixedToken::new(token).unwrap();
    let tokens = TokenProvider::builder(region_of(api, api), fixed);
    let tokens = tokens.http_client(connections.clone()).build().unwrap();
    let client = PlatformClient::builder(tokens);
    client.retry(RetryPolicy::never()).build()
}

/// Neither harmful characters nor secrets are shown, and the `expected` part of the words is.
fn assert_safe(
    field: &str,
    error: &Error,
    capture: &Capture,
    secrets: &[Sentinel],
    expected: &str,
) {
    let words = words_of(error);
    // A hidden list has no permissions.
    let is_hidden_list = field.contains("a:b:SAID") && expected == HIDDEN;
    let is_shown = words.iter().any(|words| words.contains(expected));
    assert!(is_hidden_list || is_shown, "{field}: {words:?}");
    let chain = successors(error.source(), |cause| (*cause).source());
    let mut texts: Vec<String> = chain.map(ToString::to_string).collect();
    texts.extend([
        error.to_string(),
        format!("{error:?}"),
        format!("{error:#}"),
    ]);
    texts.extend(words);
    // Log lines end with a line break.
    let logged = [capture.tracing(), capture.log()].map(|text| text.replace('\n', ""));
    assert!(logged.iter().any(|text| !text.is_empty()));
    texts.extend(logged);
    for text in &texts {
        assert!(!text.contains(&harmful()[..]), "{field}: {text:?}");
        assert_eq!(find(text, secrets), None, "{field}: {text}");
    }
    let mut shown = Shown::default();
    shown.error(error);
    assert_eq!(find(shown.text(), secrets), None, "{field}");
}

/// Returns the server's words that an error holds.
fn words_of(error: &Error) -> Vec<String> {
    let id = error.correlation_id().map(str::to_owned);
    let words = match error.kind() {
        ErrorKind::OAuth(error) => words_of_oauth(error),
        ErrorKind::InvalidClient(invalid) => words_of_oauth(&invalid.response),
        ErrorKind::RateLimited(limited) => {
            let limit = limited.limit().map(|limit| limit.key.clone());
            vec![limited.message.clone(), limit]
        }
        ErrorKind::Api(error) => words_of_api(error),
        ErrorKind::AccessDenied(denied) => {
            let mut words = words_of_api(&denied.response);
            words.extend(denied.permissions.iter().cloned().map(Some));
            words.push(denied.division.clone());
            words
        }
        ErrorKind::UnexpectedResponse(error) => vec![error.message().map(str::to_owned)],
        _ => panic!("{error:?}"),
    };
    words.into_iter().chain([id]).flatten().collect()
}

fn words_of_oauth(error: &OAuthError) -> Vec<Option<String>> {
    vec![Some(error.error.clone()), error.description.clone()]
}

fn words_of_api(error: &ApiError) -> Vec<Option<String>> {
    let mut words = vec![&error.code, &error.message, &error.context_id];
    for detail in &error.details {
        words.extend([&detail.code, &detail.message, &detail.field]);
        words.extend([&detail.entity_id, &detail.entity_name]);
    }
    let mut words: Vec<_> = words.into_iter().cloned().collect();
    if let Some(limit) = &error.limit {
        words.extend([Some(limit.key.clone()), limit.namespace.clone()]);
    }
    words
}

/// Returns harmful characters, and secrets as they are and split by invisible characters, each with a
/// part of what is shown of it.
fn sayings(secrets: &[&str], kept: Kept) -> Vec<(String, &'static str)> {
    let harmful: String = harmful().into_iter().filter(|&c| kept(c)).collect();
    let mut sayings = vec![(format!("{harmful}{END}"), END)];
    for secret in secrets {
        sayings.push((format!("{secret}{END}"), END));
        let (front, back) = secret.split_at(7);
        for hidden in ['\u{200b}', '\u{1b}', '\u{ad}', '\u{202e}'] {
            if kept(hidden) {
                sayings.push((format!("|{front}{hidden}{back}{END}"), HIDDEN));
            }
        }
    }
    sayings
}

/// C0, DEL and C1, line and paragraph separators, and bidirectional characters.
fn harmful() -> Vec<char> {
    let mut harmful: Vec<char> = ('\0'..' ').chain('\u{7f}'..='\u{9f}').collect();
    harmful.extend("\u{2028}\u{2029}\u{61c}\u{200e}\u{200f}".chars());
    harmful.extend(('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}'));
    harmful
}

type Kept = fn(char) -> bool;

fn any(_: char) -> bool {
    true
}

/// Whether a header can contain the character.
fn fits_http(c: char) -> bool {
    !c.is_ascii_control()
}

/// A token that looks like a list of permissions.
const LIKE_A_LIST: &str = "a:b:SentinelOfATokenOf,c:d:Permissions]";

const END: &str = "|end";

/// A part of what is shown in the place of a text that hides a secret.
const HIDDEN: &str = "repeats a secret";

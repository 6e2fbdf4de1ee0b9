//! What servers say, made safe to show.

use base64::{Engine, engine::general_purpose::STANDARD};
use genesys_cloud_auth::ErrorKind;

use crate::support::{
    CLIENT_ID, SECRET, provider_at,
    server::{Reply, Server},
};

#[tokio::test]
async fn the_servers_words_are_shown_without_harm() {
    let basic = STANDARD.encode(format!("{CLIENT_ID}:{SECRET}"));
    let mut invisible: Vec<char> = ('\0'..' ').collect();
    invisible.extend('\u{7f}'..='\u{9f}');
    invisible.extend("\u{2028}\u{2029}\u{61c}\u{200e}\u{200f}".chars());
    invisible.extend(('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}'));
    let (front, back) = SECRET.split_at(7);
    let harmful = format!("{}|end", String::from_iter(&invisible));
    let echo = format!("{harmful}|{SECRET}|{basic}|{front}\u{200b}{back}|{front}\u{1b}{back}|end");
    for (status, error, said) in [
        (400, "invalid_scope", &harmful),
        (400, "invalid_scope", &echo),
        (401, "invalid_client", &echo),
        (400, &harmful, &harmful),
        (400, &echo, &echo),
        (429, "slow", &harmful),
        (429, "slow", &echo),
    ] {
        let body = serde_json::json!({"error": error, "error_description": said}).to_string();
        let id = "ININ-Correlation-Id: \u{9b}31m\u{e2}\r\n";
        let server = Server::start(Reply::of(status, id, body));
        let (tokens, _clock) = provider_at(&server);
        let error = tokens.token().await.unwrap_err();
        let shown = format!(
            "{error} {error:?} {:?}",
            error.correlation_id().unwrap_or_default()
        );
        assert!(shown.contains("|end"), "{shown}");
        assert!(!shown.contains(&invisible[..]), "{shown:?}");
        for secret in [SECRET, &basic, front, back] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[tokio::test]
async fn long_words_are_cut() {
    let body =
        serde_json::json!({"error": "x".repeat(60_000), "error_description": "é".repeat(2_000)});
    let server = Server::start(Reply::json(400, &body.to_string()));
    let (tokens, _clock) = provider_at(&server);
    let error = tokens.token().await.unwrap_err();
    let ErrorKind::OAuth(answer) = error.kind() else {
        panic!("{error}");
    };
    assert_eq!(answer.error().len(), 512);
    assert_eq!(answer.description().unwrap().chars().count(), 512);
}

//! Responses that contain the sentinels.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::support::{
    CLIENT_ID,
    sentinels::{CORE, Sentinel, forms},
    server::{End, Reply},
};

/// A response that both hosts may send.
pub fn good() -> Reply {
    let organization = json!({"id": "an-id", "name": "A name"});
    let body = json!({
        "access_token": TOKEN, "token_type": "bearer", "expires_in": 3_600,
        "organization": organization, "OAuthClient": organization,
    });
    let headers = format!(
        "Set-Cookie: {COOKIE}\r\ninin-ratelimit-count: 1\r\n\
         inin-ratelimit-allowed: 300\r\ninin-ratelimit-reset: 60\r\n"
    );
    Reply::of(200, &headers, body.to_string())
}

pub fn bad_responses() -> Vec<Reply> {
    let token = serde_json::to_string(TOKEN).unwrap();
    let mut replies: Vec<Reply> = [
        format!(r#"{{"access_token":{token}"#),
        format!(r#"{{"access_token":{token},"token_type":{token}}}"#),
        format!(r#"{{"access_token":[{token}]}}"#),
        format!(r#"{{"access_token":{token},"access_token":{token}}}"#),
        format!(r#"{{"access_token":{token},"expires_in":{{"{token}":1}}}}"#),
        format!("[{token}]"),
        format!("<html>{TOKEN}</html>"),
        json!({"access_token": format!("{TOKEN} {TOKEN}")}).to_string(),
        json!({"access_token": TOKEN.repeat(500)}).to_string(),
    ]
    .map(|body| Reply::json(200, &body))
    .to_vec();
    replies.extend(echoes_of(SECRET));
    replies.extend(echoes_of(&STANDARD.encode(format!("{CLIENT_ID}:{SECRET}"))));
    replies.extend(no_responses());
    replies
}

/// Error responses that echo what they were sent, in every field and in every form.
pub fn echoes_of(secret: &str) -> Vec<Reply> {
    let echo = |text: &str| format!("you sent <{text}>");
    let mut replies = Vec::new();
    for status in [200, 302, 400, 401, 403, 429, 500] {
        let bodies = echoing_bodies(&echo(secret));
        replies.extend(bodies.map(|body| Reply::json(status, &body)));
    }
    let recognised = |form: &str| !NOT_RECOGNISED.iter().any(|start| form.starts_with(start));
    for (_, text) in forms(secret).iter().filter(|(form, _)| recognised(form)) {
        let [oauth, .., api, _] = echoing_bodies(&echo(text));
        let header = format!("ININ-Correlation-Id: {}\r\n", echo(text));
        replies.extend([400, 429].map(|status| Reply::of(status, &header, &oauth)));
        replies.extend([400, 403, 429].map(|status| Reply::of(status, "", &api)));
        replies.extend([400, 401, 500].map(|status| Reply::of(status, &header, "{}")));
    }
    replies
}

/// Forms of a secret that are not recognised in a server's words: a part, and what no server makes of
/// the request that it received.
const NOT_RECOGNISED: &[&str] = &[CORE, "in hex", "in HEX", "as a list of bytes", "in base64"];

fn echoing_bodies(echo: &str) -> [String; 9] {
    let oauth = |error: &str| json!({"error": error, "error_description": echo}).to_string();
    let part = json!({
        "errorCode": echo, "userMessage": echo, "fieldName": echo, "entityId": echo,
        "entityName": echo,
    });
    let api = |code: &str, message: &str| {
        let body = json!({
            "message": message, "code": code, "contextId": echo,
            "messageParams": {
                "permissions": format!("[{echo}, a:b:{echo}]"), "divisionId": echo,
            },
            "details": [part], "errors": [part], "nested": part,
            "limit": {"key": echo, "namespace": echo, "value": 1},
        });
        body.to_string()
    };
    let user = format!("This request requires a user context. {echo}");
    [
        oauth(echo),
        oauth("invalid_client"),
        oauth("invalid_scope"),
        oauth("unauthorized_client"),
        oauth("invalid_grant"),
        api("ip.not.authorized", echo),
        api(echo, &user),
        api(echo, echo),
        echo.to_owned(),
    ]
}

/// Redirects with a secret in their location.
pub fn redirects() -> Vec<Reply> {
    let location = format!("Location: https://elsewhere.example/?q={QUERY}\r\n");
    vec![Reply::of(302, &location, ""), Reply::of(307, &location, "")]
}

/// Connections that end at each step, some after a part of the token.
pub fn no_responses() -> Vec<Reply> {
    let body = format!(r#"{{"access_token":"{TOKEN}","x"#);
    let length = format!("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{body}");
    let chunk = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n{body}");
    let broken = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz{body}\r\n");
    vec![
        Reply::none(End::Reset),
        Reply::none(End::Close),
        Reply::none(End::Hold),
        Reply::raw(length.clone(), End::Close),
        Reply::raw(length.clone(), End::Reset),
        Reply::raw(length, End::Hold),
        Reply::raw(chunk, End::Close),
        Reply::raw(broken, End::Close),
        Reply::raw(format!("{TOKEN}\r\n\r\n"), End::Close),
    ]
}

pub const SECRET: &str = "s/+%\"\\&é SentinelOfTheSecret0815 =?";
pub const TOKEN: &str = "t/+%&~SentinelOfTheToken4711=?";
pub const OWN_TOKEN: &str = "o/+%&~SentinelOfTheOwnToken5523=?";
pub const QUERY: &str = "q/SentinelOfTheQuery2342";
pub const BODY: &str = "b/SentinelOfTheBody1337";
pub const COOKIE: &str = "c=SentinelOfTheCookie8086";

pub const SENTINELS: &[Sentinel] = &[
    ("the secret", SECRET),
    ("the token", TOKEN),
    ("the caller's own token", OWN_TOKEN),
    ("the query", QUERY),
    ("the body", BODY),
    ("the cookie", COOKIE),
];

/// The timeout for servers that do not respond.
pub const SHORT: Duration = Duration::from_millis(300);

pub const A_DAY: Duration = Duration::from_secs(86_400);

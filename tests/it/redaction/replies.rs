//! Answers that hold the sentinels.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::support::{
    CLIENT_ID,
    sentinels::{Sentinel, forms},
    server::{End, Reply},
};

pub fn good() -> Reply {
    let body = json!({"access_token": TOKEN, "token_type": "bearer", "expires_in": 3_600});
    Reply::json(200, &body.to_string())
}

pub fn bad_answers() -> Vec<Reply> {
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
    replies.extend(no_answers());
    replies
}

/// Error answers that say what they were sent, in every field and in every form.
pub fn echoes_of(secret: &str) -> Vec<Reply> {
    let mut replies = Vec::new();
    let told = forms(secret);
    let told = told.iter().filter(|(form, _)| ECHOED.contains(form));
    for said in told.map(|(_, text)| format!("you sent <{text}>")) {
        let oauth = |error: &str| json!({"error": error, "error_description": said}).to_string();
        let api = json!({
            "message": said, "code": said, "contextId": said,
            "messageParams": {"permissions": format!("[{said}, a:b:{said}]")},
        });
        for status in [200, 302, 400, 401, 403, 429, 500] {
            for body in [
                oauth("invalid_client"),
                oauth("invalid_scope"),
                oauth(&said),
                api.to_string(),
                said.clone(),
            ] {
                replies.push(Reply::json(status, &body));
            }
        }
        let header = format!("ININ-Correlation-Id: {said}\r\n");
        for status in [400, 401, 500] {
            replies.push(Reply::of(status, &header, oauth("invalid_scope")));
            replies.push(Reply::of(status, &header, "{}"));
        }
    }
    replies
}

/// How a server that echoes might write what it was sent.
const ECHOED: [&str; 4] = [
    "as it is",
    "percent-encoded",
    "in base64",
    "in base64 after one byte",
];

/// Connections that end at every step, some with the token on the way.
pub fn no_answers() -> Vec<Reply> {
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

pub const SENTINELS: &[Sentinel] = &[
    ("the secret", SECRET),
    ("the token", TOKEN),
    ("the caller's own token", OWN_TOKEN),
    ("the query", QUERY),
    ("the body", BODY),
];

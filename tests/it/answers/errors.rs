//! Error responses of the token endpoint, each with the error that they become.

use super::bad::{Bad, UNEXPECTED, bad};
use crate::support::server::Reply;

pub fn errors() -> Vec<Bad> {
    let mut cases = oauth_errors();
    cases.extend(other_errors());
    cases.extend(foreign_errors());
    cases.extend(malformed_errors());
    cases
}

fn oauth_errors() -> Vec<Bad> {
    let another_grant = ("UnauthorizedClient", "grant type");
    [
        (200, "invalid_client", (INVALID_CLIENT, "HTTP 200")),
        (400, "invalid_client", (INVALID_CLIENT, "HTTP 400")),
        (401, "invalid_client", (INVALID_CLIENT, "HTTP 401")),
        (500, "server_error", ("OAuth", "HTTP 500")),
        (400, "unauthorized_client", another_grant),
        (400, "", (UNEXPECTED, "without a readable reason")),
    ]
    .map(|(status, error, (kind, says))| {
        let reply = Reply::json(status, &format!(r#"{{"error":"{error}"}}"#));
        bad(error, reply, kind, says)
    })
    .into()
}

fn other_errors() -> Vec<Bad> {
    let both = r#"{"access_token":"a","error":"invalid_scope"}"#;
    let limited = r#"{"error":"invalid_request","error_description":"rate limit exceeded; wait"}"#;
    let api = r#"{"message":"Slow down","code":"too.many.requests","status":429,"contextId":"c"}"#;
    [
        (200, both, "OAuth", "invalid_scope"),
        (400, limited, LIMITED, "rate limit exceeded"),
        (429, "", LIMITED, "HTTP 429"),
        (429, api, LIMITED, SLOW_DOWN),
        (503, "{}", UNEXPECTED, "HTTP 503"),
    ]
    .map(|(status, body, kind, says)| bad(says, Reply::json(status, body), kind, says))
    .into()
}

/// Bodies without an OAuth `error`: of the Platform API and of gateways.
fn foreign_errors() -> Vec<Bad> {
    let api = r#"{"message":"Slow","code":"too.many","status":500,"contextId":"c"}"#;
    [
        (500, api, "HTTP 500 too.many: Slow"),
        (503, api, "(correlation id c)"),
        (403, r#"{"message":"Forbidden"}"#, "403 Forbidden"),
        (503, r#"{"Message":"No backend"}"#, "503 No backend"),
        (502, r#"{"error":{"code":"E7","message":"m"}}"#, "E7: m"),
        (504, r#"{"fault":{"faultstring":"slow"}}"#, "504 slow"),
        (500, r#"{"title":"t","detail":"d"}"#, "500 d"),
        (600, r#"{"message":"m"}"#, "600 m"),
    ]
    .map(|(status, body, says)| bad(says, Reply::json(status, body), UNEXPECTED, says))
    .into()
}

/// Fields of wrong types. Fields that are not needed may have any type.
fn malformed_errors() -> Vec<Bad> {
    let nested = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let nested = format!(r#""error":"invalid_client","x":{nested}"#);
    let wide = format!(r#""error":"invalid_scope","x":[{}1]"#, "1,".repeat(20_000));
    let object = r#""error":"invalid_client","error_description":{"a":[1]}"#;
    let nulls = r#""error":"invalid_client","error_description":null,"expires_in":null"#;
    let list = r#""error":"invalid_scope","error_description":[],"description":"said""#;
    let tomorrow = r#""error":"error_of_tomorrow","details":[{"a":{}}]"#;
    let all_null = r#""error":null,"description":null,"access_token":null"#;
    let twice = r#""error":"invalid_client","error":"invalid_scope""#;
    let unreadable = (UNEXPECTED, "without a readable reason");
    let invalid_client = (INVALID_CLIENT, "invalid_client");
    [
        ("a description that is an object", object, invalid_client),
        ("nulls beside an error", nulls, invalid_client),
        ("a description that is a list", list, ("OAuth", "said")),
        ("tomorrow's error", tomorrow, ("OAuth", "error_of_tomorrow")),
        ("20,000 numbers", &wide, ("OAuth", "invalid_scope")),
        ("1,000 nested lists beside an error", &nested, unreadable),
        ("nulls", all_null, unreadable),
        ("an error that is a number", r#""error":400"#, unreadable),
        ("an error given twice", twice, unreadable),
    ]
    .map(|(name, fields, (kind, says))| {
        bad(name, Reply::json(400, &format!("{{{fields}}}")), kind, says)
    })
    .into()
}

const INVALID_CLIENT: &str = "InvalidClient";
const SLOW_DOWN: &str = "too many requests: too.many.requests: Slow down";
const LIMITED: &str = "RateLimited";

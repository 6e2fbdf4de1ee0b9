//! The fields in which servers send texts that an error shows. Each is a status, and a body or a header
//! with `SAID` in the place of the text.

use serde_json::json;

use crate::support::server::Reply;

pub const OF_THE_TOKEN_ENDPOINT: &[&str] = &[
    r#"400 {"error":"SAID"}"#,
    r#"200 {"error":"SAID"}"#,
    r#"400 {"error":"invalid_scope","error_description":"SAID"}"#,
    r#"401 {"error":"invalid_client","error_description":"SAID"}"#,
    r#"400 {"error":"unauthorized_client","error_description":"SAID"}"#,
    r#"400 {"error":"invalid_grant","error_description":"SAID"}"#,
    r#"400 {"error":"invalid_scope","description":"SAID"}"#,
    r#"429 {"error":"slow","error_description":"SAID"}"#,
    r#"400 {"error":"invalid_request","description":"rate limit exceeded; SAID"}"#,
    // In the API's form, and in a gateway's.
    r#"503 {"message":"SAID"}"#,
    r#"500 {"code":"SAID"}"#,
    r#"429 {"message":"SAID"}"#,
    r#"500 {"contextId":"SAID","message":"no"}"#,
    r#"502 {"error":{"message":"SAID"}}"#,
];

pub const OF_THE_API: &[&str] = &[
    r#"400 {"message":"SAID"}"#,
    r#"403 {"message":"SAID"}"#,
    r#"429 {"message":"SAID"}"#,
    r#"400 {"message":"This requires a user context. SAID"}"#,
    r#"401 {"code":"ip.not.authorized","message":"SAID"}"#,
    r#"500 {"userMessage":"SAID"}"#,
    r#"409 {"detail":"SAID"}"#,
    r#"404 {"code":"SAID"}"#,
    r#"403 {"code":"SAID"}"#,
    r#"400 {"errorCode":"SAID"}"#,
    r#"409 {"scimType":"SAID"}"#,
    r#"400 {"contextId":"SAID"}"#,
    r#"429 {"contextId":"SAID"}"#,
    r#"500 {"correlationId":"SAID"}"#,
    r#"403 {"message":"no","messageParams":{"permissions":"[a:b:SAID, a:b:c]"}}"#,
    r#"403 {"message":"no","messageParams":{"permissions":["a:b:c","a:b:SAID"]}}"#,
    r#"403 {"message":"You are missing: [a:b:SAID, a:b:c]"}"#,
    r#"403 {"message":"no","messageParams":{"divisionId":"SAID"}}"#,
    r#"400 {"details":[{"errorCode":"SAID"}]}"#,
    r#"400 {"errors":{"nested":{"userMessage":"SAID"}}}"#,
    r#"400 {"nested":{"fieldName":"SAID"}}"#,
    r#"400 {"details":[{"entityId":"SAID","entityName":"SAID"}]}"#,
    r#"400 {"limit":{"key":"SAID","namespace":"SAID","value":1}}"#,
    r#"429 {"limit":{"key":"SAID"}}"#,
];

/// Headers of both hosts. HTTP does not allow every character in them.
pub const IN_HEADERS: &[&str] = &[
    "400 ININ-Correlation-Id: SAID",
    "403 Genesys-Correlation-Id: SAID",
    "429 ININ-Correlation-Id: SAID",
    "503 ININ-Correlation-Id: SAID",
    "302 Genesys-Correlation-Id: SAID",
];

/// The response with this text in its field.
pub fn reply(field: &str, said: &str) -> Reply {
    let (status, form) = field.split_once(' ').unwrap();
    let status = status.parse().unwrap();
    if !form.starts_with('{') {
        return Reply::of(status, &format!("{}\r\n", form.replace("SAID", said)), "{}");
    }
    let quoted = json!(said).to_string();
    let body = form.replace("SAID", &quoted[1..quoted.len() - 1]);
    // This `Retry-After` is not valid and must not be shown.
    let pause = "Retry-After: \u{9b}31m\u{202e}s3cret-of-the-tests token-of-the-tests\r\n";
    Reply::of(status, pause, body)
}

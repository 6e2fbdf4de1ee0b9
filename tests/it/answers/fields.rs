//! The fields in which servers send texts that an error shows.

use std::fmt;

use serde_json::json;

use crate::support::server::Reply;

/// A field's name, and a response with a text in it.
pub type Field = (&'static str, fn(&str) -> Reply);

pub const OF_THE_TOKEN_ENDPOINT: &[Field] = &[
    ("error", |said| says(400, json!({"error": said}))),
    ("error in a 200", |said| says(200, json!({"error": said}))),
    ("error_description", |said| {
        says(
            400,
            json!({"error": "invalid_scope", "error_description": said}),
        )
    }),
    ("error_description of invalid_client", |said| {
        says(
            401,
            json!({"error": "invalid_client", "error_description": said}),
        )
    }),
    ("error_description of unauthorized_client", |said| {
        let body = json!({"error": "unauthorized_client", "error_description": said});
        says(400, body)
    }),
    ("error_description of invalid_grant", |said| {
        let body = json!({"error": "invalid_grant", "error_description": said});
        says(400, body)
    }),
    ("description", |said| {
        says(400, json!({"error": "invalid_scope", "description": said}))
    }),
    ("error_description of a 429", |said| {
        says(429, json!({"error": "slow", "error_description": said}))
    }),
    ("description of a 400 rate limit", |said| {
        let said = format!("rate limit exceeded; {said}");
        says(
            400,
            json!({"error": "invalid_request", "description": said}),
        )
    }),
    ("message in the API's form", |said| {
        says(503, json!({"message": said}))
    }),
    ("code in the API's form", |said| {
        says(500, json!({"code": said}))
    }),
    ("message of a 429 in the API's form", |said| {
        says(429, json!({"message": said}))
    }),
    ("contextId", |said| {
        says(500, json!({"contextId": said, "message": "no"}))
    }),
    ("message of a gateway", |said| {
        says(502, json!({"error": {"message": said}}))
    }),
];

pub const OF_THE_API: &[Field] = &[
    ("message", |said| says(400, json!({"message": said}))),
    ("message of a 403", |said| {
        says(403, json!({"message": said}))
    }),
    ("message of a 429", |said| {
        says(429, json!({"message": said}))
    }),
    ("message of a required user", |said| {
        let message = format!("This requires a user context. {said}");
        says(400, json!({"message": message}))
    }),
    ("message of ip.not.authorized", |said| {
        says(401, json!({"code": "ip.not.authorized", "message": said}))
    }),
    ("userMessage", |said| {
        says(500, json!({"userMessage": said}))
    }),
    ("detail", |said| says(409, json!({"detail": said}))),
    ("code", |said| says(404, json!({"code": said}))),
    ("code of a 403", |said| says(403, json!({"code": said}))),
    ("errorCode", |said| says(400, json!({"errorCode": said}))),
    ("scimType", |said| says(409, json!({"scimType": said}))),
    ("contextId", |said| says(400, json!({"contextId": said}))),
    ("contextId of a 429", |said| {
        says(429, json!({"contextId": said}))
    }),
    ("correlationId", |said| {
        says(500, json!({"correlationId": said}))
    }),
    ("permissions", |said| {
        let listed = format!("[a:b:{said}, a:b:c]");
        let params = json!({"permissions": listed});
        says(403, json!({"message": "no", "messageParams": params}))
    }),
    ("a list of permissions", |said| {
        let params = json!({"permissions": ["a:b:c", format!("a:b:{said}")]});
        says(403, json!({"message": "no", "messageParams": params}))
    }),
    ("permissions in the message", |said| {
        let message = format!("You are missing: [a:b:{said}, a:b:c]");
        says(403, json!({"message": message}))
    }),
    ("division", |said| {
        let params = json!({"divisionId": said});
        says(403, json!({"message": "no", "messageParams": params}))
    }),
    ("the code of a detail", |said| {
        says(400, json!({"details": [{"errorCode": said}]}))
    }),
    ("the message of an error within", |said| {
        says(400, json!({"errors": {"nested": {"userMessage": said}}}))
    }),
    ("the field of a detail", |said| {
        says(400, json!({"nested": {"fieldName": said}}))
    }),
    ("the entity of a detail", |said| {
        let entity = json!({"entityId": said, "entityName": said});
        says(400, json!({"details": [entity]}))
    }),
    ("limit", |said| {
        let limit = json!({"key": said, "namespace": said, "value": 1});
        says(400, json!({"limit": limit}))
    }),
    ("limit of a 429", |said| {
        says(429, json!({"limit": {"key": said}}))
    }),
];

/// Headers of both hosts. HTTP does not allow every character in them.
pub const IN_HEADERS: &[Field] = &[
    ("ININ-Correlation-Id", |said| {
        with_header(400, "ININ-Correlation-Id", said)
    }),
    ("Genesys-Correlation-Id", |said| {
        with_header(403, "Genesys-Correlation-Id", said)
    }),
    ("the id of a 429", |said| {
        with_header(429, "ININ-Correlation-Id", said)
    }),
    ("the id of an unexpected response", |said| {
        with_header(503, "ININ-Correlation-Id", said)
    }),
    ("the id of a redirection", |said| {
        with_header(302, "Genesys-Correlation-Id", said)
    }),
];

/// A response whose `Retry-After` is not valid and must not be shown.
fn says(status: u16, body: impl fmt::Display) -> Reply {
    let pause = "Retry-After: \u{9b}31m\u{202e}s3cret-of-the-tests token-of-the-tests\r\n";
    Reply::of(status, pause, body.to_string())
}

pub fn with_header(status: u16, name: &str, said: &str) -> Reply {
    Reply::of(status, &format!("{name}: {said}\r\n"), "{}")
}

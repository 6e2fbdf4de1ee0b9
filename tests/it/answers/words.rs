//! What servers say, made safe to show: every field that reaches a person.

use std::{error::Error as _, fmt, iter::successors};

use base64::{Engine, engine::general_purpose::STANDARD};
use genesys_cloud_auth::{
    ApiError, Error, ErrorKind, FixedToken, Limit, PlatformClient, RetryPolicy, TokenProvider,
};
use serde_json::json;

use crate::support::{
    CLIENT_ID, SECRET, TOKEN,
    capture::Capture,
    provider_at, region_of,
    sentinels::{Sentinel, Shown, find},
    server::{Reply, Server},
};

/// A field's name, and an answer that says something there.
type Field = (&'static str, fn(&str) -> Reply);

const OF_THE_TOKEN_ENDPOINT: &[Field] = &[
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
    ("description", |said| {
        says(400, json!({"error": "invalid_scope", "description": said}))
    }),
    ("error_description of a 429", |said| {
        says(429, json!({"error": "slow", "error_description": said}))
    }),
    ("description of a 400 in disguise", |said| {
        let said = format!("rate limit exceeded; {said}");
        says(
            400,
            json!({"error": "invalid_request", "description": said}),
        )
    }),
];

const OF_THE_API: &[Field] = &[
    ("message", |said| says(400, json!({"message": said}))),
    ("message of a 403", |said| {
        says(403, json!({"message": said}))
    }),
    ("message of a 429", |said| {
        says(429, json!({"message": said}))
    }),
    ("code", |said| says(404, json!({"code": said}))),
    ("code of a 403", |said| says(403, json!({"code": said}))),
    ("contextId", |said| says(400, json!({"contextId": said}))),
    ("contextId of a 429", |said| {
        says(429, json!({"contextId": said}))
    }),
    ("permissions", |said| {
        let listed = format!("[a:b:{said}, a:b:c]");
        let code = "missing.permissions";
        says(
            403,
            json!({"code": code, "messageParams": {"permissions": listed}}),
        )
    }),
    ("the division", |said| {
        let code = "missing.division.permission";
        says(
            403,
            json!({"code": code, "messageParams": {"divisionId": said}}),
        )
    }),
    ("the code of a detail", |said| {
        says(400, json!({"details": [{"errorCode": said}]}))
    }),
    ("the message of an error within", |said| {
        says(400, json!({"errors": [{"userMessage": said}]}))
    }),
    ("the field of a detail", |said| {
        says(400, json!({"nested": {"fieldName": said}}))
    }),
    ("the entity of a detail", |said| {
        says(
            400,
            json!({"details": [{"entityId": said, "entityName": said}]}),
        )
    }),
    ("the limit", |said| {
        says(
            429,
            json!({"limit": {"key": said, "namespace": said, "value": 1}}),
        )
    }),
    ("an address that is not allowed", |said| {
        says(401, json!({"code": "ip.not.authorized", "message": said}))
    }),
    ("a user that is wanted", |said| {
        let message = format!("This request requires a user context. {said}");
        says(400, json!({"message": message}))
    }),
    ("permissions in the message", |said| {
        let message = format!("You are missing: [a:b:{said}, a:b:c]");
        says(403, json!({"message": message}))
    }),
];

/// Of both hosts; what HTTP does not let through is left out.
const IN_HEADERS: &[Field] = &[
    ("ININ-Correlation-Id", |said| {
        with_header(400, "ININ-Correlation-Id", said)
    }),
    ("Genesys-Correlation-Id", |said| {
        with_header(403, "Genesys-Correlation-Id", said)
    }),
    ("the id of a 429", |said| {
        with_header(429, "ININ-Correlation-Id", said)
    }),
    ("the id of an answer of no use", |said| {
        with_header(503, "ININ-Correlation-Id", said)
    }),
    ("the id of a redirection", |said| {
        with_header(302, "Genesys-Correlation-Id", said)
    }),
];

#[tokio::test]
async fn the_token_endpoints_words_are_shown_without_harm() {
    let basic = STANDARD.encode(format!("{CLIENT_ID}:{SECRET}"));
    for (fields, kept) in [
        (OF_THE_TOKEN_ENDPOINT, any as Kept),
        (IN_HEADERS, fits_http),
    ] {
        for (name, reply) in fields {
            for said in sayings(&[SECRET, &basic], kept) {
                let capture = Capture::start();
                let server = Server::start(reply(&said));
                let (tokens, _clock) = provider_at(&server);
                let error = tokens.token().await.unwrap_err();
                let sentinels = [("the secret", SECRET), ("the header", basic.clone().leak())];
                harmless(name, &error, &capture, &sentinels);
            }
        }
    }
}

#[tokio::test]
async fn the_apis_words_are_shown_without_harm() {
    for (fields, kept) in [(OF_THE_API, any as Kept), (IN_HEADERS, fits_http)] {
        for (name, reply) in fields {
            for said in sayings(&[TOKEN], kept) {
                let capture = Capture::start();
                let server = Server::start(reply(&said));
                let call = client(&server).get("/api/v2/users/me");
                let error = call.fetch::<()>().await.unwrap_err();
                harmless(name, &error, &capture, &[("the token", TOKEN)]);
            }
        }
    }
}

#[tokio::test]
async fn the_correlation_id_of_a_good_answer_is_shown_without_harm() {
    for said in sayings(&[TOKEN], fits_http) {
        let server = Server::start(with_header(200, "ININ-Correlation-Id", &said));
        let call = client(&server).get("/api/v2/users/me");
        let response = call.send().await.unwrap();
        let shown = [response.correlation_id().unwrap(), format!("{response:?}")];
        for shown in shown {
            assert!(
                shown.contains(END) && !shown.contains(&harmful()[..]),
                "{shown:?}"
            );
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
    let ErrorKind::OAuth(answer) = error.kind() else {
        panic!("{error}");
    };
    assert_eq!(answer.error().len(), 512);
    assert_eq!(answer.description().unwrap().chars().count(), 512);
}

fn client(api: &Server) -> PlatformClient {
    let fixed = FixedToken::new(TOKEN).unwrap();
    let tokens = TokenProvider::new(region_of(api, api), fixed).unwrap();
    PlatformClient::new(tokens).retry(RetryPolicy::never())
}

/// No character that harms is shown, and no secret; the rest of the words is.
fn harmless(name: &str, error: &Error, capture: &Capture, secrets: &[Sentinel]) {
    let words = words_of(error);
    assert!(
        words.iter().any(|words| words.contains(END)),
        "{name}: {words:?}"
    );
    let chain = successors(error.source(), |cause| (*cause).source());
    let mut texts: Vec<String> = chain.map(ToString::to_string).collect();
    texts.extend([
        error.to_string(),
        format!("{error:?}"),
        format!("{error:#}"),
    ]);
    texts.extend(words);
    // Lines have ends.
    let logged = [capture.tracing(), capture.log()].map(|text| text.replace('\n', ""));
    assert!(logged.iter().any(|text| !text.is_empty()));
    texts.extend(logged);
    for text in &texts {
        assert!(!text.contains(&harmful()[..]), "{name}: {text:?}");
        assert_eq!(find(text, secrets), None, "{name}: {text}");
    }
    let mut shown = Shown::default();
    shown.error(error);
    assert_eq!(find(shown.text(), secrets), None, "{name}");
}

/// What the parts of an error give away of the server's words.
fn words_of(error: &Error) -> Vec<String> {
    let mut words: Vec<Option<&str>> = vec![error.correlation_id()];
    match error.kind() {
        ErrorKind::OAuth(answer) => words.extend([Some(answer.error()), answer.description()]),
        ErrorKind::InvalidClient(refused) => words.push(refused.answer().description()),
        ErrorKind::RateLimited(limited) => {
            words.push(limited.message());
            words.extend(limited.limit().map(|limit| Some(limit.key())));
            words.extend(limited.limit().map(Limit::namespace));
        }
        ErrorKind::Api(error)
        | ErrorKind::IpNotAuthorized(error)
        | ErrorKind::UserContextRequired(error) => words.extend(words_of_api(error)),
        ErrorKind::AccessDenied(denied) => {
            words.extend(words_of_api(denied.answer()));
            words.push(denied.division());
            words.extend(denied.permissions().iter().map(|name| Some(name.as_str())));
        }
        ErrorKind::UnexpectedAnswer(answer) => words.push(answer.correlation_id()),
        _ => panic!("{error:?}"),
    }
    words.into_iter().flatten().map(str::to_owned).collect()
}

fn words_of_api(error: &ApiError) -> Vec<Option<&str>> {
    let mut words = vec![error.code(), error.message(), error.context_id()];
    for detail in error.details() {
        words.extend([detail.code(), detail.message(), detail.field()]);
        words.extend([detail.entity_id(), detail.entity_name()]);
    }
    words
}

/// All that harms, and secrets as they are and split by what nobody sees.
fn sayings(secrets: &[&str], kept: Kept) -> Vec<String> {
    let harmful: String = harmful().into_iter().filter(|&c| kept(c)).collect();
    let mut sayings = vec![format!("{harmful}{END}")];
    for secret in secrets {
        sayings.push(format!("{secret}{END}"));
        let (front, back) = secret.split_at(7);
        for hidden in ['\u{200b}', '\u{1b}', '\u{ad}', '\u{202e}'] {
            if kept(hidden) {
                sayings.push(format!("|{front}{hidden}{back}{END}"));
            }
        }
    }
    sayings
}

/// C0, DEL and C1, line and paragraph separators, and what turns text around.
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

/// Whether it can be in a header.
fn fits_http(c: char) -> bool {
    !c.is_ascii_control()
}

/// Its pause is no words at all.
fn says(status: u16, body: impl fmt::Display) -> Reply {
    let pause = "Retry-After: \u{9b}31m\u{202e}s3cret-of-the-tests token-of-the-tests\r\n";
    Reply::of(status, pause, body.to_string())
}

fn with_header(status: u16, name: &str, said: &str) -> Reply {
    Reply::of(status, &format!("{name}: {said}\r\n"), "{}")
}

const END: &str = "|end";

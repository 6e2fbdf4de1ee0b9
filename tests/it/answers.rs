//! Answers of the token endpoint that no client should meet, and does.

use std::time::{Duration, SystemTime};

use genesys_cloud_auth::{Error, ErrorKind};

use crate::support::{
    SECRET, TOKEN, credentials, good_token, kind_of, provider_at, provider_of, region_of,
    server::{End, Reply, Server},
};

#[tokio::test]
async fn a_bad_answer_is_a_typed_error_and_loses_nothing() {
    for case in bad_answers() {
        refused(&case).await;
    }
}

/// One request, one error, nothing kept; a good answer mends it.
async fn refused(case: &Bad) -> Error {
    let name = case.name;
    let server = Server::start(case.reply.clone());
    let (tokens, clock) = provider_at(&server);

    let error = tokens.token().await.expect_err(name);
    assert_eq!(server.requests().len(), 1, "{name}");
    assert_eq!(kind_of(&error), case.kind, "{name}: {error}");
    assert!(error.to_string().contains(case.says), "{name}: {error}");
    assert!(
        error.retry_after().is_some(),
        "{name}: a pause has begun: {error}"
    );
    tokens
        .token()
        .await
        .expect_err("nothing of a bad answer is served");

    server.answers([good_token(TOKEN)]);
    clock.advance(LONGER_THAN_ANY_PAUSE);
    let token = tokens.token().await.expect(name);
    assert_eq!(token.expose_secret(), TOKEN, "{name}");
    error
}

struct Bad {
    name: &'static str,
    reply: Reply,
    kind: &'static str,
    says: &'static str,
}

const fn bad(name: &'static str, reply: Reply, kind: &'static str, says: &'static str) -> Bad {
    Bad {
        name,
        reply,
        kind,
        says,
    }
}

fn bad_answers() -> Vec<Bad> {
    let mut cases = foreign_bodies();
    cases.extend(cut_bodies());
    cases.extend(odd_json());
    cases.extend(tokens_nobody_can_use());
    cases.extend(errors_of_the_server());
    cases
}

fn foreign_bodies() -> Vec<Bad> {
    let html = |status| Reply::of(status, "Content-Type: text/html\r\n", "<html>Login</html>");
    vec![
        bad("empty", Reply::json(200, ""), UNEXPECTED, UNDECODABLE),
        bad("HTML in a 200", html(200), UNEXPECTED, UNDECODABLE),
        bad("HTML in a 502", html(502), UNEXPECTED, "HTTP 502"),
        bad("HTML in a 400", html(400), UNEXPECTED, "HTTP 400"),
        bad("204", Reply::raw(NO_CONTENT, End::Keep), UNEXPECTED, "204"),
        bad(
            "not UTF-8",
            Reply::of(
                200,
                "",
                b"{\"access_token\":\"\xff\xfe\",\"token_type\":\"bearer\"}",
            ),
            UNEXPECTED,
            UNDECODABLE,
        ),
        bad(
            "gzip",
            Reply::of(200, "Content-Encoding: gzip\r\n", b"\x1f\x8b\x08"),
            UNEXPECTED,
            "content coding",
        ),
        bad(
            "a good body in a 201",
            Reply::json(201, GOOD),
            UNEXPECTED,
            "HTTP 201",
        ),
        bad(
            "a good body in a 503",
            Reply::json(503, GOOD),
            UNEXPECTED,
            "HTTP 503",
        ),
        bad(
            "no HTTP",
            Reply::raw("SSH-2.0-OpenSSH_9.6\r\n\r\n", End::Close),
            "Transport Interrupted",
            "broke",
        ),
    ]
}

fn cut_bodies() -> Vec<Bad> {
    let length = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{GOOD}",
        GOOD.len() + 1
    );
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{GOOD}\r\n",
        GOOD.len()
    );
    let head = "HTTP/1.1 200 OK\r\nContent-Le";
    let broken = "Transport Interrupted";
    vec![
        bad(
            "cut in the head",
            Reply::raw(head, End::Close),
            broken,
            "broke",
        ),
        bad(
            "cut before its length",
            Reply::raw(length, End::Close),
            broken,
            "broke",
        ),
        bad(
            "cut before the last chunk",
            Reply::raw(chunked, End::Close),
            broken,
            "broke",
        ),
        bad("nothing", Reply::none(End::Close), broken, "broke"),
    ]
}

fn odd_json() -> Vec<Bad> {
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let deep_field = format!(r#"{{"access_token":"t","other":{deep}}}"#);
    let undecodable = [
        ("null", "null"),
        ("a list", "[]"),
        ("a string", "\"access_token\""),
        ("a number", "1"),
        ("1,000 nested lists", &deep),
        ("1,000 nested lists in a field of no interest", &deep_field),
        (
            "access_token twice",
            r#"{"access_token":"a","access_token":"b"}"#,
        ),
        (
            "expires_in twice",
            r#"{"access_token":"a","expires_in":1,"expires_in":2}"#,
        ),
        ("a token that is a number", r#"{"access_token":1}"#),
        ("a token that is a list", r#"{"access_token":["a"]}"#),
        (
            "a token type that is a number",
            r#"{"access_token":"a","token_type":1}"#,
        ),
        (
            "an error that is an object",
            r#"{"access_token":"a","error":{}}"#,
        ),
        ("something behind it", r#"{"access_token":"a"} x"#),
    ];
    let case =
        |(name, body): (&'static str, &str)| bad(name, Reply::json(200, body), UNEXPECTED, "HTTP");
    undecodable.into_iter().map(case).collect()
}

fn tokens_nobody_can_use() -> Vec<Bad> {
    let token = |text: &str| Reply::json(200, &format!(r#"{{"access_token":"{text}"}}"#));
    let of_type = |kind: &str| {
        Reply::json(
            200,
            &format!(r#"{{"access_token":"a","token_type":"{kind}"}}"#),
        )
    };
    let none = "without an access_token";
    vec![
        bad("no token", Reply::json(200, "{}"), UNEXPECTED, none),
        bad(
            "a token of null",
            Reply::json(200, r#"{"access_token":null}"#),
            UNEXPECTED,
            none,
        ),
        bad("an empty token", token(""), UNEXPECTED, "empty"),
        bad("8,193 bytes", token(&"x".repeat(8_193)), UNEXPECTED, "8192"),
        bad("a space", token("a b"), UNEXPECTED, "ASCII"),
        bad("a control character", token("a\\n"), UNEXPECTED, "ASCII"),
        bad("DEL", token("a\x7f"), UNEXPECTED, "ASCII"),
        bad("not ASCII", token("tökén"), UNEXPECTED, "ASCII"),
        bad("mac", of_type("mac"), UNEXPECTED, "token_type"),
        bad("DPoP", of_type("DPoP"), UNEXPECTED, "token_type"),
        bad("no type's name", of_type(""), UNEXPECTED, "token_type"),
    ]
}

fn errors_of_the_server() -> Vec<Bad> {
    let error = |status, code: &str| Reply::json(status, &format!(r#"{{"error":"{code}"}}"#));
    let limited =
        r#"{"error":"invalid_request","error_description":"rate limit exceeded; try again later"}"#;
    let body = r#"{"message":"Rate limit exceeded","code":"too.many.requests","status":429,"contextId":"c"}"#;
    vec![
        bad(
            "an error and a token in a 200",
            Reply::json(200, r#"{"access_token":"a","error":"invalid_scope"}"#),
            "OAuth",
            "invalid_scope",
        ),
        bad(
            "invalid_client in a 200",
            error(200, "invalid_client"),
            "InvalidClient",
            "HTTP 200",
        ),
        bad(
            "invalid_client in a 400",
            error(400, "invalid_client"),
            "InvalidClient",
            "HTTP 400",
        ),
        bad(
            "invalid_client in a 401",
            error(401, "invalid_client"),
            "InvalidClient",
            "HTTP 401",
        ),
        bad(
            "server_error in a 500",
            error(500, "server_error"),
            "OAuth",
            "HTTP 500",
        ),
        bad(
            "unauthorized_client",
            error(400, "unauthorized_client"),
            "OAuth",
            "grant type",
        ),
        bad(
            "an empty error",
            error(400, ""),
            UNEXPECTED,
            "no reason that can be read",
        ),
        bad(
            "400 for too many requests",
            Reply::json(400, limited),
            "RateLimited",
            "rate limit exceeded",
        ),
        bad(
            "429 without a body",
            Reply::json(429, ""),
            "RateLimited",
            "HTTP 429",
        ),
        bad(
            "429 in the API's words",
            Reply::json(429, body),
            "RateLimited",
            "HTTP 429",
        ),
        bad("503", Reply::json(503, "{}"), UNEXPECTED, "HTTP 503"),
    ]
}

#[tokio::test]
async fn a_pause_is_as_long_as_the_server_asks() {
    let second = Duration::from_secs(1);
    let (default, half) = ((second * 4 / 10, second * 6 / 10), second / 2);
    for (retry_after, (least, most)) in [
        (Some("7"), (second * 7, second * 7 + half)),
        // A date is read by the wall clock, which moves on meanwhile.
        (
            Some("Tue, 24 Nov 2026 12:01:00 GMT"),
            (second * 40, second * 61),
        ),
        (Some("Tue, 24 Nov 2026 11:00:00 GMT"), (half, half)),
        (Some("0"), (half, half)),
        (Some("1000000000"), (second * 900, second * 900)),
        (
            Some("99999999999999999999999999"),
            (second * 900, second * 900),
        ),
        (Some("-5"), default),
        (Some("soon"), default),
        (Some(""), default),
        (None, default),
    ] {
        let header = retry_after.map_or(String::new(), |value| format!("Retry-After: {value}\r\n"));
        for status in [429, 503] {
            let server = Server::start(Reply::of(status, &header, "{}"));
            let (tokens, clock) = provider_at(&server);
            clock.set_wall(noon());
            let error = tokens.token().await.unwrap_err();
            let pause = error.retry_after().unwrap();
            assert!(
                least <= pause && pause <= most,
                "{status} {retry_after:?}: {pause:?}"
            );
            assert!(error.is_transient());

            if pause > second * 5 {
                clock.advance(pause / 2);
                let again = tokens.token().await.unwrap_err();
                assert!(again.retry_after().unwrap() <= pause - pause / 2);
                assert_eq!(server.requests().len(), 1, "{retry_after:?}");
            }
            server.answers([good_token(TOKEN)]);
            clock.advance(pause);
            tokens.token().await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_answer_of_many_megabytes_is_not_read() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let open = r#"{"access_token":""#;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
    let filler = "x".repeat(0x1_0000);
    for (name, head, filler) in [
        (
            "announced",
            format!("{ok}Content-Length: {}\r\n\r\n{open}", MANY * 0x1_0000 + 17),
            &filler,
        ),
        (
            "up to the end of the connection",
            format!("{ok}\r\n{open}"),
            &filler,
        ),
        (
            "in chunks",
            format!("{ok}Transfer-Encoding: chunked\r\n\r\n"),
            &chunk,
        ),
        (
            "compressed, in chunks",
            format!("{ok}Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"),
            &chunk,
        ),
    ] {
        let reply = Reply::raw(head, End::Close).followed_by(filler.as_str(), MANY);
        let case = bad(name, reply, UNEXPECTED, "HTTP 200");
        let server = Server::start(case.reply.clone());
        let (tokens, _clock) = provider_at(&server);
        let error = tokens.token().await.unwrap_err();
        assert_eq!(kind_of(&error), UNEXPECTED, "{name}: {error}");
        let written = server.written(1).await;
        assert!(
            written < MOST_IN_BUFFERS,
            "{name}: {written} bytes were taken"
        );
        refused(&case).await;
    }
}

#[test]
fn five_megabytes_cost_little_memory() {
    let filler = "x".repeat(0x1_0000);
    for head in [
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            80 * 0x1_0000
        ),
        "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
    ] {
        let reply = Reply::raw(head, End::Close).followed_by(filler.as_str(), 80);
        let server = Server::start(reply);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let memory = allocation_counter::measure(|| {
            let (tokens, _clock) = provider_at(&server);
            runtime.block_on(tokens.token()).unwrap_err();
        });
        // An HTTP client with its certificates is in here, too.
        assert!(memory.bytes_max < 3 << 20, "{memory:?}");
    }
}

#[tokio::test]
async fn a_token_is_taken_in_every_form_that_is_allowed() {
    let longest = "x".repeat(8_192);
    for (token, rest) in [
        ("a", r#","token_type":"bearer""#),
        ("a", r#","token_type":"BEARER""#),
        ("a", r#","token_type":"Bearer""#),
        ("a", r#","token_type":null"#),
        ("a", ""),
        ("!~", ""),
        (longest.as_str(), ""),
        (
            "a",
            r#","error":"","error_description":"nothing","unknown":[{}]"#,
        ),
        ("a", r#","error":null"#),
    ] {
        let server = Server::start(Reply::json(
            200,
            &format!(r#"{{"access_token":"{token}"{rest}}}"#),
        ));
        let (tokens, _clock) = provider_at(&server);
        assert_eq!(
            tokens.token().await.expect(rest).expose_secret(),
            token,
            "{rest}"
        );
        tokens.token().await.unwrap();
        assert_eq!(server.requests().len(), 1, "{rest}");
    }
}

#[tokio::test]
async fn a_life_is_read_as_tolerantly_as_servers_write_it() {
    for (expires_in, expected) in [
        ("", 300),
        (r#","expires_in":null"#, 300),
        (r#","expires_in":true"#, 300),
        (r#","expires_in":"soon""#, 300),
        (r#","expires_in":[1]"#, 300),
        (r#","expires_in":3600"#, 3_600),
        (r#","expires_in":3600.5"#, 3_600),
        (r#","expires_in":"86400""#, 86_400),
        (r#","expires_in":1e12"#, 38_880_000),
        (r#","expires_in":1000000000000"#, 38_880_000),
    ] {
        let server = Server::start(Reply::json(
            200,
            &format!(r#"{{"access_token":"a"{expires_in}}}"#),
        ));
        let (tokens, clock) = provider_at(&server);
        tokens.token().await.expect(expires_in);
        // The last 15 % are the earliest that a renewal may start in.
        clock.advance(Duration::from_secs(expected / 2));
        tokens.token().await.unwrap();
        assert_eq!(
            server.requests().len(),
            1,
            "{expires_in}: shorter than it says"
        );
        clock.advance(Duration::from_secs(expected / 2 + 1));
        tokens.token().await.unwrap();
        assert_eq!(
            server.requests().len(),
            2,
            "{expires_in}: longer than it says"
        );
    }
}

#[tokio::test]
async fn a_token_that_is_over_on_arrival_goes_to_those_who_waited_only() {
    for expires_in in ["0", "-1", "\"0\"", "\"-1\"", "-1e12", "0.0"] {
        let server = Server::start(Reply::json(
            200,
            &format!(r#"{{"access_token":"a","expires_in":{expires_in}}}"#),
        ));
        let (tokens, clock) = provider_at(&server);
        assert_eq!(
            tokens.token().await.unwrap().expose_secret(),
            "a",
            "{expires_in}"
        );
        assert_eq!(server.requests().len(), 1);
        server.answers([good_token(TOKEN)]);
        clock.advance(LONGER_THAN_ANY_PAUSE);
        assert_eq!(
            tokens.token().await.unwrap().expose_secret(),
            TOKEN,
            "{expires_in}"
        );
    }
}

#[tokio::test]
async fn the_servers_words_are_shown_without_harm() {
    let basic = credentials_in_base64();
    let mut invisible: Vec<char> = ('\0'..' ').collect();
    invisible.extend('\u{7f}'..='\u{9f}');
    invisible.extend("\u{2028}\u{2029}\u{61c}\u{200e}\u{200f}".chars());
    invisible.extend(('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}'));
    let (front, back) = SECRET.split_at(7);
    let words = format!(
        "{}|{SECRET}|{basic}|{front}\u{200b}{back}|{front}\u{1b}{back}|end",
        String::from_iter(&invisible)
    );
    for (status, error) in [
        (400, "invalid_scope"),
        (401, "invalid_client"),
        (400, words.as_str()),
        (429, "slow"),
    ] {
        let body = serde_json::json!({"error": error, "error_description": words}).to_string();
        let id = format!("ININ-Correlation-Id: \u{9b}31m\u{e2}\r\n");
        let server = Server::start(Reply::of(status, &id, body));
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

#[tokio::test]
async fn a_long_answer_of_the_api_is_not_read() {
    let login = Server::start(good_token(TOKEN));
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
    for (coding, kind) in [("", UNEXPECTED), ("Content-Encoding: gzip\r\n", UNEXPECTED)] {
        let head = format!("HTTP/1.1 200 OK\r\n{coding}Transfer-Encoding: chunked\r\n\r\n");
        let server = Server::start(Reply::raw(head, End::Close).followed_by(chunk.as_str(), MANY));
        let (tokens, _clock) = provider_of(region_of(&login, &server));
        let api = genesys_cloud_auth::PlatformClient::new(tokens.build().unwrap());
        let call = api.body_limit(1_000).get("/api/v2/users/me");
        let error = call.fetch::<serde_json::Value>().await.unwrap_err();
        assert_eq!(kind_of(&error), kind, "{error}");
        let written = server.written(1).await;
        assert!(written < MOST_IN_BUFFERS, "{written} bytes were taken");
        assert_eq!(server.requests().len(), 1);
    }
}

fn credentials_in_base64() -> String {
    use base64::Engine;
    let id = credentials();
    let plain = format!("{}:{SECRET}", id.client_id());
    base64::engine::general_purpose::STANDARD.encode(plain)
}

fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_521_600)
}

const GOOD: &str = r#"{"access_token":"a","token_type":"bearer","expires_in":86399}"#;
const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";

const UNEXPECTED: &str = "UnexpectedAnswer";
const UNDECODABLE: &str = "does not decode";

/// Blocks of 64 KiB, more than any buffer of the network holds.
const MANY: usize = 2_048;
const MOST_IN_BUFFERS: usize = 16 << 20;

const LONGER_THAN_ANY_PAUSE: Duration = Duration::from_secs(20 * 60);

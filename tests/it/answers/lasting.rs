//! Which unusable responses are worth waiting for. `ready` and the calls of a client go on exactly
//! where the error is transient.

use std::time::Duration;

use serde_json::Value;

use crate::support::{
    TOKEN, advance_until_done,
    cloud::{Cloud, LONG, quick},
    good_token, kind_of, provider_at,
    server::{Reply, Server},
};

/// Status, headers and body, and whether another response may be better.
type Case = (u16, &'static str, &'static str, bool);

fn responses() -> Vec<Case> {
    let html = "Content-Type: text/html; charset=utf-8\r\n";
    let xhtml = "Content-Type: Application/XHTML+xml\r\n";
    let json = "Content-Type: application/json\r\n";
    vec![
        // A sign-in page of the network, or a maintenance page.
        (200, html, "<html>Sign in</html>", true),
        (200, html, "Back soon", true),
        (200, xhtml, "Back soon", true),
        (200, json, "<?xml version='1.0'?>", true),
        (200, "", "\r\n <!DOCTYPE html><html>", true),
        (200, "", "\u{feff}<html>", true),
        (200, "", "", true),
        (200, "", " \r\n", true),
        (500, "", "", true),
        (503, html, "<html>", true),
        (408, "", "", true),
        // Another host, or another program at this one.
        (301, "Location: https://elsewhere.example/\r\n", "", false),
        (302, "Location: /login\r\n", "<html>", false),
        (307, "", "{}", false),
        (404, html, "<html>", false),
        (200, "", "OK", false),
        (200, "", "{\"access_token\":\"a", false),
        (200, "", "[]", false),
        (200, "Content-Encoding: gzip\r\n", "x", false),
    ]
}

#[tokio::test]
async fn ready_and_calls_go_on_after_transient_responses_only() {
    for case @ (status, headers, body, is_transient) in responses() {
        let reply = Reply::of(status, headers, body);
        let server = Server::start(good_token(TOKEN));
        server.answers([reply.clone(), good_token(TOKEN)]);
        let (tokens, clock) = provider_at(&server);
        let (ready, _) = advance_until_done(&clock, tokens.ready(LONG)).await;
        let requests = server.requests().len();
        match ready {
            Ok(()) => assert_eq!((is_transient, requests), (true, 2), "{case:?}"),
            Err(error) => {
                assert_eq!(kind_of(&error), "UnexpectedResponse", "{case:?}");
                assert!(!error.is_transient(), "{case:?}: {error}");
                assert_eq!((is_transient, requests), (false, 1), "{case:?}");
            }
        }

        let cloud = Cloud::start_with(|client| client.timeout(LONG).token_wait(LONG));
        cloud.login.answers([reply, good_token(TOKEN)]);
        let call = cloud.client.get("/api/v2/users/me").fetch::<Value>();
        let (called, _) = advance_until_done(&cloud.clock, call).await;
        assert_eq!(called.is_ok(), is_transient, "{case:?}: {called:?}");
        let sent = 1 + usize::from(is_transient);
        assert_eq!(cloud.login.requests().len(), sent, "{case:?}");
    }
}

/// The API's responses are distinguished in the same way, except for an empty body, which is `null` there.
/// None of these is requested again.
#[tokio::test]
async fn foreign_body_of_the_api_is_transient() {
    let bodies = responses().into_iter().filter(|case| case.0 < 400);
    for case @ (status, headers, body, is_transient) in bodies {
        let reply = Reply::of(status, headers, body);
        let cloud = Cloud::start_with(|client| client.timeout(LONG).retry(quick()));
        cloud.api.answers([reply]);
        let call = cloud.client.get("/api/v2/users/me");
        let error = call.fetch::<Named>().await.unwrap_err();
        let is_transient = is_transient && !body.is_empty();
        assert_eq!(error.is_transient(), is_transient, "{case:?}: {error}");
        assert_eq!(cloud.api.requests().len(), 1, "{case:?}");
    }
}

#[derive(Debug, serde::Deserialize)]
struct Named {
    #[allow(dead_code, reason = "it is only decoded")]
    name: Duration,
}

//! The login host cannot be reached, or fails, and a request handler calls the API.

use std::{net::SocketAddr, time::Duration};

use genesys_cloud_auth::{Error, PlatformClient, TokenProvider};
use serde_json::Value;
use tokio::{process::Command, time::timeout};

use crate::{
    environment::VARIABLES,
    quickstart::program,
    support::{
        TOKEN,
        child_process::{command, job},
        dns::{DnsStub, REMOTE},
        example::in_one_line,
        good_token, kind_of, provider_with,
        runtime::runtime,
        server::{Closed, Reply, Server},
        tls::Authority,
    },
};

#[tokio::test]
async fn call_fails_within_its_wait_and_needs_no_restart() {
    let authority = Authority::new();
    // The replies of the login host, the failure of a call, the number of calls, and the maximum number
    // of token requests.
    let outage = async |reply: Option<Reply>, resolves: bool, kind: &str, calls, requests| {
        let host = Server::start_tls(authority.acceptor(REMOTE), Reply::json(200, "{}").last());
        let (dns, closed) = (DnsStub::default(), Closed::new());
        match reply {
            Some(reply) => {
                dns.resolve_to(host.address());
                host.answers([reply.last()]);
            }
            None if resolves => dns.resolve_to(closed.address()),
            None => dns.resolve_to_nothing(),
        }
        let (tokens, _) = provider_with(&dns, &authority);
        let api = PlatformClient::builder(tokens.clone()).token_wait(Duration::from_secs(2));
        let api = api.build();
        // What the handlers of a service's requests do.
        for _ in 0..calls {
            let api = api.clone();
            let handler = tokio::spawn(async move {
                let call = api.get("/api/v2/users/me").fetch::<Value>();
                call.await.unwrap_err()
            });
            let error = timeout(TEST_TIMEOUT, handler).await.unwrap().unwrap();
            assert_eq!(kind_of(&error), kind, "{error}");
            assert!(error.is_transient() && error.retry_after().is_some());
            let text = error.to_string();
            assert!(text.contains(REMOTE) || text.contains("HTTP "), "{text}");
        }
        let sent = host.requests();
        assert!(sent.iter().all(|request| request.target == "/oauth/token"));
        let number = sent.len();
        assert!(number <= requests, "{kind}: {number} requests");

        dns.resolve_to(host.address());
        host.answers([good_token(TOKEN).last(), Reply::json(200, "{}").last()]);
        tokens.ready(Duration::from_secs(60)).await.unwrap();
        api.get("/api/v2/users/me").send().await.unwrap();
        assert_eq!(host.requests().len(), number + 2, "{kind}");
    };
    let busy = |status| Some(Reply::of(status, "Retry-After: 4\r\n", "").last());
    tokio::join!(
        outage(None, false, "Transport Dns", 2, 0),
        outage(None, true, "Transport Refused", 2, 0),
        // At 0, 0.5 and 1.5 s of each call, or a little earlier.
        outage(Some(Reply::json(503, "")), true, UNEXPECTED, 2, 6),
        // The pause outlasts the wait: the call fails at once.
        outage(busy(503), true, UNEXPECTED, 1, 1),
        outage(busy(429), true, "RateLimited", 1, 1),
    );
}

/// The README's shortest program, in the region that the environment names.
#[tokio::main]
async fn shortest_program() -> Result<(), Error> {
    let tokens = TokenProvider::from_env()?;
    let api = PlatformClient::new(tokens);

    let organization: Value = api.get("/api/v2/organizations/me").fetch().await?;
    panic!("{}", organization["name"]);
}

#[test]
fn programs_end_by_themselves_and_say_what_to_do() -> Result<(), Error> {
    const NAME: &str = "scenarios::login_outage::programs_end_by_themselves_and_say_what_to_do";
    if job().is_some() {
        return shortest_program();
    }
    let closed = Closed::new();
    let [first, second] = [(); 2].map(|()| Server::start(Reply::json(503, "").last()));
    let ends = async |address: Option<SocketAddr>, is_example: bool, text: &str| {
        let mut command = if is_example {
            Command::new(program("quickstart"))
        } else {
            command(NAME, &["program"]).into()
        };
        for name in VARIABLES {
            command.env_remove(name);
        }
        command.envs([("GENESYSCLOUD_OAUTHCLIENT_ID", "an-id")]);
        command.envs([("GENESYSCLOUD_OAUTHCLIENT_SECRET", "a-secret")]);
        if let Some(address) = address {
            command.env("GENESYSCLOUD_GATEWAY_HOST", address.ip().to_string());
            command.env("GENESYSCLOUD_GATEWAY_PORT", address.port().to_string());
            command.env("GENESYSCLOUD_GATEWAY_PROTOCOL", "http");
        } else {
            command.env("GENESYSCLOUD_GATEWAY_HOST", "login.invalid");
        }
        let output = timeout(TEST_TIMEOUT, command.kill_on_drop(true).output()).await;
        let output = output.expect("it ends by itself").unwrap();
        let printed = in_one_line(&String::from_utf8_lossy(&output.stderr));
        let says_why = printed.contains("Error: ") && printed.contains(text);
        assert!(!output.status.success() && says_why, "{printed}");
    };
    let refused = "refused the connection; check the host and port";
    let fault = "has a fault: try again later";
    // Where no name server responds, connecting times out.
    let no_name = "login.invalid:443";
    runtime().block_on(async {
        tokio::join!(
            ends(Some(closed.address()), true, refused),
            ends(Some(closed.address()), false, refused),
            ends(Some(first.address()), true, fault),
            ends(Some(second.address()), false, fault),
            ends(None, true, no_name),
            ends(None, false, no_name),
        );
    });
    let (example, shortest) = (first.requests(), second.requests());
    // At 0, 0.5, 1.5, 3.5 … 9.5 s, or a little earlier.
    assert_eq!(
        (example.len(), shortest.len().clamp(2, 9)),
        (1, shortest.len())
    );
    let mut sent = example.iter().chain(&shortest);
    assert!(sent.all(|request| request.target == "/oauth/token"));
    Ok(())
}

/// The time after which a program or a call has not ended by itself.
const TEST_TIMEOUT: Duration = Duration::from_secs(25);

const UNEXPECTED: &str = "UnexpectedResponse";

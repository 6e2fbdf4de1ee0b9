//! Redis fails in the middle of a run of many processes. Each gets its tokens, and sharing resumes.

use genesys_cloud_auth::sandbox::Sandbox;
use redis::RedisResult;

use crate::{
    child_process::job,
    member::{Fleet, Site, runtime, sandbox, serve},
    sentinel::Watched,
    server::{Server, command, until},
};

const PROCESSES: usize = 20;

/// A fault of Redis, and what ends it.
struct Fault {
    name: &'static str,
    begin: fn(&mut Server),
    end: fn(&mut Server),
}

const FAULTS: [Fault; 4] = [
    Fault {
        name: "paused",
        begin: |server| server.pause(),
        end: |server| server.resume(),
    },
    Fault {
        name: "down, then restarted",
        begin: Server::kill,
        end: Server::start_again,
    },
    Fault {
        name: "full",
        begin: |server| runtime().block_on(fill(server)),
        end: |server| {
            runtime().block_on(server.ask(&["CONFIG", "SET", "maxmemory", "0"]));
        },
    },
    Fault {
        name: "a replica, as after a failover",
        begin: |server| {
            runtime().block_on(server.ask(&["REPLICAOF", "127.0.0.1", "1"]));
        },
        end: |server| {
            runtime().block_on(server.ask(&["REPLICAOF", "NO", "ONE"]));
        },
    },
];

/// When a fault begins.
#[derive(Clone, Copy, Debug)]
enum When {
    /// Nobody needs a token.
    BetweenTokens,
    /// A process requests a token, and the others wait for it.
    DuringARequest,
}

/// The processes, and what they have done so far.
struct Run {
    sandbox: Sandbox,
    fleet: Fleet,
    requests: usize,
    failures: usize,
}

impl Run {
    fn start(test: &str, sandbox: Sandbox, redis: &str) -> Self {
        let site = Site::of(&sandbox, redis);
        Self {
            fleet: Fleet::start(PROCESSES, test, &site, "service"),
            sandbox,
            requests: 0,
            failures: 0,
        }
    }

    /// All need a token, and one of them requests it.
    fn share_a_token(&mut self, when: &str) {
        self.fleet.end_tokens();
        assert_eq!(self.fleet.tokens().len(), 1, "{when}");
        self.requests += 1;
        assert_eq!(self.sandbox.token_requests(), self.requests, "{when}");
        self.fleet.expect_store_failures(self.failures);
    }

    /// All need a token while a fault begins. Each requests its own, and reports once that the store
    /// failed.
    fn fail(&mut self, name: &str, when: When, begin: impl FnOnce()) {
        let what = format!("{name}, {when:?}");
        self.fleet.end_tokens();
        let tokens = match when {
            When::BetweenTokens => {
                begin();
                self.fleet.tokens()
            }
            When::DuringARequest => {
                let gate = self.sandbox.at_token_endpoint().times(1).gate();
                self.fleet.send("token");
                runtime().block_on(gate.wait_for(1));
                begin();
                gate.release();
                self.fleet.received_tokens()
            }
        };
        assert_eq!(tokens.len(), PROCESSES, "{what}");
        self.requests += PROCESSES;
        self.failures += 1;
        assert_eq!(self.sandbox.token_requests(), self.requests, "{what}");
        self.fleet.expect_store_failures(self.failures);
    }
}

#[test]
fn failing_redis_fails_no_token_and_sharing_resumes() {
    let test = "outages::failing_redis_fails_no_token_and_sharing_resumes";
    if let Some(job) = job() {
        return serve(job);
    }
    let runtime = runtime();
    let mut server = Server::start();
    let mut run = Run::start(test, runtime.block_on(sandbox()), &server.url());
    for when in [When::BetweenTokens, When::DuringARequest] {
        for Fault { name, begin, end } in FAULTS {
            run.share_a_token(&format!("before it is {name}"));
            run.fail(name, when, || begin(&mut server));
            end(&mut server);
            // A paused server has taken turns for processes that stopped waiting.
            runtime.block_on(until(async || !server.has_turns().await));
            run.share_a_token(&format!("after it was {name}"));
        }
    }
}

#[test]
fn failover_by_sentinel_fails_no_token_and_sharing_resumes() {
    let test = "outages::failover_by_sentinel_fails_no_token_and_sharing_resumes";
    if let Some(job) = job() {
        return serve(job);
    }
    let runtime = runtime();
    for when in [When::BetweenTokens, When::DuringARequest] {
        let mut servers = runtime.block_on(Watched::start());
        let mut run = Run::start(test, runtime.block_on(sandbox()), &servers.url());
        run.share_a_token("before the primary is lost");
        run.fail("the primary is lost", when, || servers.primary.kill());
        runtime.block_on(servers.fail_over());
        // The turn of the process that requested a token may have been replicated.
        runtime.block_on(until(async || !servers.replica.has_turns().await));
        run.share_a_token("after the failover");
        runtime.block_on(servers.replica.record());
    }
}

#[test]
fn restart_and_flush_between_tokens_are_not_noticed() {
    let test = "outages::restart_and_flush_between_tokens_are_not_noticed";
    if let Some(job) = job() {
        return serve(job);
    }
    let runtime = runtime();
    let (sandbox, mut server) = (runtime.block_on(sandbox()), Server::start());
    let site = Site::of(&sandbox, &server.url());
    let mut fleet = Fleet::start(PROCESSES, test, &site, "service");
    for round in 0..3 {
        assert_eq!(fleet.tokens().len(), 1);
        assert_eq!(sandbox.token_requests(), round + 1);
        if round == 0 {
            server.kill();
            server.start_again();
        } else {
            runtime.block_on(server.ask(&["FLUSHALL"]));
        }
        fleet.end_tokens();
    }
    fleet.expect_store_failures(0);
}

/// The flush frees the turn, so a second process requests a token. The first one's save is rejected.
#[test]
fn flush_during_a_request_costs_one_more() {
    let test = "outages::flush_during_a_request_costs_one_more";
    if let Some(job) = job() {
        return serve(job);
    }
    let runtime = runtime();
    let (sandbox, server) = (runtime.block_on(sandbox()), Server::start());
    let site = Site::of(&sandbox, &server.url());
    let mut others = Fleet::start(PROCESSES, test, &site, "service");
    let mut first = Fleet::start(1, test, &site, "service");
    let gate = sandbox.at_token_endpoint().times(1).gate();
    first.send("token");
    runtime.block_on(gate.wait_for(1));
    runtime.block_on(server.ask(&["FLUSHALL"]));
    let shared = others.tokens();
    assert_eq!(shared.len(), 1);
    gate.release();
    let own = first.received_tokens();
    assert!(shared.is_disjoint(&own));
    first.expect_store_failures(1);
    assert_eq!(sandbox.token_requests(), 2);
    // What the others share is still there.
    let mut late = Fleet::start(1, test, &site, "service");
    assert_eq!(late.tokens(), shared);
    assert_eq!(sandbox.token_requests(), 2);
}

/// Writes until Redis rejects it.
async fn fill(server: &Server) {
    server.ask(&["CONFIG", "SET", "maxmemory", "4mb"]).await;
    let mut connection = server.connection().await;
    let text = "x".repeat(64 * 1024);
    for n in 0..1_000 {
        let set = command(&["SET", &format!("other:{n}"), &text]);
        let set: RedisResult<()> = set.query_async(&mut connection).await;
        if let Err(error) = set {
            assert_eq!(error.code(), Some("OOM"));
            // Not even a turn fits in.
            let _: () = command(&["CONFIG", "SET", "maxmemory", "1mb"])
                .query_async(&mut connection)
                .await
                .unwrap();
            return;
        }
    }
    panic!("Redis is not full");
}

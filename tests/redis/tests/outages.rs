//! Redis fails in the middle of a run of many processes. Each gets its tokens, and sharing resumes.

use redis::RedisResult;

use crate::{
    child_process::job,
    member::{Fleet, Site, runtime, sandbox, serve},
    server::{Server, command},
};

const PROCESSES: usize = 10;

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

#[test]
fn failing_redis_fails_no_token_and_sharing_resumes() {
    let test = "outages::failing_redis_fails_no_token_and_sharing_resumes";
    if let Some(job) = job() {
        return serve(job);
    }
    let runtime = runtime();
    let (sandbox, mut server) = (runtime.block_on(sandbox()), Server::start());
    let site = Site::of(&sandbox, &server.url());
    let mut fleet = Fleet::start(PROCESSES, test, &site, "service");
    let mut requests = 0;
    let mut failures = 0;
    for Fault { name, begin, end } in FAULTS {
        assert_eq!(fleet.tokens().len(), 1, "before it is {name}");
        requests += 1;
        assert_eq!(sandbox.token_requests(), requests, "before it is {name}");
        begin(&mut server);
        fleet.end_tokens();
        // Each has a token of its own, and reports once that the store failed.
        assert_eq!(fleet.tokens().len(), PROCESSES, "{name}");
        requests += PROCESSES;
        failures += 1;
        assert_eq!(sandbox.token_requests(), requests, "{name}");
        fleet.expect_store_failures(failures);
        end(&mut server);
        fleet.end_tokens();
        // The servers of other faults have lost what they had.
        assert_eq!(fleet.tokens().len(), 1, "after it was {name}");
        requests += 1;
        assert_eq!(sandbox.token_requests(), requests, "after it was {name}");
        fleet.end_tokens();
    }
    fleet.expect_store_failures(failures);
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

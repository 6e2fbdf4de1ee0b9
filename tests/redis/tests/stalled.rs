//! A process that has the turn is stopped for longer than its lease, and goes on later.

use std::time::Duration;

use genesys_cloud_auth::{
    Clock,
    sandbox::{RefreshTokens, Sandbox},
    store::{RedisStore, Sealed, SealingKey, StoreKey, TokenStore as _},
};

use crate::{
    child_process::{ChildProcess, command, job, send_to_parent},
    member::{
        Fleet, LIFE, LOGIN_REQUIRED, Site, WEB, log_in, resume, runtime, sandbox, serve, stop,
        wait_to_be_stopped,
    },
    server::Server,
};

const OTHERS: usize = 19;

/// How long a provider waits for a turn.
const WAIT: Duration = Duration::from_secs(15);

#[test]
fn stopped_holder_learns_of_its_loss_when_it_changes() {
    let test = "stalled::stopped_holder_learns_of_its_loss_when_it_changes";
    if let Some(job) = job() {
        return runtime().block_on(change_late(&job[0], &job[1]));
    }
    let server = Server::start();
    let open = || RedisStore::new(&server.url()).unwrap();
    let holders = ["save", "remove"].map(|change| {
        let mut holder = ChildProcess::start(&mut command(test, &[&server.url(), change]));
        assert_eq!(holder.next_message().unwrap(), "has the turn");
        stop(&holder);
        (change, holder)
    });
    for (change, mut holder) in holders {
        runtime().block_on(async {
            let (other, third, key) = (open(), open(), StoreKey::for_tests(change));
            let turn = other.take_turn(&key, WAIT).await.unwrap();
            resume(&mut holder);
            let result = holder.next_message().unwrap();
            assert!(result.contains("the turn was lost"), "{change}: {result}");
            // The other one keeps its turn, and what it saves.
            third.take_turn(&key, Duration::ZERO).await.unwrap_err();
            let newer = Sealed::from_bytes(b"newer".to_vec());
            other.save(turn, &key, newer).await.unwrap();
            let loaded = third.load(&key).await.unwrap().unwrap();
            assert_eq!(loaded.as_bytes(), b"newer", "{change}");
        });
    }
}

/// Takes the turn, stops, and changes the record after that.
async fn change_late(url: &str, change: &str) {
    let (store, key) = (RedisStore::new(url).unwrap(), StoreKey::for_tests(change));
    let turn = store.take_turn(&key, Duration::ZERO).await.unwrap();
    wait_to_be_stopped("has the turn");
    let changed = match change {
        "save" => {
            let older = Sealed::from_bytes(b"older".to_vec());
            store.save(turn, &key, older).await
        }
        _ => store.remove(turn, &key).await,
    };
    send_to_parent(&format!("{changed:?}"));
}

#[test]
fn stopped_service_costs_one_request_and_changes_nothing() {
    let test = "stalled::stopped_service_costs_one_request_and_changes_nothing";
    if let Some(job) = job() {
        return serve(job);
    }
    let runtime = runtime();
    let (sandbox, server) = (runtime.block_on(sandbox()), Server::start());
    let site = Site::of(&sandbox, &server.url());
    let mut others = Fleet::start(OTHERS, test, &site, "service");
    let mut first = Fleet::start(1, test, &site, "service, stops at its save");
    first.send("token");
    first.each_says("saves");
    first.stop();
    // The others wait for the end of the lease, and do not give up.
    let shared = others.tokens();
    assert_eq!((shared.len(), sandbox.token_requests()), (1, 2));
    others.expect_store_failures(0);
    let record = runtime.block_on(server.record());
    let saved = runtime.block_on(server.ask(&["GET", &record]));
    first.resume();
    first.received_tokens();
    first.expect_store_failures(1);
    assert_eq!(runtime.block_on(server.ask(&["GET", &record])), saved);
    let mut late = Fleet::start(1, test, &site, "service");
    assert_eq!(late.tokens(), shared);
    assert_eq!(sandbox.token_requests(), 2);
    // From then on all share again.
    for fleet in [&mut others, &mut first, &mut late] {
        fleet.end_tokens();
        fleet.send("token");
    }
    let mut shared = others.received_tokens();
    shared.extend(first.received_tokens());
    shared.extend(late.received_tokens());
    assert_eq!((shared.len(), sandbox.token_requests()), (1, 3));
}

/// The stopped process has used the refresh token and not saved the next one, so another one uses it
/// again. This is as after a lost response: a server that allows it returns a login for all, and
/// another one ends the login.
#[test]
fn login_of_a_stopped_process_is_as_after_a_lost_response() {
    let test = "stalled::login_of_a_stopped_process_is_as_after_a_lost_response";
    if let Some(job) = job() {
        return serve(job);
    }
    for (refresh_tokens, survives) in [
        (RefreshTokens::RotatingWithGrace(LIFE), true),
        (RefreshTokens::Rotating, false),
    ] {
        let runtime = runtime();
        let builder = Sandbox::builder().code_client([WEB]).token_lifetime(LIFE);
        let starting = builder.refresh_tokens(refresh_tokens).start();
        let (sandbox, server) = (runtime.block_on(starting).unwrap(), Server::start());
        let site = Site::of(&sandbox, &server.url());
        let login = site.login(SealingKey::from_bytes([7; 32]), &Clock::manual());
        runtime.block_on(log_in(&sandbox, &login));
        let mut others = Fleet::start(OTHERS, test, &site, "login");
        let mut first = Fleet::start(1, test, &site, "login, stops at its save");
        others.end_tokens();
        first.end_tokens();
        first.send("token after pauses");
        first.each_says("saves");
        first.stop();
        others.send("token");
        let mut results = others.messages();
        first.resume();
        results.extend(first.messages());
        results.dedup();
        assert_eq!(results.len(), 1, "{results:?}");
        assert_eq!(results[0] == LOGIN_REQUIRED, !survives, "{results:?}");
        let counts = || (sandbox.refresh_requests(), sandbox.refresh_reuses());
        assert_eq!(counts(), (2, 1));
        // All renew the same login, or none.
        for fleet in [&mut others, &mut first] {
            fleet.end_tokens();
            fleet.send("token");
        }
        let mut results = others.messages();
        results.extend(first.messages());
        results.dedup();
        assert_eq!(results.len(), 1, "{results:?}");
        assert_eq!(counts(), (2 + usize::from(survives), 1));
    }
}

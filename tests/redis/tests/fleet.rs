//! One token for many processes, whatever happens to the one that requests it.

use crate::{
    child_process::job,
    member::{Fleet, Site, runtime, sandbox, serve},
    server::Server,
};

const PROCESSES: usize = 50;

#[test]
fn fifty_processes_that_start_at_once_send_one_request() {
    let test = "fleet::fifty_processes_that_start_at_once_send_one_request";
    if let Some(job) = job() {
        return serve(job);
    }
    let runtime = runtime();
    let (sandbox, server) = (runtime.block_on(sandbox()), Server::start());
    let site = Site::of(&sandbox, &server.url());
    let mut fleet = Fleet::start(PROCESSES, test, &site, "service");
    for requests in 1..=3 {
        assert_eq!(fleet.tokens().len(), 1);
        assert_eq!(sandbox.token_requests(), requests);
        fleet.end_tokens();
    }
    // Those who wait ask now and then, not all the time.
    let asked = runtime.block_on(server.ask(&["INFO", "commandstats"]));
    let asked = format!("{asked:?}");
    let asked = asked.split("cmdstat_eval:calls=").nth(1).unwrap();
    let asked: usize = asked.split(',').next().unwrap().parse().unwrap();
    println!("{asked} scripts for {} tokens", 3 * PROCESSES);
    assert!(asked < 15 * 3 * PROCESSES, "{asked}");
    fleet.expect_store_failures(0);
    // A record, and no turn that nobody gives up.
    runtime.block_on(server.record());
    assert_eq!(runtime.block_on(server.keys()).len(), 1);
}

#[test]
fn killed_after_sending_costs_one_more_request() {
    let test = "fleet::killed_after_sending_costs_one_more_request";
    if let Some(job) = job() {
        return serve(job);
    }
    let runtime = runtime();
    let (sandbox, server) = (runtime.block_on(sandbox()), Server::start());
    let site = Site::of(&sandbox, &server.url());
    let mut others = Fleet::start(9, test, &site, "service");
    let gate = sandbox.at_token_endpoint().times(1).gate();
    let mut first = Fleet::start(1, test, &site, "service");
    first.send("token");
    runtime.block_on(gate.wait_for(1));
    others.send("token");
    drop(first);
    assert_eq!(others.received_tokens().len(), 1);
    assert_eq!(sandbox.token_requests(), 2);
    others.expect_store_failures(0);
}

#[test]
fn killed_before_sending_costs_no_request() {
    let test = "fleet::killed_before_sending_costs_no_request";
    if let Some(job) = job() {
        return serve(job);
    }
    let runtime = runtime();
    let (sandbox, server) = (runtime.block_on(sandbox()), Server::start());
    let site = Site::of(&sandbox, &server.url());
    let mut others = Fleet::start(9, test, &site, "service");
    let mut first = Fleet::start(1, test, &site, "service, stops with the turn");
    first.send("token");
    first.each_says("has the turn");
    others.send("token");
    drop(first);
    assert_eq!(others.received_tokens().len(), 1);
    assert_eq!(sandbox.token_requests(), 1);
    others.expect_store_failures(0);
}

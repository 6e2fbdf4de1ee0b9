//! A login that processes share through Redis.

use std::collections::BTreeSet;

use genesys_cloud_auth::{
    Clock,
    sandbox::{RefreshTokens, Sandbox},
    store::SealingKey,
};
use redis::Value;

use crate::{
    child_process::job,
    member::{Fleet, LIFE, Site, USER, WEB, hash_of, log_in, runtime, serve},
    server::Server,
};

const PROCESSES: usize = 20;
const ROTATIONS: usize = 100;

async fn sandbox() -> Sandbox {
    let builder = Sandbox::builder().code_client([WEB]);
    let builder = builder.refresh_tokens(RefreshTokens::Rotating);
    builder.token_lifetime(LIFE).start().await.unwrap()
}

fn key() -> SealingKey {
    SealingKey::from_bytes([7; 32])
}

#[test]
fn twenty_processes_rotate_a_token_a_hundred_times() {
    let test = "login::twenty_processes_rotate_a_token_a_hundred_times";
    if let Some(job) = job() {
        return serve(job);
    }
    let runtime = runtime();
    let (sandbox, server) = (runtime.block_on(sandbox()), Server::start());
    let site = Site::of(&sandbox, &server.url());
    let login = site.login(key(), &Clock::manual());
    runtime.block_on(log_in(&sandbox, &login));
    let mut fleet = Fleet::start(PROCESSES, test, &site, "login");
    let mut seen = BTreeSet::new();
    for rotation in 1..=ROTATIONS {
        fleet.end_tokens();
        let tokens = fleet.tokens();
        assert_eq!(tokens.len(), 1, "one token for all in rotation {rotation}");
        assert!(seen.is_disjoint(&tokens), "an old one in {rotation}");
        seen.extend(tokens);
        assert_eq!(sandbox.refresh_requests(), rotation);
    }
    assert_eq!(sandbox.refresh_reuses(), 0);
    assert_eq!(sandbox.token_requests(), 1 + ROTATIONS);
    // It has a refresh token, so Redis keeps it.
    let record = runtime.block_on(server.record());
    assert_eq!(
        runtime.block_on(server.ask(&["PTTL", &record])),
        Value::Int(-1)
    );
    assert_eq!(runtime.block_on(server.keys()), [record]);
}

/// The lease ends while a renewal is under way. The renewed login is stored under a new turn.
#[tokio::test]
async fn login_renewed_under_a_lost_turn_is_stored() {
    let (sandbox, server) = (sandbox().await, Server::start());
    let site = Site::of(&sandbox, &server.url());
    let clock = Clock::manual();
    let tokens = log_in(&sandbox, &site.login(key(), &clock)).await;
    let record = server.record().await;
    clock.advance(LIFE);
    let gate = sandbox.at_token_endpoint().gate();
    let renewing = tokio::spawn({
        let tokens = tokens.clone();
        async move { tokens.token().await }
    });
    gate.wait_for(1).await;
    let turn = record.replace(":record", ":turn");
    assert_eq!(server.ask(&["DEL", &turn]).await, Value::Int(1));
    gate.release();
    let error = renewing.await.unwrap().unwrap_err();
    assert!(
        error.is_transient() && error.to_string().contains("turn was lost"),
        "{error}"
    );
    tokens.ready(LIFE).await.unwrap();
    let renewed = tokens.token().await.unwrap();
    let later = site
        .login(key(), &clock)
        .saved(USER)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(hash_of(&later.token().await.unwrap()), hash_of(&renewed));
    assert_eq!(sandbox.refresh_requests(), 1);
}

/// Redis is where the login is.
#[tokio::test]
async fn flushed_login_is_required_again() {
    let (sandbox, server) = (sandbox().await, Server::start());
    let site = Site::of(&sandbox, &server.url());
    let clock = Clock::manual();
    let tokens = log_in(&sandbox, &site.login(key(), &clock)).await;
    server.ask(&["FLUSHALL"]).await;
    clock.advance(LIFE);
    let error = tokens.token().await.unwrap_err();
    assert!(error.needs_login(), "{error}");
    assert_eq!(sandbox.refresh_requests(), 0);
}

/// Without the turn no refresh token is sent.
#[tokio::test]
async fn login_in_a_paused_redis_is_a_transient_error() {
    let (sandbox, server) = (sandbox().await, Server::start());
    let site = Site::of(&sandbox, &server.url());
    let clock = Clock::manual();
    let tokens = log_in(&sandbox, &site.login(key(), &clock)).await;
    server.pause();
    let valid = tokens.token().await.unwrap();
    clock.advance(LIFE);
    let error = tokens.token().await.unwrap_err();
    assert!(
        error.is_transient() && error.to_string().contains("did not respond"),
        "{error}"
    );
    assert_eq!(sandbox.refresh_requests(), 0);
    server.resume();
    tokens.ready(LIFE).await.unwrap();
    let renewed = tokens.token().await.unwrap();
    assert_ne!(hash_of(&renewed), hash_of(&valid));
    assert_eq!(
        (sandbox.refresh_requests(), sandbox.refresh_reuses()),
        (1, 0)
    );
}

/// An older record that somebody puts back is not used by the process that has seen a newer one.
#[tokio::test]
async fn record_that_is_put_back_is_not_used() {
    let (sandbox, server) = (sandbox().await, Server::start());
    let site = Site::of(&sandbox, &server.url());
    let clock = Clock::manual();
    let tokens = log_in(&sandbox, &site.login(key(), &clock)).await;
    let record = server.record().await;
    server.ask(&["COPY", &record, "kept"]).await;
    clock.advance(LIFE);
    tokens.token().await.unwrap();
    assert_eq!(sandbox.refresh_requests(), 1);
    server.ask(&["COPY", "kept", &record, "REPLACE"]).await;
    clock.advance(LIFE);
    let error = tokens.token().await.unwrap_err();
    assert!(error.needs_login(), "{error}");
    assert_eq!(
        (sandbox.refresh_requests(), sandbox.refresh_reuses()),
        (1, 0)
    );
}

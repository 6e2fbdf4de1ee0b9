//! A logout while another request is under way: nothing brings the login back.

use std::task::Poll;

use super::*;
use crate::support::child_process::{ChildProcess, job, read_from_parent, send_to_parent};

#[test]
fn a_logout_is_not_undone_by_a_renewal_under_way() {
    let test = "processes::revoked::a_logout_is_not_undone_by_a_renewal_under_way";
    if let Some(job) = job() {
        return finds_nobody(&Here::of(job));
    }
    for api_is_down in [false, true] {
        let site = runtime().block_on(Site::new(RefreshTokens::Rotating));
        runtime().block_on(async {
            let tokens = site.log_in().await;
            if api_is_down {
                site.sandbox.at_api().drop_response();
            }
            let gate = site.sandbox.at_token_endpoint().gate();
            // The token is due for renewal and still valid, so the server must revoke it.
            site.clock.advance(LIFE * 9 / 10);
            tokens.token().await.unwrap();
            gate.wait_for(1).await;
            let revoked = tokens.revoke().await;
            assert_eq!(revoked.is_err(), api_is_down, "{revoked:?}");
            gate.release();
            logged_out(&site, &tokens).await;
        });
        assert_eq!(said_by(site.child(test, &[])), ["nobody"]);
    }
}

#[test]
fn a_logout_ends_what_another_process_renews_meanwhile() {
    let test = "processes::revoked::a_logout_ends_what_another_process_renews_meanwhile";
    if let Some(job) = job() {
        let here = Here::of(job);
        if here.rest.is_empty() {
            return finds_nobody(&here);
        }
        return runtime().block_on(renews_and_goes_on(&here));
    }
    for api_is_down in [false, true] {
        let runtime = runtime();
        let site = runtime.block_on(Site::new(RefreshTokens::Rotating));
        let tokens = runtime.block_on(site.log_in());
        let gate = site.sandbox.at_token_endpoint().gate();
        let mut child = ChildProcess::start(&mut site.child(test, &["renews"]));
        runtime.block_on(async {
            gate.wait_for(1).await;
            let down = api_is_down.then(|| site.sandbox.at_api().drop_response());
            // It waits for the turn.
            let mut revoked = Box::pin(tokens.revoke());
            let first = std::future::poll_fn(|context| Poll::Ready(revoked.as_mut().poll(context)));
            assert!(first.await.is_pending());
            is(&tokens.token().await.unwrap_err(), "LoginRequired");
            gate.release();
            assert_eq!(revoked.await.is_err(), api_is_down);
            if let Some(down) = down {
                down.remove();
            }
            logged_out(&site, &tokens).await;
        });
        assert_eq!(child.next_message().unwrap(), "renewed");
        // The one token that it may have still is good for its life where the server was not told.
        child.send("go on");
        assert_eq!(child.next_message().unwrap(), "LoginRequired");
        assert_eq!(site.sandbox.refresh_requests(), 1);
        assert_eq!(said_by(site.child(test, &[])), ["nobody"]);
    }
}

async fn logged_out(site: &Site, tokens: &TokenProvider) {
    for _ in 0..3 {
        is(&tokens.token().await.unwrap_err(), "LoginRequired");
        site.clock.advance(seconds(30));
    }
    assert!(site.saved().await.is_none());
    assert_eq!(site.names(), [""; 0]);
}

fn finds_nobody(here: &Here) {
    runtime().block_on(async {
        let login = here.login(here.store(), &Clock::manual());
        let saved = login.saved(USER).await.unwrap();
        send_to_parent(saved.map_or("nobody", |_| "somebody"));
    });
}

async fn renews_and_goes_on(here: &Here) {
    let clock = Clock::manual();
    let login = here.login(here.store(), &clock);
    let tokens = login.saved(USER).await.unwrap().unwrap();
    clock.advance(LIFE);
    tokens.token().await.unwrap();
    send_to_parent("renewed");
    read_from_parent();
    clock.advance(LIFE);
    send_to_parent(&kind_of(&tokens.token().await.unwrap_err()));
}

fn said_by(mut child: std::process::Command) -> Vec<String> {
    crate::support::child_process::messages_of(&child.output().unwrap())
}

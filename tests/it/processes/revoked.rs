//! A logout while another request is under way ends the login for good.

use std::task::Poll;

use super::*;
use crate::support::child_process::{ChildProcess, read_from_parent, send_to_parent};

#[test]
fn renewal_under_way_does_not_undo_a_logout() {
    let test = "processes::revoked::renewal_under_way_does_not_undo_a_logout";
    if let Some(here) = ChildSite::of_this_process() {
        return assert_logged_out(&here);
    }
    for api_is_down in [false, true] {
        let site = runtime().block_on(Site::new(RefreshTokens::Rotating));
        runtime().block_on(async {
            let tokens = site.log_in().await;
            if api_is_down {
                site.sandbox.at_api().drop_response();
            }
            let gate = site.sandbox.at_token_endpoint().gate();
            // The token under renewal is still valid and must be ended at the server.
            site.clock.advance(LIFE * 9 / 10);
            tokens.token().await.unwrap();
            gate.wait_for(1).await;
            let revoked = tokens.revoke().await;
            assert_eq!(revoked.is_err(), api_is_down, "{revoked:?}");
            gate.release();
            logged_out(&site, &tokens).await;
        });
        assert_eq!(lines_of(site.child(test, &[])), ["nobody"]);
    }
}

#[test]
fn logout_ends_what_another_process_renews() {
    let test = "processes::revoked::logout_ends_what_another_process_renews";
    if let Some(here) = ChildSite::of_this_process() {
        if here.rest.is_empty() {
            return assert_logged_out(&here);
        }
        return runtime().block_on(renew_and_continue(&here));
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
            // The logout waits for the turn.
            let mut revoked = Box::pin(tokens.revoke());
            let first = std::future::poll_fn(|context| Poll::Ready(revoked.as_mut().poll(context)));
            assert!(first.await.is_pending());
            assert_kind(&tokens.token().await.unwrap_err(), "LoginRequired");
            gate.release();
            assert_eq!(revoked.await.is_err(), api_is_down);
            if let Some(down) = down {
                down.remove();
            }
            logged_out(&site, &tokens).await;
        });
        assert_eq!(child.next_message().unwrap(), "renewed");
        // Where the server was not reached, one token stays valid for its life.
        child.send("go on");
        assert_eq!(child.next_message().unwrap(), "LoginRequired");
        assert_eq!(site.sandbox.refresh_requests(), 1);
        assert_eq!(lines_of(site.child(test, &[])), ["nobody"]);
    }
}

async fn logged_out(site: &Site, tokens: &TokenProvider) {
    for _ in 0..3 {
        assert_kind(&tokens.token().await.unwrap_err(), "LoginRequired");
        site.clock.advance(seconds(30));
    }
    assert!(site.saved().await.is_none());
    assert_eq!(site.names(), [""; 0]);
}

fn assert_logged_out(here: &ChildSite) {
    runtime().block_on(async {
        let login = here.login(here.store(), &Clock::manual());
        let saved = login.saved(USER).await.unwrap();
        send_to_parent(saved.map_or("nobody", |_| "somebody"));
    });
}

async fn renew_and_continue(here: &ChildSite) {
    let (tokens, clock) = here.saved(here.store()).await;
    clock.advance(LIFE);
    tokens.token().await.unwrap();
    send_to_parent("renewed");
    read_from_parent();
    clock.advance(LIFE);
    send_to_parent(&kind_of(&tokens.token().await.unwrap_err()));
}

fn lines_of(mut child: std::process::Command) -> Vec<String> {
    crate::support::child_process::messages_of(&child.output().unwrap())
}

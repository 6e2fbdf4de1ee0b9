//! Logins that the server ended, and lost responses.

use super::*;
use crate::support::child_process::{ChildProcess, send_to_parent, wait_for_parent};

/// The server has exchanged the refresh token, and the new one is lost.
#[tokio::test]
async fn lost_response_costs_at_most_one_login() {
    for grace in [false, true] {
        let site = Site::new(rotating(grace, LIFE)).await;
        let tokens = site.log_in().await;
        site.sandbox.at_token_endpoint().times(1).drop_response();
        site.clock.advance(LIFE);
        let error = tokens.token().await.unwrap_err();
        assert!(error.is_transient() && !error.needs_login(), "{error}");
        // A new process asks again, because it does not know of the loss.
        drop(tokens);
        let tokens = site.saved().await.unwrap();
        let again = tokens.token().await;
        assert_eq!(site.sandbox.refresh_reuses(), 1);
        if grace {
            again.unwrap();
        } else {
            assert_kind(&again.unwrap_err(), "LoginRequired");
            assert!(site.saved().await.is_none());
            site.log_in().await.token().await.unwrap();
        }
        assert_eq!(site.sandbox.refresh_requests(), 2);
        site.assert_tidy();
    }
}

#[test]
fn kill_during_removal_leaves_the_login_or_nothing() {
    let test = "processes::ended::kill_during_removal_leaves_the_login_or_nothing";
    if let Some(here) = ChildSite::of_this_process() {
        return runtime().block_on(remove_until_killed(&here));
    }
    for (step, is_left) in [("unlink", true), ("sync_folder", false)] {
        let runtime = runtime();
        let site = runtime.block_on(Site::logged_in(RefreshTokens::Rotating));
        site.sandbox.expire_refresh_tokens();
        let old = hash_of_file(&site.record());
        let mut child = ChildProcess::start(&mut site.child(test, &[step]));
        assert_eq!(child.next_message().as_deref(), Some(step));
        drop(child);
        site.clock.advance(LIFE);
        runtime.block_on(async {
            let saved = site.saved().await;
            assert_eq!(saved.is_some(), is_left, "{step}");
            if let Some(tokens) = saved {
                assert_eq!(hash_of_file(&site.record()), old);
                assert_kind(&tokens.token().await.unwrap_err(), "LoginRequired");
                assert!(site.saved().await.is_none());
            }
            // The second request is that of a process that still found the login.
            let requests = 1 + usize::from(is_left);
            assert_eq!(site.sandbox.refresh_requests(), requests, "{step}");
            site.log_in().await;
            site.saved().await.unwrap().token().await.unwrap();
        });
        site.assert_tidy();
    }
}

async fn remove_until_killed(here: &ChildSite) {
    let step = here.rest[0].clone();
    let store = here.store().before_step(move |now| {
        if now == step {
            send_to_parent(now);
            wait_for_parent();
        }
    });
    let (tokens, clock) = here.saved(store).await;
    clock.advance(LIFE);
    let ended = tokens.token().await;
    panic!("it is held before it ends: {ended:?}");
}

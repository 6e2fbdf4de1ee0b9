//! Processes that have a record's turn and stop.

use std::sync::mpsc;

use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::support::child_process::{
    ChildProcess, read_from_parent, send_to_parent, wait_for_parent,
};

#[test]
fn stopped_holder_is_waited_for_and_nothing_is_sent() {
    let test = "processes::turns::stopped_holder_is_waited_for_and_nothing_is_sent";
    if let Some(here) = ChildSite::of_this_process() {
        return runtime().block_on(renew_in_steps(&here));
    }
    let site = runtime().block_on(Site::logged_in(RefreshTokens::Rotating));
    let mut child = ChildProcess::start(&mut site.child(test, &["save"]));
    while child.next_message().unwrap() != "save" {}
    let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    ask_without_success(&site);
    assert_eq!(site.sandbox.refresh_requests(), 1);
    kill_process(pid, Signal::CONT).unwrap();
    child.send("go on");
    let renewed = child.next_message().unwrap();
    site.clock.advance(LIFE);
    runtime().block_on(async {
        let tokens = site.saved().await.unwrap();
        assert_eq!(hash_of(&tokens.token().await.unwrap()), renewed);
    });
    assert_eq!(site.sandbox.refresh_requests(), 1);
    assert_eq!(site.sandbox.refresh_reuses(), 0);
}

#[test]
fn lock_held_forever_costs_no_refresh_token() {
    let test = "processes::turns::lock_held_forever_costs_no_refresh_token";
    if let Some(here) = ChildSite::of_this_process() {
        let mut files = names(&here.folder).into_iter();
        let lock = files.find(|name| has_ending(name, "lock")).unwrap();
        let lock = fs::File::open(here.folder.join(lock)).unwrap();
        lock.try_lock().unwrap();
        send_to_parent("locked");
        wait_for_parent();
        return drop(lock);
    }
    let site = runtime().block_on(Site::logged_in(RefreshTokens::Rotating));
    let mut child = ChildProcess::start(&mut site.child(test, &[]));
    assert_eq!(child.next_message().unwrap(), "locked");
    ask_without_success(&site);
    assert_eq!(site.sandbox.refresh_requests(), 0);
    drop(child);
    site.clock.advance(LIFE);
    let token = runtime().block_on(async { site.saved().await.unwrap().token().await });
    token.unwrap();
    assert_eq!(site.sandbox.refresh_requests(), 1);
}

/// The time is tokio's paused time; nothing is sent here.
fn ask_without_success(site: &Site) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (tokens, clock) = site.here().saved(site.here().store()).await;
        let token = hash_of(&tokens.token().await.unwrap());
        // A renewal is due from now on.
        clock.advance(LIFE * 9 / 10);
        for _ in 0..3 {
            assert_eq!(hash_of(&tokens.token().await.unwrap()), token);
            tokio::time::sleep(seconds(17)).await;
        }
        clock.advance(LIFE / 10);
        let error = tokens.token().await.unwrap_err();
        assert_kind(&error, "Store");
        assert!(error.is_transient() && !error.needs_login(), "{error}");
    });
}

/// The refresh token can be used again: only the turn is lost.
#[test]
fn turn_of_a_killed_process_passes_to_the_waiter() {
    let test = "processes::turns::turn_of_a_killed_process_passes_to_the_waiter";
    if let Some(here) = ChildSite::of_this_process() {
        return runtime().block_on(renew_in_steps(&here));
    }
    let site = runtime().block_on(Site::logged_in(RefreshTokens::Reusable));
    let mut child = ChildProcess::start(&mut site.child(test, &["save"]));
    while child.next_message().unwrap() != "save" {}
    site.clock.advance(LIFE);
    let (begins, waits) = mpsc::channel();
    let store = Stepwise::new(site.folder.path(), move |step| {
        drop(begins.send(step.to_owned()));
    });
    runtime().block_on(async {
        let login = site.here().login(store, &site.clock);
        let tokens = login.saved(USER).await.unwrap().unwrap();
        let waiting = tokio::spawn(async move { tokens.token().await });
        while waits.try_recv().as_deref() != Ok("turn") {
            tokio::task::yield_now().await;
        }
        assert!(!waiting.is_finished());
        assert_eq!(site.sandbox.refresh_requests(), 1);
        drop(child);
        waiting.await.unwrap().unwrap();
    });
    assert_eq!(site.sandbox.refresh_requests(), 2);
    site.assert_tidy();
}

/// Renews, and continues after each given step only when asked.
async fn renew_in_steps(here: &ChildSite) {
    let step = here.rest[0].clone();
    let store = Stepwise::new(&here.folder, move |now| {
        if now == step {
            send_to_parent(now);
            read_from_parent();
        }
    });
    let (tokens, clock) = here.saved(store).await;
    clock.advance(LIFE);
    let token = loop {
        match tokens.token().await {
            Ok(token) => break token,
            // The turn was held longer than the time limit of a store.
            Err(error) => clock.advance(error.retry_after().unwrap()),
        }
    };
    send_to_parent(&hash_of(&token));
}

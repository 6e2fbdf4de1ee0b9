//! Processes that have a record's turn and do not go on.

use std::sync::mpsc;

use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::support::child_process::{
    ChildProcess, job, read_from_parent, send_to_parent, wait_for_parent,
};

#[test]
fn stopped_process_with_the_turn_is_waited_for() {
    let test = "processes::turns::stopped_process_with_the_turn_is_waited_for";
    if let Some(job) = job() {
        return runtime().block_on(renews_in_steps(&Here::of(job)));
    }
    let site = runtime().block_on(logged_in(RefreshTokens::Rotating));
    let mut child = ChildProcess::start(&mut site.child(test, &["save"]));
    while child.next_message().unwrap() != "save" {}
    let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    asks_in_vain(&site);
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
fn a_lock_that_is_held_for_ever_costs_no_refresh_token() {
    let test = "processes::turns::a_lock_that_is_held_for_ever_costs_no_refresh_token";
    if let Some(job) = job() {
        let here = Here::of(job);
        let mut files = names(&here.folder).into_iter();
        let lock = files.find(|name| is_a(name, "lock")).unwrap();
        let lock = fs::File::open(here.folder.join(lock)).unwrap();
        lock.try_lock().unwrap();
        send_to_parent("locked");
        wait_for_parent();
        return drop(lock);
    }
    let site = runtime().block_on(logged_in(RefreshTokens::Rotating));
    let mut child = ChildProcess::start(&mut site.child(test, &[]));
    assert_eq!(child.next_message().unwrap(), "locked");
    asks_in_vain(&site);
    assert_eq!(site.sandbox.refresh_requests(), 0);
    drop(child);
    site.clock.advance(LIFE);
    let token = runtime().block_on(async { site.saved().await.unwrap().token().await });
    token.unwrap();
    assert_eq!(site.sandbox.refresh_requests(), 1);
}

/// Its time is tokio's, which passes at once while nothing happens: nothing is sent here.
fn asks_in_vain(site: &Site) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let clock = Clock::manual();
        let login = site.here().login(site.here().store(), &clock);
        let tokens = login.saved(USER).await.unwrap().unwrap();
        let token = hash_of(&tokens.token().await.unwrap());
        // From now on it is due for renewal.
        clock.advance(LIFE * 9 / 10);
        for _ in 0..3 {
            assert_eq!(hash_of(&tokens.token().await.unwrap()), token);
            tokio::time::sleep(seconds(17)).await;
        }
        clock.advance(LIFE / 10);
        let error = tokens.token().await.unwrap_err();
        is(&error, "Store");
        assert!(error.is_transient() && !error.needs_login(), "{error}");
    });
}

/// The refresh token may be used again: what is lost is the turn alone.
#[test]
fn turn_of_a_killed_process_goes_to_the_next_waiter() {
    let test = "processes::turns::turn_of_a_killed_process_goes_to_the_next_waiter";
    if let Some(job) = job() {
        return runtime().block_on(renews_in_steps(&Here::of(job)));
    }
    let site = runtime().block_on(logged_in(RefreshTokens::Reusable));
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
    site.is_tidy();
}

async fn logged_in(refresh_tokens: RefreshTokens) -> Site {
    let site = Site::new(refresh_tokens).await;
    site.log_in().await;
    site
}

/// Renews, and goes on from the given step only when it is told to.
async fn renews_in_steps(here: &Here) {
    let step = here.rest[0].clone();
    let store = Stepwise::new(&here.folder, move |now| {
        if now == step {
            send_to_parent(now);
            read_from_parent();
        }
    });
    let clock = Clock::manual();
    let login = here.login(store, &clock);
    let tokens = login.saved(USER).await.unwrap().unwrap();
    clock.advance(LIFE);
    let token = loop {
        match tokens.token().await {
            Ok(token) => break token,
            // It was held for longer than a store may take.
            Err(error) => clock.advance(error.retry_after().unwrap()),
        }
    };
    send_to_parent(&hash_of(&token));
}

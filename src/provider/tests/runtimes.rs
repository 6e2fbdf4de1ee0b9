//! Runtimes that are dropped, stalled or missing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake},
};

use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};

use super::*;

/// A provider whose first refresh runs on `first`. The gate holds its request.
fn started_on(first: &Runtime) -> (Arc<Endpoint>, TokenProvider) {
    let (endpoint, tokens) = gated_provider(|_| Reply::Token(60));
    first.block_on(async {
        assert!(tokens.cached_token().is_none());
        endpoint.until_requests(1).await;
    });
    (endpoint, tokens)
}

/// A caller on `second` that waits until the first refresh is lost and starts another.
fn replaced_on(
    second: &Runtime,
    endpoint: &Endpoint,
    tokens: &TokenProvider,
) -> JoinHandle<Result<AccessToken, Error>> {
    let _runtime = second.enter();
    let caller = spawn_caller(tokens);
    second.block_on(async {
        while endpoint.requests() < 2 {
            tokio::time::sleep(seconds(1.0)).await;
        }
    });
    caller
}

#[test]
fn outside_a_runtime_only_a_cached_token_is_served() {
    let (endpoint, tokens) = provider(|_| Reply::Token(60));
    let outside = |tokens: &TokenProvider| ready_output(tokens.token());
    let error = outside(&tokens).unwrap_err();
    assert_kind!(error, ErrorKind::NoRuntime);
    assert!(tokens.cached_token().is_none());
    assert_eq!(endpoint.requests(), 0);

    runtime().block_on(tokens.token()).unwrap();
    assert_eq!(outside(&tokens).unwrap().expose_secret(), "token-0");
    assert!(tokens.cached_token().is_some());
}

#[test]
fn refresh_of_a_dropped_runtime_is_replaced() {
    let (first, second) = (runtime(), runtime());
    let (endpoint, tokens) = started_on(&first);
    second.block_on(async {
        let callers = spawn_callers(&tokens, 1_000);
        until_waiting(&tokens, 1_000).await;
        first.shutdown_background();
        endpoint.release(10);
        assert_all_get(callers, "token-1").await;
    });
    assert_eq!(endpoint.requests(), 2);
}

#[test]
fn refresh_of_a_stalled_runtime_is_replaced() {
    let (first, second) = (runtime(), paused_runtime());
    let (endpoint, tokens) = started_on(&first);
    second.block_on(async {
        endpoint.release(10);
        let start = tokens.clock().now();
        // The gate is open, but nothing drives the first request.
        let callers = spawn_callers(&tokens, 1_000);
        assert_all_get(callers, "token-1").await;
        // The time of one attempt, and one second.
        assert!((10..=11).contains(&(tokens.clock().now() - start).as_secs()));
    });
    assert_eq!(endpoint.requests(), 2);
    drop(first);
}

#[test]
fn late_success_of_a_lost_refresh_is_cached() {
    let (first, second) = (runtime(), paused_runtime());
    let (endpoint, tokens) = started_on(&first);
    let caller = replaced_on(&second, &endpoint, &tokens);
    // The gate holds both requests. Now the first runtime runs again and gets a response.
    endpoint.release(1);
    let late = first.block_on(until_cached(&tokens));
    assert_eq!(late.expose_secret(), "token-0");
    let token = second.block_on(caller).unwrap().unwrap();
    assert_eq!(token.expose_secret(), "token-0");
    assert_eq!(endpoint.requests(), 2);
}

#[test]
fn background_renewal_continues_in_another_runtime() {
    let endpoint = Endpoint::new(|_| Reply::Token(100));
    let (first, second) = (paused_runtime(), paused_runtime());
    let builder = endpoint.builder(Clock::manual(), credentials());
    let tokens = builder.background_renewal().build();
    first.block_on(tokens.token()).unwrap();
    drop(first);
    second.block_on(async {
        tokens.clock().advance(seconds(80.0));
        tokens.token().await.unwrap();
        tokio::time::sleep(seconds(79.0)).await;
        assert_eq!(endpoint.requests(), 2);
        tokio::time::sleep(seconds(2.0)).await;
        assert_eq!(endpoint.requests(), 3);
    });
}

#[test]
fn no_task_remains_after_a_refresh() {
    let endpoint = Endpoint::new(|_| Reply::Token(60));
    let first = runtime();
    let tokens = endpoint.provider(Clock::manual(), credentials());
    first.block_on(tokens.token()).unwrap();
    first.block_on(tokio::task::yield_now());
    assert_eq!(first.metrics().num_alive_tasks(), 0);
    assert_eq!(Arc::strong_count(&tokens.cache), 1);
}

#[test]
fn waiter_after_a_rejected_late_token_waits_for_the_refresh() {
    let (first, second) = (runtime(), paused_runtime());
    let (endpoint, tokens) = started_on(&first);
    let caller = replaced_on(&second, &endpoint, &tokens);
    endpoint.release(1);
    let late = first.block_on(until_cached(&tokens));
    second.block_on(caller).unwrap().unwrap();
    tokens.invalidate(&late);
    second.block_on(async {
        let mut waiting = pin!(tokens.token());
        let woken = Arc::new(Woken::default());
        let waker = Arc::clone(&woken).into();
        let polled = waiting.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        // Gives a delayed waker the time to wake.
        tokio::task::yield_now().await;
        let polls_in_a_loop = woken.0.load(Ordering::SeqCst);
        assert!(!polls_in_a_loop);
        endpoint.release(1);
        assert_eq!(waiting.await.unwrap().expose_secret(), "token-1");
    });
    assert_eq!(endpoint.requests(), 2);
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn runtime_that_was_shut_down_counts_as_none() {
    for build in [
        Builder::new_current_thread as fn() -> Builder,
        Builder::new_multi_thread,
    ] {
        let (endpoint, tokens) = provider(|_| Reply::Token(60));
        let gone = build().enable_all().build().unwrap();
        let handle = gone.handle().clone();
        drop(gone);
        let error = handle.block_on(tokens.token()).unwrap_err();
        assert_kind!(error, ErrorKind::NoRuntime);
        assert_eq!(waiters(&tokens), 0);

        runtime().block_on(tokens.token()).unwrap();
        let cached = handle.block_on(tokens.token()).unwrap();
        assert_eq!(cached.expose_secret(), "token-0");
        assert_eq!(endpoint.requests(), 1);
    }
}

/// Runtimes without timers, without sockets, and without both.
fn limited_runtimes() -> [Runtime; 3] {
    [
        Builder::new_current_thread().build().unwrap(),
        Builder::new_current_thread().enable_io().build().unwrap(),
        Builder::new_current_thread().enable_time().build().unwrap(),
    ]
}

#[test]
fn runtime_without_timers_or_sockets_counts_as_none() {
    for limited in limited_runtimes() {
        let endpoint = Endpoint::new(|_| Reply::Token(60));
        let builder = endpoint.builder(Clock::manual(), credentials());
        let tokens = builder.background_renewal().build();
        limited.block_on(async {
            assert!(tokens.cached_token().is_none());
            for error in [
                tokens.token().await.unwrap_err(),
                tokens.authorization_header().await.unwrap_err(),
                tokens.ready(seconds(60.0)).await.unwrap_err(),
                tokens.token_info().await.unwrap_err(),
                tokens.revoke().await.unwrap_err(),
            ] {
                assert_kind!(error, ErrorKind::NoRuntime);
            }
        });
        assert_eq!(endpoint.requests(), 0);
        // No pause is left behind, and a valid token is served there.
        runtime().block_on(tokens.token()).unwrap();
        limited.block_on(tokens.token()).unwrap();
        assert_eq!(endpoint.requests(), 1);
        let error = limited.block_on(tokens.token_info()).unwrap_err();
        assert_kind!(error, ErrorKind::NoRuntime);
    }
}

#[test]
fn waiter_without_timers_does_not_wait_for_a_refresh_elsewhere() {
    let first = runtime();
    let (endpoint, tokens) = started_on(&first);
    let limited = Builder::new_current_thread().build().unwrap();
    let error = limited.block_on(tokens.token()).unwrap_err();
    assert_kind!(error, ErrorKind::NoRuntime);
    endpoint.release(1);
    first.block_on(tokens.token()).unwrap();
    assert_eq!(endpoint.requests(), 1);
}

#[test]
fn background_renewal_without_sockets_blocks_nothing() {
    let endpoint = Endpoint::new(|_| Reply::Token(100));
    let builder = endpoint.builder(Clock::manual(), credentials());
    let tokens = builder.background_renewal().build();
    let limited = Builder::new_current_thread().enable_time().build().unwrap();
    // The background task starts here.
    limited.block_on(tokens.token()).unwrap_err();
    runtime().block_on(tokens.token()).unwrap();
    tokens.clock().advance(seconds(80.0));
    let (ended, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        limited.block_on(async { tokio::time::sleep(seconds(0.1)).await });
        ended.send(()).unwrap();
    });
    assert!(end.recv_timeout(seconds(10.0)).is_ok(), "the runtime hangs");
}

//! Runtimes that come and go.

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

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn paused() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
}

/// A provider whose first request was begun on `first` and is held at the gate.
fn begun_on(first: &Runtime, endpoint: &Arc<Endpoint>) -> TokenProvider {
    let tokens = endpoint.provider(Clock::manual(), credentials());
    first.block_on(async {
        assert!(tokens.cached_token().is_none());
        while endpoint.requests() == 0 {
            tokio::task::yield_now().await;
        }
    });
    tokens
}

/// A caller on `second` that waited for the first request in vain, and began another.
fn given_up_on(
    second: &Runtime,
    endpoint: &Endpoint,
    tokens: &TokenProvider,
) -> JoinHandle<Result<AccessToken, Error>> {
    let tokens = tokens.clone();
    let caller = second.spawn(async move { tokens.token().await });
    second.block_on(async {
        while endpoint.requests() < 2 {
            tokio::time::sleep(seconds(1.0)).await;
        }
    });
    caller
}

/// Drives `first` until its answer is there.
fn late_answer(first: &Runtime, tokens: &TokenProvider) -> AccessToken {
    first.block_on(async {
        loop {
            match tokens.cached_token() {
                Some(token) => return token,
                None => tokio::task::yield_now().await,
            }
        }
    })
}

#[test]
fn outside_a_runtime_there_is_what_there_is() {
    let endpoint = Endpoint::new(|_| Say::Token(60));
    let tokens = endpoint.provider(Clock::manual(), credentials());
    let outside = |tokens: &TokenProvider| {
        let mut token = Box::pin(tokens.token());
        match token.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("waits outside a runtime"),
        }
    };
    let error = outside(&tokens).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NoRuntime), "{error:?}");
    assert!(tokens.cached_token().is_none());
    assert_eq!(endpoint.requests(), 0);

    runtime().block_on(tokens.token()).unwrap();
    assert_eq!(outside(&tokens).unwrap().expose_secret(), "token-0");
    assert!(tokens.cached_token().is_some());
}

#[test]
fn a_flight_whose_runtime_is_dropped_is_replaced() {
    let endpoint = Endpoint::gated(|_| Say::Token(60));
    let (first, second) = (runtime(), runtime());
    let tokens = begun_on(&first, &endpoint);
    second.block_on(async {
        let callers: Vec<_> = (0..1_000)
            .map(|_| {
                let tokens = tokens.clone();
                tokio::spawn(async move { tokens.token().await })
            })
            .collect();
        while tokens
            .cache
            .update(|state, _| state.waiters.receiver_count())
            < 1_000
        {
            tokio::task::yield_now().await;
        }
        first.shutdown_background();
        endpoint.release(10);
        for caller in callers {
            assert_eq!(caller.await.unwrap().unwrap().expose_secret(), "token-1");
        }
    });
    assert_eq!(endpoint.requests(), 2);
}

#[test]
fn a_flight_whose_runtime_is_no_longer_driven_is_replaced() {
    let endpoint = Endpoint::gated(|_| Say::Token(60));
    let (first, second) = (runtime(), paused());
    let tokens = begun_on(&first, &endpoint);
    second.block_on(async {
        endpoint.release(10);
        let start = tokens.clock().now();
        // The gate is open, but nobody drives the first request.
        let callers: Vec<_> = (0..1_000)
            .map(|_| {
                let tokens = tokens.clone();
                tokio::spawn(async move { tokens.token().await })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap().unwrap().expose_secret(), "token-1");
        }
        // One attempt's time, and one second.
        assert!((10..=11).contains(&(tokens.clock().now() - start).as_secs()));
    });
    assert_eq!(endpoint.requests(), 2);
    drop(first);
}

#[test]
fn a_late_good_answer_is_kept() {
    let endpoint = Endpoint::gated(|_| Say::Token(60));
    let (first, second) = (runtime(), paused());
    let tokens = begun_on(&first, &endpoint);
    let caller = given_up_on(&second, &endpoint, &tokens);
    // Both are held; now the first runtime is driven again, and the first request answered.
    endpoint.release(1);
    assert_eq!(late_answer(&first, &tokens).expose_secret(), "token-0");
    let token = second.block_on(caller).unwrap().unwrap();
    assert_eq!(token.expose_secret(), "token-0");
    assert_eq!(endpoint.requests(), 2);
}

#[test]
fn a_background_renewal_goes_on_in_another_runtime() {
    let endpoint = Endpoint::new(|_| Say::Token(100));
    let clock = Clock::manual();
    let (first, second) = (paused(), paused());
    let tokens = endpoint.provider_with(
        clock.clone(),
        credentials(),
        || Jitter::pinned(0.5),
        |_| {},
        true,
    );
    first.block_on(tokens.token()).unwrap();
    drop(first);
    second.block_on(async {
        clock.advance(seconds(80.0));
        tokens.token().await.unwrap();
        tokio::time::sleep(seconds(79.0)).await;
        assert_eq!(endpoint.requests(), 2);
        tokio::time::sleep(seconds(2.0)).await;
        assert_eq!(endpoint.requests(), 3);
    });
}

#[test]
fn no_task_is_left_behind() {
    let endpoint = Endpoint::new(|_| Say::Token(60));
    let first = runtime();
    let tokens = endpoint.provider(Clock::manual(), credentials());
    first.block_on(tokens.token()).unwrap();
    first.block_on(tokio::task::yield_now());
    assert_eq!(first.metrics().num_alive_tasks(), 0);
    assert_eq!(Arc::strong_count(&tokens.cache), 1);
}

#[test]
fn who_waits_after_a_late_answer_was_refused_waits_for_the_other_request() {
    let endpoint = Endpoint::gated(|_| Say::Token(60));
    let (first, second) = (runtime(), paused());
    let tokens = begun_on(&first, &endpoint);
    let caller = given_up_on(&second, &endpoint, &tokens);
    endpoint.release(1);
    let late = late_answer(&first, &tokens);
    second.block_on(caller).unwrap().unwrap();
    tokens.invalidate(&late);
    second.block_on(async {
        let mut waiting = pin!(tokens.token());
        let woken = Arc::new(Woken::default());
        let waker = Arc::clone(&woken).into();
        let polled = waiting.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        // Time enough for a waker that was put off.
        tokio::task::yield_now().await;
        assert!(!woken.0.load(Ordering::SeqCst), "asks again and again");
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
fn a_runtime_that_was_shut_down_is_as_good_as_none() {
    for build in [
        Builder::new_current_thread as fn() -> Builder,
        Builder::new_multi_thread,
    ] {
        let endpoint = Endpoint::new(|_| Say::Token(60));
        let tokens = endpoint.provider(Clock::manual(), credentials());
        let gone = build().enable_all().build().unwrap();
        let handle = gone.handle().clone();
        drop(gone);
        let error = handle.block_on(tokens.token()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NoRuntime), "{error:?}");
        assert_eq!(
            tokens
                .cache
                .update(|state, _| state.waiters.receiver_count()),
            0
        );

        runtime().block_on(tokens.token()).unwrap();
        assert_eq!(
            handle.block_on(tokens.token()).unwrap().expose_secret(),
            "token-0"
        );
        assert_eq!(endpoint.requests(), 1);
    }
}

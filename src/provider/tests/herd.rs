//! Many callers, one request.

use std::future::Future;

use tokio::task::JoinHandle;

use super::*;

const CALLERS: usize = 1_000;

type Called = JoinHandle<Result<AccessToken, Error>>;

/// Callers that wait, all of them, for the request that the gate holds.
async fn herd(tokens: &TokenProvider) -> Vec<Called> {
    let callers: Vec<Called> = (0..CALLERS)
        .map(|_| {
            let tokens = tokens.clone();
            tokio::spawn(async move { tokens.token().await })
        })
        .collect();
    waiting(tokens, CALLERS).await;
    callers
}

async fn waiting(tokens: &TokenProvider, callers: usize) {
    let waiting = || {
        tokens
            .cache
            .update(|state, _| state.waiters.receiver_count())
    };
    while waiting() < callers {
        tokio::task::yield_now().await;
    }
}

fn on_threads<F: Future<Output = ()>>(threads: usize, test: impl Fn() -> F) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test());
}

#[test]
fn a_herd_shares_one_success() {
    for threads in [1, 8] {
        on_threads(threads, || async {
            let endpoint = Endpoint::gated(|_| Say::Token(3_600));
            let tokens = endpoint.provider(Clock::manual(), credentials());
            let callers = herd(&tokens).await;
            endpoint.release(10);
            for caller in callers {
                assert_eq!(caller.await.unwrap().unwrap().expose_secret(), "token-0");
            }
            assert_eq!(endpoint.requests(), 1);
        });
    }
}

#[test]
fn a_herd_shares_one_failure() {
    for threads in [1, 8] {
        on_threads(threads, || async {
            let endpoint = Endpoint::gated(|_| Say::Refuse);
            let tokens = endpoint.provider(Clock::manual(), credentials());
            let callers = herd(&tokens).await;
            endpoint.release(10);
            for caller in callers {
                let error = caller.await.unwrap().unwrap_err();
                assert!(
                    matches!(error.kind(), ErrorKind::InvalidClient(_)),
                    "{error:?}"
                );
            }
            assert_eq!(endpoint.requests(), 1);
        });
    }
}

#[test]
fn a_herd_outlives_its_first_caller() {
    for threads in [1, 8] {
        on_threads(threads, || async {
            let endpoint = Endpoint::gated(|_| Say::Token(3_600));
            let tokens = endpoint.provider(Clock::manual(), credentials());
            let first = {
                let tokens = tokens.clone();
                tokio::spawn(async move { tokens.token().await })
            };
            waiting(&tokens, 1).await;
            first.abort();
            assert!(first.await.unwrap_err().is_cancelled());
            let callers = herd(&tokens).await;
            endpoint.release(10);
            for caller in callers {
                assert_eq!(caller.await.unwrap().unwrap().expose_secret(), "token-0");
            }
            assert_eq!(endpoint.requests(), 1);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_may_leave_at_any_moment() {
    // The polls after which a caller leaves: before, between and after the steps of a flight.
    for polls in 0..6 {
        let endpoint = Endpoint::new(|_| Say::After(seconds(1.0), Box::new(Say::Token(60))));
        let tokens = endpoint.provider(Clock::manual(), credentials());
        let mut leaving = Box::pin(tokens.token());
        for _ in 0..polls {
            let _ = futures_poll(&mut leaving).await;
            tokio::task::yield_now().await;
        }
        drop(leaving);
        assert_eq!(tokens.token().await.unwrap().expose_secret(), "token-0");
        assert_eq!(endpoint.requests(), 1, "{polls}");
        assert_eq!(Arc::strong_count(&tokens.cache), 1, "{polls}");
    }
}

async fn futures_poll<F: Future + Unpin>(future: &mut F) -> bool {
    poll_fn(|context| Poll::Ready(Pin::new(&mut *future).poll(context).is_ready())).await
}

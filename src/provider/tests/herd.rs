//! Many callers share one request.

use std::future::Future;

use tokio::task::JoinHandle;

use super::*;

const CALLERS: usize = 1_000;

/// Callers that all wait for the request that the gate holds.
async fn waiting_callers(tokens: &TokenProvider) -> Vec<JoinHandle<Result<AccessToken, Error>>> {
    let callers = spawn_callers(tokens, CALLERS);
    until_waiting(tokens, CALLERS).await;
    callers
}

/// Runs the test on one thread, and on eight.
fn on_threads<F: Future<Output = ()>>(test: impl Fn() -> F) {
    for threads in [1, 8] {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let builder = builder.worker_threads(threads).enable_all();
        builder.build().unwrap().block_on(test());
    }
}

#[test]
fn a_thousand_callers_share_one_success() {
    on_threads(|| async {
        let (endpoint, tokens) = gated_provider(|_| Reply::Token(3_600));
        let callers = waiting_callers(&tokens).await;
        endpoint.release(10);
        assert_all_get(callers, "token-0").await;
        assert_eq!(endpoint.requests(), 1);
    });
}

#[test]
fn a_thousand_callers_share_one_failure() {
    on_threads(|| async {
        let (endpoint, tokens) = gated_provider(|_| Reply::InvalidClient);
        let callers = waiting_callers(&tokens).await;
        endpoint.release(10);
        for caller in callers {
            let error = caller.await.unwrap().unwrap_err();
            assert_kind!(error, ErrorKind::InvalidClient(_));
        }
        assert_eq!(endpoint.requests(), 1);
    });
}

#[test]
fn dropping_the_first_caller_loses_no_token() {
    on_threads(|| async {
        let (endpoint, tokens) = gated_provider(|_| Reply::Token(3_600));
        let first = spawn_caller(&tokens);
        until_waiting(&tokens, 1).await;
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        let callers = waiting_callers(&tokens).await;
        endpoint.release(10);
        assert_all_get(callers, "token-0").await;
        assert_eq!(endpoint.requests(), 1);
    });
}

#[tokio::test(start_paused = true)]
async fn caller_dropped_at_any_poll_loses_nothing() {
    // The number of polls before the caller is dropped, at each step of the refresh.
    for polls in 0..6 {
        let (endpoint, tokens) = provider(|_| after(1.0, Reply::Token(60)));
        let mut dropped = Box::pin(tokens.token());
        for _ in 0..polls {
            let _ = poll_once(&mut dropped).await;
            tokio::task::yield_now().await;
        }
        drop(dropped);
        assert_eq!(text(&tokens).await, "token-0");
        assert_eq!(endpoint.requests(), 1, "{polls}");
        assert_eq!(Arc::strong_count(&tokens.cache), 1, "{polls}");
    }
}

async fn poll_once<F: Future + Unpin>(future: &mut F) -> bool {
    poll_fn(|context| Poll::Ready(Pin::new(&mut *future).poll(context).is_ready())).await
}

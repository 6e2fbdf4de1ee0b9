//! The path that every request of a service takes.

use std::task::{Context, Waker};

use super::*;

fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("waits for a valid token"),
    }
}

#[tokio::test]
async fn a_valid_token_costs_no_allocation_and_no_lock() {
    let endpoint = Endpoint::gated(|_| Say::Token(3_600));
    let clock = Clock::manual();
    for renewing in [false, true] {
        let tokens = endpoint.provider(clock.clone(), credentials());
        endpoint.release(1);
        tokens.token().await.unwrap();
        if renewing {
            clock.advance(seconds(3_300.0));
            let requests = endpoint.requests();
            tokens.token().await.unwrap();
            while endpoint.requests() == requests {
                tokio::task::yield_now().await;
            }
        }
        let allocations = tokens.cache.update(|_, _| {
            // Whoever needed the lock now would wait for ever.
            // A thread's first look allocates once.
            at_once(tokens.token()).unwrap();
            allocation_counter::measure(|| {
                for _ in 0..100 {
                    at_once(tokens.token()).unwrap();
                    at_once(tokens.authorization_header()).unwrap();
                    tokens.cached_token().unwrap();
                }
            })
        });
        assert_eq!(allocations.count_total, 0, "renewing: {renewing}");
    }
}

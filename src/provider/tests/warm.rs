//! The cost of a valid token.

use super::*;

#[tokio::test]
async fn valid_token_needs_no_allocation_and_no_lock() {
    let endpoint = Endpoint::gated(|_| Reply::Token(3_600));
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
            // A caller that needed the lock here would wait for ever. The first call of a thread
            // allocates once.
            ready_output(tokens.token()).unwrap();
            allocation_counter::measure(|| {
                for _ in 0..100 {
                    ready_output(tokens.token()).unwrap();
                    ready_output(tokens.authorization_header()).unwrap();
                    tokens.cached_token().unwrap();
                }
            })
        });
        assert_eq!(allocations.count_total, 0, "renewing: {renewing}");
    }
}

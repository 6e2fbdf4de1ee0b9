//! The cost of a valid token.

use std::collections::HashSet;

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

#[tokio::test(start_paused = true)]
async fn caller_that_finds_a_refresh_under_way_publishes_nothing() {
    let endpoint = Endpoint::gated(|_| Reply::Token(3_600));
    let builder = endpoint.builder(Clock::manual(), credentials());
    let tokens = builder.background_renewal().build();
    let mut changes = tokens.cache.wake.subscribe();
    for renewing in [false, true] {
        let caller = spawn_caller(&tokens);
        endpoint.until_requests(1 + usize::from(renewing)).await;
        let shown = tokens.cache.snapshot.address();
        assert_eq!(shown.is_some(), renewing);
        changes.mark_unchanged();
        for _ in 0..3 {
            let found = cached_token(&tokens.cache);
            assert_eq!(found.is_some(), renewing);
        }
        assert!(!changes.has_changed().unwrap(), "renewing: {renewing}");
        assert_eq!(tokens.cache.snapshot.address(), shown);

        endpoint.release(1);
        caller.await.unwrap().unwrap();
        yield_often().await;
        assert!(changes.has_changed().unwrap(), "renewing: {renewing}");
        assert_ne!(tokens.cache.snapshot.address(), shown);
        tokens.clock().advance(seconds(3_300.0));
    }
}

#[tokio::test]
async fn threads_use_several_reference_counts_of_one_token() {
    let endpoint = Endpoint::new(|_| Reply::Token(3_600));
    let tokens = endpoint.provider(Clock::manual(), credentials());
    tokens.token().await.unwrap();
    let on_a_thread = |_| {
        let tokens = tokens.clone();
        let counts = move || [(); 3].map(|()| ready_output(tokens.token()).unwrap().address());
        let [first, second, third] = std::thread::spawn(counts).join().unwrap();
        assert_eq!((first, first), (second, third), "one thread, one count");
        first
    };
    let counts: HashSet<_> = (0..16).map(on_a_thread).collect();
    // Threads of other tests choose, too.
    assert!(counts.len() > 1, "{counts:?}");
}

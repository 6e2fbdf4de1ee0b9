//! However many come, and however slowly, the right request is served and memory stays bounded.

use std::{io::Write, net, sync::Arc, thread};

use tokio::runtime;

use super::*;

#[tokio::test]
async fn idle_connections_give_way_to_the_right_request() {
    let (listener, address) = listener();
    let mut idle = Vec::new();
    for _ in 0..64 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    let counts = succeed(&listener).await;
    // The 65th and last was the right one.
    assert_eq!(counts.of(Reason::Crowded), 33, "{counts}");
    assert_eq!(listener.serving.connections(), 31);
    // The oldest went first: those that are left are the newest.
    for stream in &mut idle[..33] {
        assert_eq!(rest(stream).await, "");
    }
    for stream in &idle[33..] {
        let nothing = stream.try_read(&mut [0]).unwrap_err();
        assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
    }
}

#[tokio::test]
async fn a_full_house_takes_nobody_before_its_oldest_has_had_its_time() {
    let (listener, address) = listener();
    let clock = Clock::manual();
    let start = clock.now();
    for count in 1..=2 * MOST_CONNECTIONS {
        let stream = TcpStream::connect(address).await.unwrap();
        let next = listener.serving.admit(stream, &clock);
        if count < MOST_CONNECTIONS {
            assert!(next <= clock.now());
        } else {
            assert!(next >= start + LEAST_TIME && next <= clock.now() + LEAST_TIME);
        }
        assert_eq!(listener.serving.connections(), count.min(MOST_CONNECTIONS));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_that_never_ends_does_not_starve_the_right_request() {
    let (listener, address) = listener();
    let other = listener.addresses()[1];
    let listener = Arc::new(listener);
    let flood: Vec<_> = (0..2 * MOST_CONNECTIONS)
        .map(|_| {
            tokio::spawn(async move {
                loop {
                    // As soon as it is closed another is opened. A busy machine may have no free
                    // port for a moment.
                    match TcpStream::connect(address).await {
                        Ok(mut stream) => drop(rest(&mut stream).await),
                        Err(_) => tokio::task::yield_now().await,
                    }
                }
            })
        })
        .collect();
    for at in [address, other] {
        // The flood goes on all the while. That it does is seen by what it costs, so many turned
        // away, not by a time, in which a slow machine might flood nobody.
        let crowded = listener.serving.turned_away().of(Reason::Crowded);
        let flooded = Arc::clone(&listener);
        let waiting = tokio::spawn(async move { wait(&flooded).await });
        turned_away(&listener, Reason::Crowded, crowded + 200).await;
        let shown = spawn_send(at, right(address));
        let callback = timeout(PATIENCE, waiting).await.unwrap();
        callback.unwrap().unwrap().respond.success().await;
        assert!(shown.await.unwrap().starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(listener.serving.connections() <= MOST_CONNECTIONS);
    }
    for task in flood {
        assert!(!task.is_finished());
        task.abort();
    }
}

#[tokio::test]
async fn a_byte_a_second_and_a_silent_connection_end_after_ten_seconds() {
    for sends in [true, false] {
        let (listener, address) = listener();
        let clock = Clock::manual();
        // What takes twice as long ends after the wait itself.
        let deadline = clock.now() + 2 * CONNECTION_TIME - Duration::from_secs(1);
        let mut stream = TcpStream::connect(address).await.unwrap();
        let expected = expected();
        let slow = async {
            while listener.serving.connections() == 0 {
                tokio::task::yield_now().await;
            }
            for (_, byte) in (0..CONNECTION_TIME.as_secs()).zip(right(address).bytes()) {
                assert_eq!(listener.serving.turned_away().of(Reason::TooSlow), 0);
                if sends {
                    stream.write_all(&[byte]).await.unwrap();
                }
                clock.advance(Duration::from_secs(1));
                tokio::task::yield_now().await;
            }
            assert_eq!(rest(&mut stream).await, "");
        };
        tokio::select! {
            _ = listener.wait(&expected, deadline, &clock) => panic!("nothing right came"),
            () = slow => {}
        }
        assert_eq!(succeed(&listener).await.of(Reason::TooSlow), 1);
    }
}

#[test]
fn memory_is_bounded_however_much_is_sent() {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let listener = Listener::bind(LoopbackHost::Localhost, &[0]).unwrap();
    let address = listener.addresses()[0];
    // Of the tests' own threads nothing is counted.
    let floods: Vec<_> = (0..4 * MOST_CONNECTIONS)
        .map(|at| {
            thread::spawn(move || {
                let mut stream = net::TcpStream::connect(address).unwrap();
                // Half of them say almost all that is read, and wait.
                let length = if at % 2 == 0 {
                    1_000_000
                } else {
                    LONGEST_HEAD - 1
                };
                let head = format!("GET /{}", "a".repeat(length - 5));
                let _ = stream.write_all(head.as_bytes());
                stream
            })
        })
        .collect();
    let memory = allocation_counter::measure(|| {
        runtime.block_on(async {
            let all_but_the_last = async {
                while total(&listener.serving.turned_away()) < 96 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                _ = wait(&listener) => panic!("nothing right came"),
                () = all_but_the_last => {}
            }
            succeed(&listener).await;
        });
    });
    for flood in floods {
        flood.join().unwrap();
    }
    let bound = u64::try_from(MOST_CONNECTIONS * (LONGEST_HEAD + 2_048)).unwrap();
    assert!(memory.bytes_max < bound, "{memory:?}");
}

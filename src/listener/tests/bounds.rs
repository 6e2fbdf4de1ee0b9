//! Floods and slow connections do not keep the callback out, and memory stays bounded.

use std::{io::Write, net, sync::Arc, thread};

use tokio::runtime;

use super::*;

#[tokio::test]
async fn idle_connections_make_room_for_the_callback() {
    let (listener, address) = listener();
    let mut idle = Vec::new();
    for _ in 0..64 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    let counts = succeed(&listener).await;
    // The 65th and last connection was the callback.
    assert_eq!(counts.count_of(Rejection::Displaced), 33, "{counts}");
    assert_eq!(listener.server.connections(), 31);
    // The oldest were closed first.
    for stream in &mut idle[..33] {
        assert_eq!(read_all(stream).await, "");
    }
    for stream in &idle[33..] {
        let nothing = stream.try_read(&mut [0]).unwrap_err();
        assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
    }
}

#[tokio::test]
async fn full_listener_keeps_each_connection_for_100_ms() {
    let (listener, address) = listener();
    let clock = Clock::manual();
    let start = clock.now();
    for count in 1..=2 * MAX_CONNECTIONS {
        let stream = TcpStream::connect(address).await.unwrap();
        let next = listener.server.admit(stream, &clock);
        if count < MAX_CONNECTIONS {
            assert!(next <= clock.now());
        } else {
            assert!(next >= start + MIN_CONNECTION_TIME);
            assert!(next <= clock.now() + MIN_CONNECTION_TIME);
        }
        assert_eq!(listener.server.connections(), count.min(MAX_CONNECTIONS));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_flood_does_not_starve_the_callback() {
    let (listener, address) = listener();
    let other = listener.addresses()[1];
    let listener = Arc::new(listener);
    let connect = |_| {
        tokio::spawn(async move {
            loop {
                // A closed connection is opened again at once. A busy machine may have no free port
                // for a moment.
                match TcpStream::connect(address).await {
                    Ok(mut stream) => drop(read_all(&mut stream).await),
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        })
    };
    let flood: Vec<_> = (0..2 * MAX_CONNECTIONS).map(connect).collect();
    for at in [address, other] {
        // 200 displaced connections show that the flood goes on, also on a slow machine.
        let displaced = listener.server.rejections().count_of(Rejection::Displaced);
        let flooded = Arc::clone(&listener);
        let waiting = tokio::spawn(async move { wait(&flooded).await });
        wait_for_rejections(&listener, Rejection::Displaced, displaced + 200).await;
        let shown = spawn_send(at, callback_to(address));
        let callback = timeout(TEST_TIMEOUT, waiting).await.unwrap();
        show_success(callback.unwrap().unwrap(), shown).await;
        assert!(listener.server.connections() <= MAX_CONNECTIONS);
    }
    for task in flood {
        assert!(!task.is_finished());
        task.abort();
    }
}

#[tokio::test]
async fn slow_and_silent_connections_end_after_ten_seconds() {
    for sends in [true, false] {
        let (listener, address) = listener();
        let clock = Clock::manual();
        // A connection that lasted twice as long would outlast the wait.
        let deadline = clock.now() + 2 * CONNECTION_TIMEOUT - Duration::from_secs(1);
        let mut stream = TcpStream::connect(address).await.unwrap();
        let expected = expected();
        let slow = async {
            while listener.server.connections() == 0 {
                tokio::task::yield_now().await;
            }
            for (_, byte) in (0..CONNECTION_TIMEOUT.as_secs()).zip(callback_to(address).bytes()) {
                assert_eq!(listener.server.rejections().count_of(Rejection::TooSlow), 0);
                if sends {
                    stream.write_all(&[byte]).await.unwrap();
                }
                clock.advance(Duration::from_secs(1));
                tokio::task::yield_now().await;
            }
            assert_eq!(read_all(&mut stream).await, "");
        };
        tokio::select! {
            _ = listener.wait(&expected, deadline, &clock) => panic!("no callback was sent"),
            () = slow => {}
        }
        assert_eq!(succeed(&listener).await.count_of(Rejection::TooSlow), 1);
    }
}

#[test]
fn memory_is_bounded_in_a_flood() {
    let mut builder = runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().unwrap();
    let listener = Listener::bind(LoopbackHost::Localhost, &[0]).unwrap();
    let address = listener.addresses()[0];
    // Allocations of these threads are not counted.
    let send = |at: usize| {
        thread::spawn(move || {
            let mut stream = net::TcpStream::connect(address).unwrap();
            // Half of them send almost the maximum, and wait.
            let length = [1_000_000, MAX_HEAD_BYTES - 1][at % 2];
            let head = format!("GET /{}", "a".repeat(length - 5));
            let _ = stream.write_all(head.as_bytes());
            stream
        })
    };
    let floods: Vec<_> = (0..4 * MAX_CONNECTIONS).map(send).collect();
    let memory = allocation_counter::measure(|| {
        runtime.block_on(async {
            let all_but_the_last = async {
                while total(&listener.server.rejections()) < 96 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                _ = wait(&listener) => panic!("no callback was sent"),
                () = all_but_the_last => {}
            }
            succeed(&listener).await;
        });
    });
    for flood in floods {
        flood.join().unwrap();
    }
    let bound = u64::try_from(MAX_CONNECTIONS * (MAX_HEAD_BYTES + READ_BYTES + 4_096)).unwrap();
    assert!(memory.bytes_max < bound, "{memory:?}");
}

use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use super::*;

/// Returns a handler that sends each event to the receiver.
fn recorder() -> (impl Fn(&Event) + Send + Sync + 'static, Receiver<Event>) {
    let (sender, events) = channel();
    (
        move |event: &Event| sender.send(event.clone()).unwrap(),
        events,
    )
}

fn emit(handler: &EventDispatcher, number: u64) {
    drop(handler.push(&Event::Invalidated {
        age: Duration::from_secs(number),
        pause: None,
    }));
    handler.deliver();
}

/// Returns the number of the next event, or as `Err` how many are missing.
fn next_number(events: &Receiver<Event>) -> Result<u64, u64> {
    match events.recv_timeout(DEADLINE).unwrap() {
        Event::Invalidated { age, .. } => Ok(age.as_secs()),
        Event::Missed { events } => Err(events),
        other => panic!("{other:?}"),
    }
}

fn queue(handler: &EventDispatcher) -> &Arc<Queue> {
    handler.0.as_ref().unwrap()
}

/// A handler that reports each call and then waits for its release.
fn blocked() -> (EventDispatcher, Receiver<()>, Sender<()>, Receiver<Event>) {
    let (record, events) = recorder();
    let ((called, calls), (release, gate)) = (channel(), channel());
    let gate = Mutex::new(gate);
    let handler = EventDispatcher::new(move |event| {
        called.send(()).unwrap();
        // This is an error once the test is over.
        let _ = gate.lock().recv();
        record(event);
    });
    (handler, calls, release, events)
}

#[test]
fn events_arrive_in_order() {
    let (record, events) = recorder();
    let handler = EventDispatcher::new(record);
    for number in 0..1_000 {
        emit(&handler, number);
        assert_eq!(next_number(&events), Ok(number));
    }
}

#[test]
fn thread_exists_only_while_there_are_events() {
    let (handler, calls, release, events) = blocked();
    assert_eq!(Arc::strong_count(queue(&handler)), 1);
    for number in 0..3 {
        emit(&handler, number);
        calls.recv_timeout(DEADLINE).unwrap();
        assert_eq!(Arc::strong_count(queue(&handler)), 2);
        release.send(()).unwrap();
        assert_eq!(next_number(&events), Ok(number));
        // The thread drops the queue at its end.
        while Arc::strong_count(queue(&handler)) > 1 {
            thread::yield_now();
        }
        assert!(!queue(&handler).waiting.lock().thread_runs);
    }
}

#[test]
fn missed_events_of_a_blocked_handler_are_counted() {
    let (handler, calls, release, events) = blocked();
    emit(&handler, 0);
    calls.recv_timeout(DEADLINE).unwrap();
    for number in 1..10_000 {
        emit(&handler, number);
        assert!(queue(&handler).waiting.lock().events.len() <= MAX_WAITING_EVENTS);
    }
    drop(release);
    let last = 10_000 - MAX_WAITING_EVENTS as u64;
    assert_eq!(next_number(&events), Ok(0));
    assert_eq!(next_number(&events), Err(last - 1));
    for number in last..10_000 {
        assert_eq!(next_number(&events), Ok(number));
    }
}

#[test]
fn panicking_handler_gets_the_next_event() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("planted, again");
        }
    }

    let (record, events) = recorder();
    let handler = EventDispatcher::new(move |event| {
        record(event);
        match event {
            Event::Invalidated { age, .. } if age.as_secs() == 0 => panic!("planted"),
            Event::Invalidated { age, .. } if age.as_secs() == 1 => std::panic::panic_any(Bomb),
            _ => {}
        }
    });
    for number in 0..4 {
        emit(&handler, number);
        assert_eq!(next_number(&events), Ok(number));
    }
}

#[test]
fn without_a_thread_events_are_only_missed() {
    static THREADS: AtomicBool = AtomicBool::new(false);

    let (record, events) = recorder();
    let handler = EventDispatcher::with_thread(record, |run| {
        if THREADS.load(Ordering::SeqCst) {
            start_thread(run)
        } else {
            Err(io::ErrorKind::OutOfMemory.into())
        }
    });
    for number in 0..3 {
        emit(&handler, number);
        assert_eq!(queue(&handler).waiting.lock().events.len(), 0);
    }
    THREADS.store(true, Ordering::SeqCst);
    emit(&handler, 3);
    assert_eq!(next_number(&events), Err(3));
    assert_eq!(next_number(&events), Ok(3));
}

#[test]
fn events_from_many_threads_all_arrive() {
    let (record, events) = recorder();
    let handler = EventDispatcher::new(record);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..20).for_each(|number| emit(&handler, number)));
        }
    });
    let mut sum = 0;
    for _ in 0..8 * 20 {
        sum += next_number(&events).unwrap();
    }
    assert_eq!(sum, 8 * 190);
}

const DEADLINE: Duration = Duration::from_secs(30);

use std::{cell::Cell, sync::mpsc};

use super::*;

fn turnstile() -> &'static Semaphore {
    Box::leak(Box::new(Semaphore::const_new(1)))
}

/// The time passes as soon as the runtime is idle: the thread is none of its tasks.
#[tokio::test(start_paused = true)]
async fn call_that_hangs_ends_at_the_deadline_as_do_the_next() {
    let one = turnstile();
    let (open, gate) = mpsc::channel::<()>();
    let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
    let hanging = run_within(SECOND, one, move || {
        started.send(()).unwrap();
        let _ = gate.recv();
        Ok(())
    });
    let error = hanging.await.unwrap_err();
    assert!(matches!(error, KeyringError::TimedOut(_)), "{error}");
    starts.recv().await.unwrap();

    // The thread keeps its permit, so the next call starts no other.
    let next = run_within(SECOND, one, || Ok(()));
    let error = next.await.unwrap_err();
    assert!(matches!(error, KeyringError::TimedOut(_)), "{error}");
    assert_eq!(one.available_permits(), 0);

    drop(open);
    drop(one.acquire().await.unwrap());
    tokio::time::resume();
    let after = run_within(Duration::from_secs(60), one, || Ok("a value"));
    assert_eq!(after.await.unwrap(), "a value");
}

#[tokio::test]
async fn call_completes_although_its_caller_is_dropped() {
    let one = turnstile();
    let (open, gate) = mpsc::channel::<()>();
    let (done, ended) = oneshot::channel();
    let mut call = Box::pin(run_within(SECOND, one, move || {
        let _ = gate.recv();
        let _ = done.send(thread::current().name().map(str::to_owned));
        Ok(())
    }));
    let polled =
        std::future::poll_fn(|context| std::task::Poll::Ready(call.as_mut().poll(context)));
    assert!(polled.await.is_pending());
    drop(call);
    drop(open);
    assert_eq!(ended.await.unwrap().as_deref(), Some("keyring"));
}

#[tokio::test]
async fn call_that_panics_is_an_error_and_frees_the_next() {
    let one = turnstile();
    for _ in 0..2 {
        let panics = run_within(Duration::from_secs(60), one, || -> Result<(), _> {
            panic!("planted")
        });
        let error = panics.await.unwrap_err();
        assert!(matches!(error, KeyringError::Panicked), "{error}");
    }
}

#[test]
fn runtime_without_timers_is_an_error() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let call = run_within(SECOND, turnstile(), || Ok(()));
    let error = runtime.unwrap().block_on(call).unwrap_err();
    assert!(matches!(error, KeyringError::NoTimers), "{error}");
}

#[test]
fn runtime_ends_while_a_call_hangs() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (open, gate) = mpsc::channel::<()>();
    let (started, starts) = mpsc::channel();
    runtime.spawn(run_within(
        Duration::from_secs(600),
        turnstile(),
        move || {
            started.send(()).unwrap();
            let _ = gate.recv();
            Ok(())
        },
    ));
    starts.recv().unwrap();
    // This waits for everything that `spawn_blocking` runs.
    drop(runtime);
    drop(open);
}

#[test]
fn value_over_the_limit_is_rejected_with_the_cure() {
    const WINDOWS: usize = 2560;
    check_length(WINDOWS, WINDOWS).unwrap();
    let error = check_length(WINDOWS + 1, WINDOWS).unwrap_err().to_string();
    for part in ["2561", "2560", "FileStore", "SealingKey::keyring"] {
        assert!(error.contains(part), "{error}");
    }
    let long = vec![0; platform::MAX_VALUE_BYTES + 1];
    check_value(&long[1..]).unwrap();
    check_value(&long).unwrap_err();
}

#[test]
fn name_of_an_app_is_checked() {
    for wrong in ["", "a\nb", "a\0", &"a".repeat(101)] {
        assert!(Keyring::new(wrong, SECOND).is_err(), "{wrong:?}");
    }
    for good in ["a", "CRM – Desktop", &"a".repeat(100)] {
        assert!(Keyring::new(good, SECOND).is_ok(), "{good:?}");
    }
}

#[test]
fn call_without_a_reply_is_repeated_once() {
    type Call = fn(u32) -> Result<u32, KeyringError>;
    let cases: [(Call, bool, u32); 4] = [
        (|_| Err(KeyringError::NoReply), false, 2),
        (
            |number| (number == 2).then_some(2).ok_or(KeyringError::NoReply),
            true,
            2,
        ),
        (Ok, true, 1),
        (|_| Err(KeyringError::Locked), false, 1),
    ];
    for (call, succeeds, expected) in cases {
        let calls = Cell::new(0);
        let result = repeated(|| {
            calls.set(calls.get() + 1);
            call(calls.get())
        });
        assert_eq!((result.is_ok(), calls.get()), (succeeds, expected));
    }
}

const SECOND: Duration = Duration::from_secs(1);

//! Shows that the search finds secrets: each channel leaks what is planted there.

use std::thread;

use super::{
    Run, find,
    replies::{SECRET, SENTINELS},
};
use crate::support::{
    capture::Capture,
    isolated::{run_isolated, test_name},
    sentinels::{Shown, forms},
};

#[test]
fn planted_secret_is_found_in_every_form_and_channel() {
    let Some(printed) = run_isolated(test_name!()) else {
        return plant();
    };
    for (channel, text) in [("stdout", printed.stdout), ("stderr", printed.stderr)] {
        for sentinel in SENTINELS {
            for (form, planted) in forms(sentinel.1) {
                let line = text.lines().find(|line| line.contains(&planted));
                let line = line.unwrap_or_else(|| panic!("{form} is not on {channel}"));
                assert!(find(line, &[*sentinel]).is_some(), "{form} on {channel}");
            }
        }
    }
}

/// Writes each form of each secret to each channel, to stdout and to stderr.
#[allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "these are channels as well"
)]
fn plant() {
    let capture = Capture::of_the_process();
    let mut shown = Shown::default();
    for sentinel in SENTINELS {
        for (form, text) in forms(sentinel.1) {
            let channels = [Capture::tracing, Capture::log, Capture::panics].map(|channel| {
                let before = channel(&capture).len();
                (channel, before)
            });
            println!("planted {text}");
            eprintln!("planted {text}");
            shown.display(&text);
            let planted = text.clone();
            let thread = thread::spawn(move || {
                tracing::trace!(field = %planted);
                log::trace!("planted {planted}");
                panic!("planted {planted}");
            });
            thread.join().unwrap_err();
            for (number, (channel, before)) in channels.into_iter().enumerate() {
                let new = &channel(&capture)[before..];
                assert!(find(new, &[*sentinel]).is_some(), "{form}: {number}");
            }
            assert!(find(shown.text(), &[*sentinel]).is_some(), "{form}");
            shown = Shown::default();
        }
    }
    let before = capture.tracing().len();
    drop(tracing::trace_span!("planted", secret = SECRET).entered());
    assert!(find(&capture.tracing()[before..], SENTINELS).is_some());
}

#[test]
fn flow_that_leaks_is_reported() {
    let Some(_) = run_isolated(test_name!()) else {
        let flow = async |run: &mut Run| {
            log::trace!("{SECRET}");
            tracing::trace!("an event");
            run.debug(&0);
        };
        let panic = std::panic::catch_unwind(|| Run::of(flow)).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.starts_with("in log, the secret"), "{message}");
        return;
    };
}

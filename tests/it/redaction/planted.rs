//! Shows that the search is not blind: each channel is found to leak what is planted there.

use std::thread;

use super::{
    Run, find,
    replies::{SECRET, SENTINELS},
};
use crate::support::{
    capture::Capture,
    isolated::run_isolated,
    sentinels::{Shown, forms},
};

#[test]
fn a_planted_secret_is_found_in_every_form_and_channel() {
    let test = "redaction::planted::a_planted_secret_is_found_in_every_form_and_channel";
    let Some(printed) = run_isolated(test) else {
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

/// Each form in each channel, and on both of the process's own.
#[allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "these are channels, too"
)]
fn plant() {
    let capture = Capture::of_the_process();
    let mut shown = Shown::default();
    for sentinel in SENTINELS {
        for (form, text) in forms(sentinel.1) {
            let heard = [Capture::tracing, Capture::log, Capture::panics].map(|channel| {
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
            for (number, (channel, before)) in heard.into_iter().enumerate() {
                let said = &channel(&capture)[before..];
                assert!(find(said, &[*sentinel]).is_some(), "{form}: {number}");
            }
            assert!(find(shown.text(), &[*sentinel]).is_some(), "{form}");
            shown = Shown::default();
        }
    }
    let before = capture.tracing().len();
    drop(tracing::trace_span!("planted", secret = SECRET).entered());
    assert!(find(&capture.tracing()[before..], SENTINELS).is_some());
}

/// A flow that leaks fails, whatever the channel.
#[test]
fn a_flow_that_leaks_is_told() {
    let test = "redaction::planted::a_flow_that_leaks_is_told";
    let Some(_) = run_isolated(test) else {
        let flow = async |run: &mut Run| {
            log::trace!("{SECRET}");
            tracing::trace!("heard");
            run.debug(&0);
        };
        let told = std::panic::catch_unwind(|| Run::of(flow)).unwrap_err();
        let told = told.downcast_ref::<String>().unwrap();
        assert!(told.starts_with("in log, the secret"), "{told}");
        return;
    };
}

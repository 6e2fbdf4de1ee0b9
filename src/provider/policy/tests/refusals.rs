//! Refused tokens and refused credentials.

use super::*;

#[test]
fn tokens_that_are_all_refused_young_cost_what_failures_cost() {
    let mut story = Story::new(CredentialSource::Static);
    let mut waits = Vec::new();
    for name in ["a", "b", "c", "d", "e", "f"] {
        story.gets(token(name, story.now, 60));
        story.refuse(name);
        waits.push(story.wait());
    }
    assert_eq!(waits, [0, 500, 1_000, 2_000, 2_000, 2_000]);
}

#[test]
fn a_token_that_grew_up_ends_the_row_of_young_ones() {
    for grown in [9.999, 10.0] {
        let mut story = Story::new(CredentialSource::Static);
        story.gets(token("young", story.now, 60));
        story.refuse("young");
        story.gets(token("grown", story.now, 60));
        story.pass(grown);
        story.refuse("grown");
        let waits = if grown < 10.0 { 500 } else { 0 };
        assert_eq!(story.wait(), waits, "{grown}");
        story.gets(token("next", story.now, 60));
        story.refuse("next");
        assert_eq!(story.wait(), waits * 2, "{grown}");
    }
}

#[test]
fn a_token_replaced_in_time_ends_the_row_of_young_ones() {
    let mut story = Story::new(CredentialSource::Static);
    story.gets(token("young", story.now, 60));
    story.refuse("young");
    story.gets(token("short", story.now, 5));
    story.pass(4.0);
    story.gets(token("next", story.now, 60));
    story.refuse("next");
    assert_eq!(story.wait(), 0);
}

#[test]
fn a_row_ends_when_its_token_grows_up_though_nobody_asks() {
    let mut story = Story::new(CredentialSource::Static);
    story.gets(token("young", story.now, 60));
    story.refuse("young");
    story.fails(None);
    assert_eq!(story.wait(), 500);
    let late = story.starts().number;
    let requested = story.now;
    story.pass(11.0);
    let current = story.starts().number;
    story.end(late, RefreshResult::Token(token("grown", requested, 12)));
    story.pass(1.0);
    let failed = story.end(current, failed(None));
    assert_eq!(left(&failed), seconds(0.5));
}

#[test]
fn the_last_four_refused_tokens_are_known_again() {
    let mut story = Story::new(CredentialSource::Static);
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        story.gets(token(name, story.now - seconds(10.0), 60));
        story.refuse(name);
    }
    for name in names.into_iter().rev() {
        let number = story.starts().number;
        let outcome = story.end(number, RefreshResult::Token(token(name, story.now, 60)));
        if name == "a" {
            assert!(matches!(outcome, WaiterResult::Token(_)), "{name}");
        } else {
            let kind = error(&outcome).kind();
            assert!(matches!(kind, ErrorKind::TokenRejected), "{name}");
            story.now = story.now + left(&outcome);
        }
    }
}

#[test]
fn a_refused_token_is_known_for_its_life() {
    for (after, known) in [(49.999, true), (50.0, false)] {
        let mut story = Story::new(CredentialSource::Static);
        story.gets(token("a", story.now - seconds(10.0), 60));
        story.refuse("a");
        story.pass(after);
        let number = story.starts().number;
        let outcome = story.end(number, RefreshResult::Token(token("a", story.now, 60)));
        assert_eq!(matches!(outcome, WaiterResult::Failed(_)), known, "{after}");
    }
}

#[test]
fn refused_credentials_pause_from_5_s_on_and_the_first_success_ends_the_row() {
    for renewal in [CredentialSource::Static, CredentialSource::Dynamic] {
        let mut story = Story::new(renewal);
        let mut waits = Vec::new();
        for _ in 0..8 {
            let number = story.starts().number;
            let pause = left(&story.end(number, refused()));
            story.now = story.now + pause;
            waits.push(pause.as_secs());
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300]);
        story.gets(token("a", story.now, 60));
        story.pass(60.0);
        let number = story.starts().number;
        let outcome = story.end(number, refused());
        assert_eq!(left(&outcome), seconds(5.0));
    }
}

#[test]
fn in_a_pause_after_refused_credentials_their_source_is_asked_once_a_second() {
    let mut story = Story::new(CredentialSource::Dynamic);
    let number = story.starts().number;
    story.end(number, refused());
    let mut probes = Vec::new();
    for millis in (0..5_000).step_by(100) {
        if let (reply, Some(ticket)) = story.want() {
            assert!(ticket.probe);
            assert!(matches!(reply, Decision::Wait { .. }), "{reply:?}");
            // Nobody else waits for it.
            assert!(matches!(story.want().0, Decision::Fail(_)));
            assert_eq!(
                story.end(ticket.number, RefreshResult::Unchanged),
                WaiterResult::Again
            );
            probes.push(millis);
        }
        story.pass(0.1);
    }
    assert_eq!(probes, [1_000, 2_000, 3_000, 4_000]);
    assert!(!story.starts().probe);
}

#[test]
fn a_changed_secret_ends_the_pause() {
    let mut story = Story::new(CredentialSource::Dynamic);
    let number = story.starts().number;
    story.end(number, refused());
    story.pass(1.0);
    let number = story.starts().number;
    story.machine.secret_changed(number);
    assert!(matches!(story.want().0, Decision::Wait { .. }));
    let outcome = story.end(number, refused());
    assert_eq!(left(&outcome), seconds(5.0));
}

#[test]
fn a_probe_that_fails_never_shortens_the_pause() {
    for (at, ends) in [(1.0, 5.0), (4.4, 5.0), (4.6, 5.1)] {
        let mut story = Story::new(CredentialSource::Dynamic);
        let number = story.starts().number;
        story.end(number, refused());
        story.pass(at);
        let number = story.starts().number;
        let failed = story.end(number, failed(None));
        let off = left(&failed).abs_diff(seconds(ends - at));
        assert!(off < Duration::from_micros(1), "{failed:?}");
    }
}

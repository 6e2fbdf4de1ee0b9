//! Rejected tokens and invalid credentials.

use super::*;

#[test]
fn tokens_all_rejected_early_cost_what_failures_cost() {
    let mut story = Story::new(CredentialSource::Static);
    let mut waits = Vec::new();
    for name in ["a", "b", "c", "d", "e", "f"] {
        story.get(token(name, story.now, 60));
        story.reject(name);
        waits.push(story.wait_for_start());
    }
    assert_eq!(waits, [0, 500, 1_000, 2_000, 2_000, 2_000]);
}

#[test]
fn token_accepted_for_10_s_ends_the_streak_of_early_rejections() {
    for accepted in [9.999, 10.0] {
        let mut story = Story::new(CredentialSource::Static);
        story.get(token("first", story.now, 60));
        story.reject("first");
        story.get(token("second", story.now, 60));
        story.pass(accepted);
        story.reject("second");
        let wait = if accepted < 10.0 { 500 } else { 0 };
        assert_eq!(story.wait_for_start(), wait, "{accepted}");
        story.get(token("third", story.now, 60));
        story.reject("third");
        assert_eq!(story.wait_for_start(), wait * 2, "{accepted}");
    }
}

#[test]
fn renewal_in_time_ends_the_streak_of_early_rejections() {
    let mut story = Story::new(CredentialSource::Static);
    story.get(token("early", story.now, 60));
    story.reject("early");
    story.get(token("short", story.now, 5));
    story.pass(4.0);
    story.get(token("next", story.now, 60));
    story.reject("next");
    assert_eq!(story.wait_for_start(), 0);
}

#[test]
fn streak_of_early_rejections_ends_without_a_call() {
    let mut story = Story::new(CredentialSource::Static);
    story.get(token("early", story.now, 60));
    story.reject("early");
    story.run(failed(None));
    assert_eq!(story.wait_for_start(), 500);
    let late = story.start();
    let requested = story.now;
    story.pass(11.0);
    let running = story.start();
    story.end(late, RefreshResult::Token(token("old", requested, 12)));
    story.pass(1.0);
    let outcome = story.end(running, failed(None));
    assert_eq!(pause(&outcome), seconds(0.5));
}

#[test]
fn last_four_rejected_tokens_are_remembered() {
    let mut story = Story::new(CredentialSource::Static);
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        story.get(token(name, story.now - seconds(10.0), 60));
        story.reject(name);
    }
    for name in names.into_iter().rev() {
        let outcome = story.run(RefreshResult::Token(token(name, story.now, 60)));
        if name == "a" {
            assert!(matches!(outcome, WaiterResult::Token(_)), "{name}");
        } else {
            let kind = error(&outcome).kind();
            assert!(matches!(kind, ErrorKind::TokenRejected), "{name}");
            story.now = story.now + pause(&outcome);
        }
    }
}

#[test]
fn rejected_token_is_remembered_until_its_end() {
    for (after, remembered) in [(49.999, true), (50.0, false)] {
        let mut story = Story::new(CredentialSource::Static);
        story.get(token("a", story.now - seconds(10.0), 60));
        story.reject("a");
        story.pass(after);
        let outcome = story.run(RefreshResult::Token(token("a", story.now, 60)));
        let failed = matches!(outcome, WaiterResult::Failed(_));
        assert_eq!(failed, remembered, "{after}");
    }
}

#[test]
fn invalid_credentials_pause_from_5_s_until_a_success() {
    for source in [CredentialSource::Static, CredentialSource::Dynamic] {
        let mut story = Story::new(source);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let pause = pause(&story.run(invalid_credentials()));
            story.now = story.now + pause;
            pauses.push(pause.as_secs());
        }
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
        story.get(token("a", story.now, 60));
        story.pass(60.0);
        let outcome = story.run(invalid_credentials());
        assert_eq!(pause(&outcome), seconds(5.0));
    }
}

#[test]
fn source_is_probed_once_a_second_by_one_caller() {
    let mut story = Story::new(CredentialSource::Dynamic);
    story.run(invalid_credentials());
    let mut probes = Vec::new();
    for millis in (0..5_000).step_by(100) {
        if let (decision, Some(ticket)) = story.decide() {
            assert!(ticket.probe);
            assert!(matches!(decision, Decision::Wait { .. }), "{decision:?}");
            let (for_another_caller, _) = story.decide();
            assert!(matches!(for_another_caller, Decision::Fail(_)));
            let outcome = story.end(ticket, RefreshResult::Unchanged);
            assert_eq!(outcome, WaiterResult::AskAgain);
            probes.push(millis);
        }
        story.pass(0.1);
    }
    assert_eq!(probes, [1_000, 2_000, 3_000, 4_000]);
    assert!(!story.start().probe);
}

#[test]
fn changed_credentials_end_the_pause() {
    let mut story = Story::new(CredentialSource::Dynamic);
    story.run(invalid_credentials());
    story.pass(1.0);
    let probe = story.start();
    story.policy.credentials_changed(probe);
    assert!(matches!(story.decide().0, Decision::Wait { .. }));
    let outcome = story.end(probe, invalid_credentials());
    assert_eq!(pause(&outcome), seconds(5.0));
}

#[test]
fn failed_probe_never_shortens_the_pause() {
    for (at, pause_ends) in [(1.0, 5.0), (4.4, 5.0), (4.6, 5.1)] {
        let mut story = Story::new(CredentialSource::Dynamic);
        story.run(invalid_credentials());
        story.pass(at);
        let outcome = story.run(failed(None));
        let off = pause(&outcome).abs_diff(seconds(pause_ends - at));
        assert!(off < Duration::from_micros(1), "{outcome:?}");
    }
}

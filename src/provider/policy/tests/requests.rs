//! Refreshes: when they start, and what follows from their results.

use super::*;
use crate::error::TokenExpired;

#[test]
fn expired_token_goes_to_the_waiters_and_is_not_cached() {
    let mut story = Story::new(CredentialSource::Static);
    let expired = token("expired", story.now, 0);
    story.get(expired);
    let cause = Error::from(ErrorKind::TokenExpired(TokenExpired::on_arrival()));
    let failure = Decision::Fail(cause.in_pause(seconds(1.0)));
    assert_eq!(story.decide(), (failure, None));
}

#[test]
fn failed_renewal_pauses_2_s_and_keeps_the_valid_token() {
    let results = |now| {
        [
            failed(None),
            failed(Some(Duration::ZERO)),
            RefreshResult::Token(token("expired", now, 0)),
        ]
    };
    for index in 0..3 {
        let mut story = Story::new(CredentialSource::Static);
        let valid = token("valid", story.now, 60);
        story.get(valid);
        story.pass(48.0);
        let result = results(story.now)[index].clone();
        story.run(result);
        assert_eq!(story.decide(), (Decision::Serve(valid), None));
        assert_eq!(
            story.policy.snapshot(story.now),
            Some((&valid, story.now + seconds(2.0)))
        );
        assert_eq!(story.wait_for_start(), 2_000);
        story.pass(9.999);
        assert_eq!(story.decide().0, Decision::Serve(valid));
        story.pass(0.001);
        assert!(matches!(story.decide().0, Decision::Wait { .. }));
    }
}

#[test]
fn success_ends_the_streak_of_failures() {
    let mut story = Story::new(CredentialSource::Static);
    let mut waits = Vec::new();
    for name in ["a", "b"] {
        for _ in 0..3 {
            story.run(failed(None));
            waits.push(story.wait_for_start());
        }
        story.get(token(name, story.now, 20));
        story.pass(20.0);
    }
    assert_eq!(waits, [500, 1_000, 2_000, 500, 1_000, 2_000]);
}

#[test]
fn retry_after_replaces_the_pause_within_bounds() {
    for (retry_after, wait) in [
        (0, 500),
        (7, 7_250),
        (899, 899_250),
        (1_000_000_000, 900_000),
    ] {
        let mut story = Story::new(CredentialSource::Static);
        story.run(failed(Some(Duration::from_secs(retry_after))));
        assert_eq!(story.wait_for_start(), wait, "{retry_after}");
    }
}

#[test]
fn refresh_is_lost_one_second_after_the_limit_of_its_step() {
    for (source, first_step) in [
        (CredentialSource::Static, 10.0),
        (CredentialSource::Dynamic, 3.0),
    ] {
        let mut story = Story::new(source);
        let ticket = story.start();
        story.pass(first_step);
        assert!(story.policy.begin_step(ticket, story.now, seconds(10.0)));
        let until = story.now + seconds(11.0);
        assert_eq!(story.decide(), (Decision::Wait { until }, None));
        story.now = until - Duration::from_nanos(1);
        assert_eq!(story.decide(), (Decision::Wait { until }, None));
        story.now = until;
        assert_ne!(story.start().generation, ticket.generation);
        assert!(!story.policy.begin_step(ticket, story.now, seconds(10.0)));
    }
    let mut story = Story::new(CredentialSource::Dynamic);
    story.start();
    story.pass(4.0);
    story.start();
}

#[test]
fn only_a_longer_lived_token_of_a_lost_refresh_is_cached() {
    let mut story = Story::new(CredentialSource::Static);
    let lost: Vec<_> = (0..3)
        .map(|_| {
            let ticket = story.start();
            story.pass(11.0);
            ticket
        })
        .collect();
    let running = story.start();
    let sooner = token("sooner", story.now, 50);
    let later = token("later", story.now, 60);
    assert_eq!(story.end(lost[0], failed(None)), WaiterResult::AskAgain);
    assert!(matches!(story.decide(), (Decision::Wait { .. }, None)));
    story.end(lost[1], RefreshResult::Token(later));
    assert_eq!(story.decide().0, Decision::Serve(later));
    story.end(lost[2], RefreshResult::Token(sooner));
    assert_eq!(story.decide().0, Decision::Serve(later));
    // The token of the running refresh is cached in any case.
    story.end(running, RefreshResult::Token(sooner));
    assert_eq!(story.decide().0, Decision::Serve(sooner));
}

#[test]
fn refresh_dropped_with_its_runtime_is_replaced_at_once() {
    let mut story = Story::new(CredentialSource::Static);
    let outcome = story.run(RefreshResult::Lost);
    assert_eq!(outcome, WaiterResult::AskAgain);
    assert_eq!(story.wait_for_start(), 0);
}

#[test]
fn token_of_a_refresh_before_a_revocation_is_not_used() {
    let mut story = Story::new(CredentialSource::Static);
    story.get(token("a", story.now, 60));
    story.pass(50.0);
    let ticket = story.start();
    assert_eq!(story.policy.revoke().map(|token| token.name), Some("a"));
    assert!(matches!(story.decide(), (Decision::Wait { .. }, None)));
    let outcome = story.end(ticket, RefreshResult::Token(token("b", story.now, 60)));
    assert_eq!(outcome, WaiterResult::AskAgain);
    let next = token("c", story.now, 60);
    story.get(next);
    assert_eq!(story.decide().0, Decision::Serve(next));
}

#[test]
fn invalidating_another_token_changes_nothing() {
    let mut story = Story::new(CredentialSource::Static);
    story.get(token("old", story.now, 60));
    story.pass(50.0);
    story.get(token("new", story.now, 60));
    let before = format!("{:?}", story.policy);
    story.reject("old");
    story.reject("never issued");
    assert_eq!(format!("{:?}", story.policy), before);
}

#[test]
fn fixed_token_is_served_until_it_is_rejected() {
    let fixed = TestToken {
        name: "fixed",
        requested: START,
        end: Moment::NEVER,
    };
    let mut story = Story::new(CredentialSource::None);
    story.policy = RefreshPolicy::fixed(fixed);
    story.pass(1e9);
    assert_eq!(story.decide(), (Decision::Serve(fixed), None));
    assert_eq!(
        story.policy.snapshot(story.now),
        Some((&fixed, Moment::NEVER))
    );
    story.reject("fixed");
    let failure = Decision::Fail(ErrorKind::TokenExpired(TokenExpired::fixed()).into());
    assert_eq!(story.decide(), (failure, None));
    assert_eq!(story.policy.wake_at(story.now), None);
}

#[test]
fn without_a_runtime_only_a_cached_token_is_served() {
    let mut story = Story::new(CredentialSource::Static);
    let failure = Decision::Fail(ErrorKind::NoRuntime.into());
    assert_eq!(story.policy.decide(story.now, false), (failure, None));
    let valid = token("valid", story.now, 60);
    story.get(valid);
    story.pass(59.0);
    let served = (Decision::Serve(valid), None);
    assert_eq!(story.policy.decide(story.now, false), served);
    assert!(story.decide().1.is_some());
}

#[test]
fn token_is_served_during_its_renewal() {
    for (jitter, life, before_end) in [
        (0.0, 300, 45.0),
        (0.5, 300, 60.0),
        (1.0, 300, 75.0),
        (0.0, 86_400, 360.0),
        (1.0, 86_400, 600.0),
    ] {
        let mut story = Story::new(CredentialSource::Static);
        story.jitter = Jitter::pinned(jitter);
        let valid = token("valid", story.now, life);
        story.get(valid);
        let renew_at = valid.end - seconds(before_end);
        assert_eq!(story.policy.snapshot(story.now), Some((&valid, renew_at)));
        story.now = renew_at - Duration::from_nanos(1);
        assert_eq!(story.decide(), (Decision::Serve(valid), None));
        story.now = renew_at;
        let (decision, started) = story.decide();
        assert_eq!(decision, Decision::Serve(valid));
        assert!(started.is_some());
        assert_eq!(story.decide(), (Decision::Serve(valid), None));
    }
}

#[test]
fn result_for_a_replaced_login_changes_nothing() {
    let late = RefreshResult::Token(token("late", START, 60));
    for result in [late, failed(None), invalid_credentials()] {
        let mut story = Story::new(CredentialSource::Dynamic);
        let ticket = story.start();
        story.policy.login_replaced();
        assert_eq!(story.end(ticket, result), WaiterResult::AskAgain);
        assert_eq!(story.policy.valid_token(story.now), None);
        story.start();
    }
}

#[test]
fn replaced_login_ends_the_pause_for_its_credentials_only() {
    let mut story = Story::new(CredentialSource::Dynamic);
    story.run(invalid_credentials());
    story.policy.login_replaced();
    assert_eq!(story.policy.pause_left(story.now), None);
    assert_eq!(pause(&story.run(invalid_credentials())), seconds(5.0));
    let mut story = Story::new(CredentialSource::Dynamic);
    let length = pause(&story.run(failed(None)));
    story.policy.login_replaced();
    assert_eq!(story.policy.pause_left(story.now), Some(length));
}

//! Token requests: when one starts, and what comes of it.

use super::*;
use crate::error::TokenExpired;

#[test]
fn a_token_without_life_is_given_to_those_who_wait_and_not_kept() {
    let mut story = Story::new(CredentialSource::Static);
    let number = story.starts().number;
    let dead = token("dead", story.now, 0);
    assert_eq!(
        story.end(number, RefreshResult::Token(dead)),
        WaiterResult::Token(dead)
    );
    let expired = Error::from(ErrorKind::TokenExpired(TokenExpired::on_arrival()));
    let failure = Decision::Fail(expired.in_pause(seconds(1.0)));
    assert_eq!(story.want().0, failure);
}

#[test]
fn with_a_valid_token_a_pause_is_two_seconds_at_least_and_takes_nothing_away() {
    let answers = |now| {
        [
            failed(None),
            failed(Some(Duration::ZERO)),
            RefreshResult::Token(token("dead", now, 0)),
        ]
    };
    for index in 0..3 {
        let mut story = Story::new(CredentialSource::Static);
        let valid = token("valid", story.now, 60);
        story.gets(valid);
        story.pass(48.0);
        let number = story.starts().number;
        story.end(number, answers(story.now)[index].clone());
        assert_eq!(story.want(), (Decision::Serve(valid), None));
        assert_eq!(
            story.machine.snapshot(story.now),
            Some((&valid, story.now + seconds(2.0)))
        );
        assert_eq!(story.wait(), 2_000);
        story.pass(9.999);
        assert_eq!(story.want().0, Decision::Serve(valid));
        story.pass(0.001);
        assert!(matches!(story.want().0, Decision::Wait { .. }));
    }
}

#[test]
fn the_first_success_ends_a_row_of_failures() {
    let mut story = Story::new(CredentialSource::Static);
    let mut waits = Vec::new();
    for name in ["a", "b"] {
        for _ in 0..3 {
            story.fails(None);
            waits.push(story.wait());
        }
        story.gets(token(name, story.now, 20));
        story.pass(20.0);
    }
    assert_eq!(waits, [500, 1_000, 2_000, 500, 1_000, 2_000]);
}

#[test]
fn retry_after_is_taken_at_its_word_within_bounds() {
    for (asked, waits) in [
        (0, 500),
        (7, 7_250),
        (899, 899_250),
        (1_000_000_000, 900_000),
    ] {
        let mut story = Story::new(CredentialSource::Static);
        story.fails(Some(Duration::from_secs(asked)));
        assert_eq!(story.wait(), waits, "{asked}");
    }
}

#[test]
fn a_flight_counts_as_lost_one_second_after_its_step() {
    for (renewal, first_step) in [
        (CredentialSource::Static, 10.0),
        (CredentialSource::Dynamic, 3.0),
    ] {
        let mut story = Story::new(renewal);
        let number = story.starts().number;
        story.pass(first_step);
        story.machine.step(number, story.now, seconds(10.0));
        let due = story.now + seconds(11.0);
        assert_eq!(story.want(), (Decision::Wait { due }, None));
        story.now = due - Duration::from_nanos(1);
        assert_eq!(story.want(), (Decision::Wait { due }, None));
        story.now = due;
        assert_ne!(story.starts().number, number);
    }
    let mut story = Story::new(CredentialSource::Dynamic);
    story.starts();
    story.pass(4.0);
    story.starts();
}

#[test]
fn of_a_lost_flight_only_a_better_token_counts() {
    let mut story = Story::new(CredentialSource::Static);
    let lost: Vec<_> = (0..3)
        .map(|_| {
            let number = story.starts().number;
            story.pass(11.0);
            number
        })
        .collect();
    let current = story.starts().number;
    let sooner = token("sooner", story.now, 50);
    let later = token("later", story.now, 60);
    assert_eq!(story.end(lost[0], failed(None)), WaiterResult::Again);
    assert!(matches!(story.want(), (Decision::Wait { .. }, None)));
    story.end(lost[1], RefreshResult::Token(later));
    assert_eq!(story.want().0, Decision::Serve(later));
    story.end(lost[2], RefreshResult::Token(sooner));
    assert_eq!(story.want().0, Decision::Serve(later));
    // The flight that took their place has the last word.
    story.end(current, RefreshResult::Token(sooner));
    assert_eq!(story.want().0, Decision::Serve(sooner));
}

#[test]
fn a_flight_that_ended_with_its_runtime_is_replaced_at_once() {
    let mut story = Story::new(CredentialSource::Static);
    let number = story.starts().number;
    assert_eq!(story.end(number, RefreshResult::Lost), WaiterResult::Again);
    assert_eq!(story.wait(), 0);
}

#[test]
fn a_flight_from_before_a_revoke_saves_nothing() {
    let mut story = Story::new(CredentialSource::Static);
    story.gets(token("a", story.now, 60));
    story.pass(50.0);
    let number = story.starts().number;
    assert_eq!(story.machine.revoked().map(|token| token.name), Some("a"));
    assert!(matches!(story.want(), (Decision::Wait { .. }, None)));
    let outcome = story.end(number, RefreshResult::Token(token("b", story.now, 60)));
    assert_eq!(outcome, WaiterResult::Again);
    let next = token("c", story.now, 60);
    story.gets(next);
    assert_eq!(story.want().0, Decision::Serve(next));
}

#[test]
fn invalidating_another_than_the_current_token_changes_nothing() {
    let mut story = Story::new(CredentialSource::Static);
    story.gets(token("old", story.now, 60));
    story.pass(50.0);
    story.gets(token("new", story.now, 60));
    let before = format!("{:?}", story.machine);
    story.refuse("old");
    story.refuse("never seen");
    assert_eq!(format!("{:?}", story.machine), before);
}

#[test]
fn a_fixed_token_is_served_until_it_is_refused() {
    let fixed = Paper {
        name: "fixed",
        requested: START,
        end: Moment::NEVER,
    };
    let mut story = Story::new(CredentialSource::None);
    story.machine = RefreshPolicy::fixed(fixed);
    story.pass(1e9);
    assert_eq!(story.want(), (Decision::Serve(fixed), None));
    assert_eq!(
        story.machine.snapshot(story.now),
        Some((&fixed, Moment::NEVER))
    );
    story.refuse("fixed");
    let reply = Decision::Fail(ErrorKind::TokenExpired(TokenExpired::fixed()).into());
    assert_eq!(story.want(), (reply, None));
    assert_eq!(story.machine.wake(story.now), None);
}

#[test]
fn without_a_runtime_what_there_is_is_served() {
    let mut story = Story::new(CredentialSource::Static);
    let reply = Decision::Fail(ErrorKind::NoRuntime.into());
    assert_eq!(story.machine.wanted(story.now, false), (reply, None));
    let valid = token("valid", story.now, 60);
    story.gets(valid);
    story.pass(59.0);
    let served = (Decision::Serve(valid), None);
    assert_eq!(story.machine.wanted(story.now, false), served);
    assert!(story.want().1.is_some());
}

#[test]
fn a_token_is_renewed_ahead_of_its_end_and_served_meanwhile() {
    for (luck, life, ahead) in [
        (0.0, 300, 45.0),
        (0.5, 300, 60.0),
        (1.0, 300, 75.0),
        (0.0, 86_400, 360.0),
        (1.0, 86_400, 600.0),
    ] {
        let mut story = Story::new(CredentialSource::Static);
        story.luck = Jitter::pinned(luck);
        let valid = token("valid", story.now, life);
        story.gets(valid);
        let renew = valid.end - seconds(ahead);
        assert_eq!(story.machine.snapshot(story.now), Some((&valid, renew)));
        story.now = renew - Duration::from_nanos(1);
        assert_eq!(story.want(), (Decision::Serve(valid), None));
        story.now = renew;
        let (reply, ticket) = story.want();
        assert_eq!(reply, Decision::Serve(valid));
        assert!(ticket.is_some());
        assert_eq!(story.want(), (Decision::Serve(valid), None));
    }
}

//! Single rules of the machine, each with its figures.

use std::time::Duration;

use super::{Answer, Cause, Launch, Machine, Outcome, Patience, Renewal, Reply, Token};
use crate::{clock::Moment, retry::Luck, token::Fingerprint};

#[test]
fn tokens_that_are_all_refused_young_cost_what_failures_cost() {
    let mut story = Story::new(Renewal::Fixed);
    let mut waits = Vec::new();
    for name in ["a", "b", "c", "d", "e", "f"] {
        story.gets(token(name, story.now, 60));
        story.refuse(name);
        waits.push(story.wait());
    }
    assert_eq!(waits, [0.0, 0.5, 1.0, 2.0, 2.0, 2.0]);
}

#[test]
fn a_token_that_grew_up_ends_the_row_of_young_ones() {
    for grown in [9.999, 10.0] {
        let mut story = Story::new(Renewal::Fixed);
        story.gets(token("young", story.now, 60));
        story.refuse("young");
        story.gets(token("grown", story.now, 60));
        story.pass(grown);
        story.refuse("grown");
        let waits = if grown < 10.0 { 0.5 } else { 0.0 };
        assert_eq!(story.wait(), waits, "{grown}");
        story.gets(token("next", story.now, 60));
        story.refuse("next");
        assert_eq!(story.wait(), waits * 2.0, "{grown}");
    }
}

#[test]
fn a_token_replaced_in_time_ends_the_row_of_young_ones() {
    let mut story = Story::new(Renewal::Fixed);
    story.gets(token("young", story.now, 60));
    story.refuse("young");
    story.gets(token("short", story.now, 5));
    story.pass(4.0);
    story.gets(token("next", story.now, 60));
    story.refuse("next");
    assert_eq!(story.wait(), 0.0);
}

#[test]
fn a_row_ends_when_its_token_grows_up_though_nobody_asks() {
    let mut story = Story::new(Renewal::Fixed);
    story.fails(None);
    assert_eq!(story.wait(), 0.5);
    story.gets(token("young", story.now, 60));
    story.refuse("young");
    let late = story.starts().number;
    let requested = story.now;
    story.pass(11.0);
    let current = story.starts().number;
    story.end(late, Answer::Token(token("old", requested, 11)));
    let failed = story.end(current, failed(None));
    assert_eq!(left(&failed), 0.5);
}

#[test]
fn the_last_four_refused_tokens_are_known_again() {
    let mut story = Story::new(Renewal::Fixed);
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        story.gets(token(name, story.now - seconds(10.0), 60));
        story.refuse(name);
    }
    for name in names.into_iter().rev() {
        let number = story.starts().number;
        let outcome = story.end(number, Answer::Token(token(name, story.now, 60)));
        if name == "a" {
            assert!(matches!(outcome, Outcome::Token(_)), "{name}");
        } else {
            assert_eq!(cause(&outcome), Cause::TokenRefused, "{name}");
            story.pass(left(&outcome));
        }
    }
}

#[test]
fn a_refused_token_is_known_for_its_life() {
    for (after, known) in [(49.999, true), (50.0, false)] {
        let mut story = Story::new(Renewal::Fixed);
        story.gets(token("a", story.now - seconds(10.0), 60));
        story.refuse("a");
        story.pass(after);
        let number = story.starts().number;
        let outcome = story.end(number, Answer::Token(token("a", story.now, 60)));
        assert_eq!(matches!(outcome, Outcome::Failed { .. }), known, "{after}");
    }
}

#[test]
fn refused_credentials_pause_from_5_s_on_and_the_first_success_ends_the_row() {
    for renewal in [Renewal::Fixed, Renewal::Asked] {
        let mut story = Story::new(renewal);
        let mut waits = Vec::new();
        for _ in 0..8 {
            let number = story.starts().number;
            waits.push(left(&story.end(number, Answer::Refused("refused"))));
            story.pass(waits[waits.len() - 1]);
        }
        assert_eq!(waits, [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]);
        story.gets(token("a", story.now, 60));
        story.pass(60.0);
        let number = story.starts().number;
        let refused = story.end(number, Answer::Refused("refused"));
        assert_eq!(left(&refused), 5.0);
    }
}

#[test]
fn in_a_pause_after_refused_credentials_their_source_is_asked_once_a_second() {
    let mut story = Story::new(Renewal::Asked);
    let number = story.starts().number;
    story.end(number, Answer::Refused("refused"));
    let mut probes = Vec::new();
    for millis in (0..5_000).step_by(100) {
        if let (reply, Some(launch)) = story.want() {
            assert!(launch.probe);
            assert!(matches!(reply, Reply::Wait { .. }), "{reply:?}");
            // Nobody else waits for it.
            assert!(matches!(story.want().0, Reply::Fail { .. }));
            assert_eq!(story.end(launch.number, Answer::Unchanged), Outcome::Again);
            probes.push(millis);
        }
        story.pass(0.1);
    }
    assert_eq!(probes, [1_000, 2_000, 3_000, 4_000]);
    assert!(!story.starts().probe);
}

#[test]
fn a_changed_secret_ends_the_pause() {
    let mut story = Story::new(Renewal::Asked);
    let number = story.starts().number;
    story.end(number, Answer::Refused("refused"));
    story.pass(1.0);
    let number = story.starts().number;
    story.machine.secret_changed(number);
    assert!(matches!(story.want().0, Reply::Wait { .. }));
    let refused = story.end(number, Answer::Refused("refused"));
    assert_eq!(left(&refused), 5.0);
}

#[test]
fn a_probe_that_fails_never_shortens_the_pause() {
    for (at, ends) in [(1.0, 5.0), (4.4, 5.0), (4.6, 5.1)] {
        let mut story = Story::new(Renewal::Asked);
        let number = story.starts().number;
        story.end(number, Answer::Refused("refused"));
        story.pass(at);
        let number = story.starts().number;
        let failed = story.end(number, failed(None));
        assert!((left(&failed) - (ends - at)).abs() < 1e-6, "{failed:?}");
    }
}

#[test]
fn a_token_without_life_is_given_to_those_who_wait_and_not_kept() {
    let mut story = Story::new(Renewal::Fixed);
    let number = story.starts().number;
    let dead = token("dead", story.now, 0);
    assert_eq!(story.end(number, Answer::Token(dead)), Outcome::Token(dead));
    let Reply::Fail { cause, left } = story.want().0 else {
        panic!("no pause");
    };
    assert_eq!(cause, Cause::TokenExpired { renewable: true });
    assert_eq!(left, Some(seconds(1.0)));
}

#[test]
fn with_a_valid_token_a_pause_is_two_seconds_at_least_and_takes_nothing_away() {
    let answers = |now| {
        [
            failed(None),
            failed(Some(Duration::ZERO)),
            Answer::Token(token("dead", now, 0)),
        ]
    };
    for index in 0..3 {
        let mut story = Story::new(Renewal::Fixed);
        let valid = token("valid", story.now, 60);
        story.gets(valid);
        story.pass(48.0);
        let number = story.starts().number;
        story.end(number, answers(story.now)[index].clone());
        assert_eq!(story.want(), (Reply::Serve(valid), None));
        assert_eq!(
            story.machine.snapshot(story.now),
            Some((&valid, story.now + seconds(2.0)))
        );
        assert_eq!(story.wait(), 2.0);
        story.pass(9.999);
        assert_eq!(story.want().0, Reply::Serve(valid));
        story.pass(0.001);
        assert!(matches!(story.want().0, Reply::Wait { .. }));
    }
}

#[test]
fn the_first_success_ends_a_row_of_failures() {
    let mut story = Story::new(Renewal::Fixed);
    let mut waits = Vec::new();
    for name in ["a", "b"] {
        for _ in 0..3 {
            story.fails(None);
            waits.push(story.wait());
        }
        story.gets(token(name, story.now, 20));
        story.pass(20.0);
    }
    assert_eq!(waits, [0.5, 1.0, 2.0, 0.5, 1.0, 2.0]);
}

#[test]
fn retry_after_is_taken_at_its_word_within_bounds() {
    for (asked, waits) in [(0, 0.5), (7, 7.25), (899, 899.25), (1_000_000_000, 900.0)] {
        let mut story = Story::new(Renewal::Fixed);
        story.fails(Some(Duration::from_secs(asked)));
        assert_eq!(story.wait(), waits, "{asked}");
    }
}

#[test]
fn a_flight_counts_as_lost_one_second_after_its_step() {
    for (renewal, first_step) in [(Renewal::Fixed, 10.0), (Renewal::Asked, 3.0)] {
        let mut story = Story::new(renewal);
        let number = story.starts().number;
        story.pass(first_step);
        story.machine.sending(number, story.now);
        let due = story.now + seconds(11.0);
        assert_eq!(story.want(), (Reply::Wait { due }, None));
        story.now = due - Duration::from_nanos(1);
        assert_eq!(story.want(), (Reply::Wait { due }, None));
        story.now = due;
        assert_ne!(story.starts().number, number);
    }
    let mut story = Story::new(Renewal::Asked);
    story.starts();
    story.pass(4.0);
    story.starts();
}

#[test]
fn of_a_lost_flight_only_a_better_token_counts() {
    let mut story = Story::new(Renewal::Fixed);
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
    assert_eq!(story.end(lost[0], failed(None)), Outcome::Again);
    assert!(matches!(story.want(), (Reply::Wait { .. }, None)));
    story.end(lost[1], Answer::Token(later));
    assert_eq!(story.want().0, Reply::Serve(later));
    story.end(lost[2], Answer::Token(sooner));
    assert_eq!(story.want().0, Reply::Serve(later));
    // The flight that took their place has the last word.
    story.end(current, Answer::Token(sooner));
    assert_eq!(story.want().0, Reply::Serve(sooner));
}

#[test]
fn a_flight_that_ended_with_its_runtime_is_replaced_at_once() {
    let mut story = Story::new(Renewal::Fixed);
    let number = story.starts().number;
    assert_eq!(story.end(number, Answer::Lost), Outcome::Again);
    assert_eq!(story.wait(), 0.0);
}

#[test]
fn a_flight_from_before_a_revoke_saves_nothing() {
    let mut story = Story::new(Renewal::Fixed);
    story.gets(token("a", story.now, 60));
    story.pass(50.0);
    let number = story.starts().number;
    assert_eq!(story.machine.revoked().map(|token| token.name), Some("a"));
    assert!(matches!(story.want(), (Reply::Wait { .. }, None)));
    let outcome = story.end(number, Answer::Token(token("b", story.now, 60)));
    assert_eq!(outcome, Outcome::Again);
    let next = token("c", story.now, 60);
    story.gets(next);
    assert_eq!(story.want().0, Reply::Serve(next));
}

#[test]
fn invalidating_another_than_the_current_token_changes_nothing() {
    let mut story = Story::new(Renewal::Fixed);
    story.gets(token("old", story.now, 60));
    story.pass(50.0);
    story.gets(token("new", story.now, 60));
    let before = story.machine.clone();
    story.refuse("old");
    story.refuse("never seen");
    assert!(story.machine == before);
}

#[test]
fn a_fixed_token_is_served_until_it_is_refused() {
    let fixed = Paper {
        name: "fixed",
        requested: START,
        end: Moment::NEVER,
    };
    let mut story = Story::new(Renewal::Never);
    story.machine = Machine::fixed(fixed, PATIENCE);
    story.pass(1e9);
    assert_eq!(story.want(), (Reply::Serve(fixed), None));
    assert_eq!(
        story.machine.snapshot(story.now),
        Some((&fixed, Moment::NEVER))
    );
    story.refuse("fixed");
    let reply = Reply::Fail {
        cause: Cause::TokenExpired { renewable: false },
        left: None,
    };
    assert_eq!(story.want(), (reply, None));
    assert_eq!(story.machine.wake(story.now), None);
}

#[test]
fn without_a_runtime_what_there_is_is_served() {
    let mut story = Story::new(Renewal::Fixed);
    let reply = Reply::Fail {
        cause: Cause::NoRuntime,
        left: None,
    };
    assert_eq!(story.machine.wanted(story.now, false), (reply, None));
    let valid = token("valid", story.now, 60);
    story.gets(valid);
    story.pass(59.0);
    let served = (Reply::Serve(valid), None);
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
        let mut story = Story::new(Renewal::Fixed);
        story.luck = Luck::pinned(luck);
        let valid = token("valid", story.now, life);
        story.gets(valid);
        let renew = valid.end - seconds(ahead);
        assert_eq!(story.machine.snapshot(story.now), Some((&valid, renew)));
        story.now = renew - Duration::from_nanos(1);
        assert_eq!(story.want(), (Reply::Serve(valid), None));
        story.now = renew;
        let (reply, launch) = story.want();
        assert_eq!(reply, Reply::Serve(valid));
        assert!(launch.is_some());
        assert_eq!(story.want(), (Reply::Serve(valid), None));
    }
}

/// A machine, and what happens to it.
struct Story {
    machine: Machine<Paper, &'static str>,
    now: Moment,
    luck: Luck,
}

impl Story {
    fn new(renewal: Renewal) -> Self {
        Self {
            machine: Machine::new(renewal, PATIENCE),
            now: START,
            luck: Luck::pinned(0.5),
        }
    }

    fn pass(&mut self, by: f64) {
        self.now = self.now + seconds(by);
    }

    fn want(&mut self) -> (Reply<Paper, &'static str>, Option<Launch>) {
        self.machine.wanted(self.now, true)
    }

    fn starts(&mut self) -> Launch {
        let (reply, launch) = self.want();
        launch.unwrap_or_else(|| panic!("nothing started: {reply:?}"))
    }

    fn end(
        &mut self,
        number: u64,
        answer: Answer<Paper, &'static str>,
    ) -> Outcome<Paper, &'static str> {
        self.machine.ended(number, self.now, self.luck, answer)
    }

    fn gets(&mut self, token: Paper) {
        let number = self.starts().number;
        let outcome = self.end(number, Answer::Token(token));
        assert_eq!(outcome, Outcome::Token(token));
    }

    fn fails(&mut self, retry_after: Option<Duration>) {
        let number = self.starts().number;
        self.end(number, failed(retry_after));
    }

    fn refuse(&mut self, name: &str) {
        let token = Fingerprint::of(name);
        self.machine.invalidated(token, self.now, self.luck);
    }

    /// Waits until a flight can start, and tells how long, in seconds.
    fn wait(&mut self) -> f64 {
        let start = self.now;
        while self.machine.clone().wanted(self.now, true).1.is_none() {
            self.now = self.machine.wake(self.now).expect("something to wait for");
        }
        (self.now - start).as_secs_f64()
    }
}

/// A token, as far as the machine looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Paper {
    name: &'static str,
    requested: Moment,
    end: Moment,
}

impl Token for Paper {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.name)
    }

    fn requested(&self) -> Moment {
        self.requested
    }

    fn end(&self) -> Moment {
        self.end
    }
}

fn token(name: &'static str, requested: Moment, life: u64) -> Paper {
    Paper {
        name,
        requested,
        end: requested + Duration::from_secs(life),
    }
}

fn failed(retry_after: Option<Duration>) -> Answer<Paper, &'static str> {
    Answer::Failed {
        cause: "failed",
        retry_after,
    }
}

fn left(outcome: &Outcome<Paper, &'static str>) -> f64 {
    match outcome {
        Outcome::Failed { left, .. } => left.as_secs_f64(),
        other => panic!("no pause: {other:?}"),
    }
}

fn cause(outcome: &Outcome<Paper, &'static str>) -> Cause<&'static str> {
    match outcome {
        Outcome::Failed { cause, .. } => cause.clone(),
        other => panic!("no failure: {other:?}"),
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

const START: Moment = Moment::from_nanos(1_000_000_000_000_000);

const PATIENCE: Patience = Patience {
    attempt: Duration::from_secs(10),
    source: Duration::from_secs(3),
};

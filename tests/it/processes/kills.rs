//! Processes that are killed between the response with a new refresh token and its save.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
};

use super::*;
use crate::support::{
    child_process::{ChildProcess, read_from_parent, send_to_parent, wait_for_parent},
    random,
};

/// The steps of a renewal after its response, in their order.
const STEPS: [&str; 6] = ["save", "create", "write", "sync", "rename", "sync_folder"];
/// The first step before which the new record is stored.
const AFTER_RENAME: &str = "sync_folder";

const KILLS: u32 = 200;
/// The number of renewals, of six steps each, that a process does before it ends by itself.
const RENEWALS: u32 = 2;
const LOGIN_REQUIRED: &str = "login required";
/// The time after which the user logs in again.
const ASKED_AGAIN: Duration = Duration::from_secs(30);
/// More time than a process moves its clock.
const A_PROCESS: Duration = Duration::from_secs(3_600);

/// The results of the kills.
struct Course {
    /// The login in which the user logs in again.
    login: Login,
    /// The time of all clocks.
    moved: Duration,
    requests: usize,
    logins_required: usize,
    /// Whether the sandbox has already seen the stored refresh token.
    is_burnt: bool,
    killed_before: BTreeMap<String, u32>,
}

#[test]
fn kill_at_any_step_without_grace_costs_at_most_one_login() {
    let test = "processes::kills::kill_at_any_step_without_grace_costs_at_most_one_login";
    if let Some(here) = ChildSite::of_this_process() {
        return runtime().block_on(renew_until_killed(&here));
    }
    for grace in [false, true] {
        for step in STEPS {
            let (site, mut course) = begin(grace);
            course.kill(&site, test, step, 1);
            assert!(course.killed_before.contains_key(step));
            course.end(&site, test);
            let lost = usize::from(!grace && step != AFTER_RENAME);
            assert_eq!(course.logins_required, lost, "{step}");
        }
    }
}

#[test]
fn two_hundred_kills_cost_at_most_one_login_each() {
    let test = "processes::kills::two_hundred_kills_cost_at_most_one_login_each";
    kill_at_random(test, false);
}

#[test]
fn two_hundred_kills_with_grace_cost_no_login() {
    let test = "processes::kills::two_hundred_kills_with_grace_cost_no_login";
    kill_at_random(test, true);
}

#[allow(
    clippy::print_stdout,
    reason = "prints how often each step was reached"
)]
fn kill_at_random(test: &str, grace: bool) {
    if let Some(here) = ChildSite::of_this_process() {
        return runtime().block_on(renew_until_killed(&here));
    }
    let (site, mut course) = begin(grace);
    for _ in 0..KILLS {
        let at = 1 + random() % (RENEWALS * 6);
        course.kill(&site, test, "", at);
    }
    course.end(&site, test);
    let (killed_before, requests) = (course.killed_before, course.requests);
    let logins_required = course.logins_required;
    let after = usize::try_from(killed_before[AFTER_RENAME]).unwrap();
    let lost = usize::try_from(KILLS).unwrap() - after;
    println!(
        "grace: {grace}; killed before each step: {killed_before:?}; refresh requests: {requests}; \
         logins required: {logins_required}"
    );
    assert_eq!(killed_before.len(), STEPS.len(), "{killed_before:?}");
    assert_eq!(logins_required, if grace { 0 } else { lost });
    assert_eq!(site.sandbox.refresh_reuses(), lost);
}

fn begin(grace: bool) -> (Site, Course) {
    let site = runtime().block_on(Site::new(rotating(grace, A_PROCESS)));
    let login = site.login();
    runtime().block_on(site.log_in_by(&login));
    let course = Course {
        login,
        moved: Duration::ZERO,
        requests: 0,
        logins_required: 0,
        is_burnt: false,
        killed_before: BTreeMap::new(),
    };
    (site, course)
}

impl Course {
    /// Runs a process that renews until it is killed before the given step for the `at`th time.
    fn kill(&mut self, site: &Site, test: &str, step: &str, at: u32) {
        let killed = self.run(site, test, step, at);
        let killed = killed.expect("it ends only by the kill");
        *self.killed_before.entry(killed).or_default() += 1;
        let mut left = site.names();
        left.retain(|name| has_ending(name, "new"));
        assert!(left.len() <= 1, "{left:?}");
    }

    /// Runs a process that ends by itself.
    fn end(&mut self, site: &Site, test: &str) {
        assert_eq!(self.run(site, test, "", 0), None);
        site.assert_tidy();
    }

    /// Returns the step before which the process was killed, if it was. Asserts that the record is
    /// the old or the new one, complete, and that every request is accounted for.
    fn run(&mut self, site: &Site, test: &str, step: &str, at: u32) -> Option<String> {
        let (mut old, mut new) = (hash_of_file(&site.record()), None);
        let moved = self.moved.as_secs().to_string();
        let at = at.to_string();
        let mut child = ChildProcess::start(&mut site.child(test, &[&moved, step, &at]));
        let mut lost = 0;
        let killed = loop {
            match child.next_message().as_deref() {
                None => break None,
                Some("renewed") => old = new.take().unwrap(),
                Some(word) if word.starts_with("saves ") => {
                    self.requests += 1;
                    new = word.strip_prefix("saves ").map(str::to_owned);
                }
                Some(LOGIN_REQUIRED) => {
                    self.requests += 1;
                    lost += 1;
                    self.advance(site, LIFE + 5 * ASKED_AGAIN);
                    runtime().block_on(site.log_in_by(&self.login));
                    old = hash_of_file(&site.record());
                    child.send("go on");
                }
                Some(step) => break Some(step.to_owned()),
            }
        };
        drop(child);
        self.advance(site, A_PROCESS);
        // At most one login for the kill before, and none without a kill.
        assert!(lost <= usize::from(self.is_burnt), "{lost}");
        self.logins_required += lost;
        assert_eq!(site.sandbox.refresh_requests(), self.requests);
        let is_new = killed.as_deref() == Some(AFTER_RENAME);
        self.is_burnt = killed.is_some() && !is_new;
        let whole = if is_new { new.unwrap() } else { old };
        assert_eq!(hash_of_file(&site.record()), whole, "{killed:?}");
        killed
    }

    fn advance(&mut self, site: &Site, by: Duration) {
        self.moved += by;
        site.clock.advance(by);
    }
}

async fn renew_until_killed(here: &ChildSite) {
    let [moved, step, at] = &here.rest[..] else {
        panic!("{:?}", here.rest)
    };
    let clock = Clock::manual();
    clock.advance(seconds(moved.parse().unwrap()));
    let (step, left) = (step.clone(), AtomicU32::new(at.parse().unwrap()));
    let store = Stepwise::new(&here.folder, move |now| {
        if now.starts_with("saves ") {
            send_to_parent(now);
        }
        let counts = step == now || (step.is_empty() && STEPS.contains(&now));
        if counts && left.fetch_sub(1, Ordering::SeqCst) == 1 {
            send_to_parent(now);
            wait_for_parent();
        }
    });
    let login = here.login(store, &clock);
    let tokens = login.saved(USER).await.unwrap().unwrap();
    for _ in 0..=RENEWALS {
        clock.advance(LIFE);
        match tokens.token().await {
            Ok(_) => send_to_parent("renewed"),
            Err(error) => log_in_again(&tokens, &clock, &error).await,
        }
    }
}

async fn log_in_again(tokens: &TokenProvider, clock: &Clock, error: &Error) {
    assert_kind(error, "LoginRequired");
    // Repeated calls send nothing more.
    for _ in 0..5 {
        clock.advance(ASKED_AGAIN);
        assert_kind(&tokens.token().await.unwrap_err(), "LoginRequired");
    }
    send_to_parent(LOGIN_REQUIRED);
    read_from_parent();
    clock.advance(seconds(1));
    tokens.token().await.unwrap();
}

//! Broken stores, without which client credentials still get a token.

use std::{
    os::unix::{fs::chown, process::CommandExt as _},
    sync::mpsc,
};

use genesys_cloud_auth::Event;

use super::{
    credentials::{Fleet, member_of},
    damage::{ABSENT, Change, REJECTED},
    *,
};
use crate::support::{
    child_process::{command_after, messages_of, send_to_parent},
    files::set_mode,
};

const OTHER_USER: u32 = 65_534;

/// Each costs a request. A record that does not open is replaced; otherwise an event reports it.
#[tokio::test]
async fn broken_stores_make_no_token_unavailable() {
    let opened: Change = |record| set_mode(record.parent().unwrap(), 0o777);
    let absent = ABSENT.map(|(name, damage)| (name, damage, false));
    let rejected = REJECTED.map(|(name, damage, _)| (name, damage, true));
    let folder = [("an open folder", opened, true)];
    for (name, damage, fails) in absent.into_iter().chain(rejected).chain(folder) {
        let fleet = Fleet::new().await;
        let (first, _) = fleet.member();
        first.token().await.unwrap();
        damage(&fleet.record());
        let (tokens, events) = fleet.member();
        tokens.token().await.unwrap();
        assert_eq!(fleet.sandbox.token_requests(), 2, "{name}");
        drop(tokens);
        assert_eq!(failures(&events), usize::from(fails), "{name}");
        if !fails {
            fleet.member().0.token().await.unwrap();
            assert_eq!(fleet.sandbox.token_requests(), 2, "{name}");
        }
    }
}

/// The disk is full, by a limit on the size of a file, or the folder is read-only.
#[test]
fn token_is_returned_where_nothing_can_be_written() {
    let test = "processes::unavailable::token_is_returned_where_nothing_can_be_written";
    if let Some(here) = ChildSite::of_this_process() {
        let (tokens, events) = member_of(&here);
        runtime().block_on(tokens.token()).unwrap();
        drop(tokens);
        return send_to_parent(&failures(&events).to_string());
    }
    let fleet = runtime().block_on(Fleet::new());
    let (folder, job) = (fleet.folder.path(), fleet.job());
    let mut full = command_after("trap '' XFSZ; ulimit -f 0", test, &job);
    assert_eq!(messages_of(&full.output().unwrap()), ["1"]);
    let left = names(folder);
    assert!(left.iter().all(|name| has_ending(name, "lock")), "{left:?}");
    let mut closed = command(test, &job);
    for name in left {
        fs::remove_file(folder.join(name)).unwrap();
    }
    // Root can write everywhere, so the check runs as another user.
    if chown(folder, Some(OTHER_USER), None).is_ok() {
        closed.uid(OTHER_USER);
    }
    set_mode(folder, 0o500);
    let closed = closed.output().unwrap();
    set_mode(folder, 0o700);
    assert_eq!(messages_of(&closed), ["1"]);
    assert_eq!(fleet.sandbox.token_requests(), 2);
}

/// Returns how many `StoreFailed` events a dropped provider reported.
fn failures(events: &mpsc::Receiver<Event>) -> usize {
    let failed = |event: &Event| matches!(event, Event::StoreFailed { .. });
    events.iter().filter(failed).count()
}

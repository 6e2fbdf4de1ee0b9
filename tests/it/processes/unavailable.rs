//! Stores that are of no use to client credentials, which do without.

use std::{
    os::unix::{fs::chown, process::CommandExt as _},
    sync::mpsc,
};

use genesys_cloud_auth::Event;

use super::{
    credentials::{Fleet, member_of},
    spoiled::{ABSENT, Change, REFUSED, mode},
    *,
};
use crate::support::child_process::{command_after, job, messages_of, send_to_parent};

const OTHER_USER: u32 = 65_534;

/// Each costs a request. What does not open is written over; else the user is told.
#[tokio::test]
async fn no_store_however_bad_makes_a_token_unavailable() {
    let opened: Change = |record| mode(record.parent().unwrap(), 0o777);
    let absent = ABSENT.map(|(name, spoil)| (name, spoil, false));
    let refused = REFUSED.map(|(name, spoil, _)| (name, spoil, true));
    let folder = [("an open folder", opened, true)];
    for (name, spoil, fails) in absent.into_iter().chain(refused).chain(folder) {
        let fleet = Fleet::new().await;
        let (first, _) = fleet.member();
        first.token().await.unwrap();
        spoil(&fleet.record());
        let (tokens, told) = fleet.member();
        tokens.token().await.unwrap();
        assert_eq!(fleet.sandbox.token_requests(), 2, "{name}");
        drop(tokens);
        assert_eq!(failures(&told), usize::from(fails), "{name}");
        if !fails {
            fleet.member().0.token().await.unwrap();
            assert_eq!(fleet.sandbox.token_requests(), 2, "{name}");
        }
    }
}

/// The disk is full, by the limit of a file's size, or the folder takes nothing.
#[test]
fn a_token_is_had_where_nothing_can_be_written() {
    let test = "processes::unavailable::a_token_is_had_where_nothing_can_be_written";
    if let Some(job) = job() {
        let (tokens, told) = member_of(&Here::of(job));
        runtime().block_on(tokens.token()).unwrap();
        drop(tokens);
        return send_to_parent(&failures(&told).to_string());
    }
    let fleet = runtime().block_on(Fleet::new());
    let (folder, job) = (fleet.folder.path(), fleet.job());
    let mut full = command_after("trap '' XFSZ; ulimit -f 0", test, &job);
    assert_eq!(messages_of(&full.output().unwrap()), ["1"]);
    let left = names(folder);
    assert!(left.iter().all(|name| is_a(name, "lock")), "{left:?}");
    let mut closed = command(test, &job);
    for name in left {
        fs::remove_file(folder.join(name)).unwrap();
    }
    // Nothing is closed to root, so that another user stands in.
    if chown(folder, Some(OTHER_USER), None).is_ok() {
        closed.uid(OTHER_USER);
    }
    mode(folder, 0o500);
    let closed = closed.output().unwrap();
    mode(folder, 0o700);
    assert_eq!(messages_of(&closed), ["1"]);
    assert_eq!(fleet.sandbox.token_requests(), 2);
}

/// How often it was told, by a provider that is gone, that its store failed.
fn failures(told: &mpsc::Receiver<Event>) -> usize {
    let failed = |event: &Event| matches!(event, Event::StoreFailed { .. });
    told.iter().filter(failed).count()
}

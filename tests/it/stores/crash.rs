//! Processes that are killed while they save.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::atomic::{AtomicU32, Ordering::SeqCst},
};

use super::{key, load, path_in, runtime, save, store};
use crate::support::{
    child_process::{ChildProcess, command, job, send_to_parent, wait_for_parent},
    files::names,
    random,
};

/// The steps of a save in their order, with the record that is there before each.
const STEPS: [(&str, &[u8], bool); 5] = [
    ("create", OLD, false),
    ("write", OLD, true),
    ("sync", OLD, true),
    ("rename", OLD, true),
    ("sync_folder", NEW, false),
];
const OLD: &[u8] = b"the old record, and it is the longer one";
const NEW: &[u8] = b"the new record";

/// The number of saves, of five steps each, that a child does before it ends by itself.
const SAVES: u32 = 8;
const KILLS: u32 = 200;

#[test]
fn process_killed_at_any_step_leaves_a_whole_record() {
    let test = "stores::crash::process_killed_at_any_step_leaves_a_whole_record";
    if let Some(job) = job() {
        return save_until(&job);
    }
    for (step, record, half) in STEPS {
        let folder = tempfile::tempdir().unwrap();
        assert_stored(folder.path(), OLD);
        let path = folder.path().to_str().unwrap();
        let mut child = ChildProcess::start(&mut command(test, &[path, step, "1"]));
        assert_eq!(child.next_message().as_deref(), Some(step));
        // The child has the turn until it is dead.
        assert!(!is_free(folder.path()), "{step}");
        drop(child);
        assert_eq!(read(folder.path()), record, "{step}");
        assert_eq!(new_records(folder.path()), usize::from(half), "{step}");
        // The next run finds a free turn and removes what is left.
        assert!(is_free(folder.path()), "{step}");
        assert_stored(folder.path(), NEW);
        assert_eq!(new_records(folder.path()), 0, "{step}");
    }
}

#[test]
#[allow(
    clippy::print_stdout,
    reason = "prints how often each step was reached"
)]
fn two_hundred_random_kills_leave_a_whole_record_each() {
    let test = "stores::crash::two_hundred_random_kills_leave_a_whole_record_each";
    if let Some(job) = job() {
        return save_until(&job);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    assert_stored(folder.path(), &numbered(0));
    let mut counts = BTreeMap::<String, u32>::new();
    for kill in 0..KILLS {
        let before = number(&read(folder.path()));
        let at = 1 + random() % (SAVES * 5);
        let mut child = ChildProcess::start(&mut command(test, &[path, "", &at.to_string()]));
        let step = child.next_message().unwrap();
        drop(child);
        // Of five steps the last comes after the rename.
        let (saved, now) = (at / 5, number(&read(folder.path())));
        assert_eq!(now, before + saved, "{kill}: {step}");
        assert!(new_records(folder.path()) <= 1, "{kill}: {step}");
        *counts.entry(step).or_default() += 1;
    }
    println!("killed before each step: {counts:?}");
    assert_eq!(counts.len(), STEPS.len(), "{counts:?}");
    assert_stored(folder.path(), &numbered(0));
    assert_eq!(names(folder.path()).len(), 2, "{:?}", names(folder.path()));
}

/// Saves until the given step (any step without a name) comes for the given time, and then blocks
/// for ever.
fn save_until(job: &[String]) {
    let [folder, step, left] = job else {
        panic!("{job:?}")
    };
    let (step, left) = (step.clone(), left.parse::<u32>().unwrap());
    let left = AtomicU32::new(left);
    let store = store(Path::new(folder)).before_step(move |now| {
        let counts = step.is_empty() || step == now;
        if counts && left.fetch_sub(1, SeqCst) == 1 {
            send_to_parent(now);
            wait_for_parent();
        }
    });
    runtime().block_on(async {
        for _ in 0..=SAVES {
            let old = load(&store).await.unwrap().unwrap();
            let new = match &*old {
                OLD => NEW.to_vec(),
                old => numbered(number(old) + 1),
            };
            save(&store, &new).await.unwrap();
        }
    });
}

/// Returns a record whose length and content follow from its number.
fn numbered(number: u32) -> Vec<u8> {
    let text = format!("{number},");
    let times = usize::try_from(500 + number % 700).unwrap();
    [text.repeat(times), "end".into()].concat().into()
}

fn number(record: &[u8]) -> u32 {
    let text = std::str::from_utf8(record).unwrap();
    let number = text.split(',').next().unwrap().parse().unwrap();
    assert_eq!(record, numbered(number), "it is not whole");
    number
}

fn assert_stored(folder: &Path, record: &[u8]) {
    runtime().block_on(save(&store(folder), record)).unwrap();
}

fn read(folder: &Path) -> Vec<u8> {
    runtime().block_on(load(&store(folder))).unwrap().unwrap()
}

/// Whether the turn is free. The check does not take it.
fn is_free(folder: &Path) -> bool {
    fs::File::open(path_in(folder, ".lock"))
        .unwrap()
        .try_lock()
        .is_ok()
}

/// Returns the number of files other than the record and its lock.
fn new_records(folder: &Path) -> usize {
    let lock = format!("{}.lock", key().as_str());
    let others = |name: &String| *name != lock && *name != key().as_str();
    names(folder).into_iter().filter(others).count()
}

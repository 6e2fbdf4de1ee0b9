//! Ways to damage a record's file.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::support::files::set_mode;

pub type Change = fn(&Path);

/// Records that do not open and count as absent.
pub const ABSENT: [(&str, Change); 5] = [
    ("cut", |record| set_length(record, |length| length / 2)),
    ("empty", |record| set_length(record, |_| 0)),
    ("foreign", |record| {
        fs::write(record, "[tokens]\na = 1\n").unwrap();
    }),
    ("altered", alter),
    ("gone", |record| fs::remove_file(record).unwrap()),
];

/// Records that are rejected, with their repair.
pub const REJECTED: [(&str, Change, Change); 4] = [
    (
        "readable under two names",
        |record| {
            fs::hard_link(record, moved_path(record)).unwrap();
            set_mode(record, 0o644);
        },
        |record| {
            fs::remove_file(moved_path(record)).unwrap();
            set_mode(record, 0o600);
        },
    ),
    (
        "too long",
        |record| set_length(record, |length| length + TOO_LONG),
        |record| set_length(record, |length| length - TOO_LONG),
    ),
    (
        "a folder",
        |record| {
            fs::rename(record, moved_path(record)).unwrap();
            fs::create_dir(record).unwrap();
        },
        |record| {
            fs::remove_dir(record).unwrap();
            fs::rename(moved_path(record), record).unwrap();
        },
    ),
    (
        "a link",
        |record| {
            fs::rename(record, moved_path(record)).unwrap();
            symlink(moved_path(record), record).unwrap();
        },
        |record| fs::rename(moved_path(record), record).unwrap(),
    ),
];

fn set_length(record: &Path, to: fn(u64) -> u64) {
    let file = OpenOptions::new().write(true).open(record).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(to(length)).unwrap();
}

fn alter(record: &Path) {
    let mut bytes = fs::read(record).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(record, bytes).unwrap();
}

fn moved_path(record: &Path) -> PathBuf {
    record.with_extension("elsewhere")
}

const TOO_LONG: u64 = 2 << 20;

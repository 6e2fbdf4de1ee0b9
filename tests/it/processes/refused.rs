//! What a login's file may have become, and a disk that takes nothing.

use std::os::unix::{fs::chown, process::CommandExt as _};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use url::Url;

use super::{
    spoiled::{ABSENT, REFUSED, mode},
    *,
};
use crate::support::child_process::{
    ChildProcess, command_after, job, read_from_parent, send_to_parent,
};

const OTHER_USER: u32 = 65_534;

/// It is as if nobody had logged in: also for a process that knew better, once its token has ended.
#[tokio::test]
async fn damaged_or_foreign_login_counts_as_absent() {
    for (name, spoil) in ABSENT {
        let site = logged_in().await;
        let tokens = site.saved().await.unwrap();
        tokens.token().await.unwrap();
        spoil(&site.record());
        assert!(site.saved().await.is_none(), "{name}");
        site.clock.advance(LIFE);
        let error = tokens.token().await.unwrap_err();
        is(&error, "LoginRequired");
        assert!(error.needs_login());
        assert_eq!(site.sandbox.refresh_requests(), 0, "{name}");
        site.log_in().await;
        let saved = site.saved().await.unwrap();
        saved.token().await.unwrap();
        site.is_tidy();
    }
}

/// A login is not given up for it: whoever puts it right has it again.
#[tokio::test]
async fn a_login_that_cannot_be_read_is_an_error_that_names_the_file() {
    for (name, spoil, mend) in REFUSED {
        let site = logged_in().await;
        let tokens = site.saved().await.unwrap();
        tokens.token().await.unwrap();
        let record = site.record();
        spoil(&record);
        let login = site.login();
        names_the_file(&login.saved(USER).await.unwrap_err(), &record);
        let browser = |_: &Url| panic!("a store that fails is no reason to log in");
        names_the_file(&login.in_browser(USER, browser).await.unwrap_err(), &record);
        // A provider with a valid token serves it meanwhile.
        site.clock.advance(LIFE * 9 / 10);
        tokens.token().await.unwrap();
        site.clock.advance(LIFE / 10);
        let error = tokens.token().await.unwrap_err();
        names_the_file(&error, &record);
        assert_eq!(site.sandbox.refresh_requests(), 0, "{name}");
        mend(&record);
        site.clock.advance(error.retry_after().unwrap());
        tokens.token().await.unwrap();
        assert_eq!(site.sandbox.refresh_requests(), 1, "{name}");
        site.is_tidy();
    }
}

#[track_caller]
fn names_the_file(error: &Error, path: &Path) {
    is(error, "Store");
    assert!(error.is_transient() && !error.needs_login(), "{error}");
    let told = told(error);
    assert!(told.contains(path.to_str().unwrap()), "{told}");
}

/// What an error says, with its causes.
fn told(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", told(source)),
        None => error.to_string(),
    }
}

/// The limit of a file's size stands in for that of the disk.
#[test]
fn a_login_renewed_on_a_full_disk_is_kept_until_there_is_room() {
    let test = "processes::refused::a_login_renewed_on_a_full_disk_is_kept_until_there_is_room";
    if let Some(job) = job() {
        let limit = getrlimit(Resource::Fsize);
        let no_room = Rlimit {
            current: Some(0),
            ..limit
        };
        return runtime().block_on(renews_without_room(
            &Here::of(job),
            || setrlimit(Resource::Fsize, no_room).unwrap(),
            || setrlimit(Resource::Fsize, getrlimit_most()).unwrap(),
        ));
    }
    let site = runtime().block_on(logged_in());
    let url = site.sandbox.url();
    let folder = site.folder.path().to_str().unwrap();
    let job = [&*url, site.sandbox.client_id(), folder];
    let child = command_after("trap '' XFSZ", test, &job);
    keeps_it_meanwhile(&site, child, |_| {});
}

fn getrlimit_most() -> Rlimit {
    let limit = getrlimit(Resource::Fsize);
    Rlimit {
        current: limit.maximum,
        ..limit
    }
}

/// The lock is there, so that the turn can be had.
#[test]
fn login_renewed_in_a_full_folder_is_stored_later() {
    let test = "processes::refused::login_renewed_in_a_full_folder_is_stored_later";
    if let Some(job) = job() {
        return runtime().block_on(renews_without_room(&Here::of(job), || {}, || {}));
    }
    let site = runtime().block_on(logged_in());
    let folder = site.folder.path();
    let mut child = site.child(test, &[]);
    // Nothing is closed to root, so that another user stands in.
    if chown(folder, Some(OTHER_USER), None).is_ok() {
        for name in site.names() {
            chown(folder.join(name), Some(OTHER_USER), None).unwrap();
        }
        child.uid(OTHER_USER);
    }
    mode(folder, 0o500);
    keeps_it_meanwhile(&site, child, |folder| mode(folder, 0o700));
}

/// Where not even the turn can be had, nothing is sent.
#[test]
fn login_without_a_lock_in_a_full_folder_is_not_renewed() {
    let test = "processes::refused::login_without_a_lock_in_a_full_folder_is_not_renewed";
    if let Some(job) = job() {
        return runtime().block_on(renews_without_room(&Here::of(job), || {}, || {}));
    }
    let site = runtime().block_on(logged_in());
    let folder = site.folder.path();
    let mut child = site.child(test, &[]);
    fs::remove_file(site.record().with_extension("lock")).unwrap();
    if chown(folder, Some(OTHER_USER), None).is_ok() {
        chown(site.record(), Some(OTHER_USER), None).unwrap();
        child.uid(OTHER_USER);
    }
    mode(folder, 0o500);
    let mut child = ChildProcess::start(&mut child);
    assert_eq!(child.next_message().unwrap(), "Store");
    assert_eq!(site.sandbox.refresh_requests(), 0);
    mode(folder, 0o700);
    child.send("there is room");
    assert!(child.next_message().is_some());
    assert_eq!(site.sandbox.refresh_requests(), 1);
}

fn keeps_it_meanwhile(site: &Site, mut child: std::process::Command, make_room: fn(&Path)) {
    let old = hash_of_file(&site.record());
    let mut child = ChildProcess::start(&mut child);
    assert_eq!(child.next_message().unwrap(), "Store");
    assert_eq!(hash_of_file(&site.record()), old);
    site.is_tidy();
    make_room(site.folder.path());
    child.send("there is room");
    let token = child.next_message().unwrap();
    // It was not asked for again, and it is stored now.
    assert_eq!(site.sandbox.refresh_requests(), 1);
    assert_eq!(site.sandbox.refresh_reuses(), 0);
    assert_ne!(hash_of_file(&site.record()), old);
    assert!(!token.is_empty());
    site.is_tidy();
}

async fn renews_without_room(here: &Here, take: impl Fn(), give: impl Fn()) {
    let clock = Clock::manual();
    let login = here.login(here.store(), &clock);
    let tokens = login.saved(USER).await.unwrap().unwrap();
    tokens.token().await.unwrap();
    take();
    clock.advance(LIFE);
    for _ in 0..3 {
        let error = tokens.token().await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        is(&error, "Store");
        clock.advance(error.retry_after().unwrap());
    }
    send_to_parent("Store");
    read_from_parent();
    give();
    clock.advance(seconds(10));
    send_to_parent(&hash_of(&tokens.token().await.unwrap()));
}

async fn logged_in() -> Site {
    let site = Site::new(RefreshTokens::Rotating).await;
    site.log_in().await;
    site
}

//! Files of a login that are damaged or unreadable, and disks that cannot be written.

use std::os::unix::{fs::chown, process::CommandExt as _};

use rustix::process::{Resource, getrlimit, setrlimit};
use url::Url;

use super::{
    damage::{ABSENT, REJECTED},
    *,
};
use crate::support::{
    child_process::{ChildProcess, command_after, read_from_parent, send_to_parent},
    files::set_mode,
    login::callback_of,
};

const OTHER_USER: u32 = 65_534;

/// The login is required again, also for a process that used it, once its token has expired.
#[tokio::test]
async fn damaged_or_foreign_login_requires_a_new_login() {
    for (name, spoil) in ABSENT {
        let site = Site::logged_in(RefreshTokens::Rotating).await;
        let tokens = site.saved().await.unwrap();
        tokens.token().await.unwrap();
        spoil(&site.record());
        assert!(site.saved().await.is_none(), "{name}");
        site.clock.advance(LIFE);
        let error = tokens.token().await.unwrap_err();
        assert_kind(&error, "LoginRequired");
        assert!(error.needs_login());
        assert_eq!(site.sandbox.refresh_requests(), 0, "{name}");
        site.log_in().await;
        let saved = site.saved().await.unwrap();
        saved.token().await.unwrap();
        site.assert_tidy();
    }
}

/// The login is not given up: once the file is repaired it is used again.
#[tokio::test]
async fn unreadable_login_is_an_error_that_names_the_file() {
    for (name, spoil, mend) in REJECTED {
        let site = Site::logged_in(RefreshTokens::Rotating).await;
        let tokens = site.saved().await.unwrap();
        tokens.token().await.unwrap();
        let record = site.record();
        spoil(&record);
        let login = site.login();
        assert_names_file(&login.saved(USER).await.unwrap_err(), &record);
        let browser = |_: &Url| panic!("a store that fails is no reason to log in");
        assert_names_file(&login.in_browser(USER, browser).await.unwrap_err(), &record);
        // Meanwhile a process with a valid token returns it.
        site.clock.advance(LIFE * 9 / 10);
        tokens.token().await.unwrap();
        site.clock.advance(LIFE / 10);
        let error = tokens.token().await.unwrap_err();
        assert_names_file(&error, &record);
        assert_eq!(site.sandbox.refresh_requests(), 0, "{name}");
        mend(&record);
        site.clock.advance(error.retry_after().unwrap());
        tokens.token().await.unwrap();
        assert_eq!(site.sandbox.refresh_requests(), 1, "{name}");
        site.assert_tidy();
    }
}

#[track_caller]
fn assert_names_file(error: &Error, path: &Path) {
    assert_kind(error, "Store");
    assert!(error.is_transient() && !error.needs_login(), "{error}");
    let text = with_sources(error);
    assert!(text.contains(path.to_str().unwrap()), "{text}");
}

/// A limit on the size of a file replaces the full disk.
#[test]
fn login_renewed_on_a_full_disk_is_kept_until_stored() {
    let test = "processes::unusable_files::login_renewed_on_a_full_disk_is_kept_until_stored";
    if let Some(here) = ChildSite::of_this_process() {
        return runtime().block_on(renew_without_room(
            &here,
            || limit_file_size(Some(0)),
            || limit_file_size(getrlimit(Resource::Fsize).maximum),
        ));
    }
    let site = runtime().block_on(Site::logged_in(RefreshTokens::Rotating));
    let child = command_after("trap '' XFSZ", test, &site.job(&[]));
    keeps_login_until_stored(&site, child, |_| {});
}

/// The first login, whose code cannot be used again.
#[test]
fn login_made_on_a_full_disk_is_kept_until_stored() {
    let test = "processes::unusable_files::login_made_on_a_full_disk_is_kept_until_stored";
    if let Some(here) = ChildSite::of_this_process() {
        return runtime().block_on(log_in_without_room(&here));
    }
    let site = runtime().block_on(Site::new(RefreshTokens::Rotating));
    let child = &mut command_after("trap '' XFSZ", test, &site.job(&[]));
    let mut child = ChildProcess::start(child);
    let page = Url::parse(&child.next_message().unwrap()).unwrap();
    let callback = runtime().block_on(callback_of(&site.sandbox, &page));
    child.send(&callback);
    assert_eq!(child.next_message().unwrap(), "Store");
    let names = site.names();
    let only_locks = names.iter().all(|name| has_ending(name, "lock"));
    assert!(only_locks, "{names:?}");
    child.send("there is room");
    let token = child.next_message().unwrap();
    // Another process finds the login, and its code was sent once.
    let saved = runtime().block_on(async {
        let tokens = site.saved().await.unwrap();
        hash_of(&tokens.token().await.unwrap())
    });
    assert_eq!(saved, token);
    assert_eq!(site.sandbox.token_requests(), 1);
    site.assert_tidy();
}

async fn log_in_without_room(here: &ChildSite) {
    let clock = Clock::manual();
    let login = here.login(here.store(), &clock);
    let pending = login.begin().unwrap();
    send_to_parent(pending.authorize_url().as_str());
    let callback = read_from_parent();
    limit_file_size(Some(0));
    let error = login.finish(pending, &callback, USER).await.unwrap_err();
    assert_kind(&error, "Store");
    assert!(error.is_transient() && !error.needs_login(), "{error}");
    let tokens = login.saved(USER).await.unwrap().unwrap();
    for _ in 0..3 {
        let error = tokens.token().await.unwrap_err();
        assert_kind(&error, "Store");
        clock.advance(error.retry_after().unwrap());
    }
    send_to_parent("Store");
    read_from_parent();
    limit_file_size(getrlimit(Resource::Fsize).maximum);
    clock.advance(seconds(10));
    send_to_parent(&hash_of(&tokens.token().await.unwrap()));
}

fn limit_file_size(bytes: Option<u64>) {
    let mut limit = getrlimit(Resource::Fsize);
    limit.current = bytes;
    setrlimit(Resource::Fsize, limit).unwrap();
}

/// The lock exists, so the turn can be taken.
#[test]
fn login_renewed_in_a_read_only_folder_is_kept_until_stored() {
    let test =
        "processes::unusable_files::login_renewed_in_a_read_only_folder_is_kept_until_stored";
    if let Some(here) = ChildSite::of_this_process() {
        return runtime().block_on(renew_without_room(&here, || {}, || {}));
    }
    let site = runtime().block_on(Site::logged_in(RefreshTokens::Rotating));
    let folder = site.folder.path();
    let mut child = site.child(test, &[]);
    // Root can write everywhere, so the check runs as another user.
    if chown(folder, Some(OTHER_USER), None).is_ok() {
        for name in site.names() {
            chown(folder.join(name), Some(OTHER_USER), None).unwrap();
        }
        child.uid(OTHER_USER);
    }
    set_mode(folder, 0o500);
    keeps_login_until_stored(&site, child, |folder| set_mode(folder, 0o700));
}

/// If the turn cannot be taken, nothing is sent.
#[test]
fn login_without_a_lock_in_a_read_only_folder_is_not_renewed() {
    let test =
        "processes::unusable_files::login_without_a_lock_in_a_read_only_folder_is_not_renewed";
    if let Some(here) = ChildSite::of_this_process() {
        return runtime().block_on(renew_without_room(&here, || {}, || {}));
    }
    let site = runtime().block_on(Site::logged_in(RefreshTokens::Rotating));
    let folder = site.folder.path();
    let mut child = site.child(test, &[]);
    fs::remove_file(site.record().with_extension("lock")).unwrap();
    if chown(folder, Some(OTHER_USER), None).is_ok() {
        chown(site.record(), Some(OTHER_USER), None).unwrap();
        child.uid(OTHER_USER);
    }
    set_mode(folder, 0o500);
    let mut child = ChildProcess::start(&mut child);
    assert_eq!(child.next_message().unwrap(), "Store");
    assert_eq!(site.sandbox.refresh_requests(), 0);
    set_mode(folder, 0o700);
    child.send("there is room");
    assert!(child.next_message().is_some());
    assert_eq!(site.sandbox.refresh_requests(), 1);
}

fn keeps_login_until_stored(site: &Site, mut child: std::process::Command, make_room: fn(&Path)) {
    let old = hash_of_file(&site.record());
    let mut child = ChildProcess::start(&mut child);
    assert_eq!(child.next_message().unwrap(), "Store");
    assert_eq!(hash_of_file(&site.record()), old);
    site.assert_tidy();
    make_room(site.folder.path());
    child.send("there is room");
    let token = child.next_message().unwrap();
    // The token was not requested again, and it is stored now.
    assert_eq!(site.sandbox.refresh_requests(), 1);
    assert_eq!(site.sandbox.refresh_reuses(), 0);
    assert_ne!(hash_of_file(&site.record()), old);
    assert!(!token.is_empty());
    site.assert_tidy();
}

async fn renew_without_room(here: &ChildSite, take: impl Fn(), give: impl Fn()) {
    let (tokens, clock) = here.saved(here.store()).await;
    tokens.token().await.unwrap();
    take();
    clock.advance(LIFE);
    for _ in 0..3 {
        let error = tokens.token().await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        assert_kind(&error, "Store");
        clock.advance(error.retry_after().unwrap());
    }
    send_to_parent("Store");
    read_from_parent();
    give();
    clock.advance(seconds(10));
    send_to_parent(&hash_of(&tokens.token().await.unwrap()));
}

//! Expired records in a folder that processes share.

use genesys_cloud_auth::ClientCredentials;

use super::*;
use crate::support::child_process::{ChildProcess, messages_of, send_to_parent, wait_for_parent};

#[test]
fn expired_tokens_are_removed_under_their_turns_and_logins_stay() {
    let test = "processes::expired::expired_tokens_are_removed_under_their_turns_and_logins_stay";
    if let Some(here) = ChildSite::of_this_process() {
        return match &here.rest[0][..] {
            "lock" => hold(&here.folder.join(&here.rest[1])),
            secret => runtime().block_on(save_a_token(&here, secret)),
        };
    }
    let site = runtime().block_on(Site::logged_in(RefreshTokens::Rotating));
    let login = site.names();
    let service = runtime().block_on(Sandbox::start()).unwrap();
    let child = |rest: &[&str]| {
        let folder = site.folder.path().to_str().unwrap();
        let url = service.url();
        command(test, &[&[&url, service.client_id(), folder], rest].concat())
    };
    // Each secret has a record of its own.
    let save = || {
        let secret = service.rotate_secret();
        let output = child(&[secret.expose_secret()]).output().unwrap();
        assert_eq!(messages_of(&output), ["saved"]);
    };
    (0..3).for_each(|_| save());
    assert_eq!(site.names().len(), login.len() + 3 * 2, "none has expired");

    let mut locks = site.names();
    locks.retain(|name| has_ending(name, "lock") && !login.contains(name));
    for lock in &locks {
        let lock = site.folder.path().join(lock);
        assert!(time_in(&lock) > 0);
        fs::write(lock, format!("{:020}", 0)).unwrap();
    }
    let mut holder = ChildProcess::start(&mut child(&["lock", &locks[1]]));
    assert_eq!(holder.next_message().unwrap(), "locked");
    save();
    let names = site.names();
    assert_eq!(names.len(), login.len() + 2 * 2, "{names:?}");
    assert!(names.contains(&locks[1]), "its turn is held: {names:?}");

    drop(holder);
    save();
    let names = site.names();
    assert_eq!(names.len(), login.len() + 2 * 2, "{names:?}");
    assert!(!names.contains(&locks[1]), "{names:?}");
    assert!(login.iter().all(|name| names.contains(name)), "{names:?}");
    assert!(runtime().block_on(site.saved()).is_some());
}

async fn save_a_token(here: &ChildSite, secret: &str) {
    let credentials = ClientCredentials::new(&here.client_id, secret).unwrap();
    let builder = TokenProvider::builder(here.region(), credentials);
    let builder = builder.store(here.store()).http_client(connections());
    builder.build().unwrap().token().await.unwrap();
    send_to_parent("saved");
}

fn hold(lock: &Path) {
    let lock = fs::File::open(lock).unwrap();
    lock.try_lock().unwrap();
    send_to_parent("locked");
    wait_for_parent();
}

/// Returns the time in a lock file, in seconds.
fn time_in(lock: &Path) -> u64 {
    fs::read_to_string(lock).unwrap().parse().unwrap()
}

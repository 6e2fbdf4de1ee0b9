//! The example `fleet`, with files. With Redis it is tested in `tests/redis`.

use std::{fs, process::Command};

use super::{
    quickstart::{program, run},
    readme::assert_is_documented,
    support::{assert_contains, example::in_one_line},
};

#[test]
fn fleet_without_redis_shares_one_token_by_files() {
    let folder = tempfile::tempdir().unwrap();
    let (path, temporary) = (folder.path().join("path"), folder.path().join("temporary"));
    fs::create_dir(&path).unwrap();
    fs::create_dir(&temporary).unwrap();
    let mut command = Command::new(program("fleet"));
    command.env_remove("REDIS_URL").env("PATH", path);
    let output = command.envs([("TMPDIR", &temporary), ("TMP", &temporary)]);
    let output = output.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{text}{errors}"
    );
    assert_contains(in_one_line(&text), "token requests 1 20 ");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert_is_documented(&text);
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn invalid_url_of_redis_is_an_error() {
    let output = run("fleet", &[("REDIS_URL", "localhost:6379")]);
    let text = in_one_line(&String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success());
    assert!(text.contains("the URL of Redis is not valid"), "{text}");
}

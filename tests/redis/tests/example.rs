//! The example `fleet`. Without a Redis it is tested in `tests/it`.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use crate::{
    member::runtime,
    server::{Server, free_port},
};

/// Runs the example and returns what it prints, in one line. It leaves no files behind.
fn run(instances: &str, variables: &[(&str, &str)]) -> String {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("examples/fleet");
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command.args(["--instances", instances]);
    command.env_remove("REDIS_URL").env("TMPDIR", folder.path());
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{text}{errors}"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn fleet_starts_a_server_of_its_own_and_stops_it() {
    let folder = tempfile::tempdir().unwrap();
    let (program, id) = (folder.path().join("redis-server"), folder.path().join("id"));
    let installed = Command::new("sh")
        .args(["-c", "command -v redis-server"])
        .output();
    let installed = String::from_utf8(installed.unwrap().stdout).unwrap();
    let script = format!(
        "#!/bin/sh\necho $$ > {}\nexec {} \"$@\"\n",
        id.display(),
        installed.trim()
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = folder.path().to_str().unwrap();
    let text = run("20", &[("PATH", path)]);
    assert!(text.contains("a Redis that this program has started for itself."));
    assert!(text.contains("token requests 1 20 shortest wait"), "{text}");
    assert!(!text.contains("failed"), "{text}");
    let id = fs::read_to_string(id).unwrap();
    assert!(!Path::new("/proc").join(id.trim()).exists());
}

#[test]
fn fleet_uses_the_given_redis_and_leaves_nothing_there() {
    let server = Server::start_with_password("a-password");
    let text = run("5", &[("REDIS_URL", &server.url())]);
    assert!(text.contains("The store is the Redis of REDIS_URL."));
    assert!(text.contains("token requests 1 5 shortest wait"), "{text}");
    assert!(
        !text.contains("failed") && !text.contains("a-password"),
        "{text}"
    );
    runtime().block_on(async {
        let used = server.ask(&["INFO", "commandstats"]).await;
        assert!(format!("{used:?}").contains("cmdstat_getrange:calls="));
        let keys = server.try_ask(&["DBSIZE"]).await.unwrap();
        assert_eq!(keys, redis::Value::Int(0));
    });
}

#[test]
fn fleet_without_its_redis_reports_the_failure() {
    let url = format!("redis://:a-password@127.0.0.1:{}", free_port());
    let text = run("5", &[("REDIS_URL", &url)]);
    assert!(text.contains("token requests 5 5 shortest wait"), "{text}");
    let failure = "The store failed in 5 processes, and each of them requested a token of its own: \
                   the token store failed: Redis at 127.0.0.1:";
    assert!(text.contains(failure), "{text}");
    assert!(text.contains("it cannot be reached"), "{text}");
    assert!(!text.contains("a-password"), "{text}");
}

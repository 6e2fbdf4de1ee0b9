use std::io::Write as _;

use crate::desktop::{Desktop, LONG, lines, output_of};

/// The timeout is longer than a program may run here.
#[test]
fn machine_without_a_keyring_is_reported_at_once() {
    for (desktop, cause) in [
        (Desktop::without_bus(), "no keyring can be reached"),
        (Desktop::without_keyring(), "no keyring can be reached"),
        (Desktop::without_default_keyring(), "no default keyring"),
    ] {
        for what in [&["key"][..], &["unlock"], &["append", "a", "1"]] {
            let printed = desktop.run(&[&[LONG], what].concat());
            for part in [cause, "FileStore", "SealingKey::file"] {
                assert_eq!(lines(&printed, "error: ").len(), 1, "{printed}");
                assert!(printed.contains(part), "{what:?}, {part}: {printed}");
            }
        }
    }
}

/// Nobody can type the password here, so the keyring gives up.
#[test]
fn locked_keyring_is_an_error_that_names_the_cure() {
    let mut desktop = Desktop::unlocked();
    desktop.succeed(&[LONG, "append", "a", "1"]);
    desktop.succeed(&[LONG, "key"]);
    desktop.restart_locked();
    for what in COMMANDS {
        let printed = desktop.run(&[&[LONG], what].concat());
        assert!(
            printed.contains("the keyring is locked"),
            "{what:?}: {printed}"
        );
    }
    desktop.restart_unlocked();
    let printed = desktop.succeed(&[LONG, "load", "a"]);
    assert_eq!(lines(&printed, "found: "), ["Some([1])"]);
}

/// The user is asked for the password, and nobody types it.
#[test]
fn prompt_that_stays_open_ends_at_the_deadline() {
    let mut desktop = Desktop::unlocked();
    desktop.succeed(&[LONG, "append", "a", "1"]);
    desktop.succeed(&[LONG, "key"]);
    let mut prompter = desktop.start_prompter();
    for what in COMMANDS {
        // It keeps the prompt of the program before open.
        desktop.restart_locked();
        let printed = desktop.run(&[&["5500"], what].concat());
        let cause = "the keyring did not respond within 5.5 s; if it asks for a password, enter it";
        assert!(printed.contains(cause), "{what:?}: {printed}");
        prompter.wait_for("prompter: BeginPrompting");
    }
    desktop.restart_unlocked();
    let printed = desktop.succeed(&[LONG, "load", "a"]);
    assert_eq!(lines(&printed, "found: "), ["Some([1])"]);
}

/// The program has one thread for its tasks. It ends although the prompt is still open.
#[test]
fn prompt_that_stays_open_blocks_no_task_and_no_end() {
    let mut desktop = Desktop::unlocked();
    desktop.restart_locked();
    let mut prompter = desktop.start_prompter();
    let mut program = desktop.start(&[LONG, "token-while-unlocking"]);
    prompter.wait_for("prompter: BeginPrompting");
    let mut input = program.stdin.take().unwrap();
    input.write_all(b"go on\n").unwrap();
    let printed = output_of(program);
    assert!(printed.ends_with("done\n"), "{printed}");
    assert_eq!(lines(&printed, "secret: ").len(), 1, "{printed}");
}

/// A stopped bus answers nothing at all, so a call there never ends. The program ends although its call
/// does not.
#[test]
fn keyring_that_hangs_keeps_no_program_from_ending() {
    let desktop = Desktop::unlocked();
    desktop.succeed(&[LONG, "append", "a", "1"]);
    for stop in [Desktop::signal_bus, Desktop::signal_keyring] {
        stop(&desktop, "STOP");
        for what in COMMANDS {
            let printed = desktop.run(&[&["200"], what].concat());
            let cause = "the keyring did not respond within 0.2 s";
            assert!(printed.contains(cause), "{what:?}: {printed}");
        }
        stop(&desktop, "CONT");
        let printed = desktop.succeed(&[LONG, "load", "a"]);
        assert_eq!(lines(&printed, "found: "), ["Some([1])"]);
    }
}

/// The bus works, so a reply that does not arrive is noticed long before the timeout.
#[test]
fn keyring_that_does_not_reply_is_named() {
    let desktop = Desktop::unlocked();
    desktop.signal_keyring("STOP");
    for what in COMMANDS {
        let printed = desktop.run(&[&[LONG], what].concat());
        assert!(
            printed.contains("the keyring does not reply"),
            "{what:?}: {printed}"
        );
    }
    desktop.signal_keyring("CONT");
}

#[test]
fn service_gets_its_token_while_the_keyring_hangs() {
    let desktop = Desktop::unlocked();
    desktop.signal_bus("STOP");
    let printed = desktop.succeed(&["200", "token"]);
    assert_eq!(lines(&printed, "secret: ").len(), 1, "{printed}");
    assert!(printed.contains("event: StoreFailed"), "{printed}");
    desktop.signal_bus("CONT");
}

/// What a program does with a keyring.
const COMMANDS: [&[&str]; 4] = [&["key"], &["unlock"], &["append", "a", "1"], &["load", "a"]];

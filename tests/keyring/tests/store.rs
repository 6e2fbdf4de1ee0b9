use crate::desktop::{Desktop, LONG, lines, output_of};

#[test]
fn keyring_store_passes_conformance() {
    Desktop::unlocked().succeed(&[LONG, "conformance"]);
}

#[test]
fn processes_lose_no_update_and_a_restart_loses_none() {
    let mut desktop = Desktop::unlocked();
    let processes: Vec<_> = (0..4)
        .map(|_| desktop.start(&[LONG, "append", "a", "8"]))
        .collect();
    for process in processes {
        let printed = output_of(process);
        assert!(printed.ends_with("done\n"), "{printed}");
    }
    desktop.restart_unlocked();
    let printed = desktop.succeed(&[LONG, "load", "a"]);
    assert_eq!(lines(&printed, "found: "), [format!("Some({:?})", [1; 32])]);
    let printed = desktop.succeed(&[LONG, "load", "b"]);
    assert_eq!(lines(&printed, "found: "), ["None"]);
}

/// As an import of the user leaves them.
#[test]
fn save_replaces_all_copies_of_an_entry_and_no_other() {
    let desktop = Desktop::unlocked();
    desktop.succeed(&[LONG, "append", "a", "1"]);
    let contents = desktop.succeed(&[LONG, "contents"]);
    let (account, _) = lines(&contents, "item: ")[0].split_once(' ').unwrap();
    desktop.succeed(&[LONG, "plant", account, "AQE=", "2"]);
    desktop.succeed(&[LONG, "append", "b", "1"]);
    desktop.succeed(&[LONG, "append", "a", "1"]);
    let contents = desktop.succeed(&[LONG, "contents"]);
    assert_eq!(
        lines(&contents, &format!("item: {account} ")).len(),
        1,
        "{contents}"
    );
    assert_eq!(lines(&contents, "item: ").len(), 2, "{contents}");
}

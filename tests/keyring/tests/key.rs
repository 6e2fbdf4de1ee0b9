use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::desktop::{Desktop, LONG, lines, output_of};

#[test]
fn processes_that_start_at_once_share_one_key() {
    let mut desktop = Desktop::unlocked();
    let processes: Vec<_> = (0..8).map(|_| desktop.start(&[LONG, "key"])).collect();
    let printed: Vec<_> = processes.into_iter().map(output_of).collect();
    let keys: Vec<_> = printed
        .iter()
        .flat_map(|printed| lines(printed, "secret: "))
        .collect();
    assert_eq!(keys.len(), 8, "{printed:?}");

    desktop.restart_unlocked();
    let later = desktop.succeed(&[LONG, "key"]);
    let keys = keys.into_iter().chain(lines(&later, "secret: "));
    assert_eq!(keys.collect::<BTreeSet<_>>().len(), 1);
    let contents = desktop.succeed(&[LONG, "contents"]);
    assert_eq!(
        lines(&contents, "item: sealing-key ").len(),
        1,
        "{contents}"
    );
}

#[test]
fn entry_that_cannot_be_a_key_is_rejected_and_kept() {
    let long = BASE64_STANDARD.encode([7; 33]);
    let same = BASE64_STANDARD.encode([7; 32]);
    let text = BASE64_STANDARD.encode("a passphrase of 32 characters ..");
    for wrong in ["", "not a key", &long, &same, &text] {
        let desktop = Desktop::unlocked();
        desktop.succeed(&[LONG, "plant", "sealing-key", wrong, "1"]);
        let printed = desktop.run(&[LONG, "key"]);
        assert!(
            printed.contains("is not a sealing key"),
            "{wrong}: {printed}"
        );
        let contents = desktop.succeed(&[LONG, "contents"]);
        assert_eq!(lines(&contents, "item: sealing-key "), [wrong]);
    }
}

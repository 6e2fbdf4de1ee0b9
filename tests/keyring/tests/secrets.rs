use base64::{Engine, prelude::BASE64_STANDARD};

use crate::desktop::{Desktop, LONG, lines};

#[test]
fn neither_entries_nor_output_show_a_secret_or_a_name() {
    let mut desktop = Desktop::unlocked();
    let printed = desktop.succeed(&[LONG, "users"]);
    let mut secrets = lines(&printed, "secret: ");
    // A service, and two users who are found again.
    assert_eq!(secrets.len(), 5, "{printed}");
    secrets.push("jo@example.com");

    let contents = desktop.succeed(&[LONG, "contents"]);
    let items = lines(&contents, "item: ");
    // The service's token, a login, and the key.
    assert_eq!(items.len(), 3, "{contents}");
    let mut entries = lines(&contents, "about: ").join("\n");
    let mut keys = Vec::new();
    for item in items {
        let (account, value) = item.split_once(' ').unwrap();
        let bytes = BASE64_STANDARD.decode(value).unwrap();
        entries.extend([account, "\n", &*String::from_utf8_lossy(&bytes), "\n"]);
        if account == "sealing-key" {
            keys.push(format!("{bytes:?}"));
            keys.push(value.to_owned());
        }
    }
    assert_eq!(keys.len(), 2, "{contents}");
    assert!(
        secrets.iter().all(|secret| !entries.contains(secret)),
        "{entries}"
    );

    desktop.restart_locked();
    let errors = desktop.run(&[LONG, "users"]) + &desktop.run(&[LONG, "key"]);
    desktop.signal_bus("STOP");
    let errors = errors + &desktop.run(&["200", "users"]) + &desktop.run(&["200", "key"]);
    secrets.extend(keys.iter().map(String::as_str));
    for shown in [printed.as_str(), &errors] {
        for planted in ["planted record of log", "planted record of tracing"] {
            assert!(shown.contains(planted), "{shown}");
        }
        let shown = shown.lines().filter(|line| !line.starts_with("secret: "));
        for line in shown {
            for secret in &secrets {
                assert!(!line.contains(secret), "{secret} is in: {line}");
            }
        }
    }
}

//! What the examples print, and how they end.

use std::process::{Command, Stdio};

use super::{
    quickstart::{program, quickstart::terminal::Output},
    support::example::{assert_fails, in_one_line},
};

const EXAMPLES: [&str; 9] = [
    "audit",
    "data_action",
    "diagnose",
    "fleet",
    "login",
    "quickstart",
    "saml2_bearer",
    "sso_web_app",
    "web_app",
];

/// An address of another machine.
const HTTP: &str = "http://app.example/";

fn wrapped(columns: usize, text: &str) -> String {
    let mut out = Vec::new();
    let output = &mut Output::new(&mut out, columns);
    output.text(text).unwrap();
    output.row("a name", text).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn text_fills_the_terminal_and_no_word_is_broken() {
    let url = format!("http://localhost/{}", "a-b/?=%20".repeat(30));
    let text = format!("one two-three, {url} four (five) six → seven\neight ");
    let text = text + &"nine ".repeat(60);
    for columns in [30, 40, 80, 120] {
        let shown = wrapped(columns, &text);
        for word in text.split_whitespace() {
            assert!(
                shown.split_whitespace().any(|shown| shown == word),
                "{shown}"
            );
        }
        let widths = shown.lines().map(|line| line.chars().count());
        let widths: Vec<_> = widths.filter(|width| *width < url.len()).collect();
        let widest = *widths.iter().max().unwrap();
        assert!(
            (columns - 5..=columns).contains(&widest),
            "{widest}: {shown}"
        );
        assert_eq!(in_one_line(&shown).matches("eight").count(), 2);
    }
}

#[test]
fn each_example_has_a_help() {
    for example in EXAMPLES {
        for flag in ["--help", "-h"] {
            let mut command = Command::new(program(example));
            let output = command.args(["another", flag]).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{example}: {text}");
            assert!(output.stderr.is_empty());
            for part in ["Arguments: ", "-h, --help"] {
                assert!(text.contains(part), "{example}: {text}");
            }
            assert!(
                text.lines().all(|line| line.chars().count() <= 80),
                "{text}"
            );
        }
        let output = Command::new(program(example)).arg("--nope").output();
        let output = output.unwrap();
        assert!(!output.status.success() && output.stdout.is_empty());
        let text = in_one_line(&String::from_utf8_lossy(&output.stderr));
        assert!(text.starts_with("Error: the arguments are "), "{text}");
        assert!(text.ends_with("--help explains them"), "{text}");
    }
}

#[tokio::test]
async fn invalid_arguments_are_named() {
    let idp = "https://idp.example/sso";
    for (example, arguments, reason) in [
        (
            "data_action",
            &["one"][..],
            "the arguments are none, or ROLE",
        ),
        ("fleet", &["--instances", "0"], "1 to 200, not 0"),
        ("fleet", &["--instances", "201"], "1 to 200, not 201"),
        ("fleet", &["--instances", "-1"], "1 to 200, not -1"),
        ("fleet", &["--instances", "many"], "1 to 200, not many"),
        ("login", &["--logout"], "the arguments are REGION CLIENT_ID"),
        ("login", &["moon", "an-id"], "moon"),
        ("login", &["euw1", "an-id", "http://x y"], "redirect URI"),
        ("sso_web_app", &["euw1", "an-id", "org", idp, HTTP], "https"),
        ("web_app", &["euw1", "an-id", HTTP], "https"),
    ] {
        assert_fails(example, arguments, reason).await;
    }
}

/// A server would start without it, and report it when a user logs in.
#[tokio::test]
async fn missing_client_secret_is_named_at_start() {
    let (idp, base) = ("https://idp.example/sso", "http://localhost:9/");
    let reason = "no client secret; set GENESYSCLOUD_OAUTHCLIENT_SECRET, or set \
        GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE to the path";
    for (example, arguments) in [
        ("sso_web_app", &["euw1", "an-id", "org", idp, base][..]),
        ("web_app", &["euw1", "an-id", base]),
        ("saml2_bearer", &["euw1", "an-id", "org", "assertion.xml"]),
    ] {
        assert_fails(example, arguments, reason).await;
    }
}

#[test]
fn closed_output_ends_a_program_quietly() {
    for example in EXAMPLES {
        let mut command = Command::new(program(example));
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && text.is_empty(),
            "{example}: {text}"
        );
    }
}

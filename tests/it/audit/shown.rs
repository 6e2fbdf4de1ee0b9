//! Reports as JSON and as Markdown.

use genesys_cloud_auth::audit::Check;
use serde_json::{Value, json};

use super::{Organization, good_client};

/// Words of a server that would change a table, a page or a terminal.
const HOSTILE: &str = "a|b\n| c | d |\r\n# x <script>alert(1)</script> ![i](http://e.example) \
    [l](javascript:x) `code` *b* _i_ ~s~ \\| &#124; www.evil.example http://evil.example a@b.example \
    \u{1b}[31m \u{202e} \u{85} \u{2028} $m$ {x} \"q\"";

#[tokio::test]
async fn markdown_has_one_row_for_each_finding() {
    let mut client = good_client();
    client["roleDivisions"] = json!([]);
    client["description"] = Value::Null;
    client["state"] = "of tomorrow | x".into();
    for name in ["id", "name", "authorizedGrantType"] {
        client[name] = HOSTILE.into();
    }
    client["registeredRedirectUri"] =
        json!(["http://user:password@a.example/c|d/*b*?code=e|f#frag|ment"]);
    let report = Organization::with_clients(&[client, good_client()])
        .await
        .report()
        .await;
    let mut report = report;
    let uri = "http&#58;//a.example/c&#124;d/&#42;b&#42; ";
    assert!(report.markdown().contains(uri), "{}", report.markdown());
    // A program may add words of its own.
    report.not_checked[0].reason = "a\nb\r\n| c | d | e | f |".to_owned();
    let markdown = report.markdown();
    let rows: Vec<_> = markdown
        .lines()
        .filter(|line| line.starts_with('|'))
        .collect();
    let expected = report.findings.len() + report.not_checked.len() + report.passed.len() + 3 * 2;
    assert_eq!(rows.len(), expected, "{markdown}");
    for row in &rows {
        let cells = row.matches('|').count() - 1;
        assert!(matches!(cells, 2 | 4), "{row}");
    }
    for live in [
        "<",
        "](",
        "`",
        "*",
        "![",
        "://",
        "www.",
        "@",
        "\\",
        "$",
        "{",
        "&#124;b&#124;c",
    ] {
        assert!(!markdown.contains(live), "{live}: {markdown}");
    }
    let is_odd = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{2028}');
    assert!(!markdown.chars().any(is_odd), "{markdown}");
    // A browser shows the words as they were.
    assert!(markdown.contains("a&#124;b"), "{markdown}");
    for secret in ["password", "code=", "user:", "frag"] {
        assert!(!markdown.contains(secret), "{markdown}");
    }
    let terminal = format!("{:?}", report.findings);
    assert!(!terminal.chars().any(is_odd), "{terminal}");
}

#[tokio::test]
async fn markdown_of_a_good_organization_has_no_empty_table() {
    let markdown = Organization::with_client(&json!({}))
        .await
        .report()
        .await
        .markdown();
    assert!(
        markdown.starts_with("# OAuth clients on 2026-11-29\n"),
        "{markdown}"
    );
    assert!(!markdown.contains("## Findings") && !markdown.contains("## Not checked"));
    assert!(markdown.contains("| implicit grant | 1 |"), "{markdown}");
}

#[tokio::test]
async fn json_has_the_facts_and_the_words() {
    let fields = json!({ "accessTokenValiditySeconds": 86_400, "state": "frozen" });
    let report = Organization::with_client(&fields).await.report().await;
    let json = serde_json::to_value(&report).unwrap();
    let client = json!({ "kind": "client", "id": "a", "name": "job" });
    let finding = json!({
        "check": "token_duration",
        "subject": client,
        "problem": { "kind": "long_token_duration", "seconds": 86_400, "max_seconds": 64_800 },
        "text": "its tokens are valid for 86400 s, and 64800 s are allowed",
        "cure": "set a token duration of at most 64800 s",
    });
    assert_eq!(json["findings"], json!([finding]));
    assert_eq!(json["time"], "2026-11-29T00:00:00.000Z");
    assert_eq!(json["clients"], 1);
    assert_eq!(json["not_checked"][0]["check"], "state");
    assert_eq!(json["not_checked"][0]["subject"], client);
    assert_eq!(json["passed"].as_object().unwrap().len(), Check::ALL.len());
    assert_eq!(json["passed"]["state"], 0);
}

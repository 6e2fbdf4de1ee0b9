//! The example that audits an organisation.

use genesys_cloud_auth::{PlatformClient, TokenProvider, audit::Check, sandbox::Sandbox};
use serde_json::Value;

use crate::{
    quickstart::{program, run},
    readme::assert_is_documented,
    support::example::in_one_line,
};

#[path = "../../../examples/audit.rs"]
#[allow(
    clippy::module_inception,
    dead_code,
    reason = "a program with parts of its own"
)]
mod audit;

use audit::{Form, terminal::Output};

fn shown(report: &genesys_cloud_auth::audit::AuditReport, form: Form) -> String {
    let mut out = Vec::new();
    audit::show(&mut Output::new(&mut out, 80), report, form).unwrap();
    String::from_utf8(out).unwrap()
}

#[tokio::test]
async fn sandbox_run_shows_each_check() {
    let report = audit::of_the_sandbox().await.unwrap();
    let text = shown(&report, Form::Text);
    for check in Check::ALL {
        assert!(text.contains(&check.to_string()), "{check}: {text}");
    }
    for finding in &report.findings {
        let words = format!("finding {finding} cure {}", finding.cure());
        assert!(in_one_line(&text).contains(&words), "{words}: {text}");
    }
    assert_eq!(
        (report.findings.len(), report.not_checked.len()),
        (15, 2),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
}

#[tokio::test]
async fn sandbox_without_faults_shows_only_what_passed() {
    let sandbox = Sandbox::builder().integration_credentials(0);
    let sandbox = sandbox.start().await.unwrap();
    let tokens = TokenProvider::new(sandbox.region(), sandbox.client_credentials()).unwrap();
    let mut report = PlatformClient::new(tokens).audit().run().await.unwrap();
    report.findings.clear();
    let text = shown(&report, Form::Text);
    assert!(
        text.starts_with("\nOAuth clients: 1. Findings: 0."),
        "{text}"
    );
    assert!(!text.contains("cure"), "{text}");
}

#[test]
fn program_runs_without_configuration() {
    let output = run("audit", &[]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert_is_documented(&text);
    for flag in ["--json", "--markdown"] {
        let output = std::process::Command::new(program("audit"))
            .arg(flag)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        if flag == "--json" {
            let report: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(report["clients"], 4);
        } else {
            assert!(text.starts_with("# OAuth clients on "), "{text}");
        }
    }
}

//! A report as Markdown, for a review.

use std::fmt::{Display, Write};

use super::report::AuditReport;
use crate::rfc3339::format_date_time;

impl AuditReport {
    /// Returns the report as Markdown with a table of the findings and one of what was not checked.
    ///
    /// Characters with a meaning in Markdown or HTML are written as entities, so that a client's name
    /// cannot add a row, a link, an image or a script.
    #[must_use]
    pub fn markdown(&self) -> String {
        let date: String = format_date_time(self.time).chars().take(10).collect();
        let (findings, not_checked) = (self.findings.len(), self.not_checked.len());
        let mut text = format!(
            "# OAuth clients on {date}\n\nOAuth clients: {}. Findings: {findings}. Not checked: \
             {not_checked}.\n",
            self.clients
        );
        if findings > 0 {
            text.push_str("\n## Findings\n\n");
            row(&mut text, ["check", "subject", "finding", "cure"]);
            row(&mut text, ["---"; 4]);
        }
        for finding in &self.findings {
            let cells = [
                finding.check().to_string(),
                finding.subject.to_string(),
                finding.to_string(),
                finding.cure(),
            ];
            row(&mut text, cells.map(|cell| escaped(&cell)));
        }
        if not_checked > 0 {
            text.push_str("\n## Not checked\n\n");
            row(&mut text, ["check", "subject", "reason", "cure"]);
            row(&mut text, ["---"; 4]);
        }
        for one in &self.not_checked {
            let (check, subject) = (one.check.to_string(), one.subject.to_string());
            let cells = [&check, &subject, &one.reason, &one.cure];
            row(&mut text, cells.map(|cell| escaped(cell)));
        }
        text.push_str("\n## Passed\n\n| check | passed |\n|---|---|\n");
        for (check, number) in &self.passed {
            // A text always accepts more.
            let _ = writeln!(text, "| {check} | {number} |");
        }
        text
    }
}

fn row(text: &mut String, cells: [impl Display; 4]) {
    let [check, subject, what, cure] = cells;
    let _ = writeln!(text, "| {check} | {subject} | {what} | {cure} |");
}

/// Returns a text of one line without the characters that Markdown or HTML gives a meaning, and
/// without what is made a link by its look.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if matches!(c, '\r' | '\n') {
            escaped.push(' ');
        } else if SPECIAL.contains(c) {
            let _ = write!(escaped, "&#{};", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    let escaped = escaped.replace("://", "&#58;//");
    let mut rest = escaped.as_str();
    let mut text = String::new();
    while let Some(at) = rest.to_ascii_lowercase().find("www.") {
        let (before, after) = rest.split_at(at + 3);
        text.push_str(before);
        text.push_str("&#46;");
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    text + rest
}

const SPECIAL: &str = "&<>\\`*_{}[]#|~!$@\"'";

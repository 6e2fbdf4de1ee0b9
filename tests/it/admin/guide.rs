//! The numbers and dates of the guide are those of the crate.

use std::{collections::BTreeSet, time::Duration};

use genesys_cloud_auth::limits::{
    HIPAA_IDLE_TIMEOUT, IMMEDIATE_DELETION_AGE, IMPLICIT_GRANT_CLOSED_SINCE, IMPLICIT_GRANT_ENDS,
    MAX_REDIRECT_URIS, MAX_SCIM_TOKEN_DURATION, RECOMMENDED_TOKEN_DURATION, RESTORATION_PERIOD,
    SECRET_SHOWN_ONCE_SINCE, TOKEN_DURATION,
};

const GUIDE: &str = include_str!("../../../src/guide/oauth_clients.md");

/// The numbers of the prose: neither of code, of links, of the steps' numbers nor of names.
fn numbers() -> BTreeSet<String> {
    let mut prose = String::new();
    for (index, part) in GUIDE.split("```").enumerate() {
        if index % 2 == 0 {
            prose.push_str(part);
        }
    }
    let lines = prose.lines().map(|line| {
        let start = line.trim_start_matches(|c: char| c.is_ascii_digit());
        start.strip_prefix(". ").unwrap_or(line)
    });
    let text = lines.collect::<Vec<_>>().join(" ");
    let mut text: String = text.split('`').step_by(2).collect();
    for steps in ["steps 2 to 6", "step 7", "steps 8 and 9"] {
        text = text.replace(steps, "");
    }
    let words = text.split(|c: char| c.is_whitespace() || "();:.".contains(c));
    let numbers = words.map(|word| word.trim_matches(',').replace(',', ""));
    numbers.filter(|word| word.parse::<u64>().is_ok()).collect()
}

#[test]
fn every_number_is_a_constant() {
    let seconds = |duration: Duration| duration.as_secs().to_string();
    let per = |duration: Duration, unit: u64| (duration.as_secs() / unit).to_string();
    let (min, max) = (*TOKEN_DURATION.start(), *TOKEN_DURATION.end());
    let year = |month: genesys_cloud_auth::limits::Month| month.year().to_string();
    let expected = BTreeSet::from([
        // The least number of redirect URIs.
        "1".to_owned(),
        MAX_REDIRECT_URIS.to_string(),
        seconds(min),
        per(min, 60),
        seconds(max),
        per(max, 3_600),
        seconds(RECOMMENDED_TOKEN_DURATION),
        per(RECOMMENDED_TOKEN_DURATION, 3_600),
        seconds(MAX_SCIM_TOKEN_DURATION),
        per(MAX_SCIM_TOKEN_DURATION, 86_400),
        per(HIPAA_IDLE_TIMEOUT, 60),
        per(IMMEDIATE_DELETION_AGE, 86_400),
        per(RESTORATION_PERIOD, 86_400),
        year(SECRET_SHOWN_ONCE_SINCE),
        year(IMPLICIT_GRANT_CLOSED_SINCE),
        year(IMPLICIT_GRANT_ENDS),
    ]);
    assert_eq!(numbers(), expected);
    for sentence in [
        format!("{} to {}", grouped(min), grouped(max)),
        format!("up to {}", grouped(MAX_SCIM_TOKEN_DURATION)),
        format!("{} if not set", grouped(RECOMMENDED_TOKEN_DURATION)),
        format!("1 to {MAX_REDIRECT_URIS} for the other grant types"),
        format!("Since {SECRET_SHOWN_ONCE_SINCE} it is shown only"),
        format!("Since {IMPLICIT_GRANT_CLOSED_SINCE} no client"),
        format!("stop working in {IMPLICIT_GRANT_ENDS}"),
    ] {
        let text = GUIDE.replace('\n', " ");
        assert!(text.contains(&sentence), "{sentence}");
    }
}

/// With a comma between thousands.
fn grouped(duration: Duration) -> String {
    let digits = duration.as_secs().to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8(groups.join(&b',')).unwrap()
}

#[test]
fn ten_questions_are_answered() {
    let (_, answers) = GUIDE.split_once("# Ten questions").unwrap();
    let questions = answers.matches("?**").count();
    assert_eq!(questions, 10);
    let (_, steps) = GUIDE.split_once("# The steps").unwrap();
    let (steps, _) = steps.split_once("\n# ").unwrap();
    let starts_with_digit = |line: &&str| line.starts_with(|c: char| c.is_ascii_digit());
    let numbered = steps.lines().filter(starts_with_digit);
    assert_eq!(numbered.count(), 9);
    let (_, practices) = GUIDE.split_once("# Seven practices").unwrap();
    let (practices, _) = practices.split_once("\n# ").unwrap();
    let is_row = |line: &&str| line.starts_with('|');
    let lines = practices.lines().skip_while(|line| !is_row(line));
    // The first two rows are the head. Another table follows.
    assert_eq!(lines.take_while(is_row).count(), 2 + 7);
}

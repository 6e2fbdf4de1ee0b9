//! What the policy says of tokens that come from a store.

use super::*;

#[test]
fn expired_token_is_renewed_at_once_in_the_background() {
    let mut story = Story::new(CredentialSource::Static);
    assert_eq!(story.policy.wake_at(story.now), None);
    story.get(token("a", START, 100));
    assert!(story.policy.wake_at(story.now).unwrap() > story.now);
    // As after a suspend.
    story.pass(200.0);
    assert_eq!(story.policy.wake_at(story.now), Some(story.now));
}

#[test]
fn better_token_is_another_one_that_ends_later() {
    let mut story = Story::new(CredentialSource::Static);
    let is_better = |story: &Story, token| story.policy.is_better(&token, story.now);
    assert!(is_better(&story, token("first", START, 1)));
    assert!(!is_better(&story, token("first", START, 0)));
    story.get(token("a", START, 100));
    for (name, life, expected) in [
        ("b", 101, true),
        ("b", 100, false),
        ("b", 99, false),
        ("a", 101, false),
    ] {
        let found = is_better(&story, token(name, START, life));
        assert_eq!(found, expected, "{name} {life}");
    }
    story.reject("a");
    for (name, life, expected) in [("b", 1, true), ("a", 101, false)] {
        let found = is_better(&story, token(name, START, life));
        assert_eq!(found, expected, "{name} {life}");
    }
}

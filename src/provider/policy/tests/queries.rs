//! What the policy says of tokens that come from a store.

use super::*;

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

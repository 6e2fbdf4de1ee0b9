//! Lists what a run must have shown: every exported type and every kind of error.

use std::collections::BTreeSet;

use crate::{
    source::{Token, tokens},
    support::sentinels::Shown,
};

/// Types that are not shown, and why.
const NOT_SHOWN: &[(&str, &str)] = &[];

/// Kinds of errors that no run can make, and why.
const NOT_MADE: &[(&str, &str)] = &[];

/// What is missing, or listed above without need.
pub fn gaps(shown: &Shown) -> Vec<String> {
    let types = [
        include_str!("../../../src/lib.rs"),
        include_str!("../../../src/client.rs"),
        include_str!("../../../src/error.rs"),
        include_str!("../../../src/sandbox.rs"),
        include_str!("../../../src/store.rs"),
    ]
    .into_iter()
    .flat_map(exported_types)
    .collect();
    let kinds = variants(include_str!("../../../src/error/kind.rs"), "ErrorKind");
    let mut gaps = difference("the type", &types, shown.types(), NOT_SHOWN);
    gaps.extend(difference("the kind", &kinds, shown.kinds(), NOT_MADE));
    gaps
}

fn difference(
    what: &str,
    declared: &BTreeSet<String>,
    shown: &BTreeSet<String>,
    exempt: &[(&str, &str)],
) -> Vec<String> {
    let exempt: BTreeSet<String> = exempt.iter().map(|(name, _)| name.to_string()).collect();
    let missing = declared.iter().filter(|name| !shown.contains(*name));
    let missing = missing.filter(|name| !exempt.contains(*name));
    let foreign = shown.difference(declared);
    let needless = exempt.iter().filter(|name| shown.contains(*name));
    let gone = exempt.difference(declared);
    missing
        .map(|name| format!("{what} {name} is never shown"))
        .chain(foreign.map(|name| format!("{what} {name} is shown and not declared")))
        .chain(needless.map(|name| format!("{what} {name} is shown after all")))
        .chain(gone.map(|name| format!("{what} {name} is no more")))
        .collect()
}

/// The types that a public module declares, or names in its `pub use` lists.
fn exported_types(root: &str) -> BTreeSet<String> {
    let tokens = tokens(root);
    let mut types = BTreeSet::new();
    let mut at = 0;
    while let Some(public) = tokens[at..].iter().position(|token| token.is("pub")) {
        let item = &tokens[at + public + 1..];
        at += public + 1;
        if ["struct", "enum"].iter().any(|word| item[0].is(word)) {
            types.insert(item[1].text.clone());
        }
        if !item[0].is("use") {
            continue;
        }
        let end = item.iter().position(|token| token.is(";")).unwrap();
        for (name, next) in item[..end].iter().zip(&item[1..]) {
            assert!(!name.is("*"), "a list of names tells more than a star");
            if name.is_word() && [",", "}", ";"].iter().any(|mark| next.is(mark)) {
                types.extend(is_type(&name.text).then(|| name.text.clone()));
            }
        }
    }
    types
}

/// Constants and functions are written otherwise.
fn is_type(name: &str) -> bool {
    name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase)
}

/// The variants of the enum `name`.
fn variants(file: &str, name: &str) -> BTreeSet<String> {
    let tokens = tokens(file);
    let start = tokens
        .windows(2)
        .position(|two| two[0].is("enum") && two[1].is(name));
    let mut depth = 0;
    let mut variants = BTreeSet::new();
    let mut before: Option<&Token> = None;
    for token in &tokens[start.unwrap() + 2..] {
        match token.mark_or_word() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            word if depth == 1 && token.is_word() => {
                let starts =
                    before.is_some_and(|mark| ["{", ",", "]"].contains(&mark.mark_or_word()));
                variants.extend(starts.then(|| word.to_owned()));
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
        before = Some(token);
    }
    variants
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
        names.map(str::to_owned).into()
    }

    #[test]
    fn exported_types_are_read() {
        let root = "mod a; // pub use a::Comment;
            pub use a::{One, b::Two, Old as Three, four, FIVE};
            #[cfg(feature = \"x\")] pub use c::{Six};
            pub use d::Seven; use e::Private; pub struct Eight; pub(crate) struct Nine;
            pub mod guide { pub mod promises {} }";
        let expected = set(["One", "Two", "Three", "Six", "Seven", "Eight"]);
        assert_eq!(exported_types(root), expected);
    }

    #[test]
    fn variants_are_read() {
        let file = "enum Other { No } #[derive(Debug)] pub enum Kind {
            /// One.
            One(String, Vec<Inner>), #[cfg(x)] Two { field: Inner }, Three = 3, Four }
            enum Last { No }";
        assert_eq!(variants(file, "Kind"), set(["One", "Two", "Three", "Four"]));
    }

    #[test]
    fn what_is_missing_is_told_and_what_is_needless() {
        let difference = |shown: &BTreeSet<String>, exempt: &[(&str, &str)]| {
            difference("the type", &set(["A", "B"]), shown, exempt)
        };
        assert!(difference(&set(["A", "B"]), &[]).is_empty());
        assert!(difference(&set(["A"]), &[("B", "a trait")]).is_empty());
        assert_eq!(difference(&set(["A"]), &[]), ["the type B is never shown"]);
        let gone = [("B", "a trait"), ("C", "a trait")];
        assert_eq!(difference(&set(["A"]), &gone), ["the type C is no more"]);
        let needless = difference(&set(["A", "B"]), &gone[..1]);
        assert_eq!(needless, ["the type B is shown after all"]);
        let foreign = difference(&set(["A", "B", "D"]), &[]);
        assert_eq!(foreign, ["the type D is shown and not declared"]);
    }
}

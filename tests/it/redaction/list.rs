//! What a run must have shown: every public type and every kind of error.

use std::collections::BTreeSet;

use crate::{
    source::{Files, parse, public_types},
    support::sentinels::Shown,
};

/// Public types that are not shown, and why.
const NOT_SHOWN: &[(&str, &str)] = &[
    ("IntoGrant", "a trait"),
    ("KeyringStore", "tested in tests/keyring"),
    ("RedisStore", "tested in tests/redis"),
    ("RedisTurn", "tested in tests/redis"),
    ("TokenStore", "a trait"),
    ("WithRedirectUris", "a marker without values"),
    ("WithRoles", "a marker without values"),
];

/// Kinds of errors that no run can make, and why.
const NOT_MADE: &[(&str, &str)] = &[];

/// The kinds that payloads have of their own: the kind of the payload, the file and the enum.
const NESTED_KINDS: &[(&str, &str, &str)] = &[
    (
        "Configuration",
        include_str!("../../../src/error/local.rs"),
        "ConfigurationKind",
    ),
    (
        "Login",
        include_str!("../../../src/error/login.rs"),
        "LoginErrorKind",
    ),
    (
        "OAuth",
        include_str!("../../../src/error/token_endpoint.rs"),
        "OAuthErrorKind",
    ),
];

/// The types and kinds that are missing, or listed above without need.
pub fn gaps(shown: &Shown) -> Vec<String> {
    let types = public_types(&Files::read(&["src"], ".rs"), "src/lib.rs");
    let mut kinds = variants(include_str!("../../../src/error/kind.rs"), "ErrorKind");
    for (parent, file, name) in NESTED_KINDS {
        let nested = variants(file, name).into_iter();
        kinds.extend(nested.map(|kind| format!("{parent} {kind}")));
    }
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
    let undeclared = shown.difference(declared);
    let needless = exempt.iter().filter(|name| shown.contains(*name));
    let gone = exempt.difference(declared);
    missing
        .map(|name| format!("{what} {name} is never shown"))
        .chain(undeclared.map(|name| format!("{what} {name} is shown and not declared")))
        .chain(needless.map(|name| format!("{what} {name} is shown and needs no exception")))
        .chain(gone.map(|name| format!("{what} {name} does not exist")))
        .collect()
}

/// The variants of the enum `name`.
fn variants(file: &str, name: &str) -> BTreeSet<String> {
    let items = parse("the enum's file", file).items;
    let variants = items.into_iter().find_map(|item| match item {
        syn::Item::Enum(item) if item.ident == name => Some(item.variants),
        _ => None,
    });
    let variants = variants.unwrap().into_iter();
    variants.map(|variant| variant.ident.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
        names.map(str::to_owned).into()
    }

    #[test]
    fn public_types_are_found() {
        let files = Files::planted(&[
            (
                "src/lib.rs",
                "mod a; // pub use a::Comment;
                pub use a::{One, b::Two, Old as Three, four, FIVE};
                #[cfg(feature = \"x\")] pub use c::{Six}; pub use http;
                pub use d::Seven; use e::Private; pub mod f;
                pub mod guide { pub mod text { pub use Ten; } }",
            ),
            ("src/a.rs", "pub struct One; pub struct Hidden;"),
            (
                "src/f.rs",
                "pub use g::Eight; pub(crate) use g::Inner; pub trait Nine {} mod g;",
            ),
            ("src/f/g.rs", "pub enum Eight {} pub enum Eleven {}"),
        ]);
        let expected = [
            "One", "Two", "Three", "Six", "Seven", "Eight", "Nine", "Ten",
        ];
        assert_eq!(public_types(&files, "src/lib.rs"), set(expected));
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
    fn gaps_and_needless_exceptions_are_reported() {
        let difference = |shown: &BTreeSet<String>, exempt: &[(&str, &str)]| {
            difference("the type", &set(["A", "B"]), shown, exempt)
        };
        assert!(difference(&set(["A", "B"]), &[]).is_empty());
        assert!(difference(&set(["A"]), &[("B", "a trait")]).is_empty());
        assert_eq!(difference(&set(["A"]), &[]), ["the type B is never shown"]);
        let gone = [("B", "a trait"), ("C", "a trait")];
        assert_eq!(
            difference(&set(["A"]), &gone),
            ["the type C does not exist"]
        );
        let needless = difference(&set(["A", "B"]), &gone[..1]);
        assert_eq!(needless, ["the type B is shown and needs no exception"]);
        let undeclared = difference(&set(["A", "B", "D"]), &[]);
        assert_eq!(undeclared, ["the type D is shown and not declared"]);
    }
}

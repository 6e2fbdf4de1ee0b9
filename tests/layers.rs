//! Checks that modules depend on each other in one direction only. `LAYERS` is the order.
//!
//! - A module imports only from lower layers.
//! - Inside a module, siblings may import each other and children their parent, but a parent and
//!   its children form no circle. A parent's `pub use` of a child is not an import.
//! - An item is imported from where it is defined or re-exported.
//! - Nothing imports the sandbox. Its children import only `clock`.
#![allow(clippy::indexing_slicing, reason = "a check that panics has failed")]

mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    iter::Peekable,
    path::Path,
};

use proc_macro2::{TokenStream, TokenTree, token_stream::IntoIter};
use source::{Files, Module, line_of, modules, test_lines, use_leaves};
use syn::{Meta, Visibility, visit, visit::Visit};

/// The lowest layer comes first. A module imports neither from its own layer nor from a higher one.
const LAYERS: &[&str] = &[
    "guide",
    "async_source clock environment outside_text platform_limits private_file rfc3339 runtime",
    "keyring region",
    "error",
    "assertion callback retry seal secret token",
    "http_client listener store",
    "token_endpoint",
    "grant",
    "provider",
    "client login middleware profile",
    "admin",
    "audit rotation",
];

/// Its parent file may also import the two types that it returns.
const SANDBOX: &str = "sandbox";
const SANDBOX_RETURNS: [&str; 2] = ["Region", "ClientCredentials"];

const ROOT: &str = "src/lib.rs";

const TOP_LEVEL: &str = "Cargo.toml Cargo.lock src tests examples README.md LICENSE-MIT \
    LICENSE-APACHE CHANGELOG.md SECURITY.md CONTRIBUTING.md deny.toml .clippy.toml .gitattributes \
    .ci/run .github/workflows/ci.yml";

#[test]
fn modules_import_in_one_direction() {
    let wrong = violations(&Files::read(&["src"], ".rs"));
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_top_level_files_are_there() {
    for name in TOP_LEVEL.split(' ') {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        assert!(path.exists(), "{name} is missing");
    }
}

/// What breaks a rule, as `file:line: import: what is wrong`.
fn violations(files: &Files) -> Vec<String> {
    let modules = modules(files, ROOT);
    let known: BTreeSet<_> = modules.iter().map(|module| &*module.file).collect();
    let files = files.iter().filter(|(path, _)| !known.contains(path));
    let mut wrong: Vec<_> = files
        .map(|(path, _)| format!("{path}: no module declares this file"))
        .collect();
    for module in modules.iter().filter(|module| !module.test_only) {
        let top = module.path.first().map_or(SANDBOX, String::as_str);
        if layer(top).is_none() && top != SANDBOX {
            wrong.push(format!("{}: `{top}` has no layer", module.file));
        }
    }
    let crate_map = CrateMap::new(&modules);
    let edges = crate_map.edges();
    for edge in &edges {
        if let Some(why) = edge.violation() {
            wrong.push(format!("{}: {why}", edge.place));
        }
    }
    wrong.extend(circles(&edges));
    wrong
}

fn layer(module: &str) -> Option<usize> {
    let mut layers = LAYERS.iter();
    layers.position(|names| names.split(' ').any(|name| name == module))
}

/// A path into the crate, in a `use` line or in code.
struct Import {
    importer: Vec<String>,
    /// From the crate root down; ends in `*` for a glob.
    path: Vec<String>,
    place: String,
    is_public: bool,
}

/// The imports of a crate, and the names that its `use` lines bring into modules.
#[derive(Default)]
struct CrateMap {
    modules: BTreeSet<Vec<String>>,
    imports: Vec<Import>,
    /// By module and name: the path, and whether the line is public.
    names: BTreeMap<(Vec<String>, String), (Vec<String>, bool)>,
}

impl CrateMap {
    fn new(modules: &[Module]) -> Self {
        let mut map = Self {
            modules: modules.iter().map(|module| module.path.clone()).collect(),
            ..Self::default()
        };
        for module in modules.iter().filter(|module| !module.test_only) {
            let mut reader = Reader {
                module,
                scope: module.path.clone(),
                tests: test_lines(&module.syntax),
                map: &mut map,
            };
            reader.visit_file(&module.syntax);
        }
        map
    }

    fn edges(&self) -> Vec<Edge<'_>> {
        self.imports
            .iter()
            .map(|import| self.edge(import))
            .collect()
    }

    /// Follows an import through the `use` lines of the modules that it names.
    fn edge<'a>(&self, import: &'a Import) -> Edge<'a> {
        let mut edge = Edge {
            importer: &import.importer,
            module: import.path.clone(),
            item: None,
            place: &import.place,
            is_private: false,
            is_public: import.is_public,
        };
        // A `use` that leads back to itself does not compile; the bound is for planted ones.
        for _ in 0..32 {
            let mut depths = (0..=edge.module.len()).rev();
            let depth = depths.find(|&depth| self.modules.contains(&edge.module[..depth]));
            let rest = edge.module.split_off(depth.unwrap_or(0));
            let Some(item) = rest.first() else {
                break;
            };
            let Some((path, public)) = self.names.get(&(edge.module.clone(), item.clone())) else {
                edge.item = Some(item.clone());
                break;
            };
            edge.is_private |= !public && edge.module != edge.importer;
            edge.module = [path, &rest[1..]].concat();
        }
        edge
    }
}

/// An import with the module in which its item is defined.
struct Edge<'a> {
    importer: &'a [String],
    module: Vec<String>,
    /// `None` if the module itself is imported.
    item: Option<String>,
    /// `file:line`.
    place: &'a str,
    /// Whether the path leads through a private `use` line of another module.
    is_private: bool,
    is_public: bool,
}

impl Edge<'_> {
    fn violation(&self) -> Option<String> {
        let item = self.item.as_deref();
        let top = self.importer.first()?;
        let Some(other) = self.module.first() else {
            return Some(match item {
                None | Some("*") => "names the whole crate".to_owned(),
                Some(item) => format!("lib.rs has no `{item}`"),
            });
        };
        if self.importer == self.module {
            None
        } else if item == Some("*") {
            Some("a glob hides what it imports".to_owned())
        } else if self.is_private {
            Some(format!(
                "`{}` is defined in `{}`",
                item.unwrap_or_default(),
                self.module.join("::")
            ))
        } else if top == other {
            None
        } else if other == SANDBOX {
            Some("nothing imports the sandbox".to_owned())
        } else if top == SANDBOX {
            let is_returned = item.is_some_and(|item| SANDBOX_RETURNS.contains(&item));
            let allowed = other == "clock" || (self.importer.len() == 1 && is_returned);
            let why = "the sandbox checks the client and shares no code with it";
            (!allowed).then(|| why.to_owned())
        } else if layer(other) < layer(top) {
            None
        } else {
            Some(format!(
                "imports `{other}`, which is no lower layer than `{top}`"
            ))
        }
    }
}

/// The circles that a module and its children form. A child stands for all that is below it.
fn circles(edges: &[Edge<'_>]) -> Vec<String> {
    // By parent: each member with the members that it imports from, and where. The parent itself is
    // the member without a name.
    let mut families: BTreeMap<&[String], BTreeMap<&str, BTreeMap<&str, &str>>> = BTreeMap::new();
    for edge in edges {
        let pairs = edge.importer.iter().zip(&edge.module);
        let depth = pairs.take_while(|(own, other)| own == other).count();
        let is_re_export = edge.is_public && edge.module.starts_with(edge.importer);
        // At depth 0 the layers decide.
        if depth > 0 && edge.importer != edge.module && !is_re_export {
            let from = edge.importer.get(depth).map_or("", String::as_str);
            let to = edge.module.get(depth).map_or("", String::as_str);
            let family = families.entry(&edge.importer[..depth]).or_default();
            family
                .entry(from)
                .or_default()
                .entry(to)
                .or_insert(edge.place);
        }
    }
    for family in families.values_mut() {
        // Members that import nothing, or that nothing imports, are in no circle.
        let mut size = usize::MAX;
        while family.len() < size {
            size = family.len();
            let members: BTreeSet<_> = family.keys().copied().collect();
            let imported: BTreeSet<_> = family.values().flat_map(BTreeMap::keys).copied().collect();
            family.retain(|member, imports| {
                imports.retain(|other, _| members.contains(other));
                !imports.is_empty() && imported.contains(member)
            });
        }
    }
    let mut found = Vec::new();
    for (parent, family) in families {
        let name = |member: &str| [&parent.join("::"), "::", member].concat();
        for (member, imports) in family {
            let imports = imports.iter().map(|(other, place)| {
                let (from, to) = (name(member), name(other));
                format!("{place}: in a circle: {from} -> {to}")
            });
            found.extend(imports);
        }
    }
    found
}

/// Collects the imports of a file: `use` lines, paths in code, and paths in macros.
struct Reader<'a> {
    module: &'a Module,
    /// The module around the current place, with inline modules.
    scope: Vec<String>,
    tests: Vec<std::ops::RangeInclusive<usize>>,
    map: &'a mut CrateMap,
}

impl Reader<'_> {
    /// Notes a path that starts in `crate`, `super`, `self` or a child module, and returns it from
    /// the root down.
    fn note(&mut self, words: &[String], line: usize, is_public: bool) -> Option<Vec<String>> {
        let mut path = self.scope.clone();
        let mut rest = words.iter().peekable();
        if rest.next_if(|word| *word == "crate").is_some() {
            path.clear();
        } else if words
            .first()
            .is_some_and(|word| word == "self" || word == "super")
        {
            while let Some(word) = rest.next_if(|word| *word == "self" || *word == "super") {
                let up = path.len().checked_sub(usize::from(word == "super"))?;
                path.truncate(up);
            }
        } else {
            let child = [&path[..], words.get(..1)?].concat();
            self.map.modules.get(&child)?;
        }
        path.extend(rest.cloned());
        if !self.tests.iter().any(|lines| lines.contains(&line)) {
            self.map.imports.push(Import {
                importer: self.module.path.clone(),
                path: path.clone(),
                place: format!("{}:{line}", self.module.file),
                is_public,
            });
        }
        Some(path)
    }

    /// Notes the paths in the tokens of a macro that start in `crate` or `super`.
    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => self.note_tokens(group.stream()),
                TokenTree::Ident(root) if root == "crate" || root == "super" => {
                    let words = path_from(root.to_string(), &mut tokens);
                    if words.len() > 1 {
                        self.note(&words, root.span().start().line, false);
                    }
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.scope.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.scope.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_public = !matches!(item.vis, Visibility::Inherited);
        for (path, name) in use_leaves(&item.tree) {
            if let Some(path) = self.note(&path, line_of(item), is_public) {
                let key = (self.scope.clone(), name);
                self.map.names.insert(key, (path, is_public));
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        let words: Vec<_> = words.collect();
        if words.len() > 1 && path.leading_colon.is_none() {
            self.note(&words, line_of(path), false);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.note_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.note_tokens(list.tokens.clone());
        }
    }

    /// `pub(in crate::a)` imports nothing.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}
}

/// The words of a path in a macro that starts with `root`. A list or glob at its end is `*`.
fn path_from(root: String, tokens: &mut Peekable<IntoIter>) -> Vec<String> {
    let mut words = vec![root];
    let is_colon = |token: &TokenTree| token.to_string() == ":";
    while tokens.next_if(is_colon).is_some() && tokens.next_if(is_colon).is_some() {
        let word = tokens.next_if(|token| matches!(token, TokenTree::Ident(_)));
        words.push(word.map_or("*".to_owned(), |word| word.to_string()));
    }
    words
}

#[cfg(test)]
mod cases {
    use super::*;

    const REGION: &str = "src/region.rs";
    const API: &str = "src/error/api.rs";

    /// The violations of a small crate in which `text` is added to the file.
    fn planted(changes: &[(&str, &str)]) -> Vec<String> {
        let modules = "mod clock; mod region; mod error; mod token; mod retry; mod provider;
            mod sandbox; pub use {clock::Clock, region::Region, error::OAuthError as Failure};
            pub use self::provider::TokenProvider; pub use sandbox::Sandbox;";
        let mut files: BTreeMap<_, _> = [
            (ROOT, modules),
            ("src/clock.rs", "pub struct Clock;"),
            (REGION, "pub struct Region;"),
            (
                "src/error.rs",
                "mod api; mod oauth; pub use oauth::OAuthError; pub struct Error;",
            ),
            (API, "pub struct ApiError;"),
            ("src/error/oauth.rs", "pub struct OAuthError;"),
            ("src/token.rs", "use crate::clock::Clock;"),
            ("src/retry.rs", ""),
            ("src/provider.rs", "mod policy; pub struct TokenProvider;"),
            ("src/provider/policy.rs", ""),
            ("src/sandbox.rs", "mod login; mod api; pub struct Sandbox;"),
            ("src/sandbox/login.rs", ""),
            ("src/sandbox/api.rs", ""),
        ]
        .map(|(file, text)| (file, text.to_owned()))
        .into();
        for (file, text) in changes {
            files.entry(file).or_default().extend(["\n", text]);
        }
        let files: Vec<_> = files.iter().map(|(file, text)| (*file, &**text)).collect();
        violations(&Files::planted(&files))
    }

    /// Each text in its file is reported, and nothing else is.
    #[track_caller]
    fn assert_wrong(why: &str, changes: &[(&str, &str)]) {
        for change in changes {
            let wrong = planted(&[*change]);
            let expected = wrong.iter().all(|line| line.contains(why));
            assert!(!wrong.is_empty() && expected, "{change:?}: {wrong:?}");
        }
    }

    #[track_caller]
    fn assert_right(changes: &[(&str, &str)]) {
        for change in changes {
            assert_eq!(planted(&[*change]), [""; 0], "{change:?}");
        }
    }

    #[test]
    fn import_from_a_higher_layer_is_found() {
        for text in [
            "use crate::error::Error;",
            "pub(crate) use crate::{clock::Clock, error::{self as e, Error as Mistake}};",
            "use {std::fmt, crate::error::Error};",
            "use super::error::Error;",
            "fn f() -> crate::error::Error { todo!() }",
            "fn f() { let e = crate::error::Error { kind: 1 }; }",
            "fn f() { g(super::error::f::<u8>()) }",
            "fn f<T: crate::error::T>(x: <T as crate::error::T>::X) {}",
            "mod inner { fn f() { super::super::error::f() } }",
            "mod inner { use super::super::error::Error; }",
            "fn f() { matches!(x, Some(crate::error::Error::A)); }",
            "fn f() { format!(\"{}\", [super::error::f()]); }",
            "macro_rules! m { () => { $crate::error::Error } }",
            "#[derive(X)] #[x(with(crate::error::f))] struct S;",
            "#[cfg(feature = \"test\")] use crate::error::Error;",
            "#[cfg(not(test))] use crate::error::Error;",
            "#[cfg(test)] mod tests {}\nuse crate::error::Error;",
            "use crate::Failure;",
        ] {
            assert_wrong(
                "imports `error`, which is no lower layer",
                &[(REGION, text)],
            );
        }
        assert_wrong(
            "src/clock.rs:3: imports",
            &[("src/clock.rs", "\nuse crate::Region;")],
        );
        assert_wrong(
            "imports `token`",
            &[("src/retry.rs", "use crate::token::f;")],
        );
        assert_wrong(
            "imports `provider`",
            &[("src/token.rs", "use super::{Clock, TokenProvider};")],
        );
        assert_right(&[("src/provider.rs", "use crate::{Clock, Failure, Region};")]);
    }

    #[test]
    fn siblings_may_import_each_other() {
        assert_right(&[
            (API, "use super::oauth::OAuthError;"),
            (API, "use super::{Error, OAuthError};"),
            (
                "src/error.rs",
                "use crate::error::api::ApiError; use self::oauth::f;",
            ),
        ]);
    }

    #[test]
    fn circle_of_siblings_is_found() {
        let down = ("src/error/api/deep.rs", "use super::super::oauth::g;");
        assert_eq!(planted(&[(API, "mod deep;"), down]), [""; 0]);
        for up in [
            "use crate::error::api::f;",
            "fn f() { select!(x = super::api::A => ()) }",
        ] {
            let circle = planted(&[(API, "mod deep;"), down, ("src/error/oauth.rs", up)]);
            let expected = [
                "src/error/api/deep.rs:2: in a circle: error::api -> error::oauth",
                "src/error/oauth.rs:2: in a circle: error::oauth -> error::api",
            ];
            assert_eq!(circle, expected, "{up}");
        }
    }

    #[test]
    fn circle_through_a_parent_is_found() {
        for parent in [
            "use api::ApiError;",
            "fn f() { api::f() }",
            "use crate::error::api;",
        ] {
            let parent = ("src/error.rs", parent);
            assert_eq!(planted(&[parent, (API, "use super::oauth::g;")]), [""; 0]);
            let expected = [
                "src/error.rs:2: in a circle: error:: -> error::api",
                "src/error/api.rs:2: in a circle: error::api -> error::",
            ];
            assert_eq!(planted(&[parent, (API, "use super::Error;")]), expected);
        }
    }

    #[test]
    fn import_of_what_another_module_imports_is_found() {
        let policy = ("src/provider/policy.rs", "use crate::token::Clock;");
        assert_wrong("`Clock` is defined in `clock`", &[policy]);
    }

    #[test]
    fn sandbox_stands_alone() {
        assert_wrong(
            "nothing imports the sandbox",
            &[
                ("src/provider.rs", "use crate::Sandbox;"),
                ("src/provider/policy.rs", "use super::super::sandbox::f;"),
            ],
        );
        assert_wrong(
            "shares no code",
            &[
                ("src/sandbox.rs", "use crate::Failure;"),
                ("src/sandbox.rs", "use crate::region::InvalidRegion;"),
                ("src/sandbox/login.rs", "use crate::Region;"),
                ("src/sandbox/login.rs", "fn f() { crate::retry::f() }"),
            ],
        );
        assert_right(&[
            ("src/sandbox.rs", "use crate::{Clock, region::Region};"),
            (
                "src/sandbox/login.rs",
                "use crate::Clock; use super::{Sandbox, api::f};",
            ),
        ]);
    }

    #[test]
    fn imports_that_hide_names_are_found() {
        let whole = [
            "use crate as root;",
            "use super::*;",
            "fn f() { m!(crate::{a, b}) }",
        ];
        assert_wrong("names the whole crate", &whole.map(|text| (REGION, text)));
        assert_wrong(
            "lib.rs has no `Nothing`",
            &[(REGION, "use crate::Nothing;")],
        );
        let globs = [
            ("src/error.rs", "pub use oauth::*;"),
            (REGION, "use crate::clock::*;"),
        ];
        assert_wrong("a glob hides", &globs);
    }

    #[test]
    fn undeclared_file_is_found() {
        assert_wrong("no module declares this file", &[("src/helper.rs", "")]);
        let helper = planted(&[("src/helper.rs", ""), (ROOT, "mod helper;")]);
        assert_eq!(helper, ["src/helper.rs: `helper` has no layer"]);
    }

    #[test]
    fn comments_strings_and_tests_are_left_out() {
        for text in [
            "// use crate::error::Error;",
            "/// See [`crate::error::Error`].\nfn f() {}",
            "const A: &str = \"use crate::error::Error;\";",
            "#[doc = \"crate::error::Error\"] fn f<'a>(x: &'a str) {}",
            "#[cfg(test)] mod tests { use crate::error::Error; fn f() { super::super::token::f() } }",
            "#[cfg(all(test, unix))] #[allow(dead_code)] mod tests { use crate::error::Error; }",
            "#[cfg(test)] use crate::error::Error;",
            "#[cfg(test)] fn f<A, B>(x: [u8; 2]) { crate::error::f() }",
            "struct S { #[cfg(test)] x: crate::error::Error,\n y: u8 }",
            "pub(crate) fn f() {} pub(in crate::region) fn g() {}",
            "use std::{error::Error, fmt}; use url::{self, error};",
            "mod inner { use super::*; }",
            "mod inner { use super::Region; fn f() { super::error() } } fn error() {}",
        ] {
            assert_right(&[(REGION, text)]);
        }
        let tests = (REGION, "#[cfg(test)] mod tests;");
        let more = ("src/region/tests.rs", "use crate::error::Error; mod more;");
        let deep = ("src/region/tests/more.rs", "use crate::error::Error;");
        assert_eq!(planted(&[tests, more, deep]), [""; 0]);
    }
}

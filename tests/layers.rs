//! Checks that modules depend on each other in one direction only: see `LAYERS` and the rules at
//! `violations`.
#![allow(clippy::indexing_slicing, reason = "a check that panics has failed")]

mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    iter::Peekable,
    path::Path,
};

use proc_macro2::{TokenStream, TokenTree, token_stream::IntoIter};
use source::{Files, Module, line_of, modules, test_lines};
use syn::{Meta, UseTree, Visibility, visit, visit::Visit};

#[test]
fn modules_import_in_one_direction() {
    let wrong = violations(&Files::read(&["src"], ".rs"), NOT_YET);
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_top_level_files_are_there() {
    for name in TOP_LEVEL {
        assert!(
            Path::new(env!("CARGO_MANIFEST_DIR")).join(name).exists(),
            "{name} is missing"
        );
    }
}

/// Each import that breaks a rule, as `file:line: what is wrong`.
///
/// - A module imports only from lower layers.
/// - Inside a module, siblings may import each other, and a child may import from its parent. The
///   parent and its children with all that is below them form no circle. A parent's `pub use` of a
///   child is not an import.
/// - An item is imported from where it is defined or publicly re-exported.
/// - Nothing imports the sandbox. Its children import only `clock`.
fn violations(files: &Files, exempt: &[&str]) -> Vec<String> {
    let modules = modules(files, ROOT);
    let known: BTreeSet<_> = modules.iter().map(|module| &*module.file).collect();
    let mut wrong: Vec<_> = files
        .iter()
        .filter(|(path, _)| !known.contains(path))
        .map(|(path, _)| format!("{path}: no module declares this file"))
        .collect();
    for module in modules.iter().filter(|module| !module.test_only) {
        let top = module.path.first().map_or(SANDBOX, String::as_str);
        if layer(top).is_none() && top != SANDBOX {
            wrong.push(format!("{}: `{top}` has no layer", module.file));
        }
    }
    let crate_map = CrateMap::new(&modules, exempt);
    for import in &crate_map.imports {
        if let Err(why) = crate_map.check(import) {
            wrong.push(format!(
                "{}: `{}`: {why}",
                import.place,
                import.path.join("::")
            ));
        }
    }
    wrong.extend(crate_map.circles());
    wrong
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|names| names.contains(&module))
}

/// A path into the crate, in a `use` line or in code.
struct Import {
    importer: Vec<String>,
    /// From the crate root down; ends in `*` for a glob.
    path: Vec<String>,
    /// `file:line`.
    place: String,
    is_public: bool,
}

/// A name that a `use` line brings into a module.
struct Name {
    path: Vec<String>,
    is_public: bool,
}

/// What an import leads to.
struct Target {
    /// The module in which the item is defined.
    module: Vec<String>,
    /// The item, unless the import names the module itself.
    item: Option<String>,
    /// Whether the path leads through a private `use` line of another module.
    is_hidden: bool,
}

/// What the modules of a crate import, and under which names.
#[derive(Default)]
struct CrateMap<'a> {
    /// Top-level modules whose circles and private names are not reported.
    exempt: &'a [&'a str],
    modules: BTreeSet<Vec<String>>,
    imports: Vec<Import>,
    names: BTreeMap<(Vec<String>, String), Name>,
}

impl<'a> CrateMap<'a> {
    fn new(modules: &[Module], exempt: &'a [&'a str]) -> Self {
        let mut map = Self {
            exempt,
            modules: modules.iter().map(|module| module.path.clone()).collect(),
            ..Self::default()
        };
        for module in modules.iter().filter(|module| !module.test_only) {
            let mut reader = Reader {
                module,
                depth: 0,
                map: &mut map,
            };
            reader.visit_file(&module.syntax);
            let tests = test_lines(&module.syntax);
            map.imports.retain(|import| {
                let line = import.place.strip_prefix(&format!("{}:", module.file));
                let line = line.and_then(|line| line.parse().ok());
                !line.is_some_and(|line| tests.iter().any(|lines| lines.contains(&line)))
            });
        }
        map
    }

    /// Follows `path` through the `use` lines of the modules that it names.
    fn resolve(&self, importer: &[String], path: &[String]) -> Target {
        let mut path = path.to_vec();
        let mut is_hidden = false;
        // A `use` that leads back to itself does not compile; the bound is for planted ones.
        for _ in 0..32 {
            let mut depths = (0..=path.len()).rev();
            let depth = depths.find(|&depth| self.modules.contains(&path[..depth]));
            let (module, rest) = path.split_at(depth.unwrap_or(0));
            let Some(item) = rest.first() else {
                break;
            };
            let Some(name) = self.names.get(&(module.to_vec(), item.clone())) else {
                return Target {
                    module: module.to_vec(),
                    item: Some(item.clone()),
                    is_hidden,
                };
            };
            is_hidden |= !name.is_public && module != importer;
            path = [&name.path, &rest[1..]].concat();
        }
        Target {
            module: path,
            item: None,
            is_hidden,
        }
    }

    fn check(&self, import: &Import) -> Result<(), String> {
        let importer = &import.importer;
        let target = self.resolve(importer, &import.path);
        let item = target.item.as_deref();
        let Some(top) = importer.first() else {
            return Ok(());
        };
        let Some(target_top) = target.module.first() else {
            return match item {
                None | Some("*") => Err("names the whole crate".to_owned()),
                Some(item) => Err(format!("lib.rs has no `{item}`")),
            };
        };
        if item == Some("*") {
            return Err("a glob hides what it imports".to_owned());
        }
        if target.is_hidden && !self.exempt.contains(&&**top) {
            let module = target.module.join("::");
            return Err(format!("import this from `{module}`, where it is defined"));
        }
        if top == target_top {
            return Ok(());
        }
        if target_top == SANDBOX {
            return Err("nothing imports the sandbox".to_owned());
        }
        if top == SANDBOX {
            let returned = item.is_some_and(|item| SANDBOX_RETURNS.contains(&item));
            let allowed = target_top == "clock" || (importer.len() == 1 && returned);
            let why = "the sandbox checks the client and shares no code with it";
            return if allowed { Ok(()) } else { Err(why.to_owned()) };
        }
        match (layer(top), layer(target_top)) {
            (Some(own), Some(other)) if other < own => Ok(()),
            (Some(own), Some(other)) => Err(format!(
                "`{top}` is in layer {own} and `{target_top}` in layer {other}"
            )),
            _ => Err(format!("`{top}` or `{target_top}` has no layer")),
        }
    }

    /// The circles that a module and its children form. A child stands for all that is below it.
    fn circles(&self) -> Vec<String> {
        let mut families: BTreeMap<&[String], Family> = BTreeMap::new();
        for import in &self.imports {
            let importer = &import.importer[..];
            let target = self.resolve(importer, &import.path).module;
            let pairs = importer.iter().zip(&target);
            let depth = pairs.take_while(|(own, other)| own == other).count();
            let re_export = import.is_public && target.starts_with(importer);
            let exempt = importer
                .first()
                .is_none_or(|top| self.exempt.contains(&&**top));
            // At depth 0 the layers decide.
            if depth > 0 && importer != target && !re_export && !exempt {
                let member = |path: &[String]| path.get(depth).cloned().unwrap_or_default();
                let family = families.entry(&importer[..depth]).or_default();
                let edges = family.entry(member(importer)).or_default();
                edges.entry(member(&target)).or_insert(&import.place);
            }
        }
        let circles = families.iter().filter_map(|(parent, family)| {
            let circle = family.keys().find_map(|start| circle_at(family, start))?;
            Some(format!("{}: a circle:{circle}", parent.join("::")))
        });
        circles.collect()
    }
}

/// For each member, the members that it imports from, and where. The parent itself has no name.
type Family<'a> = BTreeMap<String, BTreeMap<String, &'a str>>;

/// The shortest circle from `start` back to it.
fn circle_at(family: &Family<'_>, start: &str) -> Option<String> {
    let mut paths = vec![(start, String::new())];
    let mut reached = BTreeSet::new();
    let mut next = 0;
    while let Some((member, path)) = paths.get(next).cloned() {
        for (other, place) in family.get(member).into_iter().flatten() {
            let shown = if other.is_empty() {
                "the parent"
            } else {
                other
            };
            let arrow = if path.is_empty() { "" } else { "-> " };
            let path = format!("{path} {arrow}{shown} ({place})");
            if other == start {
                return Some(path);
            }
            if reached.insert(other) {
                paths.push((other, path));
            }
        }
        next += 1;
    }
    None
}

/// Collects the imports of a file: `use` lines, paths in code, and paths in macros.
struct Reader<'a, 'b> {
    module: &'a Module,
    /// The number of inline modules around the current place.
    depth: usize,
    map: &'a mut CrateMap<'b>,
}

impl Reader<'_, '_> {
    /// Notes a path that starts in `crate`, `super`, `self` or a child module, and returns it from
    /// the root down.
    fn note(&mut self, words: &[String], line: usize, is_public: bool) -> Option<Vec<String>> {
        let own = &self.module.path;
        let ups = |word: &&String| *word == "super" || *word == "self";
        let start: Vec<_> = words.iter().take_while(ups).collect();
        let supers = start.iter().filter(|word| **word == "super").count();
        let (base, rest) = match words.first()?.as_str() {
            "crate" => (&[][..], &words[1..]),
            "super" | "self" => {
                let up = own.len().checked_sub(supers.saturating_sub(self.depth))?;
                (&own[..up], &words[start.len()..])
            }
            child if self.depth == 0 => {
                let child = [own.clone(), vec![child.to_owned()]].concat();
                if !self.map.modules.contains(&child) {
                    return None;
                }
                (&own[..], words)
            }
            _ => return None,
        };
        let path = [base, rest].concat();
        // An inline module that names something of its own file imports nothing.
        if words[0] == "crate" || supers > self.depth || self.depth == 0 {
            self.map.imports.push(Import {
                importer: own.clone(),
                path: path.clone(),
                place: format!("{}:{line}", self.module.file),
                is_public,
            });
        }
        Some(path)
    }

    fn note_use(&mut self, tree: &UseTree, before: &[String], is_public: bool) {
        let with = |word: String| [before, &[word]].concat();
        let (path, name) = match tree {
            UseTree::Path(path) => {
                let before = with(path.ident.to_string());
                return self.note_use(&path.tree, &before, is_public);
            }
            UseTree::Group(group) => {
                let trees = group.items.iter();
                return trees.for_each(|tree| self.note_use(tree, before, is_public));
            }
            // `a::{self}` is `a`.
            UseTree::Name(name) if name.ident == "self" && !before.is_empty() => {
                (before.to_vec(), before.last().cloned())
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                (with(name.clone()), Some(name))
            }
            UseTree::Rename(rename) if rename.ident == "self" && !before.is_empty() => {
                (before.to_vec(), Some(rename.rename.to_string()))
            }
            UseTree::Rename(rename) => {
                let path = with(rename.ident.to_string());
                (path, Some(rename.rename.to_string()))
            }
            _ => (with("*".to_owned()), None),
        };
        let path = self.note(&path, line_of(tree), is_public);
        if let (Some(path), Some(name), 0) = (path, name, self.depth) {
            let key = (self.module.path.clone(), name);
            self.map.names.insert(key, Name { path, is_public });
        }
    }

    /// Notes the paths in the tokens of a macro that start in `crate` or `super`.
    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => self.note_tokens(group.stream()),
                TokenTree::Ident(root) if root == "crate" || root == "super" => {
                    let words = rest_of_path(root.to_string(), &mut tokens);
                    if words.len() > 1 {
                        self.note(&words, root.span().start().line, false);
                    }
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_, '_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.depth += 1;
        visit::visit_item_mod(self, item);
        self.depth -= 1;
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_public = !matches!(item.vis, Visibility::Inherited);
        self.note_use(&item.tree, &[], is_public);
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

/// The words of a path in a macro, after its first.
fn rest_of_path(root: String, tokens: &mut Peekable<IntoIter>) -> Vec<String> {
    let mut words = vec![root];
    let is_colon =
        |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ':');
    while tokens.next_if(is_colon).is_some() && tokens.next_if(is_colon).is_some() {
        match tokens.next_if(|token| matches!(token, TokenTree::Ident(_))) {
            Some(word) => words.push(word.to_string()),
            None => words.push("*".to_owned()),
        }
    }
    words
}

/// The lowest layer comes first. A module imports neither from its own layer nor from a higher one.
const LAYERS: [&[&str]; 12] = [
    &["guide"],
    &[
        "async_source",
        "clock",
        "environment",
        "platform_limits",
        "private_file",
    ],
    &["region"],
    &["error"],
    &[
        "assertion",
        "callback",
        "token",
        "secret",
        "seal",
        "retry",
        "rfc3339",
    ],
    &["http_client", "listener", "store"],
    &["token_endpoint"],
    &["grant"],
    &["provider"],
    &["login", "client", "middleware"],
    &["admin"],
    &["rotation", "audit"],
];

/// Top-level modules that still have circles or import through their parents.
const NOT_YET: &[&str] = &[
    "assertion",
    "client",
    "error",
    "http_client",
    "listener",
    "login",
    "provider",
    "sandbox",
    "seal",
    "store",
];

/// Its children import only `clock`; the handle may also name what it returns.
const SANDBOX: &str = "sandbox";
const SANDBOX_RETURNS: [&str; 2] = ["Region", "ClientCredentials"];

const ROOT: &str = "src/lib.rs";

const TOP_LEVEL: [&str; 16] = [
    "Cargo.toml",
    "Cargo.lock",
    "src",
    "tests",
    "examples",
    "README.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "CHANGELOG.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "deny.toml",
    ".clippy.toml",
    ".gitattributes",
    ".ci/run",
    ".github/workflows/ci.yml",
];

#[cfg(test)]
mod cases {
    use super::*;

    /// The violations of a small crate with `text` added to `file`.
    fn planted(file: &str, text: &str) -> Vec<String> {
        let mut files: BTreeMap<_, _> = [
            (
                ROOT,
                "mod clock; mod region; mod error; mod token; mod retry; mod provider; mod sandbox;
                pub use {clock::Clock, region::Region, error::OAuthError as Failure};
                pub use self::provider::TokenProvider; pub use sandbox::Sandbox;",
            ),
            ("src/clock.rs", "pub struct Clock;"),
            ("src/region.rs", "pub struct Region;"),
            (
                "src/error.rs",
                "mod api; mod oauth; pub use oauth::OAuthError; pub struct Error;",
            ),
            ("src/error/api.rs", "pub struct ApiError;"),
            ("src/error/oauth.rs", "pub struct OAuthError;"),
            ("src/token.rs", "use crate::clock::Clock;"),
            ("src/retry.rs", ""),
            ("src/provider.rs", "mod policy; pub struct TokenProvider;"),
            ("src/provider/policy.rs", ""),
            ("src/sandbox.rs", "mod login; mod api; pub struct Sandbox;"),
            ("src/sandbox/login.rs", ""),
            ("src/sandbox/api.rs", ""),
        ]
        .into();
        let text = format!("{}\n{text}", files.get(file).unwrap_or(&""));
        files.insert(file, &text);
        violations(&Files::planted(&files.into_iter().collect::<Vec<_>>()), &[])
    }

    #[track_caller]
    fn assert_wrong(file: &str, text: &str, why: &str) {
        let wrong = planted(file, text);
        assert!(!wrong.is_empty(), "{text}");
        assert!(
            wrong.iter().all(|line| line.contains(why)),
            "{text}: {wrong:?}"
        );
    }

    #[track_caller]
    fn assert_right(file: &str, text: &str) {
        let wrong = planted(file, text);
        assert!(wrong.is_empty(), "{text}: {wrong:?}");
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
                "src/region.rs",
                text,
                "`region` is in layer 2 and `error` in layer 3",
            );
        }
        assert_wrong(
            "src/clock.rs",
            "\nuse crate::region::Region;",
            "src/clock.rs:3: `region::R",
        );
        assert_wrong("src/retry.rs", "use crate::token::f;", "`token` in layer 4");
        assert_wrong(
            "src/token.rs",
            "use super::{Clock, TokenProvider};",
            "in layer 8",
        );
        assert_right("src/provider.rs", "use crate::{Clock, Failure, Region};");
    }

    #[test]
    fn siblings_may_import_each_other() {
        assert_right("src/error/api.rs", "use super::oauth::OAuthError;");
        assert_right("src/error/api.rs", "use super::{Error, OAuthError};");
        assert_right(
            "src/error.rs",
            "use crate::error::api::ApiError; use self::oauth::f;",
        );
    }

    #[test]
    fn circle_of_siblings_is_found() {
        let files = |oauth| {
            Files::planted(&[
                (ROOT, "mod error;"),
                ("src/error.rs", "mod api; mod oauth; pub use api::A;"),
                ("src/error/api.rs", "mod deep; pub struct A;"),
                ("src/error/api/deep.rs", "use crate::error::oauth::B;"),
                ("src/error/oauth.rs", oauth),
            ])
        };
        assert!(violations(&files("pub struct B;"), &[]).is_empty());
        for oauth in ["use super::A;", "fn f() { select!(super::api::A => ()) }"] {
            let circle = violations(&files(oauth), &[]);
            let expected =
                "error: a circle: oauth (src/error/api/deep.rs:1) -> api (src/error/oauth.rs:1)";
            assert_eq!(circle, [expected], "{oauth}");
        }
    }

    #[test]
    fn circle_through_a_parent_is_found() {
        let why = "error: a circle: api (src/error.rs:2) -> the parent (src/error/api.rs:2)";
        for parent in ["use api::ApiError;", "fn f() { api::g() }"] {
            let error = format!("mod api; mod oauth; pub struct Error;\n{parent}");
            let wrong = |api| {
                violations(
                    &Files::planted(&[
                        (ROOT, "mod error;"),
                        ("src/error.rs", &error),
                        ("src/error/oauth.rs", ""),
                        ("src/error/api.rs", api),
                    ]),
                    &[],
                )
            };
            assert!(wrong("\nuse super::oauth::f;").is_empty());
            assert_eq!(wrong("\nuse super::Error;"), [why], "{parent}");
        }
    }

    #[test]
    fn import_through_a_private_use_is_found() {
        assert_wrong(
            "src/provider/policy.rs",
            "use super::super::token::Clock;",
            "import this from `clock`, where it is defined",
        );
    }

    #[test]
    fn sandbox_stands_alone() {
        for (file, text, why) in [
            (
                "src/provider.rs",
                "use crate::Sandbox;",
                "nothing imports the sandbox",
            ),
            (
                "src/provider/policy.rs",
                "use super::super::sandbox::f;",
                "nothing imports",
            ),
            ("src/sandbox.rs", "use crate::Failure;", "shares no code"),
            (
                "src/sandbox.rs",
                "use crate::region::InvalidRegion;",
                "shares no code",
            ),
            (
                "src/sandbox/login.rs",
                "use crate::Region;",
                "shares no code",
            ),
            (
                "src/sandbox/login.rs",
                "fn f() { crate::retry::f() }",
                "shares no code",
            ),
        ] {
            assert_wrong(file, text, why);
        }
        assert_right("src/sandbox.rs", "use crate::{Clock, region::Region};");
        assert_right(
            "src/sandbox/login.rs",
            "use crate::Clock; use super::{Sandbox, api::f};",
        );
    }

    #[test]
    fn imports_that_hide_names_are_found() {
        assert_wrong(
            "src/region.rs",
            "use crate as root;",
            "names the whole crate",
        );
        assert_wrong("src/region.rs", "use super::*;", "names the whole crate");
        assert_wrong(
            "src/region.rs",
            "use crate::Nothing;",
            "lib.rs has no `Nothing`",
        );
        assert_wrong("src/error.rs", "pub use oauth::*;", "a glob hides");
        assert_wrong("src/token.rs", "use crate::clock::*;", "a glob hides");
    }

    #[test]
    fn undeclared_file_is_found() {
        assert_wrong("src/helper.rs", "", "no module declares this file");
        let files = [(ROOT, "mod helper;"), ("src/helper.rs", "")];
        let wrong = violations(&Files::planted(&files), &[]);
        assert_eq!(wrong, ["src/helper.rs: `helper` has no layer"]);
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
            assert_right("src/region.rs", text);
        }
        let files = [
            (ROOT, "mod region; mod error;"),
            ("src/error.rs", ""),
            ("src/region.rs", "#[cfg(test)] mod tests;"),
            ("src/region/tests.rs", "use crate::error::Error; mod more;"),
            ("src/region/tests/more.rs", "use crate::error::Error;"),
        ];
        assert!(violations(&Files::planted(&files), &[]).is_empty());
    }
}

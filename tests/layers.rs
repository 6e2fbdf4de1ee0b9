//! Keeps the order of the modules: each imports from lower layers only.
#![allow(clippy::indexing_slicing, reason = "a check that panics has failed")]

mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use source::{Files, Module, Token, modules, without_tests};

#[test]
fn modules_import_from_lower_layers_only() {
    let wrong = violations(&Files::read(&["src"]));
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn no_source_file_is_long() {
    for module in modules(&Files::read(&["src"]), ROOT) {
        let lines = lines_of_code(&module);
        let file = module.file;
        assert!(
            lines <= MOST_LINES,
            "{file} has {lines} lines of code, tests apart"
        );
    }
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

/// Each import against the order, as `file:line: what is wrong`.
fn violations(files: &Files) -> Vec<String> {
    let modules = modules(files, ROOT);
    let known: BTreeSet<_> = modules.iter().map(|module| module.file.as_str()).collect();
    let mut wrong: Vec<_> = files
        .paths()
        .filter(|path| !known.contains(path))
        .map(|path| format!("{path}: no module declares this file"))
        .collect();
    let crate_map = CrateMap::new(&modules);
    for module in modules.iter().filter(|module| !module.test_only) {
        if let Some(top) = module.path.first()
            && layer(top).is_none()
            && top != SANDBOX
        {
            wrong.push(format!(
                "{}: the table of layers has no `{top}`",
                module.file
            ));
        }
        for import in &crate_map.imports[&module.path] {
            if let Err(why) = crate_map.judge(&module.path, import) {
                let path = import.path.join("::");
                wrong.push(format!("{}:{}: `{path}`: {why}", module.file, import.line));
            }
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
    /// From the crate root down; ends in `*` for a glob.
    path: Vec<String>,
    line: usize,
}

/// What the modules of a crate import, and under which names.
struct CrateMap {
    imports: BTreeMap<Vec<String>, Vec<Import>>,
    /// The `use` lines: a module with a name in it, and the path that the name stands for.
    names: BTreeMap<(Vec<String>, String), Vec<String>>,
}

impl CrateMap {
    fn new(modules: &[Module]) -> Self {
        let mut map = Self {
            imports: modules
                .iter()
                .map(|module| (module.path.clone(), Vec::new()))
                .collect(),
            names: BTreeMap::new(),
        };
        for module in modules {
            map.read(module);
        }
        map
    }

    fn read(&mut self, module: &Module) {
        let tokens = without_tests(&module.tokens);
        // One entry for each open brace: whether it is an inline module's.
        let mut scopes = Vec::new();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let is = |steps: usize, text: &str| {
                tokens.get(at + steps).is_some_and(|token| token.is(text))
            };
            let mut end = at + 1;
            if token.is("mod") && is(2, "{") {
                scopes.push(true);
                end = at + 3;
            } else if token.is("{") {
                scopes.push(false);
            } else if token.is("}") {
                scopes.pop();
            } else {
                let depth = scopes.iter().filter(|&&inline| inline).count();
                let is_use = token.is("use");
                let starts = ["crate", "super", "self"].iter().any(|root| token.is(root));
                let follows = at > 0 && tokens[at - 1].is("::");
                if is_use {
                    let mut paths = Vec::new();
                    end = use_tree(&tokens, at + 1, &[], &mut paths);
                    for used in paths {
                        self.note_use(module, depth, used);
                    }
                } else if starts && is(1, "::") && !follows {
                    let mut paths = Vec::new();
                    end = use_tree(&tokens, at, &[], &mut paths);
                    for used in paths {
                        self.note(module, depth, &used);
                    }
                }
            }
            at = end;
        }
    }

    /// Notes a path of a `use` line with the name that it brings.
    fn note_use(&mut self, module: &Module, depth: usize, mut used: Used) {
        let first = used.path.first().cloned().unwrap_or_default();
        let child = [module.path.clone(), vec![first]].concat();
        if depth == 0 && self.imports.contains_key(&child) {
            used.path.insert(0, "self".to_owned());
        }
        let name = (module.path.clone(), used.name.clone());
        if let Some(path) = self.note(module, depth, &used)
            && depth == 0
            && name.1 != "*"
        {
            self.names.insert(name, path);
        }
    }

    /// Notes a path that starts in `crate`, `super` or `self`, and gives it from the root down.
    fn note(&mut self, module: &Module, depth: usize, used: &Used) -> Option<Vec<String>> {
        let ups = used
            .path
            .iter()
            .take_while(|&word| word == "super" || word == "self");
        let (words, supers) = ups.fold((0, 0), |(words, supers), word| {
            (words + 1, supers + usize::from(word == "super"))
        });
        let (base, rest) = match used.path.first()?.as_str() {
            "crate" => (&[][..], &used.path[1..]),
            "super" | "self" => {
                let up = module
                    .path
                    .len()
                    .checked_sub(supers.saturating_sub(depth))?;
                (&module.path[..up], &used.path[words..])
            }
            _ => return None,
        };
        let path = [base, rest].concat();
        let import = Import {
            path: path.clone(),
            line: used.line,
        };
        // An inline module that looks around in its own file imports nothing.
        if used.path[0] == "crate" || supers > depth || depth == 0 {
            self.imports.get_mut(&module.path)?.push(import);
        }
        Some(path)
    }

    /// The module that `path` names, before any re-export.
    fn written_in<'a>(&self, path: &'a [String]) -> &'a [String] {
        let mut parts = (0..=path.len()).rev().map(|depth| &path[..depth]);
        parts
            .find(|part| self.imports.contains_key(*part))
            .unwrap_or_default()
    }

    /// Children of one module that use each other through it, in a circle: then none of them can be
    /// read first.
    fn circles(&self) -> Vec<String> {
        let mut uses: BTreeMap<&[String], BTreeSet<Vec<String>>> = BTreeMap::new();
        for (importer, imports) in &self.imports {
            for import in imports {
                let (target, _) = self.resolve(&import.path);
                let shared = importer.iter().zip(&target).take_while(|(a, b)| a == b);
                let depth = shared.count();
                if depth > 0 && depth < importer.len().min(target.len()) {
                    let child = &importer[..=depth];
                    uses.entry(child)
                        .or_default()
                        .insert(target[..=depth].to_vec());
                }
            }
        }
        let in_circle = |start: &[String]| {
            let (mut reached, mut next) = (BTreeSet::new(), vec![start.to_vec()]);
            while let Some(child) = next.pop() {
                for other in uses.get(&child[..]).into_iter().flatten() {
                    if other == start {
                        return true;
                    }
                    if reached.insert(other.clone()) {
                        next.push(other.clone());
                    }
                }
            }
            false
        };
        let children = uses.keys().filter(|child| in_circle(child));
        children
            .map(|child| format!("{}: uses its neighbours in a circle", child.join("::")))
            .collect()
    }

    /// Where `path` leads, through re-exports: a module, and what is named in it.
    fn resolve(&self, path: &[String]) -> (Vec<String>, Option<String>) {
        let mut path = path.to_vec();
        // A `use` that leads back to itself does not compile; the bound is for planted ones.
        for _ in 0..32 {
            let depth = (0..=path.len())
                .rev()
                .find(|&depth| self.imports.contains_key(&path[..depth]));
            let depth = depth.unwrap_or(0);
            let Some(name) = path.get(depth) else {
                return (path, None);
            };
            match self.names.get(&(path[..depth].to_vec(), name.clone())) {
                Some(target) => path = [target, &path[depth + 1..]].concat(),
                None => return (path[..depth].to_vec(), Some(name.clone())),
            }
        }
        (path, None)
    }

    fn judge(&self, importer: &[String], import: &Import) -> Result<(), String> {
        let (target, name) = self.resolve(&import.path);
        let name = name.as_deref();
        let Some(top) = importer.first() else {
            return Ok(());
        };
        let Some(target_top) = target.first() else {
            return match name {
                None | Some("*") => Err("names the whole crate".to_owned()),
                Some(name) => Err(format!("lib.rs re-exports no `{name}`")),
            };
        };
        if name == Some("*") {
            return Err("a glob hides what it brings".to_owned());
        }
        if top == target_top {
            let related = importer.starts_with(&target) || target.starts_with(importer);
            // What the parent has is the parent's, wherever it comes from.
            let parent = self.written_in(&import.path);
            if related || (!parent.is_empty() && importer.starts_with(parent)) {
                return Ok(());
            }
            return Err("children of one module do not use each other".to_owned());
        }
        if target_top == SANDBOX {
            return Err("nothing imports the sandbox".to_owned());
        }
        if top == SANDBOX {
            let handed_out = name.is_some_and(|name| SANDBOX_HANDS_OUT.contains(&name));
            let allowed = target_top == "clock" || (importer.len() == 1 && handed_out);
            let why = "the sandbox is a second opinion and shares nothing with the client";
            return if allowed { Ok(()) } else { Err(why.to_owned()) };
        }
        match (layer(top), layer(target_top)) {
            (Some(own), Some(other)) if other < own => Ok(()),
            (Some(own), Some(other)) => Err(format!(
                "`{top}` is in layer {own} and `{target_top}` in layer {other}"
            )),
            _ => Err(format!(
                "the table of layers lacks `{top}` or `{target_top}`"
            )),
        }
    }
}

/// One path of a `use` tree, as written.
struct Used {
    path: Vec<String>,
    /// What it is called here.
    name: String,
    line: usize,
}

/// Reads the tree at `at` into `paths` and gives the place after it.
fn use_tree(tokens: &[Token], mut at: usize, before: &[String], paths: &mut Vec<Used>) -> usize {
    let mut path = before.to_vec();
    let line = tokens.get(at).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(at) {
        let joined = at > 0 && tokens[at - 1].is("::");
        let first = path.len() == before.len();
        if token.is("{") && (first || joined) {
            at += 1;
            while tokens.get(at).is_some_and(|token| !token.is("}")) {
                let end = use_tree(tokens, at, &path, paths);
                let comma = tokens.get(end).is_some_and(|token| token.is(","));
                at = if comma || end == at { end + 1 } else { end };
            }
            return at + 1;
        }
        if token.is("::") {
            at += 1;
            continue;
        }
        if !(token.is_word() || token.is("*")) || !(first || joined) {
            break;
        }
        // `a::{self}` is `a`.
        if !(token.is("self") && first && !before.is_empty()) {
            path.push(token.text.clone());
        }
        at += 1;
    }
    let mut name = path.last().cloned().unwrap_or_default();
    if tokens.get(at).is_some_and(|token| token.is("as")) {
        name = tokens.get(at + 1).map_or(name, |token| token.text.clone());
        at += 2;
    }
    paths.push(Used { path, name, line });
    at
}

fn lines_of_code(module: &Module) -> usize {
    let tokens = if module.test_only {
        Vec::new()
    } else {
        without_tests(&module.tokens)
    };
    tokens
        .iter()
        .map(|token| token.line)
        .collect::<BTreeSet<_>>()
        .len()
}

/// The lowest first. A module imports neither from its own layer nor from a higher one; a parent
/// may use its children and a child its parents, but children do not use each other.
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
    &["assertion", "token", "secret", "seal", "retry"],
    &["http_client", "listener", "store"],
    &["token_endpoint"],
    &["grant"],
    &["provider"],
    &["login", "client", "middleware"],
    &["admin"],
    &["rotation", "audit"],
];

/// Imported by nobody. Its children import no more than `clock`; the handle hands these out.
const SANDBOX: &str = "sandbox";
const SANDBOX_HANDS_OUT: [&str; 2] = ["Region", "ClientCredentials"];

const ROOT: &str = "src/lib.rs";

/// The aim is 300.
const MOST_LINES: usize = 320;

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

    /// A crate of a few modules, with `text` in the file `file` besides.
    fn planted(file: &str, text: &str) -> Vec<String> {
        let mut files = vec![
            (ROOT, LIB),
            ("src/clock.rs", "pub struct Clock;"),
            ("src/region.rs", "pub struct Region;"),
            (
                "src/error.rs",
                "mod api; mod oauth; pub use oauth::OAuthError; pub struct Error;",
            ),
            ("src/error/api.rs", "pub struct ApiError;"),
            ("src/error/oauth.rs", "pub struct OAuthError;"),
            (
                "src/token.rs",
                "use crate::clock::Clock; pub struct AccessToken;",
            ),
            ("src/retry.rs", "pub struct RetryPolicy;"),
            (
                "src/grant.rs",
                "mod client_credentials; pub use client_credentials::ClientCredentials;",
            ),
            (
                "src/grant/client_credentials.rs",
                "pub struct ClientCredentials;",
            ),
            ("src/provider.rs", "mod state; pub struct TokenProvider;"),
            ("src/provider/state.rs", ""),
            ("src/sandbox.rs", "mod login; mod api; pub struct Sandbox;"),
            ("src/sandbox/login.rs", ""),
            ("src/sandbox/api.rs", ""),
        ];
        let place = files.iter_mut().find(|(path, _)| *path == file);
        let text = place
            .as_ref()
            .map_or(String::new(), |(_, before)| (*before).to_owned())
            + text;
        match place {
            Some(place) => place.1 = &text,
            None => files.push((file, &text)),
        }
        violations(&Files::planted(&files))
    }

    const LIB: &str = "
        mod clock; mod region; mod error; mod token; mod retry; mod grant; mod provider;
        mod sandbox;
        pub use {clock::Clock, region::Region, error::{Error, OAuthError as RefusedByServer}};
        pub use grant::ClientCredentials;
        pub use self::provider::TokenProvider;
        pub use sandbox::Sandbox;
        ";

    #[track_caller]
    fn assert_wrong(file: &str, text: &str, path: &str) {
        let wrong = planted(file, text);
        assert_eq!(wrong.len(), 1, "{text}: {wrong:?}");
        assert!(
            wrong[0].starts_with(file) && wrong[0].contains(path),
            "{text}: {wrong:?}"
        );
    }

    #[track_caller]
    fn assert_right(file: &str, text: &str) {
        let wrong = planted(file, text);
        assert!(wrong.is_empty(), "{text}: {wrong:?}");
    }

    #[test]
    fn an_import_from_above_is_found() {
        for text in [
            "use crate::error::Error;",
            "pub(crate) use crate::{clock::Clock, error::{self as e, Error as Mistake}};",
            "use crate::{provider::{state::{deep::X}}};",
            "use {std::fmt, crate::error::Error};",
            "use super::error::Error;",
            "fn f() -> crate::error::Error { todo!() }",
            "fn f() { let e = crate::error::Error { kind: 1 }; }",
            "fn f() { g(super::token::AccessToken::<u8>::new()) }",
            "mod inner { fn f() { super::super::token::f() } }",
            "mod inner { use super::super::error::Error; }",
            "fn f() { match self::A { _ => crate::error::f() } }",
            "macro_rules! m { () => { $crate::error::Error } }",
            "fn f() -> impl Sized + use<> { crate::error::f() }",
            "#[cfg(feature = \"test\")] use crate::error::Error;",
            "#[cfg(not(test))] use crate::error::Error;",
            "#[cfg(test)] mod tests {} use crate::error::Error;",
            "#[cfg(test)] #[allow(dead_code)] fn f<A, B>(c: [u8; 2]) {} use crate::error::Error;",
            "const QUOTES: [char; 2] = ['\"', '\\'']; use crate::error::Error;",
            "const RAW: &str = r#\"a \" b\"#; use crate::error::Error;",
            "/* a /* b */ c */ use crate::error::Error;",
        ] {
            let wrong = planted("src/region.rs", text);
            assert!(!wrong.is_empty(), "{text}");
            assert!(
                wrong.iter().all(|line| line.contains("is in layer 2 and")),
                "{wrong:?}"
            );
        }
        assert_wrong(
            "src/clock.rs",
            "\n\nuse crate::region::Region;",
            ":3: `region::Region`",
        );
    }

    #[test]
    fn an_import_from_the_same_layer_is_found() {
        assert_wrong(
            "src/retry.rs",
            "use crate::token::AccessToken;",
            "`token` in layer 4",
        );
    }

    #[test]
    fn an_import_through_a_re_export_is_found() {
        assert_wrong("src/region.rs", "use crate::Error;", "`error` in layer 3");
        assert_wrong(
            "src/region.rs",
            "use crate::RefusedByServer;",
            "`error` in layer 3",
        );
        assert_wrong(
            "src/token.rs",
            "use super::{Clock, TokenProvider};",
            "`provider` in layer 8",
        );
        assert_wrong(
            "src/token.rs",
            "use crate::ClientCredentials;",
            "`grant` in layer 7",
        );
        assert_right(
            "src/provider.rs",
            "use crate::{Clock, Error, RefusedByServer, Region};",
        );
    }

    #[test]
    fn children_that_use_each_other_are_found() {
        let why = "children of one module";
        assert_wrong("src/error/api.rs", "use super::oauth::OAuthError;", why);
        assert_right("src/error/api.rs", "use super::OAuthError;");
        assert_wrong(
            "src/error/api.rs",
            "use crate::error::oauth::OAuthError;",
            why,
        );
        assert_wrong("src/error/api.rs", "use crate::RefusedByServer;", why);
        assert_wrong(
            "src/error/api.rs",
            "mod m { use super::super::oauth::OAuthError; }",
            why,
        );
        assert_wrong("src/sandbox/api.rs", "use super::login::f;", why);
        assert_right("src/error/api.rs", "use super::Error; use crate::error;");
        assert_right(
            "src/error.rs",
            "use crate::error::api::ApiError; use self::oauth::f;",
        );
        assert_wrong(
            "src/provider/state.rs",
            "use super::super::sandbox::Sandbox;",
            "the sandbox",
        );
    }

    #[test]
    fn children_that_use_each_other_in_a_circle_are_found() {
        let wrong = |oauth| {
            violations(&Files::planted(&[
                ("src/lib.rs", "mod error;"),
                (
                    "src/error.rs",
                    "mod api; mod oauth; use api::A; use oauth::B;",
                ),
                ("src/error/api.rs", "use super::B; pub struct A;"),
                ("src/error/oauth.rs", oauth),
            ]))
        };
        assert!(wrong("pub struct B;").is_empty());
        let circle = wrong("use super::A; pub struct B;");
        assert_eq!(circle.len(), 2, "{circle:?}");
        assert!(circle[0].contains("error::api: uses its neighbours in a circle"));
    }

    #[test]
    fn the_sandbox_stands_alone() {
        assert_wrong(
            "src/provider.rs",
            "use crate::Sandbox;",
            "nothing imports the sandbox",
        );
        assert_wrong(
            "src/provider.rs",
            "use crate::sandbox::login::f;",
            "nothing imports",
        );
        assert_wrong("src/sandbox.rs", "use crate::Error;", "second opinion");
        assert_wrong(
            "src/sandbox.rs",
            "use crate::region::InvalidRegion;",
            "second opinion",
        );
        assert_wrong(
            "src/sandbox/login.rs",
            "use crate::Region;",
            "second opinion",
        );
        assert_wrong(
            "src/sandbox/login.rs",
            "fn f() { crate::retry::f() }",
            "second opinion",
        );
        assert_right(
            "src/sandbox.rs",
            "use crate::{Clock, ClientCredentials, region::Region};",
        );
        assert_right(
            "src/sandbox/login.rs",
            "use crate::Clock; use super::Sandbox;",
        );

        let hidden = planted("src/sandbox.rs", "use crate::Region;");
        assert!(hidden.is_empty());
        let files = [
            (ROOT, "mod region; mod sandbox;"),
            ("src/region.rs", "pub struct Region;"),
            ("src/sandbox.rs", "mod api; use crate::region::Region;"),
            ("src/sandbox/api.rs", "use super::Region;"),
        ];
        assert_eq!(violations(&Files::planted(&files)).len(), 1);
    }

    #[test]
    fn what_hides_an_import_is_found() {
        assert_wrong(
            "src/region.rs",
            "use crate as root;",
            "names the whole crate",
        );
        assert_wrong(
            "src/region.rs",
            "use super as root;",
            "names the whole crate",
        );
        assert_wrong("src/region.rs", "use super::*;", "names the whole crate");
        assert_wrong(
            "src/region.rs",
            "use crate::Nothing;",
            "re-exports no `Nothing`",
        );
        assert_wrong("src/error.rs", "pub use oauth::*;", "a glob hides");
        assert_wrong("src/token.rs", "use crate::clock::*;", "a glob hides");
        assert_right("src/token.rs", "use crate::clock::Clock::*;");
    }

    #[test]
    fn an_unknown_file_is_found() {
        assert_wrong("src/helper.rs", "", "no module declares this file");
        let files = [(ROOT, "mod inner { mod helper; }"), ("src/helper.rs", "")];
        let wrong = violations(&Files::planted(&files));
        assert_eq!(wrong, ["src/helper.rs: no module declares this file"]);
        let files = [(ROOT, "mod helper;"), ("src/helper.rs", "")];
        let wrong = violations(&Files::planted(&files));
        assert_eq!(
            wrong,
            ["src/helper.rs: the table of layers has no `helper`"]
        );
    }

    #[test]
    fn comments_strings_and_tests_are_left_out() {
        for text in [
            "// use crate::error::Error;",
            "/// See [`crate::error::Error`].\nfn f() {}",
            "/* a /* use crate::error::Error; */ use crate::error::Error; */",
            "const A: &str = \"use crate::error::Error;\";",
            "const A: &str = \"\\\"; use crate::error::Error;\";",
            "const A: &[u8] = br##\"\"# use crate::error::Error;\"##;",
            "#[doc = \"crate::error::Error\"] fn f<'a>(x: &'a str) {}",
            "#[cfg(test)] mod tests { use crate::error::Error; fn f() { super::super::token::f() } }",
            "#[cfg(all(test, unix))] #[allow(dead_code)] mod tests { use crate::error::Error; }",
            "#[cfg(test)] use crate::error::Error;",
            "#[cfg(test)] fn f<A, B>(x: [u8; 2]) { crate::error::f() }",
            "struct S { #[cfg(test)] x: crate::error::Error, y: u8 }",
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
        assert!(violations(&Files::planted(&files)).is_empty());
    }

    #[test]
    fn lines_of_code_are_without_blanks_comments_and_tests() {
        let text = "//! A.\n\nfn f() {\n    // b\n    g()\n}\n\n#[cfg(test)]\nmod tests {\n}\n";
        let files = Files::planted(&[(ROOT, text)]);
        assert_eq!(lines_of_code(&modules(&files, ROOT)[0]), 3);
    }
}

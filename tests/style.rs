//! Checks of form that neither the compiler nor clippy makes.

mod source;

use std::{collections::BTreeSet, path::Path};

use source::{
    Files, Module, cfg_condition, code_lines, line_of, modules, parse, test_lines, tests,
};
use syn::{Attribute, visit, visit::Visit};

#[test]
fn source_files_are_short() {
    assert_no_faults(&long_files(&Files::read(&["src"], ".rs"), MAX_CODE_LINES));
}

#[test]
fn login_feature_selects_whole_items() {
    assert_no_faults(&login_conditions(&Files::read(&["src"], ".rs")));
}

#[test]
fn test_names_are_short() {
    let files = Files::read(&["src", "tests"], ".rs");
    assert_no_faults(&long_test_names(&files, MAX_TEST_NAME));
}

#[test]
fn banned_words_are_absent() {
    let folders = [
        ".github",
        "benches",
        "examples",
        "fuzz/fuzz_targets",
        "src",
        "tests",
    ];
    let mut files = Files::read(&folders, "");
    files.extend(Files::read_top());
    assert_no_faults(&banned_words(&files));
}

#[test]
fn readme_clones_the_repository() {
    assert_no_faults(&addresses(&Files::read_top()));
}

#[track_caller]
fn assert_no_faults(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// Files of the library with more than `max` lines of code. Tests do not count.
fn long_files(files: &Files, max: usize) -> Vec<String> {
    let lines = |module: &Module| {
        let tests = test_lines(&module.syntax);
        let is_test = |line: &usize| tests.iter().any(|lines| lines.contains(line));
        let lines = code_lines(files.text(&module.file)).into_iter();
        lines.filter(|line| !is_test(line)).count()
    };
    let modules = modules(files, ROOT).into_iter();
    let modules = modules.filter(|module| !module.test_only);
    let long = modules.map(|module| (lines(&module), module.file));
    long.filter(|(lines, _)| *lines > max)
        .map(|(lines, file)| format!("{file}: {lines} lines of code, at most {max}"))
        .collect()
}

/// Uses of `#[cfg(feature = "login")]` on anything but modules, imports and `impl` blocks. The root
/// of the crate and tests are exempt.
fn login_conditions(files: &Files) -> Vec<String> {
    let modules = modules(files, ROOT).into_iter();
    let modules = modules.filter(|module| !module.test_only && !module.path.is_empty());
    modules
        .flat_map(|module| {
            let mut conditions = LoginConditions::default();
            conditions.visit_file(&module.syntax);
            let tests = test_lines(&module.syntax);
            let wrong = conditions.all.difference(&conditions.allowed);
            wrong
                .filter(|line| !tests.iter().any(|lines| lines.contains(line)))
                .map(|line| format!("{}:{line}: the feature selects a part", module.file))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The lines with conditions on the feature.
#[derive(Default)]
struct LoginConditions {
    all: BTreeSet<usize>,
    allowed: BTreeSet<usize>,
    /// The number of blocks around the current place.
    depth: usize,
}

impl LoginConditions {
    fn allow(&mut self, attributes: &[Attribute]) {
        if self.depth == 0 {
            self.allowed.extend(attributes.iter().map(line_of));
        }
    }
}

impl<'ast> Visit<'ast> for LoginConditions {
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if cfg_condition(attribute).is_some_and(|condition| condition.contains("\"login\"")) {
            self.all.insert(line_of(attribute));
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if call.path.is_ident("cfg") && call.tokens.to_string().contains("\"login\"") {
            self.all.insert(line_of(call));
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.depth += 1;
        visit::visit_block(self, block);
        self.depth -= 1;
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.allow(&item.attrs);
        visit::visit_item_impl(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.allow(&item.attrs);
        visit::visit_item_mod(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.allow(&item.attrs);
        visit::visit_item_use(self, item);
    }
}

fn long_test_names(files: &Files, max: usize) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, text) in files.iter() {
        for test in tests(&parse(path, text)) {
            let name = test.rsplit("::").next().unwrap_or_default();
            if name.len() > max {
                let length = name.len();
                faults.push(format!(
                    "{path}: {name} has {length} characters, at most {max}"
                ));
            }
        }
    }
    faults
}

/// Words that CONTRIBUTING.md replaces by plainer ones, in text and in names, also where a line
/// ends between them.
fn banned_words(files: &Files) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| *path != OWN_FILE) {
        let words: Vec<(usize, &str)> = (1..)
            .zip(text.lines())
            .flat_map(|(number, line)| {
                let words = line.split(|c: char| !c.is_alphanumeric());
                words
                    .filter(|word| !word.is_empty())
                    .map(move |word| (number, word))
            })
            .collect();
        for banned in BANNED {
            let banned: Vec<_> = banned.split(' ').collect();
            // One that starts with a capital is banned at the start of a sentence only.
            let is = |(word, banned): (&(usize, &str), &&str)| {
                word.1 == *banned || word.1.to_lowercase() == **banned
            };
            for found in words.windows(banned.len()) {
                if found.iter().zip(&banned).all(is) {
                    let line = found.first().map_or(0, |(line, _)| *line);
                    faults.push(format!("{path}:{line}: \"{}\"", banned.join(" ")));
                }
            }
        }
    }
    faults
}

/// README.md clones what Cargo.toml names, and no other file has that address.
fn addresses(files: &Files) -> Vec<String> {
    let manifest = files.text("Cargo.toml");
    let value = |key: &str| {
        let line = manifest
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{key} = \"")));
        line.and_then(|value| value.strip_suffix('"'))
            .unwrap_or_default()
    };
    let repository = value("repository");
    let clone = format!("git clone {repository}");
    let readme = files.text("README.md");
    let mut faults = Vec::new();
    if repository.is_empty() || value("homepage") != repository {
        faults.push("Cargo.toml: `repository` and `homepage` are not one address".to_owned());
    }
    if !readme.lines().any(|line| line.trim() == clone) {
        faults.push(format!("README.md: no line is `{clone}`"));
    }
    for (path, text) in files.iter() {
        let count = text.matches(repository.trim_end_matches(".git")).count();
        let expected = match path {
            "Cargo.toml" => 2,
            "README.md" => 1,
            _ => 0,
        };
        if count != expected {
            faults.push(format!(
                "{path}: has the address {count} times, not {expected}"
            ));
        }
    }
    faults
}

const BANNED: &[&str] = &[
    "MOST",
    "Who asks",
    "Who comes",
    "Who has",
    "Who is",
    "Who waits",
    "all the same",
    "anew",
    "as ever",
    "at hand",
    "by who",
    "is to be",
    "of use",
    "of who",
    "tells who",
    "to who",
];

const MAX_CODE_LINES: usize = 300;
const MAX_TEST_NAME: usize = 60;
const ROOT: &str = "src/lib.rs";
const OWN_FILE: &str = "tests/style.rs";

#[cfg(test)]
mod cases {
    use super::*;

    #[test]
    fn code_lines_are_without_blanks_comments_and_tests() {
        let text =
            "//! A.\n\n/// B\nfn f() {\n    // b\n    g()\n}\n\n#[cfg(test)]\nmod tests {\n}\n";
        let files = Files::planted(&[(ROOT, text)]);
        assert!(long_files(&files, 3).is_empty());
        assert_eq!(
            long_files(&files, 2),
            ["src/lib.rs: 3 lines of code, at most 2"]
        );
    }

    #[test]
    fn login_condition_on_a_part_is_found() {
        let faults = |text: &str| {
            let text = text.replace("LOGIN", "#[cfg(all(unix, feature = \"login\"))]");
            let root = "#[cfg(feature = \"login\")] mod a; #[cfg(feature = \"login\")] fn f() {}";
            login_conditions(&Files::planted(&[(ROOT, root), ("src/a.rs", &text)])).len()
        };
        for allowed in [
            "LOGIN mod b; LOGIN pub use b::B;",
            "LOGIN\nimpl A { fn f() {} }",
            "#![cfg_attr(not(feature = \"login\"), allow(dead_code))]",
            "#[cfg(test)] mod tests { LOGIN fn f() {} }",
            "#[cfg(feature = \"sandbox\")] fn f() {}",
        ] {
            assert_eq!(faults(allowed), 0, "{allowed}");
        }
        for wrong in [
            "LOGIN fn f() {}",
            "LOGIN struct A;",
            "struct A { LOGIN a: u8 }",
            "enum A { LOGIN B, C }",
            "impl A { LOGIN fn f() {} }",
            "fn f() { LOGIN g(); }",
            "fn f() { LOGIN use a::B; }",
            "fn f() { LOGIN let a = 1; }",
            "fn f() { match a { LOGIN 1 => (), _ => () } }",
            "fn f() { let a = A { LOGIN b: 1 }; }",
            "fn f() -> bool { cfg!(feature = \"login\") }",
        ] {
            assert_eq!(faults(wrong), 1, "{wrong}");
        }
    }

    #[test]
    fn long_test_name_is_found() {
        let text = "mod tests { #[tokio::test] async fn four() {} fn not_a_test() {} }";
        let files = Files::planted(&[("src/a.rs", text)]);
        assert!(long_test_names(&files, 4).is_empty());
        let expected = "src/a.rs: four has 4 characters, at most 3";
        assert_eq!(long_test_names(&files, 3), [expected]);
    }

    #[test]
    fn banned_word_is_found() {
        let faults = |text: &str| banned_words(&Files::planted(&[("a.md", text)]));
        for text in [
            "log in anew",
            "fn asks_anew()",
            "const MOST_BYTES",
            "Who waits has",
            "Anew.",
        ] {
            assert_eq!(faults(text).len(), 1, "{text}");
        }
        assert_eq!(
            faults("/// a\n/// what is at\n/// hand"),
            ["a.md:2: \"at hand\""]
        );
        assert!(faults("The user who is here renews most tokens at handovers.").is_empty());
    }

    #[test]
    fn address_in_the_wrong_place_is_found() {
        let cargo =
            "repository = \"https://x.invalid/a.git\"\nhomepage = \"https://x.invalid/a.git\"";
        let readme = "  git clone https://x.invalid/a.git\n";
        let faults = |cargo: &str, readme: &str, other: &str| {
            let files = [
                ("Cargo.toml", cargo),
                ("README.md", readme),
                ("SECURITY.md", other),
            ];
            addresses(&Files::planted(&files)).len()
        };
        assert_eq!(faults(cargo, readme, ""), 0);
        assert_eq!(faults(cargo, readme, "see https://x.invalid/a"), 1);
        assert_eq!(faults(cargo, "git clone https://y.invalid/a.git", ""), 2);
        let other = cargo.replace("homepage", "other");
        assert_eq!(faults(&other, readme, ""), 1);
    }

    #[test]
    fn folders_are_read() {
        let files = Files::read(&["tests"], "run");
        assert!(files.iter().any(|(path, _)| path == "tests/run"));
        assert!(Path::new(OWN_FILE).exists());
    }
}

//! Keeps the page of promises honest: each names the tests that keep it, and they are there.

#[allow(dead_code, reason = "the other check uses the rest")]
mod source;

use std::{collections::BTreeSet, fs, path::Path};

use source::{Files, modules, outline};

#[test]
fn each_promise_is_kept_by_a_test() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{PAGE}: {error}"));
    let wrong = faults(&page, &tests(&Files::read(&["src", "tests"])));
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// The names of all tests as `cargo test` prints them; those of an integration test have the name
/// of its program before them.
fn tests(files: &Files) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for root in files.paths() {
        let program = match root.split('/').collect::<Vec<_>>()[..] {
            ["src", "lib.rs"] => None,
            ["tests", program, "main.rs"] | ["tests", program, "tests", "main.rs"] => Some(program),
            ["tests", file] => Some(file.trim_end_matches(".rs")),
            _ => continue,
        };
        for module in modules(files, root) {
            for test in outline(&module.tokens).tests {
                let path = program
                    .into_iter()
                    .chain(module.path.iter().map(String::as_str));
                names.insert(path.chain([test.as_str()]).collect::<Vec<_>>().join("::"));
            }
        }
    }
    names
}

/// What is wrong with `page`, whose tables have a promise and its tests in each row.
fn faults(page: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut promises = BTreeSet::new();
    let mut in_table = false;
    for (line, text) in page
        .lines()
        .enumerate()
        .map(|(line, text)| (line + 1, text.trim()))
    {
        let starts_table = !in_table;
        in_table = text.starts_with('|');
        if !in_table || text == RULE {
            continue;
        }
        if starts_table {
            if text != HEADER {
                wrong.push(format!("{PAGE}:{line}: a table starts with `{HEADER}`"));
            }
            continue;
        }
        let row = text.strip_prefix('|').and_then(|row| row.strip_suffix('|'));
        // The names of tests have no bar in them, a promise may.
        let Some((promise, kept_by)) = row.and_then(|row| row.rsplit_once('|')) else {
            wrong.push(format!("{PAGE}:{line}: not a row of two cells"));
            continue;
        };
        let promise = promise.split_whitespace().collect::<Vec<_>>().join(" ");
        if promise.is_empty() {
            wrong.push(format!("{PAGE}:{line}: no promise"));
        }
        for name in kept_by.split(',').map(str::trim) {
            let name = name
                .strip_prefix('`')
                .and_then(|name| name.strip_suffix('`'));
            match name {
                None => wrong.push(format!(
                    "{PAGE}:{line}: wants the name of a test in backquotes"
                )),
                Some(name) if !tests.contains(name) => {
                    wrong.push(format!("{PAGE}:{line}: there is no test `{name}`"));
                }
                Some(_) => {}
            }
        }
        if !promises.insert(promise.to_lowercase()) {
            wrong.push(format!("{PAGE}:{line}: promised twice: {promise}"));
        }
    }
    if promises.is_empty() {
        wrong.push(format!("{PAGE}: promises nothing"));
    }
    wrong
}

const PAGE: &str = "src/guide/promises.md";
const HEADER: &str = "| promise | kept by |";
const RULE: &str = "|---|---|";

#[cfg(test)]
mod cases {
    use super::*;

    fn known() -> BTreeSet<String> {
        tests(&Files::planted(&[
            ("src/lib.rs", "mod provider;"),
            (
                "src/provider.rs",
                "#[cfg(test)] mod tests;
                #[test] #[ignore] fn slow() {}
                #[test] #[ignore = \"slow\"] fn slower() {}
                // #[test] fn in_a_comment() {}
                const TEXT: &str = \"#[test] fn in_a_string() {}\";
                #[cfg(test)] fn helper() {}
                mod inner { #[test] fn deep() {} fn helper() {} }
                #[test] pub(crate) async fn shallow() {}",
            ),
            (
                "src/provider/tests.rs",
                "#[tokio::test(start_paused = true)] #[allow(x)] async fn herd() {}
                fn after_it() {}",
            ),
            ("src/forgotten.rs", "#[test] fn never_compiled() {}"),
            ("tests/it/main.rs", "mod client;"),
            ("tests/it/client.rs", "#[test] fn second_401() {}"),
            ("tests/layers.rs", "#[test] fn order() {}"),
            ("tests/source/mod.rs", "#[test] fn no_program() {}"),
        ]))
    }

    fn page(rows: &str) -> Vec<String> {
        faults(
            &format!("# Promises\n\n{HEADER}\n{RULE}\n{rows}\n"),
            &known(),
        )
    }

    #[test]
    fn tests_are_found_where_they_run() {
        let expected = [
            "it::client::second_401",
            "layers::order",
            "provider::inner::deep",
            "provider::shallow",
            "provider::tests::herd",
        ];
        assert!(known().iter().eq(expected), "{:?}", known());
    }

    #[test]
    fn a_kept_promise_passes() {
        assert!(page("| One `a | b`. | `layers::order`, `provider::tests::herd` |").is_empty());
        let two = format!(
            "| One. | `layers::order` |\n\n## More\n{HEADER}\n{RULE}\n| Two. | `layers::order` |"
        );
        assert!(page(&two).is_empty());
    }

    #[test]
    fn a_promise_that_nothing_keeps_is_found() {
        for (row, why) in [
            ("| One. | |", "wants the name"),
            ("| One. | layers::order |", "wants the name"),
            ("| One. | `layers::order`, |", "wants the name"),
            ("| One. | `layers::order` and more |", "wants the name"),
            ("| One. | `layers::gone` |", "no test `layers::gone`"),
            ("| One. | `layers::order`, `herd` |", "no test `herd`"),
            ("| One. | `provider::slow` |", "no test"),
            ("| One. | `provider::helper` |", "no test"),
            ("| One. | `forgotten::never_compiled` |", "no test"),
            ("| One. |", "two cells"),
            ("| | `layers::order` |", "no promise"),
            (
                "| One. | `layers::order` |\n|  one. | `layers::order` |",
                "promised twice",
            ),
            ("", "promises nothing"),
            (
                "| One. | `layers::order` |\n\n| what | test |\n|---|---|",
                "a table starts with",
            ),
        ] {
            let wrong = page(row);
            assert!(
                wrong.iter().any(|line| line.contains(why)),
                "{row}: {wrong:?}"
            );
        }
    }
}

//! Checks that each promise of the guide has a test, and that each listed test exists.

mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use source::{Files, modules};

#[test]
fn each_promise_is_kept_by_a_test() {
    let read = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let known = names_of_tests(&Files::read(&["src", "tests"], ".rs"));
    let wrong = faults(&read(PAGE), &read(LIST), &known);
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// The names of all tests as `cargo test` prints them; those of an integration test have the name
/// of its program before them.
fn names_of_tests(files: &Files) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (root, _) in files.iter() {
        let program = match root.split('/').collect::<Vec<_>>()[..] {
            ["src", "lib.rs"] => None,
            ["tests", program, "main.rs"]
            | ["tests", program, "tests", "main.rs"]
            | ["tests", "fixtures", program, "tests", "main.rs"] => Some(program),
            ["tests", file] => Some(file.trim_end_matches(".rs")),
            _ => continue,
        };
        for module in modules(files, root) {
            for test in source::tests(&module.syntax) {
                let path = program
                    .into_iter()
                    .chain(module.path.iter().map(String::as_str));
                names.insert(path.chain([test.as_str()]).collect::<Vec<_>>().join("::"));
            }
        }
    }
    names
}

/// What is wrong with the page and the list. A promise is a bullet of the page that starts with its
/// id, as ``- `time-1`: …``; a line of the list is the id of a promise and the name of a test.
fn faults(page: &str, list: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut kept = BTreeMap::new();
    for (line, text) in page.lines().enumerate() {
        let at = format!("{PAGE}:{}", line + 1);
        let Some(bullet) = text.strip_prefix("- ") else {
            continue;
        };
        let parts = bullet
            .strip_prefix('`')
            .and_then(|rest| rest.split_once("`: "));
        match parts {
            Some((id, promise)) if !id.is_empty() && !promise.trim().is_empty() => {
                if kept.insert(id, (at.clone(), 0)).is_some() {
                    wrong.push(format!("{at}: the id `{id}` is used twice"));
                }
            }
            _ => wrong.push(format!("{at}: a promise is written as \"- `id`: text\"")),
        }
    }
    if kept.is_empty() {
        wrong.push(format!("{PAGE}: promises nothing"));
    }
    let mut lines = BTreeSet::new();
    for (line, text) in list.lines().enumerate() {
        let at = format!("{LIST}:{}", line + 1);
        if !lines.insert(text) {
            wrong.push(format!("{at}: this line stands twice"));
        }
        let Some((id, name)) = text.split_once(' ') else {
            wrong.push(format!("{at}: a line is an id and the name of a test"));
            continue;
        };
        match kept.get_mut(id) {
            Some((_, count)) => *count += 1,
            None => wrong.push(format!("{at}: {PAGE} has no promise `{id}`")),
        }
        if !tests.contains(name) {
            wrong.push(format!("{at}: there is no test `{name}`"));
        }
    }
    for (id, (at, count)) in kept {
        if count == 0 {
            wrong.push(format!("{at}: no test keeps `{id}`"));
        }
    }
    wrong
}

const PAGE: &str = "src/guide/promises.md";
const LIST: &str = "tests/promises.txt";

#[cfg(test)]
mod cases {
    use super::*;

    fn known() -> BTreeSet<String> {
        names_of_tests(&Files::planted(&[
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

    fn check(page: &str, list: &str) -> Vec<String> {
        faults(page, list, &known())
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
        let page = "# Promises\n\n- `a-1`: One.\n\ntext\n- `a-2`: Two: three.\n";
        let list = "a-1 layers::order\na-2 layers::order\na-2 provider::tests::herd\n";
        assert_eq!(check(page, list), Vec::<String>::new());
    }

    #[test]
    fn a_promise_without_a_test_is_reported() {
        for (page, list, why) in [
            ("- `a-1`: One.", "", "no test keeps `a-1`"),
            (
                "- `a-1`: One.",
                "a-1 layers::gone",
                "no test `layers::gone`",
            ),
            ("- `a-1`: One.", "a-1 herd", "no test `herd`"),
            (
                "- `a-1`: One.",
                "a-1 provider::slow",
                "no test `provider::slow`",
            ),
            ("- `a-1`: One.", "a-1 provider::helper", "no test"),
            ("- `a-1`: One.", "a-1 forgotten::never_compiled", "no test"),
            ("- `a-1`: One.", "a-2 layers::order", "no promise `a-2`"),
            ("- `a-1`: One.", "layers::order", "a line is an id"),
            (
                "- `a-1`: One.",
                "a-1 layers::order\na-1 layers::order",
                "stands twice",
            ),
            (
                "- `a-1`: One.\n- `a-1`: Two.",
                "a-1 layers::order",
                "used twice",
            ),
            ("- One.", "a-1 layers::order", "a promise is written as"),
            ("- `a-1`: ", "a-1 layers::order", "a promise is written as"),
            ("# Promises", "", "promises nothing"),
        ] {
            let wrong = check(page, list);
            assert!(
                wrong.iter().any(|line| line.contains(why)),
                "{page} {list}: {wrong:?}"
            );
        }
    }
}

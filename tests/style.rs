//! Checks of the source that compilers and clippy do not make.

mod source;

use source::{Files, Module, code_lines, modules, test_lines};

#[test]
fn source_files_are_short() {
    let files = Files::read(&["src"], ".rs");
    for module in modules(&files, "src/lib.rs") {
        let lines = code_lines_without_tests(&files, &module);
        let file = module.file;
        assert!(
            lines <= MAX_CODE_LINES,
            "{file} has {lines} lines of code without its tests, at most {MAX_CODE_LINES}"
        );
    }
}

fn code_lines_without_tests(files: &Files, module: &Module) -> usize {
    if module.test_only {
        return 0;
    }
    let tests = test_lines(&module.syntax);
    let is_test = |line: &usize| tests.iter().any(|lines| lines.contains(line));
    let lines = code_lines(files.text(&module.file)).into_iter();
    lines.filter(|line| !is_test(line)).count()
}

const MAX_CODE_LINES: usize = 320;

#[cfg(test)]
mod cases {
    use super::*;

    #[test]
    fn code_lines_are_without_blanks_comments_and_tests() {
        let text =
            "//! A.\n\n/// B\nfn f() {\n    // b\n    g()\n}\n\n#[cfg(test)]\nmod tests {\n}\n";
        let files = Files::planted(&[("src/lib.rs", text)]);
        let module = &modules(&files, "src/lib.rs")[0];
        assert_eq!(code_lines_without_tests(&files, module), 3);
    }
}

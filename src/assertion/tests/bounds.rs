//! Floods: what they cost, and that they end early.

use super::*;

#[test]
fn floods_are_told_within_two_mebibytes() {
    let many = |one: &dyn Fn(usize) -> String, times| (0..times).map(one).collect::<String>();
    let attributes = |times| in_tag(&many(&|n| format!(" a{n}=''"), times));
    let namespaces = |times| in_tag(&many(&|n| format!(" xmlns:a{n}='u'"), times));
    let one_in_another = |times| {
        let start = many(&|n| format!("<x xmlns:a{n}='u' xmlns:b{n}='u'>"), times);
        in_text(&(start + &"</x>".repeat(times)))
    };
    let nested = |times| in_text(&("<x>".repeat(times) + &"</x>".repeat(times)));
    for (given, wrong) in [
        (nested(61), "nothing"),
        (nested(62), "Xml(TooDeep"),
        (in_text(&"<x>".repeat(100_000)), "Xml(TooDeep"),
        (in_text(&"<x>".repeat(1_000_000)), "Form(TooLong"),
        // Beside `Version`.
        (attributes(63), "nothing"),
        (attributes(64), "Xml(TooWide"),
        (attributes(30_000), "Xml(TooWide"),
        (attributes(100_000), "Form(TooLong"),
        (in_tag(&" a=''".repeat(100_000)), "Xml(Malformed"),
        // Beside those of `saml` and `ds`.
        (namespaces(62), "nothing"),
        (namespaces(63), "Xml(TooWide"),
        (namespaces(20_000), "Xml(TooWide"),
        (namespaces(100_000), "Form(TooLong"),
        (one_in_another(61), "nothing"),
        (in_text(&"<x/>".repeat(20_000)), "nothing"),
        (in_text(&"&#65;".repeat(20_000)), "nothing"),
        (in_text(&"<!---->".repeat(20_000)), "nothing"),
        (
            in_tag(&format!(" a='{}'", "&#65;".repeat(90_000))),
            "nothing",
        ),
        (
            in_subject(&"<saml:SubjectConfirmation/>".repeat(18_000)),
            "nothing",
        ),
    ] {
        let base64 = STANDARD.encode(&given);
        let breaks = "\n".repeat(LONGEST.saturating_sub(base64.len()));
        for given in [given, breaks + &base64] {
            let begins: String = given.trim_start().chars().take(40).collect();
            let given = Given::from(given.as_str());
            let memory = allocation_counter::measure(|| {
                assert_eq!(fault(given.clone()), wrong, "{begins}");
            });
            let most = memory.bytes_max;
            assert!(most < 2 * 1024 * 1024, "{most} bytes for {begins}");
        }
    }
}

#[test]
fn an_element_is_in_at_most_256_namespaces() {
    // Beside `saml` and `ds`.
    for (within, wrong) in [(254, "nothing"), (255, "Xml(TooWide")] {
        let declared: Vec<_> = (0..within).map(|n| format!(" xmlns:a{n}='u'")).collect();
        let starts = declared
            .chunks(50)
            .map(|some| format!("<x{}>", some.concat()));
        let starts: Vec<_> = starts.collect();
        let content = starts.concat() + &"</x>".repeat(starts.len());
        // What ended counts no more.
        let given = in_text(&content.repeat(2));
        assert_eq!(fault(given.as_str()), wrong);
        fuzzing::assertion(given.as_bytes());
    }
}

#[test]
fn an_assertion_with_more_than_it_may_declare_itself_is_cut_out_all_the_same() {
    let declared = |of: char| -> String {
        let each = |n| format!(" xmlns:{of}{n}='u'");
        (0..60).map(each).collect()
    };
    let given = response(&in_start_tag(&assertion(), &declared('a')));
    let given = given.replacen(
        "<samlp:Response",
        &format!("<samlp:Response{}", declared('b')),
        1,
    );
    let looked = looked(given.as_str());
    let cut = looked.alone().unwrap();
    let cut = str::from_utf8(&cut).unwrap();
    assert_eq!(cut.matches("xmlns:").count(), 123);
    fuzzing::assertion(given.as_bytes());
}

#[test]
fn the_longest_xml_has_512_kib() {
    for (length, wrong) in [(524_288, "nothing"), (524_289, "Form(TooLong")] {
        let xml = alone() + &" ".repeat(length - alone().len());
        let standard = STANDARD.encode(&xml);
        let lines: Vec<_> = standard.as_bytes().chunks(64).collect();
        assert_eq!(fault(xml.as_str()), wrong);
        assert_eq!(fault(lines.join(&b"\r\n"[..])), wrong);
        assert_eq!(fault(URL_SAFE_NO_PAD.encode(&xml).as_str()), wrong);
    }
}

#[test]
fn fifty_megabytes_are_refused_without_a_look() {
    for one in ["A", "<x>"] {
        let given = one.repeat(50_000_000 / one.len());
        let secret = SecretString::from(given.clone());
        // One by one: what one frees would hide what another takes.
        refused(|| given.as_str().into());
        refused(|| given.into_bytes().into());
        refused(|| secret.into());
    }
}

fn refused(given: impl FnOnce() -> Given) {
    let memory = allocation_counter::measure(|| {
        assert_eq!(fault(given()), "Form(TooLong");
    });
    assert!(memory.bytes_max < 1024, "{memory:?}");
}

fn in_tag(content: &str) -> String {
    alone().replace(" ID=\"_a1\"", content)
}

fn in_start_tag(assertion: &str, content: &str) -> String {
    assertion.replacen(" ID=", &format!("{content} ID="), 1)
}

fn in_text(content: &str) -> String {
    alone().replace("jo@example.com", content)
}

fn in_subject(content: &str) -> String {
    alone().replace("</saml:Subject>", &format!("{content}</saml:Subject>"))
}

/// What is read of base64 with its line breaks.
const LONGEST: usize = 1024 * 1024;

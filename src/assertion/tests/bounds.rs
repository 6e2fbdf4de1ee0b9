//! The limits of an assertion, and what reaching them costs.

use super::*;

#[test]
fn floods_are_rejected_within_two_mebibytes() {
    let many = |one: &dyn Fn(usize) -> String, times| (0..times).map(one).collect::<String>();
    let attributes = |times| in_tag(&many(&|n| format!(" a{n}=''"), times));
    let namespaces = |times| in_tag(&many(&|n| format!(" xmlns:a{n}='u'"), times));
    let declared_at_each_level = |times| {
        let start = many(&|n| format!("<x xmlns:a{n}='u' xmlns:b{n}='u'>"), times);
        in_text(&(start + &"</x>".repeat(times)))
    };
    let nested = |times| in_text(&("<x>".repeat(times) + &"</x>".repeat(times)));
    for (given, expected) in [
        (nested(61), "nothing"),
        (nested(62), "Xml(TooDeep"),
        (in_text(&"<x>".repeat(100_000)), "Xml(TooDeep"),
        (in_text(&"<x>".repeat(1_000_000)), "Form(TooLong"),
        // In addition to `Version`.
        (attributes(63), "nothing"),
        (attributes(64), "Xml(TooWide"),
        (attributes(30_000), "Xml(TooWide"),
        (attributes(100_000), "Form(TooLong"),
        (in_tag(&" a=''".repeat(100_000)), "Xml(Malformed"),
        // In addition to `saml` and `ds`.
        (namespaces(62), "nothing"),
        (namespaces(63), "Xml(TooWide"),
        (namespaces(20_000), "Xml(TooWide"),
        (namespaces(100_000), "Form(TooLong"),
        (declared_at_each_level(61), "nothing"),
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
        let breaks = "\n".repeat(MAX_GIVEN_BYTES.saturating_sub(base64.len()));
        for given in [given, breaks + &base64] {
            let begins: String = given.trim_start().chars().take(40).collect();
            let given = RawAssertion::from(given.as_str());
            let memory = allocation_counter::measure(|| {
                assert_eq!(fault(given.clone()), expected, "{begins}");
            });
            let peak = memory.bytes_max;
            assert!(peak < 2 * 1024 * 1024, "{peak} bytes for {begins}");
        }
    }
}

#[test]
fn an_element_is_in_at_most_256_namespaces() {
    // In addition to `saml` and `ds`.
    for (count, expected) in [(254, "nothing"), (255, "Xml(TooWide")] {
        let declared: Vec<_> = (0..count).map(|n| format!(" xmlns:a{n}='u'")).collect();
        let starts = declared
            .chunks(50)
            .map(|some| format!("<x{}>", some.concat()));
        let starts: Vec<_> = starts.collect();
        let content = starts.concat() + &"</x>".repeat(starts.len());
        // Elements that ended do not count.
        let given = in_text(&content.repeat(2));
        assert_fault(&given, expected);
        fuzzing::assertion(given.as_bytes());
    }
}

#[test]
fn inherited_namespaces_may_exceed_the_limit_of_an_element() {
    let declared = |prefix: char| -> String {
        let each = |n| format!(" xmlns:{prefix}{n}='u'");
        (0..60).map(each).collect()
    };
    let given = response(&in_start_tag(&assertion(), &declared('a')));
    let given = given.replacen(
        "<samlp:Response",
        &format!("<samlp:Response{}", declared('b')),
        1,
    );
    let standalone = parse(given.as_str()).standalone().unwrap();
    let standalone = str::from_utf8(&standalone).unwrap();
    assert_eq!(standalone.matches("xmlns:").count(), 123);
    fuzzing::assertion(given.as_bytes());
}

#[test]
fn the_longest_xml_has_512_kib() {
    for (length, expected) in [(524_288, "nothing"), (524_289, "Form(TooLong")] {
        let xml = standalone() + &" ".repeat(length - standalone().len());
        let standard = STANDARD.encode(&xml);
        let lines: Vec<_> = standard.as_bytes().chunks(64).collect();
        assert_fault(&xml, expected);
        assert_eq!(fault(lines.join(&b"\r\n"[..])), expected);
        assert_eq!(fault(URL_SAFE_NO_PAD.encode(&xml).as_str()), expected);
    }
}

#[test]
fn fifty_megabytes_are_rejected_unread() {
    for one in ["A", "<x>"] {
        let given = one.repeat(50_000_000 / one.len());
        let secret = SecretString::from(given.clone());
        // One at a time: memory that one frees would hide what another allocates.
        assert_rejected(|| given.as_str().into());
        assert_rejected(|| given.into_bytes().into());
        assert_rejected(|| secret.into());
    }
}

fn assert_rejected(given: impl FnOnce() -> RawAssertion) {
    let memory = allocation_counter::measure(|| {
        assert_eq!(fault(given()), "Form(TooLong");
    });
    assert!(memory.bytes_max < 1024, "{memory:?}");
}

fn in_tag(content: &str) -> String {
    standalone().replace(" ID=\"_a1\"", content)
}

fn in_start_tag(assertion: &str, content: &str) -> String {
    assertion.replacen(" ID=", &format!("{content} ID="), 1)
}

fn in_text(content: &str) -> String {
    standalone().replace("jo@example.com", content)
}

fn in_subject(content: &str) -> String {
    standalone().replace("</saml:Subject>", &format!("{content}</saml:Subject>"))
}

/// Of base64 with its line breaks.
const MAX_GIVEN_BYTES: usize = 1024 * 1024;

//! Makes a server's own words safe to show.

use percent_encoding::percent_decode_str;
use url::form_urlencoded::byte_serialize;

/// Returns at most 512 characters of a server's words, without `secrets`, and with control and
/// bidirectional characters shown as `\u{…}`.
pub(crate) fn sanitize(text: &str, secrets: &[&str]) -> String {
    escape(&redact(text, secrets, "[redacted]", &mut 0), MAX_CHARACTERS)
}

/// The same for up to 8 Ki characters that are split afterwards: a part of a secret would not be
/// recognised.
pub(super) fn sanitize_list(text: &str, secrets: &[&str]) -> String {
    let text = redact(text, secrets, "redacted", &mut 0);
    escape(&text, MAX_LIST_CHARACTERS)
}

fn escape(text: &str, max: usize) -> String {
    let mut escaped = String::new();
    for c in text.chars().take(max) {
        if is_invisible(c) {
            escaped.extend(c.escape_unicode());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Replaces each secret by `mark` where it is written plainly or as in a form or in JSON. Replaces the
/// whole text where decoding it still reveals a secret. Adds the bytes that were read to `read`.
fn redact(text: &str, secrets: &[&str], mark: &str, read: &mut usize) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        // A longer secret cannot be in the text, however it is written.
        if !(MIN_SECRET_BYTES..=text.len()).contains(&secret.len()) {
            continue;
        }
        let form: String = byte_serialize(secret.as_bytes()).collect();
        let json = serde_json::Value::from(*secret).to_string();
        let json = json.get(1..json.len() - 1).unwrap_or(secret);
        for spelling in [secret, form.as_str(), json] {
            *read += text.len() + spelling.len();
            text = text.replace(spelling, mark);
        }
        if reveals(&text, secret, read) {
            return HIDDEN_SECRET.to_owned();
        }
    }
    text
}

/// Whether a text that was decoded in some way, or up to [`MAX_ENCODINGS`] times in every way, contains
/// the secret.
fn reveals(text: &str, secret: &str, read: &mut usize) -> bool {
    let mut contains = |decoded: &str, decoded_secret: &str| {
        *read += text.len() + secret.len();
        let decoded = visible(decoded);
        // The text may hold some characters of the secret as they are.
        let secrets = [visible(secret), visible(decoded_secret)];
        let mut secrets = secrets.iter().filter(|one| one.len() >= MIN_SECRET_BYTES);
        secrets.any(|secret| decoded.contains(secret.as_str()))
    };
    for decode in [percent_decoded, unescaped, without_entities] {
        if contains(&decode(text), &decode(secret)) {
            return true;
        }
    }
    let (mut text, mut decoded) = (text.to_owned(), secret.to_owned());
    for _ in 0..MAX_ENCODINGS {
        for decode in [percent_decoded, unescaped, without_entities] {
            (text, decoded) = (decode(&text), decode(&decoded));
            if contains(&text, &decoded) {
                return true;
            }
        }
    }
    false
}

/// Undoes percent-encoding, and `\x41` as well. Makes a JSON escape of `%u0041`.
fn percent_decoded(text: &str) -> String {
    let text = text.replace("\\x", "%").replace("%u", "\\u");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// Undoes the references of HTML, such as `&amp;` and `&#x41;`.
fn without_entities(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split('&');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = part.bytes().take(MAX_ENTITY).position(|byte| byte == b';');
        let reference = end.and_then(|end| Some((part.get(..end)?, part.get(end + 1..)?)));
        let named = reference.and_then(|(name, rest)| Some((character_of(name)?, rest)));
        plain.push(named.map_or('&', |(c, _)| c));
        plain.push_str(named.map_or(part, |(_, rest)| rest));
    }
    plain
}

/// Returns the character that a reference of HTML names.
fn character_of(name: &str) -> Option<char> {
    let code = match name.strip_prefix('#') {
        None => {
            return ENTITIES
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, c)| *c);
        }
        Some(digits) => match digits.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => digits.parse(),
        },
    };
    char::from_u32(code.ok()?)
}

/// Undoes the escapes of JSON, such as `\"` and `\u0041`, and `\u{41}` as well.
fn unescaped(text: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut parts = text.split('\\');
    units.extend(parts.next().unwrap_or_default().encode_utf16());
    while let Some(part) = parts.next() {
        let (code, rest) = match code_of(part) {
            Some((code, rest)) => (code, rest),
            // An escaped backslash: what follows is not escaped.
            None if part.is_empty() => ('\\'.into(), parts.next().unwrap_or_default()),
            None => (0, part),
        };
        match u16::try_from(code) {
            Ok(unit) => units.push(unit),
            Err(_) => units.extend(
                char::from_u32(code)
                    .unwrap_or(' ')
                    .to_string()
                    .encode_utf16(),
            ),
        }
        units.extend(rest.encode_utf16());
    }
    String::from_utf16_lossy(&units)
}

/// Returns the code of an escape without its backslash, and the text after it.
fn code_of(escape: &str) -> Option<(u32, &str)> {
    let digits = escape.strip_prefix('u')?;
    let (digits, rest) = match digits.strip_prefix('{') {
        Some(digits) => digits.split_once('}')?,
        None => digits.split_at_checked(4)?,
    };
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}

/// Leaves out invisible characters. A plus counts as a space, as in forms.
fn visible(text: &str) -> String {
    let text = text.chars().filter(|c| !is_invisible(*c));
    text.map(|c| if c == '+' { ' ' } else { c }).collect()
}

/// Whether a character is a control character (C0, C1), a line or paragraph separator, or changes the
/// direction or the width of text invisibly.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Replaces a text.
const HIDDEN_SECRET: &str = "[a text that repeats a secret of the request]";

const MAX_CHARACTERS: usize = 512;

const MAX_LIST_CHARACTERS: usize = 8 * 1024;

/// How often a text may have been encoded, such as JSON in JSON.
const MAX_ENCODINGS: usize = 3;

/// The longest reference of HTML that is read, with its end.
const MAX_ENTITY: usize = 12;

const ENTITIES: [(&str, char); 5] = [
    ("amp", '&'),
    ("apos", '\''),
    ("gt", '>'),
    ("lt", '<'),
    ("quot", '"'),
];

/// A shorter secret would tear other words apart.
const MIN_SECRET_BYTES: usize = 6;

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    use super::*;

    const SECRET: &str = "s3cret/with+odd \"chars\" %25 é";
    const SHORT: &str = "short";

    fn percent_encoded(text: &str) -> String {
        utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
    }

    fn in_json(text: &str) -> String {
        serde_json::to_string(text).unwrap()
    }

    #[test]
    fn usual_spellings_of_a_secret_are_cut_out() {
        let basic = STANDARD.encode(format!("client:{SECRET}"));
        for echoed in [
            SECRET,
            &basic,
            &percent_encoded(&basic),
            &byte_serialize(SECRET.as_bytes()).collect::<String>(),
            serde_json::to_string(SECRET).unwrap().trim_matches('"'),
        ] {
            let shown = sanitize(&format!("You sent <{echoed}>!"), &[SECRET, &basic]);
            assert_eq!(shown, "You sent <[redacted]>!", "{echoed}");
        }
    }

    #[test]
    fn other_spellings_of_a_secret_hide_the_text() {
        let basic = STANDARD.encode(format!("client:{SECRET}"));
        let emoji = "s3cret\u{1f511}of-keys";
        for echoed in [
            &percent_encoded(&basic).replace("%3D", "%3d"),
            &percent_encoded(SECRET).to_ascii_lowercase(),
            &SECRET.replace('/', "%2f").replace('"', "\\\""),
            &SECRET
                .replace('/', "\\/")
                .replace('"', "\\u0022")
                .replace('é', "\\u00E9"),
            &SECRET.escape_unicode().to_string(),
            &SECRET.as_bytes().escape_ascii().to_string(),
            &emoji.replace('\u{1f511}', "\\ud83d\\udd11"),
            &emoji.escape_unicode().to_string(),
            &SECRET.replace('t', "t\u{200b}").replace('+', "\u{1b}+"),
            &basic.replace('z', "z\r\n"),
            // Encoded several times, and by pages.
            &percent_encoded(&percent_encoded(SECRET)),
            &percent_encoded(&percent_encoded(&percent_encoded(SECRET))),
            &in_json(&in_json(SECRET)),
            &in_json(&percent_encoded(SECRET)).replace('%', "\\u0025"),
            &SECRET.replace('"', "&quot;").replace('/', "&#x2f;"),
            &SECRET.replace('"', "&#34;").replace('é', "&#233;"),
            &in_json(&SECRET.replace('"', "&quot;")),
            &SECRET.replace('"', "%u0022").replace('é', "%u00e9"),
        ] {
            let secrets = [SECRET, &basic, emoji];
            let shown = sanitize(&format!("You sent <{echoed}>!"), &secrets);
            assert_eq!(shown, HIDDEN_SECRET, "{echoed}");
        }
    }

    #[test]
    fn longer_texts_are_cut_at_their_limit() {
        let long = "x".repeat(10_000);
        let count = |text: String| text.chars().filter(|c| *c == 'x').count();
        assert_eq!(count(sanitize(&long, &[])), 512);
        assert_eq!(count(sanitize_list(&long, &[])), 8 * 1024);
    }

    #[test]
    fn secrets_with_escapes_of_their_own_are_found() {
        for secret in ["x%5c\\y-secret", "\\\"\\u0041\\\\\\x", "%25%25%2541+\\n+"] {
            for echoed in [
                secret.to_owned(),
                percent_encoded(secret),
                percent_encoded(secret).to_ascii_lowercase(),
                secret.replace('\\', "\\\\").replace('"', "\\u0022"),
                secret.replace('\\', "%5c"),
            ] {
                let shown = sanitize(&format!("<{echoed}>"), &[secret]);
                let is_hidden = ["<[redacted]>", HIDDEN_SECRET].contains(&shown.as_str());
                assert!(is_hidden, "{secret} {echoed}: {shown}");
            }
        }
    }

    #[test]
    fn other_words_stay() {
        for words in ["s3cret/with", "%", "\\u", "100 % of \\x", "\\", SHORT, ""] {
            assert_eq!(sanitize(words, &[SECRET, SHORT, ""]), words);
        }
        let twice = sanitize(&format!("{SECRET}{SECRET}!"), &[SECRET]);
        assert_eq!(twice, "[redacted][redacted]!");
    }

    #[test]
    fn secret_at_the_cut_leaves_no_part() {
        let shown = sanitize(&format!("{}{SECRET}", "x".repeat(505)), &[SECRET]);
        assert!(!shown.contains("s3c"), "{shown}");
    }

    #[test]
    fn work_is_linear_in_the_text() {
        const SIZE: usize = 8 * 1024;
        let units = r#"\ \\u % %5C %25 \u005c \u{ + a \% %\ %5C\ \u005C%5c \u{5c}\ %255C %2\ \" \x5c \x5c%5C\u005c\ é
            %C3%A9é \ud83d\udd11 \ud83d +%2B & &#x26; &amp;amp; %26#38;\u0026amp; %u005c redacted"#;
        let units = units.split_whitespace().chain(["\u{200b}"]);
        for unit in units {
            let secret = unit.repeat(SIZE / unit.len());
            // All of the secret but its last character, again and again, and the same from its middle.
            let almost = secret.strip_suffix(|_: char| true).unwrap();
            let middle = unit.repeat(SIZE / unit.len() / 2);
            for text in [
                format!("{almost}!"),
                format!("{}!", unit.repeat(SIZE)),
                format!("{middle}!{middle}!{middle}"),
            ] {
                let secrets = [secret.as_str(), almost, &middle];
                let mut read = 0;
                let shown = redact(&text, &secrets, "[redacted]", &mut read);
                let most = secrets.len() * 16 * (text.len() + secret.len());
                assert!(read <= most, "{unit}: {read} bytes read");
                let length = shown.len();
                assert!(length <= 2 * text.len(), "{unit}: {length} bytes");
            }
        }
    }

    #[test]
    fn control_and_bidi_characters_are_escaped() {
        let shown = sanitize("a\u{1b}[31m\u{202e}b\u{2028}\r\n\u{9b}", &[]);
        let escaped = "a\\u{1b}[31m\\u{202e}b\\u{2028}\\u{d}\\u{a}\\u{9b}";
        assert_eq!(shown, escaped);
        assert_eq!(sanitize("Grüße, 日本", &[]), "Grüße, 日本");
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        assert_eq!(sanitize(&"é".repeat(9_000), &[]), "é".repeat(512));
    }
}

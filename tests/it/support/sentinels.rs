//! Secrets that are looked for in everything that is shown, in every form they may take.

use std::fmt::{self, Debug, Write};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// A secret's name and text.
pub type Sentinel = (&'static str, &'static str);

/// How a text may be shown by mistake, each form with its name.
pub fn forms(text: &str) -> Vec<(&'static str, String)> {
    let bytes = text.as_bytes();
    let hex = |digits: fn(&u8) -> String| bytes.iter().map(digits).collect::<String>();
    let inside = |quoted: String| quoted[1..quoted.len() - 1].to_owned();
    let mut forms = vec![
        ("as it is", text.to_owned()),
        ("its core", core_of(text).to_owned()),
        (
            "percent-encoded",
            utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
        ),
        (
            "in a form",
            url::form_urlencoded::byte_serialize(bytes).collect(),
        ),
        ("in hex", hex(|byte| format!("{byte:02x}"))),
        ("in HEX", hex(|byte| format!("{byte:02X}"))),
        ("as a list of bytes", inside(format!("{bytes:?}"))),
        ("in JSON", inside(serde_json::to_string(text).unwrap())),
        ("in Debug", inside(format!("{text:?}"))),
        ("as ASCII", bytes.escape_ascii().to_string()),
    ];
    // The characters at both ends depend on what is beside them.
    for (name, before, from) in [
        ("in base64", "", 0),
        ("in base64 after one byte", "x", 2),
        ("in base64 after two bytes", "xx", 3),
    ] {
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode([before, text].concat());
            forms.push((name, encoded[from..encoded.len() - 1].to_owned()));
        }
    }
    forms
}

/// Which sentinel a text holds, in which form, and where.
pub fn find(text: &str, sentinels: &[Sentinel]) -> Option<String> {
    for (name, sentinel) in sentinels {
        for (form, needle) in forms(sentinel) {
            if let Some(at) = text.find(&needle) {
                let start = text[..at].rfind('\n').map_or(0, |line| line + 1);
                let end = text[at..].find('\n').map_or(text.len(), |line| at + line);
                return Some(format!("{name} {form}: {}", &text[start..end]));
            }
        }
    }
    None
}

/// All that was shown of values and errors.
#[derive(Default)]
pub struct Shown(String);

impl Shown {
    pub fn text(&self) -> &str {
        &self.0
    }

    pub fn debug(&mut self, value: &impl Debug) {
        self.line(format_args!("{value:?}\n{value:#?}"));
    }

    pub fn display(&mut self, value: &impl fmt::Display) {
        self.line(format_args!("{value}\n{value:#}"));
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").unwrap();
    }

    /// An error with all its causes.
    pub fn error(&mut self, error: &genesys_cloud_auth::Error) {
        self.debug(error.kind());
        self.line(format_args!(
            "{:?} {:?}",
            error.correlation_id(),
            error.troubleshooting()
        ));
        let mut next: Option<&dyn std::error::Error> = Some(error);
        while let Some(error) = next {
            self.debug(&error);
            self.display(&error);
            next = error.source();
        }
    }
}

/// The longest run of letters and digits, so that a part of a secret is found too.
fn core_of(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .max_by_key(|run| run.len())
        .unwrap()
}

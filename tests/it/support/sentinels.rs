//! Searches output for secrets, in every form that they may have.

use std::{
    any::type_name,
    collections::BTreeSet,
    fmt::{self, Debug, Display, Write},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use genesys_cloud_auth::{
    Error, ErrorKind,
    error::{ApiError, ConfigurationKind, OAuthError, OAuthErrorKind},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::variant_of;

/// A secret's name and text.
pub type Sentinel = (&'static str, &'static str);

/// The forms in which a text may be shown by mistake, with their names.
pub fn forms(text: &str) -> Vec<(&'static str, String)> {
    let bytes = text.as_bytes();
    let hex = |digits: fn(&u8) -> String| bytes.iter().map(digits).collect::<String>();
    let inside = |quoted: String| quoted[1..quoted.len() - 1].to_owned();
    let mut forms = vec![
        ("as it is", text.to_owned()),
        (CORE, core_of(text).to_owned()),
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
    // The characters at both ends depend on the text around them.
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

/// Returns the first sentinel in a text, with its form and line.
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

/// The output of values and errors, and which types and kinds they had.
#[derive(Default)]
pub struct Shown {
    text: String,
    types: BTreeSet<String>,
    kinds: BTreeSet<String>,
}

impl Shown {
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names of the crate's types that were shown.
    pub fn types(&self) -> &BTreeSet<String> {
        &self.types
    }

    /// The names of the kinds of the errors that were shown.
    pub fn kinds(&self) -> &BTreeSet<String> {
        &self.kinds
    }

    pub fn debug<T: Debug>(&mut self, value: &T) {
        let path = type_name::<T>().split('<').next().unwrap();
        if path.starts_with("genesys_cloud_auth::") {
            let (_, name) = path.rsplit_once("::").unwrap();
            self.types.insert(name.to_owned());
        }
        self.line(format_args!("{value:?}\n{value:#?}"));
    }

    pub fn display(&mut self, value: &impl Display) {
        self.line(format_args!("{value}\n{value:#}"));
    }

    /// Shows an error, its properties and its sources. Returns whether its kind is new.
    pub fn error(&mut self, error: &Error) -> bool {
        self.kind(error.kind());
        self.debug(&error.troubleshooting());
        self.line(format_args!("{:?}", error.correlation_id()));
        self.debug(error);
        let mut next: Option<&dyn std::error::Error> = Some(error);
        while let Some(error) = next {
            self.debug(&error);
            self.display(&error);
            next = error.source();
        }
        self.kinds.insert(variant_of(error.kind()))
    }

    /// Shows the payload of an error's kind.
    fn kind(&mut self, kind: &ErrorKind) {
        self.both(kind);
        match kind {
            ErrorKind::AccessDenied(denied) => {
                self.both(denied);
                self.api(&denied.response);
            }
            ErrorKind::Api(error) => self.api(error),
            ErrorKind::Assertion(error) => self.both(error),
            ErrorKind::Configuration(error) => {
                self.both(error);
                self.nested("Configuration", error.kind());
                if let ConfigurationKind::InvalidRegion(region) = error.kind() {
                    self.both(region);
                }
            }
            ErrorKind::CredentialSource(error) => self.both(error),
            ErrorKind::InvalidClient(invalid) => {
                self.both(invalid);
                self.oauth(&invalid.response);
            }
            ErrorKind::Login(error) => {
                self.both(error);
                self.nested("Login", error.kind());
                if let Some(response) = error.response() {
                    self.oauth(response);
                }
            }
            ErrorKind::OAuth(error) => self.oauth(error),
            ErrorKind::RateLimited(limited) => {
                self.both(limited);
                if let Some(response) = &limited.response {
                    self.api(response);
                }
            }
            ErrorKind::Store(error) => self.both(error),
            ErrorKind::TokenExpired(expired) => self.both(expired),
            ErrorKind::Transport(transport) => {
                self.both(transport);
                self.debug(&transport.kind());
            }
            ErrorKind::UnexpectedResponse(response) => self.both(response),
            _ => {}
        }
    }

    fn oauth(&mut self, error: &OAuthError) {
        self.both(error);
        self.nested("OAuth", &error.kind());
        if let OAuthErrorKind::InvalidGrant(cause) = error.kind() {
            self.debug(&cause);
        }
    }

    fn api(&mut self, error: &ApiError) {
        self.both(error);
        for detail in &error.details {
            self.both(detail);
        }
        if let Some(limit) = &error.limit {
            self.both(limit);
        }
    }

    /// Shows the kind that a payload has of its own.
    fn nested<T: Debug>(&mut self, parent: &str, kind: &T) {
        self.debug(kind);
        self.kinds.insert(format!("{parent} {}", variant_of(kind)));
    }

    fn both<T: Debug + Display>(&mut self, value: &T) {
        self.debug(value);
        self.display(value);
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").unwrap();
    }
}

/// The longest run of letters and digits, so that a part of a secret is found as well.
fn core_of(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .max_by_key(|run| run.len())
        .unwrap()
}

/// The form that is only a part.
pub const CORE: &str = "its core";

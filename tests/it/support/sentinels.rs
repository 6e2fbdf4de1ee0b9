//! Secrets that are looked for in everything that is shown, in every form they may take.

use std::{
    any::type_name,
    collections::BTreeSet,
    fmt::{self, Debug, Display, Write},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use genesys_cloud_auth::{Error, ErrorKind, error::ApiError};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::kind_of;

/// A secret's name and text.
pub type Sentinel = (&'static str, &'static str);

/// How a text may be shown by mistake, each form with its name.
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

/// All that was shown of values and errors, and which of this crate they were.
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

    /// An error with all that can be asked of it, and all its causes. Whether its kind was not
    /// shown before.
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
        let kind = kind_of(error);
        self.kinds
            .insert(kind.split(' ').next().unwrap().to_owned())
    }

    /// What an error's kind holds.
    fn kind(&mut self, kind: &ErrorKind) {
        self.both(kind);
        match kind {
            ErrorKind::AccessDenied(denied) => {
                self.both(denied);
                self.api(denied.answer());
                self.debug(&(denied.permissions(), denied.division()));
            }
            ErrorKind::Api(error)
            | ErrorKind::IpNotAuthorized(error)
            | ErrorKind::UserContextRequired(error) => self.api(error),
            ErrorKind::Configuration(configuration) => self.both(configuration),
            ErrorKind::InvalidClient(refused) => {
                self.both(refused);
                self.both(refused.answer());
            }
            ErrorKind::InvalidPath(path) => self.both(path),
            ErrorKind::InvalidRegion(region) => self.both(region),
            ErrorKind::InvalidAssertion(error) => self.both(error),
            ErrorKind::InvalidCallback(error) => self.both(error),
            ErrorKind::Listener(error) => self.both(error),
            ErrorKind::LoginRefused(error) => self.both(error),
            ErrorKind::LoginRequired(error) => {
                self.both(error);
                error
                    .answer()
                    .into_iter()
                    .for_each(|answer| self.both(answer));
            }
            ErrorKind::NoBrowser(error) => self.both(error),
            ErrorKind::OAuth(error) => self.both(error),
            ErrorKind::InvalidGrant(refused) => {
                self.both(refused);
                self.debug(&refused.cause());
                self.both(refused.answer());
            }
            ErrorKind::UnauthorizedClient(refused) => {
                self.both(refused);
                self.both(refused.answer());
            }
            ErrorKind::RateLimited(limited) => {
                self.both(limited);
                limited
                    .answer()
                    .into_iter()
                    .for_each(|answer| self.api(answer));
            }
            ErrorKind::Store(error) => self.both(error),
            ErrorKind::Secret(error) => self.both(error),
            ErrorKind::TokenExpired(expired) => self.both(expired),
            ErrorKind::Transport(transport) => {
                self.both(transport);
                self.debug(&transport.kind());
            }
            ErrorKind::UnexpectedResponse(answer) => self.both(answer),
            _ => {}
        }
    }

    fn api(&mut self, error: &ApiError) {
        self.both(error);
        for detail in error.details() {
            self.both(detail);
        }
        if let Some(limit) = error.limit() {
            self.both(limit);
        }
    }

    fn both<T: Debug + Display>(&mut self, value: &T) {
        self.debug(value);
        self.display(value);
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").unwrap();
    }
}

/// The longest run of letters and digits, so that a part of a secret is found too.
fn core_of(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .max_by_key(|run| run.len())
        .unwrap()
}

/// The form that is a part only.
pub const CORE: &str = "its core";

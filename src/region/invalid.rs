//! Why a text is not a region.

use std::fmt;

/// A region's name or a custom URL is invalid. The text names the cause and the nearest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRegion(Reason);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    Name {
        given: Option<String>,
        nearest: Vec<String>,
    },
    /// What is around the name or in it.
    Surrounded(&'static str),
    CustomText,
    Url {
        host: &'static str,
        why: &'static str,
    },
}

impl InvalidRegion {
    /// Keeps the name only if [`is_harmless`], because it may be a misplaced secret.
    pub(super) fn from_name(name: &str, nearest: Vec<String>) -> Self {
        let given = is_harmless(name).then(|| name.to_owned());
        Self(Reason::Name { given, nearest })
    }

    pub(super) fn surrounded(fault: &'static str) -> Self {
        Self(Reason::Surrounded(fault))
    }

    pub(super) fn custom_text() -> Self {
        Self(Reason::CustomText)
    }

    pub(super) fn from_url(host: &'static str, why: &'static str) -> Self {
        Self(Reason::Url { host, why })
    }
}

/// Whether a name looks like a region's name.
pub(super) fn is_harmless(name: &str) -> bool {
    let is_usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.len() <= 32 && name.chars().all(is_usual)
}

impl fmt::Display for InvalidRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reason::Url { host, why } => write!(
                f,
                "the {host} URL of a custom region {why}; accepted are https, and http on localhost, \
                 127.0.0.0/8 and [::1], with an optional port and path"
            ),
            Reason::CustomText => f.write_str(
                "a custom region is written as `login=URL api=URL`, optionally followed by ` apps=URL`",
            ),
            Reason::Surrounded(fault) => write!(f, "the region {fault}; {ACCEPTED}"),
            Reason::Name { given, nearest } => {
                match given.as_deref() {
                    None => f.write_str("this is not a Genesys Cloud region")?,
                    Some("") => f.write_str("the region is empty")?,
                    Some(given) => write!(f, "\"{given}\" is not a Genesys Cloud region")?,
                }
                if !nearest.is_empty() {
                    write!(f, "; the nearest are {}", nearest.join(", "))?;
                }
                write!(f, "; {ACCEPTED}")
            }
        }
    }
}

impl std::error::Error for InvalidRegion {}

const ACCEPTED: &str = "write an AWS name such as eu-west-1, a domain such as mypurecloud.ie, or a URL \
     as a browser shows it, such as https://apps.mypurecloud.ie/";

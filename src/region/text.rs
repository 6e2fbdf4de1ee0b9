//! A region as text: what users write, and how a region is serialized.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::Url;

use super::{
    Region,
    invalid::{InvalidRegion, is_harmless},
};
use crate::outside_text::clean;

impl FromStr for Region {
    type Err = InvalidRegion;

    fn from_str(text: &str) -> Result<Self, InvalidRegion> {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if text.starts_with(LOGIN) || text.starts_with(API) || text.starts_with(APPS) {
            return from_urls(text);
        }
        let text = clean(text).map_err(InvalidRegion::surrounded)?;
        let name = text.to_ascii_lowercase().replace('_', "-");
        let joined = name.replace(['-', ' '], "");
        let named = |region: &Self| {
            let aws_name = region.aws_name().map(|name| name.replace('-', ""));
            aws_name.as_ref() == Some(&joined) || region.short_name().as_ref() == Some(&name)
        };
        if let Some(region) = Self::ALL.into_iter().find(named) {
            return Ok(region);
        }
        let host = host_of(text);
        let domain = host.as_deref().map(|host| {
            let mut labels = ["login.", "api.", "apps."].iter();
            labels
                .find_map(|label| host.strip_prefix(label))
                .unwrap_or(host)
        });
        let mut regions = Self::ALL.into_iter();
        if let Some(region) = regions.find(|region| region.domain() == domain) {
            return Ok(region);
        }
        Err(match (host.as_deref(), domain) {
            (Some(host), Some(domain)) if text.contains("://") => {
                InvalidRegion::from_name(host, nearest(domain))
            }
            (Some(_), Some(domain)) if domain.contains('.') => {
                InvalidRegion::from_name(text, nearest(domain))
            }
            _ => InvalidRegion::from_name(text, nearest(&name)),
        })
    }
}

impl Region {
    /// Returns the first label of the region's newer domains, such as `euw2`: the AWS name with the
    /// initials of its direction.
    pub(super) fn short_name(&self) -> Option<String> {
        if *self == Self::EuscDeEast1 {
            return Some("edee1".into());
        }
        let mut parts = self.aws_name()?.split('-');
        let (area, direction, number) = (parts.next()?, parts.next()?, parts.next()?);
        let direction = match direction {
            "southeast" => "se",
            "northeast" => "ne",
            other => other.get(..1)?,
        };
        Some(format!("{area}{direction}{number}"))
    }
}

/// Returns the host of a URL that may lack its scheme, in lower case and without a dot at its end. A
/// user, and a port other than the default, make it another place.
fn host_of(text: &str) -> Option<String> {
    // URL parsers drop or replace these, so that the host would be another one.
    if !text.is_ascii() || text.contains(|c: char| c.is_ascii_control() || " \\".contains(c)) {
        return None;
    }
    let url = match text.split_once("://") {
        Some(_) => Url::parse(text),
        None => Url::parse(&format!("https://{text}")),
    };
    let url = url.ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    let host = url
        .host_str()
        .filter(|_| is_plain && ["https", "http"].contains(&url.scheme()))?;
    Some(host.strip_suffix('.').unwrap_or(host).to_owned())
}

/// Parses what [`Serialize`] writes for custom hosts.
fn from_urls(text: &str) -> Result<Region, InvalidRegion> {
    let (mut login, mut api, mut apps) = (None, None, None);
    for part in text.split_whitespace() {
        let (url, value) = if let Some(url) = part.strip_prefix(LOGIN) {
            (url, &mut login)
        } else if let Some(url) = part.strip_prefix(API) {
            (url, &mut api)
        } else if let Some(url) = part.strip_prefix(APPS) {
            (url, &mut apps)
        } else {
            return Err(InvalidRegion::custom_text());
        };
        if value.replace(url).is_some() {
            return Err(InvalidRegion::custom_text());
        }
    }
    let (login, api) = login.zip(api).ok_or_else(InvalidRegion::custom_text)?;
    let region = Region::custom(login, api)?;
    apps.map_or(Ok(region.clone()), |apps| region.with_apps(apps))
}

/// Returns the names that are nearest to a wrong one.
fn nearest(name: &str) -> Vec<String> {
    if name.is_empty() || !is_harmless(name) {
        return Vec::new();
    }
    let names = Region::ALL.iter().flat_map(|region| {
        let names = [region.aws_name().map(str::to_owned), region.short_name()];
        names
            .into_iter()
            .chain([region.domain().map(str::to_owned)])
            .flatten()
    });
    let mut near: Vec<_> = names.map(|other| (distance(name, &other), other)).collect();
    near.sort();
    let limit = near.first().map_or(0, |(best, _)| *best);
    let is_near = |(distance, _): &(usize, String)| *distance == limit && limit <= name.len() / 4;
    let near = near.into_iter().filter(is_near).take(MAX_NEAREST);
    near.map(|(_, name)| name).collect()
}

/// Returns how many letters must be put in, left out or replaced (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, letter) in one.bytes().enumerate() {
        let mut diagonal = number;
        let mut left = number + 1;
        for (above, other) in row.iter_mut().skip(1).zip(other.bytes()) {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = *above;
            *above = replaced.min(left + 1).min(diagonal + 1);
            left = *above;
        }
    }
    row.last().copied().unwrap_or_default()
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(domain) = self.domain() {
            return serializer.serialize_str(domain);
        }
        let (login, apps) = (self.login_url(), self.apps_url());
        let mut text = format!("{LOGIN}{login} {API}{}", self.api_url());
        if apps != login {
            text = format!("{text} {APPS}{apps}");
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

const LOGIN: &str = "login=";
const API: &str = "api=";
const APPS: &str = "apps=";
const MAX_NEAREST: usize = 4;

//! Regions of Genesys Cloud, and their URLs.

mod invalid;
mod text;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, LazyLock},
};

use url::{Host, Url};

pub use invalid::InvalidRegion;

use crate::outside_text::clean;

/// A Genesys Cloud region, or [custom](Region::custom) hosts in its place.
///
/// A region can be parsed, and deserialized, from each of these texts, in any case:
///
/// | text | example |
/// |---|---|
/// | its AWS name | `eu-west-1`, `eu_west_1` |
/// | its short name | `euw1` |
/// | its domain | `mypurecloud.ie` |
/// | the host of its login, API or apps pages | `api.mypurecloud.ie` |
/// | any URL there, as a browser shows it | `https://apps.mypurecloud.ie/directory` |
/// | custom hosts | `login=http://localhost:9000/login api=http://localhost:9000/api` |
///
/// It is serialized as its domain, and custom hosts as in the last row, with `apps=` where that URL is
/// another one than the login URL.
///
/// ```
/// use genesys_cloud_auth::Region;
///
/// let region: Region = "eu-west-1".parse()?;
/// assert_eq!(region, Region::EuWest1);
/// assert_eq!(region, "https://apps.mypurecloud.ie/directory".parse()?);
/// assert_eq!(region.api_url().as_str(), "https://api.mypurecloud.ie/");
/// # Ok::<_, genesys_cloud_auth::error::InvalidRegion>(())
/// ```
///
/// Source: the regions of Genesys Cloud's own SDKs.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Region {
    /// `us-east-1`: `mypurecloud.com`
    UsEast1,
    /// `us-east-2`, `FedRAMP`: `use2.us-gov-pure.cloud`
    UsEast2,
    /// `us-west-2`: `usw2.pure.cloud`
    UsWest2,
    /// `ca-central-1`: `cac1.pure.cloud`
    CaCentral1,
    /// `mx-central-1`: `mxc1.pure.cloud`
    MxCentral1,
    /// `sa-east-1`: `sae1.pure.cloud`
    SaEast1,
    /// `eu-west-1`: `mypurecloud.ie`
    EuWest1,
    /// `eu-west-2`: `euw2.pure.cloud`
    EuWest2,
    /// `eu-central-1`: `mypurecloud.de`
    EuCentral1,
    /// `eu-central-2`: `euc2.pure.cloud`
    EuCentral2,
    /// `eusc-de-east-1`, AWS European Sovereign Cloud: `edee1.eusc-pure.cloud`
    EuscDeEast1,
    /// `me-central-1`: `mec1.pure.cloud`
    MeCentral1,
    /// `ap-south-1`: `aps1.pure.cloud`
    ApSouth1,
    /// `ap-southeast-1`: `apse1.pure.cloud`
    ApSoutheast1,
    /// `ap-southeast-2`: `mypurecloud.com.au`
    ApSoutheast2,
    /// `ap-northeast-1`: `mypurecloud.jp`
    ApNortheast1,
    /// `ap-northeast-2`: `apne2.pure.cloud`
    ApNortheast2,
    /// `ap-northeast-3`: `apne3.pure.cloud`
    ApNortheast3,
    /// Custom hosts, made by [`Region::custom`].
    Custom(CustomRegion),
}

/// The hosts of a [`Region::custom`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CustomRegion(Arc<Urls>);

impl Region {
    /// All regions of Genesys Cloud.
    pub const ALL: [Self; 18] = [
        Self::UsEast1,
        Self::UsEast2,
        Self::UsWest2,
        Self::CaCentral1,
        Self::MxCentral1,
        Self::SaEast1,
        Self::EuWest1,
        Self::EuWest2,
        Self::EuCentral1,
        Self::EuCentral2,
        Self::EuscDeEast1,
        Self::MeCentral1,
        Self::ApSouth1,
        Self::ApSoutheast1,
        Self::ApSoutheast2,
        Self::ApNortheast1,
        Self::ApNortheast2,
        Self::ApNortheast3,
    ];

    /// Creates a region of other hosts, such as a gateway before Genesys Cloud or a test server.
    ///
    /// A URL may have a path, which comes before the path of each request: with
    /// `http://localhost:9000/login`, tokens are requested at
    /// `http://localhost:9000/login/oauth/token`. The apps URL is the login URL, unless
    /// [`with_apps`](Self::with_apps) sets another.
    ///
    /// # Errors
    /// A URL is neither `https` nor `http` on a loopback host (`localhost`, `127.0.0.0/8`,
    /// `[::1]`), or contains a user, a query or a fragment.
    ///
    /// ```
    /// # use genesys_cloud_auth::Region;
    /// let region = Region::custom("http://localhost:9000/login", "http://localhost:9000/api")?;
    /// assert!(Region::custom("http://example.com", "http://example.com").is_err());
    /// # Ok::<_, genesys_cloud_auth::Error>(())
    /// ```
    pub fn custom(login: &str, api: &str) -> Result<Self, InvalidRegion> {
        let login = parse_custom_url("login", login)?;
        Ok(Self::from_urls(Urls {
            api: parse_custom_url("API", api)?,
            apps: login.clone(),
            login,
        }))
    }

    /// Returns the region with another URL for the host of the applications.
    ///
    /// # Errors
    /// Those of [`custom`](Self::custom).
    pub fn with_apps(&self, apps: &str) -> Result<Self, InvalidRegion> {
        Ok(Self::from_urls(Urls {
            login: self.login_url().clone(),
            api: self.api_url().clone(),
            apps: parse_custom_url("apps", apps)?,
        }))
    }

    fn from_urls(urls: Urls) -> Self {
        Self::Custom(CustomRegion(Arc::new(urls)))
    }

    /// Returns the URL of the login host, where tokens are requested.
    #[must_use]
    pub fn login_url(&self) -> &Url {
        &self.urls().login
    }

    /// Returns the URL of the Platform API's host.
    #[must_use]
    pub fn api_url(&self) -> &Url {
        &self.urls().api
    }

    /// Returns the URL of the host of the applications that people use.
    #[must_use]
    pub fn apps_url(&self) -> &Url {
        &self.urls().apps
    }

    /// Returns the region's name at AWS, such as `eu-west-1`; `None` for custom hosts.
    #[must_use]
    pub fn aws_name(&self) -> Option<&'static str> {
        self.names().map(|(aws_name, _)| aws_name)
    }

    /// Returns the region's domain, such as `mypurecloud.ie`; `None` for custom hosts.
    #[must_use]
    pub fn domain(&self) -> Option<&'static str> {
        self.names().map(|(_, domain)| domain)
    }

    fn names(&self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::UsEast1 => ("us-east-1", "mypurecloud.com"),
            Self::UsEast2 => ("us-east-2", "use2.us-gov-pure.cloud"),
            Self::UsWest2 => ("us-west-2", "usw2.pure.cloud"),
            Self::CaCentral1 => ("ca-central-1", "cac1.pure.cloud"),
            Self::MxCentral1 => ("mx-central-1", "mxc1.pure.cloud"),
            Self::SaEast1 => ("sa-east-1", "sae1.pure.cloud"),
            Self::EuWest1 => ("eu-west-1", "mypurecloud.ie"),
            Self::EuWest2 => ("eu-west-2", "euw2.pure.cloud"),
            Self::EuCentral1 => ("eu-central-1", "mypurecloud.de"),
            Self::EuCentral2 => ("eu-central-2", "euc2.pure.cloud"),
            Self::EuscDeEast1 => ("eusc-de-east-1", "edee1.eusc-pure.cloud"),
            Self::MeCentral1 => ("me-central-1", "mec1.pure.cloud"),
            Self::ApSouth1 => ("ap-south-1", "aps1.pure.cloud"),
            Self::ApSoutheast1 => ("ap-southeast-1", "apse1.pure.cloud"),
            Self::ApSoutheast2 => ("ap-southeast-2", "mypurecloud.com.au"),
            Self::ApNortheast1 => ("ap-northeast-1", "mypurecloud.jp"),
            Self::ApNortheast2 => ("ap-northeast-2", "apne2.pure.cloud"),
            Self::ApNortheast3 => ("ap-northeast-3", "apne3.pure.cloud"),
            Self::Custom(_) => return None,
        })
    }

    #[allow(
        clippy::indexing_slicing,
        reason = "all regions but custom ones are in the map"
    )]
    fn urls(&self) -> &Urls {
        static URLS: LazyLock<HashMap<&'static str, Urls>> = LazyLock::new(|| {
            let domains = Region::ALL.iter().filter_map(Region::domain);
            domains
                .map(|domain| (domain, Urls::from_domain(domain)))
                .collect()
        });
        match (self, self.domain()) {
            (Self::Custom(CustomRegion(urls)), _) => urls,
            (_, domain) => &URLS[domain.unwrap_or_default()],
        }
    }
}

/// Shows the domain, or the API's URL for custom hosts.
impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.domain().unwrap_or(self.api_url().as_str()))
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({self})")
    }
}

/// Whether a URL's host, as parsed, is a loopback host: `localhost`, `127.0.0.0/8` or `[::1]`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Returns `base` with `path`, which starts with a slash, after its own path.
pub(crate) fn url_under(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    match base.path().trim_end_matches('/') {
        "" => url.set_path(path),
        prefix => url.set_path(&format!("{prefix}{path}")),
    }
    url
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Urls {
    login: Url,
    api: Url,
    apps: Url,
}

impl Urls {
    #[allow(
        clippy::expect_used,
        reason = "the domains are constants, and a test parses each"
    )]
    fn from_domain(domain: &str) -> Self {
        let at = |label| {
            Url::parse(&format!("https://{label}.{domain}/")).expect("a domain makes a URL")
        };
        Self {
            login: at("login"),
            api: at("api"),
            apps: at("apps"),
        }
    }
}

fn parse_custom_url(host: &'static str, text: &str) -> Result<Url, InvalidRegion> {
    let invalid = |why| Err(InvalidRegion::from_url(host, why));
    let text = clean(text).map_err(|fault| InvalidRegion::from_url(host, fault))?;
    // URL parsers drop or replace these, so that the result would be another URL.
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return invalid("contains a space, a control character or a backslash");
    }
    let Ok(url) = Url::parse(text) else {
        return invalid("is not a URL");
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return invalid("is http and not on this machine"),
        _ => return invalid("is neither https nor http"),
    }
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return invalid("contains a user");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return invalid("contains a query or a fragment");
    }
    Ok(url)
}

#[cfg(test)]
mod tests;

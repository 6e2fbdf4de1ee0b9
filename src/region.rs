//! Where an organisation lives: its login, API and apps hosts.

use std::{
    collections::HashMap,
    fmt,
    str::FromStr,
    sync::{Arc, LazyLock},
};

use url::{Host, Url};

/// A Genesys Cloud region, or [custom](Region::custom) hosts that stand in for one.
///
/// Parses an AWS region name (`eu-west-1`, `eu_west_1`, any case), a domain (`mypurecloud.ie`), or
/// the host or URL of its login, API or apps page (`https://login.mypurecloud.ie`). Nothing else,
/// and never by suffix.
///
/// ```
/// use genesys_cloud_auth::Region;
///
/// let region: Region = "eu-west-1".parse()?;
/// assert_eq!(region, Region::EuWest1);
/// assert_eq!(region.api_url().as_str(), "https://api.mypurecloud.ie/");
/// # Ok::<_, genesys_cloud_auth::error::InvalidRegion>(())
/// ```
///
/// Source: Genesys Cloud's own SDKs, which know these 18 regions.
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
    /// Other hosts, made by [`Region::custom`].
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

    /// Hosts of your own: a gateway before Genesys Cloud, or a test server.
    ///
    /// Each URL may have a path, which is put before the whole path of a request:
    /// `http://localhost:9000/login` asks for tokens at `http://localhost:9000/login/oauth/token`.
    /// Without `apps` the login URL stands in.
    ///
    /// # Errors
    /// A URL that is not `https`, or `http` on a loopback host (`localhost`, `127.0.0.0/8`,
    /// `[::1]`), or that holds a user, a query or a fragment.
    ///
    /// ```
    /// # use genesys_cloud_auth::Region;
    /// let region = Region::custom("http://localhost:9000/login", "http://localhost:9000/api", None)?;
    /// assert!(Region::custom("http://example.com", "http://example.com", None).is_err());
    /// # Ok::<_, genesys_cloud_auth::error::InvalidRegion>(())
    /// ```
    pub fn custom(login: &str, api: &str, apps: Option<&str>) -> Result<Self, InvalidRegion> {
        let login = custom_url(login).map_err(|why| InvalidRegion::url("login", why))?;
        let api = custom_url(api).map_err(|why| InvalidRegion::url("API", why))?;
        let apps = match apps {
            Some(apps) => custom_url(apps).map_err(|why| InvalidRegion::url("apps", why))?,
            None => login.clone(),
        };
        Ok(Self::Custom(CustomRegion(Arc::new(Urls {
            login,
            api,
            apps,
        }))))
    }

    /// The login host: tokens are asked for here.
    #[must_use]
    pub fn login_url(&self) -> &Url {
        &self.urls().login
    }

    /// The host of the Platform API.
    #[must_use]
    pub fn api_url(&self) -> &Url {
        &self.urls().api
    }

    /// The host of the applications people use.
    #[must_use]
    pub fn apps_url(&self) -> &Url {
        &self.urls().apps
    }

    /// The name AWS gives the region, as `eu-west-1`; none for custom hosts.
    #[must_use]
    pub fn aws_name(&self) -> Option<&'static str> {
        self.names().map(|(aws_name, _)| aws_name)
    }

    /// The region's domain, as `mypurecloud.ie`; none for custom hosts.
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
        reason = "every region but a custom one is there"
    )]
    fn urls(&self) -> &Urls {
        static URLS: LazyLock<HashMap<&'static str, Urls>> = LazyLock::new(|| {
            let domains = Region::ALL.iter().filter_map(Region::domain);
            domains.map(|domain| (domain, Urls::of(domain))).collect()
        });
        match (self, self.domain()) {
            (Self::Custom(CustomRegion(urls)), _) => urls,
            (_, domain) => &URLS[domain.unwrap_or_default()],
        }
    }
}

/// The domain, or the API's URL of custom hosts.
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

impl FromStr for Region {
    type Err = InvalidRegion;

    fn from_str(text: &str) -> Result<Self, InvalidRegion> {
        let wanted = text.trim().to_ascii_lowercase();
        let aws_name = wanted.replace('_', "-");
        let host = wanted.strip_prefix("https://").unwrap_or(&wanted);
        let host = host.strip_suffix('/').unwrap_or(host);
        let domain = ["login.", "api.", "apps."]
            .iter()
            .find_map(|label| host.strip_prefix(label))
            .unwrap_or(host);
        Self::ALL
            .into_iter()
            .find(|region| region.aws_name() == Some(&aws_name) || region.domain() == Some(domain))
            .ok_or_else(|| InvalidRegion::name(text.trim()))
    }
}

/// What is wrong with a region's name or with custom hosts. Its text lists what is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRegion(Reason);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    Name(Option<String>),
    Url { of: &'static str, why: &'static str },
}

impl InvalidRegion {
    /// Only what looks like a region is shown again: somebody may have put a secret there.
    fn name(given: &str) -> Self {
        let harmless = given.len() <= 32
            && given
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        Self(Reason::Name(harmless.then(|| given.to_owned())))
    }

    fn url(of: &'static str, why: &'static str) -> Self {
        Self(Reason::Url { of, why })
    }
}

impl fmt::Display for InvalidRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reason::Url { of, why } => {
                return write!(
                    f,
                    "the {of} URL of a custom region {why}; accepted are https, and http on localhost, \
                     127.0.0.0/8 and [::1], with an optional port and path"
                );
            }
            Reason::Name(Some(given)) => {
                write!(f, "\"{given}\" is not a Genesys Cloud region")?;
            }
            Reason::Name(None) => f.write_str("this is not a Genesys Cloud region")?,
        }
        f.write_str("; accepted are an AWS name, a domain, or a login, api or apps URL, of:")?;
        for region in &Region::ALL {
            let (aws_name, domain) = region.names().unwrap_or_default();
            write!(f, " {aws_name} ({domain})")?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidRegion {}

/// Whether a URL's host, as parsed, is this machine: `localhost`, `127.0.0.0/8` or `[::1]`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// `path`, which starts with a slash, put behind whatever path `base` has.
pub(crate) fn url_under(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
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
    fn of(domain: &str) -> Self {
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

fn custom_url(text: &str) -> Result<Url, &'static str> {
    // The parser drops or mends these, and the URL would not be the one that was read.
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err("holds a space, a control character or a backslash");
    }
    let url = Url::parse(text).map_err(|_| "is no URL")?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err("is http and not on this machine"),
        _ => return Err("is neither https nor http"),
    }
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return Err("holds a user");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("holds a query or a fragment");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_parses_from_each_of_its_names() {
        for region in Region::ALL {
            let (aws_name, domain) = region.names().unwrap();
            for text in [
                aws_name.to_owned(),
                aws_name.replace('-', "_"),
                aws_name.to_uppercase(),
                domain.to_owned(),
                format!(" {domain}\n"),
                format!("login.{domain}"),
                format!("https://login.{domain}"),
                format!("https://api.{domain}/"),
                format!("HTTPS://APPS.{domain}"),
            ] {
                assert_eq!(text.parse(), Ok(region.clone()), "{text}");
            }
            assert_eq!(
                region.login_url().as_str(),
                format!("https://login.{domain}/")
            );
            assert_eq!(region.api_url().as_str(), format!("https://api.{domain}/"));
            assert_eq!(
                region.apps_url().as_str(),
                format!("https://apps.{domain}/")
            );
            assert_eq!(region.to_string(), domain);
        }
    }

    #[test]
    fn nothing_parses_by_suffix_or_prefix() {
        for text in [
            "",
            "eu-west-9",
            "mypurecloud.de.evil.example",
            "evil.example/mypurecloud.de",
            "https://mypurecloud.de@evil.example",
            "https://api.mypurecloud.de@evil.example/",
            "evilmypurecloud.de",
            "evil.mypurecloud.de",
            "api.api.mypurecloud.de",
            "http://api.mypurecloud.de",
            "https://api.mypurecloud.de:444",
            "https://api.mypurecloud.de/path",
            "https://api.mypurecloud.de//",
            "mypurecloud.de.",
            "mypurecloud.d\u{0435}",
        ] {
            assert!(text.parse::<Region>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_error_lists_what_is_accepted_and_repeats_no_secret() {
        let text = "eu-west-9".parse::<Region>().unwrap_err().to_string();
        assert!(
            text.starts_with("\"eu-west-9\" is not a Genesys Cloud region"),
            "{text}"
        );
        for region in Region::ALL {
            let (aws_name, domain) = region.names().unwrap();
            assert!(
                text.contains(&format!("{aws_name} ({domain})")),
                "{aws_name}"
            );
        }
        let secret = "yuVl0NWbQ2Ws4RsM1zFhYlBcS5ZkPQfUiYwW9DkKzA0";
        assert!(
            !secret
                .parse::<Region>()
                .unwrap_err()
                .to_string()
                .contains(secret)
        );
        let error = Region::custom(&format!("https://u:{secret}@gw.example"), "https://b", None);
        assert!(!error.unwrap_err().to_string().contains(secret));
    }

    #[test]
    fn custom_hosts_are_https_or_loopback() {
        for good in [
            "https://gateway.example/genesys/login",
            "https://gateway.example:8443",
            "http://localhost:9000/login",
            "http://LOCALHOST",
            "http://127.0.0.1:1",
            "http://127.255.0.9",
            "http://[::1]:8080/",
        ] {
            assert!(Region::custom(good, good, Some(good)).is_ok(), "{good}");
        }
        for bad in [
            "",
            "gateway.example",
            "http://gateway.example",
            "http://localhost.",
            "http://localhost.evil.example",
            "http://0.0.0.0",
            "http://[::]",
            "http://[::ffff:127.0.0.1]",
            "http://10.0.0.1",
            "ftp://localhost",
            "file:///etc/passwd",
            "https://user@gateway.example",
            "https://:secret@gateway.example",
            "https://@gateway.example",
            "https://gateway.example?x=1",
            "https://gateway.example#x",
            "https://gateway.example\\@evil.example",
            "https://gate\tway.example",
            " https://gateway.example",
        ] {
            assert!(Region::custom(bad, "https://b", None).is_err(), "{bad:?}");
            assert!(Region::custom("https://a", bad, None).is_err(), "{bad:?}");
            assert!(
                Region::custom("https://a", "https://b", Some(bad)).is_err(),
                "{bad:?}"
            );
        }
    }
}

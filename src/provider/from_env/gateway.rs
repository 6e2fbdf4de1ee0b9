//! The variables of a gateway.

use super::variable::word;
use crate::{
    error::Error,
    provider::gateway::{Gateway, Origin, OriginNames},
    region::Region,
};

/// Returns the region whose hosts are the gateway, or `region` where no gateway is set.
pub(super) fn region(region: Option<Region>) -> Result<Option<Region>, Error> {
    let Some(host) = word(HOST)? else {
        for name in [PORT, PROTOCOL, PATH_NAME, PATH_VALUE] {
            if word(name)?.is_some() {
                let what = format!("{name} is set and {HOST} is not; set the gateway's host, too");
                return Err(Error::configuration(what));
            }
        }
        return Ok(region);
    };
    let (port, protocol) = (word(PORT)?, word(PROTOCOL)?);
    let (name, path) = (word(PATH_NAME)?, word(PATH_VALUE)?);
    let [login_path, api_path] = paths(name.as_deref(), path.as_deref())?;
    let origin = Origin {
        host: &host,
        port: port.as_deref(),
        protocol: protocol.as_deref(),
        names: &NAMES,
    };
    let gateway = Gateway {
        origin,
        login_path,
        api_path,
    };
    gateway.region(PATH_VALUE, region.as_ref()).map(Some)
}

/// Returns the path before those of the login host and of the API, one of which may be set.
fn paths<'a>(name: Option<&str>, value: Option<&'a str>) -> Result<[Option<&'a str>; 2], Error> {
    match (name.map(str::to_ascii_lowercase).as_deref(), value) {
        (None, None) => Ok([None, None]),
        (Some(_), None) => invalid(
            PATH_VALUE,
            "is not set and GENESYSCLOUD_GATEWAY_PATH_NAME is",
        ),
        (None, Some(_)) => invalid(
            PATH_NAME,
            "is not set and GENESYSCLOUD_GATEWAY_PATH_VALUE is",
        ),
        (Some("login"), path) => Ok([path, None]),
        (Some("api"), path) => Ok([None, path]),
        _ => invalid(PATH_NAME, "is neither login nor api"),
    }
}

fn invalid<T>(name: &str, what: &str) -> Result<T, Error> {
    Err(Error::configuration(format!("{name} {what}")))
}

const HOST: &str = "GENESYSCLOUD_GATEWAY_HOST";
const PORT: &str = "GENESYSCLOUD_GATEWAY_PORT";
const PROTOCOL: &str = "GENESYSCLOUD_GATEWAY_PROTOCOL";
const PATH_NAME: &str = "GENESYSCLOUD_GATEWAY_PATH_NAME";
const PATH_VALUE: &str = "GENESYSCLOUD_GATEWAY_PATH_VALUE";

const NAMES: OriginNames = OriginNames {
    host: HOST,
    port: PORT,
    protocol: PROTOCOL,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_belongs_to_one_of_the_hosts() {
        assert_eq!(paths(None, None).unwrap(), [None, None]);
        assert_eq!(paths(Some("login"), Some("x")).unwrap(), [Some("x"), None]);
        assert_eq!(paths(Some("API"), Some("x")).unwrap(), [None, Some("x")]);
        for (name, value, variable) in [
            (None, Some("x"), PATH_NAME),
            (Some("login"), None, PATH_VALUE),
            (Some("apps"), Some("x"), PATH_NAME),
        ] {
            let error = paths(name, value).unwrap_err().to_string();
            assert!(error.starts_with(variable), "{name:?} {value:?}: {error}");
        }
    }
}

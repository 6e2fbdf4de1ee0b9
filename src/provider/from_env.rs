//! A provider from what the environment says.

use super::TokenProvider;
use crate::{
    environment::{has_variable, variable},
    error::Error,
    grant::{ClientCredentials, FixedToken, Grant},
    region::Region,
    secret::ClientSecret,
};

impl TokenProvider {
    /// A provider from the variables that Genesys Cloud's own command line and Terraform provider
    /// know:
    ///
    /// | variable | holds |
    /// |---|---|
    /// | `GENESYSCLOUD_REGION` | the region, in any form that [`Region`] parses |
    /// | `GENESYSCLOUD_OAUTHCLIENT_ID` | the client's id |
    /// | `GENESYSCLOUD_OAUTHCLIENT_SECRET` | its secret, read anew each time it is needed |
    /// | `GENESYSCLOUD_ACCESS_TOKEN` | an access token, used instead of a client |
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) tells what is missing or
    /// malformed, [`ErrorKind::InvalidRegion`](crate::ErrorKind::InvalidRegion) which regions there
    /// are. A client id without a secret is
    /// [`Troubleshooting::SecretNotVisible`](crate::error::Troubleshooting::SecretNotVisible).
    pub fn from_env() -> Result<Self, Error> {
        let region: Region = variable(REGION)
            .ok_or_else(|| {
                Error::configuration("GENESYSCLOUD_REGION is not set; a region is, say, eu-west-1")
            })?
            .parse()?;
        Self::new(region, grant()?)
    }
}

fn grant() -> Result<Grant, Error> {
    if let Some(token) = variable(ACCESS_TOKEN) {
        return Ok(FixedToken::new(token)?.into());
    }
    let id = variable(CLIENT_ID).ok_or_else(|| {
        Error::configuration(
            "neither GENESYSCLOUD_OAUTHCLIENT_ID nor GENESYSCLOUD_ACCESS_TOKEN is set",
        )
    })?;
    if !has_variable(CLIENT_SECRET) {
        return Err(Error::secret_missing(
            "GENESYSCLOUD_OAUTHCLIENT_ID is set and GENESYSCLOUD_OAUTHCLIENT_SECRET is not; a secret \
             is shown only when it is generated, so generate a new one if it is lost (Admin → \
             Integrations → OAuth)",
        ));
    }
    Ok(ClientCredentials::new(id, ClientSecret::from_env(CLIENT_SECRET))?.into())
}

const REGION: &str = "GENESYSCLOUD_REGION";
const CLIENT_ID: &str = "GENESYSCLOUD_OAUTHCLIENT_ID";
const CLIENT_SECRET: &str = "GENESYSCLOUD_OAUTHCLIENT_SECRET";
const ACCESS_TOKEN: &str = "GENESYSCLOUD_ACCESS_TOKEN";

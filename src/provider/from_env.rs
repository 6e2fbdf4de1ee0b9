//! A provider with the settings of environment variables.

mod gateway;
mod variable;

use self::variable::{variable, word};
use super::{TokenProvider, TokenProviderBuilder};
use crate::{
    error::Error,
    grant::{ClientCredentials, FixedToken, Grant, IntoGrant},
    region::Region,
    secret::ClientSecret,
};

impl TokenProvider {
    /// Makes a provider from environment variables, with the default settings of the
    /// [builder](Self::builder_from_env).
    ///
    /// # Errors
    /// Those of [`builder_from_env`](Self::builder_from_env) and of
    /// [`build`](TokenProviderBuilder::build).
    pub fn from_env() -> Result<Self, Error> {
        Self::builder_from_env()?.build()
    }

    /// Starts a provider with the environment variables that Genesys Cloud's command line and its
    /// Terraform provider use:
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `GENESYSCLOUD_REGION` | the region, in any form that [`Region`] parses |
    /// | `GENESYSCLOUD_OAUTHCLIENT_ID` | the client id |
    /// | `GENESYSCLOUD_OAUTHCLIENT_SECRET` | the client secret, read again each time it is needed |
    /// | `GENESYSCLOUD_ACCESS_TOKEN` | an access token; it takes precedence over the client |
    /// | `GENESYSCLOUD_GATEWAY_HOST` | a gateway in place of the region's login and API hosts; the region is then optional |
    /// | `GENESYSCLOUD_GATEWAY_PORT` | its port; none by default |
    /// | `GENESYSCLOUD_GATEWAY_PROTOCOL` | `https`, the default, or `http` on this machine |
    /// | `GENESYSCLOUD_GATEWAY_PATH_NAME` | the host whose requests get a path before their own: `login` or `api` |
    /// | `GENESYSCLOUD_GATEWAY_PATH_VALUE` | that path |
    ///
    /// So the environment alone can point a program at a gateway, or at a `Sandbox` on this machine. An
    /// empty variable counts as absent. `GENESYSCLOUD_GATEWAY_AUTH_USERNAME` and
    /// `GENESYSCLOUD_GATEWAY_AUTH_PASSWORD` are not used: `Authorization` carries the token, or the
    /// client's credentials.
    ///
    /// ```no_run
    /// use genesys_cloud_auth::{TokenProvider, store::FileStore};
    ///
    /// # fn example() -> Result<(), genesys_cloud_auth::Error> {
    /// let tokens = TokenProvider::builder_from_env()?.store(FileStore::new()?).build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) names the variable that is missing
    /// or malformed. A client id without a secret leads to
    /// [`Troubleshooting::SecretNotVisible`](crate::error::Troubleshooting::SecretNotVisible).
    ///
    /// Source: the Terraform provider of Genesys Cloud, "Provider configuration".
    pub fn builder_from_env() -> Result<TokenProviderBuilder, Error> {
        let region = match variable(REGION)? {
            Some(name) => {
                let region = name.parse::<Region>();
                Some(region.map_err(|error| Error::from(error).in_setting(REGION))?)
            }
            None => None,
        };
        let region = gateway::region(region)?.ok_or_else(|| {
            Error::configuration(
                "neither GENESYSCLOUD_REGION nor GENESYSCLOUD_GATEWAY_HOST is set; set the region \
                 to, say, eu-west-1",
            )
        })?;
        Ok(Self::builder(region, grant()?))
    }
}

fn grant() -> Result<Grant, Error> {
    if let Some(token) = variable(ACCESS_TOKEN)? {
        let token = FixedToken::new(token).map_err(|error| error.in_setting(ACCESS_TOKEN))?;
        return Ok(token.into_grant());
    }
    let id = word(CLIENT_ID)?.ok_or_else(|| {
        Error::configuration(
            "neither GENESYSCLOUD_OAUTHCLIENT_ID nor GENESYSCLOUD_ACCESS_TOKEN is set; set the id and \
             the secret of an OAuth client, or a token",
        )
    })?;
    let secret = variable(CLIENT_SECRET)?.ok_or_else(|| {
        Error::secret_missing(
            "GENESYSCLOUD_OAUTHCLIENT_ID is set and GENESYSCLOUD_OAUTHCLIENT_SECRET is not; a secret \
             is shown only when it is generated, so generate a new one if it is lost (Admin → \
             Integrations → OAuth)",
        )
    })?;
    // It is read again when it is needed. A malformed one is reported here already.
    ClientSecret::from(secret)
        .check()
        .map_err(|error| error.in_setting(CLIENT_SECRET))?;
    let credentials = ClientCredentials::new(id, ClientSecret::from_env(CLIENT_SECRET))
        .map_err(|error| error.in_setting(CLIENT_ID))?;
    Ok(credentials.into_grant())
}

const REGION: &str = "GENESYSCLOUD_REGION";
const CLIENT_ID: &str = "GENESYSCLOUD_OAUTHCLIENT_ID";
const CLIENT_SECRET: &str = "GENESYSCLOUD_OAUTHCLIENT_SECRET";
const ACCESS_TOKEN: &str = "GENESYSCLOUD_ACCESS_TOKEN";

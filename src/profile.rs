//! A provider with the settings of a profile of Genesys Cloud's command line, `gc`.

mod file;
mod settings;
mod value;

#[cfg(test)]
mod tests;

use self::file::ProfileFile;
use crate::{
    error::Error,
    provider::{TokenProvider, TokenProviderBuilder},
};

impl TokenProvider {
    /// Makes a provider from a profile of Genesys Cloud's command line, with the default settings of
    /// the [builder](Self::builder_from_gc_profile).
    ///
    /// # Errors
    /// Those of [`builder_from_gc_profile`](Self::builder_from_gc_profile) and of
    /// [`build`](TokenProviderBuilder::build).
    pub fn from_gc_profile(name: &str) -> Result<Self, Error> {
        Self::builder_from_gc_profile(name)?.build()
    }

    /// Starts a provider with a profile of Genesys Cloud's command line, `gc`, which
    /// `gc profiles new` writes to `.gc/config.toml` in the home folder. Without `-p` the command line
    /// uses the profile `DEFAULT`. Upper and lower case are the same in the names of profiles and keys.
    ///
    /// | key | meaning |
    /// |---|---|
    /// | `environment` | the region, in any form that [`Region`](crate::Region) parses |
    /// | `client_credentials` | the client id |
    /// | `client_secret` | the client secret, read again each time it is needed |
    /// | `access_token` | an access token; it takes precedence over the client |
    /// | `grant_type` | `1`, or none, for client credentials; `0` needs an access token; `2` and `3` are those of users |
    /// | `gateway_host`, `gateway_port`, `gateway_protocol`, `gateway_pathparams` | a gateway in place of the region's login and API hosts |
    /// | `proxy_host`, `proxy_port`, `proxy_protocol`, `proxy_username`, `proxy_password` | a proxy, which [`http_client`](TokenProviderBuilder::http_client) replaces |
    ///
    /// An empty value counts as absent, and the other keys are not used: not the token that the command
    /// line keeps there, and not its log file. The variables `GENESYSCLOUD_*`, which precede a profile
    /// on the command line, are not read; [`from_env`](Self::from_env) reads them. The file is read on
    /// the calling thread, up to 256 KiB.
    ///
    /// ```no_run
    /// use genesys_cloud_auth::TokenProvider;
    ///
    /// # fn example() -> Result<(), genesys_cloud_auth::Error> {
    /// let tokens = TokenProvider::builder_from_gc_profile("DEFAULT")?.app("crm-sync/1.4").build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The guide [From the gc command line](crate::guide::gc_cli) says more.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) names the file, the profile and the
    /// key, and shows nothing that is in the file. A client id without a secret leads to
    /// [`Troubleshooting::SecretNotVisible`](crate::error::Troubleshooting::SecretNotVisible).
    ///
    /// Source: the command line of Genesys Cloud, "Setup and Configuration".
    pub fn builder_from_gc_profile(name: &str) -> Result<TokenProviderBuilder, Error> {
        builder(ProfileFile::of_the_user(name)?)
    }
}

fn builder(file: ProfileFile) -> Result<TokenProviderBuilder, Error> {
    let settings = file.read()?;
    let place = file.to_string();
    let builder = || {
        let region = settings.region()?;
        let grant = settings.grant(|client_id| file.into_secret(client_id))?;
        let builder = TokenProvider::builder(region, grant);
        Ok(match settings.http_client()? {
            Some(http_client) => builder.http_client(http_client),
            None => builder,
        })
    };
    builder().map_err(|error: Error| error.in_setting(&place))
}

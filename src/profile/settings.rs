//! The settings of a profile. Errors name the key, and show nothing of the value.

use reqwest::Proxy;
use secrecy::{ExposeSecret, SecretString};

use super::value::{Table, Value};
use crate::{
    error::Error,
    grant::{ClientCredentials, FixedToken, Grant, IntoGrant},
    http_client::HttpClient,
    outside_text::clean,
    provider::{Gateway, Origin, OriginNames},
    region::Region,
    secret::ClientSecret,
};

pub(super) struct Settings(Table);

impl Settings {
    pub(super) fn new(table: Table) -> Self {
        Self(table)
    }

    /// Returns the region, or the gateway in its place.
    pub(super) fn region(&self) -> Result<Region, Error> {
        let region = match self.word("environment")? {
            // The text of the region's own error would repeat the value.
            Some(name) => Some(name.parse::<Region>().map_err(|_| {
                Error::configuration(
                    "`environment` is not a region of Genesys Cloud; write a domain such as \
                     mypurecloud.com or an AWS name such as us-east-1, and for other hosts use \
                     `Region::custom` and `TokenProvider::new`",
                )
            })?),
            None => None,
        };
        let Some(host) = self.word("gateway_host")? else {
            return region.ok_or_else(|| {
                Error::configuration(
                    "`environment` is missing; write the region there, such as mypurecloud.com",
                )
            });
        };
        let (port, protocol) = (self.word("gateway_port")?, self.word("gateway_protocol")?);
        let [login_path, api_path] = self.gateway_paths()?;
        let origin = Origin {
            host: &host,
            port: port.as_deref(),
            protocol: protocol.as_deref(),
            names: &GATEWAY,
        };
        let gateway = Gateway {
            origin,
            login_path,
            api_path,
        };
        gateway.region(GATEWAY_PATHS, region.as_ref())
    }

    /// Reads `{login: a path, api: a path}`, as `gc` writes it.
    fn gateway_paths(&self) -> Result<[Option<&str>; 2], Error> {
        let (mut login, mut api) = (None, None);
        let text = self.text("gateway_pathparams")?;
        let text = text.map_or("", |text| text.expose_secret().trim_matches(['{', '}']));
        let pairs = text.split(',').map(str::trim);
        for pair in pairs.filter(|pair| !pair.is_empty()) {
            let (host, path) = pair.split_once(':').unwrap_or((pair, ""));
            let before = match host.trim() {
                "login" => login.replace(path.trim()),
                "api" => api.replace(path.trim()),
                _ => Some(path),
            };
            if before.is_some() {
                return Err(Error::configuration(
                    "`gateway_pathparams` is not `{login: a path, api: a path}`",
                ));
            }
        }
        Ok([login, api])
    }

    /// Returns the grant that `gc` uses. `secret_of` returns where the secret of a client is read.
    pub(super) fn grant(
        &self,
        secret_of: impl FnOnce(String) -> ClientSecret,
    ) -> Result<Grant, Error> {
        if let Some(token) = self.text("access_token")? {
            let token = FixedToken::new(token.clone());
            let token = token.map_err(|error| error.in_setting("`access_token`"))?;
            return Ok(token.into_grant());
        }
        self.check_grant_type()?;
        let id = self.client_id()?.ok_or_else(|| {
            Error::configuration(
                "`client_credentials`, which holds the client id, and `access_token` are missing; \
                 `gc profiles new` asks for them",
            )
        })?;
        self.secret()?;
        let secret = secret_of(id.clone());
        let credentials = ClientCredentials::new(id, secret);
        let credentials = credentials.map_err(|error| error.in_setting("`client_credentials`"))?;
        Ok(credentials.into_grant())
    }

    /// Fails unless `gc` would use client credentials.
    fn check_grant_type(&self) -> Result<(), Error> {
        let kind = self.word("grant_type")?;
        let redirects = self.text("redirect_uri")?.is_some();
        let fault = match kind.as_deref() {
            Some("3") => OF_USERS,
            Some("2") => IMPLICIT,
            // So does gc, for profiles that are older than the key.
            None | Some("0" | "1") if redirects => IMPLICIT,
            None | Some("1") => return Ok(()),
            Some("0") => NO_GRANT,
            Some(_) => "`grant_type` is not known; for client credentials write 1",
        };
        Err(Error::configuration(fault))
    }

    pub(super) fn client_id(&self) -> Result<Option<String>, Error> {
        self.word("client_credentials")
    }

    pub(super) fn secret(&self) -> Result<SecretString, Error> {
        let secret = self.text("client_secret")?.ok_or_else(|| {
            Error::secret_missing(
                "`client_credentials` is there and `client_secret` is not; a secret is shown only \
                 when it is generated, so generate a new one if it is lost (Admin → Integrations → \
                 OAuth)",
            )
        })?;
        let check = ClientSecret::from(secret.clone()).check();
        check.map_err(|error| error.in_setting("`client_secret`"))?;
        Ok(secret.clone())
    }

    /// Returns connections through the proxy, if there is one.
    pub(super) fn http_client(&self) -> Result<Option<HttpClient>, Error> {
        // gc uses the host only where there is a protocol.
        let Some(protocol) = self.word("proxy_protocol")? else {
            return Ok(None);
        };
        let host = self.word("proxy_host")?;
        let host = host.ok_or_else(|| Error::configuration("`proxy_host` is missing"))?;
        let port = self.word("proxy_port")?;
        let origin = Origin {
            host: &host,
            port: port.as_deref(),
            protocol: Some(&protocol),
            names: &PROXY,
        };
        let proxy = Proxy::all(origin.text()?);
        let proxy = proxy.map_err(|_| Error::configuration("`proxy_host` cannot be used"))?;
        let user = self.text("proxy_username")?;
        let proxy = match (user, self.text("proxy_password")?) {
            (Some(user), Some(password)) => {
                proxy.basic_auth(user.expose_secret(), password.expose_secret())
            }
            _ => proxy,
        };
        HttpClient::new(move |reqwest| reqwest.proxy(proxy.clone())).map(Some)
    }

    /// Returns a value that is one word.
    fn word(&self, key: &str) -> Result<Option<String>, Error> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        let fault = |fault| Error::configuration(format!("`{key}` {fault}"));
        let text = clean(text.expose_secret()).map_err(fault)?;
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// Returns a text; `None` if it is absent or empty, as `gc` writes a setting that it was not given.
    fn text(&self, key: &str) -> Result<Option<&SecretString>, Error> {
        let fault = |fault: &str| Error::configuration(format!("`{key}` {fault}"));
        match self.0.get(key).map_err(fault)? {
            None => Ok(None),
            Some(Value::Text(text)) => {
                Ok(Some(text).filter(|text| !text.expose_secret().is_empty()))
            }
            Some(Value::Table(_)) => Err(fault("is a table instead of a text")),
            Some(Value::Other(what)) => Err(fault(&format!("is {what} instead of a text"))),
        }
    }
}

const OF_USERS: &str = "`grant_type` is 3, with which a user logs in: use `Login` with \
     `AuthorizationCode::public`, the client id and the redirect URI of the profile";
const NO_GRANT: &str = "`grant_type` is 0, so `access_token` is needed, and it is missing; for client \
     credentials write 1";
const IMPLICIT: &str = "the profile has the implicit grant, which Genesys Cloud ends: change the \
     client's grant type to the authorization code with PKCE (Admin → Integrations → OAuth), and use \
     `Login` with `AuthorizationCode::public`";

const GATEWAY: OriginNames = OriginNames {
    host: "`gateway_host`",
    port: "`gateway_port`",
    protocol: "`gateway_protocol`",
};
const GATEWAY_PATHS: &str = "`gateway_pathparams`";
const PROXY: OriginNames = OriginNames {
    host: "`proxy_host`",
    port: "`proxy_port`",
    protocol: "`proxy_protocol`",
};

//! Logs users in: each login becomes a `TokenProvider`.

mod binding;
mod browser;
mod builder;
mod local;
mod pending;
mod registry;

use std::{fmt, sync::Arc, time::Duration};

use tokio::runtime::Handle;
use url::Url;

pub use builder::LoginBuilder;
pub use local::LocalLogin;
pub use pending::PendingLogin;

use crate::{
    clock::Clock,
    error::{Error, ErrorKind},
    grant::AuthorizationCode,
    provider::{TokenProvider, TokenProviderBuilder},
    region::{Region, url_under},
    runtime,
    seal::SealingKey,
    store::SharedStore,
};
use registry::ProviderRegistry;

/// Logs users in and returns a [`TokenProvider`] for each. Clones share the same logins.
///
/// Each login has a name that the program chooses: `"default"` where there is one user, the
/// session's id in a web application.
///
/// ```no_run
/// use genesys_cloud_auth::{AuthorizationCode, Login, Region, store::{FileStore, SealingKey}};
///
/// # async fn example() -> Result<(), genesys_cloud_auth::Error> {
/// let app = AuthorizationCode::public("my-client-id", "http://localhost")?;
/// let login = Login::builder(Region::EuWest1, app)
///     .store(FileStore::new()?, SealingKey::unsealed())
///     .build()?;
/// let tokens = login.in_browser("default", |url| eprintln!("Log in at {url}")).await?;
/// # Ok(())
/// # }
/// ```
///
/// In a web application a login is two requests to the application:
///
/// ```no_run
/// # use genesys_cloud_auth::{AuthorizationCode, Error, Login, PendingLogin, Region};
/// # use secrecy::SecretString;
/// # async fn example(login: Login, secret: SecretString, callback: &str) -> Result<(), Error> {
/// // The first request: keep the pending login in this browser's session, and redirect to the URL.
/// let pending = login.begin()?;
/// let url = pending.authorize_url().clone();
/// let secret = pending.into_secret()?;
///
/// // The second request, at the redirect URI.
/// let pending = PendingLogin::from_secret(&login, &secret)?;
/// let tokens = login.finish(pending, callback, "session-0815").await?;
///
/// // Every later request.
/// let tokens = login.saved("session-0815").await?;
/// # Ok(())
/// # }
/// ```
///
/// The examples `login` and `web_app` are complete programs.
///
/// Source: RFC 6749 4.1; RFC 7636; Genesys Cloud Developer Center, "Authorization".
#[derive(Clone)]
pub struct Login(Arc<Inner>);

struct Inner {
    app: AuthorizationCode,
    tokens: TokenProviderBuilder,
    store: SharedStore,
    key: SealingKey,
    settings: Settings,
    registry: ProviderRegistry,
}

#[derive(Debug)]
struct Settings {
    region: Region,
    clock: Clock,
    ports: Option<Vec<u16>>,
    login_timeout: Duration,
    open_browser_anyway: bool,
}

impl Login {
    /// The stored login of this name, or `None`. While a handle of it lives, each call returns a
    /// clone of the same provider.
    ///
    /// The providers of the logins used last are kept without a handle, too, so that the next request
    /// of a browser knows of a pause after a failure and of a login that has ended. At least 1,000 are
    /// kept and at most 2,000, with about 5 KB of memory each. With
    /// [`renew_in_background`](LoginBuilder::renew_in_background) none is kept, since it would renew its
    /// token for ever.
    ///
    /// Where another process has logged a user in under this name, the provider serves that login from
    /// then on.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] where the store cannot be read, [`ErrorKind::Configuration`] for an empty
    /// name, and [`ErrorKind::NoRuntime`] outside a tokio runtime.
    pub async fn saved(&self, name: &str) -> Result<Option<TokenProvider>, Error> {
        let provider = self.provider(name)?;
        // Names without a login, which anyone may send, push no other out.
        let is_logged_in = provider.is_logged_in().await?;
        Ok(is_logged_in.then(|| self.keep(name, provider)))
    }

    /// The page that ends the user's session at the login page. Open it in the browser after a logout,
    /// so that the next login asks for the user again. It leads to `redirect_uri`, which must be one
    /// of the OAuth client's authorized redirect URIs.
    ///
    /// Source: Genesys Cloud's JavaScript SDK, `logout`.
    #[must_use]
    pub fn logout_url(&self, redirect_uri: Option<&str>) -> Url {
        let mut url = url_under(self.region().login_url(), "/logout");
        let redirect_uri = redirect_uri.map(|uri| ("redirect_uri", uri));
        url.query_pairs_mut()
            .append_pair("client_id", self.app().client_id())
            .extend_pairs(redirect_uri);
        url
    }

    /// The region that users log in to.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.0.settings.region
    }

    fn app(&self) -> &AuthorizationCode {
        &self.0.app
    }

    fn clock(&self) -> &Clock {
        &self.0.settings.clock
    }

    fn key(&self) -> &SealingKey {
        &self.0.key
    }

    /// The provider of this name; there is one at a time.
    fn provider(&self, name: &str) -> Result<TokenProvider, Error> {
        check_name(name)?;
        let registry = &self.0.registry;
        registry.get_or_build(name, || self.build_provider(name))
    }

    /// Keeps the provider of a login for the calls to come.
    fn keep(&self, name: &str, provider: TokenProvider) -> TokenProvider {
        self.0.registry.keep(name, &provider);
        provider
    }

    fn build_provider(&self, name: &str) -> Result<TokenProvider, Error> {
        let Inner {
            tokens, store, key, ..
        } = &*self.0;
        tokens
            .clone()
            .login(store.clone(), key.clone(), name.to_owned())
            .build()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("region", self.region())
            .field("app", self.app())
            .finish_non_exhaustive()
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() {
        let what = "the name of a login is empty: two users would share it";
        return Err(Error::configuration(what));
    }
    Ok(())
}

fn current_runtime() -> Result<Handle, Error> {
    runtime::for_requests().ok_or_else(|| ErrorKind::NoRuntime.into())
}

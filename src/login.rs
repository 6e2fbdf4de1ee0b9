//! A user who logs in, and becomes a provider of tokens.

mod browser;
mod builder;
mod callback;
mod local;
mod pending;
mod registry;

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use url::Url;

pub use builder::LoginBuilder;
pub use local::LocalLogin;
use pending::LIFE;
pub use pending::PendingLogin;

#[cfg(doc)]
use crate::error::{ErrorKind, LoginErrorKind};
use crate::{
    clock::Clock,
    environment,
    error::{Error, LoginError},
    grant::AuthorizationCode,
    provider::{TokenProvider, TokenProviderBuilder},
    region::{Region, url_under},
    seal::SealingKey,
    store::SharedStore,
};
use browser::open;
use callback::code_of;
#[cfg(fuzzing)]
pub(crate) use callback::fuzzing;
use registry::Providers;

/// Logs users in, and hands out a [`TokenProvider`] for each. Every clone shares the same logins.
///
/// A name that the program chooses tells them apart: `"default"` where there is one user, the
/// session's id in a web application.
///
/// ```no_run
/// use genesys_cloud_auth::{AuthorizationCode, Login, Region, store::{FileStore, SealingKey}};
///
/// # async fn example() -> Result<(), genesys_cloud_auth::Error> {
/// let app = AuthorizationCode::public("the client id", "http://localhost")?;
/// let login = Login::builder(Region::EuWest1, app)
///     .store(FileStore::new()?, SealingKey::unsealed())
///     .build()?;
/// let tokens = login.in_browser("default", |url| eprintln!("Log in at {url}")).await?;
/// # Ok(())
/// # }
/// ```
///
/// In a web application a login is two requests of its own:
///
/// ```no_run
/// # use genesys_cloud_auth::{AuthorizationCode, Error, Login, PendingLogin, Region};
/// # use secrecy::SecretString;
/// # async fn example(login: Login, kept: SecretString, callback: &str) -> Result<(), Error> {
/// // The first: redirect to the URL, and keep the rest in this browser's session.
/// let pending = login.begin()?;
/// let url = pending.authorize_url().clone();
/// let secret = pending.into_secret()?;
///
/// // The second, at the redirect URI.
/// let pending = PendingLogin::from_secret(&login, &kept)?;
/// let tokens = login.finish(pending, callback, "session-0815").await?;
///
/// // Any later one.
/// let tokens = login.saved("session-0815").await?;
/// # Ok(())
/// # }
/// ```
///
/// The examples `login` and `web_app` show both as whole programs.
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
    providers: Providers,
}

#[derive(Debug)]
struct Settings {
    region: Region,
    clock: Clock,
    ports: Option<Vec<u16>>,
    limit: Duration,
    browser_anyway: bool,
}

impl Login {
    /// Logins to `region` by the OAuth client `app`, kept in memory: they end with the program, and
    /// no other instance of it has them. Pending ones are sealed under a key that ends with it, too.
    /// [`LoginBuilder::store`] keeps both.
    ///
    /// # Errors
    /// As [`LoginBuilder::build`].
    pub fn new(region: Region, app: AuthorizationCode) -> Result<Self, Error> {
        Self::builder(region, app).build()
    }

    /// Starts a login with settings.
    pub fn builder(region: Region, app: AuthorizationCode) -> LoginBuilder {
        LoginBuilder::new(region, app)
    }

    /// Begins a login that another request finishes. Whose it is, is said only then.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where the machine gives no random bytes.
    pub fn begin(&self) -> Result<PendingLogin, Error> {
        PendingLogin::new(self, self.app().redirect_uri().as_str())
    }

    /// Ends a login with what the browser brought back: `callback` is the URL that it asked for, its
    /// path with the query, or the query alone. The login is kept as `name`, in place of one that was
    /// there, and only then handed out.
    ///
    /// The name is to be new at each login, as a session's id is: one that was there before the
    /// login may be known to somebody else.
    ///
    /// # Errors
    /// [`LoginErrorKind::Callback`] and [`LoginErrorKind::ImplicitGrant`] for what does not end this
    /// login, [`LoginErrorKind::Denied`] for the login page's error,
    /// [`ErrorKind::Configuration`] for an empty name, and [`ErrorKind::NoRuntime`] outside a tokio
    /// runtime: nothing was sent. Else why the code could not be exchanged, or the login not be kept.
    pub async fn finish(
        &self,
        pending: PendingLogin,
        callback: &str,
        name: &str,
    ) -> Result<TokenProvider, Error> {
        pending.check(self)?;
        let redirect_uri = self.app().redirect_uri().url();
        let code = code_of(callback, redirect_uri, pending.state())?;
        let provider = self.provider(name)?;
        provider
            .log_in(code, pending.verifier(), pending.redirect_uri())
            .await?;
        Ok(provider)
    }

    /// The login that is kept as `name`, where there is one. While one of them lives, it is a clone
    /// of the same provider each time.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] where the store cannot be read, [`ErrorKind::Configuration`] for an empty
    /// name, and [`ErrorKind::NoRuntime`] outside a tokio runtime.
    pub async fn saved(&self, name: &str) -> Result<Option<TokenProvider>, Error> {
        let provider = self.provider(name)?;
        Ok(provider.is_logged_in().await?.then_some(provider))
    }

    /// Begins a login on this machine: takes the port that the login page sends the browser back to,
    /// and only then has a URL to show.
    ///
    /// # Errors
    /// [`LoginErrorKind::Listener`] where no port is free, [`ErrorKind::Configuration`] for a redirect URI
    /// that is not `http` on this machine, for an empty name, and where the machine gives no random
    /// bytes.
    pub fn listen(&self, name: &str) -> Result<LocalLogin, Error> {
        LocalLogin::new(self, name)
    }

    /// The login that is kept as `name`, or else a new one in the browser of this machine. `show` is
    /// given the login page's URL, for a user whose browser does not come up by itself; nothing is
    /// printed here.
    ///
    /// A stored login is taken unless the app [prompts](AuthorizationCode::prompt_login), and while
    /// it gives tokens. A store or a login host that cannot be reached is an error, not a reason to
    /// log in anew.
    ///
    /// # Errors
    /// [`LoginErrorKind::NoBrowser`] over SSH, in a container, or where there is no display: go on with
    /// [`listen`](Self::listen) and [`pasted`](LocalLogin::pasted). Else as
    /// [`saved`](Self::saved), as [`TokenProvider::token`] of the login that is kept, as
    /// [`listen`](Self::listen), and as [`LocalLogin::redirected`].
    pub async fn in_browser(
        &self,
        name: &str,
        show: impl FnOnce(&str),
    ) -> Result<TokenProvider, Error> {
        if !self.app().prompts()
            && let Some(provider) = self.saved(name).await?
        {
            match provider.token().await {
                Err(error) if error.needs_login() => {}
                Err(error) => return Err(error),
                Ok(_) => return Ok(provider),
            }
        }
        if !self.0.settings.browser_anyway
            && let Some(reason) = environment::no_browser()
        {
            return Err(LoginError::no_browser(reason).into());
        }
        let waiting = self.listen(name)?;
        show(waiting.authorize_url().as_str());
        // A browser in the terminal ends only with its user: the callback is waited for meanwhile.
        let mut opening = Some(Box::pin(waiting.open_browser()));
        let mut redirected = pin!(waiting.redirected());
        poll_fn(|context| {
            if let Some(Poll::Ready(opened)) =
                opening.as_mut().map(|open| open.as_mut().poll(context))
            {
                opening = None;
                if let Err(error) = opened {
                    return Poll::Ready(Err(error));
                }
            }
            redirected.as_mut().poll(context)
        })
        .await
    }

    /// The page that ends the user's session at the login page, to be opened in the browser: after a
    /// logout, so that the next login asks again who it is. It leads on to `redirect_uri`, which is to
    /// be one of the OAuth client's authorized redirect URIs.
    ///
    /// Source: Genesys Cloud's JavaScript SDK, `logout`.
    #[must_use]
    pub fn logout_url(&self, redirect_uri: Option<&str>) -> Url {
        let mut url = url_under(self.region().login_url(), "/logout");
        let after = redirect_uri.map(|uri| ("redirect_uri", uri));
        url.query_pairs_mut()
            .append_pair("client_id", self.app().client_id())
            .extend_pairs(after);
        url
    }

    /// The region that users log in to.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.0.settings.region
    }

    fn with(
        app: AuthorizationCode,
        tokens: TokenProviderBuilder,
        store: SharedStore,
        key: SealingKey,
        settings: Settings,
    ) -> Self {
        Self(Arc::new(Inner {
            app,
            tokens,
            store,
            key,
            settings,
            providers: Providers::default(),
        }))
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

    /// The one provider of this name.
    fn provider(&self, name: &str) -> Result<TokenProvider, Error> {
        check_name(name)?;
        self.0
            .providers
            .get_or_make(name, || self.provider_of(name))
    }

    fn provider_of(&self, name: &str) -> Result<TokenProvider, Error> {
        let Inner {
            tokens, store, key, ..
        } = &*self.0;
        tokens
            .clone()
            .login(store.clone(), key.clone(), name.to_owned())
            .build()
    }
}

impl Settings {
    fn new(region: Region) -> Self {
        Self {
            region,
            clock: Clock::system(),
            ports: None,
            limit: LIMIT,
            browser_anyway: false,
        }
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

const LIMIT: Duration = Duration::from_secs(300);

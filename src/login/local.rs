//! A login on this machine: it ends when the browser comes back, or when a user pastes the callback.

use std::{
    fmt,
    future::pending,
    mem,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use secrecy::SecretString;
use tokio::sync::watch;
use url::{Host, Url};

use super::{
    Login,
    browser::open_browser,
    check_name, current_runtime,
    pending::{LIFE, PendingLogin},
};
#[cfg(doc)]
use crate::error::LoginErrorKind;
use crate::{
    callback::{self, Redirect},
    clock::Moment,
    environment,
    error::{CallbackFault, Error, ErrorKind, LoginError},
    listener::{Expected, Listener, LoopbackHost, Rejections, Responder},
    provider::TokenProvider,
};

/// A login that was started on this machine; made by [`Login::listen`].
///
/// Its port is bound. The first valid callback ends the login: the browser's
/// ([`redirected`](Self::redirected)) or the user's ([`pasted`](Self::pasted)). Both may be called
/// at once, dropping either future loses nothing, and the code is used only once. Where the token
/// endpoint cannot have used it (nothing was sent, or it responded with 429 or 503), it is sent again
/// until the [timeout](super::LoginBuilder::login_timeout). After a transient error both may be
/// called again.
#[must_use = "the login page must be opened, and its callback waited for"]
pub struct LocalLogin(Arc<Inner>);

struct Inner {
    login: Login,
    name: String,
    pending: PendingLogin,
    expected: Expected,
    /// The end of the wait for the browser.
    deadline: Moment,
    /// The moment from which a pasted callback is too late.
    paste_deadline: Moment,
    browser_opened: AtomicBool,
    progress: watch::Sender<Progress>,
}

enum Progress {
    Listening(Arc<Listener>),
    /// The browser did not come back in time. A pasted callback may still end the login.
    TimedOut(Error),
    /// There was a valid callback. The listener, if there is one, still responds to the browser.
    Exchanging(Option<Arc<Listener>>),
    /// No code was used, so another callback may still end the login.
    Failed(Error, Option<Arc<Listener>>),
    Done(LoginResult),
}

type LoginResult = Result<TokenProvider, Error>;

impl Login {
    /// Starts a login on this machine: binds the port of the redirect URI, so that the browser can
    /// come back, and then makes the login page's URL.
    ///
    /// # Errors
    /// [`LoginErrorKind::Listener`] where no port is free, and [`ErrorKind::Configuration`] for a redirect
    /// URI that is not `http` on this machine, for an empty name, and where the machine returns no
    /// random bytes.
    pub fn listen(&self, name: &str) -> Result<LocalLogin, Error> {
        LocalLogin::new(self, name)
    }

    /// Returns the stored login of this name, or logs the user in with the browser of this machine.
    /// `show` receives the login page's URL, for a user whose browser does not open. The library
    /// prints nothing.
    ///
    /// A stored login is used while it can be renewed, unless the app
    /// [prompts](crate::AuthorizationCode::prompt_login). If the store or the login host cannot be
    /// reached, that is an error and no new login starts.
    ///
    /// # Errors
    /// [`LoginErrorKind::NoBrowser`] over SSH, in a container, or without a display: continue with
    /// [`listen`](Self::listen) and [`pasted`](LocalLogin::pasted). Otherwise the errors of
    /// [`saved`](Self::saved), [`TokenProvider::token`], [`listen`](Self::listen) and
    /// [`LocalLogin::redirected`].
    pub async fn in_browser(
        &self,
        name: &str,
        show: impl FnOnce(&Url),
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
        if !self.0.settings.open_browser_anyway
            && let Some(reason) = environment::no_browser()
        {
            return Err(LoginError::no_browser(reason).into());
        }
        let local = self.listen(name)?;
        show(local.authorize_url());
        let mut redirected = pin!(local.redirected());
        // A browser in the terminal ends only when its user quits.
        tokio::select! {
            biased;
            result = &mut redirected => return result,
            opened = local.open_browser() => opened?,
        }
        redirected.await
    }
}

impl LocalLogin {
    fn new(login: &Login, name: &str) -> Result<Self, Error> {
        check_name(name)?;
        let redirect_uri = login.app().redirect_uri();
        let host = host_of(redirect_uri.url()).filter(|_| redirect_uri.is_local());
        let host = host.ok_or_else(|| {
            Error::configuration(
                "the redirect URI is not http on this machine; use begin and finish, or register \
                 one on localhost",
            )
        })?;
        let settings = &login.0.settings;
        let own = [redirect_uri.port().unwrap_or(ANY_PORT)];
        let ports = settings.ports.as_deref().unwrap_or(&own);
        let listener =
            Listener::bind(host, ports).map_err(|no_port| LoginError::no_port(&no_port))?;
        let pending = PendingLogin::new(login, &redirect_uri.with_port(listener.port()))?;
        let expected = Expected {
            path: redirect_uri.url().path().to_owned(),
            state: pending.state().clone(),
        };
        let now = login.clock().now();
        Ok(Self(Arc::new(Inner {
            login: login.clone(),
            name: name.to_owned(),
            pending,
            expected,
            deadline: now + settings.login_timeout,
            paste_deadline: now + settings.login_timeout.max(LIFE),
            browser_opened: AtomicBool::new(false),
            progress: watch::Sender::new(Progress::Listening(Arc::new(listener))),
        })))
    }

    /// The login page, to be opened in the user's browser.
    #[must_use]
    pub fn authorize_url(&self) -> &Url {
        self.0.pending.authorize_url()
    }

    /// Opens the login page in the browser of this machine: `$BROWSER` on Unix other than macOS, else
    /// the user's default one. Only the first call opens it.
    ///
    /// # Errors
    /// [`LoginErrorKind::NoBrowser`] where no browser could be opened, and [`ErrorKind::NoRuntime`] outside
    /// a tokio runtime. The login can still be finished.
    pub async fn open_browser(&self) -> Result<(), Error> {
        if self.0.browser_opened.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        open_browser(self.authorize_url()).await
    }

    /// Waits until the browser comes back from the login page and the login is stored.
    ///
    /// # Errors
    /// [`LoginErrorKind::Denied`] where the user or the login page denied access,
    /// [`LoginErrorKind::Listener`] where the browser did not come back in time, and
    /// [`ErrorKind::NoRuntime`] outside a tokio runtime. Otherwise why the code could not be exchanged
    /// ([`needs_login`](Error::needs_login) where it may be used up), or [`ErrorKind::Store`]: the store
    /// does not take the login, which is kept in memory until it does. [`Login::saved`] returns it.
    pub async fn redirected(&self) -> Result<TokenProvider, Error> {
        current_runtime()?;
        let inner = &self.0;
        inner.listen_again();
        let listener = match &*inner.progress.borrow() {
            Progress::Listening(listener) => Some(Arc::clone(listener)),
            Progress::TimedOut(error) => return Err(error.clone()),
            Progress::Exchanging(listener) => listener.clone(),
            Progress::Failed(..) | Progress::Done(_) => None,
        };
        if let Some(listener) = listener {
            let clock = inner.login.clock();
            tokio::select! {
                biased;
                result = inner.result() => return result,
                callback = listener.wait(&inner.expected, inner.deadline, clock) => match callback {
                    Ok(callback) => inner.start_exchange(callback.redirect, Some(callback.respond)),
                    Err(rejections) => inner.time_out(&rejections)?,
                },
            }
        }
        inner.result().await
    }

    /// Ends the login with the URL that the user copied from the browser's address bar, or its query,
    /// where no browser can reach this machine. It is checked like a browser's callback, and accepted
    /// for ten minutes, or for the [timeout](super::LoginBuilder::login_timeout) where that is longer.
    ///
    /// # Errors
    /// [`LoginErrorKind::Callback`] and [`LoginErrorKind::ImplicitGrant`] for a callback that does not
    /// end this login: nothing was sent, and the login can still be finished. Otherwise the errors of
    /// [`redirected`](Self::redirected).
    pub async fn pasted(&self, callback: &str) -> Result<TokenProvider, Error> {
        current_runtime()?;
        let inner = &self.0;
        if inner.paste_deadline <= inner.login.clock().now() {
            return Err(CallbackFault::Ended.into());
        }
        let redirect_uri = inner.login.app().redirect_uri().url();
        let redirect = callback::parse(callback, redirect_uri, inner.pending.state())?;
        inner.start_exchange(redirect, None);
        inner.result().await
    }
}

impl Inner {
    /// Exchanges the code of the first callback, in a task of its own: the code can be used only
    /// once, whoever waits for the result. Then shows the result in the browser.
    fn start_exchange(self: &Arc<Self>, redirect: Redirect, respond: Option<Responder>) {
        let is_first = self.change(|progress| {
            let listener = match progress {
                Progress::Listening(listener) => Some(Arc::clone(listener)),
                Progress::Failed(_, listener) => listener.take(),
                Progress::TimedOut(_) => None,
                Progress::Exchanging(_) | Progress::Done(_) => return None,
            };
            Some(Progress::Exchanging(listener))
        });
        let mut guard = is_first.then(|| ExchangeGuard(Arc::clone(self), None));
        let inner = Arc::clone(self);
        let deadline = match respond {
            Some(_) => self.deadline,
            None => self.paste_deadline,
        };
        tokio::spawn(async move {
            let result = match redirect {
                _ if !is_first => inner.result().await,
                Redirect::Code(code) => inner.exchange(code, deadline).await,
                Redirect::Error(error) => Err(error),
            };
            // The program may end as soon as it has the result, so the page comes first.
            if let Some(respond) = respond {
                show_result(respond, &result).await;
            }
            if let Some(guard) = &mut guard {
                guard.1 = Some(result);
            }
        });
    }

    async fn exchange(&self, code: SecretString, deadline: Moment) -> LoginResult {
        let provider = self.login.provider(&self.name)?;
        let exchange = self.pending.exchange(provider, code, Some(deadline));
        Ok(self.login.keep(&self.name, exchange.await?))
    }

    /// Sets the result of the exchange. Frees the port, unless another callback may come.
    fn finish(&self, result: LoginResult) {
        // A login that is kept until its store takes it has used the code.
        let is_kept = || {
            let provider = self.login.provider(&self.name);
            provider.is_ok_and(|provider| provider.has_unsaved_login())
        };
        let may_return = result.as_ref().is_err_and(Error::is_transient) && !is_kept();
        self.change(|progress| {
            Some(match (result, progress) {
                (Err(error), Progress::Exchanging(listener)) if may_return => {
                    Progress::Failed(error, listener.take())
                }
                (result, _) => Progress::Done(result),
            })
        });
    }

    /// Waits for the browser again after an exchange that used no code.
    fn listen_again(&self) {
        self.change(|progress| match progress {
            Progress::Failed(_, Some(listener)) => Some(Progress::Listening(Arc::clone(listener))),
            _ => None,
        });
    }

    /// Frees the port, unless there was a valid callback.
    fn time_out(&self, rejections: &Rejections) -> Result<(), Error> {
        self.change(|progress| {
            let is_listening = matches!(progress, Progress::Listening(_));
            is_listening.then(|| {
                let timeout = self.login.0.settings.login_timeout;
                Progress::TimedOut(LoginError::deadline(timeout, rejections).into())
            })
        });
        match &*self.progress.borrow() {
            Progress::TimedOut(error) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Replaces the progress where `change` returns another, and returns whether it did.
    fn change(&self, change: impl FnOnce(&mut Progress) -> Option<Progress>) -> bool {
        // Dropped after the guard: an error may hold the program's own, whose drop may use the login.
        let mut former = None;
        self.progress.send_if_modified(|progress| {
            former = change(progress).map(|new| mem::replace(progress, new));
            former.is_some()
        })
    }

    /// Waits for the result of the login.
    async fn result(&self) -> LoginResult {
        let mut progress = self.progress.subscribe();
        let has_result =
            |progress: &Progress| matches!(progress, Progress::Done(_) | Progress::Failed(..));
        let done = progress.wait_for(has_result).await;
        let result = done.ok().and_then(|done| match &*done {
            Progress::Done(result) => Some(result.clone()),
            Progress::Failed(error, _) => Some(Err(error.clone())),
            _ => None,
        });
        match result {
            Some(result) => result,
            // Unreachable: the sender lives as long as `self`.
            None => pending().await,
        }
    }
}

impl fmt::Debug for LocalLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalLogin")
            .field("login", &self.0.login)
            .finish_non_exhaustive()
    }
}

/// Ends an exchange with its result, or with an error if the runtime drops it.
struct ExchangeGuard(Arc<Inner>, Option<LoginResult>);

impl Drop for ExchangeGuard {
    fn drop(&mut self) {
        let result = self.1.take();
        let dropped = || Err(LoginError::exchange_dropped().into());
        self.0.finish(result.unwrap_or_else(dropped));
    }
}

async fn show_result(respond: Responder, result: &LoginResult) {
    match result.as_ref().map_err(Error::kind) {
        Ok(_) => respond.show_success().await,
        Err(ErrorKind::Login(login)) if login.is_declined() => respond.show_denied().await,
        Err(_) => respond.show_failed().await,
    }
}

fn host_of(redirect_uri: &Url) -> Option<LoopbackHost> {
    match redirect_uri.host()? {
        Host::Domain(_) => Some(LoopbackHost::Localhost),
        Host::Ipv4(_) => Some(LoopbackHost::V4),
        Host::Ipv6(_) => Some(LoopbackHost::V6),
    }
}

const ANY_PORT: u16 = 0;

//! A login on this machine, which waits for the browser to come back or for a user who pastes.

use std::{
    fmt,
    future::{Future, pending, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use tokio::{runtime::Handle, sync::watch};
use url::{Host, Url};
use zeroize::Zeroizing;

use super::{LIFE, Login, PendingLogin, check_name, code_of, open};
use crate::{
    clock::Moment,
    error::{CallbackFault, Error, ErrorKind, LoginError, LoginErrorKind},
    listener::{Callback, Expected, Listener, LoopbackHost, Responder, TurnedAway},
    provider::TokenProvider,
};

/// A login that was begun on this machine; made by [`Login::listen`].
///
/// The port is taken already. The login ends by the first right answer, whichever way it comes:
/// [`redirected`](Self::redirected) by the browser, or [`pasted`](Self::pasted) by the user. Both may
/// wait at once, either may be dropped and called again, and the code is exchanged only once.
#[must_use = "the login page has to be opened, and its answer waited for"]
pub struct LocalLogin(Arc<Waiting>);

struct Waiting {
    login: Login,
    name: String,
    pending: PendingLogin,
    expected: Expected,
    port: Mutex<Port>,
    /// The listener waits until then.
    deadline: Moment,
    /// A pasted callback counts until then.
    ends: Moment,
    browser_opened: AtomicBool,
    /// Whether there was a right answer.
    answered: AtomicBool,
    outcome: watch::Sender<Option<WaiterResult>>,
}

/// The port is taken while somebody may still come.
enum Port {
    Taken(Arc<Listener>),
    /// Nobody came in time.
    TooLate(Error),
    /// The login has ended.
    Free,
}

type WaiterResult = Result<TokenProvider, Error>;

impl LocalLogin {
    pub(super) fn new(login: &Login, name: &str) -> Result<Self, Error> {
        check_name(name)?;
        let redirect_uri = login.app().redirect_uri();
        let host = host_of(redirect_uri.url()).filter(|_| redirect_uri.is_local());
        let host = host.ok_or_else(|| {
            Error::configuration(
                "the redirect URI is not http on this machine: use begin and finish, or register \
                 one on localhost",
            )
        })?;
        let settings = &login.0.settings;
        let own = [redirect_uri.port().unwrap_or(ANY)];
        let ports = settings.ports.as_deref().unwrap_or(&own);
        let listener =
            Listener::bind(host, ports).map_err(|no_port| LoginError::no_port(&no_port))?;
        let pending = PendingLogin::new(login, &redirect_uri.with_port(listener.port()))?;
        let expected = Expected {
            path: redirect_uri.url().path().to_owned(),
            state: pending.state().into(),
        };
        Ok(Self(Arc::new(Waiting {
            login: login.clone(),
            name: name.to_owned(),
            pending,
            expected,
            port: Mutex::new(Port::Taken(Arc::new(listener))),
            deadline: login.clock().now() + settings.limit,
            ends: login.clock().now() + settings.limit.max(LIFE),
            browser_opened: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            outcome: watch::Sender::new(None),
        })))
    }

    /// The login page, which is to be opened in the user's browser.
    #[must_use]
    pub fn authorize_url(&self) -> &Url {
        self.0.pending.authorize_url()
    }

    /// Opens the login page in the browser of this machine: the user's default one; on Unix other
    /// than macOS, what `$BROWSER` names comes first. At most once: a second call does nothing.
    ///
    /// # Errors
    /// [`LoginErrorKind::NoBrowser`] where none could be opened, and [`ErrorKind::NoRuntime`] outside a
    /// tokio runtime. The login goes on waiting.
    pub async fn open_browser(&self) -> Result<(), Error> {
        if self.0.browser_opened.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        open(self.authorize_url()).await
    }

    /// Waits until the browser comes back from the login page, and the login is kept.
    ///
    /// # Errors
    /// [`LoginErrorKind::Denied`] where the user or the login page said no,
    /// [`LoginErrorKind::Listener`] where nobody came in time, and [`ErrorKind::NoRuntime`] outside a tokio
    /// runtime. Else why the code could not be exchanged, or the login not be kept.
    pub async fn redirected(&self) -> Result<TokenProvider, Error> {
        runtime()?;
        let Some(listener) = self.0.listener()? else {
            return self.0.outcome().await;
        };
        match self.0.first(&listener).await {
            First::WaiterResult(outcome) => return outcome,
            First::Callback(callback) => {
                let query = callback.query.expose_secret();
                let query = Zeroizing::new(format!("?{query}"));
                let answer = self.0.judge(&query);
                self.0.answer(answer, Some(callback.respond))?;
            }
            // An answer that was pasted may be on its way.
            First::Deadline(_) if self.0.is_answered() => {}
            First::Deadline(came) => return Err(self.0.too_late(&came)),
        }
        self.0.outcome().await
    }

    /// Ends the login by what the user copied from the browser's address bar, where no browser
    /// reaches this machine: the URL, or its query. It is looked at as closely as a browser's callback,
    /// and counts for ten minutes, or for the [time](super::LoginBuilder::login_timeout) that is
    /// waited where that is longer.
    ///
    /// # Errors
    /// [`LoginErrorKind::Callback`] and [`LoginErrorKind::ImplicitGrant`] for what does not end this
    /// login: nothing was sent, and the login goes on waiting. Else as
    /// [`redirected`](Self::redirected).
    pub async fn pasted(&self, callback: &str) -> Result<TokenProvider, Error> {
        runtime()?;
        if self.0.ends <= self.0.login.clock().now() {
            return Err(CallbackFault::Ended.into());
        }
        let answer = self.0.judge(callback);
        self.0.answer(answer, None)?;
        self.0.outcome().await
    }
}

enum First {
    WaiterResult(WaiterResult),
    Callback(Callback),
    Deadline(TurnedAway),
}

impl Waiting {
    /// None where there is an answer already, on its way or at its end.
    fn listener(&self) -> Result<Option<Arc<Listener>>, Error> {
        match &*self.port.lock() {
            Port::Taken(listener) => Ok(Some(Arc::clone(listener))),
            Port::TooLate(error) if !self.is_answered() => Err(error.clone()),
            Port::TooLate(_) | Port::Free => Ok(None),
        }
    }

    /// What comes first: the outcome of an answer that came another way, or the browser.
    async fn first(&self, listener: &Listener) -> First {
        let mut outcome = pin!(self.outcome());
        let clock = self.login.clock();
        let mut callback = pin!(listener.wait(&self.expected, self.deadline, clock));
        poll_fn(|context| {
            if let Poll::Ready(outcome) = outcome.as_mut().poll(context) {
                return Poll::Ready(First::WaiterResult(outcome));
            }
            callback.as_mut().poll(context).map(|came| match came {
                Ok(callback) => First::Callback(callback),
                Err(turned_away) => First::Deadline(turned_away),
            })
        })
        .await
    }

    fn judge(&self, callback: &str) -> Result<SecretString, Error> {
        let redirect_uri = self.login.app().redirect_uri().url();
        code_of(callback, redirect_uri, self.pending.state())
    }

    /// Lets a right answer take its way, which nobody who leaves can stop: a code is good for one
    /// exchange. The browser is told of the outcome, too.
    ///
    /// # Errors
    /// What is wrong with one that is not right.
    fn answer(
        self: &Arc<Self>,
        answer: Result<SecretString, Error>,
        respond: Option<Responder>,
    ) -> Result<(), Error> {
        if let Err(error) = &answer
            && !matches!(error.kind(), ErrorKind::Login(login)
                if matches!(login.kind(), LoginErrorKind::Denied { .. }))
        {
            return Err(error.clone());
        }
        let first = !self.answered.swap(true, Ordering::SeqCst);
        let unfinished = first.then(|| Unfinished(Arc::clone(self)));
        let waiting = Arc::clone(self);
        tokio::spawn(async move {
            let outcome = match (&unfinished, answer) {
                (None, _) => waiting.outcome().await,
                (Some(_), Ok(code)) => waiting.exchange(code).await,
                (Some(_), Err(error)) => Err(error),
            };
            // Before the outcome is told: the program may end then.
            if let Some(respond) = respond {
                show(respond, &outcome).await;
            }
            if unfinished.is_some() {
                waiting.end(outcome);
            }
        });
        Ok(())
    }

    async fn exchange(&self, code: SecretString) -> WaiterResult {
        let provider = self.login.provider(&self.name)?;
        let Self { pending, .. } = self;
        provider
            .log_in(code, pending.verifier(), pending.redirect_uri())
            .await?;
        Ok(provider)
    }

    fn end(&self, outcome: WaiterResult) {
        *self.port.lock() = Port::Free;
        self.outcome.send_if_modified(|told| {
            let first = told.is_none();
            told.get_or_insert(outcome);
            first
        });
    }

    /// How the login ended.
    async fn outcome(&self) -> WaiterResult {
        let mut outcome = self.outcome.subscribe();
        let told = outcome.wait_for(Option::is_some).await;
        match told.ok().and_then(|told| told.clone()) {
            Some(outcome) => outcome,
            // The sender lives as long as this.
            None => pending().await,
        }
    }

    fn too_late(&self, came: &TurnedAway) -> Error {
        let limit = self.login.0.settings.limit;
        let error = Error::from(LoginError::deadline(limit, came));
        *self.port.lock() = Port::TooLate(error.clone());
        error
    }

    fn is_answered(&self) -> bool {
        self.answered.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for LocalLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalLogin")
            .field("login", &self.0.login)
            .finish_non_exhaustive()
    }
}

/// An answer on its way; one whose runtime ends first is the end of the login.
struct Unfinished(Arc<Waiting>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.0.end(Err(CallbackFault::Lost.into()));
    }
}

async fn show(respond: Responder, outcome: &WaiterResult) {
    match outcome.as_ref().map_err(Error::kind) {
        Ok(_) => respond.success().await,
        Err(ErrorKind::Login(login)) if login.is_declined() => respond.denied().await,
        Err(_) => respond.failed().await,
    }
}

fn host_of(redirect_uri: &Url) -> Option<LoopbackHost> {
    match redirect_uri.host()? {
        Host::Domain(_) => Some(LoopbackHost::Localhost),
        Host::Ipv4(_) => Some(LoopbackHost::V4),
        Host::Ipv6(_) => Some(LoopbackHost::V6),
    }
}

fn runtime() -> Result<(), Error> {
    match Handle::try_current() {
        Ok(_) => Ok(()),
        Err(_) => Err(ErrorKind::NoRuntime.into()),
    }
}

/// Stands for any port.
const ANY: u16 = 0;

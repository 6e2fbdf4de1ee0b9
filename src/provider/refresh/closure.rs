//! A refresh with a token source of the program's own.

use secrecy::ExposeSecret;

use super::Refresh;
use crate::{
    error::Error,
    grant::Closure,
    outside_text::clean,
    provider::{outside_code::ask, policy::RefreshResult},
    token::AccessToken,
};

impl Refresh {
    /// The step of the source has begun.
    pub(super) async fn closure(&self, closure: &Closure) -> Result<AccessToken, RefreshResult> {
        let (name, clock) = (closure.name(), self.cache.clock());
        let requested = clock.now();
        let new = ask(&format!("token `{name}`"), closure.clone().new_token()).await?;
        let token = match clean(new.secret.expose_secret()) {
            Ok(text) => AccessToken::new(&text.into(), requested, Some(new.life()), clock),
            Err(fault) => Err(fault),
        };
        token.map_err(|why| {
            let why = why.strip_prefix("it ").unwrap_or(why);
            let what =
                format!("the source of the token `{name}` returned no access token: it {why}");
            Error::credential_source(what, None).into()
        })
    }
}

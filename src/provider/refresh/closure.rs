//! A refresh with a token source of the program's own.

use secrecy::ExposeSecret;

use super::Refresh;
use crate::{
    error::Error,
    grant::Closure,
    provider::{policy::RefreshResult, source::ask},
    token::AccessToken,
};

impl Refresh {
    /// The step of the source has begun.
    pub(super) async fn closure(&self, closure: &Closure) -> Result<AccessToken, RefreshResult> {
        let (name, clock) = (closure.name(), self.cache.clock());
        let requested = clock.now();
        let new = ask(&format!("token `{name}`"), closure.clone().new_token()).await?;
        let token = AccessToken::new(&new.secret, requested, Some(new.life()), clock);
        token.map_err(|why| {
            let begins_with_scheme = new.secret.expose_secret().get(..7);
            let begins_with_scheme =
                begins_with_scheme.is_some_and(|text| text.eq_ignore_ascii_case("bearer "));
            let why = if begins_with_scheme {
                "it begins with `Bearer `; return the token alone"
            } else {
                why
            };
            let what = format!("the source of the token `{name}` returned no access token: {why}");
            Error::credential_source(what, None).into()
        })
    }
}

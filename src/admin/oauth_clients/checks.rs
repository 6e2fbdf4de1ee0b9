//! Checks the fields of an OAuth client before they are sent.
//!
//! Source: Genesys Cloud Resource Center, "Create an OAuth client".

use std::time::Duration;

use super::model::{GrantType, OAuthClient, RoleDivision, is_known_field};
use crate::{
    error::Error,
    grant::RedirectUri,
    platform_limits::{
        IMPLICIT_GRANT_CLOSED_SINCE, IMPLICIT_GRANT_ENDS, MAX_REDIRECT_URIS,
        MAX_SCIM_TOKEN_DURATION, TOKEN_DURATION,
    },
};

pub(super) fn check_name(name: &str) -> Result<(), Error> {
    if name.trim().is_empty() || name.contains(char::is_control) {
        return invalid("the OAuth client's name is empty or contains a control character");
    }
    Ok(())
}

pub(super) fn check_duration(duration: Duration, is_scim: bool) -> Result<(), Error> {
    let min = *TOKEN_DURATION.start();
    let (max, hint) = if is_scim {
        (MAX_SCIM_TOKEN_DURATION, "")
    } else {
        (
            *TOKEN_DURATION.end(),
            "; only a client for SCIM may have more (`scim()`)",
        )
    };
    if (min..=max).contains(&duration) && duration.subsec_nanos() == 0 {
        return Ok(());
    }
    invalid(format!(
        "the token duration is {duration:?}, and must be whole seconds from {} to {}{hint}",
        min.as_secs(),
        max.as_secs()
    ))
}

pub(super) fn check_roles(roles: &[RoleDivision]) -> Result<(), Error> {
    let is_wrong = |id: &str| id.is_empty() || id.contains(is_separator);
    if roles
        .iter()
        .any(|role| is_wrong(&role.role_id) || is_wrong(&role.division_id))
    {
        return invalid(
            "the id of a role or of its division is empty or contains a space; `*` stands for all \
             divisions",
        );
    }
    Ok(())
}

pub(super) fn check_redirect_uris(uris: &[String]) -> Result<(), Error> {
    if uris.is_empty() {
        return invalid("the OAuth client has no redirect URI, which its grant type needs");
    }
    if uris.len() > MAX_REDIRECT_URIS {
        let number = uris.len();
        return invalid(format!(
            "the OAuth client has {number} redirect URIs, and may have {MAX_REDIRECT_URIS}"
        ));
    }
    uris.iter()
        .try_for_each(|uri| RedirectUri::new(uri).map(drop))
}

pub(super) fn check_scopes(scopes: &[String]) -> Result<(), Error> {
    if scopes.is_empty() {
        return invalid("the OAuth client has no scope, which its grant type needs");
    }
    if scopes
        .iter()
        .any(|scope| scope.is_empty() || scope.contains(is_separator))
    {
        return invalid("a scope is empty or contains a space; each is a text of its own");
    }
    Ok(())
}

/// Checks what an update changes. What stays as it was is not checked, so that an old client that
/// breaks today's rules can still be disabled.
pub(super) fn check_change(before: &OAuthClient, after: &OAuthClient) -> Result<(), Error> {
    let mut names = after.other.names();
    if let Some(name) = names.find(|name| is_known_field(name)) {
        return invalid(format!(
            "`other` cannot set {name}, which has a field of its own"
        ));
    }
    if after.name != before.name {
        check_name(&after.name)?;
    }
    if let Some(duration) = after.token_duration
        && after.token_duration != before.token_duration
    {
        check_duration(duration, true)?;
    }
    let changes_grant = after.grant_type != before.grant_type;
    if changes_grant && after.grant_type == GrantType::Implicit {
        return invalid(format!(
            "clients cannot be changed to the implicit grant: since {IMPLICIT_GRANT_CLOSED_SINCE} \
             none is created with it, and it ends in {IMPLICIT_GRANT_ENDS}; use the authorization \
             code with PKCE"
        ));
    }
    if changes_grant || after.roles != before.roles || after.role_ids != before.role_ids {
        check_roles(&after.roles)?;
        check_grant_of_roles(after)?;
    }
    if !matches!(
        after.grant_type,
        GrantType::AuthorizationCode | GrantType::Saml2Bearer
    ) {
        return Ok(());
    }
    if changes_grant || after.redirect_uris != before.redirect_uris {
        check_redirect_uris(&after.redirect_uris)?;
    }
    if changes_grant || after.scopes != before.scopes {
        check_scopes(&after.scopes)?;
    }
    Ok(())
}

fn check_grant_of_roles(client: &OAuthClient) -> Result<(), Error> {
    match (&client.grant_type, client.has_roles()) {
        (GrantType::ClientCredentials, false) => invalid(NO_ROLE),
        // What another grant of tomorrow may have is not known.
        (GrantType::ClientCredentials | GrantType::Other(_), true) | (_, false) => Ok(()),
        (other, true) => Err(Error::roles_without_client_credentials(format!(
            "only an OAuth client with client credentials has roles, and the grant type of this one \
             is {other}; remove the roles, or switch the grant type to client credentials (Admin → \
             Integrations → OAuth)"
        ))),
    }
}

pub(super) fn invalid<T>(text: impl Into<std::borrow::Cow<'static, str>>) -> Result<T, Error> {
    Err(Error::configuration(text))
}

fn is_separator(c: char) -> bool {
    c.is_control() || c.is_whitespace()
}

pub(super) const NO_ROLE: &str = "an OAuth client with client credentials needs at least one role, because roles are what it may do";

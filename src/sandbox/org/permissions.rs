//! The permissions of the client's role, and those that calls need.

use http::StatusCode;

use crate::sandbox::http::error_response::ApiErrorResponse;

/// The permissions that a call needs.
#[derive(Clone, Copy)]
pub(crate) enum RequiredPermissions {
    All(&'static [&'static str]),
    Any(&'static [&'static str]),
}

/// The sandbox's own role, and the divisions in which users and the first client have it.
#[derive(Clone)]
pub(crate) struct Role {
    pub(crate) permissions: Vec<String>,
    pub(crate) divisions: Vec<String>,
}

/// What a caller may do: permissions, and the division in which it has them.
#[derive(Clone, Default)]
pub(crate) struct Permissions(Vec<(Vec<String>, String)>);

impl Permissions {
    /// Adds the permissions of a role in a division.
    pub(crate) fn add(&mut self, permissions: &[String], division: &str) {
        self.0.push((permissions.to_vec(), division.to_owned()));
    }

    /// Fails if a required permission is missing in every division.
    pub(crate) fn require(&self, required: RequiredPermissions) -> Result<(), ApiErrorResponse> {
        let has = |permission: &&str| {
            let mut granted = self.0.iter();
            granted.any(|(permissions, _)| contains(permissions, permission))
        };
        let (code, message, missing) = match required {
            RequiredPermissions::All(all) => {
                let missing: Vec<_> = all.iter().copied().filter(|one| !has(one)).collect();
                let message = "You are missing the following permission(s)";
                ("missing.permissions", message, missing)
            }
            RequiredPermissions::Any(any) if any.iter().any(has) => return Ok(()),
            RequiredPermissions::Any(any) => {
                let message = "You must have at least one of the following permissions assigned";
                ("missing.any.permissions", message, any.to_vec())
            }
        };
        if missing.is_empty() {
            return Ok(());
        }
        let missing = list(&missing);
        Err(forbidden(code, &format!("{message}: {missing}")).param("permissions", missing))
    }

    /// Fails if a required permission is missing in `division`.
    pub(crate) fn require_in(
        &self,
        division: &str,
        required: RequiredPermissions,
    ) -> Result<(), ApiErrorResponse> {
        self.require(required)?;
        let mut here = Self::default();
        for (permissions, granted_in) in &self.0 {
            if contains(std::slice::from_ref(granted_in), division) {
                here.add(permissions, division);
            }
        }
        if here.require(required).is_ok() {
            return Ok(());
        }
        let (RequiredPermissions::All(names) | RequiredPermissions::Any(names)) = required;
        let missing = list(names);
        // Neither this text nor the names of the parameters are known.
        let message = format!(
            "You are missing the following permission(s) in the division [{division}]: {missing}"
        );
        Err(forbidden("missing.division.permission", &message)
            .param("permissions", missing)
            .param("divisionId", division))
    }
}

impl Default for Role {
    fn default() -> Self {
        Self {
            permissions: vec![EVERY.to_owned()],
            divisions: vec![EVERY.to_owned()],
        }
    }
}

fn contains(granted: &[String], name: &str) -> bool {
    granted.iter().any(|one| one == EVERY || one == name)
}

/// Formats permissions as Genesys Cloud does.
fn list(permissions: &[&str]) -> String {
    format!("[{}]", permissions.join(", "))
}

fn forbidden(code: &'static str, message: &str) -> ApiErrorResponse {
    let message = format!("Unable to perform the requested action. {message}");
    ApiErrorResponse::new(StatusCode::FORBIDDEN, code, message)
}

const EVERY: &str = "*";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_lists_only_the_missing_permissions() {
        let role = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|&one| one.to_owned()).collect();
            let mut permissions = Permissions::default();
            permissions.add(&names, EVERY);
            permissions
        };
        let required = RequiredPermissions::All(&["a:b:view", "a:b:edit", "a:b:add"]);
        let all = role(&["a:b:add", "a:b:view", "a:b:edit"]);
        assert!(all.require(required).is_ok());
        assert!(role(&["*"]).require(required).is_ok());
        let error = role(&["a:b:edit", "a:b"]).require(required).unwrap_err();
        let debug = format!("{error:?}");
        assert!(debug.contains("\"missing.permissions\""), "{debug}");
        let listed = "permission(s): [a:b:view, a:b:add]\"";
        assert!(debug.contains(listed), "{debug}");
    }
}

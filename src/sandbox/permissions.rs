//! What a test decides about permissions.

use super::{Sandbox, org::settings::ROLE_ID};

/// # Permissions
///
/// By default the sandbox's role has every permission in every division. The first client and users
/// who log in have this role. A call that lacks a permission gets 403: `missing.permissions`,
/// `missing.any.permissions` if one of several is enough, or `missing.division.permission` if the role
/// has the permission in other divisions only. These calls need a permission:
///
/// | call | permission |
/// |---|---|
/// | `GET /api/v2/authorization/roles`, `…/{id}` | `authorization:role:view` |
/// | `GET /api/v2/oauth/clients`, `GET /api/v2/oauth/clients/{id}` | `oauth:client:view` |
/// | `POST /api/v2/oauth/clients` | `oauth:client:add` |
/// | `PUT /api/v2/oauth/clients/{id}`, `POST …/{id}/secret` | `oauth:client:edit` |
/// | `DELETE /api/v2/oauth/clients/{id}` | `oauth:client:delete` |
/// | `POST /api/v2/oauth/clients/{id}/usage/query`, `GET …/usage/summary` | `oauth:client:view` or `usage:client:view` |
/// | `POST /api/v2/usage/query` | `oauth:client:view` or `usage:organization:view` |
/// | `GET /api/v2/oauth/authorizations`, `…/{id}` | `oauth:client:authorize` |
/// | `DELETE /api/v2/tokens/{userId}` | `oauth:token:delete` in the user's division |
/// | `GET /api/v2/externalcontacts/contacts` | `externalContacts:contact:view` |
/// | those to integrations and their credentials | `integrations:integration:view`, `:add`, `:edit` or `:delete`, by the method |
/// | those to data actions | `integrations:action:view` (or, for published ones, `bridge:actions:view`), `:add`, `:edit` or `:delete`, by the method |
/// | `POST /api/v2/integrations/actions/{id}/execute`, `…/test` | `integrations:action:execute` or `bridge:actions:execute` |
/// | `POST /api/v2/integrations/actions/{id}/draft/test` | `integrations:action:execute` |
impl Sandbox {
    /// Sets the permissions of the sandbox's own role, such as `oauth:client:view`; `*` stands for all. The
    /// change applies from the next call on, also to tokens that were issued before.
    pub fn set_permissions<P: Into<String>>(&self, permissions: impl IntoIterator<Item = P>) {
        let permissions = permissions.into_iter().map(P::into).collect();
        self.org.set_permissions(permissions);
    }

    /// Adds a role with these permissions, and returns its id, for the roles of OAuth clients.
    pub fn add_role<P: Into<String>>(&self, permissions: impl IntoIterator<Item = P>) -> String {
        self.org
            .add_role(permissions.into_iter().map(P::into).collect())
    }

    /// The id of the sandbox's own role.
    #[must_use]
    pub fn role_id(&self) -> &str {
        ROLE_ID
    }

    /// Sets the ids of the divisions in which the client has its role; `*` stands for all. Without a
    /// division the client has no permission.
    pub fn set_divisions<D: Into<String>>(&self, divisions: impl IntoIterator<Item = D>) {
        let divisions = divisions.into_iter().map(D::into).collect();
        self.org.set_divisions(divisions);
    }

    /// The id of the division that the users are in.
    #[must_use]
    pub fn division_id(&self) -> &str {
        &self.org.division_id
    }

    /// Sets whether the organisation accepts calls from the caller's IP address. If it does not, each
    /// call gets 401 `ip.not.authorized`. Tokens stay as they are.
    pub fn set_ip_authorized(&self, authorized: bool) {
        self.org.set_ip_authorized(authorized);
    }
}

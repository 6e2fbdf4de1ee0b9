//! Administration: OAuth clients, integrations with their credentials, data actions.
//!
//! The handles here send their requests through a [`PlatformClient`](crate::PlatformClient), so they
//! share its tokens, its timeout and its retry policy.
//!
//! - The documentation of each method names the permission that the caller's OAuth client needs. A
//!   missing one is [`AccessDenied`](crate::ErrorKind::AccessDenied), which lists it.
//! - What a server adds tomorrow is kept: fields in [`OtherFields`], values of an enumeration in its
//!   `Other`.
//! - A request that creates something or generates a secret is sent once. Where its response is lost,
//!   [`Error::is_outcome_unknown`](crate::Error::is_outcome_unknown) is `true`, and the text says what
//!   to look for.
//! - A deletion may be sent again by the retry policy. If the object is gone then, it counts as done.
//! - A listing in pages that changes while it is read contains each object at most once; one that moves
//!   to an earlier page may be missing.
//! - After a change Genesys Cloud may return the former state for some seconds.
//!
//! The guides [OAuth clients in Genesys Cloud](crate::guide::oauth_clients) and [Data
//! actions](crate::guide::data_actions) explain what they are for.

mod data_actions;
mod fields;
mod integrations;
mod json_document;
mod oauth_clients;
mod open_enum;
mod poll;
mod repeat;
mod send;

pub use data_actions::{
    DataActions,
    filter::DataActionFilter,
    model::{
        DataAction, DataActionConfig, DataActionContract, DataActionRequest, DataActionResponse,
    },
    new_action::NewDataAction,
    testing::{DraftValidation, TestResult, TestStep},
};
pub use fields::OtherFields;
pub use integrations::{
    Integrations,
    credentials::{Credential, CredentialType},
    model::{
        Integration, IntegrationConfiguration, IntendedState, ReportedState, ReportedStateCode,
    },
    new_credential::{CredentialKind, NewCredential},
};
pub use json_document::JsonDocument;
pub use oauth_clients::{
    OAuthClients,
    authorizations::{AuthorizationState, OAuthAuthorization, OAuthScope},
    delete::Deletion,
    model::{ClientState, GrantType, OAuthClient, OAuthClientWithSecret, RoleDivision},
    new_client::{NewOAuthClient, WithRedirectUris, WithRoles},
    usage::{Usage, UsageDimension, UsageGranularity, UsageQuery, UsageRow},
};

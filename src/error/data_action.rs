//! Why a data action failed.

use std::fmt;

use http::StatusCode;

/// Why a data action failed: the part of an [`ApiError`](super::ApiError) that belongs to the data
/// action and not to the call that executed it.
///
/// ```
/// # use genesys_cloud_auth::{Error, ErrorKind, error::DataActionErrorClass};
/// fn report(error: &Error) {
///     let ErrorKind::Api(response) = error.kind() else { return };
///     let Some(failure) = &response.data_action else { return };
///     if failure.class == DataActionErrorClass::Authentication {
///         eprintln!("update the integration's credential");
///     }
///     eprintln!("{:?}: {:?}", failure.remote_status, failure.remote_message);
/// }
/// ```
///
/// Source: Genesys Cloud Resource Center, "Test and troubleshoot data actions".
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DataActionError {
    /// What failed.
    pub class: DataActionErrorClass,
    /// The HTTP status of the web service, where the response has it.
    pub remote_status: Option<StatusCode>,
    /// The words of the web service, where the response repeats them.
    pub remote_message: Option<String>,
}

/// What failed when a data action ran. Genesys Cloud documents the classes and not all of their codes,
/// so this is read from codes and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataActionErrorClass {
    /// The web service or its token endpoint does not accept the integration's credential.
    Authentication,
    /// The certificate of the web service is not accepted.
    Certificate,
    /// Genesys Cloud could not process the request, the templates or the response.
    Processing,
    /// The web service responded with an error.
    RemoteEndpoint,
    /// The input or the result does not match the contract.
    Schema,
    /// None of these can be recognised.
    Unknown,
}

impl DataActionErrorClass {
    /// Finds the class by the codes and messages of a response.
    pub(super) fn of(codes: &[&str], messages: &[&str], is_remote: bool) -> Self {
        let has_code = |parts: &[&str]| {
            let mut codes = codes.iter().map(|code| code.to_ascii_uppercase());
            codes.any(|code| parts.iter().any(|part| code.contains(part)))
        };
        let says = |words: &[&str]| {
            let mut messages = messages.iter().map(|message| message.to_ascii_lowercase());
            messages.any(|message| words.iter().any(|word| message.contains(word)))
        };
        if has_code(&["CERTIFICATE"]) || says(&["certificate", "pkix"]) {
            Self::Certificate
        } else if has_code(&[
            "INVALID_CREDENTIALS",
            "INVALID.CREDENTIALS",
            "AUTHENTICATION",
        ]) {
            Self::Authentication
        } else if has_code(&["SCHEMA"]) {
            Self::Schema
        } else if has_code(&["PROCESSING", "NO.RESULTS", "TOO.MANY.RESULTS"]) {
            Self::Processing
        } else if is_remote
            || has_code(&["REMOTE", "ENDPOINT"])
            || says(&["request to backend service failed"])
        {
            Self::RemoteEndpoint
        } else {
            Self::Unknown
        }
    }
}

impl fmt::Display for DataActionErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authentication => "the web service does not accept the integration's credential",
            Self::Certificate => "the certificate of the web service is not accepted",
            Self::Processing => "the request or the response could not be processed",
            Self::RemoteEndpoint => "the web service responded with an error",
            Self::Schema => "the input or the result does not match the contract",
            Self::Unknown => "the class of the failure is not known",
        })
    }
}

impl fmt::Display for DataActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the data action failed: {}", self.class)?;
        let status = self.remote_status;
        status.map_or(Ok(()), |status| {
            write!(f, " (remote status {})", status.as_u16())
        })
    }
}

impl std::error::Error for DataActionError {}

//! The results of validations and tests.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::{
    admin::{
        fields::{OtherFields, null_as_default},
        json_document::JsonDocument,
    },
    error::ErrorDetail,
};

/// The result of a test of a data action, step by step. Genesys Cloud removes the values of
/// `Authorization` from it.
///
/// Source: Genesys Cloud Platform API, the schema `TestExecutionResult`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TestResult {
    /// Whether the action succeeded.
    #[serde(default, deserialize_with = "null_as_default")]
    pub success: bool,
    /// What was done, in this order.
    #[serde(default, rename = "operations", deserialize_with = "null_as_default")]
    pub steps: Vec<TestStep>,
    /// Why it failed.
    #[serde(default, deserialize_with = "detail")]
    pub error: Option<ErrorDetail>,
    /// The result, as a flow gets it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub final_result: JsonDocument,
    /// The fields that this crate does not know.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// A step of a test.
///
/// Source: Genesys Cloud Platform API, the schema `TestExecutionOperationResult`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TestStep {
    /// Its number.
    pub step: Option<i64>,
    /// What it does.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// Whether it succeeded.
    #[serde(default, deserialize_with = "null_as_default")]
    pub success: bool,
    /// What it resulted in.
    #[serde(default, deserialize_with = "null_as_default")]
    pub result: JsonDocument,
    /// Why it failed.
    #[serde(default, deserialize_with = "detail")]
    pub error: Option<ErrorDetail>,
    /// The fields that this crate does not know.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// Whether a draft could be published.
///
/// Source: Genesys Cloud Platform API, the schema `DraftValidationResult`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DraftValidation {
    /// Whether it could.
    #[serde(default, deserialize_with = "null_as_default")]
    pub valid: bool,
    /// What is missing or wrong.
    #[serde(default, deserialize_with = "details")]
    pub errors: Vec<ErrorDetail>,
    /// The fields that this crate does not know.
    #[serde(flatten)]
    pub other: OtherFields,
}

fn detail<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ErrorDetail>, D::Error> {
    let error = Option::<Map<String, Value>>::deserialize(deserializer)?;
    Ok(error.as_ref().map(ErrorDetail::read))
}

fn details<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ErrorDetail>, D::Error> {
    let errors = Option::<Vec<Map<String, Value>>>::deserialize(deserializer)?;
    let errors = errors.unwrap_or_default();
    Ok(errors.iter().map(ErrorDetail::read).collect())
}

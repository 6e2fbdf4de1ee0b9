//! What both hosts need to read requests and to write responses.

pub(super) mod admission;
pub(super) mod counter;
pub(super) mod error_response;
pub(super) mod form;
pub(super) mod params;
pub(super) mod request_log;

//! Parses the input as a SAML assertion.

#![no_main]

libfuzzer_sys::fuzz_target!(|given: &[u8]| genesys_cloud_auth::fuzzing::assertion(given));

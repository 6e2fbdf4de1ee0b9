//! Parses the input as a URL that a user pastes, or that a web application receives.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| genesys_cloud_auth::fuzzing::pasted(text));

//! What a user pastes, and what a web application is called back with.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| genesys_cloud_auth::fuzzing::pasted(text));

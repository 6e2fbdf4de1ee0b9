//! Reads the input as a request to the redirect URI.

#![no_main]

libfuzzer_sys::fuzz_target!(|head: &[u8]| genesys_cloud_auth::fuzzing::callback(head));

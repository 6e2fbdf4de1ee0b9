//! The integration tests: one binary, so that TLS and HTTP are linked once.

mod sandbox;

//! Proof Key for Code Exchange (RFC 7636), by S256.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Whether this is what S256 gives.
pub(super) fn is_challenge(challenge: &str) -> bool {
    let digest = URL_SAFE_NO_PAD.decode(challenge);
    digest.is_ok_and(|digest| digest.len() == digest::SHA256_OUTPUT_LEN)
}

/// Whether there is a verifier exactly where there was a challenge, and the right one (RFC 7636
/// section 4.6).
pub(super) fn verifies(verifier: Option<&str>, challenge: Option<&str>) -> bool {
    match (verifier, challenge) {
        (None, None) => true,
        (Some(verifier), Some(challenge)) => {
            let digest = digest::digest(&digest::SHA256, verifier.as_bytes());
            let expected = URL_SAFE_NO_PAD.encode(digest);
            let same = verify_slices_are_equal(expected.as_bytes(), challenge.as_bytes());
            is_verifier(verifier) && same.is_ok()
        }
        _ => false,
    }
}

/// RFC 7636 section 4.1.
fn is_verifier(verifier: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&verifier.len()) && verifier.bytes().all(is_unreserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_of_the_rfc_belongs_to_its_challenge() {
        let (verifier, challenge) = (Some(VERIFIER), Some(CHALLENGE));
        assert!(verifies(verifier, challenge) && verifies(None, None));
        assert!(!verifies(None, challenge) && !verifies(verifier, None));
        assert!(!verifies(Some(&VERIFIER.to_uppercase()), challenge));
    }

    #[test]
    fn a_verifier_has_43_to_128_unreserved_characters() {
        for (verifier, is) in [
            ("a".repeat(42), false),
            ("a".repeat(43), true),
            ("-._~0Zz".repeat(10), true),
            ("a".repeat(128), true),
            ("a".repeat(129), false),
            ("a".repeat(42) + "+", false),
            ("a".repeat(42) + "é", false),
        ] {
            let digest = digest::digest(&digest::SHA256, verifier.as_bytes());
            let challenge = URL_SAFE_NO_PAD.encode(digest);
            assert_eq!(
                verifies(Some(&verifier), Some(&challenge)),
                is,
                "{verifier}"
            );
        }
    }

    #[test]
    fn a_challenge_has_the_length_of_a_digest() {
        // Any 32 bytes do: a verifier of 43 characters has the form, too.
        assert!(is_challenge(CHALLENGE) && is_challenge(VERIFIER));
        let padded = format!("{CHALLENGE}=");
        for wrong in [
            "",
            "a",
            &VERIFIER.repeat(2),
            &CHALLENGE.replace('-', "+"),
            &padded,
        ] {
            assert!(!is_challenge(wrong), "{wrong}");
        }
    }

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
}

//! Proof Key for Code Exchange (RFC 7636) with the method S256.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Whether the text has the form of a challenge of S256.
pub(crate) fn is_challenge(challenge: &str) -> bool {
    let digest = URL_SAFE_NO_PAD.decode(challenge);
    digest.is_ok_and(|digest| digest.len() == digest::SHA256_OUTPUT_LEN)
}

/// Whether the verifier matches the challenge (RFC 7636 section 4.6). Without a challenge there must
/// be no verifier.
pub(crate) fn matches_challenge(verifier: Option<&str>, challenge: Option<&str>) -> bool {
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
    fn verifier_of_the_rfc_matches_its_challenge_only() {
        let (verifier, challenge) = (Some(VERIFIER), Some(CHALLENGE));
        assert!(matches_challenge(verifier, challenge));
        assert!(matches_challenge(None, None));
        assert!(!matches_challenge(None, challenge));
        assert!(!matches_challenge(verifier, None));
        assert!(!matches_challenge(
            Some(&VERIFIER.to_uppercase()),
            challenge
        ));
    }

    #[test]
    fn verifier_has_43_to_128_unreserved_characters() {
        for (verifier, is_valid) in [
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
            let matches = matches_challenge(Some(&verifier), Some(&challenge));
            assert_eq!(matches, is_valid, "{verifier}");
        }
    }

    #[test]
    fn challenge_has_the_length_of_a_digest() {
        // Any 32 bytes are a challenge, so a verifier of 43 characters has the form, too.
        assert!(is_challenge(CHALLENGE));
        assert!(is_challenge(VERIFIER));
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

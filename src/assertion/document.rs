//! A look at what is to be sent.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_lc_rs::digest;
use zeroize::Zeroizing;

use super::{BYTE_ORDER_MARK, Found, Given, scan_xml};
use crate::error::{InvalidAssertion, StaleAssertion, XmlFault};

/// One signed assertion, alone or in its Response, as its maker wrote it. Whether it is true, the
/// server knows.
#[derive(Clone)]
pub(crate) struct Looked {
    pub(super) xml: Arc<Zeroizing<Vec<u8>>>,
    /// Where `found` counts from: behind a byte order mark.
    pub(super) start: usize,
    pub(super) found: Arc<Found>,
    fingerprint: [u8; digest::SHA256_OUTPUT_LEN],
}

impl Looked {
    /// A one-way fingerprint of the assertion, whatever it came in.
    pub(crate) fn fingerprint(&self) -> [u8; digest::SHA256_OUTPUT_LEN] {
        self.fingerprint
    }

    /// Why the assertion is worth nothing now, on a clock that may be wrong by a minute either way.
    pub(crate) fn stale(&self, wall: SystemTime) -> Option<StaleAssertion> {
        let ended = self.found.ends().filter(|ends| later(*ends) <= wall);
        let early = self.found.starts().filter(|starts| later(wall) < *starts);
        let ended = ended.map(StaleAssertion::Ended);
        ended.or(early.map(StaleAssertion::NotBefore))
    }

    /// The bytes of the assertion itself.
    pub(super) fn assertion(&self) -> &[u8] {
        let range = &self.found.assertion.range;
        let text = self.xml.get(self.start..).unwrap_or_default();
        text.get(range.clone()).unwrap_or_default()
    }
}

/// Reads what was given, and says what is wrong with it.
pub(crate) fn read(given: &Given) -> Result<Looked, InvalidAssertion> {
    let xml = given.xml()?;
    let text = xml.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&xml);
    let start = xml.len() - text.len();
    let text = str::from_utf8(text).map_err(|_| XmlFault::Encoding)?;
    let found = Arc::new(scan_xml(text)?);
    let mut looked = Looked {
        xml,
        start,
        found,
        fingerprint: [0; digest::SHA256_OUTPUT_LEN],
    };
    let hash = digest::digest(&digest::SHA256, looked.assertion());
    looked.fingerprint.copy_from_slice(hash.as_ref());
    Ok(looked)
}

fn later(time: SystemTime) -> SystemTime {
    time.checked_add(TOLERANCE).unwrap_or(time)
}

/// How far this machine's clock and the server's may be apart.
const TOLERANCE: Duration = Duration::from_secs(60);

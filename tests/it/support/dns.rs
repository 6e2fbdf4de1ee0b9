//! A DNS resolver with names of the test's own, which counts its lookups: one for each connection.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use genesys_cloud_auth::{HttpClient, Region};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Resolves every name to one address, or to none.
#[derive(Clone, Default)]
pub struct DnsStub(Arc<Inner>);

#[derive(Default)]
struct Inner {
    address: Mutex<Option<SocketAddr>>,
    lookups: AtomicUsize,
    /// The number of first lookups that fail.
    failing: AtomicUsize,
}

impl DnsStub {
    pub fn resolve_to(&self, address: SocketAddr) {
        *self.0.address.lock().unwrap() = Some(address);
    }

    pub fn resolve_to_nothing(&self) {
        *self.0.address.lock().unwrap() = None;
    }

    pub fn fail_first_lookup(&self) {
        self.0.failing.store(1, Ordering::SeqCst);
    }

    /// The number of lookups so far.
    pub fn lookups(&self) -> usize {
        self.0.lookups.load(Ordering::SeqCst)
    }

    /// An HTTP client that resolves names here and trusts only `certificate`.
    pub fn http_client(&self, certificate: &reqwest::Certificate) -> HttpClient {
        let (dns, certificate) = (self.clone(), certificate.clone());
        HttpClient::new(move |reqwest| {
            reqwest
                .no_proxy()
                .dns_resolver(dns.clone())
                .tls_certs_only([certificate.clone()])
        })
        .unwrap()
    }
}

impl Resolve for DnsStub {
    fn resolve(&self, _: Name) -> Resolving {
        let before = self.0.lookups.fetch_add(1, Ordering::SeqCst);
        let succeeds = before >= self.0.failing.load(Ordering::SeqCst);
        let address = self.0.address.lock().unwrap().filter(|_| succeeds);
        Box::pin(async move {
            let addresses = address.map(|address| Box::new(std::iter::once(address)) as Addrs);
            addresses.ok_or_else(|| "no such name".into())
        })
    }
}

/// A region whose login and API have one name on another machine.
pub fn remote_region() -> Region {
    let url = format!("https://{REMOTE}");
    Region::custom(&url, &url).unwrap()
}

pub const REMOTE: &str = "genesys.test";

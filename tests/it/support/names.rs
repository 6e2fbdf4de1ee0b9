//! Names that the test gives addresses to, and how often they were asked for: once a connection.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use genesys_cloud_auth::{HttpClient, Region};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// All names have one address, or none.
#[derive(Clone, Default)]
pub struct Names(Arc<Inner>);

#[derive(Default)]
struct Inner {
    address: Mutex<Option<SocketAddr>>,
    asked: AtomicUsize,
    /// How many of the first questions find nothing.
    missing: AtomicUsize,
}

impl Names {
    pub fn lead_to(&self, address: SocketAddr) {
        *self.0.address.lock().unwrap() = Some(address);
    }

    pub fn lead_nowhere(&self) {
        *self.0.address.lock().unwrap() = None;
    }

    /// The first question finds nothing.
    pub fn first_without_address(&self) {
        self.0.missing.store(1, Ordering::SeqCst);
    }

    /// How often an address was wanted.
    pub fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// Connections that find their hosts here and trust `certificate` alone.
    pub fn http_client(&self, certificate: &reqwest::Certificate) -> HttpClient {
        let (names, certificate) = (self.clone(), certificate.clone());
        HttpClient::new(move |reqwest| {
            reqwest
                .no_proxy()
                .dns_resolver(names.clone())
                .tls_certs_only([certificate.clone()])
        })
        .unwrap()
    }
}

impl Resolve for Names {
    fn resolve(&self, _: Name) -> Resolving {
        let before = self.0.asked.fetch_add(1, Ordering::SeqCst);
        let there = before >= self.0.missing.load(Ordering::SeqCst);
        let address = self.0.address.lock().unwrap().filter(|_| there);
        Box::pin(async move {
            let addresses = address.map(|address| Box::new(std::iter::once(address)) as Addrs);
            addresses.ok_or_else(|| "no such name".into())
        })
    }
}

/// The login and the API under one name on another machine.
pub fn remote_region() -> Region {
    let url = format!("https://{REMOTE}");
    Region::custom(&url, &url).unwrap()
}

pub const REMOTE: &str = "genesys.test";

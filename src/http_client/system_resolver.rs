//! Looks host names up with the system's resolver, on threads of its own.
//!
//! Where no name server responds, the system's resolver blocks for up to minutes, and nothing can stop
//! it. reqwest runs it on a thread of the tokio runtime, and a runtime that ends waits for its threads:
//! a program whose request has failed would still not end.

use std::{
    collections::HashMap,
    io,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
    thread,
};

use parking_lot::Mutex;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::watch;

/// The system's resolver.
pub(super) struct SystemResolver {
    look_up: Arc<LookUp>,
    /// The lookups that run, by name. A name has one thread at most.
    running: Mutex<HashMap<String, Lookup>>,
}

type LookUp = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// Receives the result of a lookup. Its sender is gone once the lookup has ended.
type Lookup = watch::Receiver<Option<Result<Vec<SocketAddr>, Arc<io::Error>>>>;

impl SystemResolver {
    fn with(look_up: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Self {
        Self {
            look_up: Arc::new(look_up),
            running: Mutex::default(),
        }
    }

    /// Starts to look a name up, unless that is under way.
    fn start(&self, name: &str) -> io::Result<Lookup> {
        let mut running = self.running.lock();
        running.retain(|_, lookup| lookup.has_changed().is_ok());
        if let Some(lookup) = running.get(name) {
            return Ok(lookup.clone());
        }
        let (sender, lookup) = watch::channel(None);
        let (look_up, host) = (Arc::clone(&self.look_up), name.to_owned());
        let thread = thread::Builder::new().name("name-lookup".to_owned());
        thread.spawn(move || {
            sender.send_replace(Some(look_up(&host).map_err(Arc::new)));
        })?;
        running.insert(name.to_owned(), lookup.clone());
        Ok(lookup)
    }
}

impl Default for SystemResolver {
    fn default() -> Self {
        // Port 0 stands for the port in the URL.
        Self::with(|name| Ok((name, 0).to_socket_addrs()?.collect()))
    }
}

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = self.start(name.as_str());
        Box::pin(async move {
            let mut lookup = lookup?;
            let result = lookup.wait_for(Option::is_some).await;
            let result = result.ok().and_then(|result| result.clone());
            let addresses = result.ok_or("the lookup ended without a result")??;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use tokio::runtime::Builder;

    use super::*;

    /// A resolver whose lookups send the name, and end when the other sender sends or is dropped.
    fn gated() -> (SystemResolver, mpsc::Receiver<String>, mpsc::Sender<()>) {
        let ((asked, names), (release, gate)) = (mpsc::channel(), mpsc::channel());
        let gate = Mutex::new(gate);
        let resolver = SystemResolver::with(move |name| {
            asked.send(name.to_owned()).unwrap();
            let _ = gate.lock().recv();
            if name == "none.test" {
                return Err(io::Error::other("no such name"));
            }
            Ok(vec![([192, 0, 2, 1], 0).into()])
        });
        (resolver, names, release)
    }

    fn name(name: &str) -> Name {
        name.parse().unwrap()
    }

    #[test]
    fn runtime_ends_while_a_lookup_hangs() {
        for threads in [0, 1] {
            let (resolver, names, release) = gated();
            let (ended, end) = mpsc::channel();
            thread::spawn(move || {
                let mut builder = match threads {
                    0 => Builder::new_current_thread(),
                    _ => Builder::new_multi_thread(),
                };
                let runtime = builder.build().unwrap();
                runtime.spawn(resolver.resolve(name("a.test")));
                let host = names.recv().unwrap();
                drop(runtime);
                ended.send(host).unwrap();
            });
            assert_eq!(end.recv_timeout(TEST_TIMEOUT).as_deref(), Ok("a.test"));
            drop(release);
        }
    }

    #[test]
    fn name_is_looked_up_once_at_a_time() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let (resolver, names, release) = gated();
        for expected in [Some("192.0.2.1:0"), None, Some("192.0.2.1:0")] {
            let host = expected.map_or("none.test", |_| "a.test");
            let lookups: Vec<_> = (0..100).map(|_| resolver.resolve(name(host))).collect();
            assert_eq!(names.recv_timeout(TEST_TIMEOUT).as_deref(), Ok(host));
            release.send(()).unwrap();
            for lookup in lookups {
                let result = runtime.block_on(lookup);
                let addresses = result.map_err(|error| error.to_string());
                let addresses = addresses.map(|found| found.map(|found| found.to_string()));
                match expected {
                    Some(address) => assert_eq!(addresses.unwrap().collect::<Vec<_>>(), [address]),
                    None => assert_eq!(addresses.err().unwrap(), "no such name"),
                }
            }
            // The thread of this lookup may still be about to end.
            while resolver
                .running
                .lock()
                .values()
                .any(|lookup| lookup.has_changed().is_ok())
            {
                thread::yield_now();
            }
            assert!(names.try_recv().is_err(), "one thread for all");
        }
    }

    #[test]
    fn lookup_that_panics_is_an_error_and_is_started_again() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let resolver = SystemResolver::with(|_| panic!("planted"));
        for _ in 0..2 {
            let result = runtime.block_on(resolver.resolve(name("a.test")));
            let error = result.err().unwrap().to_string();
            assert_eq!(error, "the lookup ended without a result");
        }
    }

    const TEST_TIMEOUT: Duration = Duration::from_secs(20);
}

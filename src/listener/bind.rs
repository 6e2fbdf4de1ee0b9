//! Binds one port on the loopback addresses only.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener},
};

/// The host of a redirect URI on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoopbackHost {
    /// `localhost`: a browser uses either address.
    Localhost,
    /// `127.0.0.1`.
    V4,
    /// `[::1]`.
    V6,
}

impl LoopbackHost {
    /// The host as in a URI.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Localhost => "localhost",
            Self::V4 => "127.0.0.1",
            Self::V6 => "[::1]",
        }
    }

    fn addresses(self) -> &'static [IpAddr] {
        const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
        const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
        match self {
            Self::Localhost => &[V4, V6],
            Self::V4 => &[V4],
            Self::V6 => &[V6],
        }
    }
}

/// Host and port of the redirect URI.
#[derive(Clone, Copy, Debug)]
pub(super) struct Authority {
    pub(super) host: LoopbackHost,
    pub(super) port: u16,
}

impl Authority {
    /// Whether a browser that follows the redirect URI sends this `Host`. Other names of this machine
    /// are rejected, since DNS rebinding would use them.
    pub(super) fn matches_host(self, host: &str) -> bool {
        let name = self.host.as_str();
        let (given, port) = host.split_at_checked(name.len()).unwrap_or((host, ""));
        let matches_port = match port.strip_prefix(':') {
            Some("") => self.port == HTTP_PORT,
            Some(digits) => digits == self.port.to_string(),
            None => port.is_empty() && self.port == HTTP_PORT,
        };
        given.eq_ignore_ascii_case(name) && matches_port
    }
}

/// None of the ports could be bound.
#[derive(Debug)]
pub(crate) struct NoPort {
    tried: Vec<(u16, io::Error)>,
}

impl fmt::Display for NoPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no port for the redirect is free on this machine")?;
        for (at, (port, error)) in self.tried.iter().enumerate() {
            let separator = if at == 0 { ": " } else { "; " };
            match port {
                0 => write!(f, "{separator}any port: {error}")?,
                port => write!(f, "{separator}port {port}: {error}")?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for NoPort {}

/// Binds the first of `ports` that is free on all addresses of `host` that the machine has.
pub(super) fn bind_first_free(
    host: LoopbackHost,
    ports: &[u16],
) -> Result<(Authority, Vec<TcpListener>), NoPort> {
    let mut tried = Vec::new();
    for &port in ports {
        match bind_port(host, port) {
            Ok(bound) => return Ok(bound),
            Err(error) => tried.push((port, error)),
        }
    }
    Err(NoPort { tried })
}

fn bind_port(host: LoopbackHost, port: u16) -> io::Result<(Authority, Vec<TcpListener>)> {
    let mut attempts = if port == 0 { MAX_ANY_PORT_ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        match bind_all(host.addresses(), port) {
            // The port that the system chose for the first address is in use on the second.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempts > 0 => {}
            result => {
                let (port, sockets) = result?;
                return Ok((Authority { host, port }, sockets));
            }
        }
    }
}

fn bind_all(addresses: &[IpAddr], mut port: u16) -> io::Result<(u16, Vec<TcpListener>)> {
    let mut sockets = Vec::new();
    let mut missing = None;
    for &address in addresses {
        match TcpListener::bind((address, port)) {
            Ok(socket) => {
                socket.set_nonblocking(true)?;
                port = socket.local_addr()?.port();
                sockets.push(socket);
            }
            Err(error) if is_absent(&error) => missing = Some(error),
            Err(error) => return Err(error),
        }
    }
    match missing {
        Some(error) if sockets.is_empty() => Err(error),
        _ => Ok((port, sockets)),
    }
}

/// Whether the machine lacks the address. After any other error another program may own the port,
/// and would receive the code.
fn is_absent(error: &io::Error) -> bool {
    #[cfg(unix)]
    let no_such_family = rustix::io::Errno::AFNOSUPPORT.raw_os_error();
    #[cfg(not(unix))]
    let no_such_family = 10_047; // WSAEAFNOSUPPORT
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(no_such_family)
}

/// The default port of `http`, which browsers leave out of `Host`.
const HTTP_PORT: u16 = 80;

const MAX_ANY_PORT_ATTEMPTS: usize = 16;

#[cfg(test)]
mod tests;

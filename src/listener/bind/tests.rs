use tokio::net::TcpSocket;

use super::*;
use crate::listener::tests::free_port;

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// Addresses for documentation (RFC 5737, RFC 3849), which no machine has.
const ABSENT_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const ABSENT_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

fn addresses(sockets: &[TcpListener]) -> Vec<IpAddr> {
    let address = |socket: &TcpListener| socket.local_addr().unwrap().ip();
    sockets.iter().map(address).collect()
}

#[test]
fn host_binds_its_loopback_addresses_only() {
    for (host, expected) in [
        (LoopbackHost::Localhost, &[V4, V6][..]),
        (LoopbackHost::V4, &[V4]),
        (LoopbackHost::V6, &[V6]),
    ] {
        let (authority, sockets) = bind_first_free(host, &[0]).unwrap();
        assert_eq!(addresses(&sockets), expected);
        for socket in &sockets {
            assert_eq!(socket.local_addr().unwrap().port(), authority.port);
        }
    }
}

#[test]
fn port_in_use_on_either_address_is_skipped() {
    for held in [
        V4,
        V6,
        Ipv4Addr::UNSPECIFIED.into(),
        Ipv6Addr::UNSPECIFIED.into(),
    ] {
        let taken = free_port();
        let neighbour = TcpListener::bind((held, taken)).unwrap();
        let next = free_port();
        let (authority, sockets) =
            bind_first_free(LoopbackHost::Localhost, &[taken, next]).unwrap();
        assert_eq!(authority.port, next, "{held}");
        assert_eq!(addresses(&sockets), [V4, V6], "{held}");

        let error = bind_first_free(LoopbackHost::Localhost, &[taken]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("port {taken}: ")), "{text}");
        assert_eq!(error.tried[0].1.kind(), io::ErrorKind::AddrInUse, "{held}");
        // The port on the other address is free again.
        drop(neighbour);
        let (authority, _) = bind_first_free(LoopbackHost::Localhost, &[taken]).unwrap();
        assert_eq!(authority.port, taken, "{held}");
    }
}

#[test]
fn empty_list_of_ports_is_an_error() {
    let error = bind_first_free(LoopbackHost::V4, &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no port for the redirect is free on this machine"
    );
}

#[test]
fn missing_address_is_left_out() {
    for (given, expected) in [([V4, ABSENT_V6], [V4]), ([ABSENT_V4, V6], [V6])] {
        for port in [0, free_port()] {
            let (port, sockets) = bind_all(&given, port).unwrap();
            assert_eq!(addresses(&sockets), expected);
            assert_eq!(sockets[0].local_addr().unwrap().port(), port);
        }
    }
    let error = bind_all(&[ABSENT_V4, ABSENT_V6], 0).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
}

#[cfg(unix)]
#[test]
fn only_a_missing_address_counts_as_absent() {
    use rustix::io::Errno;
    let absent = |errno: Errno| is_absent(&errno.into());
    assert!(absent(Errno::ADDRNOTAVAIL) && absent(Errno::AFNOSUPPORT));
    for errno in [
        Errno::ADDRINUSE,
        Errno::ACCESS,
        Errno::PERM,
        Errno::MFILE,
        Errno::NFILE,
    ] {
        assert!(!absent(errno), "{errno}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn other_programs_cannot_share_the_port() {
    let neighbour = |address: IpAddr, port: u16| {
        let socket = match address {
            IpAddr::V4(_) => TcpSocket::new_v4(),
            IpAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        socket.set_reuseaddr(true)?;
        socket.set_reuseport(true)?;
        socket.bind((address, port).into())?;
        socket.listen(1)
    };
    for address in [
        V4,
        V6,
        Ipv4Addr::UNSPECIFIED.into(),
        Ipv6Addr::UNSPECIFIED.into(),
    ] {
        let (authority, _sockets) = bind_first_free(LoopbackHost::Localhost, &[0]).unwrap();
        let error = neighbour(address, authority.port).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{address}");

        let port = free_port();
        let _held = neighbour(address, port).unwrap();
        bind_first_free(LoopbackHost::Localhost, &[port]).unwrap_err();
    }
}

#[test]
fn host_must_be_spelled_as_in_the_redirect_uri() {
    let matches = |host, port, given: &str| Authority { host, port }.matches_host(given);
    for (host, name) in [
        (LoopbackHost::Localhost, "localhost"),
        (LoopbackHost::V4, "127.0.0.1"),
        (LoopbackHost::V6, "[::1]"),
    ] {
        assert!(matches(host, 49_152, &format!("{name}:49152")));
        assert!(matches(host, 80, name) && matches(host, 80, &format!("{name}:80")));
        assert!(!matches(host, 49_152, name) && !matches(host, 49_152, &format!("{name}:80")));
        for given in [
            String::new(),
            ":49152".to_owned(),
            format!("{name}:"),
            format!("{name}:049152"),
            format!("{name}:+49152"),
            format!("{name}:49152 "),
            format!(" {name}:49152"),
            format!("{name}.:49152"),
            format!("{name}:49152:49152"),
            format!("{name}:49152, {name}:49152"),
            format!("user@{name}:49152"),
            format!("http://{name}:49152"),
            format!("{name}.evil.example:49152"),
            format!("evil.{name}:49152"),
            "évil:49152".to_owned(),
            "127.1:49152".to_owned(),
            "0.0.0.0:49152".to_owned(),
            "[0:0:0:0:0:0:0:1]:49152".to_owned(),
            "::1:49152".to_owned(),
        ] {
            assert!(!matches(host, 49_152, &given), "{given}");
        }
    }
    assert!(matches(LoopbackHost::Localhost, 49_152, "LocalHost:49152"));
    assert!(!matches(LoopbackHost::Localhost, 49_152, "127.0.0.1:49152"));
    assert!(!matches(LoopbackHost::V4, 49_152, "localhost:49152"));
}

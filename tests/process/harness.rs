//! The harness itself: what the other tests of this group lean on must hold first.

use std::net::Ipv4Addr;

use crate::support::process::{Running, bare, run};
use crate::support::pty::Terminal;
use crate::support::tls::Front;

#[test]
fn a_program_is_run_with_a_cleared_environment() {
    let ran = run(bare("/bin/sh").args(["-c", "env; echo no >&2; exit 7"])).expect(7);

    assert!(!ran.stdout.contains("CARGO"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "no\n");
}

#[test]
fn lines_arrive_while_the_program_runs_and_signals_reach_it() {
    let mut program = Running::start(bare("/bin/sh").args(["-c", "echo ready; exec sleep 600"]));

    assert_eq!(program.line(), "ready");
    program.signal(rustix::process::Signal::TERM);
    assert_eq!(program.finish().code(), 143);
}

#[test]
fn a_terminal_shows_what_is_typed_and_remembers_its_modes() {
    let script = "stty -echo; printf '\\033[?1049h\\033[?25l\\033[?1004hname? '; read n; printf 'hello %s' $n; read x; \
                  printf '\\033[?1004l\\033[?25h\\033[?1049l'; stty echo";
    let environment = [("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
    let mut terminal =
        Terminal::start("/bin/sh", &["-c", "read go; eval \"$0\"", script], &environment, (40, 10));
    let before = terminal.modes();

    terminal.send("\n");
    terminal.wait_for("name?");
    assert_ne!(terminal.modes(), before);
    terminal.send("you\n");
    terminal.wait_for("hello you");
    terminal.resize(20, 5);
    terminal.send("\n");

    assert!(terminal.finish().success());
    assert_eq!(terminal.modes(), before);
}

#[test]
fn a_client_that_trusts_the_authority_gets_through_the_front() {
    let folder = tempfile::tempdir().expect("a folder");
    let plain = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let behind = plain.local_addr().expect("bound");
    let echo = std::thread::spawn(move || {
        let (mut peer, _) = plain.accept().expect("a client");
        let mut word = [0_u8; 4];
        std::io::Read::read_exact(&mut peer, &mut word).expect("a word");
        std::io::Write::write_all(&mut peer, &word).expect("an answer");
    });
    let front = Front::before(behind, folder.path());
    let authority = std::fs::read(front.authority()).expect("a certificate");

    let answer = front_answers(front.port(), &authority);

    echo.join().expect("served");
    assert_eq!(&answer, b"ping");
}

fn front_answers(port: u16, authority: &[u8]) -> [u8; 4] {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority).expect("PEM")).expect("a usable authority");
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let plain =
            tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("the front listens");
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
        let name = ServerName::try_from("127.0.0.1").expect("an address");
        let mut safe = connector.connect(name, plain).await.expect("a trusted front");
        safe.write_all(b"ping").await.expect("sent");
        let mut answer = [0_u8; 4];
        safe.read_exact(&mut answer).await.expect("answered");
        answer
    })
}

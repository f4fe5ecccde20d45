//! TLS in front of a plain loopback server, with a throw-away authority: the genuine client insists on `https` for
//! its own `wham/accounts/check`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_util::sync::CancellationToken;

/// Who the front answers for: loopback, and the real names for runs in a private network namespace.
const NAMES: [&str; 4] = ["127.0.0.1", "localhost", "chatgpt.com", "auth.openai.com"];

/// A running front; it stops when dropped.
pub(crate) struct Front {
    port: u16,
    authority: PathBuf,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Front {
    /// Listens on a free loopback port, hands decrypted bytes to `behind`, and leaves the authority's certificate in
    /// `folder`.
    pub(crate) fn before(behind: SocketAddr, folder: &Path) -> Self {
        Self::at(0, behind, folder)
    }

    /// The same on a certain port.
    pub(crate) fn at(port: u16, behind: SocketAddr, folder: &Path) -> Self {
        let (config, authority) = credentials();
        let path = folder.join("authority.pem");
        std::fs::write(&path, authority).expect("a writable folder");
        let stop = CancellationToken::new();
        let (tell, told) = std::sync::mpsc::channel();
        let token = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("a loopback port");
                tell.send(listener.local_addr().expect("bound").port()).expect("somebody waits");
                token.run_until_cancelled(serve(listener, config, behind)).await;
            });
        });
        let port = told.recv().expect("the front listens");
        Self { port, authority: path, stop, thread: Some(thread) }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The certificate a client must trust, PEM.
    pub(crate) fn authority(&self) -> &Path {
        &self.authority
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, config: Arc<ServerConfig>, behind: SocketAddr) {
    let acceptor = TlsAcceptor::from(config);
    let mut clients = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        clients.spawn(async move {
            let mut outside = acceptor.accept(client).await.ok()?;
            let mut inside = TcpStream::connect(behind).await.ok()?;
            tokio::io::copy_bidirectional(&mut outside, &mut inside).await.ok()
        });
    }
}

fn credentials() -> (Arc<ServerConfig>, String) {
    let authority_key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "codex-multi-auth tests");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let trusted = authority.self_signed(&authority_key).expect("a self-signed authority").pem();

    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(NAMES.map(str::to_owned)).expect("valid names");
    let leaf = leaf.signed_by(&key, &Issuer::new(authority, authority_key)).expect("a signed leaf");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a PKCS #8 key");

    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .expect("key and leaf belong together");
    (Arc::new(config), trusted)
}

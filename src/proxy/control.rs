//! The proxy's registry entry and control socket under `<root>/run` (forwarder.md §9.2): how other processes of the
//! same person find it and talk to it. The entry holds no secret; the prefix is given out over the socket only.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{Moment, Secret};
use crate::domain::briefing::Briefing;
use crate::domain::facts::SessionRow;
use crate::domain::selection::SessionKey;
use crate::domain::shelf::Found;
use crate::formats::control::{self, Answer, Request};
use crate::formats::registry::Registration;
use crate::ports::{Entropy as _, Ports, Store as _};
use crate::proxy::gate::Entrance;
use crate::proxy::hub::Hub;
use crate::proxy::keep::{private_dir, write_private};

/// A registered proxy; dropping it takes the entry and the socket away.
#[derive(Debug)]
pub(super) struct Registered {
    entry: PathBuf,
    socket: PathBuf,
    door: Option<Door>,
}

impl Registered {
    /// Opens the control socket, then writes the entry that names it.
    pub(super) fn new(run_dir: &Path, socket: &Path, mut registration: Registration) -> io::Result<Self> {
        private_dir(run_dir)?;
        let door = Some(Door::open(socket)?);
        let pid = registration.pid;
        if socket.parent() != Some(run_dir) {
            registration.socket = Some(socket.to_string_lossy().into_owned());
        }
        let entry = run_dir.join(format!("{pid}.json"));
        write_private(&entry, registration.print().as_bytes())?;
        Ok(Self { entry, socket: socket.to_owned(), door })
    }

    /// The control socket, for whoever serves it.
    pub(super) fn take_door(&mut self) -> Option<Door> {
        self.door.take()
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.entry);
        let _ = fs::remove_file(&self.socket);
        // A folder of its own, made because `run` has too long a path; others of this root may still use it.
        if let Some(folder) = self.socket.parent().filter(|folder| Some(*folder) != self.entry.parent()) {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Where clients of this proxy go, prefix included.
pub(super) fn addresses(port: u16, prefix: &Secret) -> (Secret, Secret) {
    let at = |rest: &str| Secret::new(format!("http://127.0.0.1:{port}/{}/{rest}", prefix.expose()));
    (at("backend-api/codex"), at("oauth/token"))
}

/// Carries out one request.
pub(super) async fn answer<P: Ports>(hub: &Hub<P>, request: Request, own: &mut Option<Secret>) -> Answer {
    match request {
        Request::Status => {
            Answer::Status { pulse: Box::new(hub.pulse()), turns: hub.desk.turns(), sessions: sessions(hub) }
        }
        Request::Next(mut ask) => {
            ask.forced = ask.forced.or_else(|| hub.forced(&Entrance::default()));
            ask.project = ask.project.or_else(|| hub.project.clone());
            Answer::Decision(Box::new(hub.explain(&ask)))
        }
        Request::BaseUrl { forced } => {
            let prefix = new_prefix(hub);
            hub.gate.attach(prefix.clone(), Entrance { forced, key: None });
            let (base, refresh) = addresses(hub.port, &prefix);
            if let Some(old) = own.replace(prefix) {
                hub.gate.detach(&old);
            }
            Answer::BaseUrl { base, refresh, version: env!("CARGO_PKG_VERSION").to_owned() }
        }
        Request::ResetRuntime => {
            hub.with_pool(|pool, now, _| pool.reset(now));
            Answer::Done
        }
        Request::Reload => reload(hub).await,
        Request::Shutdown => {
            hub.stop.cancel();
            Answer::Done
        }
        Request::Sessions => {
            let sessions = sessions(hub);
            let mut owners: Vec<_> =
                hub.with_pool(|pool, _, _| pool.bonds().map(|(_, bond)| bond.owner.clone()).collect());
            owners.sort();
            owners.dedup();
            Answer::Sessions { sessions, owners }
        }
        Request::SessionPin(session, account) => hub.with_pool(|pool, _, _| {
            let Ok(session) = pool.session_beginning(session.as_str()) else { return unfound(&session) };
            if account.as_ref().is_some_and(|key| pool.position(key).is_none()) {
                return Answer::Refused("no such account".to_owned());
            }
            pool.pin_session(&session, account);
            Answer::Done
        }),
        Request::SessionMove(session, account) => hub.with_pool(|pool, now, _| {
            let Ok(session) = pool.session_beginning(session.as_str()) else { return unfound(&session) };
            match pool.move_session(&session, account, now) {
                Some(_) => Answer::Done,
                None => Answer::Refused("nobody can take it over now".to_owned()),
            }
        }),
        Request::Events => Answer::Done,
        Request::Identify => Answer::Identity(hub.identity.clone()),
    }
}

/// Live sessions, with what the user wants of them.
fn sessions<P: Ports>(hub: &Hub<P>) -> Vec<SessionRow> {
    let mut rows = hub.desk.sessions(hub.now());
    let pinned: Vec<String> = hub.with_pool(|pool, _, _| pool.pinned_sessions().map(str::to_owned).collect());
    for row in &mut rows {
        row.is_pinned = pinned.contains(&row.id);
    }
    rows
}

fn unfound(session: &SessionKey) -> Answer {
    Answer::Refused(format!("no session, or more than one, begins with {}", session.as_str()))
}

async fn reload<P: Ports>(hub: &Hub<P>) -> Answer {
    let store = hub.ports.store();
    let (loaded, settings) = (store.load().await, store.settings().await);
    // What cannot be read lifts nothing.
    let (policies, unread) = match store.policies().await {
        Ok(Found::Whole(entries)) => (Arc::new(entries.value), None),
        Ok(Found::Absent) => (Arc::default(), None),
        Ok(Found::Damaged { .. }) | Err(_) => hub.policies(),
    };
    match (loaded, settings) {
        (Ok(loaded), Ok(settings)) => {
            hub.obey(&Briefing {
                revision: 0,
                roster: loaded.roster,
                settings: Arc::new(settings),
                policies,
                unread,
                forced: hub.forced(&Entrance::default()),
            });
            Answer::Done
        }
        (Err(error), _) | (_, Err(error)) => Answer::Refused(error.to_string()),
    }
}

/// 32 random bytes in base64url without padding: 43 characters.
fn new_prefix<P: Ports>(hub: &Hub<P>) -> Secret {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = [0; 43];
    hub.ports.entropy().fill(&mut bytes);
    // One of 64 digits per byte: no bias, and 258 bits in all.
    let text: String = bytes
        .iter()
        .filter_map(|byte| DIGITS.get(usize::from(byte & 63)))
        .map(|digit| char::from(*digit))
        .collect();
    Secret::new(text)
}

/// The entry of this process.
pub(super) fn registration(
    kind: &str,
    port: u16,
    codex_home: String,
    project: Option<String>,
    started: Moment,
    process_start: Option<Moment>,
) -> Registration {
    let mut registration = Registration::new(std::process::id(), started, kind, port);
    registration.process_start_time = process_start.map(Moment::millis);
    registration.codex_home = codex_home;
    registration.project = project;
    registration
}

#[cfg(unix)]
pub(super) use socket::{Door, listen};

#[cfg(unix)]
mod socket {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::{UnixListener, UnixStream};
    use tokio::task::JoinSet;

    use super::{Answer, Arc, Hub, Path, Ports, Request, answer, control, fs, io, private_dir};
    use crate::formats::feed;

    /// An open control socket and the user it is for.
    #[derive(Debug)]
    pub(in crate::proxy) struct Door {
        listener: UnixListener,
        owner: u32,
    }

    impl Door {
        /// Binds `path`, for us alone.
        pub(in crate::proxy) fn open(path: &Path) -> io::Result<Self> {
            let dir = path.parent().unwrap_or(Path::new("."));
            private_dir(dir)?;
            let folder = fs::symlink_metadata(dir)?;
            if !folder.is_dir() {
                return Err(io::Error::other("the folder of the control socket is a link"));
            }
            let _ = fs::remove_file(path);
            let listener = UnixListener::bind(path)?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
            let owner = fs::metadata(path)?.uid();
            if folder.uid() != owner {
                return Err(io::Error::other("the folder of the control socket belongs to someone else"));
            }
            Ok(Self { listener, owner })
        }
    }

    /// Serves the control socket until the hub is cut.
    pub(in crate::proxy) async fn listen<P: Ports>(hub: Arc<Hub<P>>, door: Door) {
        let Door { listener, owner } = door;
        let mut talks = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = hub.cut.cancelled() => return,
                accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                    // The folder keeps others out already; this is for sockets in the system's temporary folder.
                    if stream.peer_cred().is_ok_and(|peer| peer.uid() == owner) {
                        talks.spawn(talk(Arc::clone(&hub), stream));
                    }
                },
                Some(_) = talks.join_next(), if !talks.is_empty() => {}
            }
        }
    }

    /// One reader: a line in, a line out, until it leaves. A launch prefix lives as long as its reader.
    async fn talk<P: Ports>(hub: Arc<Hub<P>>, stream: UnixStream) {
        let mut own = None;
        let _ = converse(&hub, stream, &mut own).await;
        if let Some(prefix) = own {
            hub.gate.detach(&prefix);
        }
    }

    async fn converse<P: Ports>(
        hub: &Arc<Hub<P>>,
        stream: UnixStream,
        own: &mut Option<crate::base::Secret>,
    ) -> io::Result<()> {
        let (reading, mut writing) = stream.into_split();
        let mut reading = BufReader::new(reading);
        loop {
            let mut line = String::new();
            let cap = u64::try_from(control::LINE_CAP).unwrap_or(u64::MAX);
            if (&mut reading).take(cap).read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let reply = match Request::parse(line.trim_end()) {
                Ok(Request::Events) => return follow(hub, &mut writing).await,
                Ok(request) => answer(hub, request, own).await,
                Err(why) => Answer::Refused(why),
            };
            let mut text = reply.print();
            text.push('\n');
            writing.write_all(text.as_bytes()).await?;
        }
    }

    async fn follow<P: Ports>(
        hub: &Arc<Hub<P>>,
        writing: &mut tokio::net::unix::OwnedWriteHalf,
    ) -> io::Result<()> {
        use tokio::sync::broadcast::error::RecvError;

        let mut events = hub.desk.follow();
        loop {
            match events.recv().await {
                Ok(event) => {
                    let roster = hub.roster();
                    let number = |key: &_| roster.index_of(key).map(|index| index + 1);
                    let mut text = feed::line(&event, std::process::id(), number);
                    text.push('\n');
                    writing.write_all(text.as_bytes()).await?;
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }
}

/// Systems without such sockets are reached over their files only.
#[cfg(not(unix))]
#[derive(Debug)]
pub(super) struct Door;

#[cfg(not(unix))]
impl Door {
    pub(super) fn open(_: &Path) -> io::Result<Self> {
        Ok(Self)
    }
}

#[cfg(not(unix))]
pub(super) async fn listen<P: Ports>(hub: Arc<Hub<P>>, _: Door) {
    hub.cut.cancelled().await;
}

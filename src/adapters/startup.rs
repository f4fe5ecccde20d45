//! What starts a program of ours with the user's session: a systemd user unit or an autostart entry on Linux, a
//! `LaunchAgent` on macOS, a value of the user's Run key on Windows (forwarder.md §15.3).
//!
//! Only the Linux ways have been run. The other two are written by their documentation and marked so in the docs.

mod launchd;
mod run_key;
mod systemd;
mod xdg;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::adapters::disk::atomic;
use crate::adapters::env::Env;
use crate::adapters::made::Made;
use crate::domain::places::Places;

/// What is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The router of a persistent bind.
    Router,
    /// `serve`.
    Serve,
}

impl Service {
    /// Its name, as units and files use it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Router => "codex-multi-auth-router",
            Self::Serve => "codex-multi-auth-serve",
        }
    }

    /// For people.
    const fn title(self) -> &'static str {
        match self {
            Self::Router => "codex-multi-auth router",
            Self::Serve => "codex-multi-auth serve",
        }
    }
}

/// The way of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A user manager of systemd runs.
    Systemd,
    /// A desktop session without one.
    Autostart,
    /// macOS.
    LaunchAgent,
    /// Windows.
    RunKey,
}

impl Way {
    /// For people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Systemd => "systemd user unit",
            Self::Autostart => "autostart entry",
            Self::LaunchAgent => "launch agent",
            Self::RunKey => "Run key",
        }
    }
}

/// Start-up entries of one user.
#[derive(Debug, Clone)]
pub struct Startup {
    way: Way,
    home: PathBuf,
    config: PathBuf,
    path: Option<String>,
    made: Made,
}

/// A manager that does not answer is not waited for any longer.
const WITHIN: Duration = Duration::from_secs(10);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(10);

impl Startup {
    /// The entries of the user of these places.
    pub fn new(env: &Env, places: &Places) -> Self {
        let home = places.user_home();
        let config = env.xdg_config_home.as_ref().map_or_else(|| home.join(".config"), PathBuf::from);
        let runtime = env.xdg_runtime_dir.as_ref().map(PathBuf::from);
        let way = if cfg!(windows) {
            Way::RunKey
        } else if cfg!(target_os = "macos") {
            Way::LaunchAgent
        } else if runtime.is_some_and(|folder| folder.join("systemd/private").exists()) {
            Way::Systemd
        } else {
            Way::Autostart
        };
        Self { way, home: home.to_owned(), config, path: env.path.clone(), made: Made::of(places) }
    }

    /// How it is done here.
    pub const fn way(&self) -> Way {
        self.way
    }

    /// The entry's file; on Windows the name of the value.
    pub fn entry(&self, service: Service) -> PathBuf {
        match self.way {
            Way::Systemd => systemd::file(&self.config, service),
            Way::Autostart => xdg::file(&self.config, service),
            Way::LaunchAgent => launchd::file(&self.home, service),
            Way::RunKey => run_key::value(service),
        }
    }

    /// Every file an entry of ours may stand in, whichever way made it.
    fn files(&self, service: Service) -> [PathBuf; 3] {
        [
            systemd::file(&self.config, service),
            xdg::file(&self.config, service),
            launchd::file(&self.home, service),
        ]
    }

    /// Whether the entry is there.
    pub fn is_installed(&self, service: Service) -> bool {
        match self.way {
            Way::Systemd | Way::Autostart | Way::LaunchAgent => {
                self.files(service).iter().any(|file| file.is_file())
            }
            Way::RunKey => self.tool("reg", &run_key::query(service)).is_ok(),
        }
    }

    /// The entries that are there.
    pub fn installed(&self, service: Service) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = self.files(service).into_iter().filter(|file| file.is_file()).collect();
        if self.way == Way::RunKey && self.is_installed(service) {
            all.push(run_key::value(service));
        }
        all
    }

    /// Writes the entry, so that the next session starts `program` with `words`.
    ///
    /// # Errors
    /// What the system says; a manager that refuses leaves no entry behind.
    pub fn install(&self, service: Service, program: &Path, words: &[String]) -> io::Result<PathBuf> {
        let entry = self.entry(service);
        let title = service.title();
        if self.way != Way::RunKey {
            self.made.note(&entry)?;
        }
        match self.way {
            Way::Systemd => {
                atomic::write(&entry, systemd::unit(title, program, words).as_bytes())?;
                let enabled = self
                    .tool("systemctl", &["--user", "daemon-reload"].map(str::to_owned))
                    .and_then(|()| self.tool("systemctl", &systemd::act("enable", service)));
                if let Err(error) = enabled {
                    let _ = self.remove(service);
                    return Err(error);
                }
            }
            Way::Autostart => atomic::write(&entry, xdg::entry(title, program, words).as_bytes())?,
            Way::LaunchAgent => {
                atomic::write(&entry, launchd::agent(service, program, words).as_bytes())?;
                // One that is loaded already is loaded anew.
                let _ = self.tool("launchctl", &launchd::bootout(service, user()));
                if let Err(error) = self.tool("launchctl", &launchd::bootstrap(&entry, user())) {
                    let _ = self.remove(service);
                    return Err(error);
                }
            }
            Way::RunKey => self.tool("reg", &run_key::add(service, program, words))?,
        }
        Ok(entry)
    }

    /// Removes every entry of ours, also one that another way made; says which there were.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove(&self, service: Service) -> io::Result<Vec<PathBuf>> {
        let there = self.installed(service);
        let unit = systemd::file(&self.config, service);
        if there.contains(&unit) && self.way == Way::Systemd {
            // A manager that does not know it any more is what is wanted.
            let _ = self.tool("systemctl", &systemd::act("disable", service));
        }
        if self.way == Way::LaunchAgent && !there.is_empty() {
            let _ = self.tool("launchctl", &launchd::bootout(service, user()));
        }
        if self.way == Way::RunKey && !there.is_empty() {
            self.tool("reg", &run_key::delete(service))?;
        }
        for file in there.iter().filter(|file| self.files(service).contains(file)) {
            atomic::remove(file)?;
            if *file == unit {
                let _ = atomic::remove(&systemd::link(&self.config, service));
            }
            self.made.prune(file);
        }
        if there.contains(&unit) && self.way == Way::Systemd {
            let _ = self.tool("systemctl", &["--user", "daemon-reload"].map(str::to_owned));
        }
        Ok(there)
    }

    /// Whether the manager of this machine starts and stops services by itself.
    pub const fn manages(&self) -> bool {
        matches!(self.way, Way::Systemd | Way::LaunchAgent)
    }

    /// Starts the service through the manager.
    ///
    /// # Errors
    /// What the manager says.
    pub fn start(&self, service: Service) -> io::Result<()> {
        match self.way {
            Way::Systemd => self.tool("systemctl", &systemd::act("start", service)),
            Way::LaunchAgent => self.tool("launchctl", &launchd::kickstart(service, user())),
            Way::Autostart | Way::RunKey => Err(io::Error::from(io::ErrorKind::Unsupported)),
        }
    }

    /// Stops the service through the manager.
    ///
    /// # Errors
    /// What the manager says.
    pub fn stop(&self, service: Service) -> io::Result<()> {
        match self.way {
            Way::Systemd => self.tool("systemctl", &systemd::act("stop", service)),
            Way::LaunchAgent => self.tool("launchctl", &launchd::kill(service, user())),
            Way::Autostart | Way::RunKey => Err(io::Error::from(io::ErrorKind::Unsupported)),
        }
    }

    /// Runs a tool of the system, bounded.
    fn tool(&self, name: &str, words: &[String]) -> io::Result<()> {
        let mut command = Command::new(name);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        let mut child =
            command.spawn().map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
        #[expect(clippy::disallowed_methods, reason = "a tool of the system is waited for in real time")]
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if begun.elapsed() > WITHIN {
                let _ = child.kill();
                let _ = child.wait();
                return Err(io::Error::new(io::ErrorKind::TimedOut, format!("{name} did not answer")));
            }
            #[expect(clippy::disallowed_methods, reason = "on the blocking pool")]
            std::thread::sleep(LOOK);
        };
        if status.success() {
            return Ok(());
        }
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            let _ = io::Read::read_to_string(&mut stderr, &mut said);
        }
        let said = said.lines().next().unwrap_or("it failed").trim().to_owned();
        Err(io::Error::other(format!("{name} {}: {said}", words.join(" "))))
    }
}

/// A word of an `Exec` line, by the rules of desktop entries.
pub fn desktop_word(word: &str) -> String {
    xdg::quoted(word)
}

/// What starts the reference's router with the user's session, by the names it uses.
pub fn legacy_entries(home: &Path, app_data: Option<&Path>) -> Vec<PathBuf> {
    let agent = launchd::file(home, Service::Router);
    // Ours stands under the same name and starts our hidden word.
    let is_theirs = |file: &PathBuf| {
        let text = atomic::read_text(file).ok().flatten();
        text.is_some_and(|text| !text.contains(crate::adapters::bind::ROUTER_WORD))
    };
    let script = app_data.map(|data| {
        data.join("Microsoft/Windows/Start Menu/Programs/Startup/Codex Multi Auth Runtime Router.cmd")
    });
    std::iter::once(agent).chain(script).filter(is_theirs).collect()
}

/// Removes such an entry; one that launchd knows is taken from it first.
///
/// # Errors
/// What the system says.
pub fn run_out(entry: &Path) -> io::Result<()> {
    if cfg!(target_os = "macos") {
        let words = launchd::bootout(Service::Router, user());
        let _ = Command::new("launchctl").args(words).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
    atomic::remove(entry)
}

#[cfg(unix)]
fn user() -> u32 {
    rustix::process::getuid().as_raw()
}

#[cfg(not(unix))]
fn user() -> u32 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    fn env(home: &Path, systemd: bool) -> Env {
        let runtime = home.join("runtime");
        if systemd {
            std::fs::create_dir_all(runtime.join("systemd")).unwrap();
            std::fs::write(runtime.join("systemd/private"), "").unwrap();
        }
        let bin = home.join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        let log = home.join("calls");
        let script = format!("#!/bin/sh\necho \"$*\" >> {}\n", log.display());
        std::fs::write(bin.join("systemctl"), script).unwrap();
        std::fs::set_permissions(bin.join("systemctl"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        Env {
            path: Some(format!("{}:/usr/bin:/bin", bin.display())),
            xdg_runtime_dir: Some(runtime.display().to_string()),
            ..Env::default()
        }
    }

    #[cfg(target_os = "linux")]
    fn places(home: &Path) -> Places {
        Places::under(home.join(".codex/multi-auth"), home.join(".codex"))
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_empty_folder_that_was_there_before_stays() {
        let home = tempfile::tempdir().unwrap();
        let startup = Startup::new(&env(home.path(), false), &places(home.path()));
        std::fs::create_dir_all(home.path().join(".config/autostart")).unwrap();

        startup.install(Service::Router, Path::new("/opt/cma"), &[]).unwrap();
        startup.remove(Service::Router).unwrap();

        assert!(home.path().join(".config/autostart").is_dir());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_autostart_entry_comes_and_goes_with_its_folders() {
        let home = tempfile::tempdir().unwrap();
        let startup = Startup::new(&env(home.path(), false), &places(home.path()));

        let file = startup.install(Service::Router, Path::new("/opt/a b/cma"), &["x y".to_owned()]).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let removed = startup.remove(Service::Router).unwrap();

        assert_eq!(startup.way(), Way::Autostart);
        assert_eq!(file, home.path().join(".config/autostart/codex-multi-auth-router.desktop"));
        assert!(text.contains("Exec=\"/opt/a b/cma\" \"x y\"\n"), "{text}");
        assert_eq!(removed, [file]);
        assert!(!home.path().join(".config").exists());
        assert!(!startup.is_installed(Service::Router));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_unit_is_enabled_and_disabled_through_the_manager() {
        let home = tempfile::tempdir().unwrap();
        let startup = Startup::new(&env(home.path(), true), &places(home.path()));

        let file = startup.install(Service::Serve, Path::new("/opt/cma"), &["serve".to_owned()]).unwrap();
        startup.start(Service::Serve).unwrap();
        startup.remove(Service::Serve).unwrap();

        assert_eq!(file, home.path().join(".config/systemd/user/codex-multi-auth-serve.service"));
        let calls = std::fs::read_to_string(home.path().join("calls")).unwrap();
        assert_eq!(
            calls.lines().collect::<Vec<_>>(),
            [
                "--user daemon-reload",
                "--user enable codex-multi-auth-serve.service",
                "--user start codex-multi-auth-serve.service",
                "--user disable codex-multi-auth-serve.service",
                "--user daemon-reload",
            ]
        );
        assert!(!home.path().join(".config").exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_manager_that_refuses_leaves_no_entry() {
        let home = tempfile::tempdir().unwrap();
        let env = env(home.path(), true);
        std::fs::write(home.path().join("bin/systemctl"), "#!/bin/sh\necho no >&2\nexit 1\n").unwrap();
        let startup = Startup::new(&env, &places(home.path()));

        let error = startup.install(Service::Router, Path::new("/opt/cma"), &[]).unwrap_err();

        assert!(error.to_string().contains("no"), "{error}");
        assert!(!startup.is_installed(Service::Router));
    }
}

//! The launcher of the desktop app: an entry of the desktop's menu on Linux, a small bundle on macOS (forwarder.md §17).
//!
//! A file that starts another program is never touched. On Windows shortcuts can only be changed through the system's
//! shell interface, which this build does not call: they are named and left alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::disk::atomic;
use crate::adapters::env::Env;
use crate::adapters::made::Made;
use crate::adapters::startup::desktop_word;
use crate::domain::places::Places;
use crate::domain::uninstall::{State, Step};

const STEP: &str = "launcher";
/// The entry's file.
pub const ENTRY: &str = "codex-multi-auth.desktop";
/// The bundle.
const BUNDLE: &str = "Codex Multi Auth.app";
/// What takes it back.
const UNDO: &str = "codex-multi-auth-app-launcher --remove";

/// The way of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// An entry of the desktop's menu.
    Entry,
    /// A bundle.
    Bundle,
    /// Shortcuts, which are left alone.
    Shortcuts,
}

impl Way {
    const fn here() -> Self {
        if cfg!(target_os = "macos") {
            Self::Bundle
        } else if cfg!(windows) {
            Self::Shortcuts
        } else {
            Self::Entry
        }
    }
}

/// The launcher of one user.
#[derive(Debug, Clone)]
pub struct Launcher {
    way: Way,
    entry: PathBuf,
    bundle: PathBuf,
    words: Vec<String>,
    made: Made,
}

impl Launcher {
    /// For this user; `program` is ours.
    pub fn new(places: &Places, env: &Env, program: &Path) -> Self {
        let home = places.user_home();
        let data = env.xdg_data_home.as_ref().map_or_else(|| home.join(".local/share"), PathBuf::from);
        let apps =
            env.app_launcher_macos_dir.as_ref().map_or_else(|| home.join("Applications"), PathBuf::from);
        let beside =
            program.with_file_name(format!("codex-multi-auth-codex{}", std::env::consts::EXE_SUFFIX));
        let words = if beside.is_file() {
            vec![beside.display().to_string(), "app".to_owned()]
        } else {
            vec![program.display().to_string(), "codex".to_owned(), "app".to_owned()]
        };
        Self {
            way: Way::here(),
            entry: data.join("applications").join(ENTRY),
            bundle: apps.join(BUNDLE),
            words,
            made: Made::of(places),
        }
    }

    /// Puts it there, or says what would be put.
    pub fn install(&self, dry_run: bool) -> Vec<Step> {
        let target = self.target();
        let step = |state| Step::new(STEP, target.display().to_string(), state).undone_by(UNDO);
        if self.way == Way::Shortcuts {
            return vec![Step::new(STEP, target.display().to_string(), State::Skipped).saying(
                "shortcuts are left alone by this build: start the app with `codex-multi-auth codex app`",
            )];
        }
        match self.is_ours() {
            Ok(Some(false)) => return vec![step(State::Skipped).saying("it starts another program")],
            Ok(Some(true) | None) => {}
            Err(error) => return vec![step(State::Failed).saying(error.to_string())],
        }
        if dry_run {
            return vec![step(State::Done)];
        }
        match self.write() {
            Ok(()) => vec![step(State::Done)],
            Err(error) => vec![step(State::Failed).saying(error.to_string())],
        }
    }

    /// Takes it away, or says what would go.
    pub fn remove(&self, dry_run: bool) -> Vec<Step> {
        let target = self.target();
        let step = |state| Step::new(STEP, target.display().to_string(), state);
        match self.is_ours() {
            Ok(None) => return vec![step(State::Absent)],
            Ok(Some(false)) => return vec![step(State::Skipped).saying("it starts another program")],
            Ok(Some(true)) if dry_run => return vec![step(State::Removed)],
            Ok(Some(true)) => {}
            Err(error) => return vec![step(State::Failed).saying(error.to_string())],
        }
        let removed = if target.is_dir() { fs::remove_dir_all(target) } else { atomic::remove(target) };
        match removed {
            Ok(()) => {
                self.made.prune(target);
                vec![step(State::Removed)]
            }
            Err(error) => vec![step(State::Failed).saying(error.to_string())],
        }
    }

    /// What stands there, or would. A bundle is looked for everywhere: a home may have come from another system.
    fn target(&self) -> &Path {
        match self.way {
            Way::Bundle => &self.bundle,
            Way::Entry | Way::Shortcuts if self.bundle.is_dir() => &self.bundle,
            Way::Entry | Way::Shortcuts => &self.entry,
        }
    }

    /// Whether what stands there is ours or the reference's; `None` when nothing is there.
    fn is_ours(&self) -> io::Result<Option<bool>> {
        let target = self.target();
        let mark = if target == self.bundle { target.join("Contents/Info.plist") } else { target.to_owned() };
        if target.symlink_metadata().is_err() {
            return Ok(None);
        }
        let text = atomic::read_text(&mark)?.unwrap_or_default();
        Ok(Some(text.contains("codex-multi-auth")))
    }

    fn write(&self) -> io::Result<()> {
        match self.way {
            Way::Entry => {
                self.made.note(&self.entry)?;
                let exec: Vec<String> = self.words.iter().map(|word| desktop_word(word)).collect();
                let text = format!(
                    "[Desktop Entry]\nType=Application\nName=Codex Multi Auth\nComment=Launch Codex through codex-multi-auth runtime rotation\nExec={} %F\nTerminal=false\nCategories=Development;\n",
                    exec.join(" ")
                );
                atomic::write(&self.entry, text.as_bytes())?;
                executable(&self.entry)
            }
            Way::Bundle => {
                let plist = self.bundle.join("Contents/Info.plist");
                let script = self.bundle.join("Contents/MacOS/Codex");
                self.made.note(&self.bundle)?;
                fs::create_dir_all(script.parent().unwrap_or(&self.bundle))?;
                let words: Vec<String> = self.words.iter().map(|word| shell_word(word)).collect();
                let text = format!("#!/bin/sh\ncd \"$HOME\" || exit 1\nexec {} \"$@\"\n", words.join(" "));
                atomic::write(&script, text.as_bytes())?;
                executable(&script)?;
                atomic::write(&plist, PLIST.as_bytes())
            }
            Way::Shortcuts => Ok(()),
        }
    }
}

const PLIST: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n  <key>CFBundleIdentifier</key>\n  <string>com.ndycode.codex-multi-auth.launcher</string>\n  <key>CFBundleName</key>\n  <string>Codex Multi Auth</string>\n  <key>CFBundleExecutable</key>\n  <string>Codex</string>\n  <key>CFBundlePackageType</key>\n  <string>APPL</string>\n</dict>\n</plist>\n";

/// A word of a shell script.
fn shell_word(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(unix)]
fn executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Home {
        dir: tempfile::TempDir,
    }

    impl Home {
        fn new() -> Self {
            Self { dir: tempfile::tempdir().unwrap() }
        }

        fn launcher(&self, way: Way) -> Launcher {
            let home = self.dir.path();
            let places = Places::under(home.join(".codex/multi-auth"), home.join(".codex"));
            let program = home.join("it's $here/codex-multi-auth");
            Launcher { way, ..Launcher::new(&places, &Env::default(), &program) }
        }
    }

    fn states(steps: &[Step]) -> Vec<State> {
        steps.iter().map(|step| step.state).collect()
    }

    #[test]
    fn a_launcher_comes_and_goes_with_its_folders_on_both_systems() {
        for (way, file) in [
            (Way::Entry, ".local/share/applications/codex-multi-auth.desktop"),
            (Way::Bundle, "Applications/Codex Multi Auth.app"),
        ] {
            let home = Home::new();
            let launcher = home.launcher(way);
            let path = home.dir.path().join(file);

            let planned = launcher.install(true);
            let untouched = !path.exists();
            let installed = launcher.install(false);
            let there = path.exists();
            let again = launcher.install(false);
            let removed = launcher.remove(false);
            let gone = launcher.remove(false);

            assert_eq!((states(&planned), untouched), (vec![State::Done], true), "{way:?}");
            assert_eq!((states(&installed), there), (vec![State::Done], true), "{way:?}");
            assert_eq!(states(&again), [State::Done], "{way:?}");
            assert_eq!(
                (states(&removed), states(&gone)),
                (vec![State::Removed], vec![State::Absent]),
                "{way:?}"
            );
            let left: Vec<_> =
                fs::read_dir(home.dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
            assert_eq!(left, [".codex"], "{way:?}");
        }
    }

    #[test]
    fn an_entry_names_our_program_by_the_rules_of_its_file() {
        let home = Home::new();
        let launcher = home.launcher(Way::Entry);

        launcher.install(false);
        let text = fs::read_to_string(launcher.target()).unwrap();

        assert!(text.contains("it's \\\\$here/codex-multi-auth\" \"codex\" \"app\" %F\n"), "{text}");
        assert!(text.contains("Terminal=false\nCategories=Development;\n"), "{text}");
    }

    #[test]
    fn somebody_elses_entry_of_that_name_stays() {
        let home = Home::new();
        let launcher = home.launcher(Way::Entry);
        fs::create_dir_all(launcher.target().parent().unwrap()).unwrap();
        fs::write(launcher.target(), "[Desktop Entry]\nExec=other\n").unwrap();

        assert_eq!(states(&launcher.install(false)), [State::Skipped]);
        assert_eq!(states(&launcher.remove(false)), [State::Skipped]);
        assert_eq!(fs::read_to_string(launcher.target()).unwrap(), "[Desktop Entry]\nExec=other\n");
    }
}

//! Looking for sign-ins of this user in other programs' files: read only, below the home or where the user says,
//! a bounded number of bounded files, links not followed (login.md §14).

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::adapters::store::{Locked, Ruin, shown, unreadable};
use crate::base::Moment;
use crate::domain::found::{Find, Haul, Shape, State, judge};
use crate::domain::login::admission::Place;
use crate::domain::problem::Problem;
use crate::domain::vault::{Answer, Choice, Run};
use crate::formats::found::{imported_from, read};

/// Files that are looked into.
const FILES: usize = 200;
/// The largest of them.
const LARGEST: u64 = 1024 * 1024;
/// Folders deep.
const DEPTH: usize = 4;
/// Folders of copies below `~/.codex`.
const COPIES: [&str; 4] = ["accounts", "profiles", "auth-profiles", "codex-auth-manager"];
const POOL: &str = "openai-codex-accounts.json";

/// Looks; what cannot be read is passed over, except what the user named.
pub(super) fn look(pool: &Locked<'_>, from: &[PathBuf]) -> Result<Vec<Find>, Problem> {
    let places = pool.places();
    let mut walk = Walk { own: places.pool_dir().to_path_buf(), files: Vec::new() };
    for path in from {
        fs::symlink_metadata(path).map_err(|error| Problem::from(unreadable(path, &error)))?;
        walk.add(path, DEPTH);
    }
    if from.is_empty() {
        walk.usual(places.user_home(), places.codex_home());
    }
    let mut finds = Vec::new();
    for path in &walk.files {
        finds.extend(open(path, from));
    }
    Ok(finds)
}

/// Looks, and takes over what was chosen: all that can be, or those.
pub(super) fn take_over(
    pool: &Locked<'_>,
    from: &[PathBuf],
    choice: &Choice,
    run: Run,
) -> Result<Answer, Problem> {
    let finds = look(pool, from)?;
    let chosen = |finds: &[Find]| -> Vec<usize> {
        let is_chosen = |find: &Find| match choice {
            Choice::All => true,
            Choice::These(all) => {
                all.iter().any(|(path, place)| *path == find.source && *place == find.place)
            }
        };
        let places = finds.iter().enumerate();
        places.filter(|(_, find)| find.state.is_selectable() && is_chosen(find)).map(|(at, _)| at).collect()
    };
    let now = pool.now();
    if run == Run::Dry {
        let haul = pool.open(|document, _| {
            let mut finds = finds.clone();
            judge(&mut finds, document.roster(), now);
            let chosen = chosen(&finds);
            let total = document.roster().accounts.len();
            Haul { run, finds, chosen, imported: 0, total }
        })?;
        return Ok(Answer::Found(Box::new((haul, None))));
    }
    let most = pool.settings().max_accounts;
    let done = std::cell::RefCell::new(None);
    let loaded = pool.commit(Ruin::Replaced, |document, extension, at| {
        let mut finds = finds.clone();
        judge(&mut finds, document.roster(), at);
        let chosen = chosen(&finds);
        let before = document.roster().accounts.len();
        let mut extent = crate::formats::accounts::Extent::Nothing;
        for place in &chosen {
            let Some(find) = finds.get_mut(*place) else { continue };
            let Some(sign_in) = find.sign_in(at, Place::Behind) else { continue };
            let key = document.roster().key_for(&sign_in);
            let change = crate::domain::change::Change::SignedIn(Box::new(sign_in));
            extent = extent.max(document.apply(&[change], extension, at));
            let record = imported_from(extension.record_text(&key), &find.source, at);
            extension.put_back(&key, &record);
            find.key = Some(key);
        }
        let total = document.roster().accounts.len();
        super::transfer::limit(total, most)?;
        *done.borrow_mut() = Some(Haul { run, finds, chosen, imported: total.saturating_sub(before), total });
        Ok::<_, Problem>(extent)
    })?;
    match done.into_inner() {
        Some(haul) => Ok(Answer::Found(Box::new((haul, Some(loaded))))),
        None => Err(Problem::new("internal", crate::domain::problem::Exit::Failed, "the import did not run")),
    }
}

struct Walk {
    own: PathBuf,
    files: Vec<PathBuf>,
}

impl Walk {
    /// The places where tools are known to keep sign-ins.
    fn usual(&mut self, home: &Path, codex: &Path) {
        self.add(&codex.join("auth.json"), 0);
        if home.as_os_str().is_empty() {
            return;
        }
        let official = home.join(".codex");
        self.add(&official.join("auth.json"), 0);
        for folder in children(home) {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with(".codex-") {
                self.add(&folder, 0);
                self.add(&folder.join("auth.json"), 0);
            }
        }
        for name in COPIES {
            self.add(&official.join(name), DEPTH);
        }
        let switch = home.join(".codex-switch");
        self.add(&switch.join("accounts.json"), 0);
        self.add(&switch.join("profiles"), 2);
        self.add(&home.join(".local/share/caam/vault/codex"), 2);
        self.add(&home.join(".cli-proxy-api"), 1);
        for root in [
            official.clone(),
            official.join("multi-auth"),
            codex.join("multi-auth"),
            home.join("DevTools/config/codex/multi-auth"),
        ] {
            if root == self.own {
                continue;
            }
            self.add(&root.join(POOL), 0);
            self.add(&root.join("openai-codex-flagged-accounts.json"), 0);
            for project in children(&root.join("projects")) {
                self.add(&project.join(POOL), 0);
            }
        }
    }

    /// A file, or the `*.json` of a folder so many levels deep.
    fn add(&mut self, path: &Path, depth: usize) {
        if self.files.len() >= FILES {
            return;
        }
        let Ok(about) = fs::symlink_metadata(path) else { return };
        if about.is_file() {
            if about.len() <= LARGEST && !self.files.iter().any(|known| known == path) {
                self.files.push(path.to_path_buf());
            }
        } else if about.is_dir() && depth > 0 {
            for child in children(path) {
                let is_folder = fs::symlink_metadata(&child).is_ok_and(|about| about.is_dir());
                let is_json = child.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
                if is_folder || is_json {
                    self.add(&child, depth - 1);
                }
            }
        }
    }
}

/// What a folder holds, in order.
fn children(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut all: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    all.sort();
    all
}

/// What is in the one file an account was imported from; nothing when it is gone, a link or too large.
pub(in crate::adapters) fn reread(path: &Path) -> Vec<Find> {
    let is_plain = fs::symlink_metadata(path).is_ok_and(|about| about.is_file() && about.len() <= LARGEST);
    if is_plain { open(path, &[]) } else { Vec::new() }
}

fn open(path: &Path, named: &[PathBuf]) -> Vec<Find> {
    let source = shown(path);
    let mut text = String::new();
    let opened = File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text));
    let finds = match opened {
        Ok(_) => read(&text, &source, written(path)),
        Err(_) => return vec![Find::unusable(source, Shape::Official, State::Unreadable)],
    };
    // What the user pointed at is worth a word even when nothing is in it.
    if finds.is_empty() && named.iter().any(|one| one == path) {
        return vec![Find::unusable(source, Shape::Official, State::NotChatGpt)];
    }
    finds
}

fn written(path: &Path) -> Option<Moment> {
    let at = fs::metadata(path).ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(at.as_millis()).ok().map(Moment::from_millis)
}

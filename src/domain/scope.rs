//! Which pool a process works on: the one of the user, or the one of the project it was started in.
//!
//! A project is told by its identity root: all worktrees of a repository share one pool, a submodule and a
//! worktree of a bare repository have their own. The key in the pool's path is the reference's, so both programs
//! find the same directory (storage.md §2).

use std::path::{Path, PathBuf};

use crate::domain::identity::sha256_hex;
use crate::domain::places::clean;

/// Any of these makes a directory a project; `.git` decides at once.
const MARKERS: [&str; 6] = [".git", "package.json", "Cargo.toml", "go.mod", "pyproject.toml", ".codex"];

/// The pool in use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Scope {
    /// The user's own.
    #[default]
    Global,
    /// One project's.
    Project(Project),
}

impl Scope {
    /// The word in JSON.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Project(_) => "project",
        }
    }

    /// The project, if it is one's.
    pub const fn project(&self) -> Option<&Project> {
        match self {
            Self::Global => None,
            Self::Project(project) => Some(project),
        }
    }
}

/// A project with a pool of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Name of its directory below `projects`.
    pub key: String,
    /// The directory with the marker.
    pub root: PathBuf,
    /// The directory that stands for all worktrees.
    pub identity_root: PathBuf,
}

/// What the user said about the pool to work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wish {
    /// Nothing: the settings decide.
    #[default]
    Usual,
    /// `--project`
    Project,
    /// `--global`
    Global,
}

/// How paths are compared and hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// Case counts.
    Posix,
    /// Case does not count.
    Windows,
}

impl Naming {
    /// The one of this system.
    pub const fn here() -> Self {
        if cfg!(windows) { Self::Windows } else { Self::Posix }
    }
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// Anything else.
    Other,
}

/// A look at the file system; nothing is ever changed through it.
pub trait Tree {
    /// What stands there; links are followed.
    fn entry(&self, path: &Path) -> Option<Entry>;
    /// The text of a small file; `None` when it cannot be read.
    fn read(&self, path: &Path) -> Option<String>;
    /// The path without links; the path itself when it cannot be told.
    fn real(&self, path: &Path) -> PathBuf;
}

/// Finds the project of a directory. The home directory's own `.codex` is the official client's and makes no
/// project, unless `has_pool` says that the reference has already kept a pool under that key.
pub fn find(
    tree: &impl Tree,
    start: &Path,
    user_home: &Path,
    has_pool: impl Fn(&str) -> bool,
) -> Option<Project> {
    let root = project_root(tree, start, |directory| {
        let only_codex = clean(directory) == clean(user_home)
            && MARKERS.iter().all(|name| *name == ".codex" || tree.entry(&directory.join(name)).is_none());
        only_codex && !has_pool(&key(&directory.to_string_lossy(), Naming::here()))
    })?;
    let identity_root = identity_root(tree, &root);
    Some(Project { key: key(&identity_root.to_string_lossy(), Naming::here()), root, identity_root })
}

/// The nearest directory upwards with `.git`, else the innermost with any marker.
fn project_root(tree: &impl Tree, start: &Path, is_none: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let mut innermost = None;
    for directory in start.ancestors() {
        if tree.entry(&directory.join(".git")).is_some() {
            return Some(directory.to_path_buf());
        }
        let marked = || MARKERS.iter().any(|name| tree.entry(&directory.join(name)).is_some());
        if innermost.is_none() && marked() && !is_none(directory) {
            innermost = Some(directory.to_path_buf());
        }
    }
    innermost
}

/// The main checkout a worktree belongs to. Whoever claims to be a worktree must be known to the repository he
/// names, or anybody could write himself into another project's pool.
fn identity_root(tree: &impl Tree, root: &Path) -> PathBuf {
    main_checkout(tree, root).unwrap_or_else(|| root.to_path_buf())
}

fn main_checkout(tree: &impl Tree, root: &Path) -> Option<PathBuf> {
    let pointer = root.join(".git");
    if tree.entry(&pointer) != Some(Entry::File) {
        return None;
    }
    let text = tree.read(&pointer)?;
    let line = text.lines().next()?.trim();
    let value = line.get(.."gitdir:".len()).filter(|word| word.eq_ignore_ascii_case("gitdir:"))?;
    let git_dir = resolve(root, line.get(value.len()..)?.trim())?;
    let slashed = git_dir.to_string_lossy().replace('\\', "/").to_lowercase();
    if !slashed.contains("/.git/worktrees/") {
        return None;
    }
    let back = resolve(&git_dir, tree.read(&git_dir.join("gitdir"))?.trim())?;
    if !same(tree, &back, &pointer) {
        return None;
    }
    let common = tree
        .read(&git_dir.join("commondir"))
        .and_then(|text| resolve(&git_dir, text.trim()))
        .unwrap_or_else(|| git_dir.clone());
    if !below(tree, &git_dir, &common.join("worktrees")) {
        return None;
    }
    let candidate = common.parent()?;
    tree.entry(&candidate.join(".git"))?;
    Some(candidate.to_path_buf())
}

/// A path written into a pointer file; `None` when it is blank.
fn resolve(base: &Path, value: &str) -> Option<PathBuf> {
    if value.is_empty() {
        return None;
    }
    // The reference reads both separators on every system.
    let value = value.replace('\\', "/");
    Some(clean(&base.join(value)))
}

fn same(tree: &impl Tree, a: &Path, b: &Path) -> bool {
    folded(&tree.real(a)) == folded(&tree.real(b))
}

fn below(tree: &impl Tree, path: &Path, directory: &Path) -> bool {
    let (path, directory) = (folded(&tree.real(path)), folded(&tree.real(directory)));
    path != directory && path.starts_with(&directory)
}

fn folded(path: &Path) -> PathBuf {
    match Naming::here() {
        Naming::Posix => path.to_path_buf(),
        Naming::Windows => PathBuf::from(path.to_string_lossy().to_lowercase()),
    }
}

/// How many characters of the name go into a key.
const NAME: usize = 40;

/// The directory name of a project's pool; `path` must be absolute.
pub fn key(path: &str, naming: Naming) -> String {
    let normalized = normalized(path, naming);
    let base = normalized.rsplit('/').next().unwrap_or_default();
    let mut name = String::new();
    for c in base.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
            name.push(c);
        } else if !name.ends_with('\u{0}') {
            name.push('\u{0}');
        }
    }
    // A run of other characters is one dash, beside dashes that were there.
    let name = name.replace('\u{0}', "-");
    let name = name.trim_matches('-');
    let name: String = if name.is_empty() { "project" } else { name }.chars().take(NAME).collect();
    let mut hash = sha256_hex(&normalized);
    hash.truncate(12);
    format!("{name}-{hash}")
}

fn normalized(path: &str, naming: Naming) -> String {
    match naming {
        Naming::Posix => {
            let text = clean_posix(path).replace('\\', "/");
            if text.is_empty() { "/".to_owned() } else { text }
        }
        Naming::Windows => {
            let slashed = path.replace('\\', "/").to_lowercase();
            let (unc, rest) = match slashed.strip_prefix("//") {
                Some(rest) => ("//", rest),
                None => ("", slashed.as_str()),
            };
            format!("{unc}{}", clean_posix(rest))
        }
    }
}

/// Collapses `.`, `..`, double and trailing separators.
fn clean_posix(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let lead = if path.starts_with('/') { "/" } else { "" };
    format!("{lead}{}", parts.join("/"))
}

#[cfg(test)]
mod tests;

//! Where the official CLI is (forwarder.md §6): the variable, then what the user's shell would run, then the
//! npm roots, then `npm root -g`. No child process unless all the others fail.
//!
//! A start script of the npm package is resolved to the native binary behind it, with the variables the
//! script would set: one process less, and signals reach the program itself.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::adapters::disk::atomic;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::formats::official_cli::{Found, package_version, parse_found, print_found};
use crate::ports::codex::Official;

/// The variable that names the official CLI.
pub const VARIABLE: &str = "CODEX_MULTI_AUTH_REAL_CODEX_BIN";

/// `npm root -g` may take this long.
const NPM_WAIT: Duration = Duration::from_secs(5);

/// Scripts below this size are looked at for our own mark.
const SCRIPT: u64 = 64 * 1_024;

const MANAGERS: [&str; 4] =
    ["CODEX_MANAGED_BY_NPM", "CODEX_MANAGED_BY_BUN", "CODEX_MANAGED_BY_PNPM", "CODEX_MANAGED_BY_VITE_PLUS"];

/// Where to look.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The variable's value.
    pub named: Option<String>,
    /// `PATH`.
    pub path: Option<OsString>,
    /// `npm_config_prefix` and `PREFIX`, as far as they are set.
    pub prefixes: Vec<PathBuf>,
    /// Our own executable.
    pub own: Option<PathBuf>,
    /// `cache/official-codex.json`.
    pub cache: PathBuf,
}

/// Finds it.
///
/// # Errors
/// `official-cli-missing` with what helps.
pub fn find(search: &Search) -> Result<Official, Problem> {
    if let Some(named) = &search.named {
        let path = PathBuf::from(named);
        return if path.is_file() {
            Ok(resolve(&path, search.path.as_ref()))
        } else {
            Err(missing(&format!("{VARIABLE} names {named}, which does not exist")))
        };
    }
    let candidate = on_path(search)
        .or_else(|| in_roots(search, npm_roots(search)))
        .or_else(|| remembered(search))
        .or_else(|| in_roots(search, npm_root_global(search)));
    let Some(candidate) = candidate else { return Err(missing("`codex` is not on PATH")) };
    let official = resolve(&candidate, search.path.as_ref());
    remember(search, &candidate, &official);
    Ok(official)
}

/// Finds it without starting a program and without remembering it.
///
/// # Errors
/// `official-cli-missing` with what helps.
pub fn glance(search: &Search) -> Result<Official, Problem> {
    if search.named.is_some() {
        return find(search);
    }
    let candidate =
        on_path(search).or_else(|| in_roots(search, npm_roots(search))).or_else(|| remembered(search));
    let candidate = candidate.ok_or_else(|| missing("`codex` is not on PATH"))?;
    Ok(resolve(&candidate, search.path.as_ref()))
}

/// The problem of an official CLI that cannot be found.
pub fn missing(why: &str) -> Problem {
    Problem::new("official-cli-missing", Exit::Failed, "the official Codex CLI was not found")
        .because(why)
        .hint(Hint::Say("Install it with `npm install -g @openai/codex`".to_owned()))
        .hint(Hint::Say(format!("Or name it: `{VARIABLE}=/path/to/codex`")))
}

fn on_path(search: &Search) -> Option<PathBuf> {
    let names: &[&str] = if cfg!(windows) { &["codex.exe", "codex.cmd", "codex"] } else { &["codex"] };
    let path = search.path.as_ref()?;
    std::env::split_paths(path)
        .filter(|directory| directory.is_absolute())
        .flat_map(|directory| names.iter().map(move |name| directory.join(name)))
        .find(|candidate| is_program(candidate) && !is_ours(candidate, search))
}

fn npm_roots(search: &Search) -> Vec<PathBuf> {
    let beside = search.own.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    let under = |base: &PathBuf| [base.join("node_modules"), base.join("lib").join("node_modules")];
    let mut roots: Vec<PathBuf> = beside
        .iter()
        .flat_map(|directory| directory.ancestors())
        .filter(|directory| directory.file_name().is_some_and(|name| name == "node_modules"))
        .map(Path::to_path_buf)
        .collect();
    roots.extend(search.prefixes.iter().flat_map(under));
    roots
}

fn in_roots(search: &Search, roots: Vec<PathBuf>) -> Option<PathBuf> {
    roots
        .into_iter()
        .map(|root| root.join("@openai").join("codex").join("bin").join("codex.js"))
        .find(|candidate| candidate.is_file() && !is_ours(candidate, search))
}

fn npm_root_global(search: &Search) -> Vec<PathBuf> {
    let mut command = if cfg!(windows) {
        let mut command = Command::new("cmd");
        command.args(["/d", "/s", "/c", "npm root -g"]);
        command
    } else {
        let mut command = Command::new("npm");
        command.args(["root", "-g"]);
        command
    };
    if let Some(path) = &search.path {
        command.env("PATH", path);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(child) = command.spawn() else { return Vec::new() };
    let (send, answer) = std::sync::mpsc::channel();
    // Not joined when npm hangs: the thread ends with npm, or with us.
    std::thread::spawn(move || {
        let _ = send.send(child.wait_with_output());
    });
    let Ok(Ok(output)) = answer.recv_timeout(NPM_WAIT) else { return Vec::new() };
    let root = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && !root.is_empty() { vec![PathBuf::from(root)] } else { Vec::new() }
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// Whether a candidate is this program, a link or copy of it, or a wrapper of the reference.
fn is_ours(candidate: &Path, search: &Search) -> bool {
    let real = fs::canonicalize(candidate).unwrap_or_else(|_| candidate.to_path_buf());
    if is_in_reference(&real) || search.own.as_deref().is_some_and(|own| is_same_program(&real, own)) {
        return true;
    }
    let is_small = fs::metadata(&real).is_ok_and(|data| data.len() < SCRIPT);
    is_small && fs::read(&real).is_ok_and(|text| text.starts_with(b"#!") && names_us(&text))
}

fn names_us(script: &[u8]) -> bool {
    const MARK: &[u8] = b"codex-multi-auth";
    script.windows(MARK.len()).any(|part| part == MARK)
}

fn is_in_reference(real: &Path) -> bool {
    let parts: Vec<_> = real.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.windows(2).any(|pair| matches!(pair, [a, b] if a == "node_modules" && b == "codex-multi-auth"))
        || parts.windows(2).any(|pair| matches!(pair, [a, b] if a == "@ndycode" && b == "codex-multi-auth"))
}

fn is_same_program(one: &Path, own: &Path) -> bool {
    let (Ok(a), Ok(b)) = (fs::metadata(one), fs::metadata(own)) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if (a.dev(), a.ino()) == (b.dev(), b.ino()) {
            return true;
        }
    }
    // A copy has the same bytes; only files of the same size are compared.
    a.len() == b.len() && matches!((fs::read(one), fs::read(own)), (Ok(left), Ok(right)) if left == right)
}

fn is_script(path: &Path) -> bool {
    path.extension().is_some_and(|ext| ext == "js" || ext == "mjs" || ext == "cjs")
}

/// From a candidate to what is started.
fn resolve(candidate: &Path, path: Option<&OsString>) -> Official {
    let real = fs::canonicalize(candidate).unwrap_or_else(|_| candidate.to_path_buf());
    if !is_script(&real) {
        return Official { path: candidate.to_path_buf(), ..Official::default() };
    }
    native(&real).unwrap_or_else(|| Official {
        through: Some(interpreter(path)),
        version: package_of(&real).and_then(|package| version_of(&package)),
        path: real,
        ..Official::default()
    })
}

fn interpreter(path: Option<&OsString>) -> PathBuf {
    let name = if cfg!(windows) { "node.exe" } else { "node" };
    path.into_iter()
        .flat_map(|path| std::env::split_paths(path).collect::<Vec<_>>())
        .map(|directory| directory.join(name))
        .find(|candidate| is_program(candidate))
        .unwrap_or_else(|| PathBuf::from(name))
}

/// The native binary behind the npm package's start script, found as that script finds it.
fn native(script: &Path) -> Option<Official> {
    let package = package_of(script)?;
    let (platform, triple) = target()?;
    let platform_package = script
        .ancestors()
        .map(|directory| directory.join("node_modules").join("@openai").join(platform))
        .find(|directory| directory.join("package.json").is_file());
    let vendor = platform_package.map_or_else(|| package.join("vendor"), |found| found.join("vendor"));
    let name = if cfg!(windows) { "codex.exe" } else { "codex" };
    // Older packages keep it in a folder named after the program.
    let binary = ["bin", "codex"]
        .into_iter()
        .map(|folder| vendor.join(triple).join(folder).join(name))
        .find(|candidate| is_program(candidate))?;
    let manager = manager(&package)?;
    let mut set_env = vec![(manager.to_owned(), "1".to_owned())];
    set_env.push(("CODEX_MANAGED_PACKAGE_ROOT".to_owned(), package.to_string_lossy().into_owned()));
    Some(Official {
        path: binary,
        through: None,
        version: version_of(&package),
        set_env,
        unset_env: MANAGERS.into_iter().filter(|name| *name != manager).map(str::to_owned).collect(),
    })
}

/// The package directory of `…/@openai/codex/bin/codex.js`.
fn package_of(script: &Path) -> Option<PathBuf> {
    let package = script.parent()?.parent()?;
    let is_package = package.file_name()? == "codex" && package.parent()?.file_name()? == "@openai";
    is_package.then(|| package.to_path_buf())
}

/// Which variable tells the binary who updates it. `None` where only the start script can tell.
fn manager(package: &Path) -> Option<&'static str> {
    let owns = |directory: &Path| directory.join("node_modules").join(".modules.yaml").is_file();
    for directory in package.ancestors() {
        if directory.file_name().is_some_and(|name| name == "packages")
            && directory.join("@openai").join("codex.json").is_file()
        {
            return None;
        }
        if owns(directory) {
            return Some("CODEX_MANAGED_BY_PNPM");
        }
    }
    if package.to_string_lossy().replace('\\', "/").contains(".bun/install/global") {
        return Some("CODEX_MANAGED_BY_BUN");
    }
    Some("CODEX_MANAGED_BY_NPM")
}

fn version_of(package: &Path) -> Option<String> {
    package_version(&fs::read_to_string(package.join("package.json")).ok()?)
}

/// Platform package and target of this machine, as the npm package names them.
fn target() -> Option<(&'static str, &'static str)> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux" | "android", "x86_64") => Some(("codex-linux-x64", "x86_64-unknown-linux-musl")),
        ("linux" | "android", "aarch64") => Some(("codex-linux-arm64", "aarch64-unknown-linux-musl")),
        ("macos", "x86_64") => Some(("codex-darwin-x64", "x86_64-apple-darwin")),
        ("macos", "aarch64") => Some(("codex-darwin-arm64", "aarch64-apple-darwin")),
        ("windows", "x86_64") => Some(("codex-win32-x64", "x86_64-pc-windows-msvc")),
        ("windows", "aarch64") => Some(("codex-win32-arm64", "aarch64-pc-windows-msvc")),
        _ => None,
    }
}

fn stamp(path: &Path) -> Option<(i64, u64)> {
    let data = fs::metadata(path).ok()?;
    let modified = data.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some((i64::try_from(modified.as_millis()).ok()?, data.len()))
}

/// What an earlier start found, when it is still the same file.
fn remembered(search: &Search) -> Option<PathBuf> {
    let text = String::from_utf8(atomic::read(&search.cache).ok()??).ok()?;
    let found = parse_found(&text)?;
    let path = PathBuf::from(&found.path);
    (stamp(&path) == Some((found.mtime_ms, found.size)) && !is_ours(&path, search)).then_some(path)
}

fn remember(search: &Search, candidate: &Path, official: &Official) {
    let Some((mtime_ms, size)) = stamp(candidate) else { return };
    let found = Found {
        path: candidate.to_string_lossy().into_owned(),
        mtime_ms,
        size,
        version: official.version.clone(),
    };
    let text = print_found(&found);
    let is_same = matches!(atomic::read(&search.cache), Ok(Some(old)) if old == text.as_bytes());
    if !is_same {
        // Only a shortcut: a read-only root must not stop a launch.
        let _ = atomic::write(&search.cache, text.as_bytes());
    }
}

#[cfg(test)]
mod tests;

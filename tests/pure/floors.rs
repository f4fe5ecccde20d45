//! Holds `src/` to the floors of `docs/architecture.md` §3: who may import whom, external crates included, where
//! `.await` and the environment may appear, and how long a file may be.
//!
//! The code is read as tokens, without comments, literals and `#[cfg(test)]` items, which is enough to see every
//! path that starts at the crate or at an external crate, in `use` trees and inline.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use self::tokens::Token;

mod tokens;

/// Longest file without its tests (`docs/style.md`).
const CEILING: usize = 500;

/// External crates that every floor may use.
const EVERYWHERE: [&str; 1] = ["thiserror"];

/// Modules that may log: the pure floors return their reasons instead.
const LOGGING: [&str; 6] = ["cli", "runtime", "adapters", "proxy", "forward", "rehearsal"];

/// Modules that may wait.
const WAITING: [&str; 5] = ["adapters", "proxy", "forward", "rehearsal", "runtime"];

struct Floor {
    modules: &'static [&'static str],
    /// Module paths under `crate`, any depth; `*` is everything.
    inner: &'static [&'static str],
    /// Names as in `Cargo.toml`, with a path behind `::` where only a part is allowed.
    external: &'static [&'static str],
}

/// The table of `docs/architecture.md` §3, row by row.
const FLOORS: &[Floor] = &[
    Floor {
        modules: &["cli", "main.rs", "bin"],
        inner: &["*"],
        external: &["clap", "clap_complete", "clap_mangen", "color-eyre", "rustls", "tokio"],
    },
    Floor {
        modules: &["runtime"],
        inner: &[
            "adapters",
            "proxy",
            "forward",
            "rehearsal",
            "view",
            "report",
            "app",
            "ports",
            "formats",
            "domain",
            "base",
        ],
        external: &[
            "tokio",
            "tokio-util",
            "futures-util",
            "crossterm",
            "ratatui",
            "color-eyre",
            "tracing-subscriber",
            "tracing-appender",
        ],
    },
    Floor {
        modules: &["adapters"],
        inner: &["ports", "formats", "domain", "base"],
        external: &[
            "tokio",
            "tokio-util",
            "futures-util",
            "reqwest",
            "rustls",
            "rustls-native-certs",
            "oauth2",
            "http",
            "hyper",
            "hyper-util",
            "http-body-util",
            "bytes",
            "tokio-tungstenite",
            "url",
            "notify",
            "tempfile",
            "open",
            "directories",
            "rustix",
            "getrandom",
            "jiff",
        ],
    },
    Floor {
        modules: &["proxy", "forward"],
        inner: &["ports", "formats", "domain", "base"],
        external: &[
            "hyper",
            "hyper-util",
            "http",
            "http-body-util",
            "bytes",
            "futures-util",
            "tokio",
            "tokio-util",
            "tokio-tungstenite",
            "ruzstd",
            "flate2",
            "tempfile",
        ],
    },
    Floor {
        modules: &["rehearsal"],
        inner: &["formats", "domain", "base"],
        external: &[
            "hyper",
            "hyper-util",
            "http",
            "http-body-util",
            "bytes",
            "futures-util",
            "tokio",
            "tokio-util",
            "tokio-tungstenite",
            "ruzstd",
            "tempfile",
        ],
    },
    Floor {
        modules: &["view"],
        inner: &["app", "formats::theme", "domain", "base"],
        external: &["ratatui", "tui-textarea"],
    },
    Floor {
        modules: &["report"],
        inner: &["app::outcome", "formats", "domain", "base"],
        external: &["serde_json"],
    },
    Floor {
        modules: &["app"],
        inner: &["domain", "base"],
        external: &["ratatui::layout", "tui-textarea", "nucleo-matcher"],
    },
    Floor { modules: &["ports"], inner: &["domain", "base"], external: &["bytes", "http"] },
    Floor {
        modules: &["formats"],
        inner: &["domain", "base"],
        external: &["serde", "serde_json", "toml_edit", "base64", "csv", "itoa", "foldhash"],
    },
    Floor { modules: &["domain"], inner: &["base"], external: &["fastrand", "sha2", "subtle", "foldhash"] },
    Floor {
        modules: &["base"],
        inner: &[],
        external: &["unicode-width", "unicode-segmentation", "zeroize", "subtle", "jiff"],
    },
];

#[test]
fn every_import_stays_on_its_floor() {
    let known = dependencies();
    let mut faults = Vec::new();

    for source in Source::all() {
        let Some(floor) = FLOORS.iter().find(|floor| floor.modules.contains(&source.module.as_str())) else {
            faults.push(format!("{}: `{}` stands on no floor", source.name, source.module));
            continue;
        };
        for path in tokens::paths(&source.tokens) {
            if let Some(fault) = judge(&source, floor, &known, &path) {
                faults.push(format!("{}:{}: {fault}", source.name, path.line));
            }
        }
    }

    assert_clean(&faults);
}

#[test]
fn only_the_outer_floors_wait() {
    let faults: Vec<_> = Source::all()
        .iter()
        .filter(|source| !WAITING.contains(&source.module.as_str()))
        .flat_map(|source| {
            source.tokens.windows(2).filter_map(move |pair| {
                let waits = pair[0].is('.') && pair[1].is_word("await");
                waits.then(|| format!("{}:{}: `.await` on a pure floor", source.name, pair[1].line))
            })
        })
        .collect();

    assert_clean(&faults);
}

#[test]
fn one_file_reads_the_environment() {
    const READS: [&str; 6] = ["var", "var_os", "vars", "vars_os", "set_var", "remove_var"];
    let mut faults = Vec::new();

    for source in Source::all().iter().filter(|source| source.name != "src/adapters/env.rs") {
        for path in tokens::paths(&source.tokens) {
            let found =
                path.parts.windows(2).any(|pair| pair[0] == "env" && READS.contains(&pair[1].as_str()));
            if found {
                faults.push(format!(
                    "{}:{}: {} outside adapters/env.rs",
                    source.name,
                    path.line,
                    path.parts.join("::")
                ));
            }
        }
    }

    assert_clean(&faults);
}

#[test]
fn no_file_is_longer_than_the_ceiling() {
    let faults: Vec<_> = Source::all()
        .iter()
        .filter(|source| source.lines > CEILING)
        .map(|source| format!("{}: {} lines without tests, {CEILING} allowed", source.name, source.lines))
        .collect();

    assert_clean(&faults);
}

#[test]
fn the_architecture_page_draws_the_same_table() {
    let page = fs::read_to_string(root().join("docs/architecture.md")).expect("the page is there");

    let drawn: Vec<_> = page
        .lines()
        .skip_while(|line| !line.starts_with("| floor |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').map(str::trim).collect::<Vec<_>>())
        .map(|cells| (names(cells[2]), names(cells[4])))
        .collect();
    let held: Vec<_> = FLOORS
        .iter()
        .map(|floor| {
            let modules = floor.modules.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
            (modules, floor.external.iter().map(ToString::to_string).collect::<BTreeSet<_>>())
        })
        .collect();

    pretty_assertions::assert_eq!(drawn, held);
}

/// The names in a cell: what stands in parentheses or behind a dash is a remark.
fn names(cell: &str) -> BTreeSet<String> {
    let mut depth = 0;
    let plain: String = cell
        .chars()
        .filter(|&letter| {
            depth += i32::from(letter == '(') - i32::from(letter == ')');
            depth == 0 && !matches!(letter, ')' | '`')
        })
        .collect();
    let plain = plain.split('–').next().unwrap_or_default().replace("/*", "");
    plain.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// One file under `src/`, without its tests.
struct Source {
    name: String,
    module: String,
    depth: usize,
    tokens: Vec<Token>,
    lines: usize,
}

impl Source {
    fn all() -> Vec<Self> {
        let mut files = Vec::new();
        collect(&root().join("src"), &mut files);
        files.sort();
        files.iter().map(|file| Self::read(file)).filter(|source| source.name != "src/lib.rs").collect()
    }

    fn read(file: &Path) -> Self {
        let inside = file.strip_prefix(root().join("src")).expect("under src");
        let mut parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let module = if parts[0] == "main.rs" { parts[0].clone() } else { parts[0].replace(".rs", "") };
        parts.retain(|part| part != "main.rs");
        let text = fs::read_to_string(file).expect("readable source");
        let code = tokens::without_tests(&tokens::read(&text));
        let skipped: usize = code.skipped.iter().map(|lines| lines.end() - lines.start() + 1).sum();
        Self {
            name: format!("src/{}", inside.display()),
            module,
            depth: parts.len(),
            tokens: code.kept,
            lines: text.lines().count() - skipped,
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder under src") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs")
            && path.file_stem().is_some_and(|stem| stem != "tests")
        {
            files.push(path);
        }
    }
}

fn judge(source: &Source, floor: &Floor, known: &BTreeSet<String>, path: &tokens::Path) -> Option<String> {
    let parts: Vec<&str> = path.parts.iter().map(String::as_str).collect();
    let first = *parts.first()?;
    let climbs = parts.iter().take_while(|part| **part == "super").count();
    if climbs >= source.depth && climbs > 0 {
        return Some(format!("`{}` leaves its floor by `super`", parts.join("::")));
    }
    if first == "crate" || first == "codex_multi_auth" {
        let inside = parts.get(1..)?;
        let own = inside.first().is_none_or(|module| *module == source.module);
        let allowed = own || floor.inner.contains(&"*") || floor.inner.iter().any(|open| leads(open, inside));
        return (!allowed).then(|| format!("`{}` may not know `{}`", source.module, inside.join("::")));
    }
    if !known.contains(first) || EVERYWHERE.contains(&first) {
        return None;
    }
    if first == "tracing" {
        let may_log = LOGGING.contains(&source.module.as_str());
        return (!may_log).then(|| format!("`{}` may not log", source.module));
    }
    let allowed = floor.external.iter().any(|open| leads(&open.replace('-', "_"), &parts));
    (!allowed).then(|| format!("`{}` may not use `{}`", source.module, parts.join("::")))
}

/// Whether `path` is `open` or something inside it.
fn leads(open: &str, path: &[&str]) -> bool {
    let open: Vec<_> = open.split("::").collect();
    path.starts_with(&open)
}

/// Every crate that `Cargo.toml` names, as code spells it.
fn dependencies() -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let manifest: toml_edit::DocumentMut = manifest.parse().expect("valid TOML");
    let tables = [
        manifest.get("dependencies"),
        manifest.get("dev-dependencies"),
        manifest.get("target").and_then(|target| target.get("cfg(unix)")?.get("dependencies")),
    ];
    let names = tables.into_iter().flatten().filter_map(toml_edit::Item::as_table_like);
    names.flat_map(|table| table.iter().map(|(name, _)| name.replace('-', "_")).collect::<Vec<_>>()).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn assert_clean(faults: &[String]) {
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

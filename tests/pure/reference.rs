//! The reference pages are made from the tables of the program, and are current.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use codex_multi_auth::domain::settings::schema::{Kind, Panel, Section, Zero, rows};

#[test]
fn the_page_of_settings_is_current() {
    assert_current("docs/reference/settings.md", &settings());
}

#[test]
fn the_page_of_modules_is_current() {
    assert_current("docs/reference/modules.md", &modules());
}

fn assert_current(page: &str, text: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if fs::read_to_string(root.join(page)).unwrap_or_default() == text {
        return;
    }
    let fresh = root.join("target").join(Path::new(page).file_name().expect("a name"));
    fs::write(&fresh, text).expect("the target folder is writable");
    panic!("{page} is not current: copy {} over it", fresh.display());
}

fn settings() -> String {
    let mut page = String::from(
        "# Settings\n\nStored in `settings.json` in the root, member `pluginConfig` (rows marked *display*: \
         `dashboardDisplaySettings`); `codex-multi-auth config path` prints its path.\nDefault < file < environment. A \
         value out of bounds is clamped or ignored, and said so; it never invalidates its neighbours.\n\n\
         `codex-multi-auth config list`, `get`, `set`, `unset`, `explain`, `validate` and `edit` show and change them; \
         in the dashboard they stand on the tab Settings, in the groups of this page.\nTimes are milliseconds; `config \
         set` also takes `90s`, `5m`, `2h`. A running proxy and the dashboard obey a change at once, except for \
         `egressProxy` and `connectTimeoutMs`, which count from the next start.\n",
    );
    for panel in Panel::ALL {
        write!(
            page,
            "\n## {}\n\n| key | values | default | variable | what it does |\n|---|---|---|---|---|\n",
            panel.title()
        )
        .expect("a string");
        for row in rows().filter(|row| row.panel == panel) {
            let (values, default) = kind(row.kind);
            let key = match row.section {
                Section::Shared | Section::Ours => format!("`{}`", row.key),
                Section::Display => format!("`{}` *display*", row.key),
            };
            let variables: Vec<String> = row.env.iter().map(|name| format!("`{name}`")).collect();
            let variables = if variables.is_empty() { "–".to_owned() } else { variables.join(", ") };
            let note = row.verdict.note().map(|note| format!(" (*{note}*)")).unwrap_or_default();
            writeln!(page, "| {key} | {values} | {default} | {variables} | {}{note} |", row.help)
                .expect("a string");
        }
    }
    page
}

fn kind(kind: Kind) -> (String, String) {
    match kind {
        Kind::Flag(default) => ("`true`, `false`".to_owned(), format!("`{default}`")),
        Kind::Number { default, least, most, zero, .. } => {
            let off = if zero == Zero::TurnsOff { "0 (off) or " } else { "" };
            let most = if most >= 1e9 { "…".to_owned() } else { format!("… {most}") };
            (format!("{off}{least} {most}"), format!("`{default}`"))
        }
        Kind::Word(words) => {
            let known = words.iter().filter(|word| !word.is_empty());
            let list: Vec<String> = known.map(|word| format!("`{word}`")).collect();
            let default = words.first().copied().unwrap_or_default();
            (list.join(", "), if default.is_empty() { "unset".to_owned() } else { format!("`{default}`") })
        }
        Kind::List(words) => {
            let list: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            (format!("some of {}", list.join(", ")), "all".to_owned())
        }
        Kind::Map => ("lists of models under names of models".to_owned(), "empty".to_owned()),
        Kind::Text(default) => {
            ("text".to_owned(), if default.is_empty() { "empty".to_owned() } else { format!("`{default}`") })
        }
    }
}

fn modules() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let mut page = String::from(
        "# Modules\n\nEvery file under `src/` with the first sentence of its own account. Who may import whom: \
         [architecture.md](../architecture.md).\n",
    );
    let mut floor = String::new();
    for path in files {
        let name = path.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
        if name.ends_with("tests.rs") {
            continue;
        }
        let top = name.split(['/', '.']).next().unwrap_or_default().to_owned();
        if top != floor {
            write!(page, "\n## {top}\n\n| file | what it is for |\n|---|---|\n").expect("a string");
            floor = top;
        }
        let text = fs::read_to_string(&path).expect("readable");
        writeln!(page, "| `{name}` | {} |", first_sentence(&text)).expect("a string");
    }
    page
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The first paragraph of the module's doc, up to its first full stop.
fn first_sentence(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let paragraph: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let paragraph = paragraph.join(" ");
    let end = paragraph.find(". ").map_or(paragraph.len(), |end| end + 1);
    paragraph.get(..end).unwrap_or(&paragraph).replace('|', "\\|")
}

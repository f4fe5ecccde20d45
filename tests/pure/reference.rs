//! The reference pages are made from the tables of the program, and are current.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use codex_multi_auth::cli::args::Cli;
use codex_multi_auth::domain::problem::codes::CODES;
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

#[test]
fn the_page_of_commands_is_current() {
    assert_current("docs/reference/commands.md", &commands());
}

fn commands() -> String {
    let mut page = String::from(
        "# Commands\n\nMade from the table of commands. `auth <command>` means the same as `<command>`. An account is named by \
         number, e-mail, label, id, tag or a unique beginning of one; digits are always a number. Documents of `--json` \
         have schemas in [../schema](../schema).\n\n## Flags of every command\n\n",
    );
    let mut program = <Cli as clap::CommandFactory>::command();
    program.build();
    flags(&mut page, &program, false);
    page.push_str("\n## Exit codes\n\n0 done · 1 it failed · 2 wrong usage · 3 cancelled, or an answer is needed · 4 done, and \
         something needs attention · 5 no accounts · 6 network unreachable · 130 interrupted · the child's own with `codex`. \
         Codes of problems: [problems.md](problems.md).\n");
    let mut commands: Vec<&clap::Command> =
        program.get_subcommands().filter(|command| is_listed(command)).collect();
    commands.sort_by_key(|command| command.get_name());
    for command in commands {
        describe(&mut page, command, command.get_name(), 2);
    }
    page
}

fn is_listed(command: &clap::Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

fn describe(page: &mut String, command: &clap::Command, name: &str, depth: usize) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    write!(page, "\n{} `{name}`\n\n{about}.\n\n```text\n{usage}\n```\n", "#".repeat(depth))
        .expect("a string");
    flags(page, command, true);
    for inner in command.get_subcommands().filter(|inner| is_listed(inner)) {
        describe(page, inner, &format!("{name} {}", inner.get_name()), 3);
    }
}

fn flags(page: &mut String, command: &clap::Command, own: bool) {
    let args: Vec<&clap::Arg> = command
        .get_arguments()
        .filter(|arg| !(arg.is_hide_set() || own && arg.is_global_set() || arg.get_id() == "help"))
        .collect();
    if args.is_empty() {
        return;
    }
    page.push_str("\n| argument | what it does |\n|---|---|\n");
    for arg in args {
        let mut names: Vec<String> = arg.get_short().map(|short| format!("-{short}")).into_iter().collect();
        names.extend(arg.get_long().map(|long| format!("--{long}")));
        let mut name = names.join(", ");
        if arg.get_action().takes_values() {
            let value =
                arg.get_value_names().and_then(|names| names.first()).map_or("VALUE", |name| name.as_str());
            name = if name.is_empty() { value.to_owned() } else { format!("{name} {value}") };
        }
        let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let words: Vec<String> =
            arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
        if arg.get_action().takes_values() && !words.is_empty() && words.len() < 12 {
            help = format!("{help}: {}", words.join(", "));
        }
        writeln!(page, "| `{name}` | {} |", help.replace('|', "\\|")).expect("a string");
    }
}

#[test]
fn the_page_of_problem_codes_is_current() {
    let mut page = String::from(
        "# Problem codes\n\nThe word in `error.code` of a `--json` document, in Logs and in reports. It never changes its meaning.\n\n\
         | code | exit | what happened | what helps |\n|---|---|---|---|\n",
    );
    for code in CODES {
        writeln!(page, "| `{}` | {} | {} | {} |", code.word, code.exit, code.meaning, code.help)
            .expect("a string");
    }
    assert_current("docs/reference/problems.md", &page);
}

#[test]
fn every_code_that_is_used_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let mut unknown = std::collections::BTreeSet::new();
    for path in files {
        let text = fs::read_to_string(&path).expect("readable");
        for rest in text.split("Problem::new(").skip(1) {
            let Some(word) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next())
            else {
                continue;
            };
            let is_code =
                word.len() > 2 && word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-');
            let exit = rest.split_once(',').is_some_and(|(_, rest)| rest.trim_start().starts_with("Exit::"));
            if is_code && exit && CODES.iter().all(|code| code.word != word) {
                unknown.insert((word.to_owned(), path.display().to_string()));
            }
        }
    }
    assert!(unknown.is_empty(), "codes without a row in domain/problem/codes.rs: {unknown:?}");
}

#![cfg(unix)]

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

struct Machine {
    root: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    fn at(&self, path: &str) -> PathBuf {
        fs::canonicalize(self.root.path()).unwrap().join(path)
    }

    fn file(&self, path: &str, text: &str) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// The npm package with its platform package, as 0.169 installs it.
    fn package(&self, under: &str) -> PathBuf {
        let (platform, triple) = target().unwrap();
        self.file(&format!("{under}/@openai/codex/package.json"), r#"{"version":"0.169.0"}"#);
        self.file(&format!("{under}/@openai/{platform}/package.json"), "{}");
        self.file(&format!("{under}/@openai/{platform}/vendor/{triple}/bin/codex"), "native");
        self.file(&format!("{under}/@openai/codex/bin/codex.js"), "#!/usr/bin/env node\n")
    }

    fn search(&self, path: &[&str]) -> Search {
        let directories = path.iter().map(|directory| self.at(directory));
        Search {
            path: Some(std::env::join_paths(directories).unwrap()),
            cache: self.at("root/cache/official-codex.json"),
            ..Search::default()
        }
    }
}

#[test]
fn a_start_script_is_resolved_to_the_native_binary_with_its_variables() {
    let machine = Machine::new();
    let script = machine.package("lib/node_modules");
    fs::create_dir_all(machine.at("bin")).unwrap();
    symlink(&script, machine.at("bin/codex")).unwrap();

    let official = find(&machine.search(&["bin"])).unwrap();

    let (platform, triple) = target().unwrap();
    assert_eq!(
        official,
        Official {
            path: machine.at(&format!("lib/node_modules/@openai/{platform}/vendor/{triple}/bin/codex")),
            through: None,
            version: Some("0.169.0".into()),
            set_env: vec![
                ("CODEX_MANAGED_BY_NPM".into(), "1".into()),
                (
                    "CODEX_MANAGED_PACKAGE_ROOT".into(),
                    machine.at("lib/node_modules/@openai/codex").to_string_lossy().into_owned()
                ),
            ],
            unset_env: MANAGERS.into_iter().skip(1).map(str::to_owned).collect(),
        }
    );
}

#[test]
fn a_script_without_its_platform_package_runs_through_node() {
    let machine = Machine::new();
    let node = machine.file("bin/node", "");
    let script = machine.file("npm/node_modules/@openai/codex/bin/codex.js", "");
    let search = Search { prefixes: vec![machine.at("npm")], ..machine.search(&["bin"]) };

    let official = find(&search).unwrap();

    assert_eq!((official.path, official.through), (script, Some(node)));
}

#[test]
fn the_path_comes_before_npm_roots_and_what_is_no_program_is_passed_over() {
    let machine = Machine::new();
    machine.package("npm/node_modules");
    fs::create_dir_all(machine.at("a/codex")).unwrap();
    let plain = machine.file("b/codex", "binary");
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
    let wanted = machine.file("c/codex", "binary");
    let search = Search { prefixes: vec![machine.at("npm")], ..machine.search(&["a", "b", "c"]) };

    assert_eq!(find(&search).unwrap().path, wanted);
}

#[test]
fn this_program_under_another_name_is_never_the_official_one() {
    let machine = Machine::new();
    let own = machine.file("own/codex-multi-auth", "ourselves");
    for directory in ["link", "hard", "copy", "script", "reference"] {
        fs::create_dir_all(machine.at(directory)).unwrap();
    }
    symlink(&own, machine.at("link/codex")).unwrap();
    fs::hard_link(&own, machine.at("hard/codex")).unwrap();
    machine.file("copy/codex", "ourselves");
    machine.file("script/codex", "#!/bin/sh\nexec codex-multi-auth codex \"$@\"\n");
    let wrapper = machine.file("n/node_modules/codex-multi-auth/dist/codex.js", "");
    symlink(wrapper, machine.at("reference/codex")).unwrap();
    let wanted = machine.file("official/codex", "official");
    let search = Search {
        own: Some(own),
        ..machine.search(&["link", "hard", "copy", "script", "reference", "official"])
    };

    assert_eq!(find(&search).unwrap().path, wanted);
}

#[test]
fn the_variable_is_final() {
    let machine = Machine::new();
    let named = machine.file("elsewhere/codex", "x");
    machine.file("bin/codex", "y");
    let with = |named: &Path| Search {
        named: Some(named.to_string_lossy().into_owned()),
        ..machine.search(&["bin"])
    };

    assert_eq!(find(&with(&named)).unwrap().path, named);
    assert_eq!(find(&with(&machine.at("gone"))).unwrap_err().code, "official-cli-missing");
}

#[test]
fn a_find_is_remembered_until_the_file_changes() {
    let machine = Machine::new();
    let codex = machine.file("bin/codex", "x");
    find(&machine.search(&["bin"])).unwrap();
    let elsewhere = machine.search(&["empty"]);

    assert_eq!(remembered(&elsewhere), Some(codex.clone()));
    fs::write(codex, "longer").unwrap();
    assert_eq!(remembered(&elsewhere), None);
}

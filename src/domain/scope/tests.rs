use std::collections::BTreeMap;

use super::*;

/// A file system in a table; a path that ends in `/` is a directory.
struct Made(BTreeMap<&'static str, &'static str>);

impl Tree for Made {
    fn entry(&self, path: &Path) -> Option<Entry> {
        let path = path.to_string_lossy().into_owned();
        if self.0.contains_key(path.as_str()) {
            return Some(Entry::File);
        }
        self.0.keys().any(|name| name.starts_with(&format!("{path}/"))).then_some(Entry::Directory)
    }

    fn read(&self, path: &Path) -> Option<String> {
        self.0.get(path.to_string_lossy().as_ref()).map(|text| (*text).to_owned())
    }

    fn real(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }
}

fn made<const N: usize>(files: [(&'static str, &'static str); N]) -> Made {
    Made(files.into())
}

fn roots(tree: &Made, start: &str) -> Option<(String, String)> {
    let project = find(tree, Path::new(start), Path::new("/home/u"), |_| false)?;
    Some((project.root.to_string_lossy().into_owned(), project.identity_root.to_string_lossy().into_owned()))
}

#[expect(clippy::unnecessary_wraps, reason = "compared with what may be missing")]
fn both(root: &str, identity: &str) -> Option<(String, String)> {
    Some((root.to_owned(), identity.to_owned()))
}

#[test]
fn the_project_root_is_the_repository_else_the_innermost_marker() {
    let tree = made([
        ("/src/repo/.git/HEAD", ""),
        ("/src/repo/crate/Cargo.toml", ""),
        ("/work/outer/package.json", ""),
        ("/work/outer/inner/go.mod", ""),
        ("/home/u/.codex/config.toml", ""),
        ("/home/u/tool/.codex/prompt.md", ""),
    ]);
    for (start, root) in [
        ("/src/repo/crate/src", Some("/src/repo")),
        ("/work/outer/inner/deep", Some("/work/outer/inner")),
        ("/work/outer/other", Some("/work/outer")),
        ("/work", None),
        ("/home/u/notes", None),
        ("/home/u/tool/x", Some("/home/u/tool")),
    ] {
        assert_eq!(roots(&tree, start).map(|(root, _)| root).as_deref(), root, "{start}");
    }
}

#[test]
fn the_home_directory_is_a_project_where_it_has_a_pool_or_a_marker_of_its_own() {
    let plain = made([("/home/u/.codex/config.toml", "")]);
    let marked = made([("/home/u/.codex/config.toml", ""), ("/home/u/package.json", "")]);
    let home = Path::new("/home/u");
    let known = key("/home/u", Naming::here());

    assert_eq!(find(&plain, home, home, |_| false), None);
    assert!(find(&plain, home, home, |key| key == known).is_some());
    assert!(find(&marked, home, home, |_| false).is_some());
}

#[test]
fn a_worktree_belongs_to_its_main_checkout_only_when_that_knows_it() {
    let pointer = "gitdir: /src/main/.git/worktrees/wt\n";
    let known = |file: &'static str| {
        made([
            ("/src/main/.git/HEAD", ""),
            ("/src/main/.git/worktrees/wt/gitdir", "/src/wt/.git\n"),
            ("/src/main/.git/worktrees/wt/commondir", "../..\n"),
            ("/src/wt/.git", file),
        ])
    };
    let main = both("/src/wt", "/src/main");
    let alone = both("/src/wt", "/src/wt");

    assert_eq!(roots(&known(pointer), "/src/wt/sub"), main);
    assert_eq!(roots(&known("GitDir:   ../main/.git/worktrees/wt"), "/src/wt"), main);
    assert_eq!(roots(&known("gitdir: ..\\main\\.git\\worktrees\\wt"), "/src/wt"), main);
    assert_eq!(roots(&known("gitdir: ../main/.git/modules/wt"), "/src/wt"), alone, "submodule");
    assert_eq!(roots(&known("elsewhere"), "/src/wt"), alone, "no pointer");
    for (name, tree) in [
        (
            "another worktree's entry",
            made([
                ("/src/main/.git/HEAD", ""),
                ("/src/main/.git/worktrees/wt/gitdir", "/src/other/.git\n"),
                ("/src/main/.git/worktrees/wt/commondir", "../.."),
                ("/src/wt/.git", pointer),
            ]),
        ),
        ("no entry", made([("/src/main/.git/HEAD", ""), ("/src/wt/.git", pointer)])),
        (
            "a repository elsewhere",
            made([
                ("/src/main/.git/worktrees/wt/gitdir", "/src/wt/.git\n"),
                ("/src/main/.git/worktrees/wt/commondir", "/other/.git"),
                ("/other/.git/HEAD", ""),
                ("/src/wt/.git", pointer),
            ]),
        ),
        (
            "no commondir",
            made([("/src/main/.git/worktrees/wt/gitdir", "/src/wt/.git\n"), ("/src/wt/.git", pointer)]),
        ),
    ] {
        assert_eq!(roots(&tree, "/src/wt"), alone, "{name}");
    }
}

#[test]
fn a_name_with_runs_of_strange_characters_keeps_its_own_dashes() {
    assert!(key("/a/x--y", Naming::Posix).starts_with("x--y-"));
    assert!(key("/a/x -- y", Naming::Posix).starts_with("x----y-"));
}

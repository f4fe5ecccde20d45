use std::time::SystemTime;

use super::*;

const ID: &str = "0199a213-81c0-7800-8aa1-bbab2a035a53";

struct Home {
    _dir: tempfile::TempDir,
    places: Places,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path().join("root"), dir.path().join("codex"));
        Self { _dir: dir, places }
    }

    fn keep(&self, folder: &str, provider: &str, rest: &[u8]) -> PathBuf {
        let folder = self.places.codex_home().join(folder);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("rollout-2026-11-20T10-00-00-{ID}.jsonl"));
        let mut bytes = format!(
            "{{\"type\":\"session_meta\", \"payload\":{{\"id\":\"{ID}\",\"model_provider\": \"{provider}\"}}}}\n"
        )
        .into_bytes();
        bytes.extend_from_slice(rest);
        fs::write(&path, bytes).unwrap();
        let old = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_790_000_000);
        File::options().append(true).open(&path).unwrap().set_modified(old).unwrap();
        path
    }

    fn migrate(&self, how: Migration) -> Migrated {
        let folders = index_folders(&self.places, None);
        migrate(&self.places, &folders, &rescue::homes(&self.places), how, Moment::from_secs(1_800_000_000))
            .unwrap()
    }
}

fn look(path: &Path) -> (Vec<u8>, SystemTime) {
    (fs::read(path).unwrap(), fs::metadata(path).unwrap().modified().unwrap())
}

#[test]
fn sessions_are_filed_anew_and_an_undo_gives_every_byte_back() {
    let home = Home::new();
    let legacy = home.keep("sessions/2026/11/20", LEGACY_PROVIDER, b"{\"a\":1}\r\nnot \xff text\n{torn");
    let archived = home.keep("archived_sessions", LEGACY_PROVIDER, b"");
    let official = home.keep("sessions/2026/11/21", "openai", b"{}\n");
    let before = [look(&legacy), look(&archived), look(&official)];

    let told = home.migrate(Migration::default());

    assert_eq!((told.found, told.rewritten, told.failed), (2, 2, Vec::new()));
    let (bytes, time) = look(&legacy);
    let expected = String::from_utf8_lossy(&before[0].0).replace(LEGACY_PROVIDER, "openai");
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
    assert_eq!(time, before[0].1);
    assert_eq!(look(&official), before[2]);

    let restored = undo(&home.places).unwrap();

    assert_eq!((restored.sessions, restored.failed), (2, Vec::new()));
    assert_eq!([look(&legacy), look(&archived), look(&official)], before);
    assert_eq!(undo(&home.places).unwrap_err().code, "backup-not-found");
}

#[test]
fn a_dry_run_writes_nothing() {
    let home = Home::new();
    let legacy = home.keep("sessions", LEGACY_PROVIDER, b"");
    let before = look(&legacy);

    let told = home.migrate(Migration { dry_run: true, rebuild_index: true });

    assert_eq!((told.found, told.rewritten, told.backup), (1, 0, None));
    assert_eq!(look(&legacy), before);
    assert!(!home.places.root().exists());
}

#[test]
fn what_was_said_after_the_move_survives_the_undo() {
    let home = Home::new();
    let legacy = home.keep("sessions", LEGACY_PROVIDER, b"{}\n");
    let before = fs::read(&legacy).unwrap();
    home.migrate(Migration::default());
    File::options().append(true).open(&legacy).unwrap().write_all(b"{\"more\":1}\n").unwrap();

    undo(&home.places).unwrap();

    let mut expected = before;
    expected.extend_from_slice(b"{\"more\":1}\n");
    assert_eq!(fs::read(&legacy).unwrap(), expected);
}

#[test]
fn a_first_line_somebody_else_wrote_is_left_alone_by_the_undo() {
    let home = Home::new();
    let legacy = home.keep("sessions", LEGACY_PROVIDER, b"{}\n");
    home.migrate(Migration::default());
    fs::write(&legacy, b"{\"type\":\"session_meta\",\"payload\":{\"model_provider\":\"mine\"}}\n").unwrap();
    let theirs = fs::read(&legacy).unwrap();

    let restored = undo(&home.places).unwrap();

    assert_eq!((restored.sessions, restored.failed.len()), (0, 1));
    assert_eq!(fs::read(&legacy).unwrap(), theirs);
}

#[test]
fn index_files_go_into_the_backup_and_come_back_beside_their_successors() {
    let home = Home::new();
    home.keep("sessions", LEGACY_PROVIDER, b"");
    let index = home.places.codex_home().join("state_5.sqlite");
    fs::write(&index, b"old").unwrap();

    assert_eq!(home.migrate(Migration { dry_run: false, rebuild_index: true }).index_files, 1);
    assert!(!index.exists());
    fs::write(&index, b"new").unwrap();
    let restored = undo(&home.places).unwrap();

    assert_eq!(restored.index_files, 1);
    assert_eq!(fs::read(&index).unwrap(), b"old");
    assert_eq!(fs::read(home.places.codex_home().join("state_5.sqlite.rebuilt")).unwrap(), b"new");
}

#[test]
fn a_session_that_was_written_to_lately_keeps_the_home() {
    let home = Home::new();
    home.keep("sessions", LEGACY_PROVIDER, b"");
    let written = Moment::from_secs(1_790_000_000);

    assert_eq!(
        must_be_idle(&home.places, written + Span::seconds(30)).unwrap_err().code,
        "codex-home-in-use"
    );
    assert!(must_be_idle(&home.places, written + Span::seconds(61)).is_ok());
}

#[cfg(unix)]
#[test]
fn a_background_server_that_answers_keeps_the_home() {
    let home = Home::new();
    let folder = home.places.codex_home().join("app-server-control");
    fs::create_dir_all(&folder).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(folder.join("control.sock")).unwrap();
    let now = Moment::from_secs(1_800_000_000);

    assert!(must_be_idle(&home.places, now).is_err());
    drop(socket);
    assert!(must_be_idle(&home.places, now).is_ok());
}

/// A session in a temporary home of the reference.
fn strand(home: &Home, shadow: &str, rest: &[u8]) -> PathBuf {
    let kept = home.keep("sessions/2026/11/20", LEGACY_PROVIDER, rest);
    let folder = home.places.root().join("runtime-shadow-homes").join(shadow).join("sessions/2026/11/20");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(kept.file_name().unwrap());
    fs::rename(kept, &path).unwrap();
    path
}

#[test]
fn a_session_in_a_temporary_home_comes_to_where_it_belongs_and_an_undo_takes_it_back() {
    let home = Home::new();
    let stranded = strand(&home, "codex-multi-auth-runtime-home-aaaaaa", b"{}\n");
    let belongs = home.places.codex_home().join("sessions/2026/11/20").join(stranded.file_name().unwrap());
    let before = look(&stranded);

    let dry = home.migrate(Migration { dry_run: true, rebuild_index: false });
    let told = home.migrate(Migration::default());

    assert_eq!((dry.rescued, dry.found, dry.backup), (1, 1, None));
    assert_eq!((told.rescued, told.found, told.rewritten, told.failed), (1, 1, 1, Vec::new()));
    assert!(!stranded.exists());
    let (bytes, time) = look(&belongs);
    assert!(String::from_utf8_lossy(&bytes).contains("\"openai\""));
    assert_eq!(time, before.1);

    let restored = undo(&home.places).unwrap();

    assert_eq!((restored.rescued, restored.sessions, restored.failed), (1, 1, Vec::new()));
    assert_eq!(look(&stranded), before);
    assert!(!belongs.exists());
}

#[test]
fn the_longer_copy_wins_the_shorter_one_is_kept_and_different_ones_are_never_merged() {
    for (name, real, shadow, rescued) in [
        ("the same", &b"{}\n"[..], &b"{}\n"[..], 0),
        ("longer at home", b"{}\n{}\n", b"{}\n", 0),
        ("longer in the temporary home", b"{}\n", b"{}\n{\"more\":1}\n", 1),
        ("different", b"{\"a\":1}\n", b"{\"b\":2}\n", 1),
    ] {
        let home = Home::new();
        let stranded = strand(&home, "codex-multi-auth-runtime-home-aaaaaa", shadow);
        let kept = home.keep("sessions/2026/11/20", LEGACY_PROVIDER, real);
        let before = [look(&stranded), look(&kept)];

        let told =
            rescue(&home.places, &rescue::homes(&home.places), Moment::from_secs(1_800_000_000)).unwrap();

        assert_eq!((told.rescued, told.failed), (rescued, Vec::new()), "{name}");
        let longest = if name.starts_with("longer in") { &before[0] } else { &before[1] };
        assert_eq!(look(&kept), *longest, "{name}");
        if rescued > 0 {
            assert!(!stranded.exists(), "{name}");
            undo(&home.places).unwrap();
        }
        assert_eq!([look(&stranded), look(&kept)], before, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn what_a_temporary_home_only_links_to_is_nothing_of_its_own() {
    let home = Home::new();
    let kept = home.keep("sessions/2026/11/20", LEGACY_PROVIDER, b"{}\n");
    let shadow = home.places.root().join("runtime-shadow-homes/codex-multi-auth-runtime-home-aaaaaa");
    fs::create_dir_all(&shadow).unwrap();
    std::os::unix::fs::symlink(home.places.codex_home().join("sessions"), shadow.join("sessions")).unwrap();

    assert_eq!(rescue::count(&home.places, &rescue::homes(&home.places)).unwrap(), 0);
    assert!(kept.exists());
}

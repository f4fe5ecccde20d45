//! A home as the original package leaves it, written by the formats it documents.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::dirs::Home;

/// The provider it filed sessions under.
pub(crate) const PROVIDER: &str = "codex-multi-auth-runtime-proxy";
/// The token of its processes: 48 hex digits.
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

/// `config.toml` as its bind leaves it: two keys on top, its table at the end.
pub(crate) fn bound(before: &str, port: u16) -> String {
    format!(
        "model_provider = \"{PROVIDER}\"\ndisable_response_storage = false\n{before}\n[model_providers.{PROVIDER}]\nname = \"codex-multi-auth\"\nbase_url = \"http://127.0.0.1:{port}\"\nwire_api = \"responses\"\nrequires_openai_auth = false\nexperimental_bearer_token = \"{}\"\n",
        "ab".repeat(32)
    )
}

/// Binds as it does: the file, its state, its copy of the file, the status of a router that is gone.
pub(crate) fn bind(home: &Home, before: Option<&str>, port: u16) {
    let config = home.codex().join("config.toml");
    home.write(&config, &bound(before.unwrap_or_default(), port));
    let folder = home.root().join("app-bind");
    let file = |name: &str| folder.join(name);
    let state = json!({
        "version": 1, "platform": "linux", "host": "127.0.0.1", "port": port,
        "baseUrl": format!("http://127.0.0.1:{port}"), "configPath": config,
        "statePath": file("runtime-rotation-app-bind.json"), "backupPath": file("codex-config-backup.json"),
        "statusPath": file("runtime-rotation-app-bind-status.json"),
        "logPath": file("runtime-rotation-app-router.log"), "nodePath": "/usr/bin/node",
        "routerScriptPath": "/usr/lib/node_modules/codex-multi-auth/router.js",
        "clientApiKey": "ab".repeat(32), "identityToken": TOKEN, "startupPath": null, "launchAgentPath": null,
        "boundConfigHash": "00", "updatedAt": 1_790_000_000_000_u64,
    });
    home.write(&file("runtime-rotation-app-bind.json"), &format!("{state:#}\n"));
    let copy = json!({
        "version": 1, "configPath": config, "existed": before.is_some(), "content": before.unwrap_or_default(),
        "createdAt": 1_790_000_000_000_u64,
    });
    home.write(&file("codex-config-backup.json"), &format!("{copy:#}\n"));
    let status = json!({
        "version": 1, "kind": "codex-app-runtime-rotation-router", "state": "running", "pid": 0x3fff_ffff,
        "startedAt": 1_790_000_000_000_u64, "identityToken": TOKEN,
    });
    home.write(&file("runtime-rotation-app-bind-status.json"), &format!("{status:#}\n"));
}

/// A temporary home: links to the real one, a copy of the configuration with a client key, and, when asked, a session
/// that is nowhere else. Everything in it is an hour old.
pub(crate) fn temporary_home(home: &Home, folder: &Path, session: Option<&str>) -> Option<PathBuf> {
    fs::create_dir_all(folder).expect("writable");
    std::os::unix::fs::symlink(home.codex().join("auth.json"), folder.join("auth.json")).expect("a link");
    std::os::unix::fs::symlink(home.codex().join("skills"), folder.join("skills")).expect("a link");
    home.write(&folder.join("config.toml"), &bound("model = \"x\"\n", 1));
    let session = session.map(|id| {
        let path = folder.join(format!("sessions/2026/11/20/rollout-2026-11-20T10-00-00-{id}.jsonl"));
        home.write(&path, &rollout(id));
        path
    });
    age(folder);
    session
}

/// A session under its provider.
pub(crate) fn rollout(id: &str) -> String {
    format!(
        "{{\"timestamp\":\"2026-11-20T10:00:00.000Z\",\"type\":\"session_meta\",\"payload\":{{\"id\":\"{id}\",\"cwd\":\"/home/me/project\",\"originator\":\"codex_cli_rs\",\"cli_version\":\"0.160.0\",\"model_provider\":\"{PROVIDER}\"}}}}\n{{\"timestamp\":\"2026-11-20T10:00:01.000Z\",\"type\":\"event_msg\",\"payload\":{{\"type\":\"user_message\",\"message\":\"said in {id}\"}}}}\n"
    )
}

/// Everything else: notes of a copy back, stand-ins, status files of helpers that are gone, hooks, a launcher.
pub(crate) fn scraps(home: &Home) {
    home.write(
        &home.codex().join(".codex-multi-auth-shadow-sync.lock/owner.json"),
        &json!({ "pid": 0x3fff_ffff, "createdAt": 1 }).to_string(),
    );
    home.write(&home.codex().join(".codex-multi-auth-shadow-sync-state.json"), "{}");
    home.write(&home.root().join("app-server-shims/helper-1073741823/codex"), "#!/bin/sh\n");
    let helper = json!({
        "version": 1, "kind": "codex-app-runtime-rotation-helper", "state": "running", "pid": 0x3fff_ffff,
        "identityToken": TOKEN, "startedAt": 1_790_000_000_000_u64, "updatedAt": 1_790_000_000_000_u64,
    });
    let path = home.root().join("runtime-rotation-app-helper.1073741823.json");
    home.write(&path, &format!("{helper:#}\n"));
    age(&path);
    home.write(
        &home.path().join(".local/share/applications/codex-multi-auth.desktop"),
        "[Desktop Entry]\nType=Application\nExec=\"/usr/lib/node_modules/codex-multi-auth/bin/codex-multi-auth-codex\" app %F\n",
    );
    home.write(
        &home.path().join("Library/LaunchAgents/com.ndycode.codex-multi-auth.runtime-router.plist"),
        "<plist><dict><key>ProgramArguments</key><array><string>/usr/bin/node</string></array></dict></plist>\n",
    );
}

/// Makes a file, or everything in a folder, an hour old.
pub(crate) fn age(path: &Path) {
    let meta = fs::symlink_metadata(path).expect("there");
    if meta.is_symlink() {
        return set(path);
    }
    if meta.is_dir() {
        for entry in fs::read_dir(path).expect("readable").flatten() {
            age(&entry.path());
        }
    }
    set(path);
}

#[expect(clippy::disallowed_methods, reason = "the programs under test compare files with the real clock")]
fn set(path: &Path) {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

    let then = (SystemTime::now() - Duration::from_hours(1)).duration_since(SystemTime::UNIX_EPOCH);
    let seconds = i64::try_from(then.expect("after 1970").as_secs()).expect("fits");
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).expect("ours");
}

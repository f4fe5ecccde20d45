//! What a sign-in must never write or say.

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::{at_the_wizard, empty};
use crate::support::browser::{Opener, Ports, agree, get, parameter};
use crate::support::process::{Ran, run};

/// Files whose purpose is to hold tokens.
const VAULTS: [&str; 4] = ["openai-codex-accounts.json", "auth.json", "ext/accounts.json", "snapshots/"];

#[test]
fn codes_verifiers_and_tokens_appear_nowhere() {
    let (play, mut home) = empty(&["one"]);
    home.set("RUST_LOG", "trace");
    home.set("CODEX_MULTI_AUTH_DEBUG", "1");
    home.set("ENABLE_PLUGIN_REQUEST_LOGGING", "1");
    let mut said = Vec::new();
    let mut hear = |ran: Ran| {
        said.push(("what was said".to_owned(), format!("{}{}", ran.stdout, ran.stderr).into_bytes()));
        ran
    };
    let url = hear(run(&mut home.manager(&["login", "--print-url", "--accept-terms"])).expect(0)).stdout;
    let kept = std::fs::read(home.root().join("ext/login-attempt.json")).unwrap();
    let kept: Value = serde_json::from_slice(&kept).unwrap();
    let verifier = kept["verifier"].as_str().unwrap().to_owned();
    let callback = agree(url.trim());
    let code = parameter(&callback, "code").unwrap();
    assert!(!url.contains(&verifier));

    hear(run(&mut home.manager(&["login", "--complete", &callback.replace("state=", "state=x")])).expect(1));
    hear(run(&mut home.manager(&["login", "--complete", &callback])).expect(0));
    hear(run(&mut home.manager(&["login", "--complete", &callback])).expect(1));
    let first = play.login("one");
    hear(run(&mut home.manager(&["login", "--json"])).expect(0));
    hear(run(&mut home.manager(&["login", "--json", "--org", "elsewhere"])).expect(1));
    hear(run(&mut home.manager(&["status", "--json"])).expect(0));

    let second = play.login("one");
    let mut marks = vec![("code", code), ("verifier", verifier)];
    for login in [first, second] {
        marks.extend([("access", login.access), ("id", login.id_token), ("refresh", login.refresh)]);
    }
    let files = home.files().into_iter().map(|(path, bytes)| (path.display().to_string(), bytes));
    let open = files.filter(|(path, _)| !VAULTS.iter().any(|vault| path.contains(vault)));
    // A session that nobody asked for is put aside with its tokens; that is what the folder is for.
    said.extend(open.filter(|(path, _)| !path.contains("quarantine/")));
    let found: Vec<String> = said
        .iter()
        .flat_map(|(place, bytes)| {
            let is_there = |mark: &str| bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
            let hits = marks.iter().filter(move |(_, mark)| is_there(mark));
            hits.map(move |(kind, _)| format!("{kind} in {place}")).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(found, Vec::<String>::new());
}

/// Everything we start is seen by everybody on the machine: its arguments, and for its owner its environment.
#[test]
fn no_program_that_is_started_is_given_a_secret() {
    let _ports = Ports::take();
    let (play, mut home) = empty(&["one"]);
    let opener = Opener::install(&mut home);
    let note = home.path().join("started");
    let script = |name: &str| {
        let note = note.display();
        format!(
            "#!/bin/sh\n{{ echo \"{name} $*\"; env; tr '\\0' ' ' < /proc/$PPID/cmdline; }} >> {note}\ncat >/dev/null\n"
        )
    };
    for name in ["wl-copy", "xclip", "codex"] {
        home.put_program(name, &script(name));
    }
    let mut terminal = at_the_wizard(&home, &["login", "--accept-terms"]);
    terminal.wait_for("Welcome. Add the first");
    terminal.send("1");
    let url = opener.wait();
    terminal.wait_for("waiting for the browser");
    terminal.send("c");
    terminal.wait_for("copied");
    let callback = agree(&url);
    assert_eq!(get(&callback).status, 200);
    terminal.wait_for("New account 1: one@example.com");
    terminal.send("\r");
    terminal.wait_for("1 account  1 ready");
    terminal.send("q");
    terminal.finish();
    let mut forwarded = home.manager(&["codex", "exec", "hello"]);
    forwarded.stdin(std::process::Stdio::null());
    run(&mut forwarded);

    let started = std::fs::read_to_string(&note).unwrap();

    assert!(started.contains("wl-copy ") && started.contains("codex "), "{started}");
    let login = play.login("one");
    let code = parameter(&callback, "code").unwrap();
    let challenge = parameter(&url, "code_challenge").unwrap();
    let marks = [
        ("code", code),
        ("access", login.access),
        ("refresh", login.refresh),
        ("id", login.id_token),
        ("state", parameter(&url, "state").unwrap()),
        ("challenge", challenge),
    ];
    let found: Vec<&str> =
        marks.iter().filter(|(_, mark)| started.contains(mark.as_str())).map(|(kind, _)| *kind).collect();
    assert_eq!(found, Vec::<&str>::new(), "{started}");
}

//! What a sign-in must never write or say.

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::empty;
use crate::support::browser::{agree, parameter};
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

//! The front ends of the genuine client through the forwarder (forwarder.md §29): `app-server` over JSON-RPC, prompts
//! with `--` and option-like words, prompts from a pipe, review, and sessions that the original package had filed away.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};

use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{Genuine, Turn, Way, assert_clean, last_context, run, two};
use crate::support::process::{DEADLINE, Running};
use crate::support::reference;

const FREELY: &str = "--dangerously-bypass-approvals-and-sandbox";

/// An app server and the lines it says.
struct Server {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Value>,
    heard: Vec<Value>,
    next: u64,
}

impl Server {
    fn start(stage: &Genuine) -> Self {
        let mut command = stage.command(Way::Forwarded, &["app-server"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the forwarder starts");
        let (input, output) = (child.stdin.take(), child.stdout.take().expect("piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Ok(value) = serde_json::from_str(&line)
                    && sender.send(value).is_err()
                {
                    return;
                }
            }
        });
        let mut server = Self { child, input, lines, heard: Vec::new(), next: 0 };
        let client = json!({ "name": "probe", "title": "probe", "version": "1" });
        server.ask("initialize", &json!({ "clientInfo": client }));
        server.say(&json!({ "method": "initialized" }));
        server
    }

    fn say(&mut self, message: &Value) {
        let input = self.input.as_mut().expect("open");
        writeln!(input, "{message}").and_then(|()| input.flush()).expect("it reads");
    }

    /// The next message that is wanted; the others are kept.
    #[track_caller]
    fn wait(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.lines.recv_timeout(DEADLINE);
            let message = message.unwrap_or_else(|error| panic!("{what}: {error}\n{:#?}", self.heard));
            self.heard.push(message.clone());
            if wanted(&message) {
                return message;
            }
        }
    }

    #[track_caller]
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.say(&json!({ "id": id, "method": method, "params": params }));
        let answer = self.wait(method, |message| message["id"] == id && message.get("method").is_none());
        assert!(answer.get("error").is_none(), "{method}: {answer:#}");
        answer["result"].clone()
    }

    /// The sessions it lists.
    #[track_caller]
    fn threads(&mut self) -> Vec<String> {
        let kinds = json!(["cli", "vscode", "exec", "appServer", "unknown"]);
        let listed = self.ask("thread/list", &json!({ "sourceKinds": kinds }));
        let rows = listed["data"].as_array().expect("a list").iter();
        rows.map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
    }

    fn end(mut self) -> i32 {
        drop(self.input.take());
        let status = self.child.wait().expect("ours");
        status.code().unwrap_or(-1)
    }
}

#[test]
fn an_app_server_answers_for_account_models_threads_and_turns() {
    let Some(stage) = Genuine::with(two()) else { return };
    let mut server = Server::start(&stage);

    let account = server.ask("account/read", &json!({}));
    let models = server.ask("model/list", &json!({}));
    let before = server.threads();
    let started = server.ask("thread/start", &json!({ "cwd": stage.home.work(), "approvalPolicy": "never" }));
    let thread = started["thread"]["id"].clone();
    let input = json!([{ "type": "text", "text": "hello REHEARSE{words=5}" }]);
    server.ask("turn/start", &json!({ "threadId": thread, "input": input }));
    let done = server.wait("turn/completed", |message| message["method"] == "turn/completed");
    let after = server.threads();
    let code = server.end();

    assert_eq!(account["account"]["type"], "chatgpt", "{account:#}");
    assert!(models["data"].as_array().is_some_and(|all| !all.is_empty()), "{models:#}");
    assert_eq!(done["params"]["turn"]["status"], "completed", "{done:#}\n{}", stage.play.story());
    assert_eq!((before.len(), after), (0, vec![thread.as_str().expect("an id").to_owned()]));
    assert_eq!(code, 0);
    assert_clean(&stage);
}

#[test]
fn prompts_with_option_like_words_arrive_whole() {
    for words in [
        &["--", "--help is a word REHEARSE{steps=2}"][..],
        &["--", "-m and --account one REHEARSE{steps=2}"],
        &["resume REHEARSE{steps=2}"],
    ] {
        let Some(stage) = Genuine::with(two()) else { return };
        let all: Vec<&str> = ["exec", "--json", "--skip-git-repo-check", FREELY]
            .into_iter()
            .chain(words.iter().copied())
            .collect();

        let turn = Turn::of(&stage, run(&mut stage.command(Way::Forwarded, &all)));

        assert_eq!((turn.ran.code(), turn.items("command_execution")), (0, 2), "{words:?}\n{}", turn.all());
        assert_clean(&stage);
    }
}

#[test]
fn a_prompt_from_a_pipe_arrives_whole() {
    let Some(stage) = Genuine::with(two()) else { return };
    let mut command =
        stage.command(Way::Forwarded, &["exec", "--json", "--skip-git-repo-check", FREELY, "-"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let mut input = child.stdin.take().expect("piped");
    input.write_all("piped -- words REHEARSE{steps=2}\n".as_bytes()).expect("it reads");
    drop(input);

    let ended = child.wait_with_output().expect("ended");

    let stdout = String::from_utf8_lossy(&ended.stdout);
    let calls = stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let calls = calls
        .filter(|event| event["type"] == "item.completed" && event["item"]["type"] == "command_execution")
        .count();
    assert_eq!((ended.status.code(), calls), (Some(0), 2), "{stdout}\n{}", stage.play.story());
    assert_clean(&stage);
}

#[test]
fn sessions_of_the_original_package_are_listed_by_the_client_after_a_migration_and_not_after_its_undo() {
    let Some(stage) = Genuine::with(two()) else { return };
    let turn = Turn::of(&stage, run(&mut stage.exec(Way::Forwarded, "hello REHEARSE{words=5}")));
    let thread = turn.events.first().map(|event| event["thread_id"].clone()).unwrap_or_default();
    let thread = thread.as_str().unwrap_or_else(|| panic!("{}", turn.all())).to_owned();
    // As the original package would have filed it: its own provider, and no index that says otherwise.
    let files = stage.home.files();
    let rollout = files.keys().find(|path| path.to_string_lossy().contains(&thread)).expect("a rollout");
    let rollout = stage.home.path().join(rollout);
    let text = std::fs::read_to_string(&rollout).expect("text");
    let (head, rest) = text.split_once('\n').expect("lines");
    let head = head
        .replace("\"model_provider\":\"openai\"", &format!("\"model_provider\":\"{}\"", reference::PROVIDER));
    assert!(head.contains(reference::PROVIDER), "{head}");
    let forget = || {
        for (path, _) in stage.home.files() {
            if path.to_string_lossy().contains("/state_") {
                std::fs::remove_file(stage.home.path().join(path)).expect("ours");
            }
        }
    };
    forget();
    stage.home.write(&rollout, &format!("{head}\n{rest}"));
    reference::age(&stage.home.codex().join("sessions"));
    let listed = || {
        let mut server = Server::start(&stage);
        let threads = server.threads();
        server.end();
        threads.contains(&thread)
    };

    let hidden = listed();
    run(&mut stage.home.manager(&["history", "migrate", "--rebuild-index", "--yes", "--json"])).expect(0);
    let shown = listed();
    run(&mut stage.home.manager(&["history", "migrate", "--undo", "--yes", "--json"])).expect(0);
    let text_after = std::fs::read_to_string(&rollout).expect("text");

    assert_eq!((hidden, shown), (false, true), "{}", stage.play.story());
    assert_eq!(text_after, format!("{head}\n{rest}"));
}

/// A repository in the project folder with a change that nobody has committed.
fn uncommitted(stage: &Genuine) {
    let git = |words: &[&str]| {
        let own = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"];
        let words: Vec<&str> = own.into_iter().chain(words.iter().copied()).collect();
        run(&mut stage.home.command("git", &words)).expect(0);
    };
    let file = stage.home.work().join("read.me");
    stage.home.write(&file, "before\n");
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "first"]);
    stage.home.write(&file, "after\n");
}

#[test]
fn a_review_goes_through_the_proxy_and_ends() {
    for words in [&["review", "--uncommitted"][..], &["exec", "review", "--uncommitted"]] {
        let Some(stage) = Genuine::with(two()) else { return };
        uncommitted(&stage);

        let turn = Turn::of(&stage, run(&mut stage.command(Way::Forwarded, words)));

        assert_eq!(turn.ran.code(), 0, "{words:?}\n{}", turn.all());
        assert!(!stage.play.backend().record().turns().is_empty(), "{words:?}\n{}", turn.all());
        assert!(!turn.ran.stderr.contains("without one proxied request"), "{words:?}\n{}", turn.all());
        assert_clean(&stage);
    }
}

#[test]
fn an_exec_session_is_forked() {
    let Some(stage) = Genuine::with(two()) else { return };
    let first = Turn::of(&stage, run(&mut stage.exec(Way::Forwarded, "hello REHEARSE{steps=1}")));
    let thread = |turn: &Turn| {
        let id = turn.events.first().and_then(|event| event["thread_id"].as_str().map(str::to_owned));
        id.unwrap_or_else(|| panic!("{}", turn.all()))
    };
    let id = thread(&first);

    let words = ["exec", "fork", "--json", "--skip-git-repo-check", FREELY, &id, "and again"];
    let forked = Turn::of(&stage, run(&mut stage.command(Way::Forwarded, &words)));

    assert_eq!(forked.ran.code(), 0, "{}", forked.all());
    assert_ne!(thread(&forked), id);
    assert_eq!(last_context(&stage), Some((2, 1)), "{}", forked.all());
    assert_clean(&stage);
}

#[test]
fn signals_in_the_middle_of_a_turn_end_the_client_as_they_would_without_us_and_leave_nothing() {
    // An interrupt is the client's own to answer; a request to end is answered by nobody.
    for (signal, known) in [(Signal::INT, None), (Signal::TERM, Some(143))] {
        let ends = [Way::Straight, Way::Forwarded].map(|way| {
            let hang = Rule::everywhere(Endpoint::Turn, Action::Hang);
            let stage = Genuine::with(two().rule(hang))?;
            let mut running = Running::start(&mut stage.exec(way, "hello"));
            while !running.line().contains("turn.started") {}

            running.signal(signal);

            let ran = running.finish();
            assert_clean(&stage);
            Some(ran.code())
        });

        assert_eq!(ends[0], ends[1], "{signal:?}");
        assert!(known.is_none() || ends[1].is_none() || ends[1] == known, "{signal:?} {ends:?}");
    }
}

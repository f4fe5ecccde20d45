//! The client's own screen under tmux, through the forwarder: turns, a failover nobody sees, sessions taken up again and
//! forked, stops, and a terminal that is as it was.

use std::collections::BTreeSet;

use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};

use super::{Genuine, Way, assert_clean, run, two};
use crate::support::mux::Mux;
use crate::support::process::FORWARDER;

const FREELY: &str = "--dangerously-bypass-approvals-and-sandbox";

/// What stands in the client's empty field.
const EMPTY: &str = "Ask Codex to do anything";

/// A stage and a shell in which the client is typed; nothing where one of them is missing.
struct Seat {
    stage: Genuine,
    mux: Mux,
    /// The terminal as it was before the client: who holds it, and its line modes.
    calm: (String, String),
}

impl Seat {
    fn with(scenario: Scenario) -> Option<Self> {
        let mut stage = Genuine::with(scenario)?;
        // The client's own note to itself, which it would write at its first start.
        stage.configure("screen_reader_detection_done = true\n");
        let mux = Mux::start(&stage.home, 100, 40)?;
        // A prompt that the echo of this line does not hold.
        mux.line("PS1='shell'\"> \"");
        mux.wait_for("shell> ");
        let mut seat = Self { stage, mux, calm: Default::default() };
        seat.calm = (seat.mux.held(), seat.modes());
        Some(seat)
    }

    /// The line modes that the shell's terminal has now.
    #[track_caller]
    fn modes(&self) -> String {
        self.mux.line("clear; stty -g; echo told=$((40 + 2))");
        let screen = self.mux.wait_for("told=42");
        screen.lines().find(|line| line.contains(':')).unwrap_or(&screen).trim().to_owned()
    }

    /// Types the forwarder with these words for the client.
    #[track_caller]
    fn open(&self, words: &[&str]) {
        let work = self.stage.home.work();
        let trusted = format!("projects={{\"{}\"={{trust_level=\"trusted\"}}}}", work.display());
        // Keys that come as fast as a paste would be taken for one, the last of them too.
        let own = ["-c", &trusted, "-c", "disable_paste_burst=true"];
        let words: Vec<&str> = own.into_iter().chain(words.iter().copied()).collect();
        let command = self.stage.command(Way::Forwarded, &words);
        let words: Vec<String> =
            command.get_args().map(|word| format!("'{}'", word.to_string_lossy())).collect();
        self.mux.line(&format!("clear; {FORWARDER} {}; echo code=$?", words.join(" ")));
    }

    /// Gives the client a prompt and waits for the answer to it, which is the session's `count`th.
    #[track_caller]
    fn say(&self, prompt: &str, count: usize) {
        self.mux.wait_for(EMPTY);
        self.mux.text(prompt);
        self.mux.wait_for(prompt);
        self.mux.key("Enter");
        self.answered(count);
    }

    /// Waits until the answer to the session's `count`th prompt has come and the client is idle.
    #[track_caller]
    fn answered(&self, count: usize) {
        // The back end says how much of the conversation it was given.
        let words = format!("[prompts={count} ");
        self.mux.wait_until(&words, |screen| {
            screen.contains(&words) && screen.contains(EMPTY) && !screen.contains("esc to interrupt")
        });
    }

    /// Leaves the client, and checks that the shell has its terminal back.
    #[track_caller]
    fn leave(&self, by: &str, code: i32) {
        match by {
            "/quit" => {
                self.mux.wait_for(EMPTY);
                self.mux.text(by);
                self.mux.wait_for(by);
                self.mux.key("Enter");
            }
            key => self.mux.key(key),
        }
        self.mux.wait_for(&format!("code={code}"));
        assert_eq!((self.mux.held(), self.modes()), self.calm, "the terminal after {by}");
    }

    /// Ends the shell, and checks what every run must leave.
    #[track_caller]
    fn end(self) {
        let Self { stage, mux, .. } = self;
        drop(mux);
        assert_clean(&stage);
    }
}

/// The ids of the sessions that are kept.
fn sessions(stage: &Genuine) -> BTreeSet<String> {
    let files = stage.home.files();
    let kept = files.keys().filter(|path| path.starts_with(".codex/sessions"));
    let stems = kept.filter_map(|path| path.file_stem()).map(|stem| stem.to_string_lossy().into_owned());
    stems.filter_map(|stem| Some(stem.get(stem.len().checked_sub(36)?..)?.to_owned())).collect()
}

/// The one session that is kept.
#[track_caller]
fn session(stage: &Genuine) -> String {
    let all = sessions(stage);
    assert_eq!(all.len(), 1, "{all:?}");
    all.into_iter().next().expect("one")
}

/// Who answered the requests of a session, and with what.
fn answers(stage: &Genuine, session: &str) -> Vec<(String, u16)> {
    let asked = stage.play.backend().record().of_session(session);
    let turns = asked.into_iter().filter(|entry| entry.context.is_some());
    turns.map(|entry| (entry.account.unwrap_or_default(), entry.status)).collect()
}

#[test]
fn the_screen_starts_answers_changes_the_account_unseen_and_gives_the_terminal_back() {
    let Some(seat) = Seat::with(two()) else { return };
    seat.open(&[FREELY, "first REHEARSE{steps=1}"]);
    seat.answered(1);
    let id = session(&seat.stage);
    let (before, _) = answers(&seat.stage, &id).pop().expect("a turn");

    seat.stage.play.backend().script(Rule::on(&before, Endpoint::Turn, Action::usage_limit()));
    seat.say("second REHEARSE{steps=1}", 2);
    let screen = seat.mux.screen();
    seat.leave("/quit", 0);

    let answers = answers(&seat.stage, &id);
    assert!(answers.contains(&(before.clone(), 429)), "{answers:?}");
    assert!(answers.last().is_some_and(|(after, status)| *after != before && *status == 200), "{answers:?}");
    assert!(!screen.contains("usage limit") && !screen.contains("Reconnecting"), "{screen}");
    seat.end();
}

#[test]
fn a_stopped_screen_comes_back_and_goes_on() {
    let Some(seat) = Seat::with(two()) else { return };
    seat.open(&[FREELY, "first"]);
    seat.answered(1);

    seat.mux.key("C-z");
    seat.mux.wait_for("Stopped");
    let stopped = seat.mux.held();
    seat.mux.line("clear; fg; echo code=$?");
    seat.say("second", 2);

    assert_eq!(stopped, seat.calm.0, "the shell has the terminal while the client is stopped");
    seat.leave("/quit", 0);
    seat.end();
}

#[test]
fn a_session_is_taken_up_again_and_forked_on_the_screen() {
    let Some(seat) = Seat::with(two()) else { return };
    run(&mut seat.stage.exec(Way::Forwarded, "first REHEARSE{steps=1}")).expect(0);
    let first = sessions(&seat.stage);

    seat.open(&["resume", &session(&seat.stage), FREELY]);
    // Keys typed before the history stands there may be lost.
    seat.answered(1);
    seat.say("second", 2);
    seat.leave("/quit", 0);
    let after = sessions(&seat.stage);
    seat.open(&["fork", &session(&seat.stage), FREELY]);
    seat.answered(2);
    seat.say("third", 3);
    seat.leave("/quit", 0);

    assert_eq!((first.len(), &after), (1, &first), "resuming goes on in the same session");
    assert_eq!(sessions(&seat.stage).len(), 2, "a fork is a session of its own");
    seat.end();
}

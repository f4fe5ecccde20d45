//! Every named place of a refresh, of its verdicts, of an adoption and of the write to `auth.json`: a process
//! dies or the disk fails there, others start afterwards, and nothing is lost and no token is sent twice.
//!
//! [`survives`] is one repetition; long runs call it again and again.

#![cfg(debug_assertions)]

use codex_multi_auth::adapters::fault::POINTS;
use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule};
use serde_json::{Value, json};

use super::{Stage, outcome};
use crate::support::dirs::Login;
use crate::support::process::run;

const ABORTED: i32 = 134;

/// What the disk may say.
pub(crate) const ERRORS: [&str; 4] = ["ENOSPC", "EACCES", "EROFS", "EIO"];

/// How a process meets a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It dies there.
    Killed,
    /// The disk fails there, with this error.
    Failed(&'static str),
}

/// The points of this matrix.
pub(crate) fn points() -> impl Iterator<Item = &'static str> {
    let groups = ["refresh.", "verdict.", "adopt.", "mirror."];
    POINTS.iter().copied().filter(move |point| groups.iter().any(|group| point.starts_with(group)))
}

/// One process meets `point`, two more start, and everything is held against what must be true afterwards.
pub(crate) fn survives(point: &'static str, end: End) {
    let case = Case { point, end, stage: Stage::new() };
    match point {
        "mirror.aside" | "mirror.beside" => case.selection(),
        "adopt.saved" => case.adoption(),
        _ => case.refresh(),
    }
}

struct Case {
    point: &'static str,
    end: End,
    stage: Stage,
}

impl Case {
    fn fault(&self) -> String {
        match self.end {
            End::Killed => self.point.to_owned(),
            End::Failed(error) => format!("{}={error}", self.point),
        }
    }

    /// Runs the process that meets the point, and two after it.
    fn three(&self) -> [String; 2] {
        let name = self.fault();
        let first = run(&mut self.stage.command(Some(&name)));
        match self.end {
            End::Killed => {
                assert_eq!(first.code(), ABORTED, "{name} was not passed\n{}{}", first.stdout, first.stderr);
            }
            End::Failed(_) => assert_eq!(first.code(), 0, "{name}\n{}{}", first.stdout, first.stderr),
        }
        [(); 2].map(|()| outcome(&self.stage.start()).to_owned())
    }

    /// What holds whatever happened.
    fn assert_intact(&self) {
        let name = self.fault();
        self.stage.play.assert_no_violation();
        assert_eq!(self.stage.held().len(), 2, "{name}: an account is gone");
        assert!(self.stage.home.auth().is_object(), "{name}: auth.json is torn");
        assert!(
            !self.stage.home.root().join("refresh-leases/intent.json").exists(),
            "{name}: the journal is open"
        );
        let strays: Vec<_> = self.stage.home.files().into_keys().collect();
        let strays = strays.iter().filter(|path| path.to_string_lossy().ends_with(".tmp")).count();
        // A killed writer leaves its temporary file to the next sweep of its own kind.
        assert!(strays <= usize::from(self.end == End::Killed), "{name}: {strays} temporary files");
    }

    fn refresh(self) {
        let name = self.fault();
        let answer = match self.point {
            "verdict.lost" | "verdict.marked" => Some(Action::Drop),
            "verdict.dead" | "verdict.buried" => Some(Action::refuse_token("refresh_token_invalidated")),
            "verdict.aside" => Some(Action::WrongIdentity { account: "two".to_owned() }),
            _ => None,
        };
        if let Some(action) = answer {
            self.stage.play.backend().script(Rule::on("one", Endpoint::Token, action).once());
        }
        let old = self.stage.held();

        let [second, third] = self.three();

        let calls = self.stage.calls();
        assert!(calls <= 1, "{name}: {calls} calls");
        self.assert_intact();
        if self.is_lost() {
            assert_eq!(self.stage.held(), old, "{name}");
            let word = if ["verdict.dead", "verdict.buried"].contains(&self.point)
                || (self.point == "verdict.aside" && second == "dead")
            {
                "dead"
            } else {
                "uncertain"
            };
            assert_eq!((second.as_str(), third.as_str()), (word, word), "{name}");
            return;
        }
        // Where nothing was sent yet, the next process does it; where it was, the next one finds the answer.
        assert!(["renewed", "adopted"].contains(&second.as_str()), "{name}: {second}");
        assert_eq!((third.as_str(), calls), ("adopted", 1), "{name}");
        assert_eq!(self.stage.held(), self.stage.newest(), "{name}");
        assert_eq!(self.stage.mirrored(), self.stage.newest()[0], "{name}");
    }

    /// Whether the answer was gone before anybody could keep it.
    fn is_lost(&self) -> bool {
        match (self.point, self.end) {
            ("refresh.intent" | "refresh.answered", End::Killed) | ("refresh.sent", _) => true,
            (point, _) => point.starts_with("verdict."),
        }
    }

    /// The official CLI got newer tokens by itself.
    fn adoption(self) {
        let newer = self.stage.play.backend().issue("one").expect("an account");
        let login = Login {
            access: newer.access.expose().to_owned(),
            refresh: newer.refresh.expose().to_owned(),
            id_token: newer.id_token.expose().to_owned(),
            ..self.stage.play.login("one")
        };
        self.stage.home.write_auth(&login);

        let [second, third] = self.three();

        self.assert_intact();
        assert_eq!((second.as_str(), third.as_str(), self.stage.calls()), ("adopted", "adopted", 0));
        assert_eq!(self.stage.held()[0], login.refresh, "{}", self.fault());
        assert_eq!(self.stage.mirrored(), login.refresh, "{}", self.fault());
    }

    /// A selection moves a login out of `auth.json` that the pool does not know.
    fn selection(self) {
        let name = self.fault();
        let home = &self.stage.home;
        let stranger = Login::sample(9);
        home.write_auth(&stranger);
        let before = home.auth();
        let two = self.stage.play.login("two");
        let list =
            json!({ "accounts": [{ "accountId": two.account_id, "accessToken": two.access, "x": 1 }] });
        std::fs::write(home.codex().join("accounts.json"), list.to_string()).expect("writable");

        let first = run(home.manager(&["switch", "2"]).env("CODEX_MULTI_AUTH_FAULT", &name));
        match self.end {
            End::Killed => assert_eq!(first.code(), ABORTED, "{name} was not passed\n{}", first.stderr),
            End::Failed(_) => assert_eq!(first.code(), 0, "{name}\n{}", first.stderr),
        }
        let is_kept = || {
            home.files()
                .values()
                .any(|bytes| serde_json::from_slice::<Value>(bytes).is_ok_and(|one| one == before))
        };
        assert!(is_kept(), "{name}: somebody's login is gone");
        run(&mut home.manager(&["switch", "2"])).expect(0);

        assert!(is_kept(), "{name}: somebody's login is gone");
        self.assert_intact();
        assert_eq!(self.stage.mirrored(), self.stage.newest()[1], "{name}");
        let list = std::fs::read(home.codex().join("accounts.json")).expect("there");
        let list: Value = serde_json::from_slice(&list).expect("JSON");
        assert_eq!(
            (&list["activeAccountId"], &list["accounts"][0]["x"]),
            (&json!(two.account_id), &json!(1))
        );
    }
}

#[test]
fn a_process_killed_anywhere_loses_no_token_and_sends_none_twice() {
    for point in points() {
        survives(point, End::Killed);
    }
}

#[test]
fn a_disk_that_fails_anywhere_loses_no_token_and_sends_none_twice() {
    for point in points() {
        for error in ERRORS {
            survives(point, End::Failed(error));
        }
    }
}

#[test]
fn a_spent_token_from_an_old_copy_of_the_pool_stays_unsent_in_every_process() {
    let stage = Stage::new();
    let pool = stage.home.root().join("openai-codex-accounts.json");
    let copy = std::fs::read(&pool).expect("a pool");
    assert_eq!(outcome(&stage.start()), "renewed");
    let newest = stage.held();
    // As a person would: the old file is put back, and what could replace it is gone.
    std::fs::remove_dir_all(stage.home.root().join("refresh-leases")).expect("ours");
    std::fs::remove_file(stage.home.codex().join("auth.json")).expect("there");
    std::fs::write(&pool, copy).expect("writable");

    let words = [(); 2].map(|()| outcome(&stage.start()).to_owned());

    assert_ne!(stage.held(), newest);
    assert_eq!((words, stage.calls()), (["dead".to_owned(), "dead".to_owned()], 1));
    stage.play.assert_no_violation();
}

#[test]
fn a_cut_call_is_settled_by_what_the_official_client_gets_later() {
    let stage = Stage::new();
    let drop = Rule::on("one", Endpoint::Token, Action::Drop).once();
    stage.play.backend().script(drop);
    assert_eq!(outcome(&stage.start()), "uncertain");
    let newer = stage.play.backend().issue("one").expect("an account");
    let login = Login {
        access: newer.access.expose().to_owned(),
        refresh: newer.refresh.expose().to_owned(),
        id_token: newer.id_token.expose().to_owned(),
        ..stage.play.login("one")
    };
    stage.home.write_auth(&login);

    let next = outcome(&stage.start()).to_owned();

    assert_eq!((next.as_str(), stage.calls()), ("adopted", 1));
    assert_eq!(stage.held()[0], login.refresh);
    stage.play.assert_no_violation();
}

#[test]
fn a_spent_token_in_auth_json_is_replaced_at_the_next_start() {
    let stage = Stage::new();
    let old = stage.play.login("one");
    assert_eq!(outcome(&stage.start()), "renewed");
    stage.home.write_auth(&old);

    stage.start();

    assert_eq!(stage.mirrored(), stage.newest()[0]);
    assert_eq!(stage.calls(), 1);
}

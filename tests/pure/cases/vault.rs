//! Named backups, import and the flagged pool.

use codex_multi_auth::domain::backup::Name;
use codex_multi_auth::domain::problem::Problem;
use codex_multi_auth::domain::vault::{Act, Answer, Flagged, Imported, Run, Source};
use codex_multi_auth::ports::store::Store as _;
use codex_multi_auth::ports::vault::Vault as _;
use serde_json::{Map, Value, json};

use super::{Ask, Found, pool};
use crate::support::staged::Staged;

pub(super) async fn perform(staged: &Staged, ask: Ask<'_>) -> Found {
    if let Ask::With(settings) = ask {
        let file = json!({ "version": 1, "pluginConfig": settings });
        std::fs::write(staged.places().settings(), file.to_string()).expect("writable");
    }
    let step = staged.case["reference_2_8_7"]["steps"][0]["op"].as_str();
    match step {
        Some("named") => named(staged).await,
        Some("backup") => backup(staged).await,
        Some("import") => import(staged).await,
        Some(other) => panic!("no act is called {other}"),
        None => flagged(staged, ask).await,
    }
}

async fn act(staged: &Staged, act: Act) -> Result<Answer, Problem> {
    staged.store().carry_out(act).await
}

fn found(outcome: &str, facts: Value) -> Found {
    let Value::Object(facts) = facts else { unreachable!("an object was written") };
    Found { outcome: outcome.to_owned(), facts }
}

/// What both programs list, and whether both refuse to restore the same files.
async fn named(staged: &Staged) -> Found {
    let recorded = &staged.case["reference_2_8_7"]["steps"][0]["result"];
    // The case leaves the order of the files to whoever stages it: the recorded first is the newest.
    for (age, one) in recorded["list"].as_array().expect("a list").iter().rev().enumerate() {
        let path = staged.places().backups().join(one["fileName"].as_str().expect("a name"));
        let file = std::fs::OpenOptions::new().append(true).open(path).expect("writable");
        let second = std::time::Duration::from_secs(1_700_000_000 + age as u64);
        file.set_modified(std::time::SystemTime::UNIX_EPOCH + second).expect("ours");
    }
    let Ok(Answer::Listed(all)) = act(staged, Act::List).await else { panic!("a list") };
    let good: Vec<Value> = all
        .iter()
        .filter(|backup| backup.is_good())
        .map(|backup| {
            let name = backup.path.file_name().expect("a file").to_string_lossy();
            json!({ "fileName": name, "accountCount": backup.accounts })
        })
        .collect();
    assert_eq!(json!(good), recorded["list"]);

    for attempt in recorded["restore"].as_array().expect("attempts") {
        let path = staged.home().join(attempt["p"].as_str().expect("a path"));
        // The comparison opens a copy by the same rules as a restore, and writes nothing.
        let answer = act(staged, Act::Compare(Source::File(path.clone()))).await;
        match (answer, attempt["error"].as_str()) {
            (Ok(Answer::Compared(seen)), None) => assert_eq!(json!(seen.0.accounts), attempt["accounts"]),
            (Err(problem), Some(_)) => {
                assert_eq!(problem.code, "backup-invalid", "{path:?}");
                let refused = act(staged, Act::Restore(Source::File(path))).await.expect_err("refused");
                assert_eq!(refused, problem);
            }
            (answer, _) => panic!("{path:?}: {answer:?}"),
        }
    }
    found("listed", json!({}))
}

async fn backup(staged: &Staged) -> Found {
    let step = &staged.case["reference_2_8_7"]["steps"][0];
    let mut written = 0;
    for (name, recorded) in step["arg"]["names"]
        .as_array()
        .expect("names")
        .iter()
        .zip(step["result"].as_array().expect("results"))
    {
        let recorded = recorded.as_str().expect("words").replace("$HOME", &staged.home().to_string_lossy());
        let name = name.as_str().expect("a name");
        let parsed = Name::parse(name);
        let taken = staged.places().backups().join(format!("{name}.json")).exists();
        let answer = match parsed {
            Ok(name) => act(staged, Act::Create(Some(name))).await,
            Err(problem) => Err(problem),
        };
        match answer {
            Ok(Answer::Created(backup)) => {
                written += 1;
                assert_eq!(backup.path.to_string_lossy(), recorded, "{name}");
            }
            Err(problem) if recorded.starts_with("File already exists") || taken => {
                assert_eq!(problem.code, "already-exists", "{name}");
            }
            Err(problem) => {
                // In a second run both names are taken.
                let taken = problem.code == "already-exists" && recorded.ends_with(".json");
                assert!(taken || recorded.starts_with("Backup filename"), "{name}: {problem:?}");
            }
            Ok(other) => panic!("{name}: {other:?}"),
        }
    }
    found("written", json!({ "written": written }))
}

async fn import(staged: &Staged) -> Found {
    let source = Source::File("~/in.json".into());
    let before = staged.files();
    let dry = act(staged, Act::Import(source.clone(), Run::Dry)).await;
    assert_eq!(staged.files(), before, "a dry run writes nothing");
    let had = staged.store().load().await.expect("a pool").roster.accounts.len();
    let real = act(staged, Act::Import(source, Run::Real)).await;

    let counts = |answer: &Result<Answer, Problem>| match answer {
        Ok(Answer::Imported(seen)) => {
            let Imported { added, skipped, total, rows, .. } = seen.as_ref();
            Ok((*added, *skipped, *total, rows.clone()))
        }
        Ok(other) => panic!("{other:?}"),
        Err(problem) => Err(problem.code),
    };
    assert_eq!(counts(&dry), counts(&real), "the dry run tells what the real one does");
    let (added, skipped, total, _) = match counts(&real) {
        Ok(counts) => counts,
        Err(code) => {
            assert_eq!(code, "out-of-range");
            return found("refused", json!({}));
        }
    };
    let recorded = &staged.case["reference_2_8_7"]["steps"][0]["result"];
    if recorded["error"].is_null() && had != total {
        assert_eq!(json!({ "imported": added, "skipped": skipped, "total": total }), *recorded);
    }
    found("merged", json!({ "accounts": total }))
}

async fn flagged(staged: &Staged, ask: Ask<'_>) -> Found {
    let existed = staged.places().pool().exists();
    let loaded = staged.store().load().await;
    let mut found = pool::found(staged, existed, loaded);
    let wanted = if matches!(ask, Ask::Save) { Act::Unflag(Vec::new()) } else { Act::Flagged };
    let saved = act(staged, wanted).await.expect("a flagged pool");
    let answer = if matches!(ask, Ask::Save) { act(staged, Act::Flagged).await } else { Ok(saved) };
    let Ok(Answer::Flagged(all)) = answer else { panic!("a list") };
    let recorded = staged.case["reference_2_8_7"]["flagged"]["accounts"].as_array().expect("rows");
    assert_eq!(all.iter().map(row).collect::<Vec<_>>(), recorded.iter().map(read).collect::<Vec<_>>());
    found.facts.insert("flagged".to_owned(), all.len().into());
    found
}

fn row(one: &Flagged) -> Map<String, Value> {
    read(&json!({
        "refreshToken": one.account.credentials.refresh.expose(),
        "accountId": one.account.account_id,
        "email": one.account.email,
        "addedAt": one.account.added_at.millis(),
        "lastUsed": one.account.last_used.millis(),
        "flaggedAt": one.at.millis(),
        "flaggedReason": one.reason,
        "lastError": one.error,
    }))
}

/// The members both programs show.
fn read(row: &Value) -> Map<String, Value> {
    let names = [
        "refreshToken",
        "accountId",
        "email",
        "addedAt",
        "lastUsed",
        "flaggedAt",
        "flaggedReason",
        "lastError",
    ];
    // Ours shows an address as it is compared.
    let shown = |name: &str| match (name, row[name].as_str()) {
        ("email", Some(email)) => email.to_lowercase().into(),
        _ => row[name].clone(),
    };
    names.iter().map(|name| ((*name).to_owned(), shown(name))).collect()
}

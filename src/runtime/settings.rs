//! The settings file in the person's editor, and templates written to a path.

use std::path::PathBuf;

use crate::adapters::disk::atomic::{self, Staged};
use crate::adapters::editor;
use crate::adapters::question::{Asking, TerminalQuestion};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::settings::act::{Act, Done, Over, Template};
use crate::formats::settings::template;
use crate::ports::Question as _;
use crate::ports::question::Choice;
use crate::runtime::host::{Asks, Host};

/// Does what `config edit` and `config template --write` ask for.
///
/// # Errors
/// What kept it from being done; a text that was typed is kept.
pub async fn perform(host: &Host, act: Act) -> Result<Done, Problem> {
    match act {
        Act::Edit => edit(host).await,
        Act::Template { template, path, over } => write(host, template, path, over).await,
    }
}

async fn edit(host: &Host) -> Result<Done, Problem> {
    if host.asks == Asks::Nobody {
        return Err(Problem::new(
            "needs-answer",
            Exit::Cancelled,
            "`config edit` opens an editor and needs a terminal",
        )
        .hint(Hint::Say("Use `codex-multi-auth config set <key> <value>`".to_owned())));
    }
    let draft = host.store.settings_draft().await?;
    let copy = editor::copy(host.places.root(), &draft.text).map_err(|error| {
        failed("settings-unreadable", "the copy for the editor cannot be written", &error)
    })?;
    let status = editor::open(host.env.editor.as_deref(), &copy)
        .await
        .map_err(|error| failed("internal", "the editor could not be started", &error));
    let status = match status {
        Ok(status) if status.success() => atomic::read_text(&copy)
            .map_err(|error| failed("settings-unreadable", "the edited copy cannot be read", &error)),
        Ok(status) => {
            Err(Problem::new("cancelled", Exit::Cancelled, format!("the editor ended with {status}"))
                .hint(Hint::Say("Nothing was changed".to_owned())))
        }
        Err(problem) => Err(problem),
    };
    let text = match status {
        Ok(text) => text.unwrap_or_default(),
        Err(problem) => {
            let _ = std::fs::remove_file(&copy);
            return Err(problem);
        }
    };
    if text == draft.text {
        let _ = std::fs::remove_file(&copy);
        return Ok(Done::Edited(None));
    }
    match host.store.put_settings(draft, text).await {
        Ok(saved) => {
            let _ = std::fs::remove_file(&copy);
            Ok(Done::Edited(Some(saved)))
        }
        Err(problem) => Err(problem.hint(Hint::Say(format!("Your text is kept in {}", copy.display())))),
    }
}

async fn write(host: &Host, which: Template, path: String, over: Over) -> Result<Done, Problem> {
    let target = PathBuf::from(&path);
    let replaced = target.exists();
    if replaced && over == Over::Ask {
        let question = TerminalQuestion {
            face: match host.asks {
                Asks::Person => Asking::Allowed,
                Asks::Nobody => Asking::Never,
            },
        };
        let choices =
            vec![Choice { letter: 'n', text: "keep it" }, Choice { letter: 'y', text: "replace it" }];
        match question.ask(vec![format!("{path} exists")], choices).await {
            Some('y') => {}
            Some(_) => {
                return Err(Problem::new("cancelled", Exit::Cancelled, format!("{path} was kept")));
            }
            None => {
                return Err(Problem::new("needs-yes", Exit::Cancelled, format!("{path} exists"))
                    .hint(Hint::Say("Add `--yes` to replace it".to_owned())));
            }
        }
    }
    let text = template::text(which);
    let written = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
        let mut staged = Staged::write(&target, text.as_bytes())?;
        staged.keep_mode()?;
        staged.sync()?;
        staged.publish()
    })
    .await
    .unwrap_or_else(|error| Err(std::io::Error::other(error)));
    written.map_err(|error| failed("settings-unreadable", &format!("{path} cannot be written"), &error))?;
    Ok(Done::Written { path, replaced })
}

fn failed(code: &'static str, what: &str, error: &std::io::Error) -> Problem {
    let text = error.to_string();
    Problem::new(code, Exit::Failed, what)
        .because(text.split(" (os error").next().unwrap_or(&text).to_lowercase())
}

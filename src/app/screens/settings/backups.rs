//! The copies of the pool: the list, the focused one against the pool now, and what can be done with it.

use std::path::{Path, PathBuf};

use crate::domain::backup::{Backup, Comparison, Kind};
use crate::domain::problem::Problem;
use crate::domain::vault::{Act, Answer, Source};

/// The list of backups.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Backups {
    /// Named ones first, then snapshots, then the automatic ones; newest first within each. `None` = not read yet.
    pub list: Option<Vec<Backup>>,
    /// Why they cannot be listed, if so.
    pub trouble: Option<String>,
    /// Cursor.
    pub place: usize,
    /// First row shown.
    pub offset: usize,
    /// What was compared with the pool last.
    pub compared: Option<(PathBuf, Result<Comparison, String>)>,
    /// The file whose comparison was asked for last; empty once the list itself was asked for.
    asked: Option<PathBuf>,
    /// Whether that comparison is still awaited: only then may a failure be its own.
    comparing: bool,
    /// The file that is being read again on demand.
    pub verifying: Option<PathBuf>,
    stale: Stale,
}

/// Whether the list was overtaken by an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stale {
    #[default]
    No,
    Yes,
}

impl Backups {
    /// The copies.
    pub fn rows(&self) -> &[Backup] {
        self.list.as_deref().unwrap_or_default()
    }

    /// The copy under the cursor.
    pub fn focused(&self) -> Option<&Backup> {
        self.rows().get(self.place)
    }

    /// The comparison of the copy under the cursor, once it is known.
    pub fn comparison(&self) -> Option<&Result<Comparison, String>> {
        let path = &self.focused()?.path;
        self.compared.as_ref().filter(|(of, _)| of == path).map(|(_, result)| result)
    }

    /// What has to be asked of the keeper now: the list once, then a comparison for every row the cursor rests on.
    pub fn wanted(&mut self) -> Option<Act> {
        if std::mem::take(&mut self.stale) == Stale::Yes {
            self.asked = Some(PathBuf::new());
            return Some(Act::List);
        }
        if self.list.is_none() {
            let first = self.asked.is_none() && self.trouble.is_none();
            self.asked = Some(self.asked.take().unwrap_or_default());
            return first.then_some(Act::List);
        }
        let focused = self.focused()?;
        if !focused.is_good() || self.asked.as_ref() == Some(&focused.path) {
            return None;
        }
        let path = focused.path.clone();
        self.asked = Some(path.clone());
        self.comparing = true;
        Some(Act::Compare(Source::File(path)))
    }

    /// Has everything read again, because something changed.
    pub fn renew(&mut self) {
        if self.list.is_some() || self.trouble.is_some() {
            self.stale = Stale::Yes;
        }
    }

    /// Takes an answer of the keeper in; a copy that was verified is given back.
    pub fn hear(&mut self, answer: &Result<Answer, Problem>) -> Option<Backup> {
        match answer {
            Ok(Answer::Listed(list)) => {
                let verified = self.verifying.take();
                if let (Some(path), [only]) = (&verified, list.as_slice())
                    && only.path == *path
                {
                    if let Some(known) = self.list.iter_mut().flatten().find(|known| known.path == *path) {
                        known.clone_from(only);
                    }
                    return Some(only.clone());
                }
                self.take(list.clone());
            }
            Ok(Answer::Compared(both)) => {
                self.comparing = false;
                self.compared = Some((both.0.path.clone(), Ok(both.1.clone())));
            }
            // Whatever changed the pool or a copy changes what the list and the comparison say.
            Ok(
                Answer::Created(_)
                | Answer::Deleted(_)
                | Answer::Restored(_)
                | Answer::Imported(_)
                | Answer::Found(_)
                | Answer::Removed(_)
                | Answer::Pool(_)
                | Answer::Cleared(_)
                | Answer::MovedToFlagged(_)
                | Answer::Synced(_),
            ) => self.renew(),
            Ok(Answer::Exported(..) | Answer::Flagged(_)) => {}
            Err(problem) => {
                self.verifying = None;
                if self.list.is_none() {
                    self.trouble = Some(problem.what.clone());
                } else if std::mem::take(&mut self.comparing)
                    && let Some(path) = self.asked.clone().filter(|path| !path.as_os_str().is_empty())
                {
                    self.compared = Some((path, Err(problem.what.clone())));
                }
            }
        }
        None
    }

    /// The newest copy that can be put back.
    pub fn best(&self) -> Option<&Backup> {
        self.rows().iter().filter(|backup| backup.is_good()).max_by_key(|backup| backup.modified)
    }

    /// How many were named by a person, and how many are kept by themselves.
    pub fn tally(&self) -> (usize, usize) {
        let named = self.rows().iter().filter(|backup| backup.kind == Kind::Named).count();
        (named, self.rows().len() - named)
    }

    /// Takes a list in; the cursor stays on its file.
    pub fn take(&mut self, mut list: Vec<Backup>) {
        list.sort_by(|one, other| {
            rank(one.kind).cmp(&rank(other.kind)).then(other.modified.cmp(&one.modified))
        });
        let kept = self.focused().map(|backup| backup.path.clone());
        self.trouble = None;
        self.list = Some(list);
        self.go_to(kept.as_deref());
    }

    /// Puts the cursor on a file, or leaves it where it is.
    pub fn go_to(&mut self, path: Option<&Path>) {
        let place = self.rows().iter().position(|backup| Some(backup.path.as_path()) == path);
        self.go(place.unwrap_or(self.place));
    }

    /// Puts the cursor on the `place`-th row, or the last one.
    pub fn go(&mut self, place: usize) {
        self.place = place.min(self.rows().len().saturating_sub(1));
    }
}

/// Snapshots of hours and days are told apart by their names, so they may mix.
const fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Named => 0,
        Kind::Hourly => 1,
        Kind::Daily => 2,
        Kind::Rotating => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Moment;
    use crate::domain::backup::State;
    use crate::domain::problem::Exit;

    fn one() -> Backup {
        Backup {
            name: "weekly".to_owned(),
            path: "/r/backups/weekly.json".into(),
            kind: Kind::Named,
            accounts: 1,
            bytes: 1,
            modified: Moment::EPOCH,
            state: State::Good,
        }
    }

    fn failure() -> Result<Answer, Problem> {
        Err(Problem::new("storage-newer", Exit::Failed, "no"))
    }

    #[test]
    fn a_failure_of_something_else_leaves_the_comparison_as_it_is() {
        let mut backups = Backups::default();
        backups.take(vec![one()]);
        assert!(matches!(backups.wanted(), Some(Act::Compare(_))));
        backups.hear(&Ok(Answer::Compared(Box::new((one(), Comparison::default())))));

        backups.hear(&failure());

        assert_eq!(backups.comparison(), Some(&Ok(Comparison::default())));
    }

    #[test]
    fn a_comparison_that_fails_says_why() {
        let mut backups = Backups::default();
        backups.take(vec![one()]);
        backups.wanted();

        backups.hear(&failure());

        assert_eq!(backups.comparison(), Some(&Err("no".to_owned())));
    }
}

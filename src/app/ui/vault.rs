//! How acts on copies, transfers and deletions are told in one line.

use crate::app::outcome::Named;
use crate::app::outcome::vault::{Changed, Told};
use crate::app::toasts::{Level, Toast};
use crate::base::text::clean;
use crate::domain::account::Switch;
use crate::domain::vault::Flagged;

/// The message, if the screen does not show the answer itself.
pub(super) fn vault_told(told: &Told) -> Option<Toast> {
    Some(match told {
        Told::Listed(..) | Told::Compared(..) | Told::Flagged(..) => return None,
        Told::Verified(all, _) => {
            let bad = all.iter().filter(|backup| !backup.is_good()).count();
            let level = if bad == 0 { Level::Done } else { Level::Warn };
            let good = all.len() - bad;
            Toast::new(level, "backup", format!("{good} of {} backups are good", all.len()))
        }
        Told::Created(backup) => {
            done("backup", format!("backup {} made, {}", backup.name, accounts(backup.accounts)))
                .with(backup.path.display().to_string())
        }
        Told::Deleted(backup) => done("backup", format!("backup {} deleted for good", backup.name)),
        Told::Restored(restored, following) => {
            let mut toast = done(
                "backup",
                format!("{} restored, {}", restored.from.name, accounts(restored.from.accounts)),
            )
            .like(format!("backup restore {}", restored.from.name));
            if restored.newer_kept > 0 {
                toast = toast.with(format!("newer tokens kept: {}", restored.newer_kept));
            }
            if let Some(before) = &restored.before {
                toast = toast.with(format!("the pool from before is the backup {}", before.name));
            }
            match &following.refresh_warning {
                Some(why) => toast.with(format!("the tokens were not refreshed: {}", clean(why))),
                None => toast,
            }
        }
        Told::Exported(path, count) => {
            done("export", format!("{} exported", accounts(*count))).with(path.display().to_string())
        }
        Told::Imported(imported) => done(
            "import",
            match imported.updated() {
                0 => format!("{} imported, {} known already", accounts(imported.added), imported.known()),
                updated => format!(
                    "{} imported, {updated} updated, {} known already",
                    accounts(imported.added),
                    imported.known()
                ),
            },
        ),
        Told::Found(haul) => {
            let names: Vec<String> = haul
                .chosen
                .iter()
                .filter_map(|place| haul.finds.get(*place)?.label())
                .map(|label| clean(label).into_owned())
                .collect();
            done("import", format!("{} taken over: {}", accounts(haul.chosen.len()), names.join(", ")))
                .like("import --scan")
                .with("the files they came from were only read".to_owned())
        }
        Told::Removed(named, removed) => done("key d", format!("deleted {}", clean(&named.label)))
            .with(format!("the pool from before is the backup {}", removed.before.name)),
        Told::Cleared(cleared) => {
            let toast = match &cleared.unreadable {
                Some(_) => Toast::new(Level::Warn, "delete all", cleared.words()),
                None => done("delete all", format!("all {} deleted", accounts(cleared.accounts))),
            };
            let toast = match &cleared.before {
                Some(before) => toast.with(format!("they are in the backup {}", before.name)),
                None => toast,
            };
            cleared.left.iter().fold(toast, |toast, place| toast.with(format!("still there: {place}")))
        }
        Told::Back => done("undo", "the account is back".to_owned()),
        Told::Switched(named, switch, changed) => {
            let word = if *switch == Switch::On { "on" } else { "off" };
            let level = if *changed == Changed::Yes { Level::Done } else { Level::Info };
            Toast::new(level, "key e", format!("{} is {word}", clean(&named.label))).about(&named.key)
        }
        Told::Labelled(named, _) => {
            done("label", format!("it is called {} now", clean(&named.label))).about(&named.key)
        }
        Told::Unflagged(all) => done("flagged", format!("deleted from the flagged: {}", names(all))),
        Told::MovedToFlagged(all) => {
            Toast::new(Level::Warn, "flagged", format!("set aside until a new sign-in: {}", names(all)))
        }
        Told::Synced(synced) if synced.changed => {
            let toast = done(
                "sync",
                format!("{} added, {} updated there", synced.count("add"), synced.count("update")),
            );
            match &synced.backup {
                Some(backup) => toast.with(format!("their pool from before: {}", backup.display())),
                None => toast,
            }
        }
        Told::Synced(_) => Toast::new(Level::Info, "sync", "nothing is newer here".to_owned()),
    })
}

fn done(source: &'static str, text: String) -> Toast {
    Toast::new(Level::Done, source, text)
}

fn accounts(count: usize) -> String {
    if count == 1 { "1 account".to_owned() } else { format!("{count} accounts") }
}

fn names(all: &[(Named, Flagged)]) -> String {
    all.iter().map(|(named, _)| clean(&named.label)).collect::<Vec<_>>().join(", ")
}

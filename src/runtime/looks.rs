//! Theme files and `keys.toml`: read at the start and whenever one of them changes.

use std::io::ErrorKind;
use std::path::Path;

use tokio::sync::mpsc::UnboundedSender;

use crate::adapters::disk::watch::Watch;
use crate::app::keys::Table;
use crate::app::msg::{Looks, Msg, StoreMsg};
use crate::formats::own_keys::OwnKeys;
use crate::formats::theme::Theme;
use crate::runtime::host::Host;
use crate::view::theme;

/// Name of the file with keys of one's own, in the root.
pub(super) const KEYS: &str = "keys.toml";
/// Folder of themes of one's own, in the root.
pub(super) const THEMES: &str = "themes";

/// Tells of both files for as long as somebody looks.
pub(super) async fn follow(host: Host, sender: UnboundedSender<Msg>) {
    let root = host.places.root().to_owned();
    let watched = |theme: &str| {
        let names = vec![KEYS.to_owned(), format!("{theme}.toml")];
        Watch::new(&[root.clone(), root.join(THEMES)], names)
    };
    let mut theme = String::new();
    let mut watch = watched(&theme);
    let mut seen = (None, None);
    loop {
        let settings = host.settings().await;
        if settings.theme != theme {
            theme.clone_from(&settings.theme);
            watch = watched(&theme);
        }
        let mut waiter = watch.waiter();
        let files = (text(&root.join(KEYS)), own_theme(&root, &settings.theme));
        // Without files of the user's own there is nothing to tell.
        if files != seen {
            let looks = read(&settings.theme, &files.0, &files.1);
            for note in &looks.notes {
                tracing::warn!(part = "looks", "{note}");
            }
            if sender.send(Msg::Store(StoreMsg::Looks(Box::new(looks)))).is_err() {
                return;
            }
            seen = files;
        }
        waiter.hint(settings.sync_debounce, settings.sync_poll).await;
    }
}

/// The text of a file; why it cannot be read, if it is there and cannot.
type Text = Option<Result<String, String>>;

fn text(path: &Path) -> Text {
    match std::fs::read_to_string(path) {
        Ok(text) => Some(Ok(text)),
        Err(error) if error.kind() == ErrorKind::NotFound || error.kind() == ErrorKind::NotADirectory => None,
        Err(error) => Some(Err(error.to_string())),
    }
}

/// `<root>/themes/<name>.toml`; a built-in name and a path are none.
pub(super) fn own_theme(root: &Path, name: &str) -> Text {
    if theme::BUILT_IN.contains(&name) || name.is_empty() || name.contains(['/', '\\']) {
        return None;
    }
    let path = root.join(THEMES).join(format!("{name}.toml"));
    text(&path).or_else(|| Some(Err(format!("there is no {}", path.display()))))
}

fn read(name: &str, keys: &Text, theme: &Text) -> Looks {
    let mut looks = Looks::default();
    match keys {
        None => {}
        Some(Err(why)) => looks.notes.push(format!("{KEYS} cannot be read: {why}")),
        Some(Ok(text)) => {
            let own = OwnKeys::parse(text);
            let (table, notes) = Table::with(&own.wishes);
            looks.keys = table;
            looks.notes.extend(own.notes.into_iter().chain(notes).map(|note| format!("{KEYS}: {note}")));
        }
    }
    let notes = match theme {
        None => Vec::new(),
        Some(Err(why)) => vec![format!("{why}; green is used")],
        Some(Ok(text)) => match Theme::parse(text) {
            Ok(theme) => theme.notes,
            Err(error) => vec![format!("{}; green is used", error.detail.lines().next().unwrap_or_default())],
        },
    };
    looks.notes.extend(notes.into_iter().map(|note| format!("theme {name}: {note}")));
    looks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::action::Action;
    use crate::app::input::Key;
    use crate::app::keys::{Chord, Scope};

    #[test]
    fn both_files_are_read_and_what_is_wrong_names_its_file() {
        let looks = read(
            "sunset",
            &Some(Ok("check-all = ['X']\nuse = ['p']".to_owned())),
            &Some(Ok("background = '#ffffff'\ndim = '#cccccc'\nbad = 'purplish'".to_owned())),
        );

        let shown = looks.keys.shown(&[Scope::Accounts], Action::CheckAll);
        assert_eq!(shown, Some(Chord::One(Key::char('X'))));
        assert!(looks.notes[0].starts_with("keys.toml: `p` is both `use` and `pin`"), "{:?}", looks.notes);
        assert!(looks.notes.iter().any(|note| note.starts_with("theme sunset: `bad` is not a colour")));
        assert!(looks.notes.iter().any(|note| note.contains("contrast of 1.6:1")), "{:?}", looks.notes);
    }

    #[test]
    fn a_missing_theme_and_unreadable_keys_are_told() {
        let folder = Path::new("/nowhere");

        let looks = read("sunset", &Some(Err("denied".to_owned())), &own_theme(folder, "sunset"));

        assert_eq!(looks.notes[0], "keys.toml cannot be read: denied");
        assert!(looks.notes[1].ends_with("sunset.toml; green is used"), "{:?}", looks.notes);
        assert_eq!(own_theme(folder, "green"), None);
        assert_eq!(own_theme(folder, "../x"), None);
    }
}

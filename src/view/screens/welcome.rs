//! The first start: the ways to a first account, and what will be touched.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::geometry::Kind;
use crate::app::overlays::wizard::Way;
use crate::app::screens::welcome::Choice;
use crate::base::text::{clean, truncate, wrap};
use crate::domain::recovery::Health;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::screens::settings::backups::name;
use crate::view::widgets::modal::Modal;
use crate::view::words::{CUT, count};

/// Columns of the longest name of a way, with its number.
const NAME: usize = 34;
/// Columns of the box.
const BOX: u16 = 80;

/// Draws it.
pub fn render(scene: &Scene, buffer: &mut Buffer) {
    let skin = scene.skin;
    Pen::new(buffer, scene.layout.context).put(1, 0, "no accounts yet", skin.dim());
    let body = Rect { width: scene.layout.screen.width, ..scene.layout.body };
    let mut pen = Pen::new(buffer, body);
    let roomy = body.height >= 15;
    let column = match scene.layout.kind {
        Kind::Wide => body.width.saturating_sub(BOX) / 2 + 2,
        Kind::Medium => 14,
        Kind::Narrow | Kind::Pane | Kind::TooSmall => 2,
    };
    let mut row = if roomy { 2 } else { 0 };
    let title = match scene.world.health {
        Health::IntentionalReset => "All accounts were deleted on purpose. Add one again.",
        Health::Empty | Health::Healthy | Health::Recoverable | Health::Corrupt => {
            "Welcome. Add the first ChatGPT account."
        }
    };
    pen.put(column + if scene.layout.kind == Kind::Medium { 5 } else { 0 }, row, title, skin.heading());
    row += 2;
    let choices = scene.ui.choices();
    let chosen = scene.ui.welcome.chosen(&choices);
    for choice in choices {
        let is_chosen = chosen == Some(choice);
        let (title, what) = words(scene, choice);
        let text = format!("{}  {title:<width$}", choice.number(), width = NAME - 3);
        let style = if is_chosen { skin.selection() } else { skin.text() };
        let mark = if is_chosen { "▸" } else { " " };
        let after = pen.run(column, row, &[(mark, skin.accent()), (" ", style), (&text, style)]);
        let room = usize::from(pen.width().saturating_sub(after + 2));
        pen.put(after + 1, row, &truncate(&what, room, CUT), skin.dim());
        row += 1;
    }
    row += 1;
    let room = usize::from(pen.width().saturating_sub(column + 5));
    let mut say = |pen: &mut Pen, text: &str, style| {
        for line in wrap(text, room) {
            pen.put(column + 3, row, &line, style);
            row += 1;
        }
    };
    let why = scene.ui.welcome.reason();
    if let Some(why) = &why {
        say(&mut pen, why, skin.text());
    }
    if scene.layout.kind != Kind::Wide || body.height < 28 {
        if roomy && why.is_none() {
            say(&mut pen, "Nothing leaves this computer except the calls to OpenAI.", skin.dim());
        }
        row += u16::from(roomy);
        let room = usize::from(pen.width().saturating_sub(4));
        for text in brief(scene) {
            for line in wrap(&text, room) {
                pen.put(2, row, &line, skin.dim());
                row += 1;
            }
        }
        return;
    }
    say(&mut pen, "Nothing leaves this computer except the calls to OpenAI.", skin.dim());
    let top = row + 2;
    table(scene, Rect { x: body.x + column.saturating_sub(2), y: body.y + top, width: BOX, ..body }, buffer);
}

fn words(scene: &Scene, choice: Choice) -> (&'static str, String) {
    match choice {
        Choice::SignIn(way) => {
            let known = Way::ALL.into_iter().find(|(one, ..)| *one == way);
            known.map(|(_, title, what)| (title, what.to_owned())).unwrap_or_default()
        }
        Choice::Restore => {
            let what = scene.ui.sheet.backups.best().map(|backup| {
                let count = count(u64::try_from(backup.accounts).unwrap_or(u64::MAX), "account");
                let name = name(scene, backup);
                match scene.layout.kind {
                    Kind::Wide => format!("{name} · {count}, saved {}", scene.ago(backup.modified)),
                    Kind::Medium | Kind::Narrow | Kind::Pane | Kind::TooSmall => format!("{name} · {count}"),
                }
            });
            ("Restore a backup", what.unwrap_or_default())
        }
        Choice::TakeOver => {
            let official = scene.ui.welcome.survey.as_ref().and_then(|survey| survey.official.as_deref());
            match official {
                Some(name) => {
                    let path = scene.at_home(&format!("{}/auth.json", scene.world.setting.codex_home));
                    ("Take over the official login", scene.veiled(&clean(&format!("{path} · {name}"))))
                }
                None => ("Take over sign-ins found here", "other tools, copies".to_owned()),
            }
        }
    }
}

/// What will be touched, and how it is undone.
fn touched(scene: &Scene) -> Vec<(&'static str, String)> {
    let setting = &scene.world.setting;
    let pool = scene.at_home(&setting.storage_path);
    let home = scene.at_home(&setting.codex_home);
    let calls = match scene.world.settings.background_network {
        crate::domain::settings::BackgroundNetwork::On => "on",
        crate::domain::settings::BackgroundNetwork::Ask | crate::domain::settings::BackgroundNetwork::Off => {
            "off"
        }
    };
    vec![
        ("files", format!("{pool} (new, 0600)")),
        (
            "official",
            format!(
                "{home}/auth.json is read now; written only when you choose an account; a session we do not know is copied away first"
            ),
        ),
        ("config", format!("{home}/config.toml is not changed")),
        ("calls", format!("background calls to OpenAI are {calls}; Settings / Refresh")),
        ("undo", "d deletes an account again; codex-multi-auth account remove --all every one".to_owned()),
    ]
}

/// The same in a few lines.
fn brief(scene: &Scene) -> [String; 3] {
    let pool = scene.at_home(&scene.world.setting.storage_path);
    let official = match scene.layout.kind {
        Kind::Narrow | Kind::Pane | Kind::TooSmall => "The official login is only read until you choose.",
        Kind::Medium | Kind::Wide => {
            "The official login is only read until you choose an account, and copied away first."
        }
    };
    [
        format!("Will be written: {pool} (new, 0600)."),
        // Above what may be cut on a low screen.
        "Undo: d on an account deletes it again.".to_owned(),
        official.to_owned(),
    ]
}

fn table(scene: &Scene, place: Rect, buffer: &mut Buffer) {
    let skin = scene.skin;
    let room = usize::from(place.width.saturating_sub(15));
    let lines: Vec<(&str, String)> = touched(scene)
        .into_iter()
        .flat_map(|(name, text)| {
            let lines = wrap(&text, room).into_iter().enumerate();
            lines.map(move |(at, line)| (if at == 0 { name } else { "" }, line)).collect::<Vec<_>>()
        })
        .collect();
    let height = u16::try_from(lines.len() + 6).unwrap_or(u16::MAX);
    let area = Rect { height, ..place }.intersection(scene.layout.screen);
    if area.y + height > scene.layout.floor.y {
        return;
    }
    let inner = Modal { title: "what will be touched", note: "" }.frame(area, buffer, skin);
    let mut pen = Pen::new(buffer, inner);
    let mut row = 1;
    for (name, text) in lines {
        pen.put(1, row, name, skin.dim());
        pen.put(12, row, &text, skin.text());
        row += 1;
    }
    let demo = "No account at hand?  codex-multi-auth --demo  shows the product in rehearsal";
    pen.put(1, row + 1, demo, skin.text());
}

//! The account list as it would look: two made-up accounts through the renderer of the real list.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::rule;
use crate::app::geometry::Kind;
use crate::app::goal::Entry;
use crate::app::ui::Ui;
use crate::app::world::World;
use crate::base::text::truncate;
use crate::base::{Moment, Percent, Span};
use crate::domain::account::Account;
use crate::domain::quota::snapshot::{Snapshot, Source};
use crate::domain::quota::window::Window;
use crate::domain::roster::Roster;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::screens::accounts::row::{Columns, shown, summary};
use crate::view::words::CUT;

/// Draws the preview into its part of the tab.
pub(super) fn render(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let world = stage(scene);
    let mut ui = Ui::new(&Entry::default(), scene.ui.size, "");
    ui.mask = scene.ui.mask;
    ui.clock = scene.ui.clock;
    ui.accounts.refresh(&world, scene.now);
    let first = world.roster.active.as_ref();
    let small = Scene {
        world: &world,
        ui: &ui,
        now: scene.now,
        skin: scene.skin,
        layout: scene.layout,
        in_use: first,
    };
    let display = &world.settings.display;
    if scene.layout.kind != Kind::Wide {
        Pen::new(buffer, area).put(1, 0, "preview", scene.skin.dim());
        let line = Rect { x: area.x + 10, width: area.width.saturating_sub(10), height: 1, ..area };
        if scene.ui.sheet.page == crate::app::screens::settings::Page::DetailsLine {
            let text =
                world.roster.accounts.first().map(|account| summary(&small, account)).unwrap_or_default();
            let room = usize::from(line.width.saturating_sub(1));
            Pen::new(buffer, line).put(0, 0, &truncate(&text, room, CUT), scene.skin.text());
            return;
        }
        shown(&small, line.intersection(area), &Columns::brief(display), buffer);
        return;
    }
    rule(scene, area, "preview", buffer);
    let columns = Columns::preview(display);
    let head = Rect { y: area.y + 2, height: 1, ..area };
    crate::view::screens::accounts::row::titles(&small, head, &columns, buffer);
    let rows = Rect { y: area.y + 3, height: area.height.saturating_sub(3), ..area };
    shown(&small, rows.intersection(area), &columns, buffer);
}

/// A world with two equally ready accounts and the settings as they would be.
fn stage(scene: &Scene) -> World {
    let now = scene.now;
    let mut world = World::new(scene.world.setting.clone(), now);
    let accounts = vec![
        account("demo", now - Span::minutes(10), now - Span::days(28)),
        account("other", now - Span::hours(26), now - Span::days(29)),
    ];
    for account in &accounts {
        world.quota.insert(account.key.clone(), quota(now));
    }
    let active = accounts.first().map(|account| account.key.clone());
    world.roster = std::sync::Arc::new(Roster { accounts, active, ..Roster::default() });
    world.settings = std::sync::Arc::new(scene.ui.sheet.previewed(scene.world));
    world.loaded = true;
    world
}

fn account(name: &str, used: Moment, added: Moment) -> Account {
    Account { last_used: used, added_at: added, ..Account::sample(name) }
}

fn quota(now: Moment) -> Snapshot {
    let window = |minutes: u32, left: f64, ahead: Span| Window {
        used: Some(Percent::new(100.0 - left)),
        minutes: Some(minutes),
        resets_at: Some(now + ahead),
        ..Window::default()
    };
    Snapshot {
        primary: Some(window(300, 62.0, Span::minutes(80))),
        secondary: Some(window(10_080, 49.0, Span::hours(52))),
        plan: None,
        limit_id: None,
        credits: None,
        status: 200,
        model: None,
        at: now,
        source: Source::Usage,
        ..Snapshot::default()
    }
}

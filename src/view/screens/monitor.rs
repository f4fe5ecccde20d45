//! What happens right now: turns or sessions of every live proxy, and what runs.

pub mod bridge;
pub mod parts;
pub mod sessions;
pub mod turns;

use ratatui::buffer::Buffer;
use ratatui::widgets::Widget;

use crate::app::geometry::Kind;
use crate::app::screens::monitor::{Follow, Rows, places};
use crate::base::text::{clean, truncate};
use crate::base::{Span, calendar};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::scrollbar::Scrollbar;
use crate::view::words::{CUT, count};

/// Draws the tab.
pub fn render(scene: &Scene, buffer: &mut Buffer) {
    if scene.ui.bridge.open {
        bridge::render(scene, buffer);
        return;
    }
    let monitor = &scene.ui.monitor;
    let places = places(&scene.layout, monitor.rows, monitor.order.len());
    context(scene, buffer);
    parts::sums(scene, places.sums, buffer);
    let (offset, shown) = match monitor.rows {
        Rows::Turns => {
            turns::header(scene, places.header, buffer);
            turns::rows(scene, places.list, buffer);
            parts::parts(scene, places.parts, buffer);
            (monitor.offset, monitor.order.len())
        }
        Rows::Sessions => {
            sessions::header(scene, places.header, buffer);
            sessions::rows(scene, places.list, buffer);
            sessions::focused(scene, places.parts, buffer);
            (monitor.session_offset, monitor.session_order.len())
        }
    };
    let bar = Scrollbar { offset, count: shown, style: scene.skin.border() };
    (&bar).render(places.list, buffer);
    if shown == 0 {
        nothing(scene, places.list, buffer);
    }
    parts::load(scene, places.load, buffer);
    if scene.layout.kind == Kind::Wide {
        parts::side(scene, scene.layout.side, buffer);
    }
}

fn nothing(scene: &Scene, area: ratatui::layout::Rect, buffer: &mut Buffer) {
    let monitor = &scene.ui.monitor;
    let text = if !monitor.filter.is_empty() {
        format!("nothing holds '{}'; esc clears the filter", clean(&monitor.filter))
    } else if scene.world.peers.is_empty() {
        "no session runs; start one with: codex-multi-auth codex".to_owned()
    } else if monitor.rows == Rows::Turns {
        "no turn yet".to_owned()
    } else {
        "no session yet".to_owned()
    };
    let mut pen = Pen::new(buffer, area);
    let room = usize::from(pen.width().saturating_sub(4));
    pen.put(3, 0, &truncate(&text, room, CUT), scene.skin.dim());
}

fn context(scene: &Scene, buffer: &mut Buffer) {
    let skin = scene.skin;
    let monitor = &scene.ui.monitor;
    let mut pen = Pen::new(buffer, scene.layout.context);
    let end = pen.width().saturating_sub(1);
    let follow = if monitor.follow == Follow::On { "follow on" } else { "follow off" };
    let right = if monitor.filter.is_empty() {
        follow.to_owned()
    } else {
        format!("'{}' · {follow}", clean(&monitor.filter))
    };
    if monitor.rows == Rows::Sessions {
        let live = monitor.session_order.len();
        let running = monitor
            .session_order
            .iter()
            .filter_map(|row| crate::app::screens::monitor::session_at(scene.world, *row))
            .filter(|session| session.in_turn)
            .count();
        let rate = scene.ui.figures.all.within(Span::hours(1), scene.now);
        pen.run(
            1,
            0,
            &[("Sessions", skin.heading()), (&format!("   {live} live   {running} in a turn"), skin.text())],
        );
        pen.put_right(end, 0, &format!("{}/h  {right}", count(u64::from(rate), "turn")), skin.dim());
        return;
    }
    let room = pen.width();
    let after = match scene.world.peers.first() {
        None => {
            let rest = if scene.world.settings.rotation { "no session" } else { "rotation off" };
            pen.run(1, 0, &[("Proxy ", skin.heading()), ("○ ", skin.dim()), (rest, skin.text())])
        }
        Some(first) => {
            let up = calendar::short(scene.now.since(first.pulse.started_at));
            let gap = if scene.layout.kind == Kind::Wide { "   " } else { "  " };
            let mut words = format!("running{gap}127.0.0.1:{}", first.peer.port);
            if scene.layout.kind == Kind::Medium {
                words = format!("{words}  pid {}  up {up}", first.peer.pid);
            }
            if scene.world.peers.len() > 1 {
                words = format!("{words}  +{} more", scene.world.peers.len() - 1);
            }
            pen.run(1, 0, &[("Proxy ", skin.heading()), ("● ", skin.good()), (&words, skin.text())])
        }
    };
    if scene.layout.kind == Kind::Wide {
        pen.put(after + 3, 0, &right, skin.dim());
        let sums = monitor.sums;
        let text = format!("{} · {}", count(sums.turns, "turn"), count(sums.rotated, "rotation"));
        pen.put_right(end, 0, &text, skin.dim());
        return;
    }
    if usize::from(after) + 2 + right.len() < usize::from(room) {
        pen.put_right(end, 0, &right, skin.dim());
    }
}

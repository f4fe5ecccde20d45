//! Sign-ins found on this computer: what they are, where they lie, and what taking one over means.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::geometry::scrolled;
use crate::app::overlays::found::Found;
use crate::base::text::{clean, pad_right, truncate, truncate_middle, wrap};
use crate::domain::found::{Find, Shape, State};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::words::CUT;

/// Lines below the list.
const ABOUT: u16 = 9;

/// Draws the page.
pub fn render(scene: &Scene, open: &Found, buffer: &mut Buffer) {
    let skin = scene.skin;
    let layout = scene.layout;
    let body = Rect { width: layout.screen.width, ..layout.body };
    for part in [layout.context, body, layout.message] {
        Pen::new(buffer, part).clear();
    }
    let mut pen = Pen::new(buffer, layout.context);
    let fresh = open.rows().iter().filter(|find| find.state.is_selectable()).count();
    let end = pen.width().saturating_sub(1);
    pen.put_right(end, 0, &format!("{} found, {fresh} new", open.rows().len()), skin.dim());
    pen.run(
        1,
        0,
        &[
            ("‹ ", skin.accent()),
            ("Welcome / ", skin.dim()),
            ("Sign-ins found on this computer", skin.heading()),
        ],
    );
    let note = "read only on their side; nothing is stored until you import";
    Pen::new(buffer, layout.message).put(1, 0, note, skin.dim());
    let mut pen = Pen::new(buffer, body);
    if let Some(trouble) = &open.trouble {
        pen.put(3, 1, &clean(trouble), skin.bad());
        return;
    }
    if !open.is_filled() {
        pen.put(3, 1, "Looking…", skin.text());
        return;
    }
    if open.rows().is_empty() {
        pen.put(3, 1, "No sign-ins were found in the usual places.", skin.text());
        pen.put(3, 3, "r signs in instead; import --scan --from PATH looks elsewhere.", skin.dim());
        return;
    }
    list(scene, open, &mut pen);
    about(scene, open, &mut pen);
}

fn list(scene: &Scene, open: &Found, pen: &mut Pen) {
    let skin = scene.skin;
    let wide = usize::from(pen.width());
    let (account, plan, state) = if wide >= 80 { (24, 6, 13) } else { (20, 0, 12) };
    let source = wide.saturating_sub(7 + account + plan + state + 3);
    let head = format!(
        "{} {}{} STATE",
        pad_right("ACCOUNT", account),
        if plan > 0 { pad_right("PLAN", plan) } else { String::new() },
        pad_right("FOUND IN", source),
    );
    pen.put(7, 1, &head, skin.dim());
    let room = usize::from(pen.height().saturating_sub(ABOUT + 3)).max(1);
    let offset = scrolled(0, open.place, room, open.rows().len());
    for (row, (place, find)) in (2..).zip(open.rows().iter().enumerate().skip(offset).take(room)) {
        let here = place == open.place;
        let mark = if here { "▸ " } else { "  " };
        let boxed = match (find.state.is_selectable(), open.is_chosen(place)) {
            (false, _) => "    ",
            (true, true) => "[x] ",
            (true, false) => "[ ] ",
        };
        let name = find.label().map_or_else(|| "–".to_owned(), |name| scene.veiled(&clean(name)));
        let known = find.credentials.as_ref().and_then(|tokens| tokens.claims.plan.as_deref());
        let style = match find.state {
            State::New | State::Newer => skin.text(),
            State::AlreadyHere | State::StaleCopy | State::NotChatGpt | State::Unreadable => skin.dim(),
        };
        let path = scene.at_home(&find.source);
        let text = format!(
            "{} {}{} ",
            pad_right(&truncate(&name, account, CUT), account),
            if plan > 0 { pad_right(&clean(known.unwrap_or("–")), plan) } else { String::new() },
            pad_right(&truncate_middle(&clean(&path), source, CUT), source),
        );
        let style = if here { skin.selection() } else { style };
        pen.run(
            1,
            row,
            &[(mark, skin.accent()), (boxed, style), (&text, style), (find.state.title(), style)],
        );
    }
}

fn about(scene: &Scene, open: &Found, pen: &mut Pen) {
    let Some(find) = open.focused() else { return };
    let skin = scene.skin;
    let width = pen.width();
    let mut row = pen.height().saturating_sub(ABOUT);
    let name = find.label().map_or_else(|| "no account".to_owned(), |name| scene.veiled(&clean(name)));
    pen.fill(0, row, width, "─", skin.border());
    pen.put(1, row, &format!(" {name} "), skin.heading());
    row += 1;
    for line in words(scene, find) {
        for line in wrap(&line, usize::from(width.saturating_sub(3))) {
            pen.put(1, row, &line, skin.text());
            row += 1;
        }
    }
}

fn words(scene: &Scene, find: &Find) -> Vec<String> {
    let workspace = find.workspace().map_or_else(|| "not known".to_owned(), |id| clean(id).into_owned());
    let age = find.fresh_at.map(|at| format!("tokens from {}", scene.ago(at)));
    let age = age.unwrap_or_else(|| "age not known".to_owned());
    let first = format!("workspace {workspace} · {age} · nothing is sent or checked now");
    let meaning = match find.state {
        State::NotChatGpt => "This is an API key or another kind of login, not a ChatGPT sign-in.",
        State::Unreadable => "The file cannot be read.",
        State::StaleCopy => "Another file holds newer tokens of this account: these were spent already.",
        State::AlreadyHere => "The pool has this account with tokens at least as new.",
        State::New | State::Newer if find.shape == Shape::Official => {
            "The official CLI keeps using this session, too. Its newer tokens are taken over from its file, and \
             it gets ours, so neither signs the other out."
        }
        State::New | State::Newer => {
            "Another tool owns this session. Whoever refreshes first signs the other out: stop using it there, or \
             sign in anew here with r."
        }
    };
    let undo = "Undo: d on the account deletes it here; the file it came from stays as it is.";
    let undo = find.state.is_selectable().then(|| undo.to_owned());
    [first, meaning.to_owned()].into_iter().chain(undo).collect()
}

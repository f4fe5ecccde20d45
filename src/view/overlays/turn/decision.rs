//! The decision behind a turn: run again, under every other strategy, and without the account that served.

use crate::app::screens::monitor::{TurnId, decision_name};
use crate::base::text::truncate;
use crate::domain::account::AccountKey;
use crate::domain::selection::Strategy;
use crate::domain::selection::replay::{Kept, WhatIf};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::words::CUT;

/// One line: a name and what is said under it.
pub(super) struct Line {
    name: &'static str,
    text: String,
    tone: Tone,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tone {
    Plain,
    Bad,
}

/// What there is to say; nothing until the decision was found.
pub(super) fn lines(scene: &Scene, id: TurnId) -> Vec<Line> {
    let Some((name, found)) = &scene.world.recalled else { return Vec::new() };
    if *name != decision_name(id) {
        return Vec::new();
    }
    let plain = |name, text| Line { name, text, tone: Tone::Plain };
    let Some(kept) = found else {
        return vec![plain("decision", "not in the log of decisions (any more)".to_owned())];
    };
    let decision = &kept.decision;
    let usable = decision.candidates.iter().filter(|one| one.skip.is_none()).count();
    let all = decision.candidates.len();
    let rule = format!("{} ({}), {usable} of {all} usable", decision.rule.word(), decision.strategy.word());
    let is = kept.again(&WhatIf::default());
    let decided = if is == decision.chosen.as_ref() {
        plain("decision", format!("{rule}; the same again"))
    } else {
        let was = who(scene, decision.chosen.as_ref());
        let text = format!("{rule}; again {}, not {was}: a defect", who(scene, is));
        Line { name: "decision", text, tone: Tone::Bad }
    };
    let mut lines = vec![decided];
    lines.extend(by_strategy(scene, kept).into_iter().map(|text| plain("what if", text)));
    if let Some(chosen) = &decision.chosen {
        let without = WhatIf { without: Some(chosen.clone()), ..WhatIf::default() };
        let text = format!("without {}: {}", who(scene, Some(chosen)), who(scene, kept.again(&without)));
        lines.push(plain("what if", text));
    }
    lines
}

/// Who would have served, with the strategies that say so.
fn by_strategy(scene: &Scene, kept: &Kept) -> Vec<String> {
    let mut groups: Vec<(Option<&AccountKey>, Vec<&str>)> = Vec::new();
    for strategy in Strategy::ALL {
        let chosen = kept.again(&WhatIf { strategy: Some(strategy), ..WhatIf::default() });
        match groups.iter_mut().find(|(other, _)| *other == chosen) {
            Some((_, words)) => words.push(strategy.word()),
            None => groups.push((chosen, vec![strategy.word()])),
        }
    }
    let text = |(chosen, words): (Option<&AccountKey>, Vec<&str>)| {
        let words =
            if words.len() == Strategy::ALL.len() { "any strategy".to_owned() } else { words.join(", ") };
        format!("{}: {words}", who(scene, chosen))
    };
    groups.into_iter().map(text).collect()
}

fn who(scene: &Scene, key: Option<&AccountKey>) -> String {
    key.map_or_else(|| "nobody".to_owned(), |key| scene.short_name_of(Some(key)))
}

/// Draws the lines, each behind its name.
pub(super) fn draw(scene: &Scene, pen: &mut Pen, row: u16, lines: &[Line]) {
    let skin = scene.skin;
    let room = usize::from(pen.width().saturating_sub(14));
    let mut before = "";
    for (row, line) in (row..).zip(lines) {
        if line.name != before {
            pen.put(2, row, line.name, skin.dim());
        }
        before = line.name;
        let tone = if line.tone == Tone::Bad { skin.bad() } else { skin.text() };
        pen.put(12, row, &truncate(&line.text, room, CUT), tone);
    }
}

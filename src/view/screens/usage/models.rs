//! Which account can serve which model now.

use ratatui::buffer::Buffer;

use crate::app::flows::models::reasons;
use crate::base::text::truncate;
use crate::domain::model::table::ALL;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::words::CUT;

/// First column of the accounts, and the width of each.
const FIRST: u16 = 18;
const EACH: u16 = 11;

/// One line per model, one column per account that fits.
pub(super) fn render(scene: &Scene, buffer: &mut Buffer) {
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, scene.layout.body);
    let accounts = &scene.world.roster.accounts;
    if accounts.is_empty() {
        pen.put(3, 1, "no account yet; a adds one on the Accounts tab", skin.dim());
        return;
    }
    let room = usize::from(pen.width().saturating_sub(FIRST + 1) / EACH);
    pen.put(3, 0, "MODEL", skin.dim());
    let shown: Vec<_> = accounts.iter().enumerate().take(room).collect();
    for (column, (index, account)) in (0u16..).zip(&shown) {
        let name = scene.short_name(account, *index);
        let name = truncate(&name, usize::from(EACH - 1), CUT);
        pen.put(FIRST + column * EACH, 0, &name, skin.dim());
    }
    for (row, profile) in (1u16..).zip(ALL) {
        pen.put(3, row, profile.name, skin.text());
        for (column, (_, account)) in (0u16..).zip(&shown) {
            let seen = scene.world.capabilities.of(&account.key, profile.name);
            let why = reasons(account, scene.world.quota.get(&account.key), seen, scene.now);
            let (word, tone) = match why.first() {
                None => ("✓ yes", skin.good()),
                Some(&"account disabled") => ("× off", skin.dim()),
                Some(&"needs a new sign-in") => ("! sign in", skin.bad()),
                Some(why) if why.starts_with("entitlement") => ("× plan", skin.bad()),
                Some(_) => ("○ empty", skin.warn()),
            };
            pen.put(FIRST + column * EACH, row, word, tone);
        }
    }
    let hidden = accounts.len() - shown.len();
    if hidden > 0 {
        let row = u16::try_from(ALL.len()).unwrap_or(0) + 1;
        pen.put(3, row, &format!("{hidden} more: `models` lists them all"), skin.dim());
    }
}

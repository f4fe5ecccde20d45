//! The model as lines of text, for screen readers and terminals that can only append.

use crate::app::Model;
use crate::app::screens::accounts::{in_use, state};
use crate::base::calendar;
use crate::base::text::clean;
use crate::domain::label;

/// The pool as lines: a sentence for the whole, then one per account in shown order.
pub fn lines(model: &Model) -> Vec<String> {
    let (world, now) = (&model.world, model.now);
    if let Some(problem) = &world.trouble {
        return vec![format!("The account pool cannot be read: {}", clean(&problem.what))];
    }
    let census = model.ui.accounts.census;
    if census.total == 0 {
        return vec![
            "No accounts yet. To look around with sample accounts: codex-multi-auth --demo".to_owned(),
        ];
    }
    let mut lines = vec![format!(
        "{} accounts: {} ready, {} waiting, {} need a sign-in, {} off",
        census.total,
        census.ready,
        census.waiting,
        census.sign_in + census.uncertain,
        census.off
    )];
    for (place, index) in model.ui.accounts.order.iter().enumerate() {
        let Some(account) = world.roster.accounts.get(*index) else { continue };
        let state = state(world, account, in_use(world, now), now);
        let mut line =
            format!("{}. {}: {}", place + 1, clean(&label::name(account, index + 1)), state.word());
        if let Some(until) = state.until() {
            line = format!("{line} for {}", calendar::long(now.until(until)));
        }
        for window in world.quota.get(&account.key).iter().flat_map(|quota| quota.windows()) {
            if let (Some(name), Some(left)) = (window.name(), window.left(now)) {
                line = format!("{line}, {name} {}% left", left.rounded());
            }
        }
        if world.roster.pin.as_ref() == Some(&account.key) {
            line = format!("{line}, pinned");
        }
        lines.push(line);
    }
    lines
}

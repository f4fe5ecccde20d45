//! `import --scan`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::domain::found::{Find, Haul};
use crate::domain::vault::Run;

/// The members of the document.
pub(super) fn value(haul: &Haul) -> Value {
    let row = |(place, find): (usize, &Find)| {
        json!({
            "source": find.source,
            "shape": find.shape.word(),
            "accountRef": find.key.as_ref().map(crate::domain::account::AccountKey::as_str),
            "label": find.label(),
            "workspace": find.workspace(),
            "state": find.state.word(),
            "selected": haul.chosen.contains(&place),
        })
    };
    json!({
        "dryRun": haul.run == Run::Dry,
        "imported": haul.imported,
        "skipped": haul.finds.len() - haul.chosen.len(),
        "total": haul.total,
        "found": haul.finds.iter().enumerate().map(row).collect::<Vec<_>>(),
    })
}

/// The text.
pub(super) fn text(haul: &Haul) -> String {
    if haul.finds.is_empty() {
        return "No sign-ins were found\n".to_owned();
    }
    let mut out = String::new();
    for (place, find) in haul.finds.iter().enumerate() {
        let mark = if haul.chosen.contains(&place) { "+" } else { " " };
        let name = find.label().unwrap_or("-");
        let _ = writeln!(out, "{mark} {name:<32} {:<13} {}", find.state.title(), find.source);
    }
    let chosen = haul.chosen.len();
    match haul.run {
        Run::Dry => {
            let _ = writeln!(out, "{chosen} can be taken over; nothing was written");
        }
        Run::Real => {
            let _ =
                writeln!(out, "{chosen} taken over, {} of them new. Total: {}", haul.imported, haul.total);
            if chosen > 0 {
                out.push_str(
                    "Their files were only read. A tool that goes on using its copy is signed out by the next \
                     refresh, or signs this one out\n",
                );
            }
        }
    }
    out
}

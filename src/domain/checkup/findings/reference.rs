//! The original package: what of it runs, what it bound, what it left.

use std::collections::BTreeMap;

use crate::domain::checkup::Finding;
use crate::domain::checkup::facts::Facts;
use crate::domain::checkup::findings::{count, counted, some};
use crate::domain::checkup::repair::Repair;
use crate::domain::leftover::{Kind, Leftover};

pub(super) fn findings(facts: &Facts, all: &mut Vec<Finding>) {
    running(facts, all);
    if let Some(bound) = &facts.machine.bound {
        let message = if bound.active {
            "The original package's proxy stands in config.toml"
        } else {
            "The original package left parts of its bind"
        };
        all.push(
            Finding::warn("reference-bind", message)
                .details(bound.config.display().to_string())
                .hint("`codex-multi-auth rotation bind-app` takes it over; `doctor --fix` only removes it")
                .repaired_by(Repair::Unbind { path: bound.config.clone() }),
        );
    }
    left(&facts.machine.leftovers, all);
    if facts.machine.misfiled > 0 {
        let sessions = count(facts.machine.misfiled, "session");
        let verb = if facts.machine.misfiled == 1 { "is" } else { "are" };
        all.push(
            Finding::info(
                "reference-sessions",
                format!("{sessions} of the original package {verb} not in the official list"),
            )
            .hint("`codex-multi-auth history migrate` files them there, and `--undo` back"),
        );
    }
}

fn running(facts: &Facts, all: &mut Vec<Finding>) {
    for (pid, kind) in &facts.machine.reference {
        let finding =
            Finding::warn("reference-proxy", format!("The original package runs a {kind} (process {pid})"))
                .hint("It takes no lock: change accounts while it is stopped, or look at them afterwards");
        // Its router goes with its bind.
        let is_helper = kind == "helper";
        all.push(if is_helper { finding.repaired_by(Repair::StopHelpers(vec![*pid])) } else { finding });
    }
}

fn left(leftovers: &[Leftover], all: &mut Vec<Finding>) {
    let (own, wrappers): (Vec<&Leftover>, Vec<&Leftover>) =
        leftovers.iter().partition(|one| one.kind != Kind::Wrapper);
    if !own.is_empty() {
        let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
        for one in &own {
            *kinds.entry(one.kind).or_default() += 1;
        }
        let kinds = kinds.into_iter().map(|(kind, number)| {
            let (single, several) = kind.words();
            counted(number, single, several)
        });
        let bytes: u64 = own.iter().map(|one| one.bytes).sum();
        let sessions: usize = own.iter().filter(|one| one.can_go()).map(|one| one.sessions).sum();
        let stays = own.iter().find_map(|one| one.busy.as_ref().map(|why| (one, why)));
        let stays = stays.map(|(one, why)| format!("; {} stays: {why}", one.path.display()));
        let details = format!("{}, {} KiB{}", some(kinds), bytes.div_ceil(1024), stays.unwrap_or_default());
        let finding = Finding::warn("reference-leftovers", "The original package left files behind")
            .details(details)
            .hint("`doctor --fix` removes them; sessions in them are moved into the official folder first");
        let paths: Vec<_> = own.iter().filter(|one| one.can_go()).map(|one| one.path.clone()).collect();
        all.push(if paths.is_empty() {
            finding
        } else {
            finding.repaired_by(Repair::Retire { paths, sessions })
        });
    }
    if !wrappers.is_empty() {
        all.push(
            Finding::warn(
                "reference-wrappers",
                "A wrapper of the original package stands for the official CLI",
            )
            .details(some(wrappers.iter().map(|one| one.path.display())))
            .hint("Delete it, then install the official CLI again: npm install -g @openai/codex"),
        );
    }
}

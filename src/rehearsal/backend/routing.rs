//! `GET …/wham/accounts/check`: where the requests of a workspace belong.

use crate::formats::fake::catalogue::{Seat, check};
use crate::formats::scenario::{Action, Listed};
use crate::rehearsal::backend::Stage;
use crate::rehearsal::locked;

pub(super) fn answer(
    stage: &Stage,
    index: usize,
    action: Option<&Action>,
) -> (Vec<(&'static str, String)>, String) {
    let accounts = locked(&stage.accounts);
    let listed = accounts
        .member(index)
        .filter(|member| member.player.listed == Listed::Yes && action != Some(&Action::NotListed));
    let seats: Vec<Seat> = listed
        .map(|member| Seat {
            id: member.identity.account_id.clone(),
            plan: member.player.plan.clone(),
            deactivated: member.player.deactivated,
            origin: member.player.origin.clone(),
            routing: member.player.routing.clone(),
        })
        .into_iter()
        .collect();
    (Vec::new(), check(&seats))
}

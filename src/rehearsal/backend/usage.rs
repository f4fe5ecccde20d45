//! `GET …/wham/usage`: the same quota that headers and frames tell of, without spending any.

use crate::formats::scenario::Action;
use crate::rehearsal::backend::Stage;
use crate::rehearsal::locked;

pub(super) fn answer(
    stage: &Stage,
    index: usize,
    _action: Option<&Action>,
) -> (Vec<(&'static str, String)>, String) {
    let accounts = locked(&stage.accounts);
    let body = accounts.standing(index, stage.now()).zip(accounts.member(index)).map(|(standing, member)| {
        let identity = &member.identity;
        standing.usage(&identity.subject, &identity.account_id, &identity.email)
    });
    (Vec::new(), body.unwrap_or_else(|| "{}".to_owned()))
}

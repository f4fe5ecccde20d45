//! `GET …/codex/models`.

use crate::formats::fake::catalogue;
use crate::formats::scenario::Action;
use crate::rehearsal::backend::Stage;
use crate::rehearsal::locked;

pub(super) fn answer(
    stage: &Stage,
    index: usize,
    _action: Option<&Action>,
) -> (Vec<(&'static str, String)>, String) {
    let own = locked(&stage.accounts).member(index).and_then(|member| member.player.models.clone());
    let listed: Vec<String> = match own {
        Some(own) => stage.models.iter().filter(|slug| own.contains(slug)).cloned().collect(),
        None => stage.models.clone(),
    };
    (vec![("etag", catalogue::MODELS_ETAG.to_owned())], catalogue::models(&listed))
}

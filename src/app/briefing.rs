//! What services obey, out of what is known.

use crate::app::flows::Flow;
use crate::app::model::Model;
use crate::domain::briefing::Briefing;

/// What services obey.
pub fn briefing(model: &Model) -> Briefing {
    let forced = model.flows.running().find_map(|(_, flow)| {
        if let Flow::Forward(flow) = flow { flow.proxy().and_then(|spec| spec.forced) } else { None }
    });
    Briefing {
        revision: model.revision,
        roster: model.world.roster.clone(),
        settings: model.world.settings.clone(),
        policies: model.world.policies.clone(),
        unread: model.world.unread_policies().map(str::to_owned),
        forced,
    }
}

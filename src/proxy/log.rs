//! What a proxy says in the log: ends of turns, moves, trouble. Accounts stand by their short key; never a body, a
//! header or an address.

use crate::base::Span;
use crate::domain::account::AccountKey;
use crate::domain::facts::{ProxyFact, TurnRow, TurnStatus, Via};

/// A turn is over.
pub(super) fn turn(row: &TurnRow) {
    let word = crate::formats::control::status_word(&row.status);
    let account = row.account.as_ref().map_or("nobody", AccountKey::short);
    let model = row.model.as_deref().unwrap_or_default();
    let via = match row.via {
        Via::Ws => "ws",
        Via::Http => "http",
        Via::Bridge => "bridge",
    };
    let (session, request, note) = (row.session.as_deref().unwrap_or_default(), row.id, row.note.as_str());
    let took = row.took.map_or(0, Span::as_millis);
    let tokens = row.tokens.map_or(0, |tokens| tokens.total);
    // A macro per level: the level of a line is fixed where it is written.
    macro_rules! say {
        ($level:ident) => {
            tracing::$level!(
                part = "proxy",
                request,
                account,
                model,
                via,
                session,
                took_ms = took,
                tokens,
                note,
                "{word}"
            )
        };
    }
    match row.status {
        TurnStatus::Ok | TurnStatus::Gone => say!(info),
        TurnStatus::Status(code) if code < 400 => say!(info),
        TurnStatus::Status(_) | TurnStatus::Limit | TurnStatus::Cut | TurnStatus::Net => say!(warn),
        TurnStatus::Running | TurnStatus::Warm => say!(debug),
    }
}

/// Something the proxy learnt.
pub(super) fn fact(fact: &ProxyFact) {
    match fact {
        ProxyFact::Listening { port } => tracing::info!(part = "proxy", port, "listening"),
        ProxyFact::Changed(changes) => {
            tracing::debug!(part = "proxy", changes = changes.len(), "changes are saved");
        }
        ProxyFact::Quota(key, _) => {
            tracing::debug!(part = "proxy", account = key.short(), "limits were observed");
        }
        ProxyFact::Rotated { from, to, why } => tracing::info!(
            part = "proxy",
            from = from.short(),
            to = to.as_ref().map_or("reconnect", AccountKey::short),
            "rotated: {why}"
        ),
        ProxyFact::Failed(what) => tracing::error!(part = "proxy", "{what}"),
    }
}

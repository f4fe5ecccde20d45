//! One line of the event feed (runtime.md DB-54): what `monitor --watch --json` prints and the control socket sends.

use serde_json::{Value, json};

use crate::base::{Moment, Percent};
use crate::domain::account::AccountKey;
use crate::domain::event::{Event, What};
use crate::domain::facts::Via;
use crate::formats::control;

/// The line without its end; `number` gives an account's 1-based position.
pub fn line(event: &Event, pid: u32, number: impl Fn(&AccountKey) -> Option<usize>) -> String {
    let account = |key: &AccountKey| json!({ "number": number(key), "accountRef": key.as_str() });
    let mut line = json!({
        "version": 1,
        "at": event.at.millis(),
        "type": event.what.word(),
        "pid": pid,
        "requestId": event.request,
        "sessionHash": event.session,
        "account": event.account.as_ref().map(account),
    });
    let more = match &event.what {
        What::RequestStarted { model, via } => json!({ "model": model, "transport": transport(*via) }),
        What::AccountSelected { rule, strategy, scores } => {
            let score = |(key, score, reason): &(AccountKey, f64, Option<String>)| {
                json!({
                    "number": number(key),
                    "accountRef": key.as_str(),
                    "score": score,
                    "eligible": reason.is_none(),
                    "reason": reason,
                })
            };
            json!({
                "rule": rule,
                "strategy": strategy,
                "scores": scores.iter().map(score).collect::<Vec<_>>(),
            })
        }
        What::Rotated { class, from } => json!({ "class": class, "from": account(from) }),
        What::FirstByte { after } => json!({ "afterMs": after.as_millis() }),
        What::Completed { status, took, tokens, bytes_out, attempts } => json!({
            "status": control::status_word(status),
            "durationMs": took.as_millis(),
            "usage": tokens.map(|tokens| json!({
                "inputTokens": tokens.input,
                "outputTokens": tokens.output,
                "cachedInputTokens": tokens.cached,
                "reasoningTokens": tokens.reasoning,
                "totalTokens": tokens.total,
            })),
            "bytesOut": bytes_out,
            "attempts": attempts,
        }),
        What::LimitUpdated(snapshot) => {
            let windows: Vec<Value> = snapshot
                .windows()
                .map(|window| {
                    json!({
                        "windowMinutes": window.minutes,
                        "leftPercent": window.left(snapshot.at).map(Percent::value),
                        "resetsAt": window.resets_at.map(Moment::millis),
                    })
                })
                .collect();
            json!({ "limitId": snapshot.limit_id, "plan": snapshot.plan, "windows": windows })
        }
    };
    if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
        line.extend(more);
    }
    line.to_string()
}

const fn transport(via: Via) -> &'static str {
    match via {
        Via::Ws => "ws",
        Via::Http => "http",
        Via::Bridge => "bridge",
    }
}

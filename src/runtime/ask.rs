//! One question on the terminal: shown on stderr, answered by a line.

use std::io::{self, IsTerminal as _, Write as _};

use crate::adapters::login::line::{self, Echo};
use crate::app::effect::Query;
use crate::app::msg::Reply;
use crate::app::options::Consent;
use crate::domain::login::paste::{Line, Typist};
use crate::runtime::host::{Asks, Host};

/// How often an answer that fits nothing is asked for again.
const TRIES: usize = 3;

/// Asks, unless `--yes` answered already or nobody is there.
pub(super) async fn ask(host: &Host, query: &Query) -> Reply {
    let answered = !matches!(query, Query::Agree { .. });
    if answered && host.consent == Consent::Given {
        return Reply::Yes;
    }
    if host.asks == Asks::Nobody || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Reply::Nobody;
    }
    let (Query::YesNo { lines, .. } | Query::Agree { lines } | Query::Word { lines, .. }) = query;
    for line in lines {
        show(&format!("{line}\n"));
    }
    for _ in 0..TRIES {
        show(&prompt(query));
        let Line::Text(text) = line::read(Typist::Person, Echo::On).await else { return Reply::No };
        if let Some(reply) = understood(query, text.expose().trim()) {
            return reply;
        }
    }
    Reply::No
}

fn prompt(query: &Query) -> String {
    match query {
        Query::YesNo { act, .. } => format!("y to {act}, Enter to leave it: "),
        Query::Agree { .. } => "y to agree, Enter to leave it: ".to_owned(),
        Query::Word { word, .. } => format!("Type {word} to go on, Enter to leave it: "),
    }
}

/// The answer's meaning; `None` when it has none.
fn understood(query: &Query, text: &str) -> Option<Reply> {
    if text.is_empty() {
        return Some(Reply::No);
    }
    match query {
        Query::YesNo { .. } | Query::Agree { .. } => match text.to_lowercase().as_str() {
            "y" | "yes" => Some(Reply::Yes),
            "n" | "no" => Some(Reply::No),
            _ => None,
        },
        Query::Word { word, .. } => (text == *word).then_some(Reply::Yes),
    }
}

fn show(text: &str) {
    let mut out = io::stderr().lock();
    // A reader that has gone away is no failure of ours.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        let yes_no = Query::YesNo { lines: Vec::new(), act: "delete" };
        let word = Query::Word { lines: Vec::new(), word: "DELETE" };
        for (query, text, expected) in [
            (&yes_no, "", Some(Reply::No)),
            (&yes_no, "Y", Some(Reply::Yes)),
            (&yes_no, "yes", Some(Reply::Yes)),
            (&yes_no, "no", Some(Reply::No)),
            (&yes_no, "maybe", None),
            (&word, "", Some(Reply::No)),
            (&word, "y", None),
            (&word, "delete", None),
            (&word, "DELETE", Some(Reply::Yes)),
        ] {
            assert_eq!(understood(query, text), expected, "{text}");
        }
    }
}

//! `GET /<secret>/metrics`: the text format 0.0.4 that Prometheus reads (runtime.md DB-67).
//!
//! An account is named by the first eight hex digits of the hash of its record id; an e-mail, an id or a path never
//! stands here.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::digest;
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::selection::explain::Candidate;
use crate::domain::usage::meter::{BUCKETS, Meter};
use crate::formats::ledger::operation_word;

/// The type of the page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the page tells.
#[derive(Debug, Clone, Copy)]
pub struct Figures<'a> {
    /// Counters.
    pub meter: &'a Meter,
    /// Requests and turns that run now.
    pub in_flight: u32,
    /// Open sockets.
    pub sockets: u32,
    /// All accounts as the engine sees them.
    pub candidates: &'a [Candidate],
    /// What is known of their windows.
    pub quota: &'a BTreeMap<AccountKey, Snapshot>,
    /// Now.
    pub at: Moment,
}

/// The page.
pub fn print(figures: &Figures<'_>) -> String {
    let mut page = Page(String::with_capacity(4096));
    let meter = figures.meter;
    page.head("requests_total", "counter", "Ended requests");
    for ((operation, ending), count) in &meter.requests {
        let labels = [("operation", operation_word(*operation)), ("outcome", ending.word())];
        page.row("requests_total", &labels, count);
    }
    for (name, help, label, series) in [
        ("attempts_total", "Upstream attempts", "class", &meter.attempts),
        ("rotations_total", "Moves to another account", "class", &meter.rotations),
    ] {
        page.head(name, "counter", help);
        for (word, count) in series {
            page.row(name, &[(label, word)], count);
        }
    }
    page.head("refreshes_total", "counter", "Token refreshes");
    for (result, count) in &meter.refreshes {
        page.row("refreshes_total", &[("result", result)], count);
    }
    page.head("tokens_total", "counter", "Tokens as upstream declared them");
    let tokens = &meter.tokens;
    for (kind, count) in [
        ("input", tokens.input),
        ("output", tokens.output),
        ("cached", tokens.cached),
        ("reasoning", tokens.reasoning),
    ] {
        page.row("tokens_total", &[("kind", kind)], count);
    }
    page.head("inflight", "gauge", "Requests and turns in flight");
    page.row("inflight", &[], figures.in_flight);
    page.head("sockets", "gauge", "Open client sockets");
    page.row("sockets", &[], figures.sockets);
    page.accounts(figures);
    page.first_byte(meter);
    page.0
}

/// The name of an account on the page.
fn alias(key: &AccountKey) -> String {
    digest::sha256_hex(key.as_str()).chars().take(8).collect()
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ =
            writeln!(self.0, "# HELP codex_multi_auth_{name} {help}\n# TYPE codex_multi_auth_{name} {kind}");
    }

    fn row(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.0, "codex_multi_auth_{name}");
        for (place, (label, text)) in labels.iter().enumerate() {
            let open = if place == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{open}{label}=\"{}\"", escaped(text));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{close} {value}");
    }

    fn accounts(&mut self, figures: &Figures<'_>) {
        self.head("account_usable", "gauge", "Whether the account may serve now");
        for one in figures.candidates {
            self.row("account_usable", &[("account", &alias(&one.key))], u8::from(one.skip.is_none()));
        }
        self.head("account_left_percent", "gauge", "What is left in a quota window");
        for (key, snapshot) in figures.quota {
            let alias = alias(key);
            for window in snapshot.windows() {
                let (Some(name), Some(left)) = (window.name(), window.left(figures.at)) else { continue };
                let labels = [("account", alias.as_str()), ("window", name.as_str())];
                self.row("account_left_percent", &labels, left.value());
            }
        }
    }

    fn first_byte(&mut self, meter: &Meter) {
        self.head("first_byte_seconds", "histogram", "Time to the first business event");
        let mut sum = 0;
        for (place, count) in meter.first_byte.counts.iter().enumerate() {
            sum += count;
            let most = BUCKETS.get(place).map_or("+Inf".to_owned(), |most| seconds(*most));
            self.row("first_byte_seconds_bucket", &[("le", &most)], sum);
        }
        self.row("first_byte_seconds_sum", &[], seconds(meter.first_byte.sum.as_millis()));
        self.row("first_byte_seconds_count", &[], sum);
    }
}

/// Milliseconds as seconds without rounding: `1.25`, `30`.
fn seconds(ms: i64) -> String {
    let text = format!("{}.{:03}", ms / 1_000, ms % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Percent;
    use crate::domain::quota::snapshot::Source;
    use crate::domain::quota::window::Window;
    use crate::domain::selection::explain::{Parts, Skip};

    #[test]
    fn the_page_names_no_account_and_every_series_has_its_type() {
        let key = AccountKey::new("record:somebody");
        let skip = Some(Skip { reason: "disabled".to_owned(), until: None });
        let candidates =
            [Candidate { key: key.clone(), index: 0, skip, parts: Parts::default(), left: None }];
        let window =
            Window { used: Some(Percent::new(40.0)), minutes: Some(300), resets_at: None, seen: None };
        let snapshot = Snapshot {
            primary: Some(window),
            secondary: None,
            plan: None,
            limit_id: None,
            credits: None,
            status: 200,
            model: None,
            at: Moment::EPOCH,
            source: Source::Headers,
            extra: Vec::new(),
            banked: None,
        };
        let mut meter = Meter::default();
        meter.rotated("odd \"word\"");
        let figures = Figures {
            meter: &meter,
            in_flight: 3,
            sockets: 1,
            candidates: &candidates,
            quota: &BTreeMap::from([(key.clone(), snapshot)]),
            at: Moment::EPOCH,
        };

        let page = print(&figures);

        let alias = alias(&key);
        assert!(page.contains(&format!("codex_multi_auth_account_usable{{account=\"{alias}\"}} 0\n")));
        assert!(page.contains(&format!("account_left_percent{{account=\"{alias}\",window=\"5h\"}} 60\n")));
        assert!(page.contains("codex_multi_auth_rotations_total{class=\"odd \\\"word\\\"\"} 1\n"));
        assert!(page.contains("codex_multi_auth_first_byte_seconds_bucket{le=\"0.25\"} 0\n"));
        assert!(page.contains("codex_multi_auth_inflight 3\n"));
        assert!(!page.contains("somebody"));
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let named = |name: &str| page.contains(&format!("# TYPE {name} "));
            assert!(named(name) || base.is_some_and(named), "{line}");
        }
    }

    #[test]
    fn seconds_are_not_rounded() {
        assert_eq!([50, 2_500, 30_000, 0].map(seconds), ["0.05", "2.5", "30", "0"]);
    }
}

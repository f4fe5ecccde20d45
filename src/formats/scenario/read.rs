//! TOML → [`Scenario`]. Every table is read through [`Reader`], which knows which keys were asked for and
//! reports the rest.

use std::collections::BTreeSet;

use toml_edit::{DocumentMut, Item, Table, TableLike};

use super::{
    Action, Bench, Endpoint, Listed, Player, Presence, Quota, Row, Rule, Scenario, ScenarioError, Script,
    Traffic,
};
use crate::base::Span;

type Read<T> = Result<T, ScenarioError>;

/// Tokens a window of unknown length holds, when the file does not say.
const DEFAULT_TOKENS: u64 = 2_000_000;

pub(super) fn scenario(text: &str) -> Read<Scenario> {
    let document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| ScenarioError::Toml(error.message().to_owned()))?;
    let mut root = Reader::new(document.as_table(), "");
    let usual = Scenario::default();
    let scenario = Scenario {
        title: root.text("title")?.unwrap_or(usual.title),
        models: root.texts("models")?.unwrap_or(usual.models),
        crowd: root.whole("crowd")?.unwrap_or(0),
        accounts: each(root.tables("account")?, "account", player)?,
        rules: each(root.tables("rule")?, "rule", rule)?,
        script: match root.table("model") {
            Some(mut table) => script(&mut table).and_then(|script| table.finish(script))?,
            None => usual.script,
        },
        traffic: match root.table("traffic") {
            Some(mut table) => traffic(&mut table).and_then(|traffic| table.finish(traffic))?,
            None => usual.traffic,
        },
    };
    root.finish(scenario)
}

fn each<T>(tables: Vec<&Table>, name: &str, read: impl Fn(&mut Reader<'_>) -> Read<T>) -> Read<Vec<T>> {
    tables
        .into_iter()
        .enumerate()
        .map(|(i, table)| {
            let mut reader = Reader::new(table, &format!("{name}[{i}]."));
            let value = read(&mut reader)?;
            reader.finish(value)
        })
        .collect()
}

fn player(table: &mut Reader<'_>) -> Read<Player> {
    let name = table.text("name")?.ok_or_else(|| table.missing("name"))?;
    let usual = Player::named(&name);
    Ok(Player {
        email: table.text("email")?.unwrap_or(usual.email),
        workspace: table.text("workspace")?,
        plan: table.text("plan")?.unwrap_or(usual.plan),
        primary: table.quota("primary", usual.primary)?,
        secondary: table.quota("secondary", usual.secondary)?,
        token_life: table.span("token_life")?.unwrap_or(usual.token_life),
        token_left: table.span("token_left")?,
        signed_out: table.flag("signed_out")?.unwrap_or(false),
        deactivated: table.flag("deactivated")?.unwrap_or(false),
        listed: if table.flag("listed")?.unwrap_or(true) { Listed::Yes } else { Listed::No },
        origin: table.text("origin")?.unwrap_or(usual.origin),
        routing: table.text("routing")?.unwrap_or(usual.routing),
        models: table.texts("models")?,
        row: match table.table("row") {
            Some(mut inner) => row(&mut inner).and_then(|row| inner.finish(row))?,
            None => usual.row,
        },
        name,
    })
}

fn row(table: &mut Reader<'_>) -> Read<Row> {
    let usual = Row::default();
    Ok(Row {
        presence: if table.flag("absent")?.unwrap_or(false) { Presence::Absent } else { Presence::InPool },
        enabled: table.flag("enabled")?.unwrap_or(usual.enabled),
        current: table.flag("current")?.unwrap_or(usual.current),
        pinned: table.flag("pinned")?.unwrap_or(usual.pinned),
        cooling: table.span("cooling")?,
        cooldown_reason: table.text("cooldown_reason")?.unwrap_or(usual.cooldown_reason),
        invalidated: table.text("invalidated")?,
        requests: table.whole("requests")?.unwrap_or(usual.requests),
        last_used: table.span("last_used")?.unwrap_or(usual.last_used),
        added: table.span("added")?.unwrap_or(usual.added),
        cached: table.flag("cached")?.unwrap_or(usual.cached),
    })
}

fn rule(table: &mut Reader<'_>) -> Read<Rule> {
    let word = table.text("endpoint")?.unwrap_or_else(|| "turn".to_owned());
    let endpoint =
        Endpoint::from_word(&word).ok_or_else(|| table.wrong("endpoint", "the word of an endpoint"))?;
    let account = table.text("account")?.filter(|name| name != "*");
    Ok(Rule {
        account,
        endpoint,
        action: action(table)?,
        skip: table.whole("skip")?.unwrap_or(0),
        times: table.whole("times")?,
        every: table.whole("every")?.unwrap_or(1_u32).max(1),
        after: table.span("after")?.unwrap_or(Span::ZERO),
        until: table.span("until")?,
    })
}

fn action(table: &mut Reader<'_>) -> Read<Action> {
    let word = table.text("action")?.ok_or_else(|| table.missing("action"))?;
    let simple = match word.as_str() {
        "plan-gap" => Some(Action::PlanGap),
        "unauthorized" => Some(Action::Unauthorized),
        "unauthorized-empty" => Some(Action::UnauthorizedEmpty),
        "invalidated" => Some(Action::Invalidated),
        "deactivated" => Some(Action::Deactivated),
        "forbidden" => Some(Action::Forbidden),
        "workspace-disabled" => Some(Action::WorkspaceDisabled),
        "edge-block" => Some(Action::EdgeBlock),
        "model-unsupported" => Some(Action::ModelUnsupported),
        "foreign-content" => Some(Action::ForeignContent),
        "unknown-previous" => Some(Action::UnknownPrevious),
        "bad-request" => Some(Action::BadRequest),
        "redirect" => Some(Action::Redirect),
        "upgrade-required" => Some(Action::UpgradeRequired),
        "not-found" => Some(Action::NotFound),
        "overloaded" => Some(Action::Overloaded),
        "hang" => Some(Action::Hang),
        "drop" => Some(Action::Drop),
        "empty" => Some(Action::Empty),
        "garbage" => Some(Action::Garbage),
        "not-listed" => Some(Action::NotListed),
        _ => None,
    };
    match simple {
        Some(action) => Ok(action),
        None => detailed(&word, table),
    }
}

fn detailed(word: &str, table: &mut Reader<'_>) -> Read<Action> {
    let code = |table: &mut Reader<'_>| table.text("code")?.ok_or_else(|| table.missing("code"));
    let message =
        |table: &mut Reader<'_>| Ok(table.text("message")?.unwrap_or_else(|| "Scripted.".to_owned()));
    Ok(match word {
        "usage-limit" => Action::UsageLimit { resets_in: table.span("resets_in")?.unwrap_or(Span::hours(1)) },
        "exhaust" => Action::Exhaust { resets_in: table.span("resets_in")? },
        "throttle" => {
            let wait = table.span("retry_after")?.unwrap_or(Span::seconds(2));
            Action::Throttle { retry_after: (!wait.is_over()).then_some(wait) }
        }
        "server-error" => Action::ServerError { status: table.whole("status")?.unwrap_or(500) },
        "refuse" => Action::Refuse {
            status: table.whole("status")?.unwrap_or(401),
            code: code(table)?,
            message: message(table)?,
        },
        "slow" => Action::Slow { delay: table.span("delay")?.ok_or_else(|| table.missing("delay"))? },
        "stall" => Action::Stall { events: table.events()? },
        "cut" => Action::Cut { events: table.events()? },
        "tear" => Action::Tear { events: table.events()? },
        "truncate" => Action::Truncate { events: table.events()? },
        "malformed" => Action::Malformed { events: table.events()? },
        "huge" => Action::Huge { events: table.events()?, bytes: table.whole("bytes")?.unwrap_or(1 << 20) },
        "binary" => Action::Binary { events: table.events()? },
        "close" => Action::Close { events: table.events()?, code: table.whole("code")?.unwrap_or(1011) },
        "fail" => Action::Fail { events: table.events()?, code: code(table)?, message: message(table)? },
        "error-event" => Action::ErrorEvent {
            events: table.events()?,
            status: table.whole("status")?.unwrap_or(400),
            code: code(table)?,
            message: message(table)?,
        },
        "incomplete" => Action::Incomplete {
            reason: table.text("reason")?.unwrap_or_else(|| "max_output_tokens".to_owned()),
        },
        "wrong-identity" => {
            Action::WrongIdentity { account: table.text("as")?.ok_or_else(|| table.missing("as"))? }
        }
        _ => return Err(table.wrong("action", "the word of an action")),
    })
}

fn script(table: &mut Reader<'_>) -> Read<Script> {
    let usual = Script::default();
    Ok(Script {
        steps: table.whole("steps")?.unwrap_or(usual.steps),
        words: table.whole("words")?,
        gap: table.span("gap")?.unwrap_or(usual.gap),
        think: table.span("think")?.unwrap_or(usual.think),
        command: table.text("command")?.unwrap_or(usual.command),
        overhead: table.whole("overhead")?.unwrap_or(usual.overhead),
        bench: match table.table("bench") {
            Some(mut inner) => {
                let bench = Bench {
                    events: inner.whole("events")?.unwrap_or(100),
                    bytes: inner.whole("bytes")?.unwrap_or(250),
                };
                Some(inner.finish(bench)?)
            }
            None => None,
        },
    })
}

fn traffic(table: &mut Reader<'_>) -> Read<Traffic> {
    let usual = Traffic::default();
    Ok(Traffic {
        sessions: table.whole("sessions")?.unwrap_or(usual.sessions),
        http: table.whole("http")?.unwrap_or(usual.http),
        pause: table.span("pause")?.unwrap_or(usual.pause),
        turns: table.whole("turns")?.unwrap_or(usual.turns),
        prompts: table.texts("prompts")?.unwrap_or(usual.prompts),
    })
}

/// `1h19m`, `90s`, `250ms`, `2d3h`, with an optional leading minus.
pub(crate) fn parse_span(text: &str) -> Option<Span> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    if rest.is_empty() {
        return None;
    }
    let mut total = Span::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let number: i64 = number.parse().ok()?;
        total = total
            + match unit {
                "ms" => Span::millis(number),
                "s" => Span::seconds(number),
                "m" => Span::minutes(number),
                "h" => Span::hours(number),
                "d" => Span::days(number),
                _ => return None,
            };
        rest = tail;
    }
    Some(Span::millis(total.as_millis().saturating_mul(sign)))
}

struct Reader<'a> {
    table: &'a dyn TableLike,
    path: String,
    asked: BTreeSet<&'static str>,
}

impl<'a> Reader<'a> {
    fn new(table: &'a dyn TableLike, path: &str) -> Self {
        Self { table, path: path.to_owned(), asked: BTreeSet::new() }
    }

    fn item(&mut self, key: &'static str) -> Option<&'a Item> {
        self.asked.insert(key);
        self.table.get(key)
    }

    fn wrong(&self, key: &str, wanted: &'static str) -> ScenarioError {
        ScenarioError::Value { key: format!("{}{key}", self.path), wanted }
    }

    fn missing(&self, key: &str) -> ScenarioError {
        ScenarioError::Missing(format!("{}{key}", self.path))
    }

    fn text(&mut self, key: &'static str) -> Read<Option<String>> {
        let Some(item) = self.item(key) else { return Ok(None) };
        item.as_str().map(|text| Some(text.to_owned())).ok_or_else(|| self.wrong(key, "a text"))
    }

    fn texts(&mut self, key: &'static str) -> Read<Option<Vec<String>>> {
        let Some(item) = self.item(key) else { return Ok(None) };
        let texts = item.as_array().and_then(|array| {
            array.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        texts.map(Some).ok_or_else(|| self.wrong(key, "a list of texts"))
    }

    fn flag(&mut self, key: &'static str) -> Read<Option<bool>> {
        let Some(item) = self.item(key) else { return Ok(None) };
        item.as_bool().map(Some).ok_or_else(|| self.wrong(key, "true or false"))
    }

    fn whole<N: TryFrom<i64>>(&mut self, key: &'static str) -> Read<Option<N>> {
        let Some(item) = self.item(key) else { return Ok(None) };
        let number = item.as_integer().and_then(|number| N::try_from(number).ok());
        number.map(Some).ok_or_else(|| self.wrong(key, "a whole number in range"))
    }

    fn span(&mut self, key: &'static str) -> Read<Option<Span>> {
        let Some(item) = self.item(key) else { return Ok(None) };
        let span = item.as_str().and_then(parse_span).or_else(|| item.as_integer().map(Span::seconds));
        span.map(Some).ok_or_else(|| self.wrong(key, "a length of time like \"1h19m\" or \"250ms\""))
    }

    fn events(&mut self) -> Read<u32> {
        Ok(self.whole("events")?.unwrap_or(0))
    }

    fn quota(&mut self, key: &'static str, usual: Option<Quota>) -> Read<Option<Quota>> {
        let Some(item) = self.item(key) else { return Ok(usual) };
        if item.as_bool() == Some(false) {
            return Ok(None);
        }
        let Some(table) = item.as_table_like() else {
            return Err(self.wrong(key, "a table, or false for no such window"));
        };
        let mut inner = Reader::new(table, &format!("{}{key}.", self.path));
        let used = inner
            .item("used")
            .map_or(Some(0.0), |item| item.as_float().or_else(|| item.as_integer().and_then(small_float)))
            .ok_or_else(|| inner.wrong("used", "a percentage"))?;
        let usual_minutes = usual.map_or(300, |usual| usual.minutes);
        let usual_tokens = usual.map_or(DEFAULT_TOKENS, |usual| usual.tokens);
        let quota = Quota {
            used,
            minutes: inner.whole("minutes")?.unwrap_or(usual_minutes),
            resets_in: inner.span("resets_in")?,
            tokens: inner.whole("tokens")?.unwrap_or(usual_tokens),
        };
        inner.finish(Some(quota))
    }

    fn table(&mut self, key: &'static str) -> Option<Reader<'a>> {
        let table = self.item(key)?.as_table_like()?;
        Some(Reader::new(table, &format!("{}{key}.", self.path)))
    }

    fn tables(&mut self, key: &'static str) -> Read<Vec<&'a Table>> {
        let Some(item) = self.item(key) else { return Ok(Vec::new()) };
        let tables = item.as_array_of_tables().map(|tables| tables.iter().collect());
        tables.ok_or_else(|| self.wrong(key, "tables written [[…]]"))
    }

    fn finish<T>(self, value: T) -> Read<T> {
        let unknown = self.table.iter().find(|(key, _)| !self.asked.contains(key));
        match unknown {
            Some((key, _)) => Err(ScenarioError::UnknownKey(format!("{}{key}", self.path))),
            None => Ok(value),
        }
    }
}

fn small_float(number: i64) -> Option<f64> {
    i32::try_from(number).ok().map(f64::from)
}

#[cfg(test)]
mod tests;

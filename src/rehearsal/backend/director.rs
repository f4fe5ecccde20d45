//! Which rule answers a request. Every rule counts the requests that match it; the first that is due wins.

use crate::base::Span;
use crate::formats::scenario::{Action, Endpoint, Rule};

#[derive(Debug)]
pub(super) struct Director {
    rules: Vec<Counted>,
}

#[derive(Debug)]
struct Counted {
    rule: Rule,
    /// `after` and `until` count from here.
    since: Span,
    seen: u32,
    happened: u32,
}

impl Director {
    pub(super) fn new(rules: Vec<Rule>) -> Self {
        let counted = |rule| Counted { rule, since: Span::ZERO, seen: 0, happened: 0 };
        Self { rules: rules.into_iter().map(counted).collect() }
    }

    pub(super) fn add(&mut self, rule: Rule, elapsed: Span) {
        self.rules.insert(0, Counted { rule, since: elapsed, seen: 0, happened: 0 });
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The action for a request of `account` that came to `endpoint`.
    pub(super) fn ask(&mut self, account: Option<&str>, endpoint: Endpoint, elapsed: Span) -> Option<Action> {
        let mut due = None;
        for counted in &mut self.rules {
            if counted.matches(account, endpoint, elapsed) && counted.comes_due() && due.is_none() {
                counted.happened += 1;
                due = Some(counted.rule.action.clone());
            }
        }
        due
    }
}

impl Counted {
    fn matches(&self, account: Option<&str>, endpoint: Endpoint, elapsed: Span) -> bool {
        let rule = &self.rule;
        let since = Span::millis(elapsed.as_millis() - self.since.as_millis());
        rule.endpoint.covers(endpoint)
            && rule.account.as_deref().is_none_or(|name| account == Some(name))
            && since >= rule.after
            && rule.until.is_none_or(|until| since <= until)
    }

    fn comes_due(&mut self) -> bool {
        self.seen += 1;
        let rule = &self.rule;
        let Some(after_skip) = self.seen.checked_sub(rule.skip + 1) else { return false };
        after_skip.is_multiple_of(rule.every.max(1)) && rule.times.is_none_or(|times| self.happened < times)
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn asked(rule: Rule, times: usize) -> Vec<bool> {
        let mut director = Director::new(vec![rule]);
        (0..times).map(|_| director.ask(Some("one"), Endpoint::Http, Span::ZERO).is_some()).collect()
    }

    #[test]
    fn a_rule_waits_its_turn_and_ends_after_its_times() {
        let rule = Rule::on("one", Endpoint::Turn, Action::Hang);

        assert_eq!(asked(rule.clone(), 2), [true, true]);
        assert_eq!(asked(rule.clone().skip(2).once(), 5), [false, false, true, false, false]);
        assert_eq!(asked(Rule { every: 2, ..rule.clone() }, 4), [true, false, true, false]);
        assert_eq!(asked(Rule { account: Some("two".to_owned()), ..rule }, 1), [false]);
    }

    #[test]
    fn a_rule_with_a_time_holds_only_then() {
        let rule = Rule {
            after: Span::seconds(5),
            until: Some(Span::seconds(9)),
            ..Rule::everywhere(Endpoint::Any, Action::Hang)
        };
        let mut director = Director::new(vec![rule]);

        let at = |seconds| director.ask(None, Endpoint::Usage, Span::seconds(seconds)).is_some();

        assert_eq!([4, 5, 9, 10].map(at), [false, true, true, false]);
    }
}

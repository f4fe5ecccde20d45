//! Budgets and routing profiles as one line of text: what a person types on a screen, and what an edit begins with.

use crate::app::flows::rules::{Members, Wanted};
use crate::domain::policy::budget::{Limit, Window};
use crate::domain::policy::edit::ProfileEdit;
use crate::domain::policy::profile::Profile;

/// What a budget's line looks like.
pub const BUDGET: &str = "global day requests=400";

/// A budget as typed: `global day requests=400 tokens=50M cost=12.50`.
///
/// # Errors
/// What is missing or cannot be read, in words.
pub fn budget(text: &str) -> Result<Wanted, String> {
    let mut words = text.split_whitespace();
    let key = words.next().ok_or("name what it is about first, such as global or model:gpt-5")?.to_owned();
    let window = words.next().and_then(Window::from_word);
    let window = window.ok_or("the second word is a window: hour, day, week or month")?;
    let mut wanted = Wanted { key, window, requests: None, tokens: None, cost: None };
    for word in words {
        match word.split_once('=') {
            Some(("requests", value)) => wanted.requests = Some(whole(value)?),
            Some(("tokens", value)) => wanted.tokens = Some(whole(value)?),
            Some(("cost", value)) => wanted.cost = Some(dollars(value)?),
            Some(_) | None => return Err(format!("`{word}` is no limit: requests=, tokens= or cost=")),
        }
    }
    if wanted.requests.is_none() && wanted.tokens.is_none() && wanted.cost.is_none() {
        return Err("a budget needs a limit: requests=, tokens= or cost=".to_owned());
    }
    Ok(wanted)
}

/// A budget as it would be typed.
pub fn budget_text(limit: &Limit) -> String {
    let mut text = format!("{} {}", limit.key, limit.window.word());
    let parts = [
        limit.requests.map(|count| format!("requests={count}")),
        limit.tokens.map(|count| format!("tokens={count}")),
        limit.cost.map(|cost| format!("cost={cost}")),
    ];
    for part in parts.into_iter().flatten() {
        text.push(' ');
        text.push_str(&part);
    }
    text
}

/// A whole number above 0, `k` and `M` for thousands and millions.
fn whole(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000),
        None => text.strip_suffix(['m', 'M']).map_or((text, 1), |digits| (digits, 1_000_000)),
    };
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    number
        .filter(|number| *number > 0)
        .ok_or_else(|| format!("`{text}` is no number above 0, such as 400, 50k or 2M"))
}

fn dollars(text: &str) -> Result<f64, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value = text.parse::<f64>().ok().filter(|value| is_plain && *value > 0.0 && value.is_finite());
    value.ok_or_else(|| format!("`{text}` is no amount of dollars, such as 12.50"))
}

/// What a profile's line looks like.
pub const PROFILE: &str = ". prefer=work";

/// A profile as typed: the project's key or `.`, then members; an empty one is cleared.
///
/// # Errors
/// What is missing or cannot be read, in words.
pub fn profile(text: &str) -> Result<(String, Members), String> {
    let mut words = text.split_whitespace();
    let project = words.next().ok_or("name the project first: its key, or . for this folder")?.to_owned();
    let mut edit = ProfileEdit::default();
    for word in words {
        let list = |value: &str| {
            Some(value.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect::<Vec<_>>())
        };
        match word.split_once('=') {
            Some(("prefer", value)) => edit.prefer = list(value),
            Some(("avoid", value)) => edit.avoid = list(value),
            Some(("allow", value)) => edit.allow = list(value),
            Some(("deny", value)) => edit.deny = list(value),
            Some(("budget", value)) => edit.budget = Some(value.to_owned()),
            Some(_) | None => {
                return Err(format!("`{word}` is no member: prefer=, avoid=, allow=, deny= or budget="));
            }
        }
    }
    if edit.is_empty() {
        return Err("a profile needs a member: prefer=, avoid=, allow=, deny= or budget=".to_owned());
    }
    Ok((project, Members { edit, weights: Vec::new() }))
}

/// A profile as it would be typed; weights are set by the command.
pub fn profile_text(profile: &Profile) -> String {
    let mut text = profile.project_key.clone();
    let lists = [
        ("prefer", &profile.preferred_tags),
        ("avoid", &profile.avoid_tags),
        ("allow", &profile.models_allowed),
        ("deny", &profile.models_denied),
    ];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        text = format!("{text} {name}={}", list.join(","));
    }
    match &profile.budget_key {
        Some(key) => format!("{text} budget={key}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Moment;

    #[test]
    fn a_budget_is_read_as_it_is_written() {
        let wanted = budget("model:gpt-5 week requests=400 tokens=2M cost=12.5").expect("a budget");
        let limit = Limit {
            key: wanted.key.clone(),
            window: wanted.window,
            requests: wanted.requests,
            tokens: wanted.tokens,
            cost: wanted.cost,
            updated_at: Moment::EPOCH,
        };

        assert_eq!(budget_text(&limit), "model:gpt-5 week requests=400 tokens=2000000 cost=12.5");
        assert_eq!(budget(&budget_text(&limit)), Ok(wanted));
        assert!(budget(BUDGET).is_ok());
    }

    #[test]
    fn what_is_wrong_with_a_budget_is_said() {
        for (text, words) in [
            ("", "name what it is about"),
            ("global", "a window"),
            ("global year requests=1", "a window"),
            ("global day", "needs a limit"),
            ("global day 400", "is no limit"),
            ("global day requests=0", "no number above 0"),
            ("global day tokens=99999999999999999M", "no number above 0"),
            ("global day cost=-1", "no amount"),
        ] {
            let wrong = budget(text).expect_err(text);
            assert!(wrong.contains(words), "{text}: {wrong}");
        }
    }

    #[test]
    fn a_profile_is_read_as_it_is_written() {
        let (project, members) = profile("shop-1 prefer=work,home deny=gpt-5 budget=").expect("a profile");

        assert_eq!(project, "shop-1");
        assert_eq!(members.edit.prefer, Some(vec!["work".to_owned(), "home".to_owned()]));
        assert_eq!(members.edit.budget, Some(String::new()), "an empty member is cleared");
        assert!(profile(PROFILE).is_ok());
        assert!(profile("shop-1").is_err());
        assert!(profile("shop-1 colour=red").is_err());
    }
}

//! `Codex.json`: the list of plugins in which the reference's package enters itself.

use crate::formats::lossless::{self, Object, ParseJsonError};

/// The text without these packages, exact or with a version; `None` when none of them is in it.
///
/// # Errors
/// When it is no JSON object.
pub fn without(text: &str, packages: &[&str]) -> Result<Option<String>, ParseJsonError> {
    let mut top = Object::parse(lossless::without_mark(text))?;
    let Some(all) = top.list("plugins") else { return Ok(None) };
    let kept: Vec<String> =
        all.iter().filter(|raw| !is_one_of(raw, packages)).map(|raw| (*raw).to_owned()).collect();
    if kept.len() == all.len() {
        return Ok(None);
    }
    top.set_raw("plugins", lossless::joined(kept.iter().map(String::as_str)));
    Ok(Some(top.to_pretty() + "\n"))
}

/// How many other plugins there are; `None` when that cannot be told.
pub fn count_without(text: &str, packages: &[&str]) -> Option<usize> {
    let top = Object::parse(lossless::without_mark(text)).ok()?;
    let all = top.list("plugins").unwrap_or_default();
    Some(all.iter().filter(|raw| !is_one_of(raw, packages)).count())
}

fn is_one_of(raw: &str, packages: &[&str]) -> bool {
    let Some(name) = lossless::text(raw) else { return false };
    packages.iter().any(|package| {
        name.strip_prefix(package).is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: [&str; 2] = ["codex-multi-auth", "@ndycode/codex-multi-auth"];

    #[test]
    fn only_the_named_packages_leave_the_list() {
        let text = r#"{"a":1.50,"plugins":["x","codex-multi-auth","@ndycode/codex-multi-auth@2.8.7","codex-multi-auth-more",7]}"#;

        let left = without(text, &OURS).unwrap().unwrap();

        let left: String = left.split_whitespace().collect();
        assert_eq!(left, r#"{"a":1.50,"plugins":["x","codex-multi-auth-more",7]}"#);
        assert_eq!(without(&left, &OURS).unwrap(), None);
        assert_eq!(without("{}", &OURS).unwrap(), None);
        assert!(without("[", &OURS).is_err());
        assert_eq!(count_without(text, &OURS), Some(3));
        assert_eq!(count_without("{}", &OURS), Some(0));
    }
}

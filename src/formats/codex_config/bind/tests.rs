use proptest::prelude::*;

use super::super::edit::tests::{document, whole};
use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef-_ABCDEFGHI";

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/{SECRET}/backend-api/codex")
}

#[test]
fn the_users_own_value_comes_back_with_its_comment_and_its_quotes() {
    let before = "a = 1\n'openai_base_url'  =  'https://gateway'   # mine\n\n[t]\n";

    let (bound, original) = bound(Some(before), None, &url(1)).unwrap();
    let (again, kept) = super::bound(Some(&bound), Some(&original), &url(2)).unwrap();

    assert_eq!(kept.raw.as_deref(), Some("'https://gateway'"));
    assert_eq!(released(&again, &kept), Ok(Released::Text(before.to_owned())));
}

#[test]
fn what_the_user_put_there_meanwhile_is_left() {
    let original = Original { raw: None, existed: true };

    assert_eq!(released("openai_base_url = 'https://gateway'\n", &original), Ok(Released::Left));
    assert_eq!(released("openai_base_url = 1\n", &original), Ok(Released::Left));
    assert_eq!(released("a = 1\n", &original), Ok(Released::Left));
}

#[test]
fn a_file_we_made_goes_unless_the_user_wrote_into_it() {
    let (made, original) = bound(None, None, &url(1)).unwrap();

    assert_eq!(released(&made, &original), Ok(Released::Gone));
    assert_eq!(released(&format!("{made}b = 2\n"), &original), Ok(Released::Text("b = 2\n".to_owned())));
}

#[test]
fn what_cannot_be_parsed_is_refused() {
    assert!(bound(Some("a = [\n"), None, &url(1)).is_err());
    assert!(bound(Some("[openai_base_url]\n"), None, &url(1)).is_err());
    assert!(released("a = [\n", &Original::default()).is_err());
}

/// What a user does to the file while the bind stands.
#[derive(Debug, Clone)]
enum Step {
    /// Writes at the end.
    Append(&'static str),
    /// Writes at the start.
    Prepend(&'static str),
    /// Changes an entry of his own.
    Change,
    /// Writes a line behind that entry.
    Insert(&'static str),
    /// Takes the entry out.
    Remove,
    /// Binds again, on another port.
    Bind(u16),
}

const ENTRY: &str = "\"own entry\" = 0\n";
const CHANGED: &str = "\"own entry\" = [\n  'x', # y\n]  # changed\n";

/// The step on a text; what is no part of it stays out of it.
fn stepped(text: &str, step: &Step, crlf: bool) -> String {
    let ends = |text: &str| if crlf { text.replace('\n', "\r\n") } else { text.to_owned() };
    let (mark, body) = match text.strip_prefix('\u{feff}') {
        Some(body) => ("\u{feff}", body),
        None => ("", text),
    };
    let body = match step {
        Step::Append(more) => body.to_owned() + &ends(more),
        Step::Prepend(more) => ends(more) + body,
        Step::Change => body.replacen(&ends(ENTRY), &ends(CHANGED), 1),
        Step::Insert(line) => body.replacen(&ends(ENTRY), &ends(&format!("{ENTRY}{line}")), 1),
        Step::Remove => body.replacen(&ends(ENTRY), "", 1),
        Step::Bind(_) => body.to_owned(),
    };
    format!("{mark}{body}")
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Append("\n[appended]\nx = 1 # z\n")),
        Just(Step::Append("\n# a note at the end")),
        Just(Step::Append("\n[[appended_list]]\nopenai_base_url = 'inner'\n")),
        Just(Step::Prepend("# at the top\n\n")),
        Just(Step::Prepend("prepended = '''\n[x]\nopenai_base_url = 1\n'''\n")),
        Just(Step::Change),
        Just(Step::Insert("inserted.dotted = true\n")),
        Just(Step::Insert("# a comment [x]\n")),
        Just(Step::Remove),
        (2_u16..9).prop_map(Step::Bind),
    ]
}

fn parses(text: &str) -> bool {
    facts(text, None).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bind_and_edits_and_bind_and_unbind_leave_the_edits_alone(
        (before, own, after, crlf, mark, cut) in document(),
        absent in prop::bool::weighted(0.1),
        steps in prop::collection::vec(step(), 0..7),
    ) {
        let text = whole(&format!("{ENTRY}{before}"), own.as_deref().unwrap_or_default(), &after, crlf, mark, cut);
        let start = (!absent).then_some(text);
        prop_assume!(start.as_deref().is_none_or(parses));

        // What the user would have without us.
        let mut expected = start.clone().unwrap_or_default();
        let (mut now, mut original) = bound(start.as_deref(), None, &url(1)).unwrap();
        for step in &steps {
            // An entry that ends the file has no line end of its own until ours follows: the user would edit another text.
            let entry = if crlf { ENTRY.replace('\n', "\r\n") } else { ENTRY.to_owned() };
            if expected.contains(&entry) != now.contains(&entry) {
                continue;
            }
            let edited = stepped(&expected, step, crlf);
            let ours = stepped(&now, step, crlf);
            // Nobody saves a file that is no TOML and then binds; either both take the edit or the case says nothing.
            if !parses(&edited) || !parses(&ours) {
                continue;
            }
            (expected, now) = (edited, ours);
            if let Step::Bind(port) = step {
                (now, original) = bound(Some(&now), Some(&original), &url(*port)).unwrap();
            }
        }
        let (rebound, original) = bound(Some(&now), Some(&original), &url(9)).unwrap();

        let back = match released(&rebound, &original).unwrap() {
            Released::Text(text) => text,
            Released::Gone => String::new(),
            Released::Left => rebound,
        };
        prop_assert_eq!(back, expected);
    }
}

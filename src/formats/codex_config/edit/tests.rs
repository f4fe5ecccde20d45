use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn edited(text: &str, key: &str, wanted: Wanted<'_>) -> String {
    apply(text, key, wanted).unwrap().text
}

const KEY: &str = "openai_base_url";

#[test]
fn a_key_is_set_in_its_place_or_behind_the_last_entry() {
    for (name, before, after) in [
        ("empty", "", "openai_base_url = \"u\"\n"),
        ("byte order mark alone", "\u{feff}", "\u{feff}openai_base_url = \"u\"\n"),
        ("behind a mark", "\u{feff}a = 1\r\n", "\u{feff}a = 1\r\nopenai_base_url = \"u\"\r\n"),
        ("comment only", "# c", "# c\nopenai_base_url = \"u\""),
        (
            "comment behind the last entry",
            "a = 1 # c\n\n[t]\n",
            "a = 1 # c\nopenai_base_url = \"u\"\n\n[t]\n",
        ),
        (
            "comment of the first table",
            "# file\n\n# t\n[t]\n",
            "# file\n\nopenai_base_url = \"u\"\n# t\n[t]\n",
        ),
        ("comment that opens the file", "#:schema x\n[t]\n", "#:schema x\nopenai_base_url = \"u\"\n[t]\n"),
        ("dotted entries", "a.b = 1\n[a.c.d]\nx = 1\n", "a.b = 1\nopenai_base_url = \"u\"\n[a.c.d]\nx = 1\n"),
        ("array of tables first", "[[h]]\nx = 1", "openai_base_url = \"u\"\n[[h]]\nx = 1"),
        (
            "multi-line string with a header in it",
            "s = '''\n[x]\n'''\n[t]\n",
            "s = '''\n[x]\n'''\nopenai_base_url = \"u\"\n[t]\n",
        ),
        ("quoted key", "'openai_base_url' = 'x'   # c\n", "'openai_base_url' = \"u\"   # c\n"),
        (
            "multi-line value",
            "openai_base_url = \"\"\"\nx\"\"\"\nb = 2\n",
            "openai_base_url = \"u\"\nb = 2\n",
        ),
        ("of another type", "openai_base_url = [\n 1, # c\n]\n", "openai_base_url = \"u\"\n"),
        (
            "in a table only",
            "[t]\nopenai_base_url = \"x\"\n",
            "openai_base_url = \"u\"\n[t]\nopenai_base_url = \"x\"\n",
        ),
        ("mixed endings", "a = 1\r\nb = 2\n", "a = 1\r\nb = 2\nopenai_base_url = \"u\"\n"),
        ("said already", "openai_base_url = '''u''' # c", "openai_base_url = '''u''' # c"),
    ] {
        assert_eq!(edited(before, KEY, Wanted::Text("u")), after, "{name}");
        assert_eq!(edited(after, KEY, Wanted::Text("u")), after, "{name}, again");
    }
}

#[test]
fn a_removed_key_takes_its_line_and_leaves_the_comment() {
    for (name, before, after) in [
        ("middle", "a = 1\r\nopenai_base_url = \"u\"\r\nb = 2", "a = 1\r\nb = 2"),
        ("last line without newline", "a = 1\r\nopenai_base_url = \"u\"", "a = 1"),
        ("alone", "  openai_base_url = \"u\"", ""),
        ("behind a mark", "\u{feff}openai_base_url = 'u'\n[t]\n", "\u{feff}[t]\n"),
        ("comment behind it", "openai_base_url = 'u#' # mine\n", "# mine\n"),
        ("over several lines", "openai_base_url = [\n 1,\n]\n[t]", "[t]"),
        ("not there", "# openai_base_url = 1\n", "# openai_base_url = 1\n"),
    ] {
        assert_eq!(edited(before, KEY, Wanted::Absent), after, "{name}");
    }
}

#[test]
fn the_value_that_stood_there_comes_back_as_it_was_spelt() {
    let before = "openai_base_url = 'http://a'  # c\n";

    let changed = apply(before, KEY, Wanted::Text("u")).unwrap();
    let back = edited(&changed.text, KEY, Wanted::Source(changed.previous.as_deref().unwrap()));

    assert_eq!(changed.previous.as_deref(), Some("'http://a'"));
    assert_eq!(back, before);
    assert_eq!(source(before, KEY), Ok(Some("'http://a'".to_owned())));
}

#[test]
fn strings_are_escaped() {
    let odd = "a\"b\\c\nd\u{1}é";

    let text = edited("", "odd key", Wanted::Text(odd));

    assert_eq!(text, "\"odd key\" = \"a\\\"b\\\\c\\nd\\u0001é\"\n");
    assert_eq!(Document::parse(text.as_str()).unwrap().get("odd key").unwrap().as_str(), Some(odd));
}

#[test]
fn what_cannot_be_changed_safely_is_refused() {
    let refused = |text, wanted| apply(text, KEY, wanted).unwrap_err();

    assert!(
        matches!(refused("a = [\n", Wanted::Text("u")), EditError::NotToml(why) if why.starts_with("line "))
    );
    assert_eq!(refused("openai_base_url.x = 1\n", Wanted::Text("u")), EditError::NotAValue(KEY.into()));
    assert_eq!(refused("[openai_base_url]\n", Wanted::Absent), EditError::NotAValue(KEY.into()));
    assert_eq!(refused("", Wanted::Source("1\nb = 2")), EditError::Entangled(KEY.into()));
    assert_eq!(refused("a = 1\n", Wanted::Source("broken \"")), EditError::Entangled(KEY.into()));
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("1".to_owned()),
        Just("-1.5e3".to_owned()),
        Just("true".to_owned()),
        Just("1979-05-27T07:32:00Z".to_owned()),
        "[a-z #=\\[\\]]{0,8}".prop_map(|text| format!("\"{text}\"")),
        "[a-z\"\\\\ #]{0,8}".prop_map(|text| format!("'{text}'")),
        "[a-z\n#=\\[\\]]{0,12}".prop_map(|text| format!("\"\"\"{text}\"\"\"")),
        "[a-z\n\"#\\[\\]]{0,6}".prop_map(|text| format!("'''{text}x'''")),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3)
                .prop_map(|all| format!("[\n  {}\n]", all.join(", # [c]\n  "))),
            prop::collection::vec(inner.clone(), 0..3).prop_map(|all| format!("[{}]", all.join(", "))),
            prop::collection::vec(inner, 0..3).prop_map(|all| {
                let members: Vec<String> =
                    all.iter().enumerate().map(|(at, v)| format!("m{at} = {v}")).collect();
                format!("{{ {} }}", members.join(", "))
            }),
        ]
    })
}

/// Entries under names made unique by `scope`; some quoted, some dotted, some indented, some with a comment.
fn entries(scope: &'static str) -> impl Strategy<Value = String> {
    let entry = (0..4_u8, value(), any::<bool>(), any::<bool>());
    prop::collection::vec(entry, 0..4).prop_map(move |all| {
        let mut out = String::new();
        for (at, (form, value, commented, spaced)) in all.into_iter().enumerate() {
            let name = match form {
                0 => format!("{scope}{at}"),
                1 => format!("\"{scope} {at}#\""),
                2 => format!("'{scope}.{at}'"),
                _ => format!("{scope}{at}.sub.\"x y\""),
            };
            let comment = if commented { "  # [not] a = table" } else { "" };
            let space = if spaced { "\n  # between\n\t" } else { "" };
            let _ = writeln!(out, "{space}{name} = {value}{comment}");
        }
        out
    })
}

fn tables() -> impl Strategy<Value = String> {
    let table = (0..4_u8, entries("k"), any::<bool>());
    prop::collection::vec(table, 0..4).prop_map(|all| {
        let mut out = String::new();
        for (at, (form, body, own)) in all.into_iter().enumerate() {
            let header = match form {
                0 => format!("[t{at}] # c"),
                1 => format!("\n# about\n[[list]]\nn = {at}"),
                2 => format!("[\"q {at}\".'x']"),
                _ => format!("  [ t{at} . deep ]"),
            };
            let same = if own { "openai_base_url = 'theirs'\n" } else { "" };
            let _ = write!(out, "{header}\n{same}{body}");
        }
        out
    })
}

/// A document in parts: what precedes the edited key's line, the line if there is one, and what follows.
pub(in crate::formats::codex_config) fn document()
-> impl Strategy<Value = (String, Option<String>, String, bool, bool, bool)> {
    let own = prop::option::of((value(), any::<bool>()).prop_map(|(value, commented)| {
        format!("'openai_base_url' = {value}{}\n", if commented { " # mine" } else { "" })
    }));
    let head =
        prop_oneof![Just(String::new()), Just("# file\n\n".to_owned()), Just("#:schema x\n".to_owned())];
    let top = (head, entries("a")).prop_map(|(head, entries)| head + &entries);
    let rest = (entries("b"), tables()).prop_map(|(entries, tables)| entries + &tables);
    (top, own, rest, any::<bool>(), any::<bool>(), any::<bool>())
}

pub(in crate::formats::codex_config) fn whole(
    before: &str,
    own: &str,
    after: &str,
    crlf: bool,
    mark: bool,
    cut: bool,
) -> String {
    let mut text = format!("{before}{own}{after}");
    if cut && text.ends_with('\n') {
        text.pop();
    }
    if crlf {
        text = text.replace('\n', "\r\n");
    }
    if mark { format!("\u{feff}{text}") } else { text }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_the_one_key_changes_in_any_document(
        (before, own, after, crlf, mark, cut) in document()
    ) {
        let text = whole(&before, own.as_deref().unwrap_or_default(), &after, crlf, mark, cut);
        prop_assume!(Document::parse(without_mark(&text)).is_ok());

        let set = apply(&text, KEY, Wanted::Text("http://127.0.0.1:1/x")).unwrap();

        prop_assert_eq!(set.previous.is_some(), own.is_some());
        prop_assert_eq!(text.starts_with('\u{feff}'), set.text.starts_with('\u{feff}'));
        if !without_mark(&text).is_empty() {
            prop_assert_eq!(text.ends_with('\n'), set.text.ends_with('\n'));
        }
        // The file is the old one around the value: putting the old source back gives the old bytes.
        if let Some(previous) = &set.previous {
            let back = apply(&set.text, KEY, Wanted::Source(previous)).unwrap();
            prop_assert_eq!(&back.text, &text);
        } else {
            let back = apply(&set.text, KEY, Wanted::Absent).unwrap();
            prop_assert_eq!(&back.text, &text);
            let line = set.text.len() - text.len();
            prop_assert_eq!(line, "openai_base_url = \"http://127.0.0.1:1/x\"".len()
                + if crlf && text.contains('\n') { 2 } else { 1 });
        }
    }

    #[test]
    fn no_text_at_all_makes_it_stumble(text in "[a-z=\\[\\]{}\"'#.,\\\\ \r\n]{0,40}") {
        let _ = apply(&text, KEY, Wanted::Text("u"));
        let _ = apply(&text, KEY, Wanted::Absent);
    }
}

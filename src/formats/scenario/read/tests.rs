use pretty_assertions::assert_eq;

use super::*;

#[test]
fn a_scenario_says_who_plays_and_what_goes_wrong() {
    let text = r#"
        title = "one falls"
        models = ["gpt-5.5"]

        [[account]]
        name = "one"
        plan = "pro"
        primary = { used = 38, resets_in = "1h19m" }
        secondary = false
        row = { pinned = true, current = true }

        [[rule]]
        account = "one"
        endpoint = "turn"
        action = "usage-limit"
        resets_in = "2h"
        skip = 2
        times = 1

        [model]
        steps = 3
        gap = "5ms"
    "#;

    let scenario = Scenario::parse(text).unwrap();

    let one = &scenario.accounts[0];
    assert_eq!((one.plan.as_str(), one.secondary, one.row.pinned), ("pro", None, true));
    assert_eq!(
        one.primary,
        Some(Quota { used: 38.0, resets_in: Some(Span::minutes(79)), ..Quota::FIVE_HOURS })
    );
    assert_eq!(
        scenario.rules,
        [Rule::on("one", Endpoint::Turn, Action::UsageLimit { resets_in: Span::hours(2) }).skip(2).once()]
    );
    assert_eq!((scenario.script.steps, scenario.script.gap), (3, Span::millis(5)));
}

#[test]
fn a_misspelt_key_is_an_error_that_names_it() {
    let cases = [
        ("[[rule]]\naction = \"cut\"\nevnts = 3", "unknown key `rule[0].evnts`"),
        ("[[rule]]\naction = \"cutt\"", "`rule[0].action` wants the word of an action"),
        ("[[rule]]\naction = \"fail\"", "`rule[0].code` is missing"),
        ("[[account]]\nname = 3", "`account[0].name` wants a text"),
        ("[model]\ngap = \"fast\"", "`model.gap` wants a length of time like \"1h19m\" or \"250ms\""),
    ];
    for (text, wanted) in cases {
        assert_eq!(Scenario::parse(text).unwrap_err().to_string(), wanted, "{text}");
    }
}

#[test]
fn lengths_of_time_are_written_with_units() {
    let cases = [
        ("1h19m", Some(Span::minutes(79))),
        ("250ms", Some(Span::millis(250))),
        ("2d3h", Some(Span::hours(51))),
        ("-90s", Some(Span::seconds(-90))),
        ("", None),
        ("5", None),
        ("5x", None),
    ];
    for (text, wanted) in cases {
        assert_eq!(parse_span(text), wanted, "{text}");
    }
}

/// The tables of `docs/rehearsal.md` that list actions, as (action, keys).
fn documented() -> Vec<(String, Vec<String>)> {
    let page = include_str!("../../../../docs/rehearsal.md");
    let (_, rest) = page.split_once("### Actions").unwrap();
    let (tables, _) = rest.split_once("### `[model]`").unwrap();
    let rows = tables.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let mut cells = line.split('|').skip(1);
        let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        (words(cells.next().unwrap()).remove(0), words(cells.next().unwrap()))
    })
    .collect()
}

#[test]
fn every_documented_action_is_read_with_exactly_its_keys() {
    let sample = |key: &str| match key {
        "events" | "status" | "bytes" => "400".to_owned(),
        "code" => "\"some_code\"".to_owned(),
        "resets_in" | "retry_after" | "delay" => "\"3s\"".to_owned(),
        _ => "\"some text\"".to_owned(),
    };
    let documented = documented();

    assert_eq!(documented.len(), 39);
    for (action, keys) in documented {
        let lines: Vec<_> = keys
            .iter()
            .map(|key| match (action.as_str(), key.as_str()) {
                ("close", "code") => "code = 1011".to_owned(),
                (_, key) => format!("{key} = {}", sample(key)),
            })
            .collect();
        let text = format!("[[rule]]\naction = \"{action}\"\n{}\n", lines.join("\n"));

        let scenario = Scenario::parse(&text).unwrap_or_else(|error| panic!("{action}: {error}"));

        assert_eq!(scenario.rules[0].action.word(), action);
    }
}

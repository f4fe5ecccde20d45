use pretty_assertions::assert_eq;

use super::*;

fn sample() -> Entry {
    Entry {
        id: "1-2".to_owned(),
        at: Moment::from_millis(1_790_000_000_123),
        source: "runtime-proxy".to_owned(),
        operation: Operation::Responses,
        ending: Ending::Success,
        model: Some("gpt-5.3-codex".to_owned()),
        project: None,
        account_hash: Some("sha256:aa".to_owned()),
        email_hash: None,
        index: Some(1),
        request: Some("r".to_owned()),
        status: Some(200),
        error: None,
        took: Some(Span::millis(1_234)),
        tokens: TurnTokens { input: 10, output: 5, cached: 3, reasoning: 2, total: 15 },
        cost: Some(0.001_25),
        attempts: Some(2),
        first_byte: Some(Span::millis(80)),
        bytes_out: Some(999),
        session_hash: None,
        failover: Some("usage limit".to_owned()),
        rotated_from: vec!["sha256:bb".to_owned()],
        service_tier: Some("flex".to_owned()),
        token: Some("key-1".to_owned()),
    }
}

#[test]
fn a_row_reads_back_as_it_was_written() {
    let line = line(&sample());

    assert!(line.ends_with("}\n") && line.matches('\n').count() == 1);
    assert_eq!(entry(&line), Some(sample()));
}

#[test]
fn lines_that_are_no_rows_are_passed_over() {
    for line in [
        "",
        "{",
        "[]",
        r#"{"version":2,"createdAt":1,"outcome":"success"}"#,
        r#"{"version":1}"#,
        r#"{"version":1,"id":"","createdAt":1,"tokens":{}}"#,
        r#"{"version":1,"id":"a","createdAt":1}"#,
    ] {
        assert_eq!(entry(line), None, "{line}");
    }
}

#[test]
fn a_row_of_the_reference_is_read() {
    let line = r#"{"version":1,"id":"u","createdAt":5,"source":"plugin-host","operation":"responses","outcome":"failure","model":null,"projectKey":null,"account":null,"requestId":null,"statusCode":429,"errorCode":"rate-limit","durationMs":7,"tokens":{"inputTokens":0,"outputTokens":0,"cachedInputTokens":0,"reasoningTokens":0,"totalTokens":0},"costUsd":null}"#;

    let row = entry(line).unwrap();

    assert_eq!((row.at, row.status, row.ending), (Moment::from_millis(5), Some(429), Ending::Failure));
}

#[test]
fn a_glance_sees_what_the_whole_row_says() {
    let whole = line(&sample());
    let hollow = line(&Entry {
        model: None,
        account_hash: None,
        index: None,
        project: Some("a-1".to_owned()),
        request: None,
        status: None,
        error: Some("rate-limit".to_owned()),
        took: None,
        cost: None,
        rotated_from: Vec::new(),
        ..sample()
    });
    let odd = [
        r#"{ "version": 1, "id":"u", "createdAt":5, "outcome":"lost", "tokens":{"inputTokens":2,"outputTokens":3}}"#,
        r#"{"version":1,"id":"u","createdAt":5,"source":"cli","operation":"responses","outcome":"success","model":"a\"b","projectKey":null,"account":null,"requestId":null,"statusCode":200,"errorCode":null,"durationMs":1.5,"tokens":{"inputTokens":-1,"outputTokens":1e3,"cachedInputTokens":0,"reasoningTokens":0,"totalTokens":7},"costUsd":null}"#,
        r#"{"version":1,"id":"u","createdAt":5,"source":"cli","operation":"responses","outcome":"success","model":"m","projectKey":null,"account":{"accountHash":"plain","emailHash":"sha256:e"},"requestId":"r\u0022,","statusCode":200,"errorCode":null,"durationMs":1,"tokens":{"inputTokens":1,"outputTokens":1,"cachedInputTokens":0,"reasoningTokens":0,"totalTokens":2},"costUsd":null,"later":{"a":[1]}}"#,
    ];
    for line in [whole.as_str(), hollow.as_str()].into_iter().chain(odd) {
        assert_eq!(glance(line.as_bytes()), entry(line).as_ref().map(Entry::glance), "{line}");
    }
    assert!(plain::glance(whole.as_bytes()).is_some() && plain::glance(hollow.as_bytes()).is_some());
}

#[test]
fn an_unknown_outcome_is_a_failure_and_a_missing_total_is_the_sum() {
    let row = entry(r#"{"version":1,"id":"u","createdAt":5,"outcome":"?","tokens":{"inputTokens":2,"outputTokens":3,"reasoningTokens":2}}"#).unwrap();

    assert_eq!((row.ending, row.operation, row.tokens.total), (Ending::Failure, Operation::Unknown, 5));
}

#[test]
fn prices_are_read_or_refused_in_words() {
    let prices = |models: &str| super::prices(&format!(r#"{{"version":1,"models":{models}}}"#));

    let one = prices(r#"{"GPT-5.5":{"input":1,"output":2}}"#).unwrap();
    assert_eq!(one.of("gpt-5.5"), Some(Price { input: 1.0, output: 2.0, cached: 1.0 }));
    assert!(prices(r#"{"o3":{"input":-1,"output":2}}"#).unwrap_err().contains("o3"));
    assert!(super::prices("{").is_err());
    assert!(super::prices(r#"{"version":2}"#).is_err());
}

proptest::proptest! {
    #[test]
    fn any_line_is_a_row_or_is_passed_over_the_same_way(line in "\\PC{0,120}") {
        let parsed = entry(&line);
        proptest::prop_assert_eq!(glance(line.as_bytes()), parsed.as_ref().map(Entry::glance));
    }

    #[test]
    fn a_row_with_a_byte_changed_is_seen_as_the_parser_sees_it(at in 0_usize..600, byte in 0_u8..128) {
        let mut bytes = line(&sample()).into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let parsed = std::str::from_utf8(&bytes).ok().and_then(entry);
        proptest::prop_assert_eq!(glance(&bytes), parsed.as_ref().map(Entry::glance));
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = glance(&bytes);
    }
}

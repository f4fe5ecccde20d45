use super::*;
use crate::base::{Secret, Span};
use crate::domain::account::{
    Arrival, Claims, Cooldown, CooldownReason, Credentials, Door, Switch, SwitchReason,
};
use crate::domain::change::Pin;
use crate::domain::login::admission::{Place, SignIn};

const AT: Moment = Moment::from_secs(1_790_000_010);

fn parse(text: &str) -> Document<'_> {
    Document::parse(text, &Extension::default(), AT).unwrap()
}

fn pool(rows: &str, more: &str) -> String {
    format!(r#"{{"version":3,"accounts":[{rows}],"activeIndex":0{more}}}"#)
}

const TWO: &str = r#"
    {"recordId":"record:1","accountId":"a","email":"A@x.io ","refreshToken":"r1","addedAt":1,"lastUsed":2.50,"future":{"n":1.0}},
    {"recordId":"record:2","accountId":"b","email":"b@x.io","refreshToken":"r2","addedAt":1,"lastUsed":2,"enabled":false}"#;

fn key(id: &str) -> AccountKey {
    AccountKey::new(id)
}

fn edit(text: &str, changes: &[Change]) -> (String, Extent, String) {
    let mut extension = Extension::default();
    let mut document = Document::parse(text, &extension, AT).unwrap();
    let extent = document.apply(changes, &mut extension, AT);
    (document.to_text(), extent, extension.to_text())
}

#[test]
fn a_row_becomes_an_account_with_normalised_identity() {
    let text = pool(TWO, r#","pinnedAccountIndex":1,"affinityGeneration":4"#);

    let document = parse(&text);
    let roster = document.roster();

    let first = roster.accounts.first().unwrap();
    assert_eq!(first.key, key("record:1"));
    assert_eq!(first.email.as_deref(), Some("a@x.io"));
    assert_eq!(first.last_used, Moment::from_millis(2));
    assert_eq!(roster.accounts[1].switch, Switch::Off);
    assert_eq!(roster.active, Some(key("record:1")));
    assert_eq!(roster.pin, Some(key("record:2")));
    assert_eq!(roster.generation, 4);
    assert_eq!(roster.active_by_family.len(), 5);
}

#[test]
fn what_is_not_a_pool_is_told_apart() {
    let outcome = |text: &str| Document::parse(text, &Extension::default(), AT).map(|_| ()).unwrap_err();

    assert!(matches!(outcome("{\"version\":3,"), ParseAccountsError::Damaged { .. }));
    assert!(matches!(outcome("[]"), ParseAccountsError::Damaged { .. }));
    for text in [
        r#"{"version":2,"accounts":[]}"#,
        r#"{"version":"3","accounts":[]}"#,
        r#"{"accounts":[]}"#,
        r#"{"version":3,"accounts":{}}"#,
    ] {
        assert!(matches!(outcome(text), ParseAccountsError::Shape { .. }), "{text}");
    }
    assert_eq!(outcome(r#"{"version":4,"accounts":[]}"#), ParseAccountsError::Newer { version: 4 });
}

#[test]
fn an_edit_touches_only_what_it_means() {
    let text = pool(TWO, r#","note":[1.0,{"x":null}]"#);

    let (saved, extent, _) =
        edit(&text, &[Change::Used { key: key("record:2"), at: Moment::from_millis(99) }]);

    let expected = text.replace(r#""lastUsed":2,"enabled""#, r#""lastUsed":99,"enabled""#);
    assert_eq!(saved, lossless::pretty(&expected));
    assert_eq!(extent, Extent::Volatile);
}

#[test]
fn nothing_new_is_nothing() {
    let text = pool(TWO, "");
    let until = Moment::from_millis(5);

    let (saved, extent, _) =
        edit(&text, &[Change::Used { key: key("record:2"), at: Moment::from_millis(1) }]);
    let (_, gone, _) =
        edit(&text, &[Change::Cooled { key: key("x"), cooldown: Cooldown { until, reason: None } }]);

    assert_eq!((extent, gone), (Extent::Nothing, Extent::Nothing));
    assert_eq!(saved, lossless::pretty(&text));
}

#[test]
fn a_selection_writes_positions_pin_and_generation() {
    let text = pool(TWO, r#","activeIndexByFamily":{"codex":0,"gpt-9":7}"#);

    let (saved, extent, extension) = edit(
        &text,
        &[Change::Selected {
            key: key("record:2"),
            reason: SwitchReason::Manual,
            pin: Pin::Set,
            at: Moment::from_millis(50),
        }],
    );

    let top = Object::parse(&saved).unwrap();
    assert_eq!(extent, Extent::Durable);
    assert_eq!(top.count("activeIndex"), Some(1));
    assert_eq!(top.count("pinnedAccountIndex"), Some(1));
    assert_eq!(top.count("affinityGeneration"), Some(1));
    assert_eq!(top.object("activeIndexByFamily").unwrap().to_text(), r#"{"codex":1,"gpt-9":7}"#);
    let row = Object::parse(top.list("accounts").unwrap()[1]).unwrap();
    assert_eq!((row.flag("enabled"), row.text("lastSwitchReason").as_deref()), (Some(true), Some("manual")));
    assert_eq!(Extension::parse(&extension).pin(1), Some(key("record:2")));
    assert_eq!(Extension::parse(&extension).pin(2), None);
}

#[test]
fn the_time_of_a_pin_and_the_way_a_session_came_are_kept_beside_the_pool() {
    let text = pool(TWO, "");
    let when = Moment::from_millis(1_790_000_000_000);
    let tokens = Credentials {
        refresh: Secret::from("rt-new"),
        claims: Claims {
            workspace_id: Some("b".to_owned()),
            email: Some("b@x.io".to_owned()),
            ..Claims::default()
        }
        .into(),
        ..Credentials::default()
    };
    let sign_in =
        SignIn { credentials: tokens, seats: Vec::new(), at: when, place: Place::Behind, by: Door::Paste };
    let pinned = Change::Selected {
        key: key("record:2"),
        reason: SwitchReason::Manual,
        pin: Pin::Set,
        at: when + Span::minutes(1),
    };

    let (saved, _, extension) = edit(&text, &[Change::SignedIn(Box::new(sign_in)), pinned]);

    assert!(!saved.contains("signedIn") && !saved.contains("pinnedAt"), "the reference would strip them");
    let read = |text: &str, extension: &str| {
        let document = Document::parse(text, &Extension::parse(extension), AT).unwrap();
        let arrivals: Vec<_> = document.roster().accounts.iter().map(|account| account.arrival).collect();
        (document.roster().pinned_at, arrivals)
    };
    let arrival = Arrival { at: when, by: Door::Paste };
    assert_eq!(read(&saved, &extension), (Some(when + Span::minutes(1)), vec![None, Some(arrival)]));
    // The reference moved the pin, or the file beside the pool was lost: nothing untrue is told.
    let moved = saved.replace("\"affinityGeneration\": 2", "\"affinityGeneration\": 3");
    assert_ne!(moved, saved);
    assert_eq!(read(&moved, &extension).0, None);
    assert_eq!(read(&saved, "{}"), (None, vec![None, None]));
}

#[test]
fn new_tokens_move_the_id_token_and_the_old_hash_into_the_extension() {
    let text = pool(TWO, "");
    let renewed = Change::Renewed {
        key: key("record:1"),
        credentials: Box::new(Credentials {
            refresh: Secret::new("r1b"),
            access: Some(Secret::new("acc")),
            id_token: Some(Secret::new("idt")),
            expires_at: Some(AT + Span::hours(1)),
            ..Credentials::default()
        }),
        at: AT,
    };

    let (saved, extent, extension) = edit(&text, &[renewed]);

    assert_eq!(extent, Extent::Durable);
    assert!(!saved.contains("idt"));
    let extension = Extension::parse(&extension);
    let hash = crate::domain::token::hash(&Secret::new("r1"));
    assert_eq!(extension.history_of(&key("record:1")), [(hash, AT)]);
    let again = Document::parse(&saved, &extension, AT).unwrap();
    let account = again.roster().get(&key("record:1")).unwrap();
    assert_eq!(account.credentials.refresh, Secret::new("r1b"));
    assert_eq!(account.credentials.id_token, Some(Secret::new("idt")));
    assert_eq!(account.credentials.expires_at, Some(AT + Span::hours(1)));
}

#[test]
fn limits_and_rests_are_written_and_recovery_removes_them() {
    let text = pool(TWO, "");
    let id = key("record:1");
    let hot = [
        Change::Limited { key: id.clone(), bucket: "codex".to_owned(), until: AT },
        Change::Cooled {
            key: id.clone(),
            cooldown: Cooldown { until: AT, reason: Some(CooldownReason::RateLimit) },
        },
    ];

    let (limited, extent, _) = edit(&text, &hot);
    let (recovered, _, _) = edit(&limited, &[Change::Recovered { key: id.clone() }]);

    assert_eq!(extent, Extent::Volatile);
    let row = |text: &str| {
        let top = Object::parse(text).unwrap();
        top.list("accounts").unwrap()[0].to_owned()
    };
    assert_eq!(Object::parse(&row(&limited)).unwrap().text("cooldownReason").as_deref(), Some("rate-limit"));
    assert_eq!(
        Object::parse(&row(&limited)).unwrap().object("rateLimitResetTimes").unwrap().millis("codex"),
        Some(AT.millis())
    );
    assert_eq!(recovered, lossless::pretty(&text));
}

#[test]
fn an_added_account_gets_a_whole_row() {
    let text = pool(TWO, "");
    let mut account = parse(&text).roster().accounts[0].clone();
    account.key = key("record:3");
    account.email = Some("c@x.io".to_owned());
    account.account_id = Some("c".to_owned());
    account.credentials.refresh = Secret::new("r3");

    let (saved, extent, _) = edit(&text, &[Change::Added(Box::new(account.clone()))]);

    assert_eq!(extent, Extent::Durable);
    let again = parse(&saved);
    assert_eq!(again.roster().accounts.len(), 3);
    assert_eq!(again.roster().accounts[2], account);
}

#[test]
fn rows_without_record_id_get_it_at_the_first_save() {
    let text = pool(r#"{"accountId":"a","refreshToken":"r1","addedAt":1,"lastUsed":2}"#, "");
    let expected = identity::record_id("1", Some("a"), None, "r1");

    let (saved, extent, _) = edit(&text, &[]);

    assert_eq!(extent, Extent::Nothing);
    assert_eq!(parse(&text).roster().accounts[0].key.as_str(), expected);
    assert!(saved.contains(&format!("\"recordId\": \"{expected}\"")));
}

#[test]
fn rows_without_token_are_set_aside_and_positions_follow_the_rest() {
    let rows = format!(r#"{{"email":"dead@x.io","refreshToken":" "}},"junk",{TWO}"#);
    let text = pool(&rows, r#","pinnedAccountIndex":3,"activeIndexByFamily":{"codex":2}"#)
        .replace("\"activeIndex\":0", "\"activeIndex\":3");

    let document = parse(&text);

    assert_eq!(document.unusable().count(), 2);
    assert_eq!(document.roster().active, Some(key("record:2")));
    assert_eq!(document.roster().pin, Some(key("record:2")));
    assert_eq!(document.roster().active_by_family.get(&Family::Codex), Some(&key("record:1")));
    let (saved, extent, _) = edit(&text, &[]);
    assert_eq!(extent, Extent::Durable);
    assert_eq!(Object::parse(&saved).unwrap().count("activeIndex"), Some(1));
}

#[test]
fn merged_rows_keep_what_the_survivor_lacks() {
    let rows = r#"
        {"recordId":"record:1","accountId":"a","email":"a@x.io","refreshToken":"old","addedAt":1,"lastUsed":1,"accountLabel":"work","mine":1,"accessToken":"x"},
        {"accountId":"a","email":"a@x.io","refreshToken":"new","addedAt":1,"lastUsed":9,"yours":2}"#;
    let text = pool(rows, "");

    let document = parse(&text);

    assert_eq!(document.roster().accounts.len(), 1);
    let account = &document.roster().accounts[0];
    assert_eq!(account.key, key("record:1"));
    assert_eq!(account.label.as_deref(), Some("work"));
    assert_eq!(account.credentials.refresh, Secret::new("new"));
    assert_eq!(account.credentials.access, None);
    let (saved, ..) = edit(&text, &[]);
    assert!(saved.contains("\"mine\": 1") && saved.contains("\"yours\": 2"));
}

#[test]
fn two_rows_never_share_a_key() {
    let rows = r#"
        {"recordId":"record:1","accountId":"a","refreshToken":"1","addedAt":1,"lastUsed":1},
        {"recordId":"record:1","accountId":"b","refreshToken":"2","addedAt":1,"lastUsed":9}"#;

    let text = pool(rows, "");
    let document = parse(&text);

    let keys: HashSet<_> = document.roster().accounts.iter().map(|account| account.key.clone()).collect();
    assert_eq!(keys.len(), 2);
}

proptest::proptest! {
    #[test]
    fn unknown_members_survive_any_edit(name in "[a-z]{1,6}Unknown", value in json(), used in 0_i64..100) {
        let text = pool(
            &format!(r#"{{"refreshToken":"r1","addedAt":1,"lastUsed":2,"{name}":{value}}}"#),
            &format!(r#","{name}":{value}"#),
        );
        let key = parse(&text).roster().accounts[0].key.clone();

        let (saved, ..) = edit(&text, &[Change::Used { key, at: Moment::from_millis(used) }]);

        let top = Object::parse(&saved).unwrap();
        let row = Object::parse(top.list("accounts").unwrap()[0]).unwrap();
        proptest::prop_assert_eq!(lossless::pretty(top.raw(&name).unwrap()), lossless::pretty(&value));
        proptest::prop_assert_eq!(lossless::pretty(row.raw(&name).unwrap()), lossless::pretty(&value));
    }

    #[test]
    fn unknown_members_survive_at_any_depth_even_in_rows_that_are_merged(
        name in "[a-z]{1,6}Unknown", value in json(), other in json(), used in 3_i64..100
    ) {
        let seat = format!(r#"{{"id":"w","enabled":true,"{name}":{value}}}"#);
        let row = format!(
            r#"{{"recordId":"record:1","accountId":"a","email":"a@x.io","refreshToken":"r1","addedAt":1,"lastUsed":2,
               "workspaces":[{seat}],"rateLimitResetTimes":{{"codex":5,"{name}":{value}}},"{name}":{value}}}"#
        );
        let twin = format!(
            r#"{{"accountId":"a","email":"a@x.io","refreshToken":"r2","addedAt":1,"lastUsed":1,"{name}Too":{other}}}"#
        );
        let text = pool(
            &format!("{row},{twin}"),
            &format!(r#","activeIndexByFamily":{{"codex":1,"{name}":{value}}},"{name}":{value}"#),
        );
        let id = key("record:1");
        let at = Moment::from_millis(used);
        let changes = [
            Change::Used { key: id.clone(), at },
            Change::Limited { key: id.clone(), bucket: "codex-max".to_owned(), until: at },
            Change::WorkspaceSwitched { key: id.clone(), id: "w".to_owned(), switch: Switch::Off, at },
            Change::Selected { key: id, reason: SwitchReason::Manual, pin: Pin::Set, at },
        ];

        let (saved, ..) = edit(&text, &changes);

        let top = Object::parse(&saved).unwrap();
        let rows = top.list("accounts").unwrap();
        proptest::prop_assert_eq!(rows.len(), 1);
        let row = Object::parse(rows[0]).unwrap();
        let seat = Object::parse(row.list("workspaces").unwrap()[0]).unwrap();
        let (limits, families) =
            (row.object("rateLimitResetTimes").unwrap(), top.object("activeIndexByFamily").unwrap());
        for object in [&top, &row, &seat, &limits, &families] {
            proptest::prop_assert_eq!(lossless::pretty(object.raw(&name).unwrap()), lossless::pretty(&value));
        }
        let absorbed = row.raw(&format!("{name}Too")).unwrap();
        proptest::prop_assert_eq!(lossless::pretty(absorbed), lossless::pretty(&other));
        proptest::prop_assert_eq!(seat.flag("enabled"), Some(false));
        proptest::prop_assert_eq!(limits.millis("codex-max"), Some(used));
    }

    #[test]
    fn any_text_is_read_or_refused_without_panic(text in "\\PC{0,80}") {
        let _ = Document::parse(&text, &Extension::parse(&text), AT);
        let _ = crate::formats::journal::parse(&text);
        let _ = crate::formats::jwt::claims(Some(&text), Some(&text));
    }
}

fn json() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("1.50".to_owned()),
        Just("12345678901234567890.0".to_owned()),
        Just("1E+2".to_owned()),
        "[a-z\u{e9}\u{4e2d}]{0,5}".prop_map(|text| lossless::quoted(&text)),
        Just(r#""\u00e9\/\n""#.to_owned()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|all| format!("[{}]", all.join(" , "))),
            proptest::collection::vec(("[a-z]{1,4}", inner), 0..4).prop_map(|all| {
                let members: Vec<String> = all
                    .iter()
                    .enumerate()
                    .map(|(n, (name, value))| format!("\"{name}{n}\" : {value}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

#[test]
#[expect(clippy::disallowed_methods, reason = "growth is a matter of real time")]
fn reading_takes_no_more_than_its_share_of_time_as_a_pool_grows() {
    let rows = |count: usize| {
        let row = |n: usize| {
            // Every twentieth row is a later copy of the one before it.
            let who = if n.is_multiple_of(20) { n - 1 } else { n };
            format!(
                r#"{{"accountId":"acct-{who}","email":"u{who}@x.io","refreshToken":"r{n}","addedAt":1,"lastUsed":{n}}}"#
            )
        };
        pool(&(1..=count).map(row).collect::<Vec<_>>().join(","), "")
    };
    let (small, large) = (rows(500), rows(4_000));
    // The shortest of several runs is the one nobody disturbed.
    let time = |text: &str| {
        (0..5)
            .map(|_| {
                let start = std::time::Instant::now();
                assert!(!parse(text).roster().accounts.is_empty());
                start.elapsed()
            })
            .min()
            .unwrap()
    };

    let ratio = time(&large).as_secs_f64() / time(&small).as_secs_f64();

    assert_eq!(parse(&large).roster().accounts.len(), 3_800);
    assert!(ratio < 24.0, "eight times the rows took {ratio:.1} times as long");
}

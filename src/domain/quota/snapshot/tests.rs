use super::*;

const NOW: Moment = Moment::from_secs(1_000_000);

fn window(used: f64, minutes: Option<u32>, ahead: Option<Span>) -> Window {
    let resets_at = ahead.map(|ahead| NOW + ahead);
    Window { used: Some(Percent::new(used)), minutes, resets_at, seen: None }
}

fn five(used: f64) -> Window {
    window(used, Some(300), Some(Span::hours(2)))
}

fn week(used: f64) -> Window {
    window(used, Some(10_080), Some(Span::days(4)))
}

fn month(used: f64) -> Window {
    window(used, Some(43_200), Some(Span::days(20)))
}

fn snapshot(primary: Option<Window>, secondary: Option<Window>, source: Source) -> Snapshot {
    Snapshot { primary, secondary, status: 200, at: NOW, source, ..Snapshot::default() }
}

fn known() -> Snapshot {
    Snapshot { at: NOW - Span::minutes(10), ..snapshot(Some(five(10.0)), Some(week(20.0)), Source::Usage) }
}

/// The names of the short and of the long place.
fn names(snapshot: &Snapshot) -> [String; 2] {
    snapshot
        .places()
        .map(|window| window.map_or("-".to_owned(), |window| window.name().unwrap_or("?".to_owned())))
}

#[test]
fn windows_stand_where_their_length_puts_them() {
    let bare = window(5.0, None, Some(Span::hours(1)));
    for (name, primary, secondary, expected) in [
        ("as usual", Some(five(1.0)), Some(week(2.0)), ["5h", "7d"]),
        ("swapped", Some(week(1.0)), Some(five(2.0)), ["5h", "7d"]),
        ("primary only", Some(five(1.0)), None, ["5h", "-"]),
        ("weekly only", Some(week(1.0)), None, ["-", "7d"]),
        ("monthly only", Some(month(1.0)), None, ["-", "30d"]),
        ("short in the second place", None, Some(five(1.0)), ["5h", "-"]),
        ("two long ones", Some(month(1.0)), Some(week(2.0)), ["7d", "30d"]),
        ("no length", Some(bare), None, ["?", "-"]),
        ("nothing", None, None, ["-", "-"]),
    ] {
        assert_eq!(names(&snapshot(primary, secondary, Source::Usage)), expected, "{name}");
    }
}

#[test]
fn only_empty_windows_make_an_account_wait() {
    let minutes = |minutes| Some(Span::minutes(minutes));
    let refused = Snapshot {
        status: 429,
        ..snapshot(
            Some(window(100.0, Some(300), minutes(30))),
            Some(window(91.0, Some(10_080), minutes(4 * 1_440))),
            Source::Headers,
        )
    };

    assert_eq!(refused.exhausted_until(NOW), Some(NOW + Span::minutes(30)));
}

#[test]
fn a_partial_observation_leaves_the_other_window_and_its_age() {
    let fresh = snapshot(Some(five(40.0)), None, Source::Headers);

    let all = Snapshot::learn(Some(&known()), &fresh).unwrap();

    let [short, long] = all.places().map(Option::unwrap);
    assert_eq!((short.used, all.seen(short)), (Some(Percent::new(40.0)), NOW));
    assert_eq!((long.used, all.seen(long)), (Some(Percent::new(20.0)), NOW - Span::minutes(10)));
}

#[test]
fn a_partial_observation_in_another_order_replaces_by_length() {
    let fresh = snapshot(Some(week(55.0)), None, Source::Frame);

    let all = Snapshot::learn(Some(&known()), &fresh).unwrap();

    let used = all.places().map(|window| window.unwrap().used.unwrap().value());
    assert_eq!((names(&all), used), (["5h".to_owned(), "7d".to_owned()], [10.0, 55.0]));
}

#[test]
fn the_usage_endpoint_has_the_last_word_about_which_windows_there_are() {
    let fresh = snapshot(Some(week(55.0)), None, Source::Usage);

    let all = Snapshot::learn(Some(&known()), &fresh).unwrap();

    assert_eq!(names(&all), ["-", "7d"]);
}

#[test]
fn a_window_that_was_left_out_goes_with_its_reset() {
    let past = Snapshot { primary: Some(window(90.0, Some(300), Some(Span::minutes(-1)))), ..known() };
    let fresh = snapshot(Some(week(55.0)), None, Source::Headers);

    assert_eq!(names(&Snapshot::learn(Some(&past), &fresh).unwrap()), ["-", "7d"]);
}

#[test]
fn a_window_without_its_length_is_the_one_known_in_its_place() {
    let fresh = snapshot(Some(window(40.0, None, Some(Span::hours(1)))), None, Source::Headers);

    let all = Snapshot::learn(Some(&known()), &fresh).unwrap();

    assert_eq!(names(&all), ["5h", "7d"]);
}

#[test]
fn another_limit_id_never_replaces_the_windows_of_the_account() {
    let spark = Snapshot {
        limit_id: Some("codex-bengalfox".to_owned()),
        ..snapshot(Some(five(100.0)), None, Source::Headers)
    };

    let all = Snapshot::learn(Some(&known()), &spark).unwrap();

    assert_eq!((all.primary, all.at), (known().primary, known().at));
    assert_eq!(all.extra.iter().map(|extra| extra.id.as_str()).collect::<Vec<_>>(), ["codex-bengalfox"]);
    assert_eq!(Snapshot::learn(None, &spark), None);
    let older = Snapshot { at: NOW - Span::hours(1), ..spark };
    assert_eq!(Snapshot::learn(Some(&all), &older), None);
}

#[test]
fn an_older_observation_is_no_news() {
    let fresh = snapshot(Some(five(40.0)), None, Source::Headers);

    assert_eq!(Snapshot::learn(Some(&fresh), &known()), None);
}

#[test]
fn credits_banked_resets_and_the_plan_survive_an_observation_that_does_not_tell_them() {
    let credits = Some(Credits { has: true, unlimited: false, balance: Some("5".to_owned()) });
    let banked = Some(Banked { available: 1, expires_at: None, at: NOW });
    let old = Snapshot { credits: credits.clone(), banked, plan: Some("plus".to_owned()), ..known() };

    let headers = Snapshot::learn(Some(&old), &snapshot(Some(five(40.0)), None, Source::Headers)).unwrap();
    let usage = Snapshot::learn(Some(&old), &snapshot(Some(five(40.0)), None, Source::Usage)).unwrap();

    assert_eq!((headers.credits, headers.banked, headers.plan), (credits, banked, Some("plus".to_owned())));
    assert_eq!(
        (usage.credits, usage.banked),
        (None, banked),
        "the usage endpoint tells credits whenever there are any"
    );
}

use super::*;
use crate::base::Secret;
use crate::domain::model::Family;

fn key(name: &str) -> AccountKey {
    AccountKey::new(format!("record:{name}"))
}

fn roster() -> Roster {
    let mut roster = Roster {
        accounts: ["a", "b", "c"].map(Account::sample).to_vec(),
        generation: 4,
        ..Roster::default()
    };
    roster.active = Some(key("b"));
    roster.active_by_family = [(Family::Codex, key("b")), (Family::CodexMax, key("a"))].into();
    roster.pin = Some(key("b"));
    roster
}

fn names(roster: &Roster) -> Vec<&str> {
    roster.accounts.iter().map(|account| account.key.as_str().trim_start_matches("record:")).collect()
}

#[test]
fn a_removed_account_hands_its_selection_to_its_neighbour_and_takes_its_pin_along() {
    let mut roster = roster();

    roster.apply(&Change::Removed { key: key("b") });

    assert_eq!(names(&roster), ["a", "c"]);
    assert_eq!(roster.active, Some(key("c")));
    assert_eq!(roster.active_by_family, [(Family::Codex, key("c")), (Family::CodexMax, key("a"))].into());
    assert_eq!((roster.pin, roster.generation), (None, 5));
}

#[test]
fn the_last_account_hands_over_to_the_one_before_it_and_the_only_one_to_nobody() {
    let mut roster = roster();
    roster.apply(&Change::Removed { key: key("a") });
    roster.apply(&Change::SelectionRestored { active: Some(key("c")), pin: Some(key("b")), pinned_at: None });

    roster.apply(&Change::Removed { key: key("c") });
    assert_eq!((&roster.active, &roster.pin), (&Some(key("b")), &Some(key("b"))));
    roster.apply(&Change::Removed { key: key("b") });

    assert_eq!((roster.active, roster.pin), (None, None));
    assert!(roster.accounts.is_empty() && roster.active_by_family.is_empty());
}

#[test]
fn an_unknown_account_cannot_be_removed() {
    let mut roster = roster();

    roster.apply(&Change::Removed { key: key("x") });

    assert_eq!(roster, self::roster());
}

#[test]
fn a_removed_account_comes_back_at_its_place_and_only_once() {
    let mut roster = roster();
    let account = roster.get(&key("b")).cloned().unwrap();
    roster.apply(&Change::Removed { key: key("b") });
    let back = Change::Reinstated { account: Box::new(account), index: 1 };

    roster.apply(&back);
    roster.apply(&back);

    assert_eq!(names(&roster), ["a", "b", "c"]);
    assert_eq!(roster.generation, 6);
}

#[test]
fn clearing_leaves_nothing_but_a_higher_generation() {
    let mut roster = roster();

    roster.apply(&Change::Cleared { copy: Copies::Kept });

    assert_eq!(roster, Roster { generation: 5, ..Roster::default() });
}

#[test]
fn a_name_is_given_and_taken_away() {
    let mut roster = roster();

    roster.apply(&Change::Relabelled { key: key("a"), label: Some("work".to_owned()) });
    assert_eq!(roster.accounts[0].label.as_deref(), Some("work"));
    roster.apply(&Change::Relabelled { key: key("a"), label: None });

    assert_eq!(roster, self::roster());
}

#[test]
fn a_login_for_a_person_who_is_there_under_another_key_renews_that_row() {
    let mut roster = roster();
    roster.apply(&Change::Relabelled { key: key("b"), label: Some("work".to_owned()) });
    let mut again = Account::sample("b");
    again.key = key("new");
    again.added_at = Moment::from_millis(9);
    again.credentials.refresh = Secret::new("rt_new");

    roster.apply(&Change::Added(Box::new(again)));

    assert_eq!(names(&roster), ["a", "b", "c"]);
    let row = roster.get(&key("b")).unwrap();
    assert_eq!(row.credentials.refresh, Secret::new("rt_new"));
    assert_eq!((row.label.as_deref(), row.added_at), (Some("work"), Moment::EPOCH));
}

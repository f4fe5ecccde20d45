use super::*;

const AT: Moment = Moment::from_secs(1_790_000_000);

fn account(name: &str, used: i64) -> Account {
    Account { last_used: Moment::from_secs(used), ..Account::sample(name) }
}

fn without_id(name: &str, used: i64) -> Account {
    Account { account_id: None, ..account(name, used) }
}

fn actions(here: &[Account], there: &[Account]) -> Vec<Action> {
    plan(here, there, AT).iter().map(|step| step.action).collect()
}

#[test]
fn the_new_are_added_the_newer_replace_and_the_rest_stays() {
    let here = [account("alpha", 20), account("echo", 5), account("foxtrot", 1)];
    let there = [account("zulu", 9), account("alpha", 10), account("echo", 5)];

    let steps = plan(&here, &there, AT);

    let of = |here, there, action| Step { action, here, there };
    assert_eq!(
        steps,
        [
            of(Some(0), Some(1), Action::Update(Match::IdAndEmail)),
            of(Some(1), Some(2), Action::Skip(Reason::Older, Some(Match::IdAndEmail))),
            of(Some(2), None, Action::Add),
            of(None, Some(0), Action::Keep),
        ]
    );
}

#[test]
fn of_equal_use_the_one_added_later_is_newer() {
    let later = Account { added_at: Moment::from_secs(8), ..account("alpha", 5) };

    assert_eq!(actions(&[later], &[account("alpha", 5)]), [Action::Update(Match::IdAndEmail)]);
}

#[test]
fn an_account_is_recognised_by_what_both_know() {
    let renamed = Account { email: None, ..account("alpha", 20) };
    assert_eq!(actions(&[renamed], &[account("alpha", 10)]), [Action::Update(Match::Id)]);

    assert_eq!(actions(&[account("alpha", 20)], &[without_id("alpha", 10)]), [Action::Update(Match::Email)]);

    let nobody = Account { email: None, ..without_id("alpha", 10) };
    assert_eq!(actions(&[account("alpha", 20)], &[nobody]), [Action::Update(Match::Token)]);
}

#[test]
fn an_id_that_several_have_names_nobody() {
    let here = Account { email: None, ..account("alpha", 20) };
    let seat = |name: &str| Account { account_id: Some("ws-alpha".to_owned()), ..account(name, 10) };

    let actions = actions(&[here], &[seat("one"), seat("two")]);

    assert_eq!(actions[0], Action::Add);
}

#[test]
fn two_workspaces_of_one_address_are_two_accounts() {
    let second = Account {
        account_id: Some("ws-team".to_owned()),
        credentials: account("team", 1).credentials,
        ..account("alpha", 30)
    };

    assert_eq!(actions(&[account("alpha", 20), second], &[]), [Action::Add, Action::Add]);
}

#[test]
fn twins_of_one_list_stand_back_behind_the_newest() {
    let twin = |used| account("alpha", used);

    assert_eq!(actions(&[twin(1), twin(9)], &[]), [Action::Skip(Reason::TwinId, None), Action::Add], "ours");
    let steps = plan(&[twin(5)], &[twin(1), twin(9)], AT);
    assert_eq!(steps[0].there, Some(1), "theirs are compared by their newest");
    assert_eq!(steps[0].action, Action::Skip(Reason::Older, Some(Match::IdAndEmail)));
    assert_eq!(steps[1].action, Action::Keep, "and the older one stays where it is");
}

#[test]
fn a_row_without_token_goes_nowhere_and_a_token_is_never_there_twice() {
    let mut empty = account("alpha", 20);
    empty.credentials.refresh = crate::base::Secret::new("  ");
    assert_eq!(actions(&[empty], &[]), [Action::Skip(Reason::NoToken, None)]);

    let stranger = Account { credentials: account("alpha", 1).credentials, ..account("bravo", 1) };
    assert_eq!(actions(&[account("alpha", 20)], &[stranger])[0], Action::Skip(Reason::TwinToken, None));
}

#[test]
fn a_clock_far_ahead_does_not_win() {
    let ahead = account("alpha", 1_790_000_000 + 200_000);
    let now = account("alpha", 1_790_000_000 + 60);

    assert_eq!(actions(&[ahead], &[now]), [Action::Skip(Reason::Older, Some(Match::IdAndEmail))]);
}

#[test]
fn the_place_with_accounts_is_chosen_and_nobody_guesses_between_two() {
    let look = |accounts, signals| Evidence { accounts, signals };
    let (a, b) = (PathBuf::from("/a"), PathBuf::from("/b"));
    let among = |one, two| Target::among(&[(a.clone(), one), (b.clone(), two)]);

    assert_eq!(among(look(false, true), look(true, false)), Target::Found(b.clone()));
    assert_eq!(among(look(false, true), look(false, false)), Target::Found(a.clone()));
    assert_eq!(among(look(true, true), look(true, false)), Target::Ambiguous(vec![a.clone(), b.clone()]));
    assert_eq!(among(look(false, true), look(false, true)), Target::Ambiguous(vec![a.clone(), b.clone()]));
    assert_eq!(among(look(false, false), look(false, false)), Target::Missing);
}

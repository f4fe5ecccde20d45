//! The wizard that adds an account: keys in, effects out, where it stands on the screen.

#![expect(clippy::wildcard_enum_match_arm, reason = "only one kind of effect is looked for")]

use codex_multi_auth::app::effect::{Effect, StoreEffect};
use codex_multi_auth::app::flows::Ticket;
use codex_multi_auth::app::flows::login::{Courtesy, Listening, LoginEffect, LoginMsg, Opened, Survey, V6};
use codex_multi_auth::app::input::Input;
use codex_multi_auth::app::msg::Msg;
use codex_multi_auth::app::msg::StoreMsg;
use codex_multi_auth::app::overlays::Overlay;
use codex_multi_auth::app::overlays::wizard::Way;
use codex_multi_auth::app::threshold::Stage as Threshold;
use codex_multi_auth::app::{Model, update};
use codex_multi_auth::base::{Secret, Span};
use codex_multi_auth::domain::account::{Account, Door};
use codex_multi_auth::domain::change::Change;
use codex_multi_auth::domain::found::{Find, Haul, Shape, State};
use codex_multi_auth::domain::login::admission::{Place, SignIn};
use codex_multi_auth::domain::login::attempt::{Attempt, redirect_uri};
use codex_multi_auth::domain::login::browser::Outlook;
use codex_multi_auth::domain::login::callback::Denial;
use codex_multi_auth::domain::login::device::DeviceCode;
use codex_multi_auth::domain::login::failure::Failure;
use codex_multi_auth::domain::problem::Exit;
use codex_multi_auth::domain::recovery::{Beside, Health, Loaded};
use codex_multi_auth::domain::refresh::Refusal;
use codex_multi_auth::domain::roster::Roster;
use codex_multi_auth::domain::settings::edit::Edit;
use codex_multi_auth::domain::settings::schema::{Value, row};
use codex_multi_auth::domain::terms::{Acknowledged, By, REVISION};
use codex_multi_auth::domain::vault::{Answer, Run};

use crate::support::snap::{frame, skin, text};
use crate::support::stage::{NOW, Stage, press, six, written};

/// A link like the real one.
const URL: &str = "https://auth.openai.com/oauth/authorize?response_type=code&client_id=app_EMoamEEZ73f0CkXaXp7hrann\
    &redirect_uri=http%3A%2F%2F127.0.0.1%3A1455%2Fauth%2Fcallback&scope=openid%20profile%20email%20offline_access\
    &code_challenge=c&code_challenge_method=S256&state=st-1";

fn attempt() -> Attempt {
    Attempt {
        state: Secret::new("st-1"),
        verifier: Secret::new("verifier-1"),
        redirect_uri: redirect_uri(1455),
        url: Secret::new(URL),
        workspace: None,
        started_at: NOW,
    }
}

fn survey(known: bool) -> LoginMsg {
    let record = Acknowledged { at: NOW, revision: REVISION, by: By::Flag };
    LoginMsg::Surveyed(Box::new(Survey {
        acknowledged: known.then_some(record),
        outlook: Outlook::Likely,
        workspace: None,
        official: Some("zulu@example.com".to_owned()),
    }))
}

fn ticket(model: &Model) -> Ticket {
    model.ui.wizard().expect("the wizard is open").ticket.expect("a sign-in runs")
}

/// The sign-in of the wizard hears something.
fn hear(model: &mut Model, message: LoginMsg) -> Vec<Effect> {
    let ticket = ticket(model);
    update(model, NOW, Msg::Login(ticket, message))
}

fn signing(size: (u16, u16), keys: &str, messages: impl IntoIterator<Item = LoginMsg>) -> Model {
    let mut model = six().sized(size.0, size.1).after(keys);
    for message in messages {
        hear(&mut model, message);
    }
    model
}

/// The first start, on a computer with an official login, when nobody was asked anything yet.
fn first(size: (u16, u16), stage: Stage, outlook: Outlook, known: bool) -> Model {
    let mut model = stage.sized(size.0, size.1).after("");
    let Threshold::Looking(ticket) = model.threshold.stage else { panic!("{:?}", model.threshold) };
    let LoginMsg::Surveyed(survey) = survey(known) else { panic!("a survey") };
    let survey = Survey { outlook, ..*survey };
    update(&mut model, NOW, Msg::Login(ticket, LoginMsg::Surveyed(Box::new(survey))));
    model
}

pub(super) fn acknowledge(size: (u16, u16), stage: Stage) -> Model {
    first(size, stage, Outlook::Likely, false)
}

pub(super) fn welcome(size: (u16, u16), stage: Stage) -> Model {
    first(size, stage, Outlook::Likely, true)
}

pub(super) fn remote(size: (u16, u16), stage: Stage) -> Model {
    first(size, stage, Outlook::Unlikely("this is an SSH session"), true)
}

/// The preview of what lies elsewhere: two that can be taken, a stale copy, and what is no sign-in.
pub(super) fn found(size: (u16, u16), stage: Stage) -> Model {
    let mut model = welcome(size, stage);
    press(&mut model, NOW, "5");
    let find = |name: &str, source: &str, hours: i64, state| {
        let mut credentials = Account::sample(name).credentials;
        credentials.claims.issued_at = Some(NOW - Span::hours(hours));
        Find {
            credentials: Some(credentials),
            fresh_at: Some(NOW - Span::hours(hours)),
            ..Find::unusable(source.to_owned(), Shape::Official, state)
        }
    };
    let key = "/home/me/.cli-proxy-api/codex-key.json";
    let haul = Haul {
        run: Run::Dry,
        finds: vec![
            find("zulu", "/home/me/.codex/auth.json", 2, State::New),
            find("yank", "/home/me/.codex-switch/profiles/work/auth.json", 30, State::New),
            find("zulu", "/home/me/.codex/accounts/zulu.json", 400, State::StaleCopy),
            Find::unusable(key.to_owned(), Shape::Official, State::NotChatGpt),
        ],
        chosen: vec![0, 1],
        imported: 0,
        total: 0,
    };
    let answer = Box::new(Ok(Answer::Found(Box::new((haul, None)))));
    update(&mut model, NOW, Msg::Store(StoreMsg::Vault(Ticket(0), answer)));
    model
}

/// The last account that the settings allow.
pub(super) fn full(size: (u16, u16)) -> Model {
    let mut stage = six();
    let most = row("maxAccounts").unwrap();
    stage.config = written(&stage.config, &[Edit::set(most, Value::Number(7.0))]);
    stored_on(size, stage)
}

pub(super) fn taken(size: (u16, u16)) -> Model {
    if !is_open(size) {
        return six().sized(size.0, size.1).after("a");
    }
    signing(size, "a1", [survey(true), LoginMsg::PortTaken(Some("codex (process 12)".to_owned()))])
}

fn granted(name: &str) -> SignIn {
    let Account { credentials, workspaces, .. } = Account::sample(name);
    SignIn { credentials, seats: workspaces, at: NOW, place: Place::Behind, by: Door::Device }
}

pub(super) fn stored(size: (u16, u16)) -> Model {
    stored_on(size, six())
}

fn stored_on(size: (u16, u16), stage: Stage) -> Model {
    if !is_open(size) {
        return stage.sized(size.0, size.1).after("a");
    }
    let mut model = stage.sized(size.0, size.1).after("a3");
    for message in [survey(true), LoginMsg::Device(Ok(Box::new(code())))] {
        hear(&mut model, message);
    }
    let ticket = ticket(&model);
    let granted = granted("zulu");
    hear(&mut model, LoginMsg::Granted(Ok(Box::new(granted.clone()))));
    let mut roster = (*model.world.roster).clone();
    roster.apply(&Change::SignedIn(Box::new(granted)));
    let loaded = Loaded {
        roster: roster.into(),
        health: Health::Healthy,
        beside: Beside::default(),
        recovery: None,
        revision: 2,
    };
    update(&mut model, NOW, Msg::Store(StoreMsg::Committed(ticket, Ok(loaded))));
    hear(&mut model, LoginMsg::WroteBack(None));
    model
}

pub(super) fn terms(size: (u16, u16), stage: Stage) -> Model {
    let mut model = stage.sized(size.0, size.1).after("a");
    if model.ui.wizard().is_some() {
        press(&mut model, NOW, "1");
        hear(&mut model, survey(false));
    }
    model
}

/// At sizes of the pane there is no wizard: the pane stays.
fn is_open(size: (u16, u16)) -> bool {
    six().sized(size.0, size.1).after("a").ui.wizard().is_some()
}

pub(super) fn browser(size: (u16, u16)) -> Model {
    if !is_open(size) {
        return six().sized(size.0, size.1).after("a");
    }
    let listening = Listening { attempt: attempt(), port: 1455, v6: V6::Listening };
    signing(
        size,
        "a1",
        [survey(true), LoginMsg::Listening(Ok(Box::new(listening))), LoginMsg::Opened(Opened::Yes)],
    )
}

pub(super) fn pasting(size: (u16, u16)) -> Model {
    let mut model = browser(size);
    if model.ui.wizard().is_some() {
        press(&mut model, NOW, "p");
        update(&mut model, NOW, Msg::Input(Input::Pasted("ac_secret_code#st-1".to_owned())));
    }
    model
}

pub(super) fn device(size: (u16, u16)) -> Model {
    if !is_open(size) {
        return six().sized(size.0, size.1).after("a");
    }
    signing(size, "a3", [survey(true), LoginMsg::Device(Ok(Box::new(code())))])
}

pub(super) fn failed(size: (u16, u16)) -> Model {
    if !is_open(size) {
        return six().sized(size.0, size.1).after("a");
    }
    let denial =
        Denial { code: "access_denied".to_owned(), description: Some("The person said no".to_owned()) };
    signing(size, "a3", [survey(true), LoginMsg::Device(Err(Failure::Denied(denial)))])
}

/// A reason that takes more lines than there are on a small screen beside the menu.
pub(super) fn ports_busy(size: (u16, u16)) -> Model {
    if !is_open(size) {
        return six().sized(size.0, size.1).after("a");
    }
    let holders = vec![(1455, "codex (process 12)".to_owned()), (1457, "node (process 13)".to_owned())];
    let inspect = vec!["Look with `ss -lptn 'sport = :1455'`".to_owned()];
    let failure = Failure::PortsBusy { holders, inspect };
    signing(size, "a1", [survey(true), LoginMsg::Listening(Err(failure))])
}

fn code() -> DeviceCode {
    DeviceCode {
        id: Secret::new("device-1"),
        user_code: Secret::new("ABCD-12345"),
        page: "https://auth.openai.com/codex/device".to_owned(),
        interval: Span::seconds(5),
        since: NOW - Span::seconds(200),
        deadline: NOW - Span::seconds(200) + Span::minutes(15),
    }
}

fn drawn(model: &Model) -> String {
    text(&frame(model, (100, 30), &skin("green")))
}

fn logins(effects: &[Effect]) -> Vec<&LoginEffect> {
    effects
        .iter()
        .filter_map(|effect| if let Effect::Login(_, effect) = effect { Some(effect) } else { None })
        .collect()
}

#[test]
fn a_way_is_chosen_with_one_key_and_nothing_is_printed() {
    let mut model = six().sized(100, 30).after("a");

    let effects = press(&mut model, NOW, "1");
    assert_eq!(logins(&effects), [&LoginEffect::Survey]);
    let effects = hear(&mut model, survey(true));
    assert!(matches!(logins(&effects)[..], [LoginEffect::Listen(_, Courtesy::Question)]), "{effects:?}");
    let listening = Listening { attempt: attempt(), port: 1455, v6: V6::Absent };
    let effects = hear(&mut model, LoginMsg::Listening(Ok(Box::new(listening))));

    assert_eq!(effects, [Effect::Login(ticket(&model), LoginEffect::Open(Secret::new(URL)))]);
    assert!(drawn(&model).contains("waiting for the browser"), "{}", drawn(&model));
}

#[test]
fn a_paste_is_judged_and_a_bad_one_keeps_the_flow_open() {
    let mut model = browser((100, 30));

    press(&mut model, NOW, "p");
    update(&mut model, NOW, Msg::Input(Input::Pasted("ac_secret_code".to_owned())));
    assert!(!drawn(&model).contains("secret_code"), "{}", drawn(&model));
    press(&mut model, NOW, "<enter>");
    for words in ["Not taken: the pasted text", "the state is missing"] {
        assert!(drawn(&model).contains(words), "{words}\n{}", drawn(&model));
    }
    for words in ["Login failed", "checking what was pasted"] {
        assert!(!drawn(&model).contains(words), "{words}\n{}", drawn(&model));
    }

    press(&mut model, NOW, "p");
    update(&mut model, NOW, Msg::Input(Input::Pasted("ac_secret_code#st-1".to_owned())));
    let effects = press(&mut model, NOW, "<enter>");

    let exchange = LoginEffect::Exchange(Box::new(attempt()), Secret::new("ac_secret_code"));
    assert_eq!(logins(&effects), [&exchange]);
}

#[test]
fn leaving_breaks_the_sign_in_off() {
    for keys in ["<esc>", "q", "<ctrl-c>"] {
        let mut model = browser((100, 30));
        let running = ticket(&model);

        let effects = press(&mut model, NOW, keys);

        assert_eq!(effects, [Effect::Cancel(running)], "{keys}");
        assert!(model.ui.wizard().is_none(), "{keys}");
        assert!(model.flows.is_idle(), "{keys}");
    }
}

#[test]
fn another_way_replaces_the_one_that_waits() {
    let mut model = browser((100, 30));
    let before = ticket(&model);

    let effects = press(&mut model, NOW, "d");

    assert!(effects.contains(&Effect::Cancel(before)), "{effects:?}");
    assert_ne!(ticket(&model), before);
    assert_eq!(model.flows.running().count(), 1);
}

#[test]
fn a_failure_offers_the_ways_again() {
    let mut model = failed((100, 30));
    assert!(drawn(&model).contains("The person said no"), "{}", drawn(&model));
    assert!(model.exit.is_none());

    let effects = press(&mut model, NOW, "3");

    assert_eq!(logins(&effects), [&LoginEffect::Survey]);
}

/// The longest reason there is, and the shortest screen.
#[test]
fn the_reason_and_the_ways_are_readable_on_every_screen() {
    let inspect = vec![
        "Look in Linux with `ss -lptn 'sport = :1455'`".to_owned(),
        "Look in Windows with `Get-NetTCPConnection -LocalPort 1455`".to_owned(),
        "The browser runs on the Windows side of Ubuntu: both sides contend for localhost:1455".to_owned(),
    ];
    let holders = vec![(1455, "codex (process 12)".to_owned()), (1457, "node (process 13)".to_owned())];
    let refusal = Refusal {
        status: 503,
        code: None,
        message: Some("Something there broke and will be mended in a while".to_owned()),
        retry_after: None,
    };
    for (failure, reason) in [
        (Failure::PortsBusy { holders, inspect: inspect.clone() }, "1457 is held by node (process 13)"),
        (Failure::NobodyCame { inspect }, "something else may have taken the callback"),
        (Failure::Refused(refusal), "will be mended in a while"),
        (Failure::DeviceDisabled, "an administrator can switch them off"),
        (Failure::Network("the connection was refused".to_owned()), "the connection was refused"),
        (Failure::DeviceTimeout { budget: Span::seconds(10) }, "was not entered within 10 seconds"),
    ] {
        for size in [(60, 20), (80, 24), (140, 40)] {
            let model = signing(size, "a3", [survey(true), LoginMsg::Device(Err(failure.clone()))]);

            let shown = text(&frame(&model, size, &skin("green")));

            let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains("Login failed") && words.contains(reason), "{size:?}: {shown}");
            for way in ["1 ", "2 ", "3 ", "4 ", "5 "] {
                assert!(words.contains(way), "{way} at {size:?}: {shown}");
            }
            let ways = if words.contains("5 found here") { "device code" } else { "Take over sign-ins" };
            assert!(words.contains(ways), "{size:?}: {shown}");
        }
    }
}

#[test]
fn the_terms_are_answered_in_the_wizard() {
    let mut stage = six();
    stage.roster.accounts.clear();
    let mut model = terms((100, 30), stage.clone());
    assert!(drawn(&model).contains("I understand"), "{}", drawn(&model));

    let effects = press(&mut model, NOW, "y");
    assert_eq!(logins(&effects), [&LoginEffect::Acknowledge(By::Dashboard)]);

    let mut model = terms((100, 30), stage);
    press(&mut model, NOW, "n");
    assert!(model.ui.wizard().is_none());
    assert!(model.flows.is_idle());
}

#[test]
fn no_other_account_is_offered_when_the_settings_allow_no_more() {
    let mut model = full((100, 30));
    let before = drawn(&model);
    assert!(!before.contains("another"), "{before}");
    assert!(before.contains("as many as maxAccounts allows"), "{before}");
    assert_eq!(press(&mut model, NOW, "a"), []);
    assert_eq!(drawn(&model), before);

    let mut model = stored((100, 30));
    assert!(drawn(&model).contains("a add another"), "{}", drawn(&model));
    press(&mut model, NOW, "a");
    assert!(drawn(&model).contains("Sign in with the browser"), "{}", drawn(&model));
}

/// A state at a size.
type Shown<'a> = &'a dyn Fn((u16, u16)) -> Model;

#[test]
fn what_is_written_and_how_it_is_undone_stands_on_every_step_of_a_small_screen() {
    let welcome = |size| welcome(size, Stage { roster: Roster::default(), ..six() });
    let remote = |size| remote(size, Stage { roster: Roster::default(), ..six() });
    let states: [(&str, Shown<'_>); 6] = [
        ("welcome", &welcome),
        ("remote", &remote),
        ("menu", &|size| six().sized(size.0, size.1).after("a")),
        ("browser", &browser),
        ("device", &device),
        ("stored", &stored),
    ];
    for (name, state) in states {
        for size in [(60, 20), (80, 24), (140, 40)] {
            let shown = text(&frame(&state(size), size, &skin("green")));
            let words = shown.split_whitespace().collect::<Vec<_>>().join(" ").replace("│ ", "");
            assert!(words.contains("openai-codex-accounts.json"), "{name} at {size:?}: {shown}");
            assert!(words.contains("Undo") || words.contains("undo"), "{name} at {size:?}: {shown}");
        }
    }
}

#[test]
fn the_link_and_the_code_can_be_copied() {
    use codex_multi_auth::app::effect::DesktopEffect;

    let mut model = browser((100, 30));
    assert_eq!(press(&mut model, NOW, "c"), [Effect::Desktop(DesktopEffect::Copy(URL.into()))]);
    let mut model = device((100, 30));
    assert_eq!(press(&mut model, NOW, "c"), [Effect::Desktop(DesktopEffect::Copy("ABCD-12345".into()))]);
}

#[test]
fn nothing_of_the_dashboard_is_reached_before_the_terms_are_answered() {
    let mut stage = six();
    stage.roster.accounts.clear();
    let mut model = acknowledge((80, 24), stage.clone());
    assert!(matches!(model.ui.overlays[..], [Overlay::Terms(_)]), "{:?}", model.ui.overlays);

    for keys in ["a", "1", ":", "?", "gs", "<tab>"] {
        press(&mut model, NOW, keys);
        assert!(matches!(model.ui.overlays[..], [Overlay::Terms(_)]), "{keys}");
    }
    let effects = press(&mut model, NOW, "<space>y");

    assert_eq!(logins(&effects), [&LoginEffect::Acknowledge(By::Dashboard)]);
    let saved = effects.iter().find_map(|effect| match effect {
        Effect::Store(StoreEffect::Configure(_, edits)) => edits.first().cloned(),
        _ => None,
    });
    assert_eq!(
        saved.map(|edit| (edit.key, edit.to)),
        Some(("backgroundNetwork", Some(Value::Text("on".to_owned()))))
    );
    assert!(drawn(&model).contains("Welcome. Add the first"), "{}", drawn(&model));
    assert!(model.exit.is_none());

    let mut model = acknowledge((80, 24), stage);
    let effects = press(&mut model, NOW, "<enter>");
    assert_eq!(effects, [Effect::Exit(Exit::Cancelled)]);
}

#[test]
fn a_pool_that_is_there_is_told_once_and_not_held_up() {
    let mut model = six().sized(100, 30).after("");
    let Threshold::Looking(ticket) = model.threshold.stage else { panic!("{:?}", model.threshold) };

    let effects = update(&mut model, NOW, Msg::Login(ticket, survey(false)));

    assert_eq!(logins(&effects), [&LoginEffect::Acknowledge(By::Notice)]);
    assert!(model.ui.overlays.is_empty());
    assert!(drawn(&model).contains("independent project"), "{}", drawn(&model));
}

#[test]
fn the_first_start_preselects_what_fits_and_keeps_its_numbers() {
    let mut stage = six();
    stage.roster.accounts.clear();
    let mut model = remote((100, 30), stage.clone());
    assert!(drawn(&model).contains("because this is an SSH session"), "{}", drawn(&model));

    let effects = press(&mut model, NOW, "<enter>");
    assert_eq!(logins(&effects), [&LoginEffect::Survey]);
    assert_eq!(model.ui.wizard().and_then(|open| open.way), Some(Way::Device));

    let mut model = welcome((100, 30), stage);
    press(&mut model, NOW, "<enter>");
    assert_eq!(model.ui.wizard().and_then(|open| open.way), Some(Way::Browser));
}

#[test]
fn another_sign_in_keeps_its_port_unless_a_person_says_otherwise() {
    let mut model = taken((100, 30));
    assert!(drawn(&model).contains("codex (process 12)"), "{}", drawn(&model));

    let effects = press(&mut model, NOW, "n");
    assert!(matches!(logins(&effects)[..], [LoginEffect::Listen(_, Courtesy::Leave)]), "{effects:?}");

    let mut model = taken((100, 30));
    let effects = press(&mut model, NOW, "y");
    assert!(matches!(logins(&effects)[..], [LoginEffect::Listen(_, Courtesy::Ask)]), "{effects:?}");
}

#[test]
fn who_came_in_is_named_and_another_may_follow() {
    let mut model = stored((100, 30));
    let shown = drawn(&model);
    for words in ["New account 7: zulu@example.com", "stays alpha@example.com", "Written to", "Undo:"] {
        assert!(shown.contains(words), "{words}\n{shown}");
    }

    press(&mut model, NOW, "nspare<enter>");
    assert!(drawn(&model).contains("called spare"), "{}", drawn(&model));
    press(&mut model, NOW, "a");
    assert!(drawn(&model).contains("Add a ChatGPT account."), "{}", drawn(&model));
    press(&mut model, NOW, "<esc>");
    assert!(model.ui.wizard().is_none());
}

#[test]
fn another_account_starts_with_what_fits_again() {
    let mut model = stored((100, 30));
    let LoginMsg::Surveyed(survey) = survey(true) else { panic!("a survey") };
    model.ui.surroundings(Survey { outlook: Outlook::Unlikely("there is no display"), ..*survey });

    press(&mut model, NOW, "a");

    assert!(drawn(&model).contains("A device code is preselected"), "{}", drawn(&model));
    assert_eq!(model.ui.wizard().map(|open| open.place), Some(Way::Device.place()));
}

#[test]
fn signing_in_again_notices_somebody_else() {
    let mut model = six().sized(100, 30).after("");
    let key = model.world.roster.accounts[0].key.clone();
    let world = model.world.clone();
    model.ui.sign_in_again(&key, &world);
    press(&mut model, NOW, "3");
    hear(&mut model, survey(true));
    hear(&mut model, LoginMsg::Device(Ok(Box::new(code()))));

    let effects = hear(&mut model, LoginMsg::Granted(Ok(Box::new(granted("zulu")))));

    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Store(_))), "{effects:?}");
    assert!(drawn(&model).contains("zulu@example.com signed in, not alpha@example.com"), "{}", drawn(&model));
    let effects = press(&mut model, NOW, "y");
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::Store(StoreEffect::Commit(..)))),
        "{effects:?}"
    );
}

#[test]
fn a_required_workspace_is_in_the_link_and_an_organisation_is_refused() {
    let mut model = six().sized(100, 30).after("aworg-1<enter>");
    assert!(drawn(&model).contains("platform organisation"), "{}", drawn(&model));

    press(&mut model, NOW, "wws-7<enter>1");
    let effects = hear(&mut model, survey(true));

    let wish = logins(&effects).into_iter().find_map(|effect| match effect {
        LoginEffect::Listen(wish, _) => Some(wish.workspace.clone()),
        _ => None,
    });
    assert_eq!(wish, Some(Some("ws-7".to_owned())));
}

//! T3: one key, update and view together, to a screen in memory.

use std::sync::Arc;
use std::time::Instant;

use codex_multi_auth::app::flows::serve::Announce;
use codex_multi_auth::app::goal::{Entry, Goal, Tab};
use codex_multi_auth::app::input::{Code, Input, Key};
use codex_multi_auth::app::msg::{Msg, StoreMsg};
use codex_multi_auth::app::world::Setting;
use codex_multi_auth::app::{Boot, Model, init, update};
use codex_multi_auth::base::calendar::Zone;
use codex_multi_auth::base::{Moment, Span};
use codex_multi_auth::domain::account::Account;
use codex_multi_auth::domain::recovery::{Beside, Health, Loaded};
use codex_multi_auth::domain::roster::Roster;
use codex_multi_auth::view::skin::{Depth, Glyphs, Skin};
use codex_multi_auth::view::view;
use color_eyre::Result;
use color_eyre::eyre::OptionExt as _;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::floors::floor;
use crate::pairs::{Middle, compare};
use crate::support::process::{bare, run};
use crate::{Figure, Plan};

const SIZE: (u16, u16) = (120, 40);

/// Keys of one measurement; its median counts.
const KEYS: usize = 60;

/// T3: a frame with 1,000 accounts ÷ tui floor, and with 5,000 ÷ 10.
pub(crate) fn cost(plan: &Plan) -> Result<Vec<Figure>> {
    let tui = floor("tui")?;
    let beside = compare(
        plan.pairs,
        || frame(1_000),
        || {
            let count = KEYS.to_string();
            let ran = run(bare(&tui).args(["--accounts", "1000", "--frames", &count]));
            let times =
                ran.stdout.lines().filter_map(|line| line.parse::<f64>().ok()).map(|nanos| nanos / 1e6);
            Ok(Middle::of(times.collect()).median)
        },
    )?;
    let growth = compare(plan.pairs, || frame(5_000), || frame(10))?;
    Ok(vec![
        Figure::ratio("T3", "one frame at 120x40, 1,000 accounts ÷ tui floor", "≤ 1.8", beside),
        Figure::ratio("T3", "one frame at 120x40, 5,000 ÷ 10 accounts", "≤ 1.5", growth),
    ])
}

/// Milliseconds from a key to a finished frame, the median of sixty.
fn frame(accounts: usize) -> Result<f64> {
    let start = Moment::from_secs(1_795_360_000);
    let mut model = model(accounts, start);
    let skin = Skin::built_in("green", Depth::Indexed, Glyphs::Unicode);
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1))?;
    terminal.draw(|frame| view(&model, &skin, frame))?;
    let mut times = Vec::with_capacity(KEYS);
    for key in 0..KEYS {
        let code = if key % 40 < 20 { Code::Down } else { Code::Up };
        let at = start + Span::millis(i64::try_from(key)? * 50);
        let began = Instant::now();
        update(&mut model, at, Msg::Input(Input::Key(Key::plain(code))));
        terminal.draw(|frame| view(&model, &skin, frame))?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    let last = terminal.backend().buffer().content().iter().any(|cell| cell.symbol() == "@");
    last.then_some(()).ok_or_eyre("no account was drawn")?;
    Ok(Middle::of(times).median)
}

fn model(accounts: usize, at: Moment) -> Model {
    let setting = Setting {
        storage_path: "/home/me/.codex/multi-auth/openai-codex-accounts.json".to_owned(),
        project: None,
        here: None,
        here_root: None,
        codex_home: "/home/me/.codex".to_owned(),
        backups: "/home/me/.codex/multi-auth/backups".to_owned(),
        home: "/home/me".to_owned(),
        overrides: (None, None),
        demo: None,
        zone: Zone::utc(),
    };
    let boot = Boot {
        at,
        setting,
        seed: 7,
        pid: 1,
        announce: Announce::Text,
        size: SIZE,
        remembered: String::new(),
        acknowledged: None,
    };
    let goal = Goal::Dashboard(Entry { tab: Some(Tab::Accounts), ..Entry::default() });
    let (mut model, _) = init(goal, boot);
    let accounts: Vec<_> = (1..=accounts).map(|number| Account::sample(&format!("person{number}"))).collect();
    let active = accounts.first().map(|account| account.key.clone());
    let roster = Arc::new(Roster { accounts, active, ..Roster::default() });
    let loaded =
        Loaded { roster, health: Health::Healthy, beside: Beside::default(), recovery: None, revision: 1 };
    update(&mut model, at, Msg::Store(StoreMsg::Loaded(Ok(loaded))));
    model
}

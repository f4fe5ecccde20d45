//! Every state of every screen at every size, as text and styles in `snapshots/`.

use std::collections::{BTreeMap, BTreeSet};

use codex_multi_auth::app::Model;
use codex_multi_auth::app::input::Input;
use codex_multi_auth::app::msg::{Msg, StoreMsg};
use codex_multi_auth::app::outcome::{Body, Outcome};
use codex_multi_auth::app::update;
use codex_multi_auth::base::Span;
use codex_multi_auth::domain::companion::{Synced, Target};
use codex_multi_auth::domain::problem::{Exit, Hint, Problem};
use codex_multi_auth::domain::quota::snapshot::{Banked, Credits, Extra, Snapshot};
use codex_multi_auth::domain::quota::window::Window;
use codex_multi_auth::domain::vault::Answer;
use codex_multi_auth::domain::workspace::Workspace;

use super::{panes, wizard};
use crate::support::logs::tail;
use crate::support::snap::{file, folder, frame, skin, snap, text};
use codex_multi_auth::domain::recovery::{Health, Loaded, Recovery};
use codex_multi_auth::domain::settings::edit::Edit;
use codex_multi_auth::domain::settings::schema::{Value, row};

use crate::support::stage::{NOW, Stage, key, many, nobody_else, press, six, synced, window, written};

type Show = fn((u16, u16)) -> Model;

/// The sizes of the wireframes.
const SIZES: [(u16, u16); 4] = [(40, 20), (60, 20), (80, 24), (140, 40)];

/// Name of a state, and how it comes about at a size.
const STATES: &[(&str, Show)] = &[
    ("accounts.list", |size| at(size, six()).open()),
    ("accounts.switched", |size| at(size, six()).after("2")),
    ("accounts.second", |size| at(size, six()).after("jjj")),
    ("accounts.many", |size| at(size, many(40)).after("<pgdn>")),
    ("accounts.filter", |size| at(size, six()).after("/ra")),
    ("accounts.found", |size| at(size, six()).after("/fox<enter>")),
    ("accounts.nothing-found", |size| at(size, six()).after("/zebra<enter>")),
    ("accounts.clock-masked", |size| at(size, six()).after("h*")),
    ("accounts.checking", |size| at(size, six()).after("C")),
    ("accounts.no-data", |size| at(size, without_data()).open()),
    ("accounts.windows-differ", |size| at(size, windows_differ()).open()),
    ("accounts.old-figures", |size| at(size, old_figures()).open()),
    ("accounts.no-session", |size| at(size, Stage { peers: Vec::new(), ..six() }).open()),
    ("accounts.demo", |size| at(size, Stage { demo: Some("tour"), ..six() }).open()),
    ("accounts.hostile", |size| at(size, hostile()).open()),
    ("accounts.empty", |size| at(size, empty()).open()),
    ("accounts.unreadable", unreadable),
    ("accounts.starting", |size| at(size, six()).start()),
    ("detail.in-use", |size| at(size, six()).after("<enter>")),
    ("detail.sign-in", |size| at(size, six()).after("jjjj<enter>")),
    ("detail.old-file", |size| at(size, of_old()).after("<enter>")),
    ("detail.last", |size| at(size, rich()).after("<enter><end>")),
    ("detail.no-data", |size| at(size, six()).after("G<enter>")),
    ("detail.rich", |size| at(size, rich()).after("<enter>")),
    ("detail.old", |size| at(size, old_figures()).after("<enter>")),
    ("detail.was-reset", |size| at(size, was_reset()).after("<enter>")),
    ("detail.wants", |size| at(size, six()).after("<enter>Pj ")),
    ("detail.tags", |size| at(size, six()).after("<enter>t")),
    ("detail.workspaces", |size| at(size, rich()).after("<enter>wj")),
    ("detail.refresh-all", |size| at(size, six()).after("R")),
    ("forecast.kinds", |size| at(size, kinds()).after("gf")),
    ("forecast.list", |size| at(size, six()).after("gf")),
    ("forecast.blocked", |size| at(size, six()).after("gfG")),
    ("forecast.alone", |size| at(size, Stage { peers: Vec::new(), ..six() }).after("gfj")),
    ("forecast.many", |size| at(size, many(40)).after("gf<pgdn>")),
    ("forecast.why", |size| at(size, six()).after("gfj<enter>")),
    ("forecast.explain-all", |size| at(size, six()).after("gfx<pgdn>")),
    ("forecast.for-model", |size| at(size, six()).after("gfmjjj")),
    ("forecast.of-model", |size| at(size, six()).after("gfmG<enter>r")),
    ("forecast.last", |size| at(size, six()).after("gfl")),
    ("forecast.probe", |size| at(size, six()).after("gfV")),
    ("forecast.offer", |size| at(size, six()).after("b")),
    ("forecast.empty", |size| at(size, empty()).after("gf")),
    ("usage.accounts", |size| at(size, six()).after("gu")),
    ("usage.drilled", |size| at(size, six()).after("guj<enter>")),
    ("usage.by-outcome", |size| at(size, six()).after("guooow")),
    ("usage.found", |size| at(size, six()).after("gu/fox<enter>")),
    ("usage.nothing", |size| at(size, Stage { usage: Vec::new(), ..six() }).after("gu")),
    ("usage.models", |size| at(size, six()).after("gum")),
    ("monitor.turns", |size| at(size, six()).after("gm")),
    ("monitor.second", |size| at(size, six()).after("gmj")),
    ("monitor.sessions", |size| at(size, six()).after("gmsj")),
    ("monitor.filter", |size| at(size, six()).after("gm/77d0<enter>")),
    ("monitor.nothing", |size| at(size, Stage { peers: Vec::new(), usage: Vec::new(), ..six() }).after("gm")),
    ("settings.list", |size| at(size, six()).after("gs<right>jjjjjjjj<space>")),
    ("settings.groups", |size| at(size, six()).after("gs")),
    ("settings.details-line", |size| at(size, six()).after("gsj<right>jj-")),
    ("settings.behaviour", |size| at(size, six()).after("gsjj<right>jj")),
    ("settings.theme", |size| at(size, six()).after("gsjjj<right>+")),
    ("settings.keys", |size| at(size, six()).after("gsjjjj<right>")),
    ("settings.session", |size| at(size, six()).after("gsjjjjj<right>")),
    ("settings.rotation", |size| at(size, six()).after("gsjjjjjj<right>")),
    ("settings.refresh", |size| at(size, six()).after("gsjjjjjjj<right>")),
    ("settings.performance", |size| at(size, six()).after("gsjjjjjjjj<right>")),
    ("settings.locked", |size| at(size, six()).after("gs/fetchTimeout<enter>+")),
    ("settings.kept", |size| at(size, six()).after("gsjjjjjjjj<right>G<enter>jj")),
    ("settings.found", |size| at(size, six()).after("gs/account<enter>jj")),
    ("settings.typed", |size| at(size, six()).after("gsjjjjjjjj<right>j<enter>x")),
    ("settings.wrong", |size| at(size, six()).after("gsjjjjjjjj<right>j<enter>x<enter>")),
    ("settings.profiles", |size| at(size, six()).after("gsjjjjjjjjj<right>")),
    ("settings.paths", |size| at(size, six()).after("gsG<up><up><up><right>jj")),
    ("settings.environment", |size| at(size, six()).after("gsG<up><up><right>")),
    ("settings.about", |size| at(size, six()).after("gsG<up><right>")),
    ("settings.remove", |size| at(size, six()).after("gsG<right>")),
    ("settings.unsaved", |size| at(size, six()).after("gs<right><space>j<space>ga")),
    ("settings.differences", |size| at(size, six()).after("gs<right><space>jj<space>d")),
    ("settings.saved", |size| at(size, six()).after("gs<right><space>s")),
    ("experimental.list", |size| at(size, six()).after("ge")),
    ("experimental.preview", |size| at(size, six()).after("ge<enter>")),
    ("experimental.apply", |size| at(size, six()).after("ge<enter>A")),
    ("experimental.guard", |size| at(size, six()).after("ge4 +")),
    ("experimental.missing", |size| companion(size, Target::Missing)),
    ("experimental.ambiguous", |size| {
        let both = ["/home/me/.opencode", "/home/me/.opencode/projects/here-0123456789ab"];
        companion(size, Target::Ambiguous(both.map(Into::into).into()))
    }),
    ("usage.budgets", |size| panes::governed(&at(size, six()), "gub")),
    ("usage.strip", |size| panes::governed(&at(size, six()), "gu")),
    ("usage.budget-new", |size| panes::governed(&at(size, six()), "guba")),
    ("usage.export", |size| at(size, six()).after("gue")),
    ("monitor.bridge", |size| at(size, six()).after("gmb")),
    ("monitor.bridge-key", |size| at(size, six()).after("gmbaeditor<enter>")),
    ("settings.profile-edit", |size| {
        let page = "gs<down><down><down><down><down><down><down><down><down><right>";
        panes::governed(&at(size, six()), &format!("{page}<enter>"))
    }),
    ("logs.lines", |size| logs(size, "gl")),
    ("logs.found", |size| logs(size, "gl/bravo<enter>n")),
    ("logs.level", |size| logs(size, "glllp")),
    ("logs.repairs", |size| logs(size, "glF")),
    ("logs.nothing", |size| at(size, six()).after("gl")),
    ("logs.sessions", |size| logs(size, "gls")),
    ("logs.session-found", |size| logs(size, "gls/release<enter>")),
    ("logs.resume", |size| logs(size, "glsjo")),
    ("logs.report", report),
    ("logs.report-file", |size| {
        let mut model = report(size);
        press(&mut model, NOW, "e");
        model
    }),
    ("settings.backups", |size| at(size, six()).after("gsG<up><up><up><up><right>")),
    ("settings.backups-snapshot", |size| at(size, six()).after("gsG<up><up><up><up><right>jjj")),
    ("settings.backups-damaged", |size| at(size, six()).after("gsG<up><up><up><up><right>G")),
    ("settings.backups-put-back", |size| at(size, six()).after("gsG<up><up><up><up><right><enter>")),
    ("settings.backups-new", |size| at(size, six()).after("gsG<up><up><up><up><right>aa b<enter>")),
    ("settings.backups-export", |size| at(size, six()).after("gsG<up><up><up><up><right>x")),
    ("settings.backups-verified", |size| at(size, six()).after("gsG<up><up><up><up><right>jv")),
    ("accounts.restore", |size| at(size, empty()).after("h")),
    ("accounts.recovered", recovered),
    ("accounts.expanded", |size| at(size, six()).after("lj")),
    ("accounts.spare", |size| at(size, spare()).open()),
    ("overlay.delete", |size| at(size, six()).after("jjjd")),
    ("overlay.delete-all", |size| at(size, six()).after("DDdelete<enter>")),
    ("overlay.help", |size| at(size, six()).after("?")),
    ("overlay.help-monitor", |size| at(size, six()).after("gm?")),
    ("overlay.help-filter", |size| at(size, six()).after("?/pin")),
    ("overlay.palette", |size| at(size, six()).after(":")),
    ("overlay.palette-typed", |size| at(size, six()).after(":delta")),
    ("overlay.confirm-use", |size| at(size, six()).after("6")),
    ("overlay.confirm-off", |size| at(size, six()).after("e<right>")),
    ("overlay.messages", |size| at(size, six()).after("2pyM")),
    ("overlay.turn", |size| at(size, six()).after("gmjj<enter>")),
    ("overlay.told", told),
    ("overlay.turn-forgotten", |size| at(size, six()).after("gmjjjW")),
    ("wizard.menu", |size| at(size, six()).after("a")),
    ("wizard.welcome", |size| wizard::welcome(size, empty())),
    ("wizard.acknowledge", |size| wizard::acknowledge(size, empty())),
    ("wizard.remote", |size| wizard::remote(size, empty())),
    ("wizard.found", |size| wizard::found(size, empty())),
    ("wizard.full", wizard::full),
    ("wizard.taken", wizard::taken),
    ("wizard.stored", wizard::stored),
    ("wizard.terms", |size| wizard::terms(size, empty())),
    ("wizard.browser", wizard::browser),
    ("wizard.pasting", wizard::pasting),
    ("wizard.device", wizard::device),
    ("wizard.failed", wizard::failed),
    ("wizard.ports-busy", wizard::ports_busy),
    ("pane.list", |size| at(size, six()).after("z")),
];

/// States that are worth seeing without colour and in seven bits: one per screen.
const PLAIN: [&str; 10] = [
    "accounts.list",
    "detail.in-use",
    "forecast.list",
    "monitor.turns",
    "settings.list",
    "logs.lines",
    "overlay.help",
    "overlay.palette",
    "overlay.confirm-off",
    "pane.list",
];

/// The tab of logs after the log was read and these keys.
pub(super) fn logs(size: (u16, u16), keys: &str) -> Model {
    let mut model = at(size, six()).after("gl");
    update(&mut model, NOW, Msg::Log(Box::new(tail())));
    nobody_else(&mut model);
    press(&mut model, NOW, keys.strip_prefix("gl").unwrap());
    nobody_else(&mut model);
    model
}

/// The report, read before it is written.
pub(super) fn report(size: (u16, u16)) -> Model {
    let mut model = at(size, Stage { peers: Vec::new(), ..six() }).after("gl");
    update(&mut model, NOW, Msg::Log(Box::new(tail())));
    press(&mut model, NOW, "e");
    model
}

/// What `check` said to whoever typed it at a terminal.
fn told(size: (u16, u16)) -> Model {
    let mut model = at(size, six()).open();
    let outcome = Outcome { command: "check", exit: Exit::Attention, body: Body::Silent };
    let lines = "Checking 5 account(s), limits and tokens\n\
                 ✓ alpha@example.com | live session OK (5h 62% left, 7d 49% left)\n\
                 ✗ echo@example.com | needs a new sign-in: the refresh token was already used\n\
                 Result: 4 Codex available | 0 signed in only | 1 need re-login | 0 not verified\n";
    update(&mut model, NOW, Msg::Worded(Box::new(outcome), lines.to_owned()));
    model
}

fn at((width, height): (u16, u16), stage: Stage) -> Stage {
    stage.sized(width, height)
}

fn empty() -> Stage {
    let mut stage = six();
    stage.roster.accounts.clear();
    stage.roster.active = None;
    stage.roster.pin = None;
    Stage { quota: BTreeMap::new(), peers: Vec::new(), usage: Vec::new(), ..stage }
}

/// Everything that can be left out of the list.
fn spare() -> Stage {
    let mut stage = six();
    let off: Vec<Edit> = [
        "menuShowStatusBadge",
        "menuShowCurrentBadge",
        "menuShowLastUsed",
        "menuShowQuotaCooldown",
        "menuHighlightCurrentRow",
        "menuSortEnabled",
    ]
    .into_iter()
    .map(|key| Edit::set(row(key).unwrap(), Value::Flag(false)))
    .collect();
    stage.config = written(&stage.config, &off);
    stage
}

fn without_data() -> Stage {
    Stage { quota: BTreeMap::new(), usage: Vec::new(), ..six() }
}

/// A monthly plan, a weekly-only one, and two windows in each other's place.
fn windows_differ() -> Stage {
    let mut stage = six();
    let set = |stage: &mut Stage, name: &str, change: fn(&mut Snapshot)| {
        change(stage.quota.get_mut(&key(name)).unwrap());
    };
    set(&mut stage, "alpha", |quota| {
        quota.primary = Some(window(43_200, 71.0, 12 * 1_440));
        quota.secondary = None;
    });
    set(&mut stage, "foxtrot", |quota| {
        quota.primary = Some(window(10_080, 91.0, 5 * 1_440));
        quota.secondary = None;
    });
    set(&mut stage, "delta", |quota| std::mem::swap(&mut quota.primary, &mut quota.secondary));
    stage
}

/// A pool that another version wrote: nobody knows when it was pinned or how its accounts came to be signed in.
fn of_old() -> Stage {
    let mut stage = six();
    stage.roster.pinned_at = None;
    stage.roster.accounts[0].arrival = None;
    stage
}

fn old_figures() -> Stage {
    let mut stage = six();
    for quota in stage.quota.values_mut() {
        quota.at = NOW - Span::hours(2);
    }
    stage
}

/// Everything the back end can tell of an account: credits, granted resets, a limit of one model, two workspaces.
fn rich() -> Stage {
    let mut stage = six();
    let quota = stage.quota.get_mut(&key("alpha")).unwrap();
    quota.credits = Some(Credits { has: true, unlimited: false, balance: Some("5.39".to_owned()) });
    quota.banked = Some(Banked { available: 1, expires_at: Some(NOW + Span::days(2)), at: NOW });
    quota.extra = vec![Extra {
        id: "codex-bengalfox".to_owned(),
        name: Some("Spark".to_owned()),
        primary: Some(window(300, 12.0, 79)),
        secondary: None,
        at: NOW,
    }];
    let seat = |id: &str, name: &str| Workspace {
        id: id.to_owned(),
        name: Some(name.to_owned()),
        enabled: true,
        disabled_at: None,
        is_default: false,
    };
    let alpha = &mut stage.roster.accounts[0];
    alpha.label = Some("home laptop".to_owned());
    alpha.workspaces.push(seat("ws-acme-research", "Acme Research"));
    alpha.workspaces.push(seat("org-123456789", "acme-platform"));
    stage
}

/// A five-hour window that began anew since it was read.
fn was_reset() -> Stage {
    let mut stage = six();
    let quota = stage.quota.get_mut(&key("alpha")).unwrap();
    quota.at = NOW - Span::hours(1);
    quota.primary = Some(window(300, 3.0, -20));
    stage
}

/// Pools that declare other windows than usual: weekly only, monthly only, swapped, no reset, nothing known.
fn kinds() -> Stage {
    let mut stage = windows_differ();
    let quota = stage.quota.get_mut(&key("bravo")).unwrap();
    quota.primary = Some(Window { resets_at: None, ..window(300, 40.0, 0) });
    stage
}

/// Names that try to paint over the screen.
fn hostile() -> Stage {
    let mut stage = six();
    let names = [
        "\u{1b}[31mred\u{1b}]0;title\u{7}\u{1b}[2J@example.com",
        "\u{202e}moc.elpmaxe@live\u{2066}",
        "👨‍👩‍👧‍👦 family 日本語 ünïcödé",
        "tab\tnew\nline\r\u{8}\u{8}back",
        "ᚠe\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}zalgo",
    ];
    for (account, name) in stage.roster.accounts.iter_mut().zip(names) {
        account.label = Some(name.to_owned());
    }
    stage.roster.accounts[5].label = Some("x".repeat(300));
    stage
}

fn unreadable(size: (u16, u16)) -> Model {
    let mut model = at(size, six()).start();
    let problem = Problem::new(
        "storage-corrupt",
        Exit::Failed,
        "openai-codex-accounts.json cannot be read as an account pool: line 3, column 9: a comma is missing",
    )
    .hint(Hint::Say("The file was left as it is; put a backup in its place or move it away".to_owned()));
    update(&mut model, NOW, Msg::Store(StoreMsg::Loaded(Err(problem))));
    model
}

fn recovered(size: (u16, u16)) -> Model {
    let mut model = at(size, six()).open();
    let recovery = Recovery {
        source: "wal",
        path: "/home/me/.codex/multi-auth/openai-codex-accounts.json.wal".to_owned(),
        accounts: 6,
        quarantined: 1,
    };
    let loaded = Loaded {
        roster: model.world.roster.clone(),
        health: Health::Recoverable,
        recovery: Some(recovery),
        beside: codex_multi_auth::domain::recovery::Beside::default(),
        revision: 2,
    };
    update(&mut model, NOW, Msg::Store(StoreMsg::Loaded(Ok(loaded))));
    update(&mut model, NOW + Span::minutes(1), Msg::Ticked);
    model
}

/// Which themes a state is drawn in at a size.
fn themes(name: &str, size: (u16, u16)) -> Vec<&'static str> {
    let mut themes = vec!["green"];
    if size == (80, 24) {
        if name == "accounts.list" {
            themes.extend(["blue", "mono", "high-contrast", "light", "sixteen"]);
        }
        if PLAIN.contains(&name) {
            themes.extend(["none", "ascii"]);
        }
    }
    themes
}

/// The tab where the companion's pool is not one that can be written to.
fn companion(size: (u16, u16), target: Target) -> Model {
    let mut model = at(size, six()).after("ge<enter>");
    let seen = Synced { target, existing: None, rows: Vec::new(), ..synced() };
    let message = StoreMsg::Vault(model.flows.ticket(), Box::new(Ok(Answer::Synced(Box::new(seen)))));
    update(&mut model, NOW, Msg::Store(message));
    model
}

#[test]
fn every_state_looks_as_it_was_accepted() {
    for (name, show) in STATES {
        for size in SIZES {
            let model = show(size);
            for theme in themes(name, size) {
                snap(name, &model, size, theme);
            }
        }
    }
}

#[test]
fn no_snapshot_is_an_orphan() {
    let mut wanted = BTreeSet::new();
    for (name, _) in STATES {
        for size in SIZES {
            wanted.extend(
                themes(name, size).into_iter().map(|theme| format!("{}.snap", file(name, size, theme))),
            );
        }
    }
    let found: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.strip_suffix(".snap").is_some())
        .collect();

    assert_eq!(found, wanted);
}

#[test]
fn no_size_panics_and_the_hints_stay_in_sight() {
    for (name, show) in STATES {
        let mut model = show((80, 24));
        for width in [1, 39, 40, 59, 60, 79, 80, 119, 120, 200] {
            for height in [1, 6, 10, 13, 19, 20, 60] {
                let resized = Input::Resized { width, height };
                update(&mut model, NOW, Msg::Input(resized));
                let drawn = text(&frame(&model, (width, height), &skin("green")));
                let last = drawn.lines().last().unwrap_or_default();
                if width >= 40 && height >= 10 {
                    assert!(last.trim().len() > 2, "{name} {width}x{height}: no hint in `{last}`");
                }
            }
        }
    }
}

#[test]
fn a_frame_of_another_size_than_the_model_knows_does_not_panic() {
    let model = six().sized(140, 40).after("<enter>");

    for size in [(1, 1), (40, 6), (80, 24), (200, 60)] {
        frame(&model, size, &skin("green"));
    }
}

#[test]
fn ascii_frames_hold_seven_bits_only() {
    for (name, show) in STATES {
        let drawn = frame(&show((80, 24)), (80, 24), &skin("ascii"));
        assert!(text(&drawn).is_ascii(), "{name}");
    }
}

#[test]
fn no_frame_holds_a_control_character_or_a_token() {
    for (name, show) in STATES {
        for size in SIZES {
            // The help of a setting names the place of the prefix, not the prefix.
            let drawn = text(&frame(&show(size), size, &skin("green"))).replace("/<secret>/", "");
            // The bridge has public paths of its own.
            let drawn = if name.starts_with("monitor.bridge") { drawn.replace("/v1/", "") } else { drawn };
            assert!(!drawn.chars().any(|c| c.is_control() && c != '\n'), "{name}");
            for secret in ["rt_sample", "at_sample", "id_sample", "/v1/", "secret"] {
                assert!(!drawn.contains(secret), "{name} shows {secret}");
            }
        }
    }
}

#[test]
fn a_masked_dashboard_shows_no_address_anywhere() {
    for size in SIZES {
        for keys in ["*", "*2", "*2M", "*6", "*:use", "*<enter>", "*<tab>", "*z", "*e"] {
            let drawn = text(&frame(&at(size, six()).after(keys), size, &skin("green")));
            for name in ["alpha@", "foxtrot@", "charlie", "@example"] {
                assert!(!drawn.contains(name), "{name} after {keys} at {size:?}:\n{drawn}");
            }
        }
    }
}

#[test]
fn a_rehearsal_shows_its_badge_on_every_tab_and_size() {
    for size in SIZES {
        for keys in ["", "gm", "<enter>", "?", "z"] {
            let stage = Stage { demo: Some("tour"), ..six() };
            let drawn = text(&frame(&at(size, stage).after(keys), size, &skin("green")));
            assert!(drawn.contains("DEMO"), "{size:?} after {keys}: {drawn}");
        }
    }
}

#[test]
fn a_resize_storm_with_a_running_task_does_not_panic() {
    let mut model = six().after("C");

    for step in 0..100u16 {
        let size = (1 + step * 37 % 190, 1 + step * 23 % 60);
        let resized = Input::Resized { width: size.0, height: size.1 };
        update(&mut model, NOW + Span::millis(i64::from(step)), Msg::Input(resized));
        press(&mut model, NOW, "j");
        frame(&model, size, &skin("green"));
    }
}

#[test]
fn only_rows_in_sight_are_built() {
    let model = many(5_000).sized(120, 40).after("G");

    let drawn = text(&frame(&model, (120, 40), &skin("green")));

    assert!(drawn.contains("of 5000"), "{drawn}");
    assert_eq!(drawn.matches("person").count(), 34 - 2 + 1, "{drawn}");
}

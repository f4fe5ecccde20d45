//! Random keys, clicks, pastes and sizes, drawn after each: nothing panics, nothing is drawn outside, and every state
//! still has a way out. A failure names its seed.

use codex_multi_auth::app::input::{Click, Code, Input, Key, Mouse};
use codex_multi_auth::app::msg::Msg;
use codex_multi_auth::app::{Model, update};
use codex_multi_auth::base::Span;

use crate::support::dice::Dice;
use crate::support::logs::tail;
use crate::support::snap::{frame, skin, text};
use crate::support::stage::{NOW, answer, press, six};

/// The tabs, by the letter behind `g`.
const TABS: [char; 7] = ['a', 'f', 'u', 'm', 's', 'e', 'l'];

/// Keys that are no characters.
const NAMED: [Code; 14] = [
    Code::Enter,
    Code::Esc,
    Code::Tab,
    Code::BackTab,
    Code::Backspace,
    Code::Delete,
    Code::Up,
    Code::Down,
    Code::Left,
    Code::Right,
    Code::PageUp,
    Code::PageDown,
    Code::Home,
    Code::End,
];

fn fresh(tab: char) -> Model {
    let mut model = six().after(&format!("g{tab}"));
    update(&mut model, NOW, Msg::Log(Box::new(tail())));
    model
}

fn wild(dice: &mut Dice, (width, height): (u16, u16)) -> Input {
    let cell = |dice: &mut Dice, most: u16| u16::try_from(dice.below(usize::from(most.max(1)))).unwrap();
    match dice.below(20) {
        0 => Input::Resized { width: 1 + cell(dice, 300), height: 1 + cell(dice, 100) },
        1 | 2 => {
            let click = [Click::Press, Click::WheelUp, Click::WheelDown][dice.below(3)];
            Input::Mouse(Mouse { click, column: cell(dice, width), row: cell(dice, height) })
        }
        3 => Input::Pasted("a pasted\n\u{1b}[2Jtext".to_owned()),
        4 => Input::Key(Key::ctrl(['c', 'l', 'o', 'p', 'u', 'd'][dice.below(6)])),
        5 => Input::Key(Key::alt(['1', '2', '3', '4', '5', '6', '7'][dice.below(7)])),
        6..=9 => Input::Key(Key::plain(NAMED[dice.below(NAMED.len())])),
        _ => Input::Key(Key::char(char::from(b' ' + u8::try_from(dice.below(95)).unwrap()))),
    }
}

/// Does `steps` random things in every tab.
fn torture(seed: u64, steps: usize) {
    let skins = [skin("green"), skin("ascii"), skin("none")];
    for tab in TABS {
        let mut dice = Dice::of(seed ^ u64::from(tab));
        let mut model = fresh(tab);
        let mut at = NOW;
        for step in 0..steps {
            let input = wild(&mut dice, model.ui.size);
            let told = format!("{input:?}");
            at = at + Span::millis(40);
            let effects = update(&mut model, at, Msg::Input(input));
            answer(&mut model, at, effects);
            let size = model.ui.size;
            let drawn = frame(&model, size, &skins[step % skins.len()]);
            assert_eq!((drawn.area.width, drawn.area.height), size);
            if size.0 >= 40 && size.1 >= 10 {
                let drawn = text(&drawn);
                let last = drawn.lines().last().unwrap_or_default();
                assert!(
                    last.trim().len() > 2,
                    "seed {seed}, tab {tab}, step {step}: no way out is named at {size:?} after {told}\n{drawn}"
                );
            }
            if model.exit.is_some() {
                model = fresh(tab);
            }
        }
        // Whatever is open, esc and the way out lead out of it.
        let size = Input::Resized { width: 80, height: 24 };
        update(&mut model, at, Msg::Input(size));
        for _ in 0..12 {
            press(&mut model, at, "<esc>");
        }
        // A draft asks again at every esc; esc is its safe answer, too.
        if !model.ui.overlays.is_empty() {
            press(&mut model, at, "<esc>");
        }
        let open = model.ui.overlays.len();
        assert_eq!(open, 0, "seed {seed}, tab {tab}: stuck in {:?}", model.ui.overlays.last());
    }
}

#[test]
fn random_input_in_every_tab_never_panics_and_never_gets_stuck() {
    torture(7, 120);
}

#[test]
#[ignore = "takes minutes: 5,000 inputs in each tab"]
fn five_thousand_random_inputs_in_every_tab() {
    let seed = std::option_env!("TORTURE_SEED").and_then(|text| text.parse().ok()).unwrap_or(1);
    torture(seed, 5_000);
}

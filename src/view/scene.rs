//! What a screen draws from: the model's parts at one moment, and the skin.

use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::Model;
use crate::app::geometry::Layout;
use crate::app::screens::accounts;
use crate::app::ui::Ui;
use crate::app::world::World;
use crate::base::{Moment, Percent};
use crate::domain::account::{Account, AccountKey};
use crate::domain::label::{State, is_low};
use crate::domain::quota::snapshot::Snapshot;
use crate::view::skin::Skin;

/// One frame's material.
pub struct Scene<'a> {
    /// What is known.
    pub world: &'a World,
    /// What is open.
    pub ui: &'a Ui,
    /// The moment.
    pub now: Moment,
    /// How roles look.
    pub skin: &'a Skin,
    /// The frame's parts.
    pub layout: Layout,
    /// The account in use.
    pub in_use: Option<&'a AccountKey>,
}

/// The share at which a figure stops being comfortable.
const COMFORT: u8 = 35;
/// The share at which it becomes a worry.
const WORRY: u8 = 15;

impl<'a> Scene<'a> {
    /// The scene of a model.
    pub fn of(model: &'a Model, skin: &'a Skin, area: Rect) -> Self {
        let mut layout = model.ui.layout();
        if (area.width, area.height) != model.ui.size {
            // The terminal changed between the last message and this frame: the parts must fit what is there.
            layout = Layout::new(area.width, area.height, model.ui.mode);
            layout = layout.with_side(layout.side_width());
        }
        let (world, now) = (&model.world, model.now);
        Self { world, ui: &model.ui, now, skin, layout, in_use: accounts::in_use(world, now) }
    }

    /// The state of an account.
    pub fn state(&self, account: &Account) -> State {
        accounts::state(self.world, account, self.in_use, self.now)
    }

    /// The state as the list shows it: the account in use is marked only where that is wanted.
    pub fn state_shown(&self, account: &Account) -> State {
        let state = self.state(account);
        if state != State::InUse || self.world.settings.display.marker {
            return state;
        }
        if is_low(self.quota(account), self.now) { State::Low } else { State::Ready }
    }

    /// A path with `~` for the person's home.
    pub fn at_home(&self, path: &str) -> String {
        let home = self.world.setting.home.trim_end_matches('/');
        match path.strip_prefix(home) {
            Some(rest) if !home.is_empty() && rest.starts_with(['/', '\\']) => format!("~{rest}"),
            _ => path.to_owned(),
        }
    }

    /// The newest quota of an account.
    pub fn quota(&self, account: &Account) -> Option<&'a Snapshot> {
        self.world.quota.get(&account.key)
    }

    /// Whether a figure observed then is too old to be taken at its word.
    pub fn is_old(&self, observed: Moment) -> bool {
        self.now.since(observed) > self.world.settings.quota_ttl
    }

    /// The glyph of a state.
    pub fn glyph(state: State) -> &'static str {
        match state {
            State::Off => "×",
            State::Paused | State::Draining => "◌",
            State::SignIn => "!",
            State::Uncertain => "?",
            State::Cooling(_) => "◐",
            State::Empty(_) => "○",
            State::InUse | State::Low | State::Ready => "●",
        }
    }

    /// The tone of a state.
    pub fn tone(&self, account: &Account, state: State) -> Style {
        match state {
            State::Off | State::Paused | State::Draining => self.skin.dim(),
            State::SignIn | State::Uncertain => self.skin.bad(),
            State::Cooling(_) | State::Empty(_) | State::Low => self.skin.warn(),
            State::InUse if is_low(self.quota(account), self.now) => self.skin.warn(),
            State::InUse => self.skin.accent(),
            State::Ready => self.skin.good(),
        }
    }

    /// The tone of what is left.
    pub fn left_tone(&self, left: Percent) -> Style {
        let left = left.rounded();
        if left <= WORRY {
            return self.skin.bad();
        }
        if left <= COMFORT { self.skin.warn() } else { self.skin.good() }
    }
}

//! Which skin the screens wear: settings and environment in, theme, colour depth and glyphs out.

use std::sync::Arc;

use crate::adapters::env::Env;
use crate::app::model::Model;
use crate::app::options::Colour;
use crate::domain::places::Places;
use crate::domain::settings::Settings;
use crate::formats::theme::Theme;
use crate::runtime::looks;
use crate::view::skin::{Choice, Circumstances, Glyphs, Skin};
use crate::view::theme;

/// Makes skins.
#[derive(Debug, Clone)]
pub struct Skins {
    given: Circumstances,
    places: Arc<Places>,
    worn: (Wish, Skin),
}

/// What the settings ask for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Wish {
    theme: String,
    accent: String,
    profile: String,
    glyphs: String,
    /// Grows when the theme's file changed.
    painted: u64,
}

impl Skins {
    /// Skins for this terminal.
    pub fn new(env: &Env, places: Arc<Places>, colour: Colour) -> Self {
        let given = Circumstances {
            choice: match colour {
                Colour::Auto => Choice::Auto,
                Colour::Always => Choice::Always,
                Colour::Never => Choice::Never,
            },
            force_color: env.force_color.clone(),
            clicolor_force: env.clicolor_force.clone(),
            no_color: env.no_color.clone(),
            term: env.term.clone(),
            colorterm: env.color_term.clone(),
            profile: None,
            glyphs: None,
            locale: env.locale.clone(),
            windows_terminal: env.wt_session.is_some(),
            terminal: true,
        };
        let skin = Skin::built_in("green", given.depth(), given.glyph_set());
        Self { given, places, worn: (Wish::default(), skin) }
    }

    /// The skin that the settings of a model ask for; made anew only when they change.
    pub fn of(&mut self, model: &Model) -> &Skin {
        // Unsaved changes of the looks are seen at once.
        let previewed = model.ui.sheet.is_dirty().then(|| model.ui.sheet.previewed(&model.world));
        let settings = previewed.as_ref().unwrap_or(&model.world.settings);
        let wish = Wish {
            theme: settings.theme.clone(),
            accent: if settings.themed { String::new() } else { settings.display.accent.clone() },
            profile: settings.color_profile.clone(),
            glyphs: settings.glyphs.clone(),
            painted: model.ui.painted,
        };
        if self.worn.0 != wish {
            let skin = self.make(&wish);
            self.worn = (wish, skin);
        }
        &self.worn.1
    }

    /// The glyph set that the settings ask for on this terminal.
    pub fn glyphs(&self, settings: &Settings) -> Glyphs {
        let mut given = self.given.clone();
        given.glyphs = Some(settings.glyphs.clone()).filter(|glyphs| !glyphs.is_empty());
        given.glyph_set()
    }

    fn make(&self, wish: &Wish) -> Skin {
        let mut given = self.given.clone();
        given.profile = Some(wish.profile.clone()).filter(|profile| !profile.is_empty());
        given.glyphs = Some(wish.glyphs.clone()).filter(|glyphs| !glyphs.is_empty());
        let (depth, glyphs) = (given.depth(), given.glyph_set());
        match self.user_theme(&wish.theme) {
            Some(theme) => Skin::new(theme, depth, glyphs),
            None => Skin::new(theme::accented(&theme::built_in(&wish.theme), &wish.accent), depth, glyphs),
        }
    }

    /// The theme of a file of the user's own, where there is a usable one.
    fn user_theme(&self, name: &str) -> Option<Theme> {
        Theme::parse(&looks::own_theme(self.places.root(), name)?.ok()?).ok()
    }

    /// Whether this terminal can only append text.
    pub fn is_dumb(&self) -> bool {
        self.given.is_dumb()
    }
}

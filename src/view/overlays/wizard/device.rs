//! The code that is typed on any device.

use super::{Page, TEXT};
use crate::app::overlays::wizard::Wizard;
use crate::base::calendar;
use crate::base::text::clean;
use crate::domain::login::device::DeviceCode;

impl Page<'_, '_> {
    /// The page, the code and what to do with them.
    pub(super) fn device(&mut self, wizard: &Wizard, code: &DeviceCode) {
        let skin = self.scene.skin;
        if self.is_narrow() {
            self.pen.put(TEXT, self.row, "1  Open on any device", skin.text());
            self.pen.put(TEXT + 3, self.row + 1, &clean(&code.page), skin.accent());
            self.row += 2;
        } else {
            self.pair("1  Open on any device", &code.page);
            self.gap();
        }
        self.pair("2  Type this code", "");
        if !self.is_narrow() {
            self.gap();
        }
        let shown = clean(code.user_code.expose()).into_owned();
        let width = u16::try_from(shown.chars().count()).unwrap_or(9) + 10;
        let column = TEXT + 10;
        for (row, (left, middle, right)) in
            [("┌", "─", "┐"), ("│", " ", "│"), ("└", "─", "┘")].iter().enumerate()
        {
            let after = self.pen.put(column, self.row, left, skin.border());
            let after = self.pen.fill(after, self.row, width, middle, skin.border());
            self.pen.put(after, self.row, right, skin.border());
            if row == 1 {
                self.pen.put(column + 6, self.row, &shown, skin.heading());
            }
            self.row += 1;
        }
        if !self.is_narrow() {
            self.gap();
        }
        let every = calendar::long(code.interval);
        self.say("Never give this code to anybody, and never type a code somebody sent you.", skin.warn());
        if self.is_narrow() {
            self.written(wizard);
        }
        self.say(
            &format!("Come back here; this screen goes on by itself, asking every {every}."),
            skin.dim(),
        );
        if !self.is_narrow() {
            self.written(wizard);
        }
    }
}

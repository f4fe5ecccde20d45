//! Adding an account: the steps, and what to do now. Takes the place of the screen below it.

mod aside;
mod device;
mod link;
mod stored;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::app::flows::login::{Opened, Standing, V6, Waiting};
use crate::app::geometry::Kind;
use crate::app::overlays::wizard::{Stage, Typing, Way, Wizard};
use crate::base::text::{clean, truncate, wrap};
use crate::base::{Moment, Percent, Span};
use crate::domain::login::attempt::PATIENCE;
use crate::domain::problem::{Hint, Problem};
use crate::domain::terms;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::gauge::Gauge;
use crate::view::words::CUT;

/// Column of running text.
const TEXT: u16 = 3;
/// Longest line that is pleasant to read.
const COLUMN: usize = 92;
/// Cells of the countdown.
const BAR: u16 = 26;
/// Lines that the menu of ways takes below a reason, and those of its short form.
const MENU: usize = 7;
const LINE_OF_WAYS: usize = 3;

/// Draws the wizard; returns the caret of its field.
pub fn render(scene: &Scene, wizard: &Wizard, buffer: &mut Buffer) -> Option<Position> {
    let layout = scene.layout;
    let body = Rect { width: layout.screen.width, ..layout.body };
    for part in [layout.context, body, layout.message] {
        Pen::new(buffer, part).clear();
    }
    context(scene, wizard, buffer);
    Pen::new(buffer, layout.message).put(1, 0, &scene.veiled(&clean(&wizard.note)), scene.skin.dim());
    if layout.kind == Kind::Wide {
        let rest = aside::render(scene, wizard, body, buffer);
        let mut page = Page { pen: Pen::new(buffer, rest), scene, row: 1 };
        page.content(wizard);
        return page.typed(wizard);
    }
    let row = u16::from(layout.kind != Kind::Narrow);
    let mut page = Page { pen: Pen::new(buffer, body), scene, row };
    if layout.kind == Kind::Narrow {
        page.progress(wizard);
    } else {
        page.steps(wizard);
    }
    page.content(wizard);
    page.typed(wizard)
}

fn context(scene: &Scene, wizard: &Wizard, buffer: &mut Buffer) {
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, scene.layout.context);
    let (step, words) = progress(&wizard.stage);
    let end = pen.width().saturating_sub(1);
    let narrow = scene.layout.kind == Kind::Narrow;
    let text = match step {
        4.. => words.to_owned(),
        _ if narrow => format!("step {step} of 3"),
        _ => format!("step {step} of 3 · {words}"),
    };
    let start = pen.put_right(end, 0, &text, skin.dim());
    let title = match &wizard.again {
        Some(again) => format!("Sign in again: {}", scene.veiled(&clean(&again.label))),
        None => "Add account".to_owned(),
    };
    let title = truncate(&title, usize::from(start.saturating_sub(15)), CUT);
    pen.run(1, 0, &[("‹ ", skin.accent()), ("Accounts / ", skin.dim()), (&title, skin.heading())]);
}

fn progress(stage: &Stage) -> (u8, &'static str) {
    match stage {
        Stage::Choose => (1, "how to sign in"),
        Stage::Failed(_) => (2, "it did not work"),
        Stage::Stored(_) => (4, "done"),
        Stage::Running(Standing::Port { .. }) => (2, "a port is taken"),
        Stage::Running(Standing::Other { .. }) => (3, "another account"),
        Stage::Running(Standing::Terms) => (1, "before you start"),
        Stage::Running(Standing::Working("storing") | Standing::Workspace { .. }) => (3, "storing"),
        Stage::Running(Standing::Working(words)) => (2, words),
        Stage::Running(Standing::Browser(_)) => (2, "waiting for the browser"),
        Stage::Running(Standing::Paste { .. }) => (2, "waiting for the callback"),
        Stage::Running(Standing::Device(_)) => (2, "device code"),
    }
}

struct Page<'a, 'b> {
    pen: Pen<'b>,
    scene: &'a Scene<'a>,
    row: u16,
}

impl Page<'_, '_> {
    fn content(&mut self, wizard: &Wizard) {
        match &wizard.stage {
            Stage::Choose => self.menu(wizard),
            Stage::Failed(problem) => self.failed(wizard, problem),
            Stage::Stored(done) => self.stored(wizard, done),
            Stage::Running(standing) => self.running(wizard, standing),
        }
    }

    /// Whether every line counts.
    fn is_narrow(&self) -> bool {
        self.scene.layout.kind == Kind::Narrow
    }

    /// The steps on a low screen: only the one that takes time is drawn; the line above names it.
    fn progress(&mut self, wizard: &Wizard) {
        let times = match &wizard.stage {
            Stage::Running(Standing::Browser(waiting)) => (waiting.since, waiting.since + PATIENCE),
            Stage::Running(Standing::Device(code)) => (code.since, code.deadline),
            Stage::Choose | Stage::Failed(_) | Stage::Stored(_) | Stage::Running(_) => return,
        };
        let skin = self.scene.skin;
        self.pen.run(TEXT, self.row, &[("● ", skin.accent()), ("sign in", skin.text())]);
        self.countdown(times.0, times.1);
        self.gap();
        self.gap();
    }

    fn steps(&mut self, wizard: &Wizard) {
        let skin = self.scene.skin;
        let (step, _) = progress(&wizard.stage);
        let rows = [(1, "method"), (2, "sign in"), (3, "store")];
        for (number, name) in rows {
            let (mark, style) = match number {
                _ if number < step => ("✓", skin.good()),
                _ if number == step => ("●", skin.accent()),
                _ => ("○", skin.dim()),
            };
            let name_style = if number == step { skin.text() } else { skin.dim() };
            self.pen.run(TEXT, self.row, &[(mark, style), (" ", style), (name, name_style)]);
            if let (1, Some(way), 2..) = (number, wizard.way, step) {
                let after = self.pen.put(TEXT + 13, self.row, way.name(), skin.text());
                let end = self.pen.width().saturating_sub(1);
                let ways = "1 browser  2 paste  3 device code  4 backup";
                if usize::from(end.saturating_sub(after)) > ways.len() + 1 && step < 3 {
                    self.pen.put_right(end, self.row, ways, skin.dim());
                }
            }
            if let (2, Stage::Running(Standing::Browser(waiting))) = (number, &wizard.stage) {
                self.countdown(waiting.since, waiting.since + PATIENCE);
            }
            if let (2, Stage::Running(Standing::Device(code))) = (number, &wizard.stage) {
                self.countdown(code.since, code.deadline);
            }
            self.row += 1;
        }
        self.row += 1;
    }

    fn countdown(&mut self, since: Moment, until: Moment) {
        let skin = self.scene.skin;
        let left = self.scene.now.until(until);
        let left = if left.is_over() { Span::ZERO } else { left };
        let share = |span: Span| u64::try_from(span.as_secs()).unwrap_or(0);
        let percent = Percent::of(share(left), share(since.until(until)).max(1));
        let area = self.pen.area();
        let column = TEXT + 13;
        let place = Rect::new(area.x + column, area.y + self.row, BAR, 1).intersection(area);
        (&Gauge { left: percent, full: skin.accent(), empty: skin.border() })
            .render(place, self.pen.buffer());
        let seconds = left.as_secs();
        let words = format!("  {}m {:02}s left", seconds / 60, seconds % 60);
        self.pen.put(column + BAR, self.row, &words, skin.text());
    }

    fn menu(&mut self, wizard: &Wizard) {
        let skin = self.scene.skin;
        self.say(if wizard.again.is_some() { "How?" } else { "Add a ChatGPT account." }, skin.heading());
        self.gap();
        self.ways(wizard);
        self.gap();
        if let Some(why) = self.scene.ui.welcome.reason() {
            self.say(&why, skin.text());
        }
        if let Some(id) = &wizard.workspace {
            self.say(&format!("Workspace {id} is required; w changes it."), skin.text());
        }
        // What is written stands above what may help: a low screen has no room for both.
        self.promise(wizard);
        if !self.scene.world.roster.accounts.is_empty() {
            self.offer("Signed in already in that browser? Use a private window for another account.");
        }
    }

    /// What is written, and how it is taken back.
    fn promise(&mut self, wizard: &Wizard) {
        let (skin, path) = (self.scene.skin, self.scene.at_home(&self.scene.world.setting.storage_path));
        // What is written and how it is undone matters more where there is no room for all.
        if !self.is_narrow() || self.scene.ui.welcome.reason().is_none() {
            self.say("Nothing leaves this computer except the calls to OpenAI.", skin.dim());
        }
        let words = if wizard.again.is_some() {
            format!("The new session replaces the old one in {path} (0600); the old one is not signed out.")
        } else {
            format!("It is written to {path} (0600). Undo: d on the account deletes it again.")
        };
        self.say(&words, skin.dim());
    }

    fn ways(&mut self, wizard: &Wizard) {
        let skin = self.scene.skin;
        for (place, (_, title, what)) in Way::ALL.into_iter().enumerate() {
            let chosen = place == wizard.place;
            let mark = if chosen { "▸" } else { " " };
            let style = if chosen { skin.selection() } else { skin.text() };
            let text = format!("{}  {title:<30}", place + 1);
            let after = self.pen.run(TEXT, self.row, &[(mark, skin.accent()), (" ", style), (&text, style)]);
            self.aside(after + 2, what);
            self.row += 1;
        }
        let more = [
            (Way::ALL.len(), "4  Restore a backup", "Settings / Backups"),
            (Way::ALL.len() + 1, "5  Take over sign-ins found here", "other tools, copies"),
        ];
        for (place, title, what) in more {
            let chosen = place == wizard.place;
            let mark = if chosen { "▸" } else { " " };
            let style = if chosen { skin.selection() } else { skin.text() };
            let text = format!("{title:<33}");
            let after = self.pen.run(TEXT, self.row, &[(mark, skin.accent()), (" ", style), (&text, style)]);
            self.aside(after + 2, what);
            self.row += 1;
        }
    }

    /// What is said beside a row, as far as it fits.
    fn aside(&mut self, column: u16, text: &str) {
        let room = usize::from(self.pen.width().saturating_sub(column + 1));
        self.pen.put(column, self.row, &truncate(text, room, CUT), self.scene.skin.dim());
    }

    /// The reason comes first. Where it leaves no room for the menu, the ways are named in one line.
    fn failed(&mut self, wizard: &Wizard, problem: &Problem) {
        let skin = self.scene.skin;
        let lines = self.problem_lines(problem, skin.bad());
        let room = usize::from(self.pen.height().saturating_sub(self.row));
        let fits = lines.len() + MENU <= room;
        let reason = if fits { lines.len() } else { room.saturating_sub(LINE_OF_WAYS) };
        self.lines(lines.into_iter().take(reason));
        self.gap();
        self.say("Try again, another way, or go back:", skin.text());
        if fits { self.ways(wizard) } else { self.line_of_ways(wizard) }
    }

    /// The ways by their keys, in one line.
    fn line_of_ways(&mut self, wizard: &Wizard) {
        let skin = self.scene.skin;
        let names = Way::ALL.into_iter().map(|(way, ..)| way.name()).chain(["backup", "found here"]);
        let mut column = TEXT;
        for (place, name) in names.enumerate() {
            let style = if place == wizard.place { skin.selection() } else { skin.text() };
            column = self.pen.put(column, self.row, &format!("{} {name}", place + 1), style) + 2;
        }
        self.row += 1;
    }

    fn problem(&mut self, problem: &Problem, style: Style) {
        let lines = self.problem_lines(problem, style);
        self.lines(lines);
    }

    /// What happened, why, what to do now: as many lines as they take.
    fn problem_lines(&self, problem: &Problem, style: Style) -> Vec<(String, Style)> {
        let skin = self.scene.skin;
        let hints = problem.hints.iter().map(|hint| match hint {
            Hint::Say(text) => text.clone(),
            Hint::Run(command) => format!("In a shell: codex-multi-auth {command}"),
            Hint::Press(key) => format!("Press {key}"),
        });
        let causes = problem.because.iter().map(|cause| (cause.clone(), skin.dim()));
        let texts = std::iter::once((problem.what.clone(), style)).chain(causes);
        let texts = texts.chain(hints.map(|hint| (hint, skin.text())));
        let wrapped = |(text, style): (String, Style)| {
            wrap(&clean(&text), self.room()).into_iter().map(move |line| (line, style)).collect::<Vec<_>>()
        };
        texts.flat_map(wrapped).collect()
    }

    fn lines(&mut self, lines: impl IntoIterator<Item = (String, Style)>) {
        for (text, style) in lines {
            self.pen.put(TEXT, self.row, &text, style);
            self.row += 1;
        }
    }

    fn running(&mut self, wizard: &Wizard, standing: &Standing) {
        match standing {
            Standing::Working(words) => {
                let mut letters = words.chars();
                let first = letters.next().map(|letter| letter.to_ascii_uppercase()).into_iter();
                let text: String = first.chain(letters).collect();
                self.say(&format!("{text}{CUT}"), self.scene.skin.text());
            }
            Standing::Terms => self.terms(),
            Standing::Browser(waiting) => self.browser(wizard, waiting),
            Standing::Paste { url, complaint } => {
                self.complaint(complaint.as_ref());
                self.say("Open this address in any browser and sign in:", self.scene.skin.text());
                let shown = self.link(url.expose(), 4);
                let words =
                    "The page it ends on cannot be shown: copy its whole address and press p to paste it.";
                self.say(words, self.scene.skin.text());
                self.written(wizard);
                self.offer_whole(shown);
            }
            Standing::Device(code) => self.device(wizard, code),
            Standing::Port { holder } => {
                let holder = holder.as_deref().map(|name| format!(" ({})", clean(name))).unwrap_or_default();
                self.say(&format!("Another program listens on port 1455{holder}."), self.scene.skin.warn());
                self.say(
                    "y asks it to give way, as sign-ins do, and takes its port; n leaves it alone and tries port 1457.",
                    self.scene.skin.text(),
                );
                self.say("Nothing has been sent to it yet.", self.scene.skin.dim());
            }
            Standing::Other { came } => {
                let expected = wizard.again.as_ref().map(|again| again.label.clone()).unwrap_or_default();
                let words = format!("{came} signed in, not {expected}.");
                self.say(&self.scene.veiled(&clean(&words)), self.scene.skin.warn());
                self.say(
                    "Add it as an account of its own? y adds it, n leaves it out; nothing is stored yet.",
                    self.scene.skin.text(),
                );
            }
            Standing::Workspace { wanted, got } => {
                let got = got.as_deref().unwrap_or("none");
                let words = format!("You signed in to workspace {got}, but {wanted} was required.");
                self.say(&words, self.scene.skin.warn());
                self.say("Keep this one? y adds it, n leaves it out.", self.scene.skin.text());
            }
        }
    }

    fn terms(&mut self) {
        let skin = self.scene.skin;
        let mut lines = terms::LINES.iter();
        self.say(lines.next().copied().unwrap_or_default(), skin.text());
        self.gap();
        for line in lines {
            self.say(&format!("· {line}"), skin.text());
        }
        self.gap();
        self.say("Asked once; nothing has been read from or sent to OpenAI.", skin.dim());
        self.say("y  I understand      n  leave", skin.heading());
    }

    fn browser(&mut self, wizard: &Wizard, waiting: &Waiting) {
        let skin = self.scene.skin;
        self.complaint(waiting.complaint.as_ref());
        match waiting.opened {
            Some(Opened::No) => self.say("No browser could be started here: open it yourself:", skin.warn()),
            Some(Opened::Yes) | None => {
                self.say("Your browser should show the OpenAI sign-in page.", skin.text());
                let words = "Not opened? Press o to try again, c to copy the link, or open it yourself:";
                self.say(words, skin.text());
            }
        }
        let shown = self.link(waiting.url.expose(), 4);
        let v6 = match waiting.v6 {
            V6::Listening => "   ● ::1",
            V6::Absent => "   ○ ::1",
        };
        if self.scene.layout.kind != Kind::Wide {
            self.say(&format!("listening on localhost:{}   ● 127.0.0.1{v6}", waiting.port), skin.dim());
            let workspace = wizard.workspace.as_deref().unwrap_or("any");
            self.say(&format!("adding to {} pool, workspace: {workspace}", self.pool()), skin.dim());
        }
        // What is written stands above what may help: a low screen has no room for both.
        self.written(wizard);
        self.offer_whole(shown);
        self.offer("Signed in on another computer? Press p and paste the address its browser ended on.");
        if !self.scene.world.roster.accounts.is_empty() {
            self.offer("Signed in already in that browser? Use a private window to choose another account.");
        }
    }

    fn pool(&self) -> &'static str {
        if self.scene.world.setting.project.is_some() { "the project's" } else { "global" }
    }

    /// What will be written, while there is still time to leave.
    fn written(&mut self, wizard: &Wizard) {
        let is_again = wizard.again.is_some();
        let path = self.scene.at_home(&self.scene.world.setting.storage_path);
        let home = self.scene.at_home(&self.scene.world.setting.codex_home);
        let is_first = self.scene.world.roster.accounts.is_empty();
        // The first account is the one in use, and the official CLI follows it.
        let also = if is_first {
            format!(" and {home}/auth.json, an unknown one copied away first")
        } else {
            String::new()
        };
        let undo = if is_again { "" } else { " Undo: d deletes." };
        let words = format!("Nothing is written before you are signed in; then {path} (0600){also}.{undo}");
        self.say(&words, self.scene.skin.dim());
    }

    fn complaint(&mut self, complaint: Option<&Problem>) {
        if let Some(problem) = complaint {
            // The flow stays open: nothing has failed but the paste.
            let what = problem.what.strip_prefix("Login failed: ").unwrap_or(&problem.what);
            let told = Problem { what: format!("Not taken: {what}"), ..problem.clone() };
            self.problem(&told, self.scene.skin.warn());
            self.gap();
        }
    }

    fn pair(&mut self, name: &str, value: &str) {
        let after = self.pen.put(TEXT, self.row, name, self.scene.skin.text());
        self.pen.put(after.max(TEXT + 27), self.row, value, self.scene.skin.accent());
        self.row += 1;
    }

    fn typed(&mut self, wizard: &Wizard) -> Option<Position> {
        let field = wizard.field.as_ref()?;
        // A callback holds a code: what is in the field is not shown, only how much.
        let words = match wizard.typing {
            Typing::Callback => {
                let letters = field.text().chars().count();
                format!("paste here, then ⏎ (not shown): {letters} characters ")
            }
            Typing::Workspace => format!("ChatGPT workspace id, empty for any: {}", clean(field.text())),
            Typing::Name => format!("name of the account: {}", clean(field.text())),
        };
        let skin = self.scene.skin;
        let area = self.pen.area();
        let row = self.pen.height().saturating_sub(2);
        self.pen.fill(0, row, area.width, " ", skin.text());
        let after = self.pen.put(TEXT, row, &words, skin.heading());
        Some(Position::new(area.x + after.min(area.width.saturating_sub(1)), area.y + row))
    }

    fn say(&mut self, text: &str, style: Style) {
        for line in wrap(&clean(text), self.room()) {
            self.pen.put(TEXT, self.row, &line, style);
            self.row += 1;
        }
    }

    /// Says what may help, if it fits whole.
    fn offer(&mut self, text: &str) {
        let lines = wrap(&clean(text), self.room());
        let free = usize::from(self.pen.height().saturating_sub(self.row));
        if lines.len() <= free {
            let style = self.scene.skin.dim();
            self.lines(lines.into_iter().map(|line| (line, style)));
        }
    }

    fn room(&self) -> usize {
        usize::from(self.pen.width().saturating_sub(2 * TEXT)).min(COLUMN)
    }

    fn gap(&mut self) {
        self.row += 1;
    }
}

//! Whether a browser on this machine is worth trying (login.md §6.1).

/// The facts that decide it, as found at the start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Desk {
    /// `CODEX_AUTH_NO_BROWSER`
    pub no_browser: Option<String>,
    /// `BROWSER`
    pub browser: Option<String>,
    /// `SSH_CONNECTION` or `SSH_TTY` is set.
    pub remote: Remote,
    /// Whether something can be shown here.
    pub display: Display,
}

/// Whether the person sits at another machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Remote {
    /// At this one, as far as we can tell.
    #[default]
    No,
    /// Behind SSH.
    Ssh,
}

/// Whether something can be shown on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Display {
    /// Yes.
    #[default]
    There,
    /// Linux, not inside WSL, without `DISPLAY` and `WAYLAND_DISPLAY`.
    None,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// Open it.
    Likely,
    /// It would probably not be seen; why, in words.
    Unlikely(&'static str),
    /// The user does not want one.
    Suppressed,
}

impl Desk {
    /// Judges; the variable wins over everything that is only a guess.
    pub fn outlook(&self) -> Outlook {
        let word = |value: &Option<String>| {
            value.as_deref().map(|value| value.trim().to_lowercase()).filter(|value| !value.is_empty())
        };
        if let Some(value) = word(&self.no_browser) {
            let off = ["1", "true", "yes", "on"].contains(&value.as_str());
            return if off { Outlook::Suppressed } else { Outlook::Likely };
        }
        if word(&self.browser).is_some_and(|value| OFF.contains(&value.as_str())) {
            return Outlook::Suppressed;
        }
        match (self.remote, self.display) {
            (Remote::Ssh, _) => Outlook::Unlikely("this is an SSH session"),
            (Remote::No, Display::None) => Outlook::Unlikely("there is no display"),
            (Remote::No, Display::There) => Outlook::Likely,
        }
    }

    /// The program and arguments that `BROWSER` asks for, with the address in its place.
    pub fn opener(&self, url: &str) -> Option<Vec<String>> {
        let value = self.browser.as_deref().map(str::trim).filter(|value| !value.is_empty())?;
        if OFF.contains(&value.to_lowercase().as_str()) {
            return None;
        }
        let mut words: Vec<String> = value.split_whitespace().map(|word| word.replace("%s", url)).collect();
        if !value.contains("%s") {
            words.push(url.to_owned());
        }
        Some(words)
    }
}

/// Values of `BROWSER` that mean "none".
const OFF: [&str; 5] = ["0", "false", "no", "off", "none"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_wins_over_the_guess() {
        let desk = |no_browser: Option<&str>, browser: Option<&str>, remote, display| Desk {
            no_browser: no_browser.map(str::to_owned),
            browser: browser.map(str::to_owned),
            remote,
            display,
        };
        for (name, desk, expected) in [
            ("plain", desk(None, None, Remote::No, Display::There), Outlook::Likely),
            ("off", desk(Some(" YES "), None, Remote::No, Display::There), Outlook::Suppressed),
            ("allowed", desk(Some("0"), Some("none"), Remote::Ssh, Display::None), Outlook::Likely),
            ("blank", desk(Some("  "), Some("off"), Remote::No, Display::There), Outlook::Suppressed),
            ("none", desk(None, Some("None"), Remote::No, Display::There), Outlook::Suppressed),
            ("named", desk(None, Some("firefox"), Remote::No, Display::There), Outlook::Likely),
            (
                "ssh",
                desk(None, None, Remote::Ssh, Display::There),
                Outlook::Unlikely("this is an SSH session"),
            ),
            (
                "no display",
                desk(None, None, Remote::No, Display::None),
                Outlook::Unlikely("there is no display"),
            ),
        ] {
            assert_eq!(desk.outlook(), expected, "{name}");
        }
    }

    #[test]
    fn the_address_stands_where_the_user_wants_it() {
        let opener = |value: &str| Desk { browser: Some(value.to_owned()), ..Desk::default() }.opener("U");

        assert_eq!(opener("firefox").unwrap(), ["firefox", "U"]);
        assert_eq!(opener("x --new %s --now").unwrap(), ["x", "--new", "U", "--now"]);
        assert_eq!(opener("none"), None);
        assert_eq!(Desk::default().opener("U"), None);
    }
}

//! Our own flags among the official CLI's arguments: `--account`, `--print-launch` and, for `login` and
//! `logout`, `--yes`. They are taken out wherever they stand before `--`; nothing else is touched.

use std::ffi::{OsStr, OsString};

use crate::domain::launch::grammar::{Scan, scan};
use crate::domain::problem::{Exit, Hint, Problem};

/// An argument list, split.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Own {
    /// `--account`, the last one.
    pub account: Option<String>,
    /// `--print-launch`.
    pub show: Show,
    /// `--yes` to a guarded `login` or `logout`.
    pub consent: Consent,
    /// The official CLI's arguments.
    pub rest: Vec<OsString>,
    /// What they ask for.
    pub scan: Scan,
}

/// Whether the launch is only described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Show {
    /// Launch.
    #[default]
    No,
    /// Print what would be launched.
    Yes,
}

/// Whether the user agreed beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consent {
    /// Not given.
    #[default]
    Open,
    /// `--yes`.
    Given,
}

/// Takes our flags out.
///
/// # Errors
/// `bad-argument` for `--account` without a value.
pub fn split(args: &[OsString]) -> Result<Own, Problem> {
    let mut own = Own::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.to_str() {
            Some("--") => {
                own.rest.push(arg.clone());
                own.rest.extend(rest.by_ref().cloned());
            }
            Some("--account") => own.account = Some(value(rest.next().map(OsString::as_os_str))?),
            Some("--print-launch") => own.show = Show::Yes,
            Some(text) if text.starts_with("--account=") => {
                own.account = Some(value(text.strip_prefix("--account=").map(OsStr::new))?);
            }
            Some(_) | None => own.rest.push(arg.clone()),
        }
    }
    own.scan = scan(&own.rest);
    if matches!(own.scan.command, Some("login" | "logout")) {
        own.take_consent();
    }
    Ok(own)
}

impl Own {
    fn take_consent(&mut self) {
        let end = self.rest.iter().position(|arg| arg == "--").unwrap_or(self.rest.len());
        let mut index = 0;
        self.rest.retain(|arg| {
            let taken = index < end && arg == "--yes";
            index += 1;
            if taken {
                self.consent = Consent::Given;
            }
            !taken
        });
    }
}

fn value(given: Option<&OsStr>) -> Result<String, Problem> {
    given
        .map(|value| value.to_string_lossy().trim().to_owned())
        .filter(|value| !value.is_empty() && !value.starts_with("--"))
        .ok_or_else(|| {
            Problem::new("bad-argument", Exit::Usage, "--account needs a number, e-mail, label or id")
                .hint(Hint::Run("status".to_owned()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(line: &str) -> Own {
        split(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>()).unwrap()
    }

    fn joined(own: &Own) -> String {
        own.rest.join(OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn our_flags_leave_and_everything_else_stays_in_order() {
        for (line, account, rest) in [
            ("exec hi", None, "exec hi"),
            ("--account 2 exec hi", Some("2"), "exec hi"),
            ("exec --account=work hi --json", Some("work"), "exec hi --json"),
            ("--account 1 exec --account 2", Some("2"), "exec"),
            ("exec -- --account 2", None, "exec -- --account 2"),
            ("exec --yes", None, "exec --yes"),
        ] {
            let own = parts(line);
            assert_eq!((own.account.as_deref(), joined(&own).as_str()), (account, rest), "{line}");
        }
    }

    #[test]
    fn yes_is_ours_for_login_and_logout_only() {
        let own = parts("login --yes --device-auth");

        assert_eq!((own.consent, joined(&own).as_str()), (Consent::Given, "login --device-auth"));
        assert_eq!(parts("logout -- --yes").consent, Consent::Open);
        assert_eq!(parts("exec --yes").consent, Consent::Open);
    }

    #[test]
    fn an_account_without_a_value_is_a_usage_error() {
        for args in [vec!["--account"], vec!["--account="], vec!["--account", "--json"]] {
            let args: Vec<_> = args.into_iter().map(OsString::from).collect();
            assert_eq!(split(&args).unwrap_err().code, "bad-argument", "{args:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_pass_unchanged() {
        use std::os::unix::ffi::OsStringExt;
        let odd = OsString::from_vec(vec![b'a', 0xff, b'b']);

        let own = split(&[OsString::from("exec"), odd.clone()]).unwrap();

        assert_eq!(own.rest, [OsString::from("exec"), odd]);
    }
}

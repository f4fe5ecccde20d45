//! From the classes of exit to a number, and to the numbers of older scripts with `--exit-zero`.

use std::process::ExitCode;

use crate::domain::problem::Exit;

/// Which numbers a script expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Numbers {
    /// The table of decisions.md D4.
    #[default]
    Full,
    /// 0 and 1 only, as the reference had them.
    ZeroOrOne,
}

/// The number a command ends with.
pub fn number(exit: Exit, command: &str, numbers: Numbers) -> i32 {
    match (numbers, exit) {
        (Numbers::Full, exit) | (Numbers::ZeroOrOne, exit @ (Exit::Child(_) | Exit::Signal(_))) => {
            exit.code()
        }
        (Numbers::ZeroOrOne, exit) => i32::from(!was_success(exit, command)),
    }
}

/// For the operating system, which keeps eight bits.
pub fn code(number: i32) -> ExitCode {
    ExitCode::from(u8::try_from(number & 0xff).unwrap_or(1))
}

/// Whether the reference ended with 0: `status` and `list` always did, `switch` also with a warning.
fn was_success(exit: Exit, command: &str) -> bool {
    match exit {
        Exit::Ok => true,
        Exit::Attention => command != "why-selected",
        Exit::Failed | Exit::NoAccounts => matches!(command, "status" | "list" | "monitor"),
        Exit::Cancelled => command == "login",
        Exit::Usage | Exit::Network | Exit::Signal(_) | Exit::Child(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_scripts_see_zero_or_one() {
        for (exit, command, full, old) in [
            (Exit::Ok, "status", 0, 0),
            (Exit::NoAccounts, "status", 5, 0),
            (Exit::Failed, "list", 1, 0),
            (Exit::NoAccounts, "switch", 5, 1),
            (Exit::Attention, "switch", 4, 0),
            (Exit::Attention, "why-selected", 4, 1),
            (Exit::Usage, "status", 2, 1),
            (Exit::Cancelled, "codex", 3, 1),
            (Exit::Cancelled, "login", 3, 0),
            (Exit::Child(42), "codex", 42, 42),
            (Exit::Signal(2), "serve", 130, 130),
        ] {
            assert_eq!(number(exit, command, Numbers::Full), full, "{command} {exit:?}");
            assert_eq!(number(exit, command, Numbers::ZeroOrOne), old, "{command} {exit:?}");
        }
    }
}

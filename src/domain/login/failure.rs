//! Every way a sign-in can end badly, and its words: what happened, why, what to do now.

use crate::base::{Span, redact};
use crate::domain::login::callback::Denial;
use crate::domain::login::device::budget;
use crate::domain::login::limit::TooMany;
use crate::domain::login::paste::Missing;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::refresh::Refusal;
use crate::domain::terms;

/// Why a sign-in ended without an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The person, or another sign-in that asked for the port, ended it.
    Cancelled,
    /// A question nobody may be asked; what was missing and the flag that answers it.
    NeedsAnswer(Question),
    /// The provider, or the person in the browser, said no.
    Denied(Denial),
    /// A pasted text that is no whole callback.
    Incomplete(Missing),
    /// A pasted callback of another attempt.
    OtherAttempt,
    /// There is no attempt to complete.
    NoAttempt,
    /// The attempt to complete is too old.
    StaleAttempt,
    /// Both registered ports are held.
    PortsBusy {
        /// Who holds them, as far as that can be known: port and program.
        holders: Vec<(u16, String)>,
        /// How to find out on this system.
        inspect: Vec<String>,
    },
    /// Listening failed for another reason.
    CannotListen {
        /// The system's code or words.
        code: String,
    },
    /// Nothing came back in time.
    NobodyCame {
        /// How to find out who took the callback.
        inspect: Vec<String>,
    },
    /// The server has no device codes.
    DeviceDisabled,
    /// The code was not typed in time.
    DeviceTimeout {
        /// How long it was good.
        budget: Span,
    },
    /// The server refused.
    Refused(Refusal),
    /// The server answered something nobody can read; what was wrong.
    Unreadable(&'static str),
    /// The server was not reached, or the answer was lost; the system's words.
    Network(String),
    /// Too many attempts.
    TooMany(TooMany),
    /// Another workspace was signed in to than was required.
    WrongWorkspace {
        /// What was asked for.
        wanted: String,
        /// What came, if anything.
        got: Option<String>,
        /// Where the session was put aside.
        kept: Option<String>,
    },
    /// Another account signed in than was to.
    WrongAccount {
        /// Who came.
        came: String,
        /// Where the session was put aside.
        kept: Option<String>,
    },
    /// Something of ours went wrong; nothing was stored.
    Ours(Box<Problem>),
}

/// What a script would have to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// The acknowledgement.
    Terms,
    /// The callback, when nothing can be typed.
    Callback,
}

impl Failure {
    /// The failure for people and scripts.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Cancelled => Problem::new("cancelled", Exit::Cancelled, "Cancelled: nothing was stored"),
            Self::NeedsAnswer(question) => needs(*question),
            Self::Denied(denial) => denied(denial),
            Self::Incomplete(missing) => incomplete(*missing),
            Self::OtherAttempt => {
                failed("login-state-mismatch", "Login failed: the pasted address belongs to another attempt")
                    .because("its state is not the one of the link that was printed last")
                    .hint(say("Open the newest link and paste the address the browser ends on"))
            }
            Self::NoAttempt => failed("login-timeout", "Login failed: no attempt is waiting to be completed")
                .hint(Hint::Run("login --manual --print-url".to_owned())),
            Self::StaleAttempt => {
                failed("login-timeout", "Login failed: the attempt is older than 10 minutes")
                    .hint(Hint::Run("login --manual --print-url".to_owned()))
            }
            Self::PortsBusy { holders, inspect } => ports_busy(holders, inspect),
            Self::CannotListen { code } => failed(
                "login-port-busy",
                format!("Login failed: this computer does not let us listen for the callback [{code}]"),
            )
            .because("only the ports 1455 and 1457 are registered for the callback")
            .hint(Hint::Run("login --device-auth".to_owned())),
            Self::NobodyCame { inspect } => nobody_came(inspect),
            Self::DeviceDisabled => {
                failed("device-login-disabled", "Login failed: device codes are not enabled on this server")
                    .because("an administrator can switch them off for a workspace")
                    .hint(Hint::Run("login --manual --print-url".to_owned()))
                    .hint(say("On a computer with a browser `codex-multi-auth login` signs in there"))
            }
            Self::DeviceTimeout { budget: span } => failed(
                "login-timeout",
                format!("Login failed: the code was not entered within {}", budget(*span)),
            )
            .hint(Hint::Run("login --device-auth".to_owned())),
            Self::Refused(refusal) => refused(refusal),
            Self::Unreadable(what) => {
                failed("invalid-response", "Login failed: the server's answer could not be read")
                    .because(*what)
                    .hint(say(
                        "Try again; if it stays so, the sign-in service has changed and an update is needed",
                    ))
            }
            Self::Network(why) => Problem::new(
                "network",
                Exit::Network,
                "Login failed: the sign-in service could not be reached",
            )
            .because(redact::text(why))
            .hint(say("Check the connection, `HTTPS_PROXY` and the setting `egressProxy`, then try again")),
            Self::TooMany(TooMany { wait }) => {
                failed("login-timeout", format!("Login failed: too many attempts, wait {}", budget(*wait)))
            }
            Self::WrongAccount { came, kept } => {
                let what = format!("Login failed: {came} signed in, which is another account");
                let problem = failed("wrong-account", what).hint(say(
                    "Sign in again with the account that was named, or add the other one with `login`",
                ));
                match kept {
                    Some(path) => {
                        problem.because(format!("the session was put aside in {path} and is not used"))
                    }
                    None => problem,
                }
            }
            Self::WrongWorkspace { wanted, got, kept } => {
                wrong_workspace(wanted, got.as_deref(), kept.as_deref())
            }
            Self::Ours(problem) => (**problem).clone(),
        }
    }
}

fn failed(code: &'static str, what: impl Into<String>) -> Problem {
    Problem::new(code, Exit::Failed, what)
}

fn say(text: &str) -> Hint {
    Hint::Say(text.to_owned())
}

fn needs(question: Question) -> Problem {
    match question {
        Question::Terms => {
            let problem = Problem::new(
                "needs-terms",
                Exit::Cancelled,
                "Before the first account is added, the terms of this project must be acknowledged",
            );
            let problem = terms::LINES.iter().fold(problem, |problem, line| problem.because(*line));
            problem.hint(say("Add `--accept-terms` to acknowledge them once"))
        }
        Question::Callback => Problem::new(
            "needs-answer",
            Exit::Cancelled,
            "A script cannot be asked for the callback on a terminal",
        )
        .hint(Hint::Run("login --manual --print-url".to_owned()))
        .hint(Hint::Run("login --complete <url>".to_owned())),
    }
}

fn denied(denial: &Denial) -> Problem {
    if denial.lacks_entitlement() {
        return failed("not-entitled", "Login failed: this workspace has no access to Codex")
            .because(redact::text(denial.words()))
            .hint(say("Ask the administrator of the workspace, or sign in to another one"));
    }
    failed("login-denied", format!("Login failed: the sign-in was refused: {}", redact::text(denial.words())))
        .because(format!("the provider's code is {}", redact::text(&denial.code)))
        .hint(say("Sign in again and agree to the access, or choose another account"))
}

fn incomplete(missing: Missing) -> Problem {
    let why = match missing {
        Missing::State => "a code alone cannot be checked: the state is missing",
        Missing::Code => "there is no code in it",
    };
    failed("login-state-mismatch", "Login failed: the pasted text is not the whole callback address")
        .because(why)
        .hint(say("Paste the full address with both `code=` and `state=`"))
}

fn ports_busy(holders: &[(u16, String)], inspect: &[String]) -> Problem {
    let mut problem = failed(
        "login-port-busy",
        "Login failed: other programs hold the ports 1455 and 1457, which the callback needs",
    );
    for (port, holder) in holders {
        problem = problem.because(format!("{port} is held by {holder}"));
    }
    for line in inspect {
        problem = problem.hint(say(line));
    }
    problem.hint(say("Close the program and try again")).hint(Hint::Run("login --device-auth".to_owned()))
}

fn nobody_came(inspect: &[String]) -> Problem {
    let mut problem = failed("login-timeout", "Login failed: no callback arrived within 5 minutes")
        .because("perhaps the sign-in was abandoned: run the login again")
        .because("something else may have taken the callback");
    for line in inspect {
        problem = problem.hint(say(line));
    }
    problem.hint(Hint::Run("login --device-auth".to_owned()))
}

fn refused(refusal: &Refusal) -> Problem {
    let code = match refusal.status {
        429 | 500..=599 => "server-error",
        _ => "login-denied",
    };
    failed(code, format!("Login failed: {}", refusal.words()))
        .because(format!("the server answered {}", refusal.status))
        .hint(say("Start a new sign-in; a code is good once and for a short time"))
}

fn wrong_workspace(wanted: &str, got: Option<&str>, kept: Option<&str>) -> Problem {
    let got = got.unwrap_or("none");
    let mut problem = failed(
        "wrong-workspace",
        format!("Login failed: signed in to workspace {got}, but {wanted} was required"),
    )
    .hint(say("Sign in again and choose the required workspace, or leave out `--org`"));
    if let Some(path) = kept {
        problem = problem.because(format!("the session was put aside in {path} and is not used"));
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_its_code_and_its_exit() {
        let refusal = |status| Refusal {
            status,
            code: Some("invalid_grant".to_owned()),
            message: Some("no".to_owned()),
            retry_after: None,
        };
        let denial =
            |text: &str| Denial { code: "access_denied".to_owned(), description: Some(text.to_owned()) };
        for (failure, code, exit) in [
            (Failure::Cancelled, "cancelled", 3),
            (Failure::NeedsAnswer(Question::Terms), "needs-terms", 3),
            (Failure::NeedsAnswer(Question::Callback), "needs-answer", 3),
            (Failure::Denied(denial("no")), "login-denied", 1),
            (Failure::Denied(denial("missing_codex_entitlement")), "not-entitled", 1),
            (Failure::Incomplete(Missing::State), "login-state-mismatch", 1),
            (Failure::OtherAttempt, "login-state-mismatch", 1),
            (Failure::NoAttempt, "login-timeout", 1),
            (Failure::StaleAttempt, "login-timeout", 1),
            (Failure::PortsBusy { holders: Vec::new(), inspect: Vec::new() }, "login-port-busy", 1),
            (Failure::CannotListen { code: "EACCES".to_owned() }, "login-port-busy", 1),
            (Failure::NobodyCame { inspect: Vec::new() }, "login-timeout", 1),
            (Failure::DeviceDisabled, "device-login-disabled", 1),
            (Failure::DeviceTimeout { budget: Span::seconds(10) }, "login-timeout", 1),
            (Failure::Refused(refusal(400)), "login-denied", 1),
            (Failure::Refused(refusal(503)), "server-error", 1),
            (Failure::Unreadable("no id token"), "invalid-response", 1),
            (Failure::Network("refused".to_owned()), "network", 6),
            (Failure::TooMany(TooMany { wait: Span::seconds(9) }), "login-timeout", 1),
            (Failure::WrongAccount { came: "b".to_owned(), kept: None }, "wrong-account", 1),
            (Failure::WrongWorkspace { wanted: "a".to_owned(), got: None, kept: None }, "wrong-workspace", 1),
        ] {
            let problem = failure.problem();

            assert_eq!((problem.code, problem.exit.code()), (code, exit), "{failure:?}");
        }
    }

    #[test]
    fn busy_ports_name_their_holder() {
        let problem = Failure::PortsBusy {
            holders: vec![(1455, "codex (pid 12)".to_owned())],
            inspect: vec!["Look with `ss -lptn 'sport = :1455'`".to_owned()],
        }
        .problem();

        assert_eq!(problem.because, ["1455 is held by codex (pid 12)"]);
    }

    #[test]
    fn the_device_budget_is_told_in_seconds_below_a_minute() {
        let problem = Failure::DeviceTimeout { budget: Span::seconds(10) }.problem();

        assert_eq!(problem.what, "Login failed: the code was not entered within 10 seconds");
    }
}

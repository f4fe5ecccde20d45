//! What the flags of every command say, in the words of the program.

use crate::app::goal::Identities;
use crate::app::options::{Chatter, Form};
use crate::cli::args::Global;
use crate::cli::dispatch::Preference;
use crate::cli::exit::Numbers;
use crate::domain::login::paste::Typist;
use crate::domain::settings::act::Over;
use crate::domain::terms;

pub(super) fn typist(manner: Preference) -> Typist {
    match manner {
        Preference::Screen => Typist::Person,
        Preference::Headless => Typist::Script,
    }
}

pub(super) fn identities(global: &Global) -> Identities {
    if global.show_identities { Identities::Shown } else { Identities::Masked }
}

pub(super) fn over(global: &Global) -> Over {
    if global.yes { Over::Yes } else { Over::Ask }
}

pub(super) fn form(global: &Global) -> Form {
    if global.json { Form::Json } else { Form::Text }
}

pub(super) fn numbers(global: &Global) -> Numbers {
    if global.exit_zero { Numbers::ZeroOrOne } else { Numbers::Full }
}

pub(super) fn terms_consent(global: &Global) -> terms::Consent {
    if global.accept_terms { terms::Consent::Given } else { terms::Consent::Unsaid }
}

pub(super) fn chatter(global: &Global) -> Chatter {
    if global.quiet { Chatter::Quiet } else { Chatter::Normal }
}

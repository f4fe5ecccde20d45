//! What the flags of every command say, in the words of the program.

use crate::app::flows::usage::Shape;
use crate::app::goal::Identities;
use crate::app::options::{Chatter, Form, Pages};
use crate::cli::args::{Format, Global, Word};
use crate::cli::dispatch::Preference;
use crate::cli::exit::Numbers;
use crate::domain::login::paste::Typist;
use crate::domain::problem::{Exit, Problem};
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
    match (global.quiet, global.verbose) {
        (true, _) => Chatter::Quiet,
        (false, true) => Chatter::Verbose,
        (false, false) => Chatter::Normal,
    }
}

pub(super) fn pages(global: &Global) -> Pages {
    if global.plain { Pages::Spoken } else { Pages::Drawn }
}

/// Takes `--format` into the flags it stands for.
pub(super) fn shaped(global: &mut Global, word: Option<&Word>) -> Result<(), Problem> {
    let format = global.format;
    let usage = word.and_then(|word| if let Word::Usage(args) = word { Some(args) } else { None });
    let rows = usage.is_some_and(|args| args.shape(format) != Shape::Text);
    let refuse = |what: &str| Err(Problem::new("bad-argument", Exit::Usage, what));
    if rows && (global.json || format == Some(Format::Json)) {
        return refuse("--json is one document, not rows: leave one out");
    }
    if !rows && matches!(format, Some(Format::Csv | Format::Ndjson)) {
        return refuse("only `usage` has rows for csv and ndjson; the others have text and json");
    }
    global.json |= format == Some(Format::Json);
    global.headless |= rows || usage.is_some_and(|args| args.out.is_some()) || format.is_some();
    Ok(())
}

//! One question on the terminal, before a child owns it.

use std::future::Future;

/// A choice by its letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The letter to type, lower case.
    pub letter: char,
    /// What it does.
    pub text: &'static str,
}

/// Asks a person.
pub trait Question: Clone + Send + Sync + 'static {
    /// Shows `lines` and the choices on stderr and waits for one letter; Enter means the first choice.
    /// `None` when nobody can answer (no terminal on stdin or stderr) or the input ended.
    fn ask(&self, lines: Vec<String>, choices: Vec<Choice>) -> impl Future<Output = Option<char>> + Send;
}

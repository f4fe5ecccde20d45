//! Just enough of the language to find paths: words, `::`, braces and the rest, with comments and literals gone.

use std::ops::RangeInclusive;

/// One token and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
}

impl Token {
    pub(super) fn is(&self, sign: char) -> bool {
        self.text.len() == sign.len_utf8() && self.text.starts_with(sign)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.text == word
    }

    fn is_name(&self) -> bool {
        self.text.starts_with(|first: char| first.is_alphabetic() || first == '_')
    }
}

/// A path as written, `use` groups unfolded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) parts: Vec<String>,
    pub(super) line: usize,
}

/// A file's tokens without its tests, and the lines the tests took.
pub(super) struct Code {
    pub(super) kept: Vec<Token>,
    pub(super) skipped: Vec<RangeInclusive<usize>>,
}

pub(super) fn read(text: &str) -> Vec<Token> {
    let letters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut at = 0;
    while at < letters.len() {
        let start = at;
        at = match letters[at] {
            '/' if letters.get(at + 1) == Some(&'/') => end_of_line(&letters, at),
            '/' if letters.get(at + 1) == Some(&'*') => end_of_block(&letters, at),
            '"' => end_of_text(&letters, at),
            'r' | 'b' | 'c' if opens_literal(&letters, at) => end_of_literal(&letters, at),
            '\'' => end_of_quote(&letters, at),
            ':' if letters.get(at + 1) == Some(&':') => {
                tokens.push(Token { text: "::".to_owned(), line });
                at + 2
            }
            first if first.is_alphanumeric() || first == '_' => {
                let end = end_of_word(&letters, at);
                tokens.push(Token { text: letters[at..end].iter().collect(), line });
                end
            }
            space if space.is_whitespace() => at + 1,
            sign => {
                tokens.push(Token { text: sign.to_string(), line });
                at + 1
            }
        };
        line += letters[start..at.min(letters.len())].iter().filter(|letter| **letter == '\n').count();
    }
    tokens
}

fn end_of_line(letters: &[char], at: usize) -> usize {
    letters[at..].iter().position(|letter| *letter == '\n').map_or(letters.len(), |found| at + found)
}

fn end_of_block(letters: &[char], at: usize) -> usize {
    let mut depth = 0;
    let mut at = at;
    while at < letters.len() {
        match (letters[at], letters.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    at
}

fn end_of_text(letters: &[char], at: usize) -> usize {
    let mut at = at + 1;
    while at < letters.len() && letters[at] != '"' {
        at += if letters[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// Whether a literal with a prefix (`r#"…"#`, `b"…"`, `b'…'`) starts here and not a word.
fn opens_literal(letters: &[char], at: usize) -> bool {
    let signs = letters[at..].iter().position(|letter| !matches!(letter, 'r' | 'b' | 'c')).unwrap_or(0);
    let hashes = letters[at + signs..].iter().take_while(|letter| **letter == '#').count();
    let quoted = letters.get(at + signs + hashes);
    let raw = letters[at..at + signs].contains(&'r');
    match quoted {
        Some('"') => signs <= 2 && (hashes == 0 || raw),
        Some('\'') => signs == 1 && hashes == 0 && letters[at] == 'b',
        _ => false,
    }
}

fn end_of_literal(letters: &[char], at: usize) -> usize {
    let signs = letters[at..].iter().position(|letter| !matches!(letter, 'r' | 'b' | 'c')).unwrap_or(0);
    let raw = letters[at..at + signs].contains(&'r');
    let start = at + signs;
    let hashes = letters[start..].iter().take_while(|letter| **letter == '#').count();
    let quote = start + hashes;
    if letters[quote] == '\'' {
        return end_of_quote(letters, quote);
    }
    if !raw {
        return end_of_text(letters, quote);
    }
    let mut end = quote + 1;
    while end < letters.len() {
        let closed = letters[end] == '"'
            && letters[end + 1..].iter().take(hashes).filter(|letter| **letter == '#').count() == hashes;
        if closed {
            return end + 1 + hashes;
        }
        end += 1;
    }
    end
}

/// Past a character literal, or past the tick of a lifetime.
fn end_of_quote(letters: &[char], at: usize) -> usize {
    if letters.get(at + 1) == Some(&'\\') {
        let close = letters[at + 3..].iter().position(|letter| *letter == '\'');
        return close.map_or(letters.len(), |found| at + 3 + found + 1);
    }
    if letters.get(at + 2) == Some(&'\'') { at + 3 } else { at + 1 }
}

fn end_of_word(letters: &[char], at: usize) -> usize {
    let length =
        letters[at..].iter().take_while(|letter| letter.is_alphanumeric() || **letter == '_').count();
    at + length
}

/// Drops every item under `#[cfg(test)]`.
pub(super) fn without_tests(tokens: &[Token]) -> Code {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut skipped = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let marked = tokens[at..].iter().map(|token| token.text.as_str()).take(MARK.len()).eq(MARK);
        if !marked {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let end = end_of_item(tokens, at + MARK.len());
        skipped.push(tokens[at].line..=tokens[end.min(tokens.len() - 1)].line);
        at = end + 1;
    }
    Code { kept, skipped }
}

/// The token that closes the item: its `;`, or the brace that matches its first.
fn end_of_item(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        if token.is('{') {
            depth += 1;
        } else if token.is('}') {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return index;
            }
        } else if token.is(';') && depth == 0 {
            return index;
        }
    }
    tokens.len()
}

/// Every path of at least two parts, and every `use`.
pub(super) fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].is_word("use") {
            at = unfold(tokens, at + 1, &[], &mut found);
            continue;
        }
        let starts = tokens[at].is_name() && tokens.get(at + 1).is_some_and(|next| next.is_word("::"));
        if !starts {
            at += 1;
            continue;
        }
        let line = tokens[at].line;
        let mut parts = vec![tokens[at].text.clone()];
        at += 1;
        while tokens.get(at).is_some_and(|token| token.is_word("::"))
            && tokens.get(at + 1).is_some_and(Token::is_name)
        {
            parts.push(tokens[at + 1].text.clone());
            at += 2;
        }
        at = at.max(1);
        found.push(Path { parts, line });
    }
    found
}

/// Reads one `use` tree behind `before` and returns where it ends.
fn unfold(tokens: &[Token], at: usize, before: &[String], found: &mut Vec<Path>) -> usize {
    let mut parts = before.to_vec();
    let mut at = at;
    let mut open = false;
    while let Some(token) = tokens.get(at) {
        if token.is('{') {
            at += 1;
            while tokens.get(at).is_some_and(|token| !token.is('}')) {
                at = unfold(tokens, at, &parts, found);
                at += usize::from(tokens.get(at).is_some_and(|token| token.is(',')));
            }
            return at + 1;
        }
        if token.is(',') || token.is(';') || token.is('}') {
            break;
        }
        if token.is_word("as") {
            at += 2;
            continue;
        }
        if token.is_name() && token.text != "self" {
            parts.push(token.text.clone());
        }
        open = true;
        at += 1;
    }
    if open {
        let line = tokens[at.min(tokens.len()) - 1].line;
        found.push(Path { parts, line });
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<String> {
        paths(&without_tests(&read(text)).kept).iter().map(|path| path.parts.join("::")).collect()
    }

    #[test]
    fn groups_are_unfolded_and_inline_paths_found() {
        let text = "use crate::{app::{self, world::World as W}, base};\nfn f() { tokio::spawn(x); crate::view::draw() }";

        assert_eq!(
            seen(text),
            ["crate::app", "crate::app::world::World", "crate::base", "tokio::spawn", "crate::view::draw"]
        );
    }

    #[test]
    fn comments_literals_and_tests_are_not_code() {
        let text = "// crate::a\n/* crate::b /* crate::c */ */ let x = \"crate::d\\\"crate::e\"; let y = r#\"crate::f\"#;\n\
                    let z = '\"'; fn g<'a>(a: &'a str) {}\n#[cfg(test)]\nmod tests { use crate::h; fn i() {} }\nuse crate::j;";

        assert_eq!(seen(text), ["crate::j"]);
    }

    #[test]
    fn the_lines_of_tests_are_counted() {
        let code = without_tests(&read("fn a() {}\n#[cfg(test)]\nmod tests {\n}\nfn b() {}\n"));

        assert_eq!(code.skipped, [2..=4]);
    }
}

//! `keys.toml`: keys of one's own, as `action = ["key", …]`.

use toml_edit::{DocumentMut, Item, TomlError};

/// What the file wishes, by the name of an action, and what in it is no wish.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnKeys {
    /// Name and keys, in the order of the file.
    pub wishes: Vec<(String, Vec<String>)>,
    /// What was passed over, for people.
    pub notes: Vec<String>,
}

impl OwnKeys {
    /// Reads the file; one that is no TOML wishes nothing and says where.
    pub fn parse(text: &str) -> Self {
        let document: DocumentMut = match text.parse() {
            Ok(document) => document,
            Err(error) => return Self { notes: vec![fault(text, &error)], wishes: Vec::new() },
        };
        let mut read = Self::default();
        for (name, item) in document.iter() {
            match words(item) {
                Some(keys) => read.wishes.push((name.to_owned(), keys)),
                None => read.notes.push(format!("`{name}` is no key and no list of keys")),
            }
        }
        read
    }
}

fn fault(text: &str, error: &TomlError) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let why = error.message().lines().next().unwrap_or_default();
    format!("line {line} cannot be read ({why}); all keys are the default ones")
}

fn words(item: &Item) -> Option<Vec<String>> {
    if let Some(word) = item.as_str() {
        return Some(vec![word.to_owned()]);
    }
    let list = item.as_array()?;
    let words: Vec<String> = list.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
    (words.len() == list.len() && !words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_and_what_is_none_is_named() {
        let read = OwnKeys::parse("check-all = ['X', 'f5']\nuse = 'enter'\npin = 3\nsort = []\n");

        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let wishes = [("check-all".to_owned(), list(&["X", "f5"])), ("use".to_owned(), list(&["enter"]))];
        assert_eq!(read.wishes, wishes);
        assert_eq!(
            read.notes,
            ["`pin` is no key and no list of keys", "`sort` is no key and no list of keys"]
        );
    }

    #[test]
    fn a_file_that_is_no_toml_wishes_nothing_and_says_where() {
        let read = OwnKeys::parse("use = 'x'\npin = [\n");

        assert!(read.wishes.is_empty());
        assert!(read.notes[0].starts_with("line 3 ") || read.notes[0].starts_with("line 2 "), "{read:?}");
        assert!(read.notes[0].contains("default"), "{read:?}");
    }
}

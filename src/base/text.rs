//! Display width: truncate, pad and wrap by grapheme cluster; hostile text made harmless.
//!
//! Everything that comes from an account, a server or a file passes [`clean`] before it is laid out. Widths
//! are summed per grapheme cluster because that is how the terminal buffer advances; the width of a whole
//! string may differ from that sum.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// A cluster with more marks than this is a trick to paint over neighbouring lines.
const MAX_MARKS: usize = 6;

/// Cells that `text` takes.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// `text` without control characters, escape sequences, direction overrides and invisible filling.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => kept.push(' '),
            _ if c.is_control() || is_invisible(c) => {}
            _ => kept.push(c),
        }
    }
    let calm: String = kept.graphemes(true).map(calmed).collect();
    Cow::Owned(calm)
}

/// Drops what follows an escape character: a CSI up to its final byte, an OSC up to its end, else one character.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        Some('[') => {
            let _ = chars.find(|c| ('\u{40}'..='\u{7e}').contains(c));
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while let Some(c) = chars.next() {
                if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                    break;
                }
            }
        }
        Some(_) | None => {}
    }
}

fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

fn calmed(cluster: &str) -> &str {
    match cluster.char_indices().nth(MAX_MARKS + 1) {
        Some((end, _)) if !cluster.contains('\u{200d}') => cluster.get(..end).unwrap_or(cluster),
        Some(_) | None => cluster,
    }
}

/// The longest beginning of `text` that fits `room` cells.
pub fn prefix(text: &str, room: usize) -> &str {
    let mut used = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        used += cluster.width();
        if used > room {
            return text.get(..at).unwrap_or(text);
        }
    }
    text
}

/// The longest end of `text` that fits `room` cells.
fn suffix(text: &str, room: usize) -> &str {
    let mut used = 0;
    for (at, cluster) in text.grapheme_indices(true).rev() {
        used += cluster.width();
        if used > room {
            return text.get(at + cluster.len()..).unwrap_or("");
        }
    }
    text
}

/// `text` cut at its end so that it fits `room` cells, `mark` included.
pub fn truncate(text: &str, room: usize, mark: &str) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let head = prefix(text, room.saturating_sub(width(mark)));
    format!("{head}{}", prefix(mark, room))
}

/// `text` cut in its middle so that it fits `room` cells: names differ at both ends.
pub fn truncate_middle(text: &str, room: usize, mark: &str) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let rest = room.saturating_sub(width(mark));
    let tail = suffix(text, rest * 3 / 8);
    let head = prefix(text, rest - width(tail));
    format!("{head}{}{tail}", prefix(mark, room))
}

/// `text` followed by blanks up to `room` cells; never cut.
pub fn pad_right(text: &str, room: usize) -> String {
    format!("{text}{:1$}", "", room.saturating_sub(width(text)))
}

/// `text` preceded by blanks up to `room` cells; never cut.
pub fn pad_left(text: &str, room: usize) -> String {
    format!("{:1$}{text}", "", room.saturating_sub(width(text)))
}

/// `text` cut or padded to exactly `room` cells.
pub fn fit(text: &str, room: usize, mark: &str) -> String {
    pad_right(&truncate(text, room, mark), room)
}

/// `text` broken at blanks into lines of at most `room` cells; words longer than a line are cut into pieces.
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if room == 0 {
        return lines;
    }
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            place(&mut lines, &mut line, word, room);
        }
        lines.push(line);
    }
    lines
}

fn place(lines: &mut Vec<String>, line: &mut String, word: &str, room: usize) {
    if !line.is_empty() && width(line) + 1 + width(word) <= room {
        line.push(' ');
        line.push_str(word);
        return;
    }
    if !line.is_empty() {
        lines.push(std::mem::take(line));
    }
    let mut rest = word;
    while width(rest) > room {
        let piece = prefix(rest, room);
        // A cluster wider than the whole line cannot be shown at all.
        if piece.is_empty() {
            return;
        }
        lines.push(piece.to_owned());
        rest = rest.get(piece.len()..).unwrap_or("");
    }
    rest.clone_into(line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_text_loses_its_teeth() {
        for (text, harmless) in [
            ("plain", "plain"),
            ("a\u{1b}[31mred\u{1b}[0m", "ared"),
            ("t\u{1b}]0;title\u{7}x", "tx"),
            ("l\u{1b}]8;;http://x\u{1b}\\y", "ly"),
            ("a\r\nb\tc", "a  b c"),
            ("\u{202e}gpj.exe", "gpj.exe"),
            ("zero\u{200b}width", "zerowidth"),
            ("\u{9b}31mx", "31mx"),
            (
                "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
                "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
            ),
        ] {
            assert_eq!(clean(text), harmless, "{text:?}");
        }
    }

    #[test]
    fn long_names_keep_both_ends() {
        let name = "charlie.with.a.very.long.name@example.com";

        assert_eq!(truncate_middle(name, 20, "…"), "charlie.with…ple.com");
        assert_eq!(truncate_middle(name, 24, "…"), "charlie.with.a.…mple.com");
        assert_eq!(truncate(name, 10, "…"), "charlie.w…");
    }

    #[test]
    fn wide_clusters_count_two_cells_and_are_never_halved() {
        assert_eq!(width("日本"), 4);
        assert_eq!(truncate("日本語", 4, "…"), "日…");
        assert_eq!(fit("日本語", 4, "…"), "日… ");
        assert_eq!(pad_left("é", 3), "  é");
    }

    #[test]
    fn lines_break_at_blanks_and_long_words_are_cut() {
        assert_eq!(wrap("the account leaves this pool", 11), ["the account", "leaves this", "pool"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3), [""]);
    }

    proptest! {
        #[test]
        fn nothing_ever_exceeds_its_room(text in ".{0,80}", room in 0usize..40) {
            prop_assert!(width(&truncate(&text, room, "…")) <= room);
            prop_assert!(width(&truncate_middle(&text, room, "…")) <= room);
            for line in wrap(&text, room) {
                prop_assert!(width(&line) <= room);
            }
        }

        #[test]
        fn clean_text_has_no_control_characters(text in any::<String>()) {
            prop_assert!(!clean(&text).chars().any(|c| c.is_control() || is_invisible(c)));
        }
    }
}

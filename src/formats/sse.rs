//! Server-sent events as an incremental scan over a byte stream that is being relayed.
//!
//! The scan never owns or alters the stream: it is fed each chunk on its way and calls back once per complete
//! event. Bytes of events nobody asked for are not copied, so a long stream of small deltas costs one pass over
//! its bytes. Line ends may be `\n`, `\r\n` or `\r`; `data:` may span lines and lack its space. A line above
//! [`LINE_CAP`] ends the scan for good; the relay goes on without it.

/// Longest line that is still read.
pub const LINE_CAP: usize = 4 * 1024 * 1024;

/// One complete event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event:` field; empty when there was none.
    pub name: &'a str,
    /// The `data:` field, lines joined by `\n`; empty when it was not wanted.
    pub data: &'a [u8],
}

/// What the reader wants of an event whose name is known and whose data is about to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Name and data.
    Data,
    /// The name is enough.
    Name,
}

/// The scanner; see the module for what it promises.
#[derive(Debug, Default)]
pub struct Scan {
    line: Vec<u8>,
    name: String,
    data: Vec<u8>,
    has_data: bool,
    skip: Skip,
    after_cr: bool,
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Skip {
    /// Lines are collected.
    #[default]
    None,
    /// The rest of the current line is of no interest.
    Line,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Reading,
    GivenUp,
}

impl Scan {
    /// Feeds the next chunk. `want` is asked once the `event:` line of an event was read; events without a name
    /// always keep their data. `each` gets every complete event.
    pub fn feed(&mut self, mut chunk: &[u8], want: impl Fn(&str) -> Want, mut each: impl FnMut(Event<'_>)) {
        if self.state == State::GivenUp {
            return;
        }
        while !chunk.is_empty() {
            if self.after_cr {
                self.after_cr = false;
                if let Some(rest) = chunk.strip_prefix(b"\n") {
                    chunk = rest;
                    continue;
                }
            }
            let end = line_end(chunk);
            let (head, rest) = chunk.split_at(end.unwrap_or(chunk.len()));
            if self.skip == Skip::None {
                if self.line.len() + head.len() > LINE_CAP {
                    *self = Self { state: State::GivenUp, ..Self::default() };
                    return;
                }
                if end.is_some() && self.line.is_empty() {
                    self.take_line(head, &want, &mut each);
                } else {
                    self.keep(head, &want);
                    if end.is_some() && self.skip == Skip::None {
                        let line = std::mem::take(&mut self.line);
                        self.take_line(&line, &want, &mut each);
                        self.line = line;
                    }
                }
            }
            let Some(mark) = rest.first() else { return };
            self.after_cr = *mark == b'\r';
            self.skip = Skip::None;
            self.line.clear();
            chunk = rest.get(1..).unwrap_or_default();
        }
    }

    /// Whether the scan was ended by an oversized line.
    pub fn has_given_up(&self) -> bool {
        self.state == State::GivenUp
    }

    /// Collects part of a line, unless it is data nobody wants.
    fn keep(&mut self, part: &[u8], want: &impl Fn(&str) -> Want) {
        self.line.extend_from_slice(part);
        if self.line.starts_with(b"data:") && !self.name.is_empty() && want(&self.name) == Want::Name {
            self.has_data = true;
            self.line.clear();
            self.skip = Skip::Line;
        }
    }

    fn take_line(&mut self, line: &[u8], want: &impl Fn(&str) -> Want, each: &mut impl FnMut(Event<'_>)) {
        if line.is_empty() {
            if self.has_data || !self.name.is_empty() {
                each(Event { name: &self.name, data: &self.data });
            }
            self.name.clear();
            self.data.clear();
            // A single huge event must not keep its memory for the rest of a long stream.
            if self.data.capacity() > 64 * 1024 {
                self.data = Vec::new();
            }
            self.has_data = false;
        } else if let Some(value) = field(line, b"data") {
            if !self.name.is_empty() && want(&self.name) == Want::Name {
                self.has_data = true;
                return;
            }
            if self.has_data {
                self.data.push(b'\n');
            }
            self.has_data = true;
            if self.data.len() + value.len() <= LINE_CAP {
                self.data.extend_from_slice(value);
            }
        } else if let Some(value) = field(line, b"event") {
            self.name.clear();
            self.name.push_str(&String::from_utf8_lossy(value));
        }
    }
}

fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(name)?.strip_prefix(b":")?;
    Some(rest.strip_prefix(b" ").unwrap_or(rest))
}

/// Position of the first line end. Whole blocks are tested without an early exit, which the compiler turns into
/// vector code: this pass is the cost of a relayed byte.
fn line_end(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = 64;
    let is_end = |byte: &u8| *byte == b'\n' || *byte == b'\r';
    let mut skipped = 0;
    for block in bytes.chunks(BLOCK) {
        if block.iter().fold(false, |found, byte| found | is_end(byte)) {
            return block.iter().position(is_end).map(|at| skipped + at);
        }
        skipped += block.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(chunks: &[&[u8]]) -> Vec<(String, String)> {
        let mut scan = Scan::default();
        let mut seen = Vec::new();
        for chunk in chunks {
            scan.feed(
                chunk,
                |_| Want::Data,
                |event| {
                    seen.push((event.name.to_owned(), String::from_utf8_lossy(event.data).into_owned()));
                },
            );
        }
        seen
    }

    fn pair(name: &str, data: &str) -> (String, String) {
        (name.to_owned(), data.to_owned())
    }

    #[test]
    fn every_line_end_and_field_form_is_read() {
        for (case, text, expected) in [
            ("lf", "event: a\ndata: 1\n\n", vec![pair("a", "1")]),
            ("crlf", "event: a\r\ndata: 1\r\n\r\n", vec![pair("a", "1")]),
            ("cr", "event: a\rdata: 1\r\r", vec![pair("a", "1")]),
            ("no space", "event:a\ndata:1\n\n", vec![pair("a", "1")]),
            ("many data lines", "data: 1\ndata: 2\n\n", vec![pair("", "1\n2")]),
            ("comments", ": hi\n\ndata: 1\n\n: bye\n\n", vec![pair("", "1")]),
            ("unfinished", "data: 1\n", vec![]),
        ] {
            assert_eq!(scan(&[text.as_bytes()]), expected, "{case}");
        }
    }

    #[test]
    fn the_cut_of_the_chunks_does_not_matter() {
        let text =
            b"event: response.created\r\ndata: {\"a\":1}\r\n\r\n: ping\n\nevent: x\ndata: 1\ndata: 2\n\n";
        let whole = scan(&[text]);

        for at in 0..text.len() {
            let (left, right) = text.split_at(at);
            assert_eq!(scan(&[left, right]), whole, "cut at {at}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(scan(&bytes), whole);
    }

    #[test]
    fn unwanted_data_is_not_kept() {
        let mut scan = Scan::default();
        let mut seen = Vec::new();

        for chunk in [&b"event: delta\nda"[..], b"ta: long ", b"text\n\nevent: end\ndata: 1\n\n"] {
            scan.feed(
                chunk,
                |name| if name == "delta" { Want::Name } else { Want::Data },
                |event| seen.push((event.name.to_owned(), event.data.to_vec())),
            );
        }

        assert_eq!(seen, [("delta".to_owned(), vec![]), ("end".to_owned(), b"1".to_vec())]);
    }

    #[test]
    fn an_oversized_line_ends_the_scan_quietly() {
        let mut scan = Scan::default();
        let huge = vec![b'x'; LINE_CAP + 1];

        scan.feed(&huge, |_| Want::Data, |_| panic!("no event"));
        scan.feed(b"\n\ndata: 1\n\n", |_| Want::Data, |_| panic!("no event"));

        assert!(scan.has_given_up());
    }
}

//! Tables as CSV (RFC 4180).

/// A header and its records, each line ended; what needs quotes gets them.
pub fn table(header: &[&str], records: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(header);
    for record in records {
        let _ = writer.write_record(record.iter().map(|cell| defused(cell).into_owned()));
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// A cell that a spreadsheet would run as a formula begins with a quote instead.
fn defused(cell: &str) -> std::borrow::Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}").into() } else { cell.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_quotes_gets_them_and_nothing_runs() {
        let records = [["a,b", "1"], ["say \"hi\"", "2"], ["two\nlines", "3"], ["=1+1", "4"]];
        let text = table(&["key", "n"], records.map(|record| record.map(str::to_owned).to_vec()));

        assert_eq!(text, "key,n\n\"a,b\",1\n\"say \"\"hi\"\"\",2\n\"two\nlines\",3\n'=1+1,4\n");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let keys: Vec<String> = reader.records().map(|record| record.unwrap()[0].to_owned()).collect();
        assert_eq!(keys, ["a,b", "say \"hi\"", "two\nlines", "'=1+1"]);
    }
}

//! `ext/quota-past.json`: figures of short windows over the last hours, for the chart of an account. Ours alone;
//! losing it loses a picture.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::base::{Moment, Percent};
use crate::domain::account::AccountKey;
use crate::domain::chronicle::{BACK, Point, grown, points};
use crate::domain::quota::snapshot::Snapshot;

/// Reads the file; a damaged one counts as empty.
pub fn read(text: &str) -> BTreeMap<AccountKey, Vec<Point>> {
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    let records = document.get("records").and_then(Value::as_object).into_iter().flatten();
    records
        .map(|(key, rows)| {
            let rows = rows.as_array().into_iter().flatten().filter_map(point).collect();
            (AccountKey::new(key), rows)
        })
        .collect()
}

/// Puts observations in; `None` when they say nothing new, so that nothing needs to be written.
pub fn merge(text: Option<&str>, observations: &[(AccountKey, Snapshot)], at: Moment) -> Option<String> {
    let mut known = text.map(read).unwrap_or_default();
    let mut changed = false;
    for (key, snapshot) in observations {
        for new in points(snapshot) {
            let old = known.get(key).map(Vec::as_slice).unwrap_or_default();
            if let Some(all) = grown(old, new) {
                known.insert(key.clone(), all);
                changed = true;
            }
        }
    }
    if !changed {
        return None;
    }
    known.retain(|_, rows| rows.last().is_some_and(|last| at.since(last.at) <= BACK));
    let records: Map<String, Value> = known
        .iter()
        .map(|(key, rows)| {
            let rows: Vec<Value> =
                rows.iter().map(|row| json!([row.at.millis(), row.minutes, row.used.value()])).collect();
            (key.as_str().to_owned(), Value::from(rows))
        })
        .collect();
    Some(format!("{}\n", json!({ "version": 1, "records": records })))
}

fn point(row: &Value) -> Option<Point> {
    let at = row.get(0)?.as_i64()?;
    let minutes = u32::try_from(row.get(1)?.as_u64()?).ok()?;
    let used = row.get(2)?.as_f64()?;
    Some(Point { at: Moment::from_millis(at), minutes, used: Percent::new(used) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Span;
    use crate::domain::quota::window::Window;

    fn seen(at: Moment, minutes: u32, used: f64) -> Vec<(AccountKey, Snapshot)> {
        let window = Window { minutes: Some(minutes), used: Some(Percent::new(used)), ..Window::default() };
        vec![(AccountKey::new("record:a"), Snapshot { at, primary: Some(window), ..Snapshot::default() })]
    }

    #[test]
    fn figures_come_back_as_they_were_kept_and_a_week_is_no_chart() {
        let at = Moment::from_secs(90_000);
        let text = merge(None, &seen(at, 300, 12.5), at).unwrap();

        assert_eq!(merge(Some(&text), &seen(at + Span::seconds(5), 300, 12.5), at), None);
        assert_eq!(merge(None, &seen(at, 10_080, 12.5), at), None);
        let later = at + Span::minutes(10);
        let text = merge(Some(&text), &seen(later, 300, 20.0), later).unwrap();

        let rows = &read(&text)[&AccountKey::new("record:a")];
        let figures: Vec<(Moment, f64)> = rows.iter().map(|row| (row.at, row.used.value())).collect();
        assert_eq!(figures, [(at, 12.5), (later, 20.0)]);
    }

    #[test]
    fn a_damaged_file_is_an_empty_one() {
        for text in ["", "[]", "{\"records\":5}", "{\"records\":{\"a\":[[1],[\"x\",2,3]]}}"] {
            assert!(read(text).values().all(Vec::is_empty), "{text}");
        }
    }
}

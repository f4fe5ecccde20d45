//! One line of columns, scaled to the highest; an empty bucket is a blank.

const EIGHTHS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// The line as text.
pub fn sparkline(buckets: &[u32]) -> String {
    let highest = buckets.iter().copied().max().unwrap_or(0);
    buckets.iter().map(|value| column(*value, highest)).collect()
}

fn column(value: u32, highest: u32) -> &'static str {
    if value == 0 || highest == 0 {
        return " ";
    }
    let step = (u64::from(value) * 8).div_ceil(u64::from(highest)).clamp(1, 8) - 1;
    usize::try_from(step).ok().and_then(|step| EIGHTHS.get(step)).copied().unwrap_or(" ")
}

/// Rows of a chart, highest first: each column is filled from below in eighths of a cell.
pub fn bars(buckets: &[u32], top: u32, rows: u16) -> Vec<String> {
    let units = u64::from(rows) * 8;
    (0..rows)
        .rev()
        .map(|row| {
            let floor = u64::from(row) * 8;
            buckets
                .iter()
                .map(|value| {
                    let high = (u64::from(*value) * units).div_ceil(u64::from(top.max(1)));
                    match high.saturating_sub(floor).min(8) {
                        0 => " ",
                        step => usize::try_from(step - 1)
                            .ok()
                            .and_then(|at| EIGHTHS.get(at))
                            .copied()
                            .unwrap_or(" "),
                    }
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_scaled_to_the_highest_and_nothing_is_blank() {
        assert_eq!(sparkline(&[0, 1, 4, 8]), " ▁▄█");
        assert_eq!(sparkline(&[0, 0]), "  ");
        assert_eq!(sparkline(&[]), "");
    }

    #[test]
    fn a_chart_stacks_full_cells_below_a_partial_one() {
        assert_eq!(bars(&[4, 2, 1, 0], 4, 2), ["█   ", "██▄ "]);
    }
}

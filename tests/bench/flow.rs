//! P6 and P7: one stream as fast as it goes.

use std::time::Instant;

use color_eyre::Result;
use color_eyre::eyre::ensure;
use http_body_util::BodyExt as _;

use crate::stage::{Stage, Way, dial, on_runtime, post, processor};
use crate::traffic::compare;
use crate::{Figure, Plan};

/// Bytes of a run, and of its events.
const FAT: (u64, usize) = (128 << 20, 4_096);
const THIN: (u64, usize) = (24 << 20, 250);

/// P6 and P7.
pub(crate) fn fat(plan: &Plan) -> Result<Vec<Figure>> {
    let stage = Stage::set(plan)?;
    let (ours, other) = (&stage.ours.way, &stage.other.way);
    let pairs = plan.pairs.min(15);
    let speed = |way: &Way| {
        let start = Instant::now();
        stream(way, FAT)?;
        Ok(vec![megabytes(FAT) / start.elapsed().as_secs_f64()])
    };
    let cost = |way: &Way, size: (u64, usize)| {
        let before = processor(way.pid)?;
        stream(way, size)?;
        Ok(vec![(processor(way.pid)? - before) * 1_024.0 / megabytes(size)])
    };
    let [quick, _] = compare(pairs, ours, other, speed)?;
    let [fat, _] = compare(pairs, ours, other, |way| cost(way, FAT))?;
    let [thin, _] = compare(pairs, ours, other, |way| cost(way, THIN))?;
    let name = stage.other.name;
    Ok(vec![
        Figure::of("P6", &format!("one stream of 4 KiB events, MB/s ÷ {name}"), "≥ 1.0", quick, "MB/s"),
        Figure::ratio("P6", &format!("the same, processor time per GB ÷ {name}"), "≤ 1.0", fat),
        Figure::ratio(
            "P7",
            &format!("one stream of 250 B events, processor time per GB ÷ {name}"),
            "≤ 3",
            thin,
        ),
    ])
}

fn megabytes(size: (u64, usize)) -> f64 {
    f64::from(u32::try_from(size.0 >> 20).unwrap_or(u32::MAX))
}

fn stream(way: &Way, (bytes, event): (u64, usize)) -> Result<()> {
    let asked = [("x-bench-fat", bytes.to_string()), ("x-bench-size", event.to_string())];
    on_runtime(async {
        let mut sender = dial(way.port).await?;
        let answer = sender.send_request(post(way, "fat", &asked)?).await?;
        ensure!(answer.status() == 200, "answered with {}", answer.status());
        let mut body = answer.into_body();
        let mut seen = 0_u64;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            seen += data.len() as u64;
        }
        ensure!(seen >= bytes, "{seen} of {bytes} bytes arrived");
        Ok(())
    })
}

//! The run as a picture.

use std::path::Path;

use anyhow::Context as _;
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::samples::{Sample, Samples};
use crate::trouble::Suffered;

const SIZE: (u32, u32) = (960, 720);
const FONT: &str = "sans-serif";
/// Seconds that rates are taken over.
const WINDOW: usize = 5;
/// As many points make a line; more can't be seen.
const POINTS: usize = 300;

type Panel<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A line and its name.
struct Line {
    name: &'static str,
    points: Vec<(f64, f64)>,
}

fn minutes(sample: &Sample) -> f64 {
    sample.at.as_secs_f64() / 60.0
}

fn thin(samples: &Samples) -> usize {
    samples.0.len().div_ceil(POINTS).max(1)
}

impl Line {
    fn of(name: &'static str, samples: &Samples, value: fn(&Sample) -> f64) -> Self {
        let points = samples.0.iter().map(|sample| (minutes(sample), value(sample)));
        Self { name, points: points.step_by(thin(samples)).collect() }
    }

    /// How fast a count rose.
    fn rate(name: &'static str, samples: &Samples, count: fn(&Sample) -> u64) -> Self {
        let pairs = samples.0.iter().zip(samples.0.iter().skip(WINDOW));
        let points = pairs.map(|(before, after)| {
            let seconds = after.at.saturating_sub(before.at).as_secs_f64();
            (minutes(after), count(after).saturating_sub(count(before)) as f64 / seconds)
        });
        Self { name, points: points.step_by(thin(samples)).collect() }
    }
}

/// Draws memory, answers and updates over time, with what was killed, to an SVG file.
pub(crate) fn draw(path: &Path, samples: &Samples, suffered: &[Suffered]) -> anyhow::Result<()> {
    let memory = [
        Line::of("gateway", samples, |sample| sample.gateway),
        Line::of("consumer", samples, |sample| sample.consumer),
    ];
    let answers = [Line::rate("queries answered", samples, |sample| sample.answered)];
    let updates = [
        Line::rate("updates received", samples, |sample| sample.updates),
        Line::rate("messages taken by Kafka", samples, |sample| sample.taken),
    ];
    let all = SVGBackend::new(path, SIZE).into_drawing_area();
    all.fill(&WHITE)?;
    let (above, below) = all.split_vertically(SIZE.1 / 2);
    panel(&above, "MiB", &memory, suffered)?;
    let halves = below.split_evenly((2, 1));
    panel(&halves[0], "per second", &answers, suffered)?;
    panel(&halves[1], "per second", &updates, suffered)?;
    all.present().with_context(|| format!("{} can't be written", path.display()))
}

fn panel(area: &Panel<'_>, unit: &str, lines: &[Line], suffered: &[Suffered]) -> anyhow::Result<()> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let end = points().map(|(at, _)| *at).fold(0.1, f64::max);
    let top = points().map(|(_, value)| *value).fold(1.0, f64::max) * 1.5;
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .x_label_area_size(32)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..end, 0.0..top)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .label_style((FONT, 12))
        .x_desc("minutes")
        .y_desc(unit)
        .draw()?;
    for one in suffered {
        let at = one.at.as_secs_f64() / 60.0;
        chart.draw_series([PathElement::new([(at, 0.0), (at, top)], BLACK.mix(0.3))])?;
        chart.draw_series([Text::new(one.what, (at, top * 0.98), (FONT, 11))])?;
    }
    for (number, line) in lines.iter().enumerate() {
        let colour = Palette99::pick(number).to_rgba();
        chart
            .draw_series(LineSeries::new(line.points.iter().copied(), colour))?
            .label(line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .label_font((FONT, 12))
        .draw()?;
    Ok(())
}

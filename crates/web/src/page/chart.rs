//! Plots as SVG, drawn on the server. Colours are those of the style sheet, so that dark screens get dark plots.

use maud::{Markup, PreEscaped, html};
use model::Timestamp;
use plotters::prelude::*;

use super::layout;

/// A stacked bar: its beginning in Unix milliseconds, and the height of each series.
pub(crate) type Bar = (i64, Vec<u64>);

/// What a plot shows.
pub(crate) struct Plot<'a> {
    /// What a screen reader says instead.
    pub(crate) label: &'a str,
    /// The names of the series.
    pub(crate) series: &'a [&'a str],
    pub(crate) bars: &'a [Bar],
    /// The stretch of time in Unix milliseconds.
    pub(crate) range: (i64, i64),
    /// The width of a bar in milliseconds.
    pub(crate) step_ms: i64,
}

const SIZE: (u32, u32) = (960, 240);
/// The plot's own colours, which the style sheet replaces by name.
const COLOURS: [RGBColor; 4] = [
    RGBColor(1, 1, 1),
    RGBColor(1, 1, 2),
    RGBColor(1, 1, 3),
    RGBColor(1, 1, 4),
];
/// Where the bars lie, in pixels: left, right, top, bottom.
const LEFT: i64 = 56;
const RIGHT: i64 = 950;

/// The plot with its legend. `zoom` makes the address for a stretch of time that is clicked.
pub(crate) fn bars(plot: &Plot<'_>, zoom: Option<&dyn Fn(i64, i64) -> String>) -> Markup {
    let total: u64 = plot.bars.iter().flat_map(|(_, parts)| parts).sum();
    let Ok(svg) = draw(plot) else {
        return html! { p { "The plot cannot be drawn." } };
    };
    // What has links inside is no picture to a screen reader.
    let role = if zoom.is_some() { "group" } else { "img" };
    let svg = svg.replace(
        "<svg ",
        &format!(
            "<svg role=\"{role}\" aria-label=\"{}\" ",
            escape(plot.label)
        ),
    );
    let svg = match zoom {
        Some(zoom) => svg.replace("</svg>", &format!("{}</svg>", links(plot, zoom))),
        None => svg,
    };
    html! {
        figure.chart {
            div.scroll tabindex="0" role="region" aria-label=(plot.label) { (PreEscaped(svg)) }
            figcaption {
                @for (index, name) in plot.series.iter().enumerate() {
                    span.key { span class={ "swatch s" (index) } {} (name) }
                }
                span.quiet { (plot.label) ": " (total) " in all" }
            }
        }
    }
}

fn escape(text: &str) -> String {
    html! { (text) }.into_string()
}

fn draw(plot: &Plot<'_>) -> Result<String, Box<dyn std::error::Error>> {
    let mut svg = String::new();
    let highest = plot
        .bars
        .iter()
        .map(|(_, parts)| parts.iter().sum::<u64>())
        .max()
        .unwrap_or(0)
        .max(1);
    let (from, until) = plot.range;
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin_left(6)
            .margin_right(10)
            .margin_top(10)
            .x_label_area_size(30)
            .y_label_area_size(50)
            .build_cartesian_2d(from..until.max(from + 1), 0_u64..highest + highest / 10 + 1)?;
        let is_long = until - from > 3 * 86_400_000;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(2, 2, 2))
            .axis_style(RGBColor(2, 2, 2))
            .label_style(("sans-serif", 13).into_font().color(&RGBColor(2, 2, 3)))
            .x_labels(8)
            .y_labels(4)
            .x_label_formatter(&|at| label(*at, is_long))
            .draw()?;
        for (start, parts) in plot.bars {
            let mut below = 0;
            for (part, colour) in parts.iter().zip(COLOURS.iter().cycle()) {
                if *part > 0 {
                    let end = start + plot.step_ms - plot.step_ms / 8;
                    let corners = [(*start, below), (end, below + part)];
                    chart.draw_series(std::iter::once(Rectangle::new(corners, colour.filled())))?;
                    below += part;
                }
            }
        }
        area.present()?;
    }
    Ok(svg)
}

fn label(at: i64, is_long: bool) -> String {
    let format = if is_long { "%d %b" } else { "%d %b %H:%M" };
    jiff::Timestamp::from_millisecond(at)
        .map_or_else(|_| String::new(), |time| time.strftime(format).to_string())
}

/// Clear rectangles over the bars that lead to their stretch of time.
fn links(plot: &Plot<'_>, zoom: &dyn Fn(i64, i64) -> String) -> String {
    let (from, until) = plot.range;
    let width = (until - from).max(1);
    let place =
        |at: i64| LEFT + (at.clamp(from, until) - from).saturating_mul(RIGHT - LEFT) / width;
    plot.bars
        .iter()
        .map(|(start, parts)| {
            let end = start + plot.step_ms;
            let (left, right) = (place(*start), place(end));
            let title = format!("{}: {}", layout::iso(Timestamp(*start)), parts.iter().sum::<u64>());
            html! {
                a href=(zoom(*start, end)) aria-label={ "Zoom to " (title) } {
                    rect.zoom x=(left) y="10" width=((right - left).max(2)) height="200" { title { (title) } }
                }
            }
            .into_string()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_has_a_bar_for_each_part_and_a_link_for_each_bar() {
        let plot = Plot {
            label: "a \"quoted\" <label>",
            series: &["one", "two"],
            bars: &[(0, vec![1, 2]), (3_600_000, vec![0, 5])],
            range: (0, 7_200_000),
            step_ms: 3_600_000,
        };
        let page = bars(
            &plot,
            Some(&|from, until| format!("/h?from={from}&until={until}")),
        )
        .into_string();
        assert_eq!(page.matches("#010101").count(), 1, "{page}");
        assert_eq!(page.matches("#010102").count(), 2, "{page}");
        assert_eq!(page.matches("<a href=\"/h?from=").count(), 2, "{page}");
        assert!(!page.contains("<label>"), "{page}");
    }

    #[test]
    fn an_empty_plot_is_drawn() {
        let plot = Plot {
            label: "none",
            series: &[],
            bars: &[],
            range: (5, 5),
            step_ms: 1,
        };
        assert!(bars(&plot, None).into_string().contains("<svg"));
    }
}

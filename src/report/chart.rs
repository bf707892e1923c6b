//! A chart as SVG that stands alone: lines over runs, with intervals. It is readable in light and dark, and
//! without colours by its dashes and titles.

use std::io;

use super::xml;

const WIDTH: f64 = 880.0;
/// The height without the legend.
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 860.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 344.0;
/// The height of a line of the legend.
const LEGEND: f64 = 20.0;
/// Half the width of a whisker's end.
const CAP: f64 = 4.0;
/// Runs that are named below the axis.
const MOST_NAMES: usize = 6;

const COLORS: [&str; 8] = ["#2f81f7", "#c4621b", "#2da44e", "#bf4b8a", "#8957e5", "#9a7500", "#0e8f8f", "#cf3a44"];
const DASHES: [&str; 4] = ["none", "7 4", "2 3", "9 3 2 3"];

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#1f2328}.back{fill:#fff}.rule{stroke:#8c959f;\
stroke-opacity:.35}.axis{stroke:#8c959f}.line{fill:none;stroke-width:2}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.back{fill:#0d1117}}";

/// What is drawn.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// The ends of the upright axis.
    pub scale: (f64, f64),
    /// Values on that axis, with their words.
    pub ticks: Vec<(f64, String)>,
    /// What is said below each run, oldest first.
    pub names: Vec<String>,
    /// The lines.
    pub lines: Vec<Line>,
}

/// One line.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// What it is called.
    pub name: String,
    /// Its points, oldest first.
    pub marks: Vec<Mark>,
}

/// One point.
#[derive(Debug, Clone, Default)]
pub struct Mark {
    /// Which run, from 0.
    pub at: usize,
    /// The value.
    pub value: f64,
    /// Its interval.
    pub ci: Option<[f64; 2]>,
    /// All of it in words.
    pub title: String,
}

impl Chart {
    /// The chart as SVG.
    ///
    /// # Errors
    /// When memory cannot be written.
    pub fn svg(&self) -> io::Result<String> {
        let mut pen = Pen { out: Vec::new() };
        let height = HEIGHT + LEGEND * float(self.lines.len());
        let (wide, high) = (number(WIDTH), number(height));
        let frame = format!("0 0 {wide} {high}");
        let space = ("xmlns", "http://www.w3.org/2000/svg");
        xml::open(
            &mut pen.out,
            "svg",
            &[space, ("viewBox", &frame), ("width", &wide), ("height", &high), ("role", "img")],
        )?;
        pen.around("title", &[], &self.title)?;
        pen.around("style", &[], STYLE)?;
        xml::empty(&mut pen.out, "rect", &[("class", "back"), ("width", &wide), ("height", &high)])?;
        pen.words(LEFT, 26.0, "start", &self.title)?;
        self.axes(&mut pen)?;
        for (n, line) in self.lines.iter().enumerate() {
            self.line(n, line, &mut pen)?;
        }
        xml::close(&mut pen.out, "svg")?;
        Ok(String::from_utf8_lossy(&pen.out).into_owned())
    }

    fn axes(&self, pen: &mut Pen) -> io::Result<()> {
        pen.stroke("axis", (LEFT, TOP), (LEFT, BOTTOM))?;
        pen.stroke("axis", (LEFT, BOTTOM), (RIGHT, BOTTOM))?;
        for (value, words) in &self.ticks {
            let y = self.y(*value);
            pen.stroke("rule", (LEFT, y), (RIGHT, y))?;
            pen.words(LEFT - 8.0, y + 4.0, "end", words)?;
        }
        let step = self.names.len().div_ceil(MOST_NAMES).max(1);
        for (at, name) in self.names.iter().enumerate().step_by(step) {
            let x = self.x(at);
            pen.stroke("axis", (x, BOTTOM), (x, BOTTOM + 4.0))?;
            pen.words(x, BOTTOM + 20.0, "middle", name)?;
        }
        Ok(())
    }

    fn line(&self, n: usize, line: &Line, pen: &mut Pen) -> io::Result<()> {
        let (color, dash) = (COLORS[n % COLORS.len()], DASHES[n / COLORS.len() % DASHES.len()]);
        xml::open(&mut pen.out, "g", &[("stroke", color), ("fill", color)])?;
        pen.around("title", &[], &line.name)?;
        let place = |mark: &Mark| format!("{},{}", number(self.x(mark.at)), number(self.y(mark.value)));
        let places = line.marks.iter().map(place).collect::<Vec<_>>().join(" ");
        xml::empty(&mut pen.out, "polyline", &[("class", "line"), ("stroke-dasharray", dash), ("points", &places)])?;
        for mark in &line.marks {
            self.mark(mark, pen)?;
        }
        let y = HEIGHT + LEGEND * float(n) - 8.0;
        xml::empty(
            &mut pen.out,
            "polyline",
            &[
                ("class", "line"),
                ("stroke-dasharray", dash),
                ("points", &format!("{},{y} {},{y}", number(LEFT), number(LEFT + 28.0))),
            ],
        )?;
        xml::close(&mut pen.out, "g")?;
        pen.words(LEFT + 38.0, y + 4.0, "start", &line.name)
    }

    fn mark(&self, mark: &Mark, pen: &mut Pen) -> io::Result<()> {
        let (x, y) = (self.x(mark.at), self.y(mark.value));
        if let Some(ends) = mark.ci {
            let [low, high] = ends.map(|end| self.y(end));
            pen.stroke("whisker", (x, low), (x, high))?;
            for end in [low, high] {
                pen.stroke("whisker", (x - CAP, end), (x + CAP, end))?;
            }
        }
        xml::open(&mut pen.out, "circle", &[("cx", &number(x)), ("cy", &number(y)), ("r", "3.5")])?;
        pen.around("title", &[], &mark.title)?;
        xml::close(&mut pen.out, "circle")
    }

    fn x(&self, at: usize) -> f64 {
        let places = self.names.len().max(1);
        LEFT + (RIGHT - LEFT) * (float(at) + 0.5) / float(places)
    }

    /// What lies beyond the scale is drawn at its end.
    fn y(&self, value: f64) -> f64 {
        let (low, high) = self.scale;
        let share = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
        BOTTOM - (BOTTOM - TOP) * share
    }
}

/// Writes elements.
struct Pen {
    out: Vec<u8>,
}

impl Pen {
    fn around(&mut self, name: &str, attributes: &xml::Attributes<'_>, text: &str) -> io::Result<()> {
        xml::open(&mut self.out, name, attributes)?;
        xml::text(&mut self.out, text)?;
        xml::close(&mut self.out, name)
    }

    fn words(&mut self, x: f64, y: f64, anchor: &str, text: &str) -> io::Result<()> {
        self.around("text", &[("x", &number(x)), ("y", &number(y)), ("text-anchor", anchor)], text)
    }

    fn stroke(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) -> io::Result<()> {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(number);
        xml::empty(&mut self.out, "line", &[("class", class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)])
    }
}

/// A coordinate.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "a few lines and runs")]
fn float(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::fixture::{Element, parse};

    fn chart(name: &str, value: f64) -> Chart {
        let mark = Mark { at: 0, value, ci: Some([value, f64::MAX]), title: name.into() };
        Chart {
            title: name.into(),
            scale: (0.0, 1.0),
            ticks: vec![(0.0, "0 %".into()), (1.0, "100 %".into())],
            names: vec![name.into()],
            lines: vec![Line { name: name.into(), marks: vec![mark] }, Line::default()],
        }
    }

    fn coordinates(element: &Element) -> Vec<f64> {
        let plain = ["x", "y", "cx", "cy", "x1", "x2", "y1", "y2"].map(|name| element.get(name).to_owned());
        let points = element.get("points").split([' ', ',']).map(str::to_owned);
        let own = plain.into_iter().chain(points).filter(|text| !text.is_empty()).map(|text| text.parse().unwrap());
        own.chain(element.children.iter().flat_map(coordinates)).collect()
    }

    proptest! {
        #[test]
        fn every_chart_is_well_formed_and_within_its_frame(name in any::<String>(), value in 0.0f64..1.0) {
            let root = parse(chart(&name, value).svg().unwrap().as_bytes());
            prop_assert_eq!(root.name.as_str(), "svg");
            let far = coordinates(&root).into_iter().find(|place| !(0.0..=WIDTH).contains(place));
            prop_assert_eq!(far, None);
        }
    }
}

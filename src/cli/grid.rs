//! Rows and columns of text that fit the terminal.

use console::measure_text_width;

use super::screen::Screen;

/// Blanks between columns.
const GAP: usize = 2;

/// A table whose columns can be narrowed and left out.
#[derive(Default)]
pub(super) struct Grid {
    columns: Vec<Column>,
}

struct Column {
    name: &'static str,
    right: bool,
    cells: Vec<String>,
}

impl Column {
    fn width(&self) -> usize {
        self.cells.iter().map(|cell| measure_text_width(cell)).max().unwrap_or(0).max(self.name.len())
    }

    fn line(&self, text: &str, width: usize) -> String {
        let blank = " ".repeat(width.saturating_sub(measure_text_width(text)));
        if self.right { format!("{blank}{text}") } else { format!("{text}{blank}") }
    }
}

/// What gives way where the terminal is narrow.
pub(super) type Step = fn(&mut Grid, &Screen);

impl Grid {
    /// The same, as narrow as the terminal where these steps can make it so.
    pub(super) fn fitting(mut self, steps: &[Step], screen: &Screen) -> Self {
        for step in steps {
            if self.width() > screen.width {
                step(&mut self, screen);
            }
        }
        self
    }

    /// Adds a column of words.
    pub(super) fn words(&mut self, name: &'static str, cells: Vec<String>) {
        self.columns.push(Column { name, right: false, cells });
    }

    /// Adds a column of numbers.
    pub(super) fn numbers(&mut self, name: &'static str, cells: Vec<String>) {
        self.columns.push(Column { name, right: true, cells });
    }

    /// Leaves out a column.
    pub(super) fn without(&mut self, name: &str) {
        self.columns.retain(|column| column.name != name);
    }

    /// Leaves out the columns that say nothing in any row, but not that of this name.
    pub(super) fn without_idle(&mut self, but: &str, says_nothing: impl Fn(&str) -> bool) {
        self.columns.retain(|column| column.name == but || !column.cells.iter().all(|cell| says_nothing(cell)));
    }

    /// Changes the cells of a column.
    pub(super) fn rewrite(&mut self, name: &str, change: impl Fn(&str) -> String) {
        for column in self.columns.iter_mut().filter(|column| column.name == name) {
            column.cells.iter_mut().for_each(|cell| *cell = change(cell));
        }
    }

    /// Cuts the texts of a column until the grid fits, but not below `least`.
    pub(super) fn shorten(&mut self, name: &str, least: usize, screen: &Screen) {
        let over = self.width().saturating_sub(screen.width);
        let Some(column) = self.columns.iter().find(|column| column.name == name) else { return };
        let most = column.width().saturating_sub(over).max(least);
        self.rewrite(name, |cell| screen.line(cell, most));
    }

    /// How wide it is.
    pub(super) fn width(&self) -> usize {
        let gaps = GAP * self.columns.len().saturating_sub(1);
        self.columns.iter().map(Column::width).sum::<usize>() + gaps
    }

    /// Prints it.
    pub(super) fn show(&self, screen: &Screen) {
        self.show_with("", screen);
    }

    /// Prints it with something before each line.
    pub(super) fn show_with(&self, indent: &str, screen: &Screen) {
        let rows = self.columns.first().map_or(0, |column| column.cells.len());
        let widths: Vec<usize> = self.columns.iter().map(Column::width).collect();
        let join = |cell: &dyn Fn(&Column) -> String| {
            let cells: Vec<String> =
                self.columns.iter().zip(&widths).map(|(column, width)| column.line(&cell(column), *width)).collect();
            format!("{indent}{}", cells.join(&" ".repeat(GAP))).trim_end().to_owned()
        };
        let mut lines = vec![join(&|column| column.name.to_owned())];
        lines.extend((0..rows).map(|row| join(&|column| column.cells[row].clone())));
        screen.out(&lines.join("\n"));
    }
}

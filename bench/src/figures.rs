//! Figures of several rounds.

use std::fmt;

/// The median of several measurements, with the least and the greatest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The middle one; of an even number, the lower of the two.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

impl Figure {
    /// Of at least one measurement.
    #[must_use]
    pub fn of(measured: &[f64]) -> Option<Self> {
        let mut sorted = measured.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let median = *sorted.get(sorted.len().checked_sub(1)? / 2)?;
        Some(Self { median, least: *sorted.first()?, greatest: *sorted.last()? })
    }
}

/// `median [least–greatest]`, with the precision of the format, else as whole numbers.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(0);
        write!(f, "{:.digits$} [{:.digits$}–{:.digits$}]", self.median, self.least, self.greatest)
    }
}

#[cfg(test)]
mod tests {
    use super::Figure;

    #[test]
    fn the_middle_of_several() {
        assert_eq!(Figure::of(&[]), None);
        assert_eq!(Figure::of(&[3.0, 1.0, 2.0]).map(|figure| figure.to_string()).as_deref(), Some("2 [1–3]"));
        assert_eq!(
            Figure::of(&[0.5, 0.25]).map(|figure| format!("{figure:.2}")).as_deref(),
            Some("0.25 [0.25–0.50]")
        );
    }
}

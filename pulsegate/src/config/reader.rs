use super::{
    layers::Layers,
    mistake::{Mistake, Mistakes},
    parse::Parsed,
    variable::Variable,
};

/// Reads values and collects what is wrong with them, so that all of it can be told at once.
pub(crate) struct Reader<'a> {
    pub(crate) layers: &'a Layers,
    mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(layers: &'a Layers) -> Self {
        Self { layers, mistakes: Vec::new() }
    }

    /// The value; `None` where it is not set, or can't be used, which is noted.
    pub(crate) fn read<T>(
        &mut self,
        variable: &Variable,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> Option<T> {
        let given = self.layers.find(variable)?;
        match parse(&given.text) {
            Ok(value) => Some(value),
            Err(what) => {
                self.note(Mistake::new(given.place, what));
                None
            }
        }
    }

    /// Notes what is wrong with a variable, under the name by which the user set it.
    pub(crate) fn wrong(&mut self, variable: &Variable, what: impl Into<String>) {
        let place = self.layers.find(variable).map_or_else(|| variable.name.to_owned(), |given| given.place);
        self.note(Mistake::new(place, what));
    }

    /// Notes a mistake that somebody else found. What two roles stumble over is told once.
    pub(crate) fn note(&mut self, mistake: Mistake) {
        if !self.mistakes.contains(&mistake) {
            self.mistakes.push(mistake);
        }
    }

    /// `value`, where nothing was wrong.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Mistakes> {
        if self.mistakes.is_empty() { Ok(value) } else { Err(Mistakes(self.mistakes)) }
    }
}

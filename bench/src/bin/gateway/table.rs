//! What came out.

use bench::figures::Figure;

/// What one stretch came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stretch {
    /// Requests per second.
    pub(crate) rate: f64,
    /// Microseconds of the server's processor time per request; none where PostgreSQL itself is the server.
    pub(crate) server: Option<f64>,
    /// Microseconds of PostgreSQL's per request.
    pub(crate) postgres: Option<f64>,
    /// Milliseconds.
    pub(crate) p50: f64,
    /// Milliseconds.
    pub(crate) p99: f64,
    /// MiB of the server, at the end.
    pub(crate) memory: Option<f64>,
}

/// Two things that were measured in turns.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) case: String,
    pub(crate) against: String,
    pub(crate) goal: &'static str,
    pub(crate) ours: Vec<Stretch>,
    pub(crate) theirs: Vec<Stretch>,
}

pub(crate) const HEADING: &str = "\
| case | against | rate / rate | goal | server CPU / CPU | requests/s | against | server µs | against | PostgreSQL µs | against | p50 ms | against | p99 ms | against | MiB |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|";

impl Compared {
    pub(crate) fn row(&self) -> String {
        let (ours, theirs) = (&self.ours, &self.theirs);
        let rate = |stretch: &Stretch| Some(stretch.rate);
        let server = |stretch: &Stretch| stretch.server;
        let postgres = |stretch: &Stretch| stretch.postgres;
        let columns = [
            self.case.clone(),
            self.against.clone(),
            ratio(ours, theirs, rate),
            self.goal.to_owned(),
            ratio(ours, theirs, server),
            figure(ours, rate, 0),
            figure(theirs, rate, 0),
            figure(ours, server, 0),
            figure(theirs, server, 0),
            figure(ours, postgres, 0),
            figure(theirs, postgres, 0),
            figure(ours, |stretch| Some(stretch.p50), 2),
            figure(theirs, |stretch| Some(stretch.p50), 2),
            figure(ours, |stretch| Some(stretch.p99), 2),
            figure(theirs, |stretch| Some(stretch.p99), 2),
            figure(ours, |stretch| stretch.memory, 0),
        ];
        format!("| {} |", columns.join(" | "))
    }
}

/// Taken within each round.
fn ratio(ours: &[Stretch], theirs: &[Stretch], of: impl Fn(&Stretch) -> Option<f64> + Copy) -> String {
    let ratios: Option<Vec<f64>> =
        ours.iter().zip(theirs).map(|(ours, theirs)| Some(of(ours)? / of(theirs)?)).collect();
    shown(ratios, 2)
}

fn figure(of: &[Stretch], value: impl Fn(&Stretch) -> Option<f64>, digits: usize) -> String {
    shown(of.iter().map(value).collect(), digits)
}

fn shown(measured: Option<Vec<f64>>, digits: usize) -> String {
    let figure = measured.and_then(|measured| Figure::of(&measured));
    figure.map_or_else(|| "–".to_owned(), |figure| format!("{figure:.digits$}"))
}

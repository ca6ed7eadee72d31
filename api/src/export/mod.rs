//! Tables for spreadsheets.

mod file_name;
mod table;

pub(crate) use file_name::disposition;
pub(crate) use table::Table;

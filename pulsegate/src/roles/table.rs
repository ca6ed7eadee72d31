use comfy_table::{Table, TableStyle};

/// Rows under a heading, each column as wide as it needs. Text that came from outside can't move the cursor.
pub(super) fn table<const N: usize>(
    heading: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_header(heading);
    table.add_rows(rows.into_iter().map(|row| row.map(|cell| plain(&cell))));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}

/// Without control characters.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other_in_any_script() {
        let rows = [["새해 경품".to_owned(), "1".to_owned()], ["a\u{1b}[2J".to_owned(), "2".to_owned()]];
        let text = table(["NAME", "N"], rows);
        assert_eq!(text, "NAME       N\n새해 경품  1\na [2J      2\n");
    }
}

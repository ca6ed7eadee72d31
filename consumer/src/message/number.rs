//! Decimal numbers as text, read without a detour over binary floating point.

/// The most digits that are kept before the point of a scaled number: all columns hold fewer, and they fit an `i64`.
const MAX_DIGITS: i64 = 18;

/// A number in units of ten to the minus `places`, rounded half-even.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scaled {
    /// It fits an `i64`.
    Units {
        /// The number of units.
        units: i64,
        /// Whether nothing was rounded away.
        exact: bool,
    },
    /// Too large for any column.
    Huge,
}

/// The parts of a number as JSON writes it.
struct Parts<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

/// Reads `text`, which has to be a number as JSON writes it; `None` where it is not.
///
/// Work and memory are linear in the text, whatever its exponent says.
pub(super) fn scaled(text: &str, places: u8) -> Option<Scaled> {
    let parts = split(text.as_bytes())?;
    let digits: Vec<u8> =
        parts.whole.iter().chain(parts.fraction).copied().skip_while(|&digit| digit == b'0').collect();
    if digits.is_empty() {
        return Some(Scaled::Units { units: 0, exact: true });
    }
    let moved = i64::from(places).saturating_sub(length(parts.fraction)).saturating_add(parts.exponent);
    let kept = length(&digits).saturating_add(moved);
    if kept > MAX_DIGITS {
        return Some(Scaled::Huge);
    }
    // The first digit is not 0, so with `kept` below 0 the number is less than a tenth of a unit.
    let Ok(kept) = usize::try_from(kept) else {
        return Some(Scaled::Units { units: 0, exact: false });
    };
    let (head, tail) = digits.split_at(kept.min(digits.len()));
    let zeros = kept - head.len();
    let units = head
        .iter()
        .copied()
        .chain(std::iter::repeat_n(b'0', zeros))
        .fold(0_i64, |units, digit| units * 10 + i64::from(digit - b'0'));
    let exact = tail.iter().all(|&digit| digit == b'0');
    let units = units + i64::from(rounds_up(units, tail));
    Some(Scaled::Units { units: if parts.negative { -units } else { units }, exact })
}

/// Half-even: up above a half, and at exactly a half where that makes the last kept digit even.
fn rounds_up(units: i64, tail: &[u8]) -> bool {
    match tail.split_first() {
        None => false,
        Some((&first, rest)) => {
            first > b'5' || first == b'5' && (units % 2 == 1 || rest.iter().any(|&digit| digit != b'0'))
        }
    }
}

fn length(digits: &[u8]) -> i64 {
    i64::try_from(digits.len()).unwrap_or(i64::MAX)
}

/// The grammar of RFC 8259, section 6.
fn split(text: &[u8]) -> Option<Parts<'_>> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, text) = digits(text);
    if whole.is_empty() || whole.len() > 1 && whole[0] == b'0' {
        return None;
    }
    let (fraction, text) = match text.strip_prefix(b".") {
        Some(rest) => {
            let (fraction, rest) = digits(rest);
            if fraction.is_empty() {
                return None;
            }
            (fraction, rest)
        }
        None => (&[][..], text),
    };
    let exponent = match text.split_first() {
        None => 0,
        Some((b'e' | b'E', rest)) => exponent(rest)?,
        Some(_) => return None,
    };
    Some(Parts { negative, whole, fraction, exponent })
}

fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, text) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let (digits, rest) = digits(text);
    if digits.is_empty() || !rest.is_empty() {
        return None;
    }
    // Far beyond any length that a message can have, the exponent alone decides; saturating keeps that decision.
    let value = digits
        .iter()
        .fold(0_i64, |value, &digit| value.saturating_mul(10).saturating_add(i64::from(digit - b'0')))
        .min(i64::MAX / 4);
    Some(if negative { -value } else { value })
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(text: &str) -> Option<(i64, bool)> {
        match scaled(text, 2)? {
            Scaled::Units { units, exact } => Some((units, exact)),
            Scaled::Huge => panic!("{text} is huge"),
        }
    }

    #[test]
    fn plain_numbers() {
        assert_eq!(cents("0"), Some((0, true)));
        assert_eq!(cents("-0"), Some((0, true)));
        assert_eq!(cents("1500000.00"), Some((150_000_000, true)));
        assert_eq!(cents("12.5"), Some((1250, true)));
        assert_eq!(cents("-7"), Some((-700, true)));
        // Not to be represented in binary.
        assert_eq!(cents("9999999999999.99"), Some((999_999_999_999_999, true)));
        assert_eq!(cents("0.1"), Some((10, true)));
    }

    #[test]
    fn exponents_move_the_point_exactly() {
        assert_eq!(cents("1.5e6"), Some((150_000_000, true)));
        assert_eq!(cents("1.5E+6"), Some((150_000_000, true)));
        assert_eq!(cents("150000e-3"), Some((15_000, true)));
        assert_eq!(cents("123456e-5"), Some((123, false)));
        assert_eq!(cents("0.00000015e9"), Some((15_000, true)));
        assert_eq!(cents("0e99999999999999999999"), Some((0, true)));
        assert_eq!(cents("1e-99999999999999999999"), Some((0, false)));
        assert_eq!(scaled("1e99999999999999999999", 2), Some(Scaled::Huge));
        assert_eq!(scaled("-1e17", 2), Some(Scaled::Huge));
    }

    #[test]
    fn rounding_is_half_even() {
        for (text, expected) in [
            ("0.005", 0),
            ("0.015", 2),
            ("0.025", 2),
            ("0.0250000000000000000000001", 3),
            ("0.035", 4),
            ("-0.015", -2),
            ("-0.025", -2),
            ("-0.004", 0),
            ("1.994", 199),
            ("1.995", 200),
            ("1.9949999999999999999999999999999", 199),
            ("0.0049999", 0),
            ("0.0051", 1),
            ("0.0005", 0),
            ("99.995", 10_000),
        ] {
            assert_eq!(cents(text), Some((expected, false)), "{text}");
        }
    }

    #[test]
    fn many_digits_stay_cheap_and_exact() {
        let text = format!("{}.{}", "1".repeat(13), "9".repeat(100_000));
        assert_eq!(cents(&text), Some((111_111_111_111_200, false)));
        let zeros = format!("0.{}1e100000", "0".repeat(99_999));
        assert_eq!(cents(&zeros), Some((100, true)));
    }

    #[test]
    fn whole_numbers() {
        assert_eq!(scaled("12000", 0), Some(Scaled::Units { units: 12_000, exact: true }));
        assert_eq!(scaled("12.0", 0), Some(Scaled::Units { units: 12, exact: true }));
        assert_eq!(scaled("1.2e1", 0), Some(Scaled::Units { units: 12, exact: true }));
        assert_eq!(scaled("12.5", 0), Some(Scaled::Units { units: 12, exact: false }));
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for text in [
            "", " 1", "1 ", "+1", "-", "01", "-01", ".5", "5.", "1.e2", "1e", "1e+", "1e1.5", "0x10",
            "1,000", "NaN", "Infinity", "1_000", "١", "--1", "1-", "1e5x",
        ] {
            assert_eq!(scaled(text, 2), None, "{text:?}");
        }
    }
}

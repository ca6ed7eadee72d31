use std::ops::{Add, Sub};

use rust_decimal::{Decimal, RoundingStrategy};

/// Rounds half-even to two places and shows both of them (fewer only where 28 digits leave no room), as every figure
/// leaves the service.
#[must_use]
pub fn round2(value: Decimal) -> Decimal {
    let mut rounded = value.round_dp_with_strategy(2, RoundingStrategy::MidpointNearestEven);
    rounded.rescale(2);
    // What rounds up to nothing is no "-0.00".
    if rounded.is_zero() { rounded.abs() } else { rounded }
}

/// A sum that knows whether it has passed what 28 digits hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checked(pub(super) Option<Decimal>);

impl Add for Checked {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.zip(other.0).and_then(|(a, b)| a.checked_add(b)))
    }
}

impl Sub for Checked {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.zip(other.0).and_then(|(a, b)| a.checked_sub(b)))
    }
}

/// `numerator` / `denominator` × `factor`. `None` where the denominator is 0, or where the quotient passes 28 digits.
///
/// The factor comes first where there is room for it, so that a quotient that ends is exact and rounding half-even
/// decides on what is really there.
pub(super) fn ratio(numerator: Checked, denominator: Checked, factor: Decimal) -> Option<Decimal> {
    let (numerator, denominator) = numerator.0.zip(denominator.0)?;
    if denominator.is_zero() {
        return None;
    }
    match numerator.checked_mul(factor) {
        Some(scaled) => scaled.checked_div(denominator),
        None => numerator.checked_div(denominator)?.checked_mul(factor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn checked(text: &str) -> Checked {
        Checked(Some(decimal(text)))
    }

    #[test]
    fn rounds_half_to_even_and_shows_two_places() {
        for (value, rounded) in [
            ("0.005", "0.00"),
            ("0.015", "0.02"),
            ("0.025", "0.02"),
            ("-0.015", "-0.02"),
            ("2.0050000000000000000000001", "2.01"),
            ("100", "100.00"),
            ("-0.004", "0.00"),
            ("1234567890123456789012345678", "1234567890123456789012345678.0"),
        ] {
            assert_eq!(round2(decimal(value)).to_string(), rounded, "{value}");
        }
    }

    #[test]
    fn nothing_is_divided_by_zero() {
        assert_eq!(ratio(checked("1"), checked("0.00"), Decimal::ONE_HUNDRED), None);
        assert_eq!(ratio(checked("0"), checked("0"), Decimal::ONE), None);
    }

    #[test]
    fn a_number_too_large_is_none_and_never_a_panic() {
        let largest = Checked(Some(Decimal::MAX));
        assert_eq!((largest + checked("1")).0, None);
        assert_eq!((Checked(Some(Decimal::MIN)) - checked("1")).0, None);
        assert_eq!(ratio(largest, checked("0.01"), Decimal::ONE_HUNDRED), None);
        assert_eq!(ratio(largest + checked("1"), checked("1"), Decimal::ONE), None);
        // Only the product is too large, not the result.
        assert_eq!(
            ratio(largest, Checked(Some(Decimal::MAX)), Decimal::ONE_HUNDRED),
            Some(Decimal::ONE_HUNDRED)
        );
    }

    #[test]
    fn a_quotient_that_ends_is_exact() {
        // 1 / 800 × 100 = 0.125, which half-even makes 0.12.
        let rate = ratio(checked("1"), checked("800"), Decimal::ONE_HUNDRED).unwrap();
        assert_eq!((rate, round2(rate)), (decimal("0.125"), decimal("0.12")));
    }
}

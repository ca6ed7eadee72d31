//! Single values as the tables hold them. Whole numbers and decimals, which most columns are, are read from their bytes;
//! a library that reads every type from every format takes several times as long.

use chrono::NaiveDateTime;
use rust_decimal::Decimal;
use sea_orm::sqlx::{
    Decode, Postgres, Type, ValueRef as _,
    error::BoxDynError,
    postgres::{PgValueFormat, PgValueRef},
};

/// What a column's value is read as.
pub(super) trait Value<'r>: Type<Postgres> + Sized {
    fn read(raw: PgValueRef<'r>) -> Result<Self, BoxDynError>;
}

macro_rules! as_the_library_reads_it {
    ($($read:ty),+) => {
        $(impl<'r> Value<'r> for $read {
            fn read(raw: PgValueRef<'r>) -> Result<Self, BoxDynError> {
                Self::decode(raw)
            }
        })+
    };
}

as_the_library_reads_it!(&'r str, String, NaiveDateTime, Vec<i32>, Vec<i64>, Vec<NaiveDateTime>);

macro_rules! whole_number {
    ($($number:ty),+) => {
        $(impl<'r> Value<'r> for $number {
            fn read(raw: PgValueRef<'r>) -> Result<Self, BoxDynError> {
                match binary(&raw).and_then(|bytes| bytes.try_into().ok()) {
                    Some(bytes) => Ok(Self::from_be_bytes(bytes)),
                    None => Self::decode(raw),
                }
            }
        })+
    };
}

whole_number!(i32, i64);

impl<'r> Value<'r> for Decimal {
    fn read(raw: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        match binary(&raw).and_then(decimal) {
            Some(decimal) => Ok(decimal),
            None => Self::decode(raw),
        }
    }
}

impl<'r, T: Value<'r>> Value<'r> for Option<T>
where
    Self: Type<Postgres>,
{
    fn read(raw: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        if raw.is_null() { Ok(None) } else { T::read(raw).map(Some) }
    }
}

fn binary<'r>(raw: &PgValueRef<'r>) -> Option<&'r [u8]> {
    match raw.format() {
        PgValueFormat::Binary => raw.as_bytes().ok(),
        PgValueFormat::Text => None,
    }
}

/// A `numeric` in the binary format: how many digits of base 10,000 there are, the power of the first, the sign, and how
/// many decimal places are shown; then the digits, without zeros at either end. `None` where it is not a number, or more
/// than 64 bits hold.
fn decimal(bytes: &[u8]) -> Option<Decimal> {
    const POSITIVE: i16 = 0;
    const NEGATIVE: i16 = 0x4000;
    let mut words = bytes.chunks_exact(2).map(|word| Some(i16::from_be_bytes(word.try_into().ok()?)));
    let mut word = || words.next().flatten();
    let (count, weight, sign, scale) = (word()?, word()?, word()?, word()?);
    if count == 0 && sign == POSITIVE {
        return Some(Decimal::ZERO);
    }
    let mut units: i64 = 0;
    for _ in 0..count {
        units = units.checked_mul(10_000)?.checked_add(word()?.into())?;
    }
    // What the last digit counts, in units of the last decimal place.
    let power = 4 * (i32::from(weight) - i32::from(count) + 1) + i32::from(scale);
    let factor = 10_i64.checked_pow(power.unsigned_abs())?;
    let units = if power >= 0 {
        units.checked_mul(factor)?
    } else if units % factor == 0 {
        units / factor
    } else {
        return None;
    };
    let signed = match sign {
        POSITIVE => units,
        NEGATIVE => -units,
        _ => return None,
    };
    Decimal::try_new(signed, scale.try_into().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use sea_orm::sqlx::{Encode as _, postgres::PgArgumentBuffer};

    use super::*;

    fn encoded(value: Decimal) -> Vec<u8> {
        let mut buffer = PgArgumentBuffer::default();
        let _ = value.encode_by_ref(&mut buffer).unwrap();
        buffer.to_vec()
    }

    #[test]
    fn decimals_are_read_as_they_are_written() {
        let edges = [1, 99, 100, 9_999, 10_000, 10_001, 1_000_000, 123_456_789_012_345, 999_999_999_999_999];
        for units in edges {
            for units in [units, -units] {
                for scale in [0, 1, 2, 3, 4, 5, 8] {
                    let value = Decimal::new(units, scale);
                    let read = decimal(&encoded(value));
                    assert_eq!(read.map(|read| (read, read.scale())), Some((value, scale)), "{value}");
                }
            }
        }
        assert_eq!(decimal(&encoded(Decimal::ZERO)), Some(Decimal::ZERO));
    }

    #[test]
    fn what_does_not_fit_is_left_to_the_library() {
        assert_eq!(decimal(&encoded(Decimal::MAX)), None);
        let not_a_number = [0, 0, 0, 0, 0xc0, 0, 0, 0];
        assert_eq!(decimal(&not_a_number), None);
        for cut in 0..10 {
            assert_eq!(decimal(&encoded(Decimal::new(12_345, 2))[..cut]), None, "{cut}");
        }
    }
}

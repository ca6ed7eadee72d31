//! Values as the tables hold them. What most columns are is read from its bytes; a library that reads every type from
//! every format takes several times as long.

use std::marker::PhantomData;

use chrono::{DateTime, NaiveDateTime};
use rust_decimal::Decimal;
use sea_orm::sqlx::{
    self, Decode, Postgres, Type, ValueRef as _,
    error::BoxDynError,
    postgres::{PgHasArrayType, PgTypeInfo, PgValueFormat, PgValueRef},
};

/// What a column's value is read as.
pub(super) trait Value<'r>: Type<Postgres> + Sized {
    fn read(raw: PgValueRef<'r>) -> Result<Self, BoxDynError>;
}

/// What is read from the bytes that the binary format has for it.
pub(super) trait Binary<'r>: Sized {
    /// `None` where these are not such bytes, or of more than is read here.
    fn of(bytes: &'r [u8]) -> Option<Self>;
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

as_the_library_reads_it!(&'r str, String);

macro_rules! from_its_bytes {
    ($($read:ty),+) => {
        $(impl<'r> Value<'r> for $read {
            fn read(raw: PgValueRef<'r>) -> Result<Self, BoxDynError> {
                match binary(&raw).and_then(Self::of) {
                    Some(value) => Ok(value),
                    None => Self::decode(raw),
                }
            }
        })+
    };
}

from_its_bytes!(i32, i64, Decimal, NaiveDateTime);

macro_rules! whole_number {
    ($($number:ty),+) => {
        $(impl Binary<'_> for $number {
            fn of(bytes: &[u8]) -> Option<Self> {
                Some(Self::from_be_bytes(bytes.try_into().ok()?))
            }
        })+
    };
}

whole_number!(i32, i64);

impl<'r> Binary<'r> for &'r str {
    fn of(bytes: &'r [u8]) -> Option<Self> {
        str::from_utf8(bytes).ok()
    }
}

/// Microseconds from 1970 to 2000, where PostgreSQL begins to count.
const EPOCH: i64 = 946_684_800_000_000;

impl Binary<'_> for NaiveDateTime {
    fn of(bytes: &[u8]) -> Option<Self> {
        let micros = i64::of(bytes)?.checked_add(EPOCH)?;
        DateTime::from_timestamp_micros(micros).map(|instant| instant.naive_utc())
    }
}

impl Binary<'_> for Decimal {
    fn of(bytes: &[u8]) -> Option<Self> {
        decimal(bytes)
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

/// The elements of an array, read one after the other; those of several dimensions as if they were one. NULL is read as an
/// array without any, which is what an aggregate of nothing is.
pub(super) struct Elements<'r, T> {
    bytes: &'r [u8],
    left: usize,
    of: PhantomData<T>,
}

impl<'r, T: Binary<'r>> Elements<'r, T> {
    /// In the binary format: the number of dimensions, whether there are NULLs, the elements' type, then the length and the
    /// first index of each dimension; of each element its length, -1 where it is NULL, and its bytes.
    fn parse(bytes: &'r [u8]) -> Option<Self> {
        const HEADER: usize = 12;
        const OF_A_DIMENSION: usize = 8;
        let number = |at: usize| usize::try_from(i32::of(bytes.get(at..at + 4)?)?).ok();
        let dimensions = number(0)?;
        let mut left = usize::from(dimensions > 0);
        for dimension in 0..dimensions {
            left = left.checked_mul(number(HEADER + OF_A_DIMENSION * dimension)?)?;
        }
        let bytes = bytes.get(HEADER + OF_A_DIMENSION * dimensions..)?;
        // Each has a length at least.
        (left <= bytes.len() / 4).then_some(Self { bytes, left, of: PhantomData })
    }

    /// How many are left.
    pub(super) const fn left(&self) -> usize {
        self.left
    }

    /// The next one; `None` where it is NULL.
    pub(super) fn maybe(&mut self) -> Result<Option<T>, sqlx::Error> {
        self.take().map_err(|fault| sqlx::Error::Decode(fault.into()))
    }

    /// The next one, which is not NULL.
    pub(super) fn next(&mut self) -> Result<T, sqlx::Error> {
        self.maybe()?.ok_or_else(|| sqlx::Error::Decode("an element of an array is NULL".into()))
    }

    fn take(&mut self) -> Result<Option<T>, &'static str> {
        self.left = self.left.checked_sub(1).ok_or("an array has too few elements")?;
        let (length, rest) = self.bytes.split_first_chunk().ok_or("an array is cut off")?;
        let length = i32::from_be_bytes(*length);
        if length == -1 {
            self.bytes = rest;
            return Ok(None);
        }
        let element = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
        let (element, rest) = element.ok_or("an array is cut off")?;
        self.bytes = rest;
        T::of(element).map(Some).ok_or("an element of an array can't be read")
    }
}

impl<'r, T: Binary<'r> + PgHasArrayType> Value<'r> for Elements<'r, T> {
    fn read(raw: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        if raw.is_null() {
            return Ok(Self { bytes: &[], left: 0, of: PhantomData });
        }
        Ok(binary(&raw).and_then(Self::parse).ok_or("it is no array in the binary format")?)
    }
}

impl<T: PgHasArrayType> Type<Postgres> for Elements<'_, T> {
    fn type_info() -> PgTypeInfo {
        T::array_type_info()
    }

    fn compatible(found: &PgTypeInfo) -> bool {
        T::array_compatible(found)
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

    fn elements<'r, T: Binary<'r>>(bytes: &'r [u8]) -> Elements<'r, T> {
        Elements::parse(bytes).unwrap()
    }

    #[test]
    fn elements_are_read_as_they_are_written() {
        let mut buffer = PgArgumentBuffer::default();
        let _ = vec![Some("a"), None, Some(""), Some("채널")].encode_by_ref(&mut buffer).unwrap();
        let mut texts = elements::<&str>(&buffer);
        assert_eq!(texts.next().unwrap(), "a");
        assert_eq!(texts.maybe().unwrap(), None);
        assert_eq!((texts.next().unwrap(), texts.next().unwrap()), ("", "채널"));
        assert!(texts.left() == 0 && texts.maybe().is_err());

        let instants = ["1999-12-31T23:59:59.999999", "2000-01-01T00:00:00", "2026-11-28T09:00:00.123456"];
        let instants: Vec<NaiveDateTime> = instants.iter().map(|text| text.parse().unwrap()).collect();
        let mut buffer = PgArgumentBuffer::default();
        let _ = instants.encode_by_ref(&mut buffer).unwrap();
        let mut read = elements::<NaiveDateTime>(&buffer);
        assert_eq!(instants, [read.next().unwrap(), read.next().unwrap(), read.next().unwrap()]);
    }

    #[test]
    fn rows_of_an_array_follow_each_other() {
        // Two dimensions, no NULL, int4; two rows from 1, one element each from 1; 7 and 8.
        let words = [2, 0, 23, 2, 1, 1, 1, 4, 7, 4, 8_i32];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        let mut numbers = elements::<i32>(&bytes);
        assert_eq!((numbers.next().unwrap(), numbers.next().unwrap()), (7, 8));
        assert_eq!(numbers.left(), 0);
        let empty = [0_u8; 12];
        assert_eq!(elements::<i32>(&empty).left(), 0);
    }

    #[test]
    fn what_is_cut_off_or_null_is_no_element() {
        let words = [1, 1, 23, 2, 1, 4, 7, -1_i32];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        let mut numbers = elements::<i32>(&bytes);
        assert_eq!(numbers.next().unwrap(), 7);
        assert!(numbers.next().is_err(), "NULL");
        assert!(Elements::<i32>::parse(&bytes[..27]).is_none());
        let mut cut = elements::<i32>(&bytes[..28]);
        assert!(cut.next().is_ok() && cut.next().is_err());
        assert!(Elements::<i32>::parse(&bytes[..19]).is_none());
        assert!(Elements::<i32>::parse(&bytes[..3]).is_none());
    }

    #[test]
    fn what_does_not_fit_is_left_to_the_library() {
        assert_eq!(decimal(&encoded(Decimal::MAX)), None);
        let not_a_number = [0, 0, 0, 0, 0xc0, 0, 0, 0];
        assert_eq!(decimal(&not_a_number), None);
        // Infinity.
        assert_eq!(NaiveDateTime::of(&i64::MAX.to_be_bytes()), None);
        for cut in 0..10 {
            assert_eq!(decimal(&encoded(Decimal::new(12_345, 2))[..cut]), None, "{cut}");
        }
    }
}
